//! Lines of SDP (RFC 8866 §5): `x=value`, ended by CRLF; a bare LF is taken too (§9 asks parsers for that).

use std::fmt;

use crate::sdp::error::{Error, Reason};

/// A line we keep but do not look into: `b=AS:500`, `t=0 0`, `c=IN IP4 0.0.0.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The letter in front of `=`.
    pub letter: char,
    /// What stands behind it, verbatim.
    pub value: Box<str>,
}

impl Line {
    /// The line `letter=value`.
    pub fn new(letter: char, value: impl Into<Box<str>>) -> Self {
        Self { letter, value: value.into() }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_fmt(format_args!("{}={}\r\n", self.letter, self.value))
    }
}

/// Walks over the lines of a text.
pub(super) struct Lines<'a> {
    rest: &'a str,
    /// The number of the line given last, 1 for the first.
    pub(super) number: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, number: 0 }
    }

    /// The next line's letter and value; empty lines are skipped, `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(char, &'a str)>, Error> {
        while !self.rest.is_empty() {
            self.number += 1;
            let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            self.rest = rest;
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            return match line.split_at_checked(2) {
                Some((head, value))
                    if head.ends_with('=')
                        && head.starts_with(|letter: char| letter.is_ascii_lowercase()) =>
                {
                    Ok(head.chars().next().map(|letter| (letter, value)))
                }
                _ => Err(self.error(Reason::NotALine)),
            };
        }
        Ok(None)
    }

    pub(super) fn error(&self, reason: Reason) -> Error {
        Error { line: self.number, reason }
    }
}

/// Reads a decimal number: digits only, no sign.
pub(super) fn decimal<T: std::str::FromStr>(text: &str) -> Option<T> {
    if text.starts_with(|first: char| first.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// The text itself where it is one word: neither empty nor with white space or control characters in it.
pub(super) fn word(text: &str) -> Option<&str> {
    let is_word = !text.is_empty() && text.bytes().all(|byte| byte > b' ' && byte != 0x7f);
    is_word.then_some(text)
}

/// Cuts at the first space; the second half is `None` where there is no space.
pub(super) fn cut(text: &str) -> (&str, Option<&str>) {
    match text.split_once(' ') {
        Some((head, rest)) => (head, Some(rest)),
        None => (text, None),
    }
}
