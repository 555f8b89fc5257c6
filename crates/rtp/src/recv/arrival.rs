//! When packets arrived, by their transport-wide numbers, and the feedback that tells the sender
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).

use std::time::{Duration, Instant};

use peerless_wire::rtcp::{FeedbackBuilder, TransportFeedback};
use peerless_wire::rtp::{Ssrc, Unwrapper};

/// The arrivals that have not been told of yet.
#[derive(Debug, Default)]
pub struct Arrivals {
    unwrapper: Unwrapper,
    /// Ascending by number.
    waiting: Vec<(u64, Duration)>,
    /// One after the last number told of.
    base: u64,
    /// How many feedback packets were made; wraps.
    count: u8,
    /// The instant from which times count.
    origin: Option<Instant>,
    due: Option<Instant>,
    /// The source named in feedback: any of those that carry the numbers.
    media: Option<Ssrc>,
    builder: FeedbackBuilder,
}

impl Arrivals {
    /// Takes note that the packet of source `ssrc` with the transport-wide number `number` came at `now`.
    pub fn handle(&mut self, now: Instant, ssrc: Ssrc, number: u16) {
        let number = self.unwrapper.unwrap(number);
        let since = now.saturating_duration_since(*self.origin.get_or_insert(now));
        match self.waiting.binary_search_by_key(&number, |(number, _)| *number) {
            Ok(_) => return,
            Err(index) => self.waiting.insert(index, (number, since)),
        }
        if self.waiting.len() == 1 && self.base == 0 {
            self.base = number;
        }
        self.media = Some(ssrc);
        let due = if self.waiting.len() < MAX_WAITING { now + INTERVAL } else { now };
        self.due = Some(self.due.map_or(due, |before| before.min(due)));
    }

    /// The feedback that is due at `now`, at most `limit` bytes long; the rest is then due at once.
    pub fn take_due(&mut self, now: Instant, sender: Ssrc, limit: usize) -> Option<TransportFeedback> {
        if self.due.is_none_or(|due| due > now) {
            return None;
        }
        let media = self.media.unwrap_or(sender);
        // One run of equal statuses cannot be split, so no more is given than its deltas have room for.
        let room = (limit.saturating_sub(HEAD) / LARGEST_DELTA).max(1);
        let front = self.waiting.get(..room).unwrap_or(&self.waiting);
        let made = self.builder.build(sender, media, self.count, self.base, front, limit);
        let Some((feedback, told)) = made else {
            self.due = None;
            return None;
        };
        // A feedback that tells of none would never end: then the first is given up.
        for (number, _) in self.waiting.drain(..told.max(1).min(self.waiting.len())) {
            self.base = self.base.max(number + 1);
        }
        self.due = if self.waiting.is_empty() { None } else { Some(now) };
        self.count = self.count.wrapping_add(1);
        Some(feedback)
    }

    /// Takes feedback that was written, so that the next costs no allocation.
    pub fn recycle(&mut self, feedback: TransportFeedback) {
        self.builder.recycle(feedback);
    }

    /// When feedback is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }
}

/// How long arrivals are gathered into one feedback packet.
const INTERVAL: Duration = Duration::from_millis(50);

/// The fields in front, and one chunk.
const HEAD: usize = 24;

/// The bytes that one arrival may take.
const LARGEST_DELTA: usize = 2;

/// So many arrivals do not wait for the interval's end.
const MAX_WAITING: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::start;

    const MS: Duration = Duration::from_millis(1);

    fn told(feedback: &TransportFeedback) -> Vec<u16> {
        feedback.arrivals().map(|(number, _)| number.0).collect()
    }

    #[test]
    fn gathers_arrivals_for_an_interval_and_names_the_missing() {
        let start = start();
        let mut arrivals = Arrivals::default();
        for (number, at) in [(65534, 0), (65535, 10), (2, 30), (1, 31), (2, 32)] {
            arrivals.handle(start + at * MS, Ssrc(7), number);
        }
        assert_eq!(arrivals.poll_timeout(), Some(start + INTERVAL));
        assert!(arrivals.take_due(start + 49 * MS, Ssrc(1), 1200).is_none());
        let feedback = arrivals.take_due(start + INTERVAL, Ssrc(1), 1200).unwrap();
        assert_eq!(told(&feedback), [65534, 65535, 1, 2]);
        assert_eq!((feedback.base.0, feedback.status_count, feedback.feedback_count), (65534, 5, 0));
        assert_eq!((feedback.sender, feedback.media), (Ssrc(1), Ssrc(7)));
        let times: Vec<_> = feedback.arrivals().map(|(_, time)| time).collect();
        assert_eq!(times.iter().map(|time| time - times[0]).collect::<Vec<_>>(), [0, 10_000, 31_000, 30_000]);
        assert_eq!(arrivals.poll_timeout(), None);
    }

    #[test]
    fn goes_on_where_it_ended_so_that_loss_between_is_told() {
        let start = start();
        let mut arrivals = Arrivals::default();
        arrivals.handle(start, Ssrc(7), 10);
        arrivals.take_due(start + INTERVAL, Ssrc(1), 1200).unwrap();
        arrivals.handle(start + 2 * INTERVAL, Ssrc(7), 13);
        let feedback = arrivals.take_due(start + 3 * INTERVAL, Ssrc(1), 1200).unwrap();
        assert_eq!((feedback.base.0, feedback.status_count, feedback.feedback_count), (11, 3, 1));
        // One that was told lost and came after all.
        arrivals.handle(start + 3 * INTERVAL, Ssrc(7), 12);
        let feedback = arrivals.take_due(start + 4 * INTERVAL, Ssrc(1), 1200).unwrap();
        assert_eq!(told(&feedback), [12]);
        arrivals.handle(start + 4 * INTERVAL, Ssrc(7), 14);
        let feedback = arrivals.take_due(start + 5 * INTERVAL, Ssrc(1), 1200).unwrap();
        assert_eq!((feedback.base.0, feedback.status_count), (14, 1));
    }

    #[test]
    fn what_does_not_fit_goes_into_the_next_packet() {
        let start = start();
        let mut arrivals = Arrivals::default();
        for number in 0..400_u16 {
            arrivals.handle(start + u32::from(number) * MS / 10, Ssrc(7), number);
        }
        let mut seen = Vec::new();
        while let Some(feedback) = arrivals.take_due(start + INTERVAL, Ssrc(1), 120) {
            let mut bytes = bytes::BytesMut::new();
            feedback.write(&mut bytes);
            assert!(bytes.len() <= 120, "{}", bytes.len());
            seen.extend(told(&feedback));
        }
        assert_eq!(seen, (0..400).collect::<Vec<_>>());
    }
}
