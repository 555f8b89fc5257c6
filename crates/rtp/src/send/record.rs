//! A packet as a sender keeps it, before it is sent and after: everything but what is written anew each time (RFC
//! 3550 §5.1). Its body is a slice of the frame.

use std::time::Instant;

use crate::payload::Fragment;

/// One packet of a frame.
#[derive(Debug, Clone)]
pub struct Record {
    /// The payload, and the marker bit.
    pub fragment: Fragment,
    /// In ticks of the codec's clock, the sender's offset added.
    pub timestamp: u32,
    /// Whether it is the first of its frame.
    pub begins: bool,
    /// Whether it is the last of its frame.
    pub ends: bool,
    /// Whether its frame is a key frame.
    pub key: bool,
    /// When its frame was captured.
    pub captured: Instant,
    /// When it was handed in.
    pub queued: Instant,
}
