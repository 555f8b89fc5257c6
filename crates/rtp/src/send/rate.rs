//! What an encoder really gives, so that pacing keeps up with one that was never told what to give.

use std::time::{Duration, Instant};

/// The bitrate of frames handed in: the larger of the last two spans of half a second, so that a span without a key
/// frame does not slow the next one that has one.
#[derive(Debug)]
pub struct Rate {
    since: Instant,
    bytes: u64,
    last_bps: u64,
    before_bps: u64,
}

impl Rate {
    /// Nothing was handed in yet.
    pub fn new(now: Instant) -> Self {
        Self { since: now, bytes: 0, last_bps: 0, before_bps: 0 }
    }

    /// Takes account of a frame of `bytes`.
    pub fn count(&mut self, now: Instant, bytes: usize) {
        let span = now.saturating_duration_since(self.since);
        if span >= SPAN {
            let milliseconds = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
            self.before_bps = self.last_bps;
            self.last_bps = self.bytes.saturating_mul(8000) / milliseconds.max(1);
            self.bytes = 0;
            self.since = now;
        }
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// The bitrate, bit/s; 0 until the first span is over.
    pub fn bps(&self) -> u64 {
        self.last_bps.max(self.before_bps)
    }
}

/// Over how long a rate is taken.
const SPAN: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::start;

    #[test]
    fn follows_what_is_handed_in_within_a_second_and_falls_again() {
        let start = start();
        let mut rate = Rate::new(start);
        let mut give = |millisecond: u64, bytes: usize| {
            rate.count(start + Duration::from_millis(millisecond), bytes);
            rate.bps()
        };
        (0..5).for_each(|frame| assert_eq!(give(frame * 100, 50_000), 0));
        assert_eq!(give(500, 50_000), 4_000_000);
        (6..10).for_each(|frame| assert_eq!(give(frame * 100, 5_000), 4_000_000));
        assert_eq!(give(1000, 5_000), 4_000_000, "the span before had a key frame");
        assert_eq!(give(1500, 5_000), 1_120_000, "50 000 and 4 times 5000 bytes");
        assert_eq!(give(11_500, 0), 80_000);
        assert_eq!(give(12_000, 0), 4_000);
    }
}
