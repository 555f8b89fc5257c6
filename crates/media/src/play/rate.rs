//! How many pictures come in a second, over the last second.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What counts as now.
const WINDOW: Duration = Duration::from_secs(1);
/// The most that are counted: more than any camera gives.
const LIMIT: usize = 1_000;

/// When pictures came.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    times: VecDeque<Instant>,
}

impl Rate {
    /// One came.
    pub(crate) fn count(&mut self, now: Instant) {
        self.prune(now);
        if self.times.len() == LIMIT {
            self.times.pop_front();
        }
        self.times.push_back(now);
    }

    /// Per second.
    pub(crate) fn per_second(&mut self, now: Instant) -> f64 {
        self.prune(now);
        match (self.times.front(), self.times.back()) {
            (Some(&first), Some(&last)) if last > first => {
                (self.times.len() - 1) as f64 / (last - first).as_secs_f64()
            }
            _ => self.times.len() as f64,
        }
    }

    fn prune(&mut self, now: Instant) {
        while self.times.front().is_some_and(|&at| now.saturating_duration_since(at) > WINDOW) {
            self.times.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_a_second_are_thirty_and_none_are_none() {
        let (start, mut rate) = (Instant::now(), Rate::default());
        let at = |number: u64| start + Duration::from_nanos(number * 33_333_333);
        for number in 0..90 {
            rate.count(at(number));
        }
        assert!((rate.per_second(at(89)) - 30.0).abs() < 0.01);
        assert_eq!(rate.per_second(at(89) + Duration::from_secs(2)), 0.0);
        for _ in 0..3 * LIMIT {
            rate.count(at(200));
        }
        assert_eq!(rate.times.len(), LIMIT);
    }
}
