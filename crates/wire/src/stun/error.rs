//! Why bytes are not a STUN message.

use crate::cursor::Truncated;

/// Why a datagram is not a STUN message we can read (RFC 8489 §6.3). Such a datagram is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It ends too soon.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// The first two bits are not zero, or the magic cookie is missing (RFC 8489 §5).
    #[error("not a STUN message")]
    NotStun,
    /// The length in the header is not that of the datagram, or no multiple of four.
    #[error("length {stated} stated, {actual} bytes follow the header")]
    Length {
        /// What the header says, in bytes.
        stated: usize,
        /// How many bytes follow the header.
        actual: usize,
    },
    /// A comprehension-required attribute has a value that its type does not allow.
    #[error("bad value of attribute {0:#06x}")]
    Attribute(u16),
    /// An attribute follows FINGERPRINT, which must be the last (RFC 8489 §14.7).
    #[error("an attribute follows FINGERPRINT")]
    AfterFingerprint,
    /// The CRC in FINGERPRINT is wrong (RFC 8489 §14.7).
    #[error("wrong fingerprint")]
    Fingerprint,
}
