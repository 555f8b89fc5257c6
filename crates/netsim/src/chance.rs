//! Chance from a seed.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A seeded source of chance.
#[derive(Debug)]
pub(crate) struct Chance(ChaCha8Rng);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// True with `probability`, 0 to 1.
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        // Draws always, so that switching one kind of trouble off leaves the others as they were.
        self.fraction() < probability
    }

    /// Up to `most`, evenly.
    pub(crate) fn duration(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.fraction())
    }

    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fraction(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / (f64::from(u32::MAX) + 1.0)
    }
}
