//! The account of transport-wide sequence numbers: which packet left with which number, and what the remote's
//! feedback says of it (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1). The bandwidth estimate will be fed
//! from here.

use std::collections::VecDeque;
use std::time::Instant;

use peerless_wire::rtcp::TransportFeedback;
use peerless_wire::rtp::SequenceNumber;

/// The packets sent lately, over all streams of a transport.
#[derive(Debug)]
pub struct SentPackets {
    packets: VecDeque<SentPacket>,
    /// The number of the packet that is sent next.
    next: u64,
}

/// One packet that was sent.
#[derive(Debug, Clone, Copy)]
struct SentPacket {
    sent: Instant,
    bytes: u32,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Unknown,
    Lost,
    Received,
}

/// What one feedback packet told that was not known before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Packets told of for the first time.
    pub reported: u32,
    /// Packets newly said to be lost, less those said so before that arrived after all.
    pub lost: i32,
    /// Packets newly said to have arrived.
    pub received: u32,
    /// Their bytes, as RTP packets.
    pub received_bytes: u64,
    /// When the latest of them was sent.
    pub latest_sent: Option<Instant>,
}

impl SentPackets {
    /// None sent; the first number is 1.
    pub fn new() -> Self {
        Self { packets: VecDeque::new(), next: 1 }
    }

    /// The number for the packet that is about to be sent.
    pub fn next_number(&self) -> SequenceNumber {
        SequenceNumber::from(self.next)
    }

    /// Takes note that the packet with [`next_number`](Self::next_number) left, `bytes` long.
    pub fn sent(&mut self, now: Instant, bytes: usize) {
        if self.packets.len() == CAPACITY {
            self.packets.pop_front();
        }
        if self.packets.capacity() == 0 {
            // All at once, and not before there is anything to keep: most transports of data channels never send media.
            self.packets.reserve_exact(CAPACITY);
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.packets.push_back(SentPacket { sent: now, bytes, fate: Fate::Unknown });
        self.next += 1;
    }

    /// Takes in a feedback packet; numbers that were not sent, or long ago, are passed over.
    pub fn handle(&mut self, feedback: &TransportFeedback) -> Outcome {
        let mut outcome = Outcome::default();
        for (sequence, _) in feedback.arrivals() {
            let Some(packet) = self.packet(sequence) else { continue };
            if packet.fate == Fate::Received {
                continue;
            }
            outcome.reported += u32::from(packet.fate == Fate::Unknown);
            outcome.lost -= i32::from(packet.fate == Fate::Lost);
            outcome.received += 1;
            outcome.received_bytes += u64::from(packet.bytes);
            outcome.latest_sent = outcome.latest_sent.max(Some(packet.sent));
            packet.fate = Fate::Received;
        }
        // Those of its span that were not among the arrivals are lost. No more of them than are kept can matter.
        for offset in 0..feedback.status_count {
            let Some(packet) = self.packet(feedback.base.plus(offset)) else { continue };
            if packet.fate == Fate::Unknown {
                packet.fate = Fate::Lost;
                outcome.reported += 1;
                outcome.lost += 1;
            }
        }
        outcome
    }

    fn packet(&mut self, sequence: SequenceNumber) -> Option<&mut SentPacket> {
        // How many packets before the next one: 1 for the newest.
        let age = usize::from(self.next_number().0.wrapping_sub(sequence.0));
        self.packets.len().checked_sub(age.max(1)).filter(|_| age > 0).and_then(|at| self.packets.get_mut(at))
    }
}

/// How many packets are kept: more than three seconds of 10 Mbit/s.
const CAPACITY: usize = 4096;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use peerless_wire::rtp::Ssrc;

    use super::*;
    use crate::moment::start;

    fn feedback(base: u64, arrived: &[u64]) -> TransportFeedback {
        let arrivals: Vec<_> =
            arrived.iter().map(|number| (*number, Duration::from_millis(*number % 1000))).collect();
        TransportFeedback::from_arrivals(Ssrc(1), Ssrc(2), 0, base, &arrivals, 1200).unwrap().0
    }

    #[test]
    fn counts_what_arrived_and_what_did_not() {
        let mut sent = SentPackets::new();
        for _ in 0..10 {
            sent.sent(start(), 100);
        }
        let outcome = sent.handle(&feedback(1, &[1, 2, 4, 5]));
        assert_eq!((outcome.reported, outcome.lost, outcome.received), (5, 1, 4));
        assert_eq!(outcome.received_bytes, 400);
        // The same again tells nothing new, and a late arrival mends the loss.
        assert_eq!(sent.handle(&feedback(1, &[1, 2, 4, 5])), Outcome::default());
        let outcome = sent.handle(&feedback(3, &[3, 4, 5, 6]));
        assert_eq!((outcome.reported, outcome.lost, outcome.received), (1, -1, 2));
    }

    #[test]
    fn numbers_never_sent_or_long_gone_are_passed_over() {
        let mut sent = SentPackets::new();
        assert_eq!(sent.handle(&feedback(1, &[1, 2, 4000])), Outcome::default());
        for _ in 0..70_000 {
            sent.sent(start(), 100);
        }
        assert_eq!(sent.next_number(), SequenceNumber(70_001_u32 as u16));
        assert_eq!(sent.handle(&feedback(70_001, &[70_001, 70_002])), Outcome::default());
        assert_eq!(sent.handle(&feedback(65_000, &[65_000])), Outcome::default());
        assert_eq!(sent.handle(&feedback(70_000, &[70_000])).received, 1);
        assert_eq!(sent.packets.len(), CAPACITY);
    }
}
