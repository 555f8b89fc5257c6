//! When a SACK goes (RFC 9260 §6.2): decided when packets are polled, so that a burst of packets gets one.
//!
//! Departs: RFC 9260 §6.2, because it wants a SACK for every second packet; where many come at once, one for all of them
//! says the same and costs both ends less. When the last of a burst has been handled the SACK goes at once, and it is
//! never held back longer than the delay.

use std::time::{Duration, Instant};

/// What came since the last SACK.
#[derive(Debug, Clone)]
pub struct Acks {
    delay: Duration,
    packets: u32,
    is_urgent: bool,
    due: Option<Instant>,
}

impl Acks {
    /// Nothing came; a lone packet waits for another for `delay`.
    pub fn new(delay: Duration) -> Self {
        Self { delay, packets: 0, is_urgent: false, due: None }
    }

    /// A packet with data came.
    pub fn handle_packet(&mut self, now: Instant) {
        self.packets += 1;
        if self.packets >= 2 {
            self.is_urgent = true;
        } else {
            self.due.get_or_insert(now + self.delay);
        }
    }

    /// The next poll sends a SACK: a gap, a duplicate, the I bit, or the window has opened.
    pub fn set_urgent(&mut self) {
        self.is_urgent = true;
    }

    /// Whether a SACK is to go now.
    pub fn is_due(&self, now: Instant) -> bool {
        self.is_urgent || self.due.is_some_and(|due| due <= now)
    }

    /// Whether a packet that goes anyway should carry one.
    pub fn is_wanted(&self) -> bool {
        self.is_urgent || self.packets > 0
    }

    /// When a SACK goes at the latest.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// A SACK has gone.
    pub fn handle_sent(&mut self) {
        (self.packets, self.is_urgent, self.due) = (0, false, None);
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test's time has to begin somewhere")]
mod tests {
    use super::*;

    #[test]
    fn one_packet_waits_two_do_not() {
        let (now, delay) = (Instant::now(), Duration::from_millis(20));
        let mut acks = Acks::new(delay);
        assert!(!acks.is_wanted());
        acks.handle_packet(now);
        assert!(!acks.is_due(now) && acks.is_wanted());
        assert_eq!(acks.poll_timeout(), Some(now + delay));
        assert!(acks.is_due(now + delay));
        acks.handle_packet(now);
        assert!(acks.is_due(now));
        acks.handle_sent();
        assert!(!acks.is_due(now + delay) && acks.poll_timeout().is_none());
        acks.set_urgent();
        assert!(acks.is_due(now));
    }
}
