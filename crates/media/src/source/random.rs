//! Chance for noise: small, fast, the same every time. Not for secrets.

/// A xorshift generator of 64 bits.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Each seed gives another sequence, always the same one.
    pub fn new(seed: u64) -> Self {
        // Any odd constant spreads small seeds; zero is the one state that must not be.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Evenly spread over -1 to 1.
    pub fn draw(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / 8_388_608.0 - 1.0
    }
}
