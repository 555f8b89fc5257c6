//! Two transports, the first with a TURN server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use peerless_netsim::{Behaviour, Link, Mapping, Nat, Network};
use peerless_transport::crypto::Certificate;
use peerless_transport::datagram::{Base, Datagram, Protocol, Received, StreamId, Transmit};
use peerless_transport::dtls::Role;
use peerless_transport::ice;
use peerless_transport::sctp::{self, Message, SendOptions};
use peerless_transport::state::{DtlsState, GatheringState};
use peerless_transport::transport::{Config, Event, PacketKind, Transport};
use peerless_transport::turn::{Alternate, TurnServer};
use peerless_wire::sctp::{self as wire, Ppid};
use peerless_wire::sdp::Candidate;

use crate::server::{PASSWORD, Server, USER};

pub const SERVER: &str = "192.0.2.9:3478";

pub struct World {
    pub now: Instant,
    pub network: Network<Bytes>,
    pub servers: Vec<Server>,
    pub transports: [Transport; 2],
    pub addresses: [SocketAddr; 2],
    /// Where streams of the first begin.
    pub stream: Option<SocketAddr>,
    pub candidates: [Vec<Candidate>; 2],
    pub errors: Vec<ice::CandidateFailure>,
    /// The servers that came in the place of others.
    pub followed: Vec<Alternate>,
    pub received: [Vec<Received>; 2],
    pub messages: [Vec<Message>; 2],
    pub batches: Vec<Transmit>,
    /// Who spoke to whom, but for the servers themselves.
    pub direct: usize,
}

#[expect(clippy::disallowed_methods, reason = "a test begins somewhere; from there time is virtual")]
fn beginning() -> Instant {
    Instant::now()
}

pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub fn turn_server(address: &str, credential: &str) -> TurnServer {
    TurnServer {
        address: address.parse().unwrap(),
        protocol: Protocol::Udp,
        url: format!("turn:{address}"),
        username: USER.to_owned(),
        credential: credential.to_owned(),
    }
}

impl World {
    /// The first of the two tells and tries relayed candidates only.
    pub fn new(server: Server) -> Self {
        Self::with(server, true)
    }

    pub fn with(server: Server, is_relay_only: bool) -> Self {
        Self::made(server, |end, config| config.is_relay_only = is_relay_only && end == 0)
    }

    /// With agents that `change` makes, of either end.
    pub fn made(server: Server, change: impl Fn(usize, &mut ice::Config)) -> Self {
        let now = beginning();
        let certificate = || {
            let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_348_800);
            Arc::new(Certificate::generate(wall).unwrap())
        };
        let transports = [0, 1].map(|end| {
            let seed = [end as u8 + 1; 32];
            let mut config = Config::new(seed, certificate()).simulated(seed);
            change(end, &mut config.ice);
            Transport::new(now, config)
        });
        let link = Link { delay: Duration::from_millis(10), ..Link::default() };
        let mut world = Self {
            now,
            network: Network::new(1, link),
            servers: vec![server],
            transports,
            addresses: ["10.0.0.1:1000", "10.0.1.2:2000"].map(|text| text.parse().unwrap()),
            stream: None,
            candidates: [vec![], vec![]],
            errors: vec![],
            followed: vec![],
            received: [vec![], vec![]],
            messages: [vec![], vec![]],
            batches: vec![],
            direct: 0,
        };
        world.transports[1].ice_mut().set_controlling(false);
        world
    }

    /// Puts the first behind a translator that forgets after half a minute.
    pub fn forget(&mut self) {
        let timeout = Some(seconds(30));
        let mapping = Mapping::AddressAndPortDependent;
        let behaviour = Behaviour { timeout, mapping, ..Behaviour::default() };
        let outside = "198.51.100.1".parse().unwrap();
        self.network.add_nat(Nat::with(outside, [self.addresses[0].ip()], behaviour));
    }

    /// From now on the two do not reach each other but by way of servers.
    pub fn cut(&mut self) {
        let [first, second] = self.addresses.map(|address| address.ip());
        self.network.set_link(first, second, Link::cut());
        self.network.set_link(second, "198.51.100.1".parse().unwrap(), Link::cut());
    }

    /// Gathers at `end`, with a server for the first.
    pub fn gather(&mut self, end: usize, servers: &[TurnServer]) {
        let agent = self.transports[end].ice_mut();
        agent.start_gathering(self.now);
        agent.add_local_address(self.now, Base::udp(self.addresses[end]));
        for server in servers {
            agent.add_turn_server(self.now, server.clone());
        }
        agent.finish_local_addresses(self.now);
    }

    /// Gathers at the first end until it is complete; how long that took.
    pub fn gathered(&mut self, servers: &[TurnServer]) -> Duration {
        let begin = self.now;
        self.gather(0, servers);
        assert!(self.run(seconds(60), |world| {
            world.transports[0].ice().gathering_state() == GatheringState::Complete
        }));
        self.now - begin
    }

    /// Hands both the other's credentials and description.
    pub fn introduce(&mut self) {
        for end in 0..2 {
            let other = &self.transports[1 - end];
            let agent = other.ice();
            let credentials = agent.next_credentials().unwrap_or(agent.local_credentials()).clone();
            let fingerprint = other.local_fingerprint();
            self.transports[end].ice_mut().set_remote(self.now, credentials, false);
            let role = if end == 0 { Role::Client } else { Role::Server };
            self.transports[end].set_remote_fingerprints(self.now, vec![fingerprint], role);
            self.transports[end].open_association(self.now, sctp::Config::new([7; 32]));
        }
    }

    /// The first reaches its server by a stream.
    pub fn gather_by_stream(&mut self) {
        let base = "10.0.0.1:1".parse().unwrap();
        self.stream = Some(base);
        self.transports[0].ice_mut().add_stream_base(self.now, base);
        let server = TurnServer { protocol: Protocol::Tcp, ..turn_server(SERVER, PASSWORD) };
        self.gather(0, &[server]);
    }

    /// The stream ends.
    pub fn end_stream(&mut self) {
        let (local, remote) = (self.stream.unwrap(), SERVER.parse().unwrap());
        let stream = StreamId { protocol: Protocol::Tcp, local, remote };
        self.transports[0].stream_closed(self.now, stream, "connection reset");
        self.servers[0].allocations.clear();
    }

    /// The whole way up to media that can be sent.
    pub fn connect(&mut self) {
        self.gather(0, &[turn_server(SERVER, PASSWORD)]);
        self.gather(1, &[]);
        self.introduce();
        assert!(self.run(seconds(30), Self::is_connected), "{:?}", self.errors);
    }

    pub fn is_connected(&self) -> bool {
        let is_up = |one: &Transport| one.dtls_state() == DtlsState::Connected && one.can_send_media();
        self.transports.iter().all(is_up)
    }

    /// Lets time pass until `is_done`, or `limit` is over. Returns whether it was done.
    pub fn run(&mut self, limit: Duration, is_done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + limit;
        let mut standing = 0;
        loop {
            self.collect();
            if is_done(self) {
                return true;
            }
            let timeouts = self.transports.iter().filter_map(Transport::poll_timeout);
            let next = timeouts.chain(self.network.next_arrival()).min().filter(|next| *next <= end);
            let Some(next) = next else {
                self.now = end;
                return is_done(self);
            };
            standing = if next > self.now { 0 } else { standing + 1 };
            assert!(standing < 1000, "time stands still");
            self.now = self.now.max(next);
            while let Some((source, destination, contents)) = self.network.receive(self.now) {
                self.deliver(source, destination, &contents);
            }
            for transport in &mut self.transports {
                transport.handle_timeout(self.now);
            }
        }
    }

    pub fn pass(&mut self, time: Duration) {
        self.run(time, |_| false);
    }

    fn deliver(&mut self, source: SocketAddr, destination: SocketAddr, contents: &[u8]) {
        if let Some(server) = self.servers.iter_mut().find(|server| server.owns(destination)) {
            for (from, to, contents) in server.handle(self.now, source, destination, contents) {
                self.network.send(self.now, from, to, contents);
            }
            return;
        }
        let is_stream = self.stream == Some(destination);
        let place = self.addresses.iter().position(|address| *address == destination);
        let Some(end) = place.or(is_stream.then_some(0)) else { return };
        self.direct += usize::from(self.addresses.contains(&source));
        let contents = BytesMut::from(contents);
        let protocol = if is_stream { Protocol::Tcp } else { Protocol::Udp };
        let datagram = Datagram { source, destination, protocol, ecn: None, contents };
        let received = self.transports[end].handle_datagram(self.now, datagram);
        self.received[end].extend(received);
    }

    fn collect(&mut self) {
        for end in 0..2 {
            let mut out = BytesMut::new();
            while let Some(transmit) = self.transports[end].poll_transmit(self.now, 16, &mut out) {
                self.batches.push(transmit);
                self.leave(transmit, &mut out);
            }
            while let Some(event) = self.transports[end].poll_event() {
                match event {
                    Event::Ice(ice::Event::Candidate(candidate)) => {
                        let told =
                            self.transports[1 - end].ice_mut().add_remote_candidate(self.now, &candidate);
                        assert!(told.is_ok() || told == Err(ice::CandidateError::WrongUfrag));
                        self.candidates[end].push(candidate);
                    }
                    Event::Ice(ice::Event::CandidateError(failure)) => self.errors.push(failure),
                    Event::FollowServer(alternate) => self.followed.push(alternate),
                    _ => {}
                }
            }
            if self.transports[end].ice().gathering_state() == GatheringState::Complete {
                self.transports[1 - end].ice_mut().end_of_remote_candidates(self.now);
            }
            while let Some(message) = self.transports[end].poll_message(self.now) {
                self.messages[end].push(message);
            }
        }
    }

    /// Puts what was polled on the network, one datagram each.
    pub fn leave(&mut self, transmit: Transmit, out: &mut BytesMut) {
        let mut batch = out.split_to(transmit.size);
        while !batch.is_empty() {
            let size = transmit.segment_size.unwrap_or(usize::MAX).min(batch.len());
            let datagram = batch.split_to(size).freeze();
            assert!(
                transmit.protocol == Protocol::Udp || datagram.len().is_multiple_of(4),
                "padded in streams"
            );
            self.network.send(self.now, transmit.source, transmit.destination, datagram);
        }
    }

    /// Sends media packets of these sizes from `end` in one batch, as the floor above does.
    pub fn send_media(&mut self, end: usize, sizes: &[usize]) -> Transmit {
        let envelope = self.transports[end].envelope().unwrap();
        let mut out = BytesMut::new();
        for (at, size) in sizes.iter().enumerate() {
            let begin = envelope.open(&mut out);
            out.extend_from_slice(&[0x80, 96, 0, at as u8, 0, 0, 0, 0, 0, 0, 0, 1]);
            out.resize(begin + size, at as u8);
            self.transports[end].protect(PacketKind::Rtp, &mut out, begin).unwrap();
            envelope.close(&mut out, begin);
        }
        let segment = out.len() / sizes.len();
        let transmit = Transmit { size: out.len(), segment_size: Some(segment), ..envelope.transmit() };
        self.leave(transmit, &mut out);
        transmit
    }

    /// Sends a message from `end`, and waits until it has come.
    pub fn message(&mut self, end: usize, size: usize) {
        let count = self.messages[1 - end].len();
        let payload = Bytes::from(vec![7; size]);
        let association = self.transports[end].association_mut().unwrap();
        association.send(self.now, wire::StreamId(1), Ppid::BINARY, payload, SendOptions::default()).unwrap();
        assert!(self.run(seconds(20), |world| world.messages[1 - end].len() > count));
        assert_eq!(self.messages[1 - end][count].payload.len(), size);
    }
}
