//! What a user sends and receives: messages, and what is promised about their delivery (RFC 3758, RFC 8831 §6.6).

use std::time::Duration;

use bytes::Bytes;
use peerless_wire::sctp::{Ppid, StreamId};

/// A whole message that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The stream on which it came.
    pub stream: StreamId,
    /// What it is, by its sender's word.
    pub ppid: Ppid,
    /// Its bytes, never empty: SCTP carries no empty messages.
    pub payload: Bytes,
    /// Whether it was sent without order.
    pub unordered: bool,
}

/// How hard it is tried to deliver a message (RFC 3758 §4, RFC 7496 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reliability {
    /// Until it is there, or the association has failed.
    #[default]
    Reliable,
    /// For this long after it was handed over.
    Lifetime(Duration),
    /// With this many retransmissions of each of its packets; 0 is one try.
    Retransmissions(u32),
}

/// How a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendOptions {
    /// Whether it comes after all ordered messages that were sent before on the same stream. True.
    pub ordered: bool,
    /// How hard it is tried.
    pub reliability: Reliability,
}

impl Default for SendOptions {
    fn default() -> Self {
        Self { ordered: true, reliability: Reliability::Reliable }
    }
}

/// Why a message was not taken. Nothing has changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The send buffer is full. Sending can go on when it has emptied.
    #[error("send buffer full: {buffered} bytes of {limit} wait")]
    Full {
        /// How many bytes wait, sent or not, without having been acknowledged.
        buffered: usize,
        /// How many may.
        limit: usize,
    },
    /// An empty payload: SCTP has no such messages (RFC 8831 §6.6 tells how WebRTC sends them).
    #[error("message without payload")]
    Empty,
    /// The peer takes no such stream.
    #[error("stream {stream} is not among the {negotiated} negotiated")]
    NoSuchStream {
        /// The stream asked for.
        stream: u16,
        /// How many streams there are, numbered from 0.
        negotiated: u16,
    },
    /// The stream is being reset; it can be used again once the reset is done.
    #[error("stream is being reset")]
    Resetting,
    /// The association is shutting down or has ended.
    #[error("association is closed")]
    Closed,
}
