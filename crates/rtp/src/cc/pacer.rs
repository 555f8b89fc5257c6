//! Paces packets: what is sent drains at a rate, and while more than a few milliseconds' worth has not drained,
//! paced packets wait (RFC 8085 §3.1.5.2 asks UDP senders for as much; the rates are those WebRTC senders use).

use std::time::{Duration, Instant};

/// A leaky bucket. It is *open* until more than [`BURST`] has been sent ahead of the rate, then *held* until that has
/// drained: so packets leave in small batches, which one system call can carry.
#[derive(Debug, Clone)]
pub struct Pacer {
    rate_bps: u64,
    /// When all that was sent will have drained.
    drained: Option<Instant>,
    held: bool,
}

impl Pacer {
    /// An open one that drains at `rate_bps` bit/s (at least 1).
    pub fn new(rate_bps: u64) -> Self {
        Self { rate_bps: rate_bps.max(1), drained: None, held: false }
    }

    /// Drains at `rate_bps` bit/s (at least 1) from now on; what was sent before is not reckoned again.
    pub fn set_rate(&mut self, rate_bps: u64) {
        self.rate_bps = rate_bps.max(1);
    }

    /// Whether a paced packet may leave at `now`.
    pub fn is_open(&mut self, now: Instant) -> bool {
        if self.drained.is_none_or(|drained| drained <= now) {
            self.held = false;
        }
        !self.held
    }

    /// Takes account of `bytes` that left, paced or not.
    pub fn sent(&mut self, now: Instant, bytes: usize) {
        let start = self.drained.map_or(now, |drained| drained.max(now));
        let nanoseconds = bytes as u64 * 8 * 1_000_000_000 / self.rate_bps;
        let drained = start + Duration::from_nanos(nanoseconds).min(LONGEST_DEBT);
        self.drained = Some(drained);
        self.held |= drained > now + BURST;
    }

    /// When it opens, if it is held.
    pub fn opens(&self) -> Option<Instant> {
        self.drained.filter(|_| self.held)
    }
}

/// The rate, bit/s, at which packets leave when encoders are asked for `target_bps` and `queued` bytes wait: 2.5
/// times the target, so that a large key frame spreads over some ten milliseconds without delaying the frames after
/// it for long; at least [`FLOOR_BPS`]; and enough that what waits leaves within [`DRAIN`].
pub fn pacing_rate(target_bps: u64, queued: usize) -> u64 {
    let drain_bps = queued as u64 * 8 * 1000 / DRAIN.as_millis() as u64;
    (target_bps.saturating_mul(5) / 2).max(FLOOR_BPS).max(drain_bps)
}

/// What may leave at once, as time at the rate.
const BURST: Duration = Duration::from_millis(5);

/// The longest that one packet may keep the pacer held, whatever the rate.
const LONGEST_DEBT: Duration = Duration::from_millis(100);

/// The slowest pacing, 1 Mbit/s: a packet of 1200 bytes each 10 ms.
const FLOOR_BPS: u64 = 1_000_000;

/// The longest that a packet should wait in the pacer.
const DRAIN: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::start;

    #[test]
    fn lets_a_burst_go_and_then_keeps_to_the_rate() {
        let start = start();
        let mut pacer = Pacer::new(8_000_000);
        let mut sent = Vec::new();
        for millisecond in 0..100 {
            let now = start + Duration::from_millis(millisecond);
            while pacer.is_open(now) {
                pacer.sent(now, 1000);
                sent.push(millisecond);
            }
        }
        // 1000 bytes take 1 ms at this rate: 6 pass 5 ms, and again when they have drained.
        assert_eq!(sent.iter().filter(|at| **at == 0).count(), 6);
        assert_eq!(sent.iter().filter(|at| **at < 6).count(), 6);
        assert!((100..=106).contains(&sent.len()), "{}", sent.len());
    }

    #[test]
    fn tells_when_it_opens() {
        let start = start();
        let mut pacer = Pacer::new(8_000_000);
        assert_eq!(pacer.opens(), None);
        pacer.sent(start, 20_000);
        assert_eq!(pacer.opens(), Some(start + Duration::from_millis(20)));
        assert!(!pacer.is_open(start + Duration::from_millis(19)));
        assert!(pacer.is_open(start + Duration::from_millis(20)));
    }

    #[test]
    fn rate_is_two_and_a_half_times_the_target_or_what_the_queue_needs() {
        assert_eq!(pacing_rate(2_000_000, 0), 5_000_000);
        assert_eq!(pacing_rate(10_000, 0), FLOOR_BPS);
        assert_eq!(pacing_rate(2_000_000, 250_000), 8_000_000);
    }
}
