//! What every engine can do.

use std::time::{Duration, Instant};

use bytes::Bytes;

/// How a message is to be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delivery {
    /// As soon as it is whole, whatever was sent before.
    pub unordered: bool,
    /// Given up after so many retransmissions.
    pub retransmissions: Option<u16>,
    /// Given up after this time.
    pub lifetime: Option<Duration>,
}

/// A message that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// On which stream.
    pub stream: u16,
    /// Its bytes.
    pub payload: Bytes,
}

/// One end of an association.
pub trait Engine {
    /// Opens it. The other end may do so too.
    fn connect(&mut self, now: Instant);
    /// Whether messages flow.
    fn is_connected(&self) -> bool;
    /// Whether it has ended.
    fn is_closed(&self) -> bool;
    /// Queues a message; false where it has no room now.
    fn send(&mut self, now: Instant, stream: u16, payload: &Bytes, delivery: Delivery) -> bool;
    /// Resets its direction of a stream.
    fn reset(&mut self, now: Instant, stream: u16);
    /// Streams that the other end has reset.
    fn poll_reset_by_peer(&mut self) -> Option<u16>;
    /// Streams of its own whose reset is done.
    fn poll_reset_done(&mut self) -> Option<u16>;
    /// Ends it when all was delivered.
    fn shutdown(&mut self, now: Instant);
    /// A packet came.
    fn handle_packet(&mut self, now: Instant, packet: Bytes);
    /// The next packet to send.
    fn poll_packet(&mut self, now: Instant) -> Option<Bytes>;
    /// The next message.
    fn poll_message(&mut self, now: Instant) -> Option<Received>;
    /// When it wants to be woken.
    fn poll_timeout(&self) -> Option<Instant>;
    /// It is woken.
    fn handle_timeout(&mut self, now: Instant);
    /// Whether messages are interleaved, as far as it tells.
    fn is_interleaving(&self) -> bool;
    /// Whether it sends packets without checksum, as far as it tells.
    fn is_without_checksum(&self) -> bool;
}
