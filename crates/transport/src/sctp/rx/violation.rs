//! Why a chunk cannot be right, or cannot be taken: what the peer is told then (RFC 9260 §3.3.10).

use bytes::Bytes;
use peerless_wire::sctp::{Cause, StreamId, Tsn};

/// What is wrong with a chunk that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    /// A stream beyond those negotiated: the chunk is dropped, the peer is told by an ERROR, the association goes on
    /// (RFC 9260 §6.5). All others end it.
    #[error("stream {0} was not negotiated")]
    InvalidStream(StreamId),
    /// A chunk without payload (RFC 9260 §6.2).
    #[error("chunk without user data")]
    NoUserData(Tsn),
    /// DATA where I-DATA was negotiated, or the other way round (RFC 8260 §2.2.1).
    #[error("chunk of the kind that was not negotiated")]
    WrongKind,
    /// A message grows beyond what we take (RFC 8841 §6.1).
    #[error("message larger than {limit} bytes")]
    TooLarge {
        /// How large it may be.
        limit: usize,
    },
    /// Fragments do not make a message: the words say how.
    #[error("{0}")]
    Fragments(&'static str),
    /// All room is taken by parts of messages that could never be made whole.
    #[error("no room for the rest of any message")]
    Stuck,
}

impl Violation {
    /// Whether the association must end.
    pub(crate) fn is_fatal(self) -> bool {
        !matches!(self, Self::InvalidStream(_))
    }

    /// What the peer is told.
    pub(crate) fn cause(self) -> Cause {
        match self {
            Self::InvalidStream(stream) => Cause::InvalidStream(stream),
            Self::NoUserData(tsn) => Cause::NoUserData(tsn),
            Self::Stuck => Cause::OutOfResource,
            Self::WrongKind => Cause::ProtocolViolation(Bytes::from_static(b"not negotiated")),
            Self::TooLarge { .. } => Cause::ProtocolViolation(Bytes::from_static(b"message too large")),
            Self::Fragments(how) => Cause::ProtocolViolation(Bytes::from_static(how.as_bytes())),
        }
    }

    /// In words.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::InvalidStream(_) => "stream was not negotiated",
            Self::NoUserData(_) => "chunk without user data",
            Self::WrongKind => "chunk of the kind that was not negotiated",
            Self::TooLarge { .. } => "message too large",
            Self::Fragments(how) => how,
            Self::Stuck => "no room for the rest of any message",
        }
    }
}
