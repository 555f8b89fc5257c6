//! The laws that one file keeps or breaks by itself.

use std::fmt;
use std::path::PathBuf;

/// A file as read.
#[derive(Debug)]
pub struct Source {
    /// Where it stands.
    pub path: PathBuf,
    /// What stands in it.
    pub text: String,
}

/// A broken law.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

const FILE_LIMIT: usize = 600;
const FACE_LIMIT: usize = 60;
const FUNCTION_LIMIT: usize = 100;
const TESTS_LIMIT: usize = 120;
/// The crates in which time, chance and the network are handed in.
const SANS_IO: [&str; 4] = ["wire", "transport", "rtp", "peer"];
/// The one crate that may say `unsafe`.
const UNSAFE_CRATE: &str = "native";

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path.display(), self.line, self.what)
    }
}

/// Checks one file of the crate in folder `name`.
pub fn check_file(name: &str, source: &Source, faults: &mut Vec<Fault>) {
    let mut fault = |line: usize, what: String| faults.push(Fault { path: source.path.clone(), line, what });
    let lines: Vec<&str> = source.text.lines().collect();
    let is_face = source.path.ends_with("mod.rs");
    if lines.len() > FILE_LIMIT {
        fault(lines.len(), format!("{} lines, {FILE_LIMIT} are the limit", lines.len()));
    }
    if is_face && lines.len() > FACE_LIMIT {
        fault(lines.len(), format!("{} lines in a mod.rs, {FACE_LIMIT} are the limit", lines.len()));
    }
    if !lines.first().is_some_and(|line| line.starts_with("//!")) {
        fault(1, "does not open with //!".into());
    }
    for (first, length) in functions(&lines) {
        if length > FUNCTION_LIMIT {
            fault(first, format!("a function of {length} lines, {FUNCTION_LIMIT} are the limit"));
        }
    }
    let tests_at = lines.iter().position(|line| line.trim() == "mod tests {").unwrap_or(lines.len());
    if lines.len() - tests_at > TESTS_LIMIT {
        fault(tests_at + 1, format!("{} lines of tests: move them to a tests.rs", lines.len() - tests_at));
    }
    for (number, line) in lines.iter().enumerate().take(tests_at) {
        let code = without_text(line);
        if name != UNSAFE_CRATE && has_word(&code, "unsafe") {
            fault(number + 1, "unsafe outside the one crate for it".into());
        }
        if SANS_IO.contains(&name) && source.path.components().any(|part| part.as_os_str() == "src") {
            for forbidden in ["tokio", "std::thread", "UdpSocket", "TcpStream"] {
                if code.contains(forbidden) {
                    fault(number + 1, format!("{forbidden} below the face"));
                }
            }
        }
    }
}

/// The first line (from 1) and the length of each function, by indentation as rustfmt sets it.
fn functions(lines: &[&str]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        if !has_word(line.split('(').next().unwrap_or_default(), "fn") || line.trim_start().starts_with("//")
        {
            continue;
        }
        let closing = format!("{}}}", " ".repeat(indent));
        let ends = lines.iter().skip(number).position(|line| {
            *line == closing
                || (line.trim_end().ends_with(';') && line.len() - line.trim_start().len() == indent)
        });
        found.push((number + 1, ends.unwrap_or(0) + 1));
    }
    found
}

/// `line` without comments and without what stands between quotation marks.
fn without_text(line: &str) -> String {
    let code = line.split("//").next().unwrap_or_default();
    code.split('"').step_by(2).collect()
}

/// Whether `word` stands in `text` by itself.
fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(name: &str, path: &str, text: &str) -> Vec<String> {
        let mut faults = Vec::new();
        check_file(name, &Source { path: path.into(), text: text.into() }, &mut faults);
        faults.into_iter().map(|fault| fault.what).collect()
    }

    #[test]
    fn a_calm_file_has_no_fault() {
        assert_eq!(faults("wire", "src/a.rs", "//! A.\n\nfn f() {\n    g();\n}\n"), [""; 0]);
    }

    #[test]
    fn each_law_is_seen_when_broken() {
        assert_eq!(faults("wire", "src/a.rs", "fn f() {}\n"), ["does not open with //!"]);
        let long = format!("//! A.\n{}", "// x\n".repeat(600));
        assert_eq!(faults("wire", "src/a.rs", &long), ["601 lines, 600 are the limit"]);
        let function = format!("//! A.\nfn f() {{\n{}}}\n", "    g();\n".repeat(100));
        assert_eq!(faults("wire", "src/a.rs", &function), ["a function of 102 lines, 100 are the limit"]);
        assert_eq!(faults("wire", "src/a.rs", "//! A.\nuse tokio::net;\n"), ["tokio below the face"]);
        assert_eq!(faults("media", "src/a.rs", "//! A.\nunsafe { f() }\n").len(), 1);
        assert_eq!(faults("native", "src/a.rs", "//! A.\nunsafe { f() }\n"), [""; 0]);
        let tests = format!("//! A.\nmod tests {{\n{}}}\n", "    // x\n".repeat(120));
        assert_eq!(faults("wire", "src/a.rs", &tests), ["122 lines of tests: move them to a tests.rs"]);
    }
}
