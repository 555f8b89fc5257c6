//! What a sender has counted, and where its RTP clock stands: what its reports are made of (RFC 3550 §6.4.1).

use std::time::{Duration, Instant};

/// Packets of one kind that were sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Packets.
    pub packets: u64,
    /// Payload bytes.
    pub bytes: u64,
    /// Bytes of headers and extensions.
    pub header_bytes: u64,
}

impl Counts {
    /// One packet more.
    pub fn add(&mut self, header: usize, payload: usize) {
        self.packets += 1;
        self.bytes += payload as u64;
        self.header_bytes += header as u64;
    }
}

/// The timestamp at `now` on an RTP clock that stood at `timestamp` at `then`.
pub fn extrapolate(timestamp: u32, then: Instant, now: Instant, clock_rate: u32) -> u32 {
    let ticks = |span: Duration| (span.as_nanos() * u128::from(clock_rate) / 1_000_000_000) as u32;
    match now.checked_duration_since(then) {
        Some(since) => timestamp.wrapping_add(ticks(since)),
        None => timestamp.wrapping_sub(ticks(then.duration_since(now))),
    }
}
