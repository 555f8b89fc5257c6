//! When a key frame is asked for (PLI, RFC 4585 §6.3.1; FIR, RFC 5104 §4.3.1): when pictures are held back for want of
//! one, and again after a while if none came.

use std::time::{Duration, Instant};

/// What a receiver of pictures knows of the key frames it asked for.
#[derive(Debug, Default)]
pub struct KeyFrameRequests {
    is_wanted: bool,
    /// When one was asked for last.
    asked: Option<Instant>,
    /// The number of the last FIR command (RFC 5104 §4.3.1.2); wraps.
    command: u8,
}

impl KeyFrameRequests {
    /// A key frame is wanted, until one came.
    pub fn want(&mut self) {
        self.is_wanted = true;
    }

    /// A key frame has begun to come at `now`: before another is asked for, it has time to become whole.
    pub fn begins(&mut self, now: Instant) {
        self.asked = self.asked.map(|asked| asked.max(now));
    }

    /// A key frame came: one that was wanted is not any more.
    pub fn came(&mut self) {
        self.is_wanted = false;
        self.asked = None;
    }

    /// Whether to ask now, and then that counts as done: not again before half a round trip more than `rtt`, or 200 ms,
    /// has passed.
    pub fn take_due(&mut self, now: Instant, rtt: Duration) -> bool {
        let is_due = self.is_wanted && self.poll_timeout(rtt).is_none_or(|due| due <= now);
        if is_due {
            self.asked = Some(now);
        }
        is_due
    }

    /// When to ask again, if one is wanted and was asked for.
    pub fn poll_timeout(&self, rtt: Duration) -> Option<Instant> {
        self.asked.filter(|_| self.is_wanted).map(|asked| asked + (rtt + rtt / 2).max(SHORTEST_INTERVAL))
    }

    /// The number for the next FIR command.
    pub fn next_command(&mut self) -> u8 {
        self.command = self.command.wrapping_add(1);
        self.command
    }
}

/// The shortest time between two requests.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::start;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn asks_at_once_and_again_after_a_while_until_one_came() {
        let (start, rtt) = (start(), 400 * MS);
        let mut requests = KeyFrameRequests::default();
        assert!(!requests.take_due(start, rtt));
        requests.want();
        assert!(requests.take_due(start, rtt));
        requests.want();
        assert_eq!(requests.poll_timeout(rtt), Some(start + 600 * MS));
        assert!(!requests.take_due(start + 599 * MS, rtt));
        assert!(requests.take_due(start + 600 * MS, rtt));
        requests.came();
        assert_eq!(requests.poll_timeout(rtt), None);
        assert!(!requests.take_due(start + 1200 * MS, rtt));
    }

    #[test]
    fn one_that_has_begun_has_time_to_become_whole() {
        let (start, rtt) = (start(), 400 * MS);
        let mut requests = KeyFrameRequests::default();
        requests.want();
        requests.begins(start);
        assert!(requests.take_due(start, rtt), "that one came by itself");
        requests.begins(start + 500 * MS);
        assert!(!requests.take_due(start + 1099 * MS, rtt));
        assert!(requests.take_due(start + 1100 * MS, rtt));
    }

    #[test]
    fn a_key_frame_ends_the_want() {
        let start = start();
        let mut requests = KeyFrameRequests::default();
        requests.want();
        requests.came();
        assert!(!requests.take_due(start, MS));
        requests.want();
        assert!(requests.take_due(start, MS));
    }
}
