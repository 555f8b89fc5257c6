//! An association that is open, and whoever can write packets to it.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use peerless_transport::sctp::{Association, Config, Event, Message, SendOptions, State};
use peerless_wire::sctp::{Checksum, Chunk, Header, Packet, Ppid, StreamId, Tag, Tsn, Writer};

use crate::scene::{MS, some_instant};

/// One end that is attacked, and the other, which is honest and whose words the attacker knows.
pub struct Victim {
    pub now: Instant,
    pub association: Association,
    pub partner: Association,
    pub events: Vec<Event>,
    pub messages: Vec<Message>,
    /// What packets from the partner carry.
    pub header: Header,
    /// The number of the partner's next chunk.
    pub next: Tsn,
    /// The number up to which the partner has acknowledged.
    pub acknowledged: Tsn,
    /// All packets from the partner until it was open.
    pub heard: Vec<Bytes>,
}

/// What an attack made an association say.
#[derive(Debug, Default)]
pub struct Said {
    pub packets: usize,
    pub bytes: usize,
    pub chunks: Vec<Chunk>,
}

impl Victim {
    /// Open with these settings on both ends, and one message gone each way.
    pub fn new(seed: u8, adjust: impl Fn(&mut Config)) -> Self {
        let now = some_instant();
        let [association, partner] = [seed, seed ^ 0x80].map(|seed| {
            let mut config = Config::new([seed; 32]);
            config.max_packet_size = 1200;
            adjust(&mut config);
            Association::new(now, config)
        });
        let header = Header { source_port: 5000, destination_port: 5000, tag: Tag(0) };
        let (events, messages, heard) = (Vec::new(), Vec::new(), Vec::new());
        let (next, acknowledged) = (Tsn(0), Tsn(0));
        let mut victim =
            Self { now, association, partner, events, messages, header, next, acknowledged, heard };
        victim.partner.connect(now);
        for end in [&mut victim.association, &mut victim.partner] {
            let sent = end.send(
                now,
                StreamId(0),
                Ppid::BINARY,
                Bytes::from_static(b"hello"),
                SendOptions::default(),
            );
            sent.expect("taken");
        }
        for _ in 0..50 {
            victim.converse();
            victim.now += 10 * MS;
        }
        assert_eq!(victim.association.state(), State::Established);
        assert_eq!(victim.messages.len(), 1);
        while victim.partner.poll_message(victim.now).is_some() {}
        victim.messages.clear();
        victim.events.clear();
        victim
    }

    /// Both ends exchange what they have to say.
    pub fn converse(&mut self) {
        for end in [&mut self.association, &mut self.partner] {
            end.handle_timeout(self.now);
        }
        let mut out = BytesMut::new();
        for _ in 0..20 {
            while self.partner.poll_transmit(self.now, &mut out).is_some() {
                let packet = out.split().freeze();
                self.learn(&packet);
                self.association.handle_packet(self.now, packet);
            }
            while self.association.poll_transmit(self.now, &mut out).is_some() {
                self.partner.handle_packet(self.now, out.split().freeze());
            }
        }
        self.drain();
    }

    fn learn(&mut self, packet: &Bytes) {
        let parsed = Packet::parse(packet.clone(), Checksum::Zero).expect("a packet");
        self.heard.push(packet.clone());
        self.header.tag = parsed.header.tag;
        for chunk in parsed.chunks.flatten() {
            match chunk {
                Chunk::Data(data) => self.next = data.tsn.next(),
                Chunk::InterleavedData(data) => self.next = data.tsn.next(),
                Chunk::Sack(sack) => self.acknowledged = sack.cumulative,
                _ => {}
            }
        }
    }

    /// Takes what there is to read.
    pub fn drain(&mut self) {
        let most = 100_000;
        let before = self.events.len();
        self.events.extend(std::iter::from_fn(|| self.association.poll_event()));
        assert!(self.events.len() - before < most);
        self.messages.extend(std::iter::from_fn(|| self.association.poll_message(self.now)));
    }

    /// A packet with these chunks, as if from the partner.
    pub fn packet(&self, chunks: &[Chunk]) -> Bytes {
        let mut out = BytesMut::new();
        let mut writer = Writer::new(&mut out, self.header);
        chunks.iter().for_each(|chunk| writer.chunk(chunk));
        writer.finish(Checksum::Crc32c);
        out.freeze()
    }

    /// A packet with these bytes behind the header.
    pub fn raw(&self, bytes: &[u8]) -> Bytes {
        let mut out = BytesMut::new();
        let mut writer = Writer::new(&mut out, self.header);
        writer.out().extend_from_slice(bytes);
        writer.finish(Checksum::Crc32c);
        out.freeze()
    }

    /// The association takes a packet, and says what it has to.
    pub fn attack(&mut self, packet: Bytes) -> Said {
        self.association.handle_packet(self.now, packet);
        self.listen()
    }

    pub fn attack_with(&mut self, chunks: &[Chunk]) -> Said {
        self.attack(self.packet(chunks))
    }

    pub fn listen(&mut self) -> Said {
        let (mut said, mut out) = (Said::default(), BytesMut::new());
        while let Some(len) = self.association.poll_transmit(self.now, &mut out) {
            said.packets += 1;
            said.bytes += len;
            assert!(said.packets < 10_000, "it talks without end");
            let packet = Packet::parse(out.split().freeze(), Checksum::Zero).expect("a packet");
            said.chunks.extend(packet.chunks.map(|chunk| chunk.expect("a chunk")));
        }
        said
    }

    pub fn wait(&mut self, time: Duration) {
        self.now += time;
        self.association.handle_timeout(self.now);
    }

    pub fn held(&self) -> usize {
        self.association.stats().receive_buffered
    }

    pub fn is_open(&self) -> bool {
        self.association.state() == State::Established
    }
}
