//! HyStart++ (RFC 9406): leaves slow start when round trips grow, before the queue overflows.

use std::time::Duration;

const MIN_THRESHOLD: Duration = Duration::from_millis(4);
const MAX_THRESHOLD: Duration = Duration::from_millis(16);
const DIVISOR: u32 = 8;
const SAMPLES: u32 = 8;
const GROWTH_DIVISOR: usize = 4;
const CONSERVATIVE_ROUNDS: u32 = 5;

/// Slow start, then conservative slow start, then nothing more.
#[derive(Debug, Clone, Default)]
pub struct HyStart {
    previous_least: Option<Duration>,
    current_least: Option<Duration>,
    samples: u32,
    /// In conservative slow start: the least round trip that it began with, and rounds spent.
    conservative: Option<(Duration, u32)>,
}

impl HyStart {
    /// A round has begun. Whether slow start is over.
    pub fn handle_round(&mut self) -> bool {
        self.previous_least = self.current_least.take();
        self.samples = 0;
        match &mut self.conservative {
            Some((_, rounds)) => {
                *rounds += 1;
                *rounds >= CONSERVATIVE_ROUNDS
            }
            None => false,
        }
    }

    /// A round trip was measured.
    pub fn handle_measurement(&mut self, round_trip: Duration) {
        let current = self.current_least.map_or(round_trip, |least| least.min(round_trip));
        self.current_least = Some(current);
        self.samples += 1;
        if self.samples < SAMPLES {
            return;
        }
        if let Some((baseline, _)) = self.conservative {
            if current < baseline {
                self.conservative = None;
            }
        } else if let Some(previous) = self.previous_least {
            let threshold = (previous / DIVISOR).clamp(MIN_THRESHOLD, MAX_THRESHOLD);
            if current >= previous + threshold {
                self.conservative = Some((current, 0));
            }
        }
    }

    /// By how much the window grows for so many acknowledged bytes. All of them: packets are paced (§4.2, L).
    pub fn growth(&self, bytes: usize) -> usize {
        if self.conservative.is_some() { bytes / GROWTH_DIVISOR } else { bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(machine: &mut HyStart, ms: u64) -> bool {
        let over = machine.handle_round();
        for _ in 0..SAMPLES {
            machine.handle_measurement(Duration::from_millis(ms));
        }
        over
    }

    #[test]
    fn growing_round_trips_slow_the_growth_and_then_end_it() {
        let mut machine = HyStart::default();
        round(&mut machine, 40);
        round(&mut machine, 42);
        assert_eq!(machine.growth(1000), 1000);
        round(&mut machine, 48);
        assert_eq!(machine.growth(1000), 250);
        let over: Vec<bool> = (0..CONSERVATIVE_ROUNDS).map(|_| round(&mut machine, 50)).collect();
        assert_eq!(over, [false, false, false, false, true]);
    }

    #[test]
    fn round_trips_that_shrink_again_resume_slow_start() {
        let mut machine = HyStart::default();
        round(&mut machine, 40);
        round(&mut machine, 50);
        assert_eq!(machine.growth(1000), 250);
        round(&mut machine, 41);
        assert_eq!(machine.growth(1000), 1000);
    }
}
