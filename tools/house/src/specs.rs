//! SPECS.md names files and tests: each must be there, so that the table stays true when they move.

use std::path::{Path, PathBuf};

use crate::law::Fault;

/// The table of what is kept of the standards.
const TABLE: &str = "SPECS.md";

/// Checks the rows of `text`: four columns, files that exist under `root`, tests that stand in `sources`.
pub fn check_table(root: &Path, text: &str, sources: &[String], faults: &mut Vec<Fault>) {
    let mut fault = |line: usize, what: String| faults.push(Fault { path: PathBuf::from(TABLE), line, what });
    for (number, row) in text.lines().enumerate().filter(|(_, line)| line.starts_with("| ")) {
        let columns: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, state, files, tests] = columns[..] else {
            fault(number + 1, format!("{} columns, 4 are the form", columns.len()));
            continue;
        };
        if !["kept", "part", "left out", "departs"].iter().any(|word| state.starts_with(word)) {
            fault(number + 1, "says neither kept, part, left out nor departs".into());
        }
        for file in names(files).filter(|file| !root.join(file).exists()) {
            fault(number + 1, format!("there is no {file}"));
        }
        for test in names(tests).filter(|test| !is_test(test, sources)) {
            fault(number + 1, format!("there is no test {test}"));
        }
    }
}

/// What stands between backquotes.
fn names(column: &str) -> impl Iterator<Item = &str> {
    column.split('`').skip(1).step_by(2)
}

/// Whether a function of this name stands in `sources` under the attribute of a test.
fn is_test(name: &str, sources: &[String]) -> bool {
    let opening = format!("fn {name}(");
    let is_marked = |text: &str, at: usize| {
        let line = text[..at].rfind('\n').unwrap_or(0);
        let above = text[..line].lines().rev();
        above.take_while(|line| line.trim_start().starts_with('#')).any(is_attribute)
    };
    sources.iter().any(|text| text.match_indices(&opening).any(|(at, _)| is_marked(text, at)))
}

fn is_attribute(line: &str) -> bool {
    line.contains("#[test]") || line.contains("#[tokio::test")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_name_files_and_tests_that_are_there() {
        let sources =
            ["#[test]\nfn it_holds() {}\nfn no_test() {}\n#[tokio::test]\nasync fn it_waits() {}\n"
                .to_owned()];
        let check = |row: &str| {
            let mut faults = Vec::new();
            check_table(Path::new(env!("CARGO_MANIFEST_DIR")), row, &sources, &mut faults);
            faults.len()
        };
        assert_eq!(check("| §1 | kept | `src/main.rs` | `it_holds`, `it_waits` |"), 0);
        assert_eq!(check("| §1 | left out: not needed | — | — |"), 0);
        assert_eq!(check("| §1 | kept | `src/gone.rs` | `it_holds` |"), 1);
        assert_eq!(check("| §1 | kept | `src/main.rs` | `it_breaks`, `no_test` |"), 2);
        assert_eq!(check("| §1 | perhaps | `src/main.rs` | `it_holds` |"), 1);
        assert_eq!(check("| §1 | kept | `src/main.rs` |"), 1);
    }
}
