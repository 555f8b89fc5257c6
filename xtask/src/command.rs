//! Running other programs, with what they print passed on and looked at.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// What a program came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it ended with success.
    pub success: bool,
    /// How many tests it said had passed.
    pub passed: usize,
    /// How many tests it said had failed.
    pub failed: usize,
}

/// Runs `command`, prints its standard output as it comes and counts the tests in it.
pub fn run(command: &mut Command) -> Outcome {
    let mut outcome = Outcome::default();
    println!("$ {}", words(command));
    let mut child = match command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            println!("{}: {error}", command.get_program().to_string_lossy());
            return outcome;
        }
    };
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some((passed, failed)) = test_result(&line) {
                outcome.passed += passed;
                outcome.failed += failed;
            }
            // A test that is fine needs no line of its own among a thousand.
            let is_dull = line.is_empty() || line.starts_with("test ") && line.ends_with(" ... ok");
            if !is_dull {
                println!("{line}");
            }
        }
    }
    outcome.success = child.wait().is_ok_and(|status| status.success());
    outcome
}

/// Whether `command` runs and succeeds; nothing of it is printed.
pub fn is_fine(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn words(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Reads `test result: ok. 12 passed; 0 failed; …`.
fn test_result(line: &str) -> Option<(usize, usize)> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut numbers =
        counts.split("; ").map(|part| part.split(' ').next().and_then(|number| number.parse().ok()));
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_the_test_runner_says() {
        let line =
            "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(test_result(line), Some((12, 0)));
        assert_eq!(test_result("test result: FAILED. 3 passed; 2 failed; 0 ignored"), Some((3, 2)));
        assert_eq!(test_result("running 3 tests"), None);
    }

    #[test]
    fn a_program_that_is_not_there_has_failed() {
        assert!(!run(&mut Command::new("/no/such/program")).success);
    }
}
