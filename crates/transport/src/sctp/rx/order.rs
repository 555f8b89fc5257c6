//! How a message stands to the others of its stream: by SSN in DATA, by message id in I-DATA, or not at all.

use peerless_wire::sctp::{MessageId, Ssn};

/// The place of a message in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// None: it is delivered when it is whole.
    Unordered,
    /// By the stream sequence number (RFC 9260 §6.6).
    Ssn(Ssn),
    /// By the message id (RFC 8260 §2.1).
    Message(MessageId),
}

/// Where extended numbers start: above zero, so that older ones have their place.
pub(crate) const FIRST: u64 = 1 << 32;

impl Order {
    /// The number, extended to the one nearest to `next`; `None` where there is no order.
    pub(crate) fn near(self, next: u64) -> Option<u64> {
        let ahead = match self {
            Self::Unordered => return None,
            Self::Ssn(ssn) => i64::from(ssn.since(Ssn(next as u16))),
            Self::Message(message) => i64::from(message.since(MessageId(next as u32))),
        };
        Some(next.saturating_add_signed(ahead))
    }
}
