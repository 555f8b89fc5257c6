//! A message on its way out and in: what is allocated per packet, once the windows are open and the pools are filled.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use peerless_transport::crypto::Certificate;
use peerless_transport::datagram::{Base, Datagram, Protocol};
use peerless_transport::dtls::{Role, Versions};
use peerless_transport::sctp::{self, SendOptions};
use peerless_transport::transport::{Config, Transport};
use peerless_wire::sctp::{Ppid, StreamId};

const SENDER: usize = 0;
const RECEIVER: usize = 1;
const SEGMENTS: usize = 64;
/// Room for what is polled at once, with what one send may take.
const ROOM: usize = 1 << 17;

/// What dimpl allocates for each record that it seals: a datagram, which it does not put back into its pool, grown in
/// three steps.
const PER_SEALED: u64 = 3;
/// What dimpl allocates for each record that it opens: the list of records, each of them, what it knows of it; and in
/// DTLS 1.3 the key that uncovers its number.
const PER_OPENED: [(Versions, u64); 2] = [(Versions::Only12, 3), (Versions::Only13, 4)];
/// What a message of several packets needs: the list of its pieces, and one run of bytes for all.
const PER_MESSAGE: u64 = 6;

struct Pair {
    now: Instant,
    ends: [Transport; 2],
    out: BytesMut,
    block: BytesMut,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    packets: u64,
    /// Allocations while sending.
    out: u64,
    /// Allocations while taking datagrams of data in.
    arriving: u64,
    messages: u64,
    reading: u64,
}

fn address(end: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, end as u8 + 1], 5000))
}

impl Pair {
    #[expect(clippy::disallowed_methods, reason = "a test begins somewhere; from there time is virtual")]
    fn connected(versions: Versions) -> Self {
        let now = Instant::now();
        let mut ends = [SENDER, RECEIVER].map(|end| {
            let certificate =
                Certificate::generate(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_348_800));
            let mut config = Config::new([end as u8; 32], Arc::new(certificate.unwrap()));
            config.dtls.versions = versions;
            let mut transport = Transport::new(now, config);
            transport.ice_mut().set_controlling(end == SENDER);
            transport.ice_mut().start_gathering(now);
            transport.ice_mut().add_local_address(now, Base::udp(address(end)));
            transport.ice_mut().finish_local_addresses(now);
            transport
        });
        for end in [SENDER, RECEIVER] {
            let credentials = ends[1 - end].ice().local_credentials().clone();
            let candidates: Vec<_> = ends[1 - end].ice().local_candidates().collect();
            let fingerprint = ends[1 - end].local_fingerprint();
            let role = if end == SENDER { Role::Client } else { Role::Server };
            ends[end].ice_mut().set_remote(now, credentials, false);
            for candidate in &candidates {
                ends[end].ice_mut().add_remote_candidate(now, candidate).unwrap();
            }
            ends[end].set_remote_fingerprints(now, vec![fingerprint], role);
            let mut config = sctp::Config::new([7 + end as u8; 32]);
            config.max_packet_size = config.packet_size;
            ends[end].open_association(now, config);
        }
        let mut pair =
            Self { now, ends, out: BytesMut::new(), block: BytesMut::new(), counts: Counts::default() };
        for _ in 0..2000 {
            pair.step();
        }
        assert!(pair.ends.iter().all(|end| end.association().unwrap().state() == sctp::State::Established));
        pair
    }

    /// Lets half a millisecond pass, hands over what is sent, and reads what has arrived.
    fn step(&mut self) {
        self.now += Duration::from_micros(500);
        for from in [SENDER, RECEIVER] {
            if self.ends[from].poll_timeout().is_some_and(|at| at <= self.now) {
                self.ends[from].handle_timeout(self.now);
            }
            while let Some((batch, segment)) = self.poll_transmit(from) {
                for datagram in batch.chunks(segment) {
                    self.deliver(from, datagram);
                }
            }
            while self.ends[from].poll_event().is_some() {}
        }
        let (now, receiver) = (self.now, &mut self.ends[RECEIVER]);
        loop {
            let mut message = None;
            let info = allocation_counter::measure(|| message = receiver.poll_message(now));
            if message.is_none() {
                break;
            }
            self.counts.messages += 1;
            self.counts.reading += info.count_total;
        }
    }

    /// What one send carries, and how long its datagrams are.
    fn poll_transmit(&mut self, from: usize) -> Option<(Vec<u8>, usize)> {
        // As a driver has it: what was sent is gone, and its room is used again.
        self.out.clear();
        self.out.reserve(ROOM);
        let (now, end, out, mut transmit) = (self.now, &mut self.ends[from], &mut self.out, None);
        let info = allocation_counter::measure(|| transmit = end.poll_transmit(now, SEGMENTS, out));
        let transmit = transmit?;
        let segment = transmit.segment_size.unwrap_or(transmit.size);
        if from == SENDER && segment > 1000 {
            self.counts.packets += transmit.size.div_ceil(segment) as u64;
            self.counts.out += info.count_total;
        }
        Some((self.out.to_vec(), segment))
    }

    fn deliver(&mut self, from: usize, datagram: &[u8]) {
        // As a driver has it: many datagrams share one block.
        self.block.reserve(ROOM);
        self.block.extend_from_slice(datagram);
        let contents = self.block.split();
        let (source, destination) = (address(from), address(1 - from));
        let datagram = Datagram { source, destination, protocol: Protocol::Udp, ecn: None, contents };
        let (now, end, is_data) = (self.now, &mut self.ends[1 - from], datagram.contents.len() > 1000);
        let info = allocation_counter::measure(|| drop(end.handle_datagram(now, datagram)));
        if is_data && from == SENDER {
            self.counts.arriving += info.count_total;
        }
    }

    /// Sends `count` messages of `size` bytes and waits until they were read.
    fn send(&mut self, count: u64, size: usize) -> Counts {
        self.counts = Counts::default();
        let payload = Bytes::from(vec![0x5a; size]);
        let mut sent = 0;
        while self.counts.messages < count {
            let association = self.ends[SENDER].association_mut().unwrap();
            while sent < count && association.total_buffered() < 200_000 {
                let options = SendOptions::default();
                association.send(self.now, StreamId(1), Ppid::BINARY, payload.clone(), options).unwrap();
                sent += 1;
            }
            self.step();
        }
        std::mem::take(&mut self.counts)
    }
}

#[test]
fn a_packet_of_a_message_costs_no_allocation_of_ours() {
    for (versions, per_opened) in PER_OPENED {
        for size in [16 * 1024, 1000] {
            let mut pair = Pair::connected(versions);
            pair.send(4000, size);
            let counts = pair.send(1000, size);
            assert!(counts.packets >= (1000 * size / 1200) as u64, "{counts:?}");
            // Now and then a list grows.
            let few = counts.packets / 50 + 10;
            assert!(counts.out <= counts.packets * PER_SEALED + few, "{counts:?}");
            let arriving = counts.packets * per_opened + counts.messages * PER_MESSAGE;
            assert!(counts.arriving <= arriving + few, "{counts:?}");
            assert_eq!(counts.reading, 0, "{counts:?}");
        }
    }
}
