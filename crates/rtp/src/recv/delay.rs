//! How unevenly packets travel: from when each came and the moment of the sender's clock it stands for, how long it
//! takes to catch nearly all that come, and no outlier.
//!
//! Only differences count, as the two clocks have nothing to do with each other. The transit of a packet, in
//! nanoseconds above or below some first one, is gathered as the least and the largest of short intervals. The window of
//! the latest intervals tells the least transit, which follows the drift of the clocks, and the one that all but a few
//! intervals stay within, which is what a jitter buffer must wait for.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The transits of one source over the last while.
#[derive(Debug, Clone, Default)]
pub struct Delays {
    intervals: VecDeque<Interval>,
    low: i64,
    high: i64,
}

#[derive(Debug, Clone, Copy)]
struct Interval {
    began: Instant,
    low: i64,
    high: i64,
}

impl Delays {
    /// Takes account of a packet that came at `now` and took `transit` nanoseconds.
    pub fn handle(&mut self, now: Instant, transit: i64) {
        match self.intervals.back_mut() {
            Some(last) if now < last.began + INTERVAL => {
                last.low = last.low.min(transit);
                last.high = last.high.max(transit);
                if (self.low..=self.high).contains(&transit) {
                    return;
                }
            }
            _ => {
                if self.intervals.len() == WINDOW {
                    self.intervals.pop_front();
                }
                self.intervals.push_back(Interval { began: now, low: transit, high: transit });
            }
        }
        self.measure();
    }

    /// The least transit of the window.
    pub fn low(&self) -> i64 {
        self.low
    }

    /// The transit that all intervals of the window stay within but for one in [`INTERVALS_PER_OUTLIER`]; of few, all.
    pub fn high(&self) -> i64 {
        self.high
    }

    /// Forgets all: transits will be told from another first one.
    pub fn clear(&mut self) {
        self.intervals.clear();
    }

    fn measure(&mut self) {
        let mut highs = [i64::MIN; WINDOW];
        for (high, interval) in highs.iter_mut().zip(&self.intervals) {
            *high = interval.high;
        }
        let outliers = self.intervals.len() / INTERVALS_PER_OUTLIER;
        self.low = self.intervals.iter().map(|interval| interval.low).min().unwrap_or(0);
        self.high = *highs.select_nth_unstable_by(outliers, |one, other| other.cmp(one)).1;
    }
}

/// How long transits are gathered into one.
const INTERVAL: Duration = Duration::from_millis(100);

/// So many intervals are remembered: 13 s of media without pauses.
const WINDOW: usize = 128;

/// One interval in so many may be worse than what is waited for. What shows in two is no outlier, so a change for the
/// worse counts at once with its second interval.
const INTERVALS_PER_OUTLIER: usize = 65;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::start;

    const MS: Duration = Duration::from_millis(1);

    /// Feeds one packet each 20 ms with the transits `of`, in milliseconds.
    fn feed(delays: &mut Delays, from: Instant, count: u32, of: impl Fn(u32) -> i64) -> Instant {
        for step in 0..count {
            delays.handle(from + 20 * MS * step, of(step) * 1_000_000);
        }
        from + 20 * MS * count
    }

    fn spread_ms(delays: &Delays) -> i64 {
        (delays.high() - delays.low()) / 1_000_000
    }

    #[test]
    fn the_spread_is_that_of_the_path() {
        let mut delays = Delays::default();
        feed(&mut delays, start(), 1000, |step| i64::from(step * 37 % 61));
        assert!((55..=60).contains(&spread_ms(&delays)), "{}", spread_ms(&delays));
    }

    #[test]
    fn one_outlier_is_passed_over_and_the_second_counts() {
        let mut delays = Delays::default();
        let now = feed(&mut delays, start(), 1000, |_| 10);
        let now = feed(&mut delays, now, 20, |step| if step == 10 { 200 } else { 10 });
        assert_eq!(spread_ms(&delays), 0);
        feed(&mut delays, now, 1, |_| 150);
        assert_eq!(spread_ms(&delays), 140);
    }

    #[test]
    fn of_few_packets_all_count() {
        let mut delays = Delays::default();
        feed(&mut delays, start(), 10, |step| if step == 3 { 80 } else { 0 });
        assert_eq!(spread_ms(&delays), 80);
    }

    #[test]
    fn what_was_is_forgotten_after_the_window() {
        let mut delays = Delays::default();
        let now = feed(&mut delays, start(), 500, |step| i64::from(step % 100));
        let now = feed(&mut delays, now, 500, |_| 50);
        assert!(spread_ms(&delays) > 90);
        feed(&mut delays, now, 150, |_| 50);
        assert_eq!(spread_ms(&delays), 0);
    }

    #[test]
    fn clocks_that_drift_apart_make_little_spread() {
        // 200 parts in a million over ten minutes are 120 ms; over the window, 2.6.
        let mut delays = Delays::default();
        let mut now = start();
        for step in 0..30_000_i64 {
            delays.handle(now, step * 4_000);
            now += 20 * MS;
        }
        assert!(spread_ms(&delays) < 3, "{}", spread_ms(&delays));
    }
}
