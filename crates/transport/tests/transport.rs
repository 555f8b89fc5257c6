//! Two whole transports over a simulated network in virtual time: ICE finds a path, DTLS keys SRTP, media flows.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::{BufMut, Bytes, BytesMut};
use peerless_netsim::{Link, Network};
use peerless_transport::crypto::{Certificate, Fingerprint, HashAlgorithm};
use peerless_transport::datagram::{Base, Datagram, Protocol, Received, Transmit};
use peerless_transport::dtls::{Failure, Role, Version, Versions};
use peerless_transport::sctp::{self, Message, SendOptions};
use peerless_transport::srtp::{Error, Profile};
use peerless_transport::state::DtlsState;
use peerless_transport::transport::{Config, Event, PacketKind, Transport};
use peerless_wire::sctp::{Ppid, StreamId};

const ALL_VERSIONS: [(Versions, Version); 3] = [
    (Versions::Any, Version::Dtls13),
    (Versions::Only12, Version::Dtls12),
    (Versions::Only13, Version::Dtls13),
];
const OFFERER: usize = 0;
const ANSWERER: usize = 1;

struct Scene {
    now: Instant,
    network: Network<BytesMut>,
    transports: [Transport; 2],
    events: [Vec<Event>; 2],
    received: [Vec<Received>; 2],
    messages: [Vec<Message>; 2],
    /// What was sent at once.
    batches: Vec<Transmit>,
    /// What the answerer sent over DTLS, to be forged and replayed.
    seen: Vec<BytesMut>,
}

#[expect(clippy::disallowed_methods, reason = "a test begins somewhere; from there time is virtual")]
fn beginning() -> Instant {
    Instant::now()
}

fn certificate() -> Arc<Certificate> {
    Arc::new(Certificate::generate(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_348_800)).unwrap())
}

fn address(end: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, end as u8 + 1], 5000))
}

fn quick() -> Link {
    Link { delay: Duration::from_millis(10), ..Link::default() }
}

fn rough() -> Link {
    let delay = Duration::from_millis(50);
    Link { delay, loss: peerless_netsim::Loss::Random(0.1), ..Link::default() }
}

impl Scene {
    /// Two transports whose ICE agents know each other; DTLS waits for [`Scene::describe`].
    fn new(seed: u64, link: Link, versions: Versions) -> Self {
        let now = beginning();
        let mut transports = [OFFERER, ANSWERER].map(|end| {
            let mut bytes = [end as u8; 32];
            bytes[..8].copy_from_slice(&seed.to_be_bytes());
            let mut config = Config::new(bytes, certificate()).simulated(bytes);
            config.dtls.versions = versions;
            config.diagnostics = true;
            let mut transport = Transport::new(now, config);
            transport.ice_mut().set_controlling(end == OFFERER);
            transport.ice_mut().start_gathering(now);
            transport.ice_mut().add_local_address(now, Base::udp(address(end)));
            transport.ice_mut().finish_local_addresses(now);
            transport
        });
        let credentials = transports.each_ref().map(|transport| transport.ice().local_credentials().clone());
        let candidates =
            transports.each_ref().map(|transport| transport.ice().local_candidates().collect::<Vec<_>>());
        for (end, transport) in transports.iter_mut().enumerate() {
            transport.ice_mut().set_remote(now, credentials[1 - end].clone(), false);
            for candidate in &candidates[1 - end] {
                transport.ice_mut().add_remote_candidate(now, candidate).unwrap();
            }
            transport.ice_mut().end_of_remote_candidates(now);
        }
        let network = Network::new(seed, link);
        Self {
            now,
            network,
            transports,
            events: [vec![], vec![]],
            received: [vec![], vec![]],
            messages: [vec![], vec![]],
            batches: vec![],
            seen: vec![],
        }
    }

    /// Both as a test wants them in most cases: ICE going, descriptions exchanged.
    fn described(seed: u64, link: Link, versions: Versions, client: usize) -> Self {
        let mut scene = Self::new(seed, link, versions);
        scene.describe(OFFERER, client);
        scene.describe(ANSWERER, client);
        scene
    }

    /// Hands `end` what the other's description says.
    fn describe(&mut self, end: usize, client: usize) {
        let fingerprint = self.transports[1 - end].local_fingerprint();
        self.describe_with(end, client, fingerprint);
    }

    fn describe_with(&mut self, end: usize, client: usize, fingerprint: Fingerprint) {
        let role = if client == end { Role::Client } else { Role::Server };
        self.transports[end].set_remote_fingerprints(self.now, vec![fingerprint], role);
    }

    /// Lets time pass until `is_done`, or `limit` is over. Returns whether it was done.
    fn run(&mut self, limit: Duration, is_done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + limit;
        loop {
            self.collect();
            if is_done(self) {
                return true;
            }
            let timeouts = self.transports.iter().filter_map(Transport::poll_timeout);
            let Some(next) = timeouts.chain(self.network.next_arrival()).min().filter(|next| *next <= end)
            else {
                self.now = end;
                return is_done(self);
            };
            self.now = self.now.max(next);
            while let Some((source, destination, contents)) = self.network.receive(self.now) {
                self.deliver(source, destination, contents);
            }
            for transport in &mut self.transports {
                transport.handle_timeout(self.now);
            }
        }
    }

    fn deliver(&mut self, source: SocketAddr, destination: SocketAddr, contents: BytesMut) {
        let end = usize::from(destination == address(ANSWERER));
        let datagram = Datagram { source, destination, protocol: Protocol::Udp, ecn: None, contents };
        let received = self.transports[end].handle_datagram(self.now, datagram);
        self.received[end].extend(received);
    }

    fn collect(&mut self) {
        for (end, transport) in self.transports.iter_mut().enumerate() {
            let mut out = BytesMut::new();
            while let Some(transmit) = transport.poll_transmit(self.now, 16, &mut out) {
                self.batches.push(transmit);
                let mut batch = out.split_to(transmit.size);
                while !batch.is_empty() {
                    let datagram =
                        batch.split_to(transmit.segment_size.unwrap_or(usize::MAX).min(batch.len()));
                    if end == ANSWERER && (20..64).contains(&datagram[0]) {
                        self.seen.push(datagram.clone());
                    }
                    self.network.send(self.now, transmit.source, transmit.destination, datagram);
                }
            }
            self.events[end].extend(std::iter::from_fn(|| transport.poll_event()));
            self.messages[end].extend(std::iter::from_fn(|| transport.poll_message(self.now)));
        }
    }

    fn connect(&mut self, limit: Duration) {
        let is_connected = self.run(limit, |scene| {
            scene
                .transports
                .iter()
                .all(|transport| transport.dtls_state() == DtlsState::Connected && transport.can_send_media())
        });
        assert!(is_connected, "{:?}", self.events);
    }

    /// Sends a media packet from `end`, and gives out what went on the wire.
    fn send(&mut self, end: usize, kind: PacketKind, plain: &[u8]) -> BytesMut {
        let mut packet = BytesMut::from(plain);
        self.transports[end].protect(kind, &mut packet, 0).unwrap();
        let (base, destination) = self.transports[end].route().unwrap();
        self.network.send(self.now, base.address, destination, packet.clone());
        packet
    }

    fn has_failed(&self, end: usize, failure: &Failure) -> bool {
        self.events[end].contains(&Event::Failed(failure.clone()))
    }

    fn is_secured(&self, end: usize) -> bool {
        self.events[end].iter().any(|event| matches!(event, Event::Secured(_)))
    }
}

fn rtp(sequence: u16) -> Bytes {
    let mut packet = BytesMut::new();
    packet.put_slice(&[0x80, 96]);
    packet.put_u16(sequence);
    packet.put_slice(&[0, 0, 0, 0, 0, 0, 0, 9]);
    packet.put_slice(b"a frame, or a part of one");
    packet.freeze()
}

fn rtcp() -> Bytes {
    Bytes::from_static(&[0x80, 201, 0, 1, 0, 0, 0, 9])
}

#[test]
fn connects_in_every_version_and_either_role_and_carries_media() {
    for (versions, expected) in ALL_VERSIONS {
        for client in [OFFERER, ANSWERER] {
            let mut scene = Scene::described(1, quick(), versions, client);
            scene.connect(Duration::from_secs(5));
            for end in [OFFERER, ANSWERER] {
                let secured = scene.transports[end].secured().unwrap();
                assert_eq!(secured.version, expected);
                assert_eq!(secured.srtp_profile, Some(Profile::AeadAes256Gcm));
                assert!(scene.events[end].contains(&Event::Secured(secured)));
                scene.send(end, PacketKind::Rtp, &rtp(7));
                scene.send(end, PacketKind::Rtcp, &rtcp());
            }
            let all = [Received::Rtp(rtp(7)), Received::Rtcp(rtcp())];
            let is_there = scene.run(Duration::from_secs(1), |scene| {
                scene.received.iter().all(|received| all.iter().all(|one| received.contains(one)))
            });
            assert!(is_there, "{:?}", scene.received);
        }
    }
}

#[test]
fn waits_for_no_timer_on_the_way_to_media() {
    for client in [OFFERER, ANSWERER] {
        let mut scene = Scene::described(10, Link::default(), Versions::Any, client);
        let start = scene.now;
        scene.connect(Duration::from_secs(5));
        assert_eq!(scene.now - start, Duration::ZERO, "client {client}");
    }
}

#[test]
fn fails_with_its_reason_where_the_fingerprint_is_wrong() {
    for (versions, _) in ALL_VERSIONS {
        for wrong in [OFFERER, ANSWERER] {
            let mut scene = Scene::new(2, quick(), versions);
            scene.describe(1 - wrong, OFFERER);
            let stranger = certificate().fingerprint(HashAlgorithm::Sha256);
            scene.describe_with(wrong, OFFERER, stranger);
            scene.run(Duration::from_secs(60), |_| false);
            assert!(scene.has_failed(wrong, &Failure::FingerprintMismatch));
            assert_eq!(scene.transports[wrong].dtls_state(), DtlsState::Failed);
            assert!(!scene.is_secured(wrong));
            let refused =
                scene.transports[wrong].protect(PacketKind::Rtp, &mut BytesMut::from(&rtp(1)[..]), 0);
            assert_eq!(refused, Err(Error::NotReady));
            assert!(scene.received[wrong].is_empty());
        }
    }
}

#[test]
fn connects_through_loss() {
    for (versions, expected) in ALL_VERSIONS {
        for seed in 0..20 {
            let mut scene = Scene::described(seed, rough(), versions, ANSWERER);
            scene.connect(Duration::from_secs(30));
            assert_eq!(scene.transports[OFFERER].secured().unwrap().version, expected);
        }
    }
}

#[test]
fn loses_no_round_trip_where_the_client_hello_comes_before_the_description() {
    for (versions, _) in ALL_VERSIONS {
        let mut scene = Scene::new(3, quick(), versions);
        scene.describe(ANSWERER, ANSWERER);
        let is_sent = scene.run(Duration::from_secs(5), |scene| !scene.seen.is_empty());
        assert!(is_sent, "the answerer sends its ClientHello");
        scene.run(Duration::from_millis(15), |_| false);
        assert_eq!(scene.transports[OFFERER].dtls_state(), DtlsState::New);
        scene.describe(OFFERER, ANSWERER);
        let start = scene.now;
        scene.connect(Duration::from_secs(5));
        assert!(scene.now - start < Duration::from_millis(60), "took {:?}", scene.now - start);
    }
}

#[test]
fn keeps_a_bounded_number_of_datagrams_before_the_description() {
    let mut scene = Scene::new(4, quick(), Versions::Any);
    scene.run(Duration::from_secs(2), |_| false);
    for _ in 0..100 {
        scene.deliver(address(ANSWERER), address(OFFERER), BytesMut::from(&[22; 1200][..]));
    }
    assert_eq!(scene.transports[OFFERER].stats().dropped.early_handshake, 92);
}

#[test]
fn drops_and_counts_what_comes_from_elsewhere_or_too_early() {
    let mut scene = Scene::new(5, quick(), Versions::Any);
    scene.run(Duration::from_secs(2), |_| false);
    let stranger = SocketAddr::from(([10, 9, 9, 9], 9));
    let hello = [&[22, 0xfe, 0xfd][..], &[0; 100]].concat();
    scene.deliver(stranger, address(OFFERER), BytesMut::from(&hello[..]));
    scene.deliver(stranger, address(OFFERER), BytesMut::from(&rtp(1)[..]));
    scene.deliver(address(ANSWERER), address(OFFERER), BytesMut::from(&rtp(1)[..]));
    scene.deliver(address(ANSWERER), address(OFFERER), BytesMut::from(&[0xff; 30][..]));
    scene.deliver(address(ANSWERER), address(OFFERER), BytesMut::new());
    scene.collect();
    let dropped = scene.transports[OFFERER].stats().dropped;
    assert_eq!((dropped.unknown_pair, dropped.early_media, dropped.unknown_protocol), (2, 1, 2));
    assert_eq!(dropped.total(), 5);
    let told = scene.events[OFFERER].iter().filter(|event| matches!(event, Event::Dropped { .. }));
    assert_eq!(told.count(), 5);
    assert!(scene.received[OFFERER].is_empty());
}

#[test]
fn drops_and_counts_replayed_and_forged_media() {
    let mut scene = Scene::described(6, quick(), Versions::Any, OFFERER);
    scene.connect(Duration::from_secs(5));
    let packet = scene.send(OFFERER, PacketKind::Rtp, &rtp(1));
    scene.network.send(scene.now, address(OFFERER), address(ANSWERER), packet.clone());
    let mut forged = packet;
    forged[3] ^= 1;
    scene.network.send(scene.now, address(OFFERER), address(ANSWERER), forged);
    scene.run(Duration::from_secs(1), |_| false);
    assert_eq!(scene.received[ANSWERER], [Received::Rtp(rtp(1))]);
    let dropped = scene.transports[ANSWERER].stats().dropped;
    assert_eq!((dropped.replayed, dropped.unauthenticated), (1, 1));
}

#[test]
fn is_not_disturbed_by_garbage_from_the_pair_in_use() {
    for (versions, _) in ALL_VERSIONS {
        let mut scene = Scene::described(7, quick(), versions, ANSWERER);
        let alert = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40];
        for _ in 0..400 {
            scene.run(Duration::from_millis(1), |_| false);
            for end in [OFFERER, ANSWERER] {
                scene.deliver(address(1 - end), address(end), BytesMut::from(&alert[..]));
                for first in [0, 20, 22, 47, 63, 64, 128, 144, 200] {
                    let bytes: Vec<u8> = (0..90).map(|place: u8| place.wrapping_mul(first)).collect();
                    let mut bytes = BytesMut::from(&bytes[..]);
                    bytes[0] = first;
                    scene.deliver(address(1 - end), address(end), bytes);
                }
                if let Some(cut) = scene.seen.last().map(|seen| seen[..seen.len() / 2].to_vec()) {
                    scene.deliver(address(ANSWERER), address(OFFERER), BytesMut::from(&cut[..]));
                }
            }
        }
        scene.connect(Duration::from_secs(5));
        scene.send(OFFERER, PacketKind::Rtp, &rtp(1));
        scene.run(Duration::from_secs(1), |_| false);
        assert_eq!(scene.received[ANSWERER], [Received::Rtp(rtp(1))]);
    }
}

#[test]
fn closing_one_closes_the_other_at_once() {
    for (versions, _) in ALL_VERSIONS {
        let mut scene = Scene::described(8, quick(), versions, OFFERER);
        scene.connect(Duration::from_secs(5));
        scene.transports[ANSWERER].close(scene.now);
        let start = scene.now;
        let is_closed = scene.run(Duration::from_secs(5), |scene| {
            scene.events[OFFERER].contains(&Event::Dtls(DtlsState::Closed))
        });
        assert!(is_closed && scene.now - start <= Duration::from_millis(20));
        assert_eq!(scene.transports[ANSWERER].dtls_state(), DtlsState::Closed);
        assert!(!scene.transports[OFFERER].can_send_media());
        let before = scene.transports[ANSWERER].stats().dropped.closed;
        scene.deliver(address(OFFERER), address(ANSWERER), BytesMut::from(&rtp(1)[..]));
        assert_eq!(scene.transports[ANSWERER].stats().dropped.closed, before + 1);
        assert!(scene.received[ANSWERER].is_empty());
    }
}

#[test]
fn counts_what_went_through() {
    let mut scene = Scene::described(9, quick(), Versions::Any, OFFERER);
    scene.connect(Duration::from_secs(5));
    scene.run(Duration::from_millis(100), |_| false);
    let before = scene.transports.each_ref().map(Transport::stats);
    scene.send(OFFERER, PacketKind::Rtp, &rtp(1));
    scene.run(Duration::from_millis(20), |_| false);
    let after = scene.transports.each_ref().map(Transport::stats);
    assert_eq!(after[OFFERER].packets_sent - before[OFFERER].packets_sent, 1);
    assert_eq!(after[OFFERER].bytes_sent - before[OFFERER].bytes_sent, rtp(1).len() as u64 + 16);
    assert_eq!(after[ANSWERER].packets_received - before[ANSWERER].packets_received, 1);
    assert_eq!(after[ANSWERER].bytes_received - before[ANSWERER].bytes_received, rtp(1).len() as u64 + 16);
}

/// Opens an association at both ends, and lets it come up.
fn associated(seed: u64, link: Link, versions: Versions, adjust: impl Fn(&mut sctp::Config)) -> Scene {
    let mut scene = Scene::described(seed, link, versions, ANSWERER);
    for end in [OFFERER, ANSWERER] {
        let mut config = sctp::Config::new([seed as u8 + end as u8; 32]);
        adjust(&mut config);
        scene.transports[end].open_association(scene.now, config);
    }
    scene
}

impl Scene {
    fn send_message(&mut self, end: usize, payload: Bytes) {
        let association = self.transports[end].association_mut().unwrap();
        association.send(self.now, StreamId(1), Ppid::BINARY, payload, SendOptions::default()).unwrap();
    }

    fn has_ended(&self, end: usize) -> bool {
        self.events[end].iter().any(|event| matches!(event, Event::Sctp(sctp::Event::Closed(_))))
    }
}

#[test]
fn messages_go_both_ways_in_every_version_and_through_loss() {
    for (versions, _) in ALL_VERSIONS {
        let mut scene = associated(11, rough(), versions, |_| {});
        let payloads: Vec<Bytes> = (1..40_usize).map(|n| vec![n as u8; n * 997].into()).collect();
        for payload in &payloads {
            // Before anything is connected: nothing is lost by that.
            scene.send_message(OFFERER, payload.clone());
            scene.send_message(ANSWERER, payload.clone());
        }
        scene.run(Duration::from_secs(60), |scene| {
            scene.messages.iter().all(|all| all.len() == payloads.len())
        });
        for received in &scene.messages {
            let received: Vec<_> = received.iter().map(|message| message.payload.clone()).collect();
            assert!(received == payloads, "{} of {}", received.len(), payloads.len());
        }
    }
}

#[test]
fn packets_of_an_association_leave_in_batches_of_one_size() {
    let mut scene = associated(12, Link::default(), Versions::Any, |config| config.max_packet_size = 1200);
    scene.connect(Duration::from_secs(5));
    scene.run(Duration::from_secs(1), |_| false);
    for _ in 0..20 {
        scene.send_message(OFFERER, vec![7; 50_000].into());
    }
    scene.batches.clear();
    scene.run(Duration::from_secs(5), |scene| scene.messages[ANSWERER].len() == 20);
    assert_eq!(scene.messages[ANSWERER].len(), 20);
    let batches: Vec<_> = scene.batches.iter().filter(|batch| batch.size > 1000).collect();
    let packets: usize =
        batches.iter().map(|batch| batch.size.div_ceil(batch.segment_size.unwrap_or(batch.size))).sum();
    assert!(packets >= 800 && batches.len() < packets / 4, "{packets} packets in {} sends", batches.len());
    assert!(batches.iter().all(|batch| batch.size <= 65_507), "as much as one send takes");
    assert!(batches.iter().any(|batch| batch.size > 10_000), "many go together");
}

#[test]
fn datagrams_grow_to_what_the_path_carries_and_a_probe_goes_alone() {
    for (versions, _) in ALL_VERSIONS {
        let adjust = |config: &mut sctp::Config| config.max_packet_size = sctp::MAX_PACKET_SIZE;
        let mut scene = associated(13, quick(), versions, adjust);
        scene.connect(Duration::from_secs(5));
        scene.run(Duration::from_secs(5), |_| false);
        assert_eq!(
            scene.transports[OFFERER].association().unwrap().stats().packet_size,
            sctp::MAX_PACKET_SIZE
        );
        scene.send_message(OFFERER, vec![7; 100_000].into());
        scene.run(Duration::from_secs(5), |scene| !scene.messages[ANSWERER].is_empty());
        assert_eq!(scene.messages[ANSWERER].len(), 1);
    }
}

#[test]
fn closing_tells_the_association_of_the_other_end_and_what_came_can_still_be_read() {
    let mut scene = associated(14, quick(), Versions::Any, |_| {});
    scene.connect(Duration::from_secs(5));
    scene.send_message(OFFERER, Bytes::from_static(b"the last word"));
    let is_there = scene.run(Duration::from_secs(5), |scene| !scene.messages[ANSWERER].is_empty());
    assert!(is_there);
    scene.transports[OFFERER].close(scene.now);
    scene.run(Duration::from_secs(1), |_| false);
    for end in [OFFERER, ANSWERER] {
        assert!(scene.has_ended(end), "{:?}", scene.events[end]);
        assert_eq!(scene.transports[end].association().unwrap().state(), sctp::State::Closed);
    }
    let reason = Event::Sctp(sctp::Event::Closed(sctp::Closed::PeerAborted {
        cause: Some(12),
        reason: "closed".into(),
    }));
    assert!(scene.events[ANSWERER].contains(&reason), "{:?}", scene.events[ANSWERER]);
}

#[test]
fn messages_that_arrived_before_the_end_are_read_after_it() {
    let mut scene = associated(15, quick(), Versions::Any, |_| {});
    scene.connect(Duration::from_secs(5));
    scene.run(Duration::from_secs(1), |_| false);
    scene.send_message(OFFERER, Bytes::from_static(b"unread"));
    let mut out = BytesMut::new();
    while let Some(transmit) = scene.transports[OFFERER].poll_transmit(scene.now, 1, &mut out) {
        scene.deliver(address(OFFERER), address(ANSWERER), out.split_to(transmit.size));
    }
    scene.transports[OFFERER].close(scene.now);
    while let Some(transmit) = scene.transports[OFFERER].poll_transmit(scene.now, 1, &mut out) {
        scene.deliver(address(OFFERER), address(ANSWERER), out.split_to(transmit.size));
    }
    assert_eq!(scene.transports[ANSWERER].dtls_state(), DtlsState::Closed);
    let message = scene.transports[ANSWERER].poll_message(scene.now);
    assert_eq!(message.map(|message| message.payload), Some(Bytes::from_static(b"unread")));
}

#[test]
fn an_association_that_nobody_opened_is_counted() {
    let mut scene = Scene::described(16, quick(), Versions::Any, ANSWERER);
    scene.transports[OFFERER].open_association(scene.now, sctp::Config::new([1; 32]));
    scene.connect(Duration::from_secs(5));
    scene.run(Duration::from_secs(2), |_| false);
    assert!(scene.transports[ANSWERER].stats().dropped.no_association > 0);
    assert!(scene.messages.iter().all(Vec::is_empty));
}
