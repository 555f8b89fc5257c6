//! Consent freshness (RFC 7675): the right to send lasts while the peer answers checks.

use std::time::{Duration, Instant};

/// The consent of one valid pair.
#[derive(Debug, Clone)]
pub(crate) struct Consent {
    granted: Instant,
    checked: Instant,
    next_check: Instant,
}

impl Consent {
    /// A check was answered for the first time; `interval` is the time to the next one.
    pub(crate) fn new(now: Instant, interval: Duration) -> Self {
        Self { granted: now, checked: now, next_check: now + interval }
    }

    /// A check was answered.
    pub(crate) fn renew(&mut self, now: Instant) {
        self.granted = self.granted.max(now);
    }

    /// A check was sent; `interval` is the time to the next one.
    pub(crate) fn checked(&mut self, now: Instant, interval: Duration) {
        self.checked = now;
        self.next_check = now + interval;
    }

    /// When a check was sent last.
    pub(crate) fn checked_at(&self) -> Instant {
        self.checked
    }

    /// The next check is to be sent at `at` already.
    pub(crate) fn check_at(&mut self, at: Instant) {
        self.next_check = self.next_check.min(at);
    }

    /// When the next check is to be sent.
    pub(crate) fn next_check(&self) -> Instant {
        self.next_check
    }

    /// When it ends.
    pub(crate) fn expires(&self, lasts: Duration) -> Instant {
        self.granted + lasts
    }
}

/// 0.8 to 1.2 of the basic interval, so that checks of many agents do not fall together (RFC 7675 §5.1).
pub(crate) fn randomised(basic: Duration, chance: u32) -> Duration {
    basic.mul_f64(0.8 + 0.4 * f64::from(chance) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_spread_over_four_to_six_seconds() {
        let basic = Duration::from_secs(5);
        assert_eq!(randomised(basic, 0), Duration::from_secs(4));
        assert_eq!(randomised(basic, u32::MAX), Duration::from_secs(6));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test's time has to begin somewhere")]
    fn a_late_answer_does_not_shorten_consent() {
        let now = Instant::now();
        let mut consent = Consent::new(now + Duration::from_secs(2), Duration::from_secs(5));
        consent.renew(now);
        assert_eq!(consent.expires(Duration::from_secs(30)), now + Duration::from_secs(32));
    }
}
