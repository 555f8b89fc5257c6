//! The remote's clock as its sender reports tell it: which moment of it an RTP timestamp stands for (RFC 3550
//! §6.4.1), which is what streams are synchronised by, and what our report blocks give back for the round trip.

use std::time::Instant;

use crate::ntp::{NtpTime, ShortNtp};

/// The last sender report of one source.
#[derive(Debug, Clone, Default)]
pub struct RemoteClock {
    last: Option<Report>,
}

#[derive(Debug, Clone, Copy)]
struct Report {
    ntp: NtpTime,
    timestamp: u32,
    arrived: Instant,
}

impl RemoteClock {
    /// Takes a sender report that came at `now`: `timestamp` of the RTP clock is `ntp` of the remote's.
    pub fn handle(&mut self, now: Instant, ntp: NtpTime, timestamp: u32) {
        self.last = Some(Report { ntp, timestamp, arrived: now });
    }

    /// The fields LSR and DLSR of a report block written at `now`; both zero before the first sender report.
    pub fn last_report(&self, now: Instant) -> (ShortNtp, ShortNtp) {
        self.last.map_or_else(Default::default, |report| {
            let delay = now.saturating_duration_since(report.arrived);
            (report.ntp.middle(), ShortNtp::from_duration(delay))
        })
    }

    /// The remote's NTP time at which the media with `timestamp` was sampled; timestamps up to half their circle
    /// from the last report's. `None` before the first report.
    pub fn ntp(&self, timestamp: u32, clock_rate: u32) -> Option<NtpTime> {
        let report = self.last.filter(|_| clock_rate > 0)?;
        let ticks = i128::from(timestamp.wrapping_sub(report.timestamp).cast_signed());
        let offset = (ticks << 32) / i128::from(clock_rate);
        Some(NtpTime(report.ntp.0.wrapping_add_signed(offset as i64)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::moment::start;

    #[test]
    fn gives_back_the_middle_of_the_report_and_how_long_ago_it_came() {
        let start = start();
        let mut clock = RemoteClock::default();
        assert_eq!(clock.last_report(start), (ShortNtp(0), ShortNtp(0)));
        clock.handle(start, NtpTime(0x1234_5678_9abc_def0), 0);
        let (last, delay) = clock.last_report(start + Duration::from_millis(1500));
        assert_eq!(last, ShortNtp(0x5678_9abc));
        assert_eq!(delay, ShortNtp(0x0001_8000));
    }

    #[test]
    fn tells_the_remotes_time_of_timestamps_before_and_after_the_report() {
        let mut clock = RemoteClock::default();
        assert_eq!(clock.ntp(0, 90_000), None);
        clock.handle(start(), NtpTime(1000 << 32), u32::MAX - 44_999);
        assert_eq!(clock.ntp(0, 90_000), Some(NtpTime((1000 << 32) + (1 << 31))));
        assert_eq!(clock.ntp(u32::MAX - 89_999, 90_000), Some(NtpTime((999 << 32) + (1 << 31))));
    }
}
