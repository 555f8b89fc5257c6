//! HEARTBEAT (RFC 9260 §8.3): asks a silent peer whether it is there, and measures the round trip. Those of path
//! discovery are kept apart: when large ones vanish, the peer is not blamed.

use std::time::{Duration, Instant};

/// What a HEARTBEAT carries: enough chance that nobody can answer one that he has not seen.
pub type Nonce = u64;

/// What is asked for and not answered yet.
#[derive(Debug, Clone)]
pub struct Heartbeats {
    interval: Duration,
    due: Option<Instant>,
    asked: Option<(Nonce, Instant)>,
    probe: Option<(Nonce, Instant, usize)>,
}

/// What an answer was to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A question whether the peer is there.
    Heartbeat {
        /// How long the answer took.
        round_trip: Duration,
    },
    /// A probe of this size.
    Probe {
        /// The packet's size.
        size: usize,
        /// How long the answer took.
        round_trip: Duration,
    },
}

impl Heartbeats {
    /// None are sent before [`Heartbeats::handle_active`].
    pub fn new(interval: Duration) -> Self {
        Self { interval, due: None, asked: None, probe: None }
    }

    /// The peer was heard of or spoken to: the silence begins now. `timeout` is the RTO.
    pub fn handle_active(&mut self, now: Instant, timeout: Duration) {
        if self.asked.is_none() {
            self.due = Some(now + self.interval + timeout);
        }
    }

    /// When [`Heartbeats::poll`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Whether a HEARTBEAT is to go now, and whether the one before was not answered.
    pub fn poll(&mut self, now: Instant) -> Option<bool> {
        self.due.filter(|due| *due <= now)?;
        Some(self.asked.take().is_some())
    }

    /// A HEARTBEAT goes with this nonce; unanswered, it is asked again after `timeout`.
    pub fn handle_asked(&mut self, now: Instant, nonce: Nonce, timeout: Duration) {
        self.asked = Some((nonce, now));
        self.due = Some(now + timeout);
    }

    /// A probe of `size` goes with this nonce.
    pub fn handle_probe(&mut self, now: Instant, nonce: Nonce, size: usize) {
        self.probe = Some((nonce, now, size));
    }

    /// A HEARTBEAT ACK came with this information.
    pub fn handle_answer(&mut self, now: Instant, info: &[u8], timeout: Duration) -> Option<Answer> {
        let nonce = Nonce::from_be_bytes(info.try_into().ok()?);
        if let Some((_, sent_at)) = self.asked.filter(|(asked, _)| *asked == nonce) {
            self.asked = None;
            self.due = Some(now + self.interval + timeout);
            return Some(Answer::Heartbeat { round_trip: now.saturating_duration_since(sent_at) });
        }
        let (_, sent_at, size) = self.probe.filter(|(probe, ..)| *probe == nonce)?;
        self.probe = None;
        Some(Answer::Probe { size, round_trip: now.saturating_duration_since(sent_at) })
    }

    /// Nothing is asked any more.
    pub fn stop(&mut self) {
        (self.due, self.asked, self.probe) = (None, None, None);
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test's time has to begin somewhere")]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn asks_after_silence_and_again_when_unanswered() {
        let mut now = Instant::now();
        let mut machine = Heartbeats::new(30 * SECOND);
        assert_eq!(machine.poll_timeout(), None);
        machine.handle_active(now, SECOND);
        assert_eq!(machine.poll(now), None);
        now += 31 * SECOND;
        assert_eq!(machine.poll(now), Some(false));
        machine.handle_asked(now, 7, SECOND);
        now += SECOND;
        assert_eq!(machine.poll(now), Some(true), "unanswered");
        machine.handle_asked(now, 8, SECOND);
        assert_eq!(machine.handle_answer(now, &7_u64.to_be_bytes(), SECOND), None, "an old one");
        assert_eq!(machine.handle_answer(now, b"short", SECOND), None);
        now += SECOND / 2;
        let answer = machine.handle_answer(now, &8_u64.to_be_bytes(), SECOND);
        assert_eq!(answer, Some(Answer::Heartbeat { round_trip: SECOND / 2 }));
        assert_eq!(machine.poll_timeout(), Some(now + 31 * SECOND));
    }

    #[test]
    fn probes_are_known_by_their_nonce() {
        let now = Instant::now();
        let mut machine = Heartbeats::new(30 * SECOND);
        machine.handle_probe(now, 9, 1400);
        let answer = machine.handle_answer(now + SECOND, &9_u64.to_be_bytes(), SECOND);
        assert_eq!(answer, Some(Answer::Probe { size: 1400, round_trip: SECOND }));
    }
}
