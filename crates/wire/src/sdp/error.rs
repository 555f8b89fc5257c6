//! Why a text is not a session description.

/// A line that does not parse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Error {
    /// 1 for the first line; 0 where the text is a single value, such as a candidate.
    pub line: usize,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// It is not `x=value`.
    #[error("not a line of the form x=value")]
    NotALine,
    /// It stands where RFC 8866 §5 does not allow it.
    #[error("line {0}= is out of order")]
    OutOfOrder(char),
    /// A required line is missing.
    #[error("line {0}= is missing")]
    Missing(char),
    /// A field is missing or does not parse.
    #[error("bad {0}")]
    Field(&'static str),
    /// The text is larger than we take.
    #[error("{len} bytes, {limit} are the limit")]
    TooLarge {
        /// Its size in bytes.
        len: usize,
        /// Our limit.
        limit: usize,
    },
}
