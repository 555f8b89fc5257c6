//! What was sent lately, kept to be sent again when the remote misses it (RFC 4585 §6.2.1): bounded in packets and
//! in time, and each packet not more often than about once in a round trip.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use peerless_wire::rtp::SequenceNumber;

use crate::send::record::Record;

/// The packets of one source that were sent lately, in order without gaps.
#[derive(Debug)]
pub struct History {
    packets: VecDeque<Sent>,
    /// The number after that of the last packet.
    next: u64,
    /// The numbers of packets to be sent again, in the order they were asked for.
    asked: VecDeque<u64>,
}

#[derive(Debug)]
struct Sent {
    record: Record,
    /// When it was sent, the last time if more than once.
    sent: Instant,
    /// How often it was sent again.
    resent: u8,
    /// Whether it is among those asked for.
    asked: bool,
}

impl History {
    /// An empty one, with room for all it may hold.
    pub fn new() -> Self {
        Self {
            packets: VecDeque::with_capacity(MAX_PACKETS),
            next: 0,
            asked: VecDeque::with_capacity(MAX_PACKETS),
        }
    }

    /// Keeps a packet that was sent at `now` with the extended number `number`, and lets go of those too old.
    pub fn push(&mut self, now: Instant, number: u64, record: Record) {
        if number != self.next {
            self.packets.clear();
        }
        let old = |sent: &Sent| now.saturating_duration_since(sent.sent) > MAX_AGE;
        while self.packets.len() >= MAX_PACKETS || self.packets.front().is_some_and(old) {
            self.packets.pop_front();
        }
        self.packets.push_back(Sent { record, sent: now, resent: 0, asked: false });
        self.next = number + 1;
    }

    /// Takes note that the remote misses packet `sequence`. It will be sent again unless it is not kept any more,
    /// was sent again so lately, measured by `rtt`, that this is on its way, or too often already.
    pub fn ask(&mut self, now: Instant, sequence: SequenceNumber, rtt: Duration) {
        let back = i64::from(SequenceNumber::from(self.next).since(sequence));
        let Some(number) = self.next.checked_add_signed(-back).filter(|_| back > 0) else { return };
        let Some(sent) = self.packet(number) else { return };
        // The first request may come quicker than the round trip is thought to be, a repetition only a little.
        let again = (rtt * 3 / 4).max(SHORTEST_INTERVAL);
        let too_soon = sent.resent > 0 && now.saturating_duration_since(sent.sent) < again;
        if sent.asked || too_soon || sent.resent >= MAX_RESENDS {
            return;
        }
        sent.asked = true;
        self.asked.push_back(number);
    }

    /// Payload bytes of the packet that is next to be sent again; `None` if there is none.
    pub fn next_asked(&mut self) -> Option<usize> {
        loop {
            let number = *self.asked.front()?;
            match self.packet(number) {
                Some(sent) => return Some(sent.record.fragment.len()),
                None => self.asked.pop_front(),
            };
        }
    }

    /// The packet that is next to be sent again, now, and its number.
    pub fn take_asked(&mut self, now: Instant) -> Option<(SequenceNumber, &Record)> {
        self.next_asked()?;
        let number = self.asked.pop_front()?;
        let sent = self.packet(number)?;
        sent.asked = false;
        sent.resent = sent.resent.saturating_add(1);
        sent.sent = now;
        Some((SequenceNumber::from(number), &sent.record))
    }

    /// Whether a packet is to be sent again; it may have become too old.
    pub fn has_asked(&self) -> bool {
        !self.asked.is_empty()
    }

    fn packet(&mut self, number: u64) -> Option<&mut Sent> {
        let first = self.next - self.packets.len() as u64;
        self.packets.get_mut(usize::try_from(number.checked_sub(first)?).ok()?)
    }
}

/// The most packets kept: a second of 10 Mbit/s. They keep their frames' memory.
pub const MAX_PACKETS: usize = 1024;

/// The longest a packet is kept.
const MAX_AGE: Duration = Duration::from_secs(3);

/// How often one packet is sent again at most.
const MAX_RESENDS: u8 = 10;

/// The shortest time between two retransmissions of one packet, however short the round trip.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::moment::start;
    use crate::payload::{Fragment, Prefix};

    const MS: Duration = Duration::from_millis(1);

    fn record(number: u64, now: Instant) -> Record {
        Record {
            fragment: Fragment { prefix: Prefix::new(), body: Bytes::from_static(b"x"), marker: false },
            timestamp: number as u32,
            begins: true,
            ends: true,
            key: false,
            captured: now,
            queued: now,
        }
    }

    fn filled(numbers: std::ops::Range<u64>, now: Instant) -> History {
        let mut history = History::new();
        numbers.for_each(|number| history.push(now, number, record(number, now)));
        history
    }

    fn take(history: &mut History, now: Instant) -> Option<u32> {
        history.take_asked(now).map(|(_, record)| record.timestamp)
    }

    #[test]
    fn gives_back_what_is_asked_for_across_the_wrap() {
        let start = start();
        let mut history = filled(65_500..65_600, start);
        for sequence in [65_535, 0, 63, 64, 65_499, 5] {
            history.ask(start, SequenceNumber(sequence), MS);
        }
        let taken: Vec<_> = std::iter::from_fn(|| take(&mut history, start)).collect();
        assert_eq!(taken, [65_535, 65_536, 65_599, 65_541]);
    }

    #[test]
    fn each_packet_goes_again_about_once_in_a_round_trip_at_most() {
        let start = start();
        let mut history = filled(0..10, start);
        let rtt = 50 * MS;
        history.ask(start, SequenceNumber(3), rtt);
        history.ask(start, SequenceNumber(3), rtt);
        assert_eq!(take(&mut history, start), Some(3));
        assert_eq!(take(&mut history, start), None);
        history.ask(start + 37 * MS, SequenceNumber(3), rtt);
        assert_eq!(take(&mut history, start + 37 * MS), None);
        history.ask(start + 38 * MS, SequenceNumber(3), rtt);
        assert_eq!(take(&mut history, start + 38 * MS), Some(3));
    }

    #[test]
    fn a_packet_is_not_sent_again_for_ever() {
        let start = start();
        let mut history = filled(0..10, start);
        let mut sent = 0;
        for round in 0..100 {
            let now = start + round * 10 * MS;
            history.ask(now, SequenceNumber(3), MS);
            sent += u32::from(take(&mut history, now).is_some());
        }
        assert_eq!(sent, u32::from(MAX_RESENDS));
    }

    #[test]
    fn is_bounded_in_packets_and_time() {
        let start = start();
        let mut history = filled(0..5000, start);
        assert_eq!(history.packets.len(), MAX_PACKETS);
        history.ask(start, SequenceNumber(5000 - 1025), MS);
        assert!(!history.has_asked());
        history.ask(start, SequenceNumber(5000 - 1024), MS);
        assert!(history.has_asked());
        let later = start + MAX_AGE + MS;
        history.push(later, 5000, record(5000, later));
        assert_eq!(history.packets.len(), 1);
        // What was asked for meanwhile is gone.
        assert_eq!(take(&mut history, later), None);
    }
}
