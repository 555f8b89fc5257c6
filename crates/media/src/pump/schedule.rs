//! When frames are due: at fixed times from a start, so that no rounding and no lateness adds up.

use std::time::{Duration, Instant};

/// A row of times, `numerator / denominator` seconds apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    start: Instant,
    numerator: u64,
    denominator: u64,
    /// The number that comes next.
    next: u64,
    /// How many frames late one may be before frames are left out.
    patience: u64,
}

impl Schedule {
    /// From `start` on, one frame every `numerator / denominator` seconds; frames are left out when they would come
    /// more than `patience` frames late.
    pub(crate) fn new(start: Instant, (numerator, denominator): (u32, u32), patience: u64) -> Self {
        let (numerator, denominator) = (u64::from(numerator.max(1)), u64::from(denominator.max(1)));
        Self { start, numerator, denominator, next: 0, patience }
    }

    /// When the next frame is due.
    pub(crate) fn due(&self) -> Instant {
        self.start + self.offset()
    }

    /// The same, since the start.
    pub(crate) fn offset(&self) -> Duration {
        let nanos =
            u128::from(self.next) * u128::from(self.numerator) * 1_000_000_000 / u128::from(self.denominator);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The number of the next frame.
    pub(crate) fn number(&self) -> u64 {
        self.next
    }

    /// Goes on behind the frame that was done, past those that it is too late for; returns how many these are.
    pub(crate) fn advance(&mut self, now: Instant) -> u64 {
        self.next += 1;
        let elapsed = now.saturating_duration_since(self.start).as_nanos();
        let current = elapsed * u128::from(self.denominator) / (u128::from(self.numerator) * 1_000_000_000);
        let current = u64::try_from(current).unwrap_or(u64::MAX);
        // One that is due right now is not late.
        let late = current.saturating_sub(self.next);
        if late <= self.patience {
            return 0;
        }
        self.next = current;
        late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_a_second_stay_thirty_a_second_for_a_day() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, (1, 30), 0);
        for _ in 0..30 * 86_400 {
            let due = schedule.due();
            assert_eq!(schedule.advance(due), 0);
        }
        assert_eq!(schedule.offset(), Duration::from_secs(86_400));
    }

    #[test]
    fn what_is_late_is_left_out_and_nothing_comes_in_a_burst() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, (1, 100), 0);
        let at = |ms: u64| start + Duration::from_millis(ms);
        assert_eq!(schedule.advance(at(9)), 0);
        assert_eq!(schedule.advance(at(25)), 0, "frame 2 is due since 5 ms");
        assert_eq!(schedule.number(), 2);
        assert_eq!(schedule.advance(at(158)), 12, "3 to 14");
        assert_eq!((schedule.number(), schedule.due()), (15, at(150)));
        assert_eq!(schedule.advance(at(159)), 0);
        assert_eq!(schedule.due(), at(160));
    }

    #[test]
    fn a_little_lateness_is_made_up_for_where_patience_allows() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, (960, 48_000), 3);
        let at = |ms: u64| start + Duration::from_millis(ms);
        assert_eq!(schedule.advance(at(85)), 0, "1 to 4 are due, 1 is three late");
        assert_eq!(schedule.number(), 1);
        assert_eq!(schedule.advance(at(200)), 8, "2 to 9");
        assert_eq!(schedule.number(), 10);
    }
}
