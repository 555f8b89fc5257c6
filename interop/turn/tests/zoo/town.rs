//! Two whole transports, each at its place, with a server between them; signalling takes its time and keeps no order.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use bytes::BytesMut;
use peerless_interop_turn::{Relay, Sent};
use peerless_netsim::{Arrival, Carrier, Link, Loss, Network, Ports};
use peerless_transport::crypto::Certificate;
use peerless_transport::datagram::{Base, Datagram, Protocol};
use peerless_transport::dtls::Role;
use peerless_transport::ice;
use peerless_transport::state::{DtlsState, GatheringState, IceState};
use peerless_transport::transport::{Config, Event, Transport};
use peerless_transport::turn::TurnServer;
use peerless_wire::sdp::{Candidate, CandidateKind};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::place::{Place, Servers};

/// The port that stands for a host's streams.
const STREAM_NUMBER: u16 = 1;

/// What a pair of places is tried with, all but the places by chance.
#[derive(Debug, Clone)]
pub struct Setting {
    pub seed: u64,
    pub places: [Place; 2],
    pub servers: Servers,
    pub link: Link,
    /// Signalling takes up to this long, and what is signalled later may arrive sooner.
    pub signalling: Duration,
    pub ports: Ports,
    pub controlling: usize,
    pub client: usize,
}

/// What one side is told, and when.
enum Signal {
    Description,
    Candidate(Candidate),
    End,
}

pub struct Town {
    pub begin: Instant,
    pub now: Instant,
    network: Network<BytesMut>,
    relay: Relay,
    transports: [Transport; 2],
    addresses: [SocketAddr; 2],
    chance: ChaCha8Rng,
    signals: Vec<(Instant, usize, Signal)>,
    signalling: Duration,
    client: usize,
    /// When the last candidate that a side has told arrives.
    last: [Instant; 2],
    /// The kinds of the selected pair, and when ICE and DTLS were done.
    pub selected: [Option<(CandidateKind, CandidateKind)>; 2],
    pub ice: [Option<Duration>; 2],
    pub dtls: [Option<Duration>; 2],
}

impl Setting {
    /// The weather of a seed: one in four has none.
    pub fn new(seed: u64, places: [Place; 2], servers: Servers) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(seed ^ 0x0070_6c61_6365);
        let share = |chance: &mut ChaCha8Rng| f64::from(chance.next_u32()) / f64::from(u32::MAX);
        let milliseconds = |chance: &mut ChaCha8Rng, most: u32| {
            Duration::from_millis(u64::from(chance.next_u32() % (most + 1)))
        };
        let is_fair = chance.next_u32().is_multiple_of(4);
        // A stream whose packet is lost four times in a row takes longer than the five seconds that a server has.
        let most_lost = if servers == Servers::TurnTcp { 0.05 } else { 0.1 };
        let link = Link {
            delay: milliseconds(&mut chance, if is_fair { 50 } else { 150 }),
            jitter: milliseconds(&mut chance, if is_fair { 0 } else { 30 }),
            loss: if is_fair { Loss::None } else { Loss::Random(share(&mut chance) * most_lost) },
            reorder: if is_fair { 0.0 } else { share(&mut chance) * 0.05 },
            duplicate: if is_fair { 0.0 } else { share(&mut chance) * 0.05 },
            ..Link::default()
        };
        let signalling = milliseconds(&mut chance, if is_fair { 50 } else { 500 });
        let ports = [Ports::Counted, Ports::Preserved, Ports::Random][(chance.next_u32() % 3) as usize];
        let (controlling, client) = ((chance.next_u32() & 1) as usize, (chance.next_u32() & 1) as usize);
        Self { seed, places, servers, link, signalling, ports, controlling, client }
    }

    /// Whether nothing is lost or held up, so that the best way is also the one to be taken.
    pub fn is_fair(&self) -> bool {
        self.link.loss == Loss::None
    }
}

impl Town {
    pub fn new(setting: &Setting) -> Self {
        let now = beginning();
        let addresses = [0, 1].map(|side| address(side, setting.places[side]));
        let mut network = Network::new(setting.seed, setting.link);
        for side in [0, 1] {
            setting.places[side].build(&mut network, addresses[side].ip(), side as u8 + 1, setting.ports);
        }
        let transports = [0, 1].map(|side| transport(now, setting, side));
        let mut town = Self {
            begin: now,
            now,
            network,
            relay: Relay::new(now),
            transports,
            addresses,
            chance: ChaCha8Rng::seed_from_u64(setting.seed),
            signals: Vec::new(),
            signalling: setting.signalling,
            client: setting.client,
            last: [now; 2],
            selected: [None; 2],
            ice: [None; 2],
            dtls: [None; 2],
        };
        for side in [0, 1] {
            let agent = town.transports[side].ice_mut();
            agent.start_gathering(now);
            agent.add_local_address(now, Base::udp(addresses[side]));
            if setting.servers != Servers::None {
                let address = Relay::address(Carrier::Datagram);
                agent.add_stun_server(now, address, "stun:stun.example");
            }
            match setting.servers {
                Servers::None | Servers::Stun => {}
                Servers::Turn => agent.add_turn_server(now, turn_server(Protocol::Udp)),
                Servers::TurnTcp => {
                    agent.add_stream_base(now, SocketAddr::new(addresses[side].ip(), STREAM_NUMBER));
                    agent.add_turn_server(now, turn_server(Protocol::Tcp));
                }
            }
            agent.finish_local_addresses(now);
            town.tell(1 - side, Signal::Description);
        }
        town
    }

    /// Lets time pass until both have keys and a selected pair, or ICE has failed, or `limit` is over.
    pub fn run(&mut self, limit: Duration) {
        let end = self.now + limit;
        let mut standing = 0;
        loop {
            self.turn();
            if self.is_connected() || self.has_failed() {
                return;
            }
            let timeouts = self.transports.iter().filter_map(Transport::poll_timeout);
            let signal = self.signals.iter().map(|(at, ..)| *at).min();
            let others = [self.network.next_arrival(), self.relay.poll_timeout(), signal];
            let next = timeouts.chain(others.into_iter().flatten()).min();
            let Some(next) = next.filter(|next| *next <= end) else { return };
            standing = if next > self.now { 0 } else { standing + 1 };
            assert!(standing < 1000, "time stands still");
            self.now = self.now.max(next);
        }
    }

    pub fn is_connected(&self) -> bool {
        let is_there = |side: usize| self.dtls[side].is_some() && self.selected[side].is_some();
        is_there(0) && is_there(1)
    }

    pub fn has_failed(&self) -> bool {
        self.transports.iter().all(|transport| transport.ice().state() == IceState::Failed)
    }

    /// When the later of the two was ready for media.
    pub fn took(&self) -> Option<Duration> {
        self.dtls.iter().copied().collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// All that can be done now.
    fn turn(&mut self) {
        while let Some(at) = self.signals.iter().position(|(at, ..)| *at <= self.now) {
            let (_, side, signal) = self.signals.swap_remove(at);
            self.hear(side, signal);
        }
        while let Some(arrival) = self.network.receive_any(self.now) {
            self.deliver(arrival);
        }
        let due = self.relay.handle_timeout(self.now);
        self.relay_sends(due);
        for side in [0, 1] {
            self.transports[side].handle_timeout(self.now);
            self.collect(side);
        }
    }

    fn relay_sends(&mut self, all: Vec<Sent>) {
        for (carrier, from, to, contents) in all {
            self.send(carrier, from, to, contents);
        }
    }

    fn send(&mut self, carrier: Carrier, from: SocketAddr, to: SocketAddr, contents: BytesMut) {
        match carrier {
            Carrier::Datagram => self.network.send(self.now, from, to, contents),
            Carrier::Stream => drop(self.network.send_stream(self.now, from, to, contents)),
        }
    }

    fn deliver(&mut self, arrival: Arrival<BytesMut>) {
        let Arrival { carrier, from, to, payload } = arrival;
        if Relay::has(to.ip()) {
            let all = self.relay.handle(self.now, carrier, (from, to), &payload);
            self.relay_sends(all);
        } else if let Some(side) = self.addresses.iter().position(|address| address.ip() == to.ip()) {
            let protocol = match carrier {
                Carrier::Datagram => Protocol::Udp,
                Carrier::Stream => Protocol::Tcp,
            };
            let (source, destination) = (from, to);
            let datagram = Datagram { source, destination, protocol, ecn: None, contents: payload };
            self.transports[side].handle_datagram(self.now, datagram);
            self.collect(side);
        }
    }

    fn collect(&mut self, side: usize) {
        let mut out = BytesMut::new();
        while let Some(transmit) = self.transports[side].poll_transmit(self.now, 1, &mut out) {
            self.send(carrier(transmit.protocol), transmit.source, transmit.destination, out.split());
        }
        let passed = self.now - self.begin;
        while let Some(event) = self.transports[side].poll_event() {
            match event {
                Event::Ice(ice::Event::Candidate(candidate)) => {
                    self.tell(1 - side, Signal::Candidate(candidate));
                }
                Event::Ice(ice::Event::Gathering(GatheringState::Complete)) => {
                    self.tell(1 - side, Signal::End);
                }
                Event::Ice(ice::Event::Selected { kinds, .. }) => {
                    self.selected[side] = Some(kinds);
                    self.ice[side].get_or_insert(passed);
                }
                Event::Dtls(DtlsState::Connected) => self.dtls[side] = Some(passed),
                _ => {}
            }
        }
    }

    /// Sends something over signalling. The end of candidates is not told before the last of them.
    fn tell(&mut self, side: usize, signal: Signal) {
        let fraction = f64::from(self.chance.next_u32()) / f64::from(u32::MAX);
        let mut at = self.now + self.signalling.mul_f64(fraction);
        match signal {
            Signal::End => at = at.max(self.last[side]),
            Signal::Candidate(_) | Signal::Description => self.last[side] = self.last[side].max(at),
        }
        self.signals.push((at, side, signal));
    }

    fn hear(&mut self, side: usize, signal: Signal) {
        let other = &self.transports[1 - side];
        let (credentials, fingerprint) = (other.ice().local_credentials().clone(), other.local_fingerprint());
        let transport = &mut self.transports[side];
        match signal {
            Signal::Description => {
                let role = if self.client == side { Role::Client } else { Role::Server };
                transport.ice_mut().set_remote(self.now, credentials, false);
                transport.set_remote_fingerprints(self.now, vec![fingerprint], role);
            }
            Signal::Candidate(candidate) => {
                transport.ice_mut().add_remote_candidate(self.now, &candidate).unwrap();
            }
            Signal::End => transport.ice_mut().end_of_remote_candidates(self.now),
        }
    }
}

fn address(side: usize, place: Place) -> SocketAddr {
    let number = side as u8 + 1;
    let ip = match place.is_bare() {
        true => IpAddr::from([203, 0, 113, number + 10]),
        false => IpAddr::from([192, 168, number, 2]),
    };
    SocketAddr::new(ip, 5000 + u16::from(number))
}

fn turn_server(protocol: Protocol) -> TurnServer {
    TurnServer {
        address: Relay::address(carrier(protocol)),
        protocol,
        url: "turn:turn.example".to_owned(),
        username: Relay::USER.to_owned(),
        credential: Relay::PASSWORD.to_owned(),
    }
}

fn carrier(protocol: Protocol) -> Carrier {
    match protocol {
        Protocol::Udp | Protocol::Dtls => Carrier::Datagram,
        Protocol::Tcp | Protocol::Tls => Carrier::Stream,
    }
}

fn transport(now: Instant, setting: &Setting, side: usize) -> Transport {
    static CERTIFICATES: OnceLock<[Arc<Certificate>; 2]> = OnceLock::new();
    let make = || {
        Arc::new(Certificate::generate(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_348_800)).unwrap())
    };
    let certificate = CERTIFICATES.get_or_init(|| [make(), make()])[side].clone();
    let mut seed = [side as u8 + 1; 32];
    seed[..8].copy_from_slice(&setting.seed.to_be_bytes());
    let mut transport = Transport::new(now, Config::new(seed, certificate).simulated(seed));
    transport.ice_mut().set_controlling(setting.controlling == side);
    transport
}

fn beginning() -> Instant {
    static BEGINNING: OnceLock<Instant> = OnceLock::new();
    *BEGINNING.get_or_init(Instant::now)
}
