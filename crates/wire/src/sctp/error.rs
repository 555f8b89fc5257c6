//! Why bytes are no SCTP packet, or a part of one is none.

use crate::cursor::Truncated;

/// Why bytes are no SCTP packet, chunk or parameter that we can read (RFC 9260 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A field or a list lies beyond the end of what holds it: counts overstated, or a length beyond the end.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// A chunk, parameter or cause states a length that does not even hold its own header of four bytes.
    #[error("a length of {0} bytes stated, less than its header")]
    Length(u16),
    /// The CRC32c is not that of the packet (RFC 9260 §6.8).
    #[error("wrong checksum")]
    Checksum,
    /// There is no chunk behind the common header.
    #[error("no chunk")]
    Empty,
    /// A field has a value that its chunk does not allow.
    #[error("bad {0}")]
    Field(&'static str),
}
