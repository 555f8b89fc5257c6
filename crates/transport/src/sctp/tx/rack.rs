//! Which chunks count as lost: RACK (RFC 8985 §6), its ideas applied to TSNs.
//!
//! A chunk is lost when one that was sent sufficiently later has been delivered: later by the reordering window. Chunks
//! are lost one by one, retransmissions too, so no loss waits for the retransmission timer but the last.

use std::time::{Duration, Instant};

/// How many chunks must have been delivered beyond a hole before the window is not waited for, unless reordering has
/// been seen (RFC 8985 §6.2 step 4).
const DUPLICATE_THRESHOLD: u64 = 3;
/// How many round trips the widened window lasts without another needless retransmission.
const WIDENED_ROUNDS: u64 = 16;
/// How far it widens: in quarters of the least round trip.
const MAX_WIDTH: u32 = 32;

/// The newest delivery, and how far packets may overtake each other.
#[derive(Debug, Clone, Default)]
pub struct Rack {
    /// When the chunk was sent that was sent last of all delivered, and its number.
    newest: Option<(Instant, u64)>,
    round_trip: Duration,
    /// The least round trip of the path.
    least: Duration,
    /// The timer ran out, perhaps too early: deliveries of what was sent again up to then may be those of the first
    /// transmission.
    doubtful_to: Option<Instant>,
    has_reordering: bool,
    /// The window in quarters of the least round trip, less one, and the round in which it was widened.
    widened: Option<(u32, u64)>,
}

impl Rack {
    /// A chunk was delivered that had been sent then.
    pub fn handle_delivered(&mut self, now: Instant, sent_at: Instant, number: u64) {
        if self.newest.is_none_or(|newest| (sent_at, number) > newest) {
            self.newest = Some((sent_at, number));
            self.round_trip = now.saturating_duration_since(sent_at);
        }
    }

    /// Before a SACK: the least round trip of the path, and until when retransmissions were perhaps for nothing.
    pub fn set_path(&mut self, least: Duration, doubtful_to: Option<Instant>) {
        (self.least, self.doubtful_to) = (least, doubtful_to);
    }

    /// Whether the delivery of a chunk tells when it was sent: one that was sent again, and is there sooner than the
    /// path allows, is there by an earlier transmission (§6.2 step 2).
    pub fn is_telling(&self, now: Instant, sent_at: Instant, transmissions: u32) -> bool {
        let is_sure = self.doubtful_to.is_none_or(|until| sent_at > until);
        transmissions == 1 || (is_sure && now.saturating_duration_since(sent_at) >= self.least)
    }

    /// A chunk was delivered late, though sent once: packets overtake each other here.
    pub fn handle_reordering(&mut self) {
        self.has_reordering = true;
    }

    /// The peer has told of a duplicate: a retransmission was too early (§6.2 step 4, DSACK).
    pub fn handle_duplicate(&mut self, round: u64) {
        self.has_reordering = true;
        let (width, since) = self.widened.unwrap_or((0, 0));
        if self.widened.is_none() || since < round {
            self.widened = Some(((width + 1).min(MAX_WIDTH), round));
        }
    }

    /// How long after a later one a chunk may still come. `beyond`: how many are delivered beyond the first hole.
    pub fn window(&self, smoothed: Duration, beyond: u64, round: u64) -> Duration {
        if !self.has_reordering && beyond >= DUPLICATE_THRESHOLD {
            return Duration::ZERO;
        }
        let width = match self.widened {
            Some((width, since)) if round.saturating_sub(since) < WIDENED_ROUNDS => 1 + width,
            _ => 1,
        };
        (self.least / 4 * width).min(smoothed)
    }

    /// When a chunk that is still on its way is to be taken for lost: `None` while nothing sent later was delivered.
    pub fn deadline(&self, sent_at: Instant, number: u64, window: Duration) -> Option<Instant> {
        let newest = self.newest?;
        ((sent_at, number) < newest).then(|| sent_at + self.round_trip + window)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test's time has to begin somewhere")]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_chunk_is_lost_when_a_later_one_came_and_the_window_has_passed() {
        let began = Instant::now();
        let mut rack = Rack::default();
        assert_eq!(rack.deadline(began, 1, MS), None);
        rack.handle_delivered(began + 40 * MS, began, 2);
        assert_eq!(rack.deadline(began, 1, 10 * MS), Some(began + 50 * MS));
        assert_eq!(rack.deadline(began, 3, 10 * MS), None, "was sent later");
        assert_eq!(rack.deadline(began + MS, 1, 10 * MS), None, "was sent again later");
        rack.set_path(30 * MS, None);
        assert!(rack.is_telling(began + 40 * MS, began + 10 * MS, 2));
        assert!(!rack.is_telling(began + 40 * MS, began + 11 * MS, 2), "the first transmission has come");
        rack.set_path(30 * MS, Some(began + 10 * MS));
        assert!(!rack.is_telling(began + 40 * MS, began + 10 * MS, 2), "the timer may have been too early");
        assert!(rack.is_telling(began + 41 * MS, began + 11 * MS, 2), "that was afterwards");
    }

    #[test]
    fn the_window_is_nothing_after_three_unless_packets_overtake_each_other() {
        let mut rack = Rack::default();
        rack.set_path(40 * MS, None);
        assert_eq!(rack.window(50 * MS, 2, 0), 10 * MS);
        assert_eq!(rack.window(50 * MS, 3, 0), Duration::ZERO);
        rack.handle_reordering();
        assert_eq!(rack.window(50 * MS, 3, 0), 10 * MS);
        rack.handle_duplicate(5);
        rack.handle_duplicate(5);
        assert_eq!(rack.window(50 * MS, 3, 6), 20 * MS, "once a round");
        for round in 6..40 {
            rack.handle_duplicate(round);
        }
        assert_eq!(rack.window(50 * MS, 3, 40), 50 * MS, "never beyond a round trip");
        assert_eq!(rack.window(50 * MS, 3, 60), 10 * MS, "and not for ever");
    }
}
