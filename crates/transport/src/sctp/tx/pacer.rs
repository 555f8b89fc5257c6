//! Spreads packets over the round trip, so that a large window is not thrown into a shallow queue.

use std::time::{Duration, Instant};

/// Round trips below this are not paced: timers are no finer, and local queues are deep enough.
const PACED_FROM: Duration = Duration::from_millis(3);
/// How much leaves together: so much time's worth, since one call of the system for many packets is cheap, and what is
/// lost of a burst is lost in one piece, which a SACK tells in few words.
const QUANTUM: Duration = Duration::from_millis(1);
/// How long a burst may have been saved up.
const BURST_TIME: Duration = Duration::from_millis(2);
/// How many packets may always leave together.
const BURST_PACKETS: usize = 10;
/// How much faster than the window asks for, as a fraction: slow start doubles each round, so twice; else a quarter more.
const START_GAIN: (u64, u64) = (2, 1);
const GAIN: (u64, u64) = (5, 4);

/// A bucket of bytes that fills with time.
#[derive(Debug, Clone)]
pub struct Pacer {
    /// Bytes that may leave now; negative once a packet was larger than what was left.
    budget: i64,
    filled: Instant,
    /// Bytes per second; 0 is not paced.
    rate: u64,
    burst: i64,
    /// The budget with which it opens again.
    quantum: i64,
    is_closed: bool,
}

impl Pacer {
    /// Not paced until [`Pacer::set_rate`] says so.
    pub fn new(now: Instant) -> Self {
        Self { budget: 0, filled: now, rate: 0, burst: 0, quantum: 1, is_closed: false }
    }

    /// Follows the window (bytes) and the round trip.
    pub fn set_rate(
        &mut self,
        now: Instant,
        window: usize,
        round_trip: Duration,
        start: bool,
        packet: usize,
    ) {
        self.fill(now);
        if round_trip < PACED_FROM {
            (self.rate, self.is_closed) = (0, false);
            return;
        }
        let (up, down) = if start { START_GAIN } else { GAIN };
        let nanos = u64::try_from(round_trip.as_nanos()).unwrap_or(u64::MAX);
        let rate = u128::from(window as u64 * up / down) * 1_000_000_000 / u128::from(nanos);
        let was_idle = self.rate == 0;
        self.rate = u64::try_from(rate).unwrap_or(u64::MAX).max(1);
        let saved = u128::from(self.rate) * BURST_TIME.as_nanos() / 1_000_000_000;
        self.burst = i64::try_from(saved).unwrap_or(i64::MAX).max((BURST_PACKETS * packet) as i64);
        self.quantum = (self.rate / (1_000_000_000 / QUANTUM.as_nanos() as u64)).max(1) as i64;
        self.budget = if was_idle { self.burst } else { self.budget.min(self.burst) };
    }

    /// Whether a packet may leave now.
    pub fn is_open(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.is_closed &= self.budget < self.quantum;
        self.rate == 0 || !self.is_closed
    }

    /// A packet has left.
    pub fn handle_sent(&mut self, bytes: usize) {
        if self.rate != 0 {
            self.budget -= bytes as i64;
            self.is_closed = self.budget <= 0;
        }
    }

    /// When the next packets may leave; `None` when they may at once.
    pub fn next(&self) -> Option<Instant> {
        if self.rate == 0 || !self.is_closed {
            return None;
        }
        let missing = u128::from((self.quantum - self.budget).max(1).unsigned_abs());
        let nanos = missing * 1_000_000_000 / u128::from(self.rate) + 1;
        let wait = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        Some(self.filled + wait.min(Duration::from_secs(1)))
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.filled);
        if self.rate != 0 && !passed.is_zero() {
            let more = u128::from(self.rate) * passed.as_nanos() / 1_000_000_000;
            if more == 0 {
                return;
            }
            let more = i64::try_from(more).unwrap_or(i64::MAX);
            self.budget = self.budget.saturating_add(more).min(self.burst);
        }
        self.filled = self.filled.max(now);
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test's time has to begin somewhere")]
mod tests {
    use super::*;

    #[test]
    fn a_window_leaves_within_its_round_trip_and_not_at_once() {
        let (mut now, packet) = (Instant::now(), 1200);
        let mut pacer = Pacer::new(now);
        assert!(pacer.is_open(now) && pacer.next().is_none(), "nothing is known: not paced");
        pacer.set_rate(now, 1_250_000, Duration::from_millis(100), false, packet);
        let (began, mut sent, mut at_once) = (now, 0, 0);
        while sent < 1_250_000 {
            if pacer.is_open(now) {
                pacer.handle_sent(packet);
                sent += packet;
                at_once += usize::from(now == began) * packet;
            } else {
                now = pacer.next().expect("closed, so there is a time");
            }
        }
        let took = now - began;
        assert!(at_once <= 34_000, "{at_once} at once");
        assert!(took > Duration::from_millis(70) && took < Duration::from_millis(85), "{took:?}");
    }

    #[test]
    fn short_paths_are_not_paced() {
        let now = Instant::now();
        let mut pacer = Pacer::new(now);
        pacer.set_rate(now, 1_000_000, Duration::from_micros(300), true, 1200);
        for _ in 0..10_000 {
            assert!(pacer.is_open(now));
            pacer.handle_sent(1200);
        }
    }
}
