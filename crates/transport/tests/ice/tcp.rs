//! Candidates of TCP (RFC 6544): who connects to whom, what is sent by it, and what its end means.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use peerless_transport::datagram::{Base, Protocol, StreamId, Transmit};
use peerless_transport::ice::{Agent, Config, Event};
use peerless_transport::state::{GatheringState, IceState};
use peerless_wire::sdp::{Candidate, TcpType, TransportProtocol};

use crate::world::{at, milliseconds, seconds, some_instant};

const DELAY: Duration = Duration::from_millis(20);

/// One agent, its addresses and what it told.
struct Side {
    agent: Agent,
    udp: Vec<SocketAddr>,
    tcp: Vec<(SocketAddr, TcpType)>,
    events: Vec<(Duration, Event)>,
    candidates: Vec<Candidate>,
    /// Datagrams sent by streams.
    sent: usize,
}

/// A connection: who opened it, and what it is to either end.
struct Connection {
    opener: usize,
    ends: [StreamId; 2],
}

/// What is under way to a side.
enum Moving {
    Datagram(SocketAddr, Base, Bytes),
    Opened(StreamId),
    Closed(StreamId),
}

/// Two agents with sockets of UDP and connections of TCP between them, none of which loses anything.
struct World {
    sides: [Side; 2],
    connections: Vec<Connection>,
    moving: VecDeque<(Instant, usize, Moving)>,
    begin: Instant,
    now: Instant,
    lets_udp_through: bool,
    /// What is sent by streams is swallowed.
    is_silent: bool,
    opened: usize,
    /// How long it takes to open one.
    opening: Duration,
}

impl World {
    /// The first controls.
    fn new(first: &[(&str, TcpType)], second: &[(&str, TcpType)]) -> Self {
        let side = |seed: u8, tcp: &[(&str, TcpType)]| Side {
            agent: Agent::new(Config::new([seed; 32])),
            udp: Vec::new(),
            tcp: tcp.iter().map(|(text, tcp_type)| (at(text), *tcp_type)).collect(),
            events: Vec::new(),
            candidates: Vec::new(),
            sent: 0,
        };
        let mut sides = [side(1, first), side(2, second)];
        sides[1].agent.set_controlling(false);
        let now = some_instant();
        Self {
            sides,
            connections: Vec::new(),
            moving: VecDeque::new(),
            begin: now,
            now,
            lets_udp_through: true,
            is_silent: false,
            opened: 0,
            opening: DELAY,
        }
    }

    fn connect(&mut self) {
        for side in &mut self.sides {
            side.agent.start_gathering(self.now);
            side.udp.iter().for_each(|address| side.agent.add_local_address(self.now, Base::udp(*address)));
            for (address, tcp_type) in &side.tcp {
                side.agent.add_tcp_address(self.now, *address, *tcp_type);
            }
            side.agent.finish_local_addresses(self.now);
        }
        self.introduce();
    }

    fn introduce(&mut self) {
        for to in 0..2 {
            let other = &self.sides[1 - to].agent;
            let credentials = other.next_credentials().unwrap_or(other.local_credentials()).clone();
            self.sides[to].agent.set_remote(self.now, credentials, false);
        }
    }

    fn restart(&mut self) {
        for side in &mut self.sides {
            let credentials = side.agent.fresh_credentials();
            side.agent.restart(self.now, credentials);
            side.agent.start_gathering(self.now);
            side.agent.finish_local_addresses(self.now);
        }
        self.introduce();
    }

    fn run(&mut self, time: Duration, is_done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + time;
        for _ in 0..100_000 {
            self.exchange();
            if is_done(self) {
                return true;
            }
            let timeouts = self.sides.iter().filter_map(|side| side.agent.poll_timeout());
            let next = timeouts.chain(self.moving.front().map(|(at, ..)| *at)).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return false;
            };
            self.now = self.now.max(next);
        }
        panic!("time stands still");
    }

    fn exchange(&mut self) {
        for to in 0..2 {
            self.sides[to].agent.handle_timeout(self.now);
            self.transmit(to);
        }
        while let Some((_, to, moving)) = self.moving.pop_front_if(|(at, ..)| *at <= self.now) {
            let agent = &mut self.sides[to].agent;
            match moving {
                Moving::Datagram(source, base, contents) => {
                    agent.handle_stun(self.now, source, base, &contents);
                    let id = StreamId { protocol: Protocol::Tcp, local: base.address, remote: source };
                    let is_taken = |one: &Connection| one.ends[1 - one.opener] == id;
                    if self.connections.iter().any(is_taken) && agent.is_known(source, base) {
                        agent.stream_opened(self.now, id);
                    }
                }
                Moving::Opened(id) => agent.stream_opened(self.now, id),
                Moving::Closed(id) => agent.stream_closed(self.now, id, "ended"),
            }
            self.transmit(to);
        }
        for from in 0..2 {
            self.drain(from);
        }
    }

    fn drain(&mut self, from: usize) {
        while let Some(event) = self.sides[from].agent.poll_event() {
            if let Event::Candidate(candidate) = &event {
                self.sides[from].candidates.push(candidate.clone());
                self.sides[1 - from].agent.add_remote_candidate(self.now, candidate).unwrap();
            }
            if event == Event::Gathering(GatheringState::Complete) {
                self.sides[1 - from].agent.end_of_remote_candidates(self.now);
            }
            if let Event::CloseStream(id) = &event {
                self.close(from, *id);
            }
            self.sides[from].events.push((self.now - self.begin, event));
        }
    }

    fn post(&mut self, delay: Duration, to: usize, moving: Moving) {
        let at = self.now + delay;
        let place = self.moving.partition_point(|(other, ..)| *other <= at);
        self.moving.insert(place, (at, to, moving));
    }

    /// One side closes: the other is told.
    fn close(&mut self, from: usize, id: StreamId) {
        let Some(place) = self.connections.iter().position(|one| one.ends[from] == id) else { return };
        let other = self.connections.remove(place).ends[1 - from];
        self.moving.retain(
            |(_, to, moving)| !matches!(moving, Moving::Opened(opened) if (*to, *opened) == (from, id)),
        );
        self.post(DELAY, 1 - from, Moving::Closed(other));
    }

    fn transmit(&mut self, from: usize) {
        let mut out = BytesMut::new();
        while let Some(transmit) = self.sides[from].agent.poll_transmit(self.now, &mut out) {
            let contents = out.split().freeze();
            match transmit.protocol {
                Protocol::Udp if !self.lets_udp_through => {}
                Protocol::Udp => {
                    let base = Base::udp(transmit.destination);
                    let moving = Moving::Datagram(transmit.source, base, contents);
                    self.post(DELAY, 1 - from, moving);
                }
                _ => self.send(from, &transmit, contents),
            }
        }
    }

    /// By the connection there is, or by a new one where the other side takes it.
    fn send(&mut self, from: usize, transmit: &Transmit, contents: Bytes) {
        self.sides[from].sent += 1;
        let (protocol, local, remote) = (Protocol::Tcp, transmit.source, transmit.destination);
        let id = StreamId { protocol, local, remote };
        if !self.connections.iter().any(|one| one.ends[from] == id) {
            let begins = |(address, tcp_type): &(SocketAddr, TcpType)| {
                *address == local && *tcp_type != TcpType::Passive
            };
            let takes = |(address, tcp_type): &(SocketAddr, TcpType)| {
                *address == remote && *tcp_type != TcpType::Active
            };
            if !self.sides[from].tcp.iter().any(begins) || !self.sides[1 - from].tcp.iter().any(takes) {
                self.post(DELAY, from, Moving::Closed(id));
                return;
            }
            self.opened += 1;
            let is_active = self.sides[from].tcp.contains(&(local, TcpType::Active));
            let port = if is_active { 40_000 + self.opened as u16 } else { local.port() };
            let port = SocketAddr::new(local.ip(), port);
            let taken = StreamId { protocol, local: remote, remote: port };
            let ends = if from == 0 { [id, taken] } else { [taken, id] };
            self.connections.push(Connection { opener: from, ends });
            self.post(self.opening, from, Moving::Opened(id));
            if self.opening > DELAY {
                // What waits for it matters to no test.
                return;
            }
        }
        if self.is_silent {
            return;
        }
        let other = self.connections.iter().find(|one| one.ends[from] == id).unwrap().ends[1 - from];
        let moving = Moving::Datagram(other.remote, other.base(), contents);
        self.post(DELAY, 1 - from, moving);
    }

    fn are(&self, state: IceState) -> bool {
        self.sides.iter().all(|side| side.agent.state() == state)
    }

    fn reached(&self, side: usize, state: IceState) -> Option<Duration> {
        let events = &self.sides[side].events;
        events.iter().find(|(_, event)| *event == Event::State(state)).map(|(at, _)| *at)
    }
}

const ACTIVE: (&str, TcpType) = ("10.0.0.1:1", TcpType::Active);
const PASSIVE: (&str, TcpType) = ("10.0.0.2:443", TcpType::Passive);

#[test]
fn the_active_side_connects_whoever_controls() {
    for is_controlling in [true, false] {
        let mut world = World::new(&[ACTIVE], &[PASSIVE]);
        world.sides[0].agent.set_controlling(is_controlling);
        world.sides[1].agent.set_controlling(!is_controlling);
        world.connect();
        assert!(world.run(seconds(5), |world| world.are(IceState::Completed)));
        let (base, remote) = world.sides[0].agent.route().unwrap();
        assert_eq!((base, remote), (Base::tcp(at("10.0.0.1:1")), at("10.0.0.2:443")));
        let (base, remote) = world.sides[1].agent.route().unwrap();
        assert_eq!((base, remote), (Base::tcp(at("10.0.0.2:443")), at("10.0.0.1:40001")));
        assert_eq!(world.opened, 1);
        // Consent goes by it too (RFC 7675).
        assert!(!world.run(seconds(120), |world| !world.are(IceState::Completed)));
        assert_eq!(world.opened, 1);
    }
}

#[test]
fn both_may_open_at_once_and_share_what_comes_of_it() {
    let first = ("10.0.0.1:1", TcpType::SimultaneousOpen);
    let second = ("10.0.0.2:2", TcpType::SimultaneousOpen);
    let mut world = World::new(&[first], &[second]);
    world.connect();
    assert!(world.run(seconds(5), |world| world.are(IceState::Completed)));
    let (base, remote) = world.sides[0].agent.route().unwrap();
    assert_eq!((base, remote), (Base::tcp(at(first.0)), at(second.0)));
    assert_eq!(world.opened, 1);
    assert_eq!(world.sides[0].agent.stats().locals.len(), 1, "nothing peer-reflexive");
}

#[test]
fn candidates_say_who_connects_and_active_ones_have_no_port() {
    let mut world = World::new(&[ACTIVE, ("10.0.0.1:444", TcpType::Passive)], &[]);
    world.sides[0].udp.push(at("10.0.0.1:1"));
    world.connect();
    world.exchange();
    let told: Vec<_> = world.sides[0]
        .candidates
        .iter()
        .map(|one| (one.transport, one.port, one.tcp_type, one.foundation.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (TransportProtocol::Udp, 1, None, "1"),
            (TransportProtocol::Tcp, 9, Some(TcpType::Active), "2"),
            (TransportProtocol::Tcp, 444, Some(TcpType::Passive), "2"),
        ]
    );
    let priorities: Vec<_> = world.sides[0].candidates.iter().map(|one| one.priority).collect();
    assert!(priorities.is_sorted_by(|before, after| before > after), "{priorities:?}");
}

#[test]
fn udp_is_preferred_and_connections_that_are_not_needed_are_closed() {
    let mut world = World::new(&[ACTIVE], &[PASSIVE]);
    world.sides[0].udp.push(at("10.0.0.1:1"));
    world.sides[1].udp.push(at("10.0.0.2:443"));
    world.connect();
    assert!(world.run(seconds(5), |world| world.are(IceState::Completed)));
    for (side, other) in [(0, "10.0.0.2:443"), (1, "10.0.0.1:1")] {
        let (base, remote) = world.sides[side].agent.route().unwrap();
        assert_eq!((base, remote), (Base::udp(world.sides[side].udp[0]), at(other)));
    }
    world.run(seconds(1), |_| false);
    assert!(world.connections.is_empty(), "{} were opened", world.opened);
}

#[test]
fn a_connection_that_takes_long_to_open_is_given_up_once_it_is_not_needed() {
    let mut world = World::new(&[ACTIVE], &[PASSIVE]);
    world.sides[0].udp.push(at("10.0.0.1:1"));
    world.sides[1].udp.push(at("10.0.0.2:443"));
    (world.opening, world.lets_udp_through) = (seconds(10), false);
    world.connect();
    assert!(world.run(seconds(1), |world| world.opened == 1));
    world.lets_udp_through = true;
    assert!(world.run(seconds(5), |world| world.are(IceState::Completed)));
    assert_eq!((world.opened, world.connections.len()), (1, 0));
}

#[test]
fn tcp_carries_where_udp_is_dropped() {
    let mut world = World::new(&[ACTIVE], &[PASSIVE]);
    world.sides[0].udp.push(at("10.0.0.1:1"));
    world.sides[1].udp.push(at("10.0.0.2:2"));
    world.lets_udp_through = false;
    world.connect();
    assert!(world.run(seconds(5), |world| world.are(IceState::Connected)));
    let both = |world: &World| {
        world.sides.iter().all(|side| side.agent.route().is_some_and(|(base, _)| base.is_stream()))
    };
    assert!(both(&world));
    assert!(world.run(seconds(60), |world| world.are(IceState::Completed)));
    assert!(both(&world));
}

#[test]
fn a_check_by_a_stream_is_sent_once() {
    let mut world = World::new(&[ACTIVE], &[PASSIVE]);
    world.is_silent = true;
    world.connect();
    assert!(world.run(seconds(60), |world| world.are(IceState::Failed)));
    assert_eq!((world.sides[0].sent, world.sides[1].sent), (1, 0));
    assert!(world.reached(0, IceState::Failed) >= Some(milliseconds(39_500)));
}

#[test]
fn nobody_connects_where_both_wait_or_both_would() {
    for tcp_type in [TcpType::Active, TcpType::Passive] {
        let mut world = World::new(&[("10.0.0.1:1", tcp_type)], &[("10.0.0.2:1", tcp_type)]);
        world.connect();
        assert!(world.run(seconds(60), |world| world.are(IceState::Failed)));
        assert_eq!((world.sides[0].sent, world.sides[1].sent), (0, 0));
    }
}

#[test]
fn a_connection_that_is_refused_fails_its_pair_at_once() {
    let mut world = World::new(&[ACTIVE], &[PASSIVE]);
    world.connect();
    world.drain(1);
    let mut gone = world.sides[1].candidates[0].clone();
    gone.port = 81;
    gone.priority += 1;
    world.sides[0].agent.add_remote_candidate(world.now, &gone).unwrap();
    assert!(world.run(seconds(1), |world| world.are(IceState::Completed)));
    let stats = world.sides[0].agent.stats();
    assert_eq!(stats.pairs.len(), 2);
    assert_eq!(world.sides[0].agent.route().unwrap().1, at("10.0.0.2:443"));
}

#[test]
fn the_end_of_the_connection_disconnects_and_a_restart_opens_another() {
    let mut world = World::new(&[ACTIVE], &[PASSIVE]);
    world.connect();
    assert!(world.run(seconds(5), |world| world.are(IceState::Completed)));
    let lose = |world: &mut World| {
        for (to, id) in world.connections.remove(0).ends.into_iter().enumerate() {
            world.moving.push_back((world.now, to, Moving::Closed(id)));
        }
    };
    lose(&mut world);
    assert!(world.run(seconds(1), |world| world.are(IceState::Disconnected)));
    world.restart();
    assert!(world.run(seconds(5), |world| world.are(IceState::Completed)));
    assert_eq!((world.opened, world.connections.len()), (2, 1));
    lose(&mut world);
    assert!(world.run(seconds(1), |world| world.are(IceState::Disconnected)));
    assert!(world.run(seconds(31), |world| world.are(IceState::Failed)));
}
