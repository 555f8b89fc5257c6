//! Lip sync (RFC 3550 §6.4.1): what was sampled at one moment is played at one moment. Sender reports tell the remote's
//! time of each stream; of streams that belong together, those ahead wait for the one furthest behind.
//!
//! Streams belong together if they are of one group (the media stream of `a=msid`, RFC 8830) and of one CNAME: then their
//! times are of one clock (RFC 3550 §6.5.1).

use std::time::{Duration, Instant};

use crate::ntp::NtpTime;
use crate::recv::receiver::Receiver;

/// When streams were last compared.
#[derive(Debug, Default)]
pub struct LipSync {
    due: Option<Instant>,
}

impl LipSync {
    /// Compares all streams that belong together, if it is time to: those ahead shall be held longer, which they come to
    /// slowly.
    pub fn adjust(&mut self, now: Instant, receivers: &mut [Receiver]) {
        if self.due.is_some_and(|due| now < due) {
            return;
        }
        self.due = Some(now + INTERVAL);
        for index in 0..receivers.len() {
            for place in 0.. {
                let Some(ahead) = ahead(now, receivers, index, place) else { break };
                if let Some(receiver) = receivers.get_mut(index) {
                    receiver.set_extra(place, ahead);
                }
            }
        }
    }
}

/// How far the source at `place` of a receiver is ahead of those it belongs to. `None` without such a source.
fn ahead(now: Instant, receivers: &[Receiver], index: usize, place: usize) -> Option<Duration> {
    let receiver = receivers.get(index)?;
    let stream = receiver.stream(place)?;
    let (Some(group), Some((cname, own))) = (receiver.sync_group(), stream.playing(now)) else {
        return Some(Duration::ZERO);
    };
    let others = receivers.iter().filter(|other| other.sync_group() == Some(group));
    let playing = others.flat_map(Receiver::streams).filter_map(|other| other.playing(now));
    let of_same_clock = playing.filter(|(other, _)| *other == cname);
    let leads = of_same_clock.filter_map(|(_, other)| lead(own, other));
    Some(leads.max().unwrap_or_default())
}

/// How far `own` is ahead of `other`: `None` if it is not, or so far that the reports cannot be right.
fn lead(own: NtpTime, other: NtpTime) -> Option<Duration> {
    let lead = own.0.wrapping_sub(other.0);
    let nanos = (u128::from(lead) * 1_000_000_000) >> 32;
    let lead = Duration::from_nanos(u64::try_from(nanos).ok()?);
    (lead <= LARGEST_LEAD).then_some(lead)
}

/// How often streams are compared.
const INTERVAL: Duration = Duration::from_millis(100);

/// Nothing is held back longer for another stream.
const LARGEST_LEAD: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_is_told_across_the_turn_of_the_clock_and_nonsense_is_not() {
        let second = 1_u64 << 32;
        assert_eq!(lead(NtpTime(second / 2), NtpTime(0)), Some(Duration::from_millis(500)));
        assert_eq!(lead(NtpTime(0), NtpTime(second / 2)), None);
        assert_eq!(
            lead(NtpTime(second / 4), NtpTime(0_u64.wrapping_sub(second))),
            Some(Duration::from_millis(1250))
        );
        assert_eq!(lead(NtpTime(second * 3), NtpTime(0)), None);
    }
}
