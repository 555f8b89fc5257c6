//! What is seen on the wire: whose message each chunk is part of, and so whether the sender keeps what it promised.

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::Bytes;
use peerless_transport::sctp::Reliability;
use peerless_wire::sctp::{Checksum, Chunk, Packet, StreamId, Tsn};

use crate::script::Sent;

/// Reads along what one end sends.
#[derive(Default)]
pub struct Watch {
    /// The message of each chunk, and how often that was sent.
    chunks: BTreeMap<u32, (u32, u32)>,
    /// The message of each message id, while interleaved.
    messages: BTreeMap<(StreamId, bool, u32), u32>,
    /// The highest number so far.
    newest: Option<Tsn>,
    pub packets: usize,
    pub retransmissions: u64,
}

impl Watch {
    pub fn handle_packet(&mut self, now: Instant, packet: &Bytes, sent: &[Sent]) {
        assert_eq!(packet.len() % 4, 0);
        self.packets += 1;
        let packet = Packet::parse(packet.clone(), Checksum::Zero).expect("a packet");
        for chunk in packet.chunks {
            match chunk.expect("a chunk") {
                Chunk::Data(data) => {
                    let number = if data.flags.beginning {
                        Some(data.ppid.0)
                    } else {
                        self.chunks.get(&data.tsn.minus(1).0).map(|(number, _)| *number)
                    };
                    self.handle_chunk(now, data.tsn, number.expect("a beginning"), sent);
                }
                Chunk::InterleavedData(data) => {
                    let key = (data.stream, data.flags.unordered, data.message.0);
                    let number = if data.flags.beginning {
                        // The ids begin again with the stream.
                        self.messages.insert(key, data.ppid.0);
                        data.ppid.0
                    } else if let Some((number, _)) = self.chunks.get(&data.tsn.0) {
                        *number
                    } else {
                        self.messages[&key]
                    };
                    self.handle_chunk(now, data.tsn, number, sent);
                }
                _ => {}
            }
        }
    }

    fn handle_chunk(&mut self, now: Instant, tsn: Tsn, number: u32, sent: &[Sent]) {
        let (known, times) = self.chunks.entry(tsn.0).or_insert((number, 0));
        assert_eq!(*known, number, "a chunk is sent again as it was");
        *times += 1;
        if *times > 1 {
            self.retransmissions += 1;
        } else {
            // Numbers are left out where the rest of a message was given up.
            assert!(self.newest.is_none_or(|newest| tsn.is_newer_than(newest)), "numbers go up");
            self.newest = Some(tsn);
        }
        let message = &sent[number as usize];
        match message.options.reliability {
            Reliability::Reliable => {}
            Reliability::Lifetime(time) => {
                assert!(now <= message.at + time, "message {number} is sent after its life has ended");
            }
            Reliability::Retransmissions(most) => {
                assert!(
                    *times <= most + 1,
                    "message {number} is sent {times} times, {most} more are allowed"
                );
            }
        }
    }
}
