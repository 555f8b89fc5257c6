//! Two agents and a STUN server on a simulated network.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use peerless_netsim::{Link, Network};
use peerless_transport::datagram::Base;
use peerless_transport::ice::{Agent, Config, Event};
use peerless_transport::state::{GatheringState, IceState};
use peerless_wire::sdp::Candidate;
use peerless_wire::stun::{Class, Message};

use crate::words;

/// What stands for a packet that is not STUN.
pub const MEDIA: &[u8] = &[0x80; 20];

pub const SERVER: &str = "192.0.2.9:3478";

/// One agent and what it told.
pub struct Side {
    pub agent: Agent,
    pub addresses: Vec<SocketAddr>,
    pub events: Vec<(Duration, Event)>,
    /// Local candidates not yet signalled.
    pub candidates: Vec<Candidate>,
    pub sent: u64,
    /// When what is not STUN came.
    pub carried: Vec<Instant>,
}

pub struct World {
    pub network: Network<Bytes>,
    pub sides: [Side; 2],
    pub begin: Instant,
    pub now: Instant,
    /// Whether candidates are signalled as they come.
    pub trickles: bool,
    /// How often each side sends what is not STUN, by its route, where it does.
    pub media: Option<Duration>,
    next_media: Instant,
}

pub fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub fn milliseconds(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[expect(clippy::disallowed_methods, reason = "a test's time has to begin somewhere")]
pub fn some_instant() -> Instant {
    Instant::now()
}

impl Side {
    fn new(seed: u8, addresses: &[&str], is_continual: bool) -> Self {
        let mut config = Config::new([seed; 32]);
        config.diagnostics = true;
        config.is_continual = is_continual;
        Self::with(config, addresses)
    }

    pub fn with(config: Config, addresses: &[&str]) -> Self {
        let addresses = addresses.iter().map(|text| at(text)).collect();
        let agent = Agent::new(config);
        let (events, candidates, carried) = Default::default();
        Self { agent, addresses, events, candidates, sent: 0, carried }
    }

    pub fn states(&self) -> Vec<IceState> {
        let state = |event: &(Duration, Event)| match event.1 {
            Event::State(state) => Some(state),
            _ => None,
        };
        self.events.iter().filter_map(state).collect()
    }

    /// When it told this state first.
    pub fn reached(&self, state: IceState) -> Option<Duration> {
        self.events.iter().find(|(_, event)| *event == Event::State(state)).map(|(at, _)| *at)
    }

    /// Prepares a restart with new credentials.
    pub fn restart(&mut self, now: Instant) {
        self.candidates.clear();
        let credentials = self.agent.fresh_credentials();
        self.agent.restart(now, credentials);
    }

    pub fn gather(&mut self, now: Instant, server: Option<&str>) {
        self.agent.start_gathering(now);
        for address in &self.addresses {
            self.agent.add_local_address(now, Base::udp(*address));
        }
        if let Some(server) = server {
            self.agent.add_stun_server(now, at(server), "stun:server");
        }
        self.agent.finish_local_addresses(now);
    }
}

impl World {
    /// Two agents, the first controlling, with host candidates at these addresses.
    pub fn new(seed: u64, link: Link, first: &[&str], second: &[&str]) -> Self {
        Self::with_policies(seed, link, (first, false), (second, false))
    }

    /// Likewise, and whether each gathers continually.
    pub fn with_policies(seed: u64, link: Link, first: (&[&str], bool), second: (&[&str], bool)) -> Self {
        let now = some_instant();
        let mut sides =
            [Side::new(1 ^ seed as u8, first.0, first.1), Side::new(2 ^ seed as u8, second.0, second.1)];
        sides[1].agent.set_controlling(false);
        let network = Network::new(seed, link);
        Self { network, sides, begin: now, now, trickles: true, media: None, next_media: now }
    }

    /// The usual pair, one address each.
    pub fn simple(seed: u64, link: Link) -> Self {
        Self::new(seed, link, &["10.0.0.1:1000"], &["10.0.0.2:2000"])
    }

    /// Gathers on both sides and exchanges credentials, and candidates as they come.
    pub fn connect(&mut self, server: Option<&str>) {
        for side in &mut self.sides {
            side.gather(self.now, server);
        }
        self.introduce(0);
        self.introduce(1);
        self.signal();
    }

    /// Tells a side the other's credentials: those of a restart where it has begun one.
    pub fn introduce(&mut self, to: usize) {
        let other = &self.sides[1 - to].agent;
        let credentials = other.next_credentials().unwrap_or(other.local_credentials()).clone();
        self.sides[to].agent.set_remote(self.now, credentials, false);
    }

    /// Tells both sides the other's candidates, and the end of them where gathering is complete.
    pub fn signal(&mut self) {
        for from in 0..2 {
            self.drain(from);
            self.signal_from(from);
        }
    }

    pub fn signal_from(&mut self, from: usize) {
        for candidate in std::mem::take(&mut self.sides[from].candidates) {
            self.sides[1 - from].agent.add_remote_candidate(self.now, &candidate).unwrap();
        }
        if self.sides[from].agent.gathering_state() == GatheringState::Complete {
            self.sides[1 - from].agent.end_of_remote_candidates(self.now);
        }
    }

    /// Runs until `is_done` or until the time is over; whether it is done.
    pub fn run(&mut self, time: Duration, is_done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + time;
        let mut standing = 0;
        loop {
            self.exchange();
            if is_done(self) {
                return true;
            }
            let timeouts = self.sides.iter().filter_map(|side| side.agent.poll_timeout());
            let media = self.media.map(|_| self.next_media);
            let next =
                timeouts.chain(self.network.next_arrival()).chain(media).min().filter(|next| *next <= end);
            let Some(next) = next else {
                self.now = end;
                return false;
            };
            standing = if next > self.now { 0 } else { standing + 1 };
            assert!(standing < 1000, "time stands still: an agent wants to be called for nothing");
            self.now = self.now.max(next);
        }
    }

    /// Runs for a time.
    pub fn pass(&mut self, time: Duration) {
        self.run(time, |_| false);
    }

    pub fn are(&self, state: IceState) -> bool {
        self.sides.iter().all(|side| side.agent.state() == state)
    }

    /// Both sides send by the same pair.
    pub fn agrees(&self) -> bool {
        let [first, second] = self.sides.each_ref().map(|side| side.agent.route());
        first.is_some()
            && first.map(|(base, remote)| (base.address, remote))
                == second.map(|(base, remote)| (remote, base.address))
    }

    pub fn is_selected(&self) -> bool {
        let is_selected =
            |side: &Side| side.events.iter().any(|(_, event)| matches!(event, Event::Selected { .. }));
        self.sides.iter().all(is_selected)
    }

    /// All that can be done now.
    fn exchange(&mut self) {
        for index in 0..2 {
            self.sides[index].agent.handle_timeout(self.now);
            self.transmit(index);
        }
        self.send_media();
        while let Some((from, to, contents)) = self.network.receive(self.now) {
            if to == at(SERVER) {
                let request = Message::parse(&contents).unwrap();
                if request.class() == Class::Request {
                    let answer = words::success(request.transaction(), from, None);
                    self.network.send(self.now, to, from, answer);
                }
            } else if let Some(index) = self.sides.iter().position(|side| side.addresses.contains(&to)) {
                let side = &mut self.sides[index];
                if contents == MEDIA {
                    if side.agent.is_known(from, Base::udp(to)) {
                        side.agent.handle_traffic(self.now, from, Base::udp(to));
                        side.carried.push(self.now);
                    }
                } else {
                    side.agent.handle_stun(self.now, from, Base::udp(to), &contents);
                }
                self.transmit(index);
            }
        }
        for index in 0..2 {
            self.drain(index);
            if self.trickles {
                self.signal_from(index);
            }
        }
    }

    fn send_media(&mut self) {
        let Some(interval) = self.media.filter(|_| self.next_media <= self.now) else { return };
        self.next_media = self.now + interval;
        for side in &self.sides {
            if let Some((base, remote)) = side.agent.route() {
                self.network.send(self.now, base.address, remote, Bytes::from_static(MEDIA));
            }
        }
    }

    fn transmit(&mut self, index: usize) {
        let mut out = BytesMut::new();
        while let Some(transmit) = self.sides[index].agent.poll_transmit(self.now, &mut out) {
            self.sides[index].sent += 1;
            let contents = out.split().freeze();
            assert_eq!(contents.len(), transmit.size);
            self.network.send(self.now, transmit.source, transmit.destination, contents);
        }
    }

    fn drain(&mut self, index: usize) {
        let (side, time) = (&mut self.sides[index], self.now - self.begin);
        while let Some(event) = side.agent.poll_event() {
            if let Event::Candidate(candidate) = &event {
                side.candidates.push(candidate.clone());
            }
            side.events.push((time, event));
        }
    }
}
