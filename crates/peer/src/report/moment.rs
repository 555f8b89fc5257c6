//! The time of a report, and how moments are told in it: DOMHighResTimeStamp (HR-Time §4), milliseconds since the UNIX
//! epoch.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// From 1900, where NTP begins to count, to 1970 (RFC 5905 §6).
const NTP_TO_UNIX_S: f64 = 2_208_988_800.0;

/// The moment at which a report is made, and one at which both clocks were read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: Instant,
    pub(crate) epoch: (Instant, SystemTime),
}

impl Moment {
    /// A moment in milliseconds since the UNIX epoch.
    pub(crate) fn ms(&self, at: Instant) -> f64 {
        let (instant, time) = self.epoch;
        let before = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let since = match at.checked_duration_since(instant) {
            Some(since) => before + since,
            None => before.saturating_sub(instant.saturating_duration_since(at)),
        };
        since.as_secs_f64() * 1e3
    }

    /// The moment of the report.
    pub(crate) fn now_ms(&self) -> f64 {
        self.ms(self.now)
    }

    /// When, by the remote's clock, was sampled what is played now: `ntp` was to be played at `due`. NTP counts in 32.32
    /// fixed point from 1900, or from 2036 on anew; those of before 1968 are of the second turn (RFC 4330 §3).
    pub(crate) fn playing_ms(&self, ntp: u64, due: Instant) -> f64 {
        let apart = match self.now.checked_duration_since(due) {
            Some(since) => since.as_secs_f64(),
            None => -due.saturating_duration_since(self.now).as_secs_f64(),
        };
        ntp_ms(ntp) + apart * 1e3
    }
}

/// An NTP time in milliseconds since the UNIX epoch.
pub(crate) fn ntp_ms(ntp: u64) -> f64 {
    let turn = if ntp >> 63 == 0 { f64::from(u32::MAX) + 1.0 } else { 0.0 };
    (ntp as f64 / f64::from(u32::MAX).mul_add(1.0, 1.0) + turn - NTP_TO_UNIX_S) * 1e3
}

/// As the standard's `double` of seconds.
pub(crate) fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ntp_counts_from_1900_and_again_from_2036() {
        assert_eq!(ntp_ms(2_208_988_800 << 32), 0.0);
        assert_eq!(ntp_ms((3_973_000_000 << 32) | (1 << 31)), 1_764_011_200_500.0);
        assert_eq!(ntp_ms(0), 2_085_978_496_000.0);
    }
}
