//! Chance for tests.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub struct Dice(ChaCha8Rng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// From 0 up to `end`, without that.
    pub fn below(&mut self, end: u32) -> u32 {
        self.0.next_u32() % end.max(1)
    }

    /// From `low` to `high`, both included; small ones are as likely as large ones are together.
    pub fn skewed(&mut self, low: u32, high: u32) -> u32 {
        let ratio = f64::from(high.max(1)) / f64::from(low.max(1));
        let value = f64::from(low.max(1)) * ratio.powf(self.fraction());
        (value as u32).clamp(low, high)
    }

    pub fn happens(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// 0 up to 1.
    pub fn fraction(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / (f64::from(u32::MAX) + 1.0)
    }

    pub fn ms(&mut self, end: u32) -> Duration {
        Duration::from_millis(self.below(end).into())
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}
