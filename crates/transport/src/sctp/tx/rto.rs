//! The retransmission timeout (RFC 9260 §6.3).

use std::time::Duration;

/// How often the timeout doubles at most: beyond, RTO.Max has long been reached.
const MAX_BACKOFF: u32 = 16;

/// Smoothed round-trip time, its variation, and the timeout that follows.
#[derive(Debug, Clone)]
pub struct Rto {
    smoothed: Option<Duration>,
    variation: Duration,
    base: Duration,
    backoff: u32,
    min: Duration,
    max: Duration,
}

impl Rto {
    /// Starts without any measurement, with the timeout `initial`.
    pub fn new(initial: Duration, min: Duration, max: Duration) -> Self {
        Self { smoothed: None, variation: Duration::ZERO, base: initial, backoff: 0, min, max }
    }

    /// A round trip was measured, of something that was sent once only (rule C5, Karn).
    pub fn handle_measurement(&mut self, round_trip: Duration) {
        match self.smoothed {
            None => {
                self.smoothed = Some(round_trip);
                self.variation = round_trip / 2;
            }
            Some(smoothed) => {
                self.variation = (self.variation * 3 + smoothed.abs_diff(round_trip)) / 4;
                self.smoothed = Some((smoothed * 7 + round_trip) / 8);
            }
        }
        let smoothed = self.smoothed.unwrap_or_default();
        self.base = (smoothed + self.variation * 4).clamp(self.min, self.max);
        self.backoff = 0;
    }

    /// The timer ran out: the timeout doubles (rule E2).
    pub fn handle_timeout(&mut self) {
        self.backoff = (self.backoff + 1).min(MAX_BACKOFF);
    }

    /// Something new was acknowledged: the path works, the doubling ends.
    pub fn handle_progress(&mut self) {
        self.backoff = 0;
    }

    /// The timeout now.
    pub fn timeout(&self) -> Duration {
        self.base.saturating_mul(1 << self.backoff).min(self.max)
    }

    /// The smoothed round-trip time, once measured.
    pub fn smoothed(&self) -> Option<Duration> {
        self.smoothed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn follows_the_rules_of_section_6_3_1() {
        let mut rto = Rto::new(500 * MS, 10 * MS, 10_000 * MS);
        assert_eq!(rto.timeout(), 500 * MS);
        rto.handle_measurement(100 * MS);
        assert_eq!((rto.smoothed(), rto.timeout()), (Some(100 * MS), 300 * MS), "SRTT + 4 * R/2");
        rto.handle_measurement(180 * MS);
        assert_eq!(rto.smoothed(), Some(110 * MS));
        assert_eq!(rto.timeout(), 110 * MS + 4 * (50 * 3 + 80) * MS / 4);
    }

    #[test]
    fn doubles_up_to_its_maximum_until_something_comes() {
        let mut rto = Rto::new(500 * MS, 250 * MS, 3_000 * MS);
        rto.handle_measurement(10 * MS);
        assert_eq!(rto.timeout(), 250 * MS, "the minimum");
        for wanted in [500, 1000, 2000, 3000, 3000] {
            rto.handle_timeout();
            assert_eq!(rto.timeout(), wanted * MS);
        }
        rto.handle_progress();
        assert_eq!(rto.timeout(), 250 * MS);
    }
}
