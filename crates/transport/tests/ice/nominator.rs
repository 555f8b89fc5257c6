//! A controlling agent that nominates aggressively (RFC 5245 §8.1.1.2), as Firefox does: each check bears USE-CANDIDATE, the
//! best pair that was answered is the one in use and never given up, and only that is asked for consent, without
//! USE-CANDIDATE.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use peerless_transport::ice::Credentials;
use peerless_wire::sdp::{Address, Candidate, CandidateKind, TransportProtocol};
use peerless_wire::stun::{Attribute, Class, Message, TransactionId};

use crate::words;
use crate::world::{milliseconds, seconds};

/// What leaves: from, to, what.
pub type Packet = (SocketAddr, SocketAddr, Bytes);

const PACE: Duration = Duration::from_millis(20);
/// More than Firefox has, so that no stall is the end of it.
const TRANSMISSIONS: u32 = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    InProgress,
    Succeeded,
    /// Another was nominated before it was checked.
    Cancelled,
    Failed,
}

#[derive(Debug)]
struct Pair {
    local: SocketAddr,
    remote: SocketAddr,
    priority: (u32, u32),
    state: State,
    sent: u32,
    again: Instant,
}

#[derive(Debug)]
pub struct Nominator {
    pub credentials: Credentials,
    peer: Option<Credentials>,
    pub candidates: Vec<Candidate>,
    pairs: Vec<Pair>,
    active: Option<usize>,
    slot: Instant,
    consent: Instant,
    /// The last ids: of checks by the number of their pair, of consent without.
    number: u64,
    asked: Vec<(TransactionId, Option<usize>)>,
}

impl Nominator {
    /// With these addresses and their preferences.
    pub fn new(now: Instant, addresses: &[(SocketAddr, CandidateKind, u32)]) -> Self {
        let candidate = |(number, (address, kind, priority)): (usize, &(SocketAddr, _, u32))| Candidate {
            foundation: number.to_string(),
            component: 1,
            transport: TransportProtocol::Udp,
            priority: *priority,
            address: Address::Ip(address.ip()),
            port: address.port(),
            kind: *kind,
            related: None,
            tcp_type: None,
            ufrag: None,
            extensions: Vec::new(),
        };
        Self {
            credentials: Credentials { ufrag: "firefox".to_owned(), password: "0123456789".repeat(3) },
            peer: None,
            candidates: addresses.iter().enumerate().map(candidate).collect(),
            pairs: Vec::new(),
            active: None,
            slot: now,
            consent: now,
            number: 0,
            asked: Vec::new(),
        }
    }

    pub fn has(&self, address: SocketAddr) -> bool {
        self.candidates.iter().any(|known| address_of(known) == address)
    }

    pub fn set_remote(&mut self, peer: Credentials) {
        self.peer = Some(peer);
    }

    /// Pairs a candidate of the peer with all of its own.
    pub fn add_remote(&mut self, now: Instant, candidate: &Candidate) {
        for own in &self.candidates {
            let (local, remote) = (address_of(own), address_of(candidate));
            if self.pairs.iter().any(|pair| (pair.local, pair.remote) == (local, remote)) {
                continue;
            }
            let (most, least) = (own.priority.max(candidate.priority), own.priority.min(candidate.priority));
            let (state, priority) = (State::Waiting, (least, most));
            self.pairs.push(Pair { local, remote, priority, state, sent: 0, again: now });
        }
    }

    /// The pair in use.
    pub fn route(&self) -> Option<(SocketAddr, SocketAddr)> {
        self.active.map(|at| (self.pairs[at].local, self.pairs[at].remote))
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        let is_waiting = self.pairs.iter().any(|pair| pair.state == State::Waiting);
        let again = self.pairs.iter().filter(|pair| pair.state == State::InProgress).map(|pair| pair.again);
        let slot = is_waiting.then_some(self.slot).filter(|_| self.peer.is_some());
        again.chain(slot).chain(self.active.map(|_| self.consent)).min()
    }

    /// What is due.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<Packet> {
        let mut out = Vec::new();
        for at in 0..self.pairs.len() {
            let pair = &mut self.pairs[at];
            if pair.state == State::InProgress && pair.again <= now {
                match pair.sent < TRANSMISSIONS {
                    true => out.extend(self.check(now, at)),
                    false => pair.state = State::Failed,
                }
            }
        }
        if self.slot <= now && self.peer.is_some() {
            let waiting = self.pairs.iter().enumerate().filter(|(_, pair)| pair.state == State::Waiting);
            if let Some(at) = waiting.max_by_key(|(_, pair)| pair.priority).map(|(at, _)| at) {
                self.slot = now + PACE;
                out.extend(self.check(now, at));
            }
        }
        if let Some(active) = self.active.filter(|_| self.consent <= now) {
            self.consent = now + seconds(4) + milliseconds(self.number % 20 * 100);
            out.extend(self.request(active, false));
        }
        out
    }

    /// Takes a STUN message and answers requests.
    pub fn handle_stun(
        &mut self,
        now: Instant,
        from: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
    ) -> Vec<Packet> {
        let message = Message::parse(bytes).unwrap();
        match message.class() {
            Class::Request => {
                let answer = words::success(message.transaction(), from, Some(&self.credentials.password));
                let found = self.pairs.iter().position(|pair| (pair.local, pair.remote) == (to, from));
                let is_stalling = |at: &usize| self.pairs[*at].state == State::InProgress;
                let triggered = found.filter(is_stalling).and_then(|at| self.check(now, at));
                [(to, from, answer)].into_iter().chain(triggered).collect()
            }
            Class::Success => {
                let of = self.asked.iter().find(|(id, _)| *id == message.transaction());
                if let Some(at) = of.and_then(|(_, at)| *at) {
                    self.succeed(now, at);
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn succeed(&mut self, now: Instant, at: usize) {
        if self.pairs[at].state == State::Succeeded {
            return;
        }
        self.pairs[at].state = State::Succeeded;
        if self.active.is_none_or(|active| self.pairs[active].priority < self.pairs[at].priority) {
            self.active = Some(at);
            self.consent = now + seconds(5);
            let waiting = self.pairs.iter_mut().filter(|pair| pair.state == State::Waiting);
            waiting.for_each(|pair| pair.state = State::Cancelled);
        }
    }

    fn check(&mut self, now: Instant, at: usize) -> Option<Packet> {
        let pair = &mut self.pairs[at];
        pair.state = State::InProgress;
        pair.again = now + milliseconds(100 << pair.sent.min(5));
        pair.sent += 1;
        self.request(at, true)
    }

    fn request(&mut self, at: usize, nominates: bool) -> Option<Packet> {
        let (pair, peer) = (&self.pairs[at], self.peer.as_ref()?);
        let own = self.candidates.iter().find(|own| address_of(own) == pair.local)?;
        let name = format!("{}:{}", peer.ufrag, self.credentials.ufrag);
        let always =
            [Attribute::Username(&name), Attribute::Priority(own.priority), Attribute::IceControlling(9)];
        let more = if nominates { &[Attribute::UseCandidate][..] } else { &[] };
        self.number += 1;
        let mut id = [0; 12];
        id[..8].copy_from_slice(&self.number.to_be_bytes());
        let id = TransactionId(id);
        self.asked.push((id, nominates.then_some(at)));
        let contents = words::write(Class::Request, id, &[&always, more].concat(), Some(&peer.password));
        Some((pair.local, pair.remote, contents))
    }
}

fn address_of(candidate: &Candidate) -> SocketAddr {
    SocketAddr::new(candidate.address.ip().unwrap(), candidate.port)
}
