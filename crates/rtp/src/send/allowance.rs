//! How much may be sent again: as much as the bitrate, so that retransmissions do not crowd out what they repair.

use std::time::Instant;

/// How many payload bytes may be sent again now.
#[derive(Debug)]
pub struct Allowance {
    bytes: u64,
    since: Instant,
}

impl Allowance {
    /// Half a second of `bitrate`.
    pub fn new(now: Instant, bitrate: u64) -> Self {
        Self { bytes: bitrate / 16, since: now }
    }

    /// Whether `bytes` may be sent again now: on average not more than `bitrate`, half a second of it at once.
    pub fn take(&mut self, now: Instant, bitrate: u64, bytes: usize) -> bool {
        let bitrate = bitrate.max(LEAST_ALLOWED_BPS);
        let elapsed = now.saturating_duration_since(self.since).as_micros() as u64;
        let earned = bitrate.saturating_mul(elapsed) / 8_000_000;
        if earned > 0 {
            self.since = now;
            self.bytes = self.bytes.saturating_add(earned).min(bitrate / 16);
        }
        match self.bytes.checked_sub(bytes as u64) {
            Some(left) => self.bytes = left,
            None => return false,
        }
        true
    }
}

/// Retransmissions may take this much, 500 kbit/s, however low the bitrate.
const LEAST_ALLOWED_BPS: u64 = 500_000;
