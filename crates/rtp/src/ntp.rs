//! Wall-clock time as RTP tells it (RFC 3550 §4): 64-bit NTP, its middle 32 bits for round trips, and the 24-bit
//! form of the abs-send-time extension.

use std::time::{Duration, Instant, SystemTime};

/// Seconds since 1900 in 32.32 fixed point, modulo 2³² s (the next era begins in 2036).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NtpTime(pub u64);

/// The middle 32 bits of an [`NtpTime`]: 16.16 fixed-point seconds, modulo 65536 s (RFC 3550 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShortNtp(pub u32);

/// Tells NTP time from instants, by one moment known on both clocks.
#[derive(Debug, Clone, Copy)]
pub struct WallClock {
    instant: Instant,
    ntp: NtpTime,
}

impl NtpTime {
    /// The NTP time of `time`.
    pub fn from_system(time: SystemTime) -> Self {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => Self(UNIX_EPOCH_NTP.wrapping_add(fixed_point(since))),
            Err(before) => Self(UNIX_EPOCH_NTP.wrapping_sub(fixed_point(before.duration()))),
        }
    }

    /// Its middle 32 bits, as in the LSR field of a report block.
    pub fn middle(self) -> ShortNtp {
        ShortNtp((self.0 >> 16) as u32)
    }

    /// It as 6.18 fixed-point seconds, 24 bits: the value of the abs-send-time extension.
    pub fn abs_send_time(self) -> u32 {
        (self.0 >> 14) as u32 & 0x00ff_ffff
    }

    /// The time `duration` later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.wrapping_add(fixed_point(duration)))
    }
}

impl ShortNtp {
    /// A duration in 1/65536 s, as in the DLSR field; what does not fit (18 hours) is cut to the largest.
    pub fn from_duration(duration: Duration) -> Self {
        Self(u32::try_from(fixed_point(duration) >> 16).unwrap_or(u32::MAX))
    }

    /// It as a duration.
    pub fn to_duration(self) -> Duration {
        Duration::from_nanos((u64::from(self.0) * 1_000_000_000) >> 16)
    }

    /// The round trip by a report block (RFC 3550 §6.4.1): this, the time of arrival, less the last sender report's
    /// time, less the delay since that. `None` where there was no sender report yet, or where the fields cannot be
    /// true: a negative trip, or one of more than a minute. A trip that comes out negative by less than the fields'
    /// resolution, as it does between clocks on one machine, counts as none.
    pub fn round_trip(self, last_sender_report: Self, delay: Self) -> Option<Duration> {
        if last_sender_report.0 == 0 {
            return None;
        }
        let trip = self.0.wrapping_sub(last_sender_report.0).wrapping_sub(delay.0);
        match trip.cast_signed() {
            trip if trip >= 0 => {
                Some(Self(trip.unsigned_abs()).to_duration()).filter(|rtt| *rtt <= LONGEST_TRIP)
            }
            trip if trip >= -SHORT_MARGIN => Some(Duration::ZERO),
            _ => None,
        }
    }
}

impl WallClock {
    /// A clock that knows `epoch`.
    pub fn new(epoch: (Instant, SystemTime)) -> Self {
        Self { instant: epoch.0, ntp: NtpTime::from_system(epoch.1) }
    }

    /// The NTP time of `now`, which may lie before the epoch.
    pub fn ntp(&self, now: Instant) -> NtpTime {
        match now.checked_duration_since(self.instant) {
            Some(since) => self.ntp.plus(since),
            None => NtpTime(self.ntp.0.wrapping_sub(fixed_point(self.instant.duration_since(now)))),
        }
    }
}

/// 32.32 fixed-point seconds, modulo 2³² s.
fn fixed_point(duration: Duration) -> u64 {
    let fraction = (u64::from(duration.subsec_nanos()) << 32) / 1_000_000_000;
    (duration.as_secs() << 32) | fraction
}

/// 1970 in NTP: 2,208,988,800 s after 1900 (RFC 5905 §6).
const UNIX_EPOCH_NTP: u64 = 2_208_988_800 << 32;

/// Longer round trips are not believed.
const LONGEST_TRIP: Duration = Duration::from_secs(60);

/// 1/65536 s by which rounding may turn a round trip negative: four, 61 µs.
const SHORT_MARGIN: i32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_ntp_time_from_an_instant_before_and_after_the_epoch() {
        let start = crate::moment::start();
        let clock = WallClock::new((start, SystemTime::UNIX_EPOCH + Duration::from_millis(1500)));
        assert_eq!(clock.ntp(start), NtpTime((2_208_988_801 << 32) + (1 << 31)));
        assert_eq!(clock.ntp(start + Duration::from_millis(250)), NtpTime((2_208_988_801 << 32) + (3 << 30)));
        assert_eq!(clock.ntp(start - Duration::from_secs(2)), NtpTime((2_208_988_799 << 32) + (1 << 31)));
    }

    #[test]
    fn abs_send_time_is_six_bits_of_seconds_and_eighteen_of_fraction() {
        assert_eq!(NtpTime((65 << 32) | (1 << 31)).abs_send_time(), (1 << 18) | (1 << 17));
    }

    #[test]
    fn round_trip_is_the_example_of_rfc_3550() {
        // Figure 2 of §6.4.1: A = 0xb710:8000, LSR = 0xb705:2000, DLSR = 0x0005:4000, delay = 6.125 s.
        let trip = ShortNtp(0xb710_8000).round_trip(ShortNtp(0xb705_2000), ShortNtp(0x0005_4000));
        assert_eq!(trip, Some(Duration::from_millis(6125)));
    }

    #[test]
    fn round_trip_that_cannot_be_is_none() {
        assert_eq!(ShortNtp(9 << 16).round_trip(ShortNtp(0), ShortNtp(0)), None);
        assert_eq!(ShortNtp(9 << 16).round_trip(ShortNtp(10 << 16), ShortNtp(0)), None);
        assert_eq!(ShortNtp(99 << 16).round_trip(ShortNtp(1 << 16), ShortNtp(0)), None);
        assert_eq!(ShortNtp(9 << 16).round_trip(ShortNtp(9 << 16), ShortNtp(2)), Some(Duration::ZERO));
    }

    #[test]
    fn durations_survive_the_short_form_to_16_microseconds() {
        let delay = Duration::from_micros(1_234_567);
        let back = ShortNtp::from_duration(delay).to_duration();
        assert!(delay - back < Duration::from_micros(16), "{back:?}");
        assert_eq!(ShortNtp::from_duration(Duration::from_secs(100_000)), ShortNtp(u32::MAX));
    }
}
