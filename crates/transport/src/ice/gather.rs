//! Gathering: which servers are asked from which sockets (RFC 8445 §5.1.1), and keeping what they gave alive (§11).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use peerless_wire::stun::{Attribute, Class, Message, TransactionId};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng;

use crate::datagram::{Base, Carrier};
use crate::ice::candidate::plain;
use crate::ice::config::Config;
use crate::ice::event::CandidateFailure;
use crate::ice::message;
use crate::state::GatheringState;
use crate::transaction::{GATHERING_WAIT, Outgoing, Schedule, Transactions, silence};
use crate::turn::message::keepalive;

/// How many questions to servers are asked in all.
const QUERY_LIMIT: usize = 64;

/// RTCPeerConnectionIceErrorEvent's code for a server that cannot be reached (webrtc-pc §4.8.3).
const NO_ANSWER: u16 = 701;

/// The state of gathering.
#[derive(Debug)]
pub(crate) struct Gatherer {
    state: GatheringState,
    bases: Vec<Base>,
    servers: Vec<Server>,
    /// The questions not yet asked.
    waiting: VecDeque<Query>,
    asked: usize,
    transactions: Transactions<Query>,
    /// Neither bases nor servers will be added.
    is_finished: bool,
    /// A TURN server is still to answer.
    is_relaying: bool,
    /// What STUN servers would show is of no use.
    is_relay_only: bool,
    bindings: Vec<Binding>,
    rng: ChaCha20Rng,
    first_wait: Duration,
    pace: Duration,
    timeout: Duration,
    keepalive: Duration,
}

/// A server at one of its addresses.
#[derive(Debug)]
struct Server {
    address: SocketAddr,
    url: Arc<str>,
    /// It has answered in this gathering, well or not.
    has_answered: bool,
    /// What the network says of it, should it never answer.
    obstacle: Option<Arc<str>>,
}

/// Which server is asked from which socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) base: Base,
    pub(crate) server: SocketAddr,
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The server sees the base at this address.
    Mapped(Query, SocketAddr),
    /// There is something to tell of the server.
    Failed(CandidateFailure),
    /// No answer, and nothing to tell of it: another question to the same server is open, or was answered.
    Nothing,
}

/// A mapping in a NAT that a server showed us, to be kept alive until ICE is done.
#[derive(Debug)]
struct Binding {
    query: Query,
    next: Instant,
}

impl Gatherer {
    pub(crate) fn new(config: &Config, rng: ChaCha20Rng) -> Self {
        Self {
            state: GatheringState::New,
            bases: Vec::new(),
            servers: Vec::new(),
            waiting: VecDeque::new(),
            asked: 0,
            transactions: Transactions::default(),
            is_finished: false,
            is_relaying: false,
            is_relay_only: config.is_relay_only,
            bindings: Vec::new(),
            rng,
            first_wait: config.retransmission,
            pace: config.pace,
            timeout: config.gathering_timeout,
            keepalive: config.keepalive,
        }
    }

    /// Begins, with all bases and servers there are. Whether the state changed.
    pub(crate) fn start(&mut self) -> bool {
        if self.state != GatheringState::New {
            return false;
        }
        self.state = GatheringState::Gathering;
        for base in self.bases.clone() {
            self.ask_all(base);
        }
        true
    }

    /// Goes on where all was complete: there are more sockets. Whether the state changed.
    pub(crate) fn reopen(&mut self) -> bool {
        let changes = self.state == GatheringState::Complete;
        if changes {
            // All that was asked before has been answered, or not.
            self.asked = 0;
            self.state = GatheringState::Gathering;
        }
        changes
    }

    /// Adds a socket.
    pub(crate) fn add_base(&mut self, base: Base) {
        // Servers are asked over UDP: who opens a connection shows no address that another could use.
        if !base.is_stream() && !self.bases.contains(&base) {
            self.bases.reserve_exact(1);
            self.bases.push(base);
            self.ask_all(base);
        }
    }

    /// Takes a socket away.
    pub(crate) fn remove_base(&mut self, base: Base) {
        self.bases.retain(|known| *known != base);
        self.waiting.retain(|query| query.base != base);
        self.bindings.retain(|binding| binding.query.base != base);
        self.transactions.retain(|query| query.base != base);
    }

    /// Adds a server, to be asked from each socket.
    pub(crate) fn add_server(&mut self, server: SocketAddr, url: &str) {
        if self.servers.iter().any(|known| known.address == server) || self.servers.len() >= QUERY_LIMIT {
            return;
        }
        self.servers.push(Server { address: server, url: url.into(), has_answered: false, obstacle: None });
        for base in self.bases.clone() {
            self.ask(Query { base, server });
        }
    }

    /// No more come.
    pub(crate) fn finish(&mut self) {
        self.is_finished = true;
    }

    /// Becomes complete where nothing is left to ask or to hear. Whether the state changed.
    pub(crate) fn complete(&mut self) -> bool {
        let is_asking = !self.waiting.is_empty() || !self.transactions.is_empty() || self.is_relaying;
        let is_done = self.is_finished && !is_asking;
        let changes = is_done && self.state == GatheringState::Gathering;
        if changes {
            self.state = GatheringState::Complete;
        }
        changes
    }

    /// Whether a response to this transaction is awaited.
    pub(crate) fn has_transaction(&self, id: TransactionId) -> bool {
        self.transactions.find(id).is_some()
    }

    /// Takes a response; `None` where it does not come from where the question went.
    pub(crate) fn handle_response(
        &mut self,
        now: Instant,
        source: SocketAddr,
        destination: Base,
        message: &Message<'_>,
    ) -> Option<Outcome> {
        let query = self.transactions.find(message.transaction())?.purpose;
        if (query.server, query.base) != (source, destination) {
            return None;
        }
        self.transactions.take(message.transaction());
        let mapped = message.mapped_address().filter(|_| message.class() == Class::Success);
        let Some(mapped) = mapped.filter(|mapped| mapped.is_ipv4() == query.base.is_ipv4()) else {
            return Some(self.refused(query, message));
        };
        self.note_answer(query.server);
        let is_kept = self.bindings.iter().any(|binding| binding.query == query);
        if plain(query.base.address) != mapped && !is_kept {
            self.bindings.push(Binding { query, next: now + self.keepalive });
        }
        Some(Outcome::Mapped(query, mapped))
    }

    /// Takes the next question that was not answered in time.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<Outcome> {
        self.transactions.expire(now).map(|transaction| self.unanswered(transaction.purpose))
    }

    /// The server refused, or answered what is of no use.
    fn refused(&mut self, query: Query, message: &Message<'_>) -> Outcome {
        let error = message.attributes().find_map(|attribute| match attribute {
            Attribute::ErrorCode(code, reason) => Some((code.value(), reason.to_owned())),
            _ => None,
        });
        let Some((code, reason)) = error.filter(|_| message.class() == Class::Error) else {
            return self.unanswered(query);
        };
        self.note_answer(query.server);
        match self.url_of(query.server) {
            Some(url) => Outcome::Failed(CandidateFailure {
                local: query.base.address,
                is_hidden: self.is_relay_only,
                url,
                code,
                reason,
            }),
            None => Outcome::Nothing,
        }
    }

    /// webrtc-pc §4.8.3: 701 is told where no local address has reached any address of the URL, and once.
    fn unanswered(&mut self, query: Query) -> Outcome {
        let Some(url) = self.url_of(query.server) else { return Outcome::Nothing };
        let is_of_url =
            |address: SocketAddr| self.servers.iter().any(|one| one.address == address && one.url == url);
        let is_open = self.waiting.iter().any(|other| is_of_url(other.server))
            || self.transactions.has(|other| is_of_url(other.server));
        let has_answered = self.servers.iter().any(|server| server.url == url && server.has_answered);
        if is_open || has_answered {
            return Outcome::Nothing;
        }
        let obstacle = self.servers.iter().find(|server| server.address == query.server);
        let reason = silence(obstacle.and_then(|server| server.obstacle.as_deref()));
        Outcome::Failed(CandidateFailure {
            local: query.base.address,
            is_hidden: self.is_relay_only,
            url,
            code: NO_ANSWER,
            reason,
        })
    }

    fn note_answer(&mut self, address: SocketAddr) {
        let known = self.servers.iter_mut().filter(|server| server.address == address);
        known.for_each(|server| server.has_answered = true);
    }

    /// Whether this server was asked, or is to be, and has not answered.
    pub(super) fn is_awaiting(&self, server: SocketAddr) -> bool {
        let has_answered = |known: &Server| known.address == server && known.has_answered;
        let is_asked = self.waiting.iter().any(|query| query.server == server)
            || self.transactions.has(|query| query.server == server);
        is_asked && !self.servers.iter().any(has_answered)
    }

    /// The network says this of a server.
    pub(super) fn note_obstacle(&mut self, server: SocketAddr, obstacle: &str) {
        for known in self.servers.iter_mut().filter(|known| known.address == server) {
            known.obstacle = Some(obstacle.into());
        }
    }

    pub(super) fn url_of(&self, address: SocketAddr) -> Option<Arc<str>> {
        self.servers.iter().find(|server| server.address == address).map(|server| server.url.clone())
    }

    /// What is due of what was begun before: questions to repeat, mappings to refresh.
    pub(crate) fn repeat(&mut self, now: Instant) -> Option<Outgoing> {
        if let Some(again) = self.transactions.repeat(now) {
            return Some(again);
        }
        let binding = self.bindings.iter_mut().find(|binding| binding.next <= now)?;
        binding.next = now + self.keepalive;
        let Query { base, server } = binding.query;
        let contents = keepalive(self.new_id());
        Some(Outgoing { source: base, destination: server, contents })
    }

    /// Asks the next question.
    pub(crate) fn next_query(&mut self, now: Instant) -> Option<Outgoing> {
        let query = self.waiting.pop_front()?;
        let id = self.new_id();
        let contents = message::binding(id);
        let request = Outgoing { source: query.base, destination: query.server, contents };
        // RFC 8445 §14.3: the more there is to ask, the later each is repeated.
        let wait = self.first_wait.max(self.pace * self.asked as u32);
        let schedule = Schedule { wait, longest_wait: GATHERING_WAIT, transmissions: 7, limit: self.timeout };
        Some(self.transactions.begin(now, id, query, request, schedule))
    }

    /// Where ICE is done the pair in use keeps its own mapping alive.
    pub(crate) fn release(&mut self, is_done: bool) {
        if is_done {
            self.bindings.clear();
        }
    }

    /// Nothing more is asked, and nothing kept alive.
    pub(crate) fn stop(&mut self) {
        self.interrupt();
        self.bindings.clear();
    }

    fn interrupt(&mut self) {
        self.waiting.clear();
        self.transactions.retain(|_| false);
    }

    /// Begins anew with the same sockets and servers.
    pub(crate) fn restart(&mut self) {
        self.interrupt();
        self.state = GatheringState::New;
        self.is_finished = false;
        self.asked = 0;
        for server in &mut self.servers {
            (server.has_answered, server.obstacle) = (false, None);
        }
    }

    /// Ends a gathering whose candidates nobody wants any more; those of the one before it count again. Whether it had
    /// begun.
    pub(crate) fn abandon(&mut self) -> bool {
        self.interrupt();
        self.is_finished = true;
        std::mem::replace(&mut self.state, GatheringState::Complete) == GatheringState::Gathering
    }

    /// Whether a TURN server is still to answer.
    pub(super) fn set_relaying(&mut self, is_relaying: bool) {
        self.is_relaying = is_relaying;
    }

    /// Whether what STUN servers would show is of no use.
    pub(super) fn set_relay_only(&mut self, is_relay_only: bool) {
        self.is_relay_only = is_relay_only;
    }

    /// The sockets that servers are asked from.
    pub(super) fn bases(&self) -> &[Base] {
        &self.bases
    }

    pub(crate) fn state(&self) -> GatheringState {
        self.state
    }

    /// Whether a question waits to be asked.
    pub(crate) fn has_query(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        let refresh = self.bindings.iter().map(|binding| binding.next).min();
        refresh.into_iter().chain(self.transactions.next_timeout()).min()
    }

    fn ask_all(&mut self, base: Base) {
        let servers: Vec<SocketAddr> = self.servers.iter().map(|server| server.address).collect();
        for server in servers {
            self.ask(Query { base, server });
        }
    }

    fn ask(&mut self, query: Query) {
        let is_wanted = self.state == GatheringState::Gathering
            && self.asked < QUERY_LIMIT
            && !self.is_relay_only
            && query.base.carrier == Carrier::Udp;
        if is_wanted && query.base.is_ipv4() == query.server.is_ipv4() {
            self.asked += 1;
            self.waiting.push_back(query);
        }
    }

    fn new_id(&mut self) -> TransactionId {
        let mut id = [0; 12];
        self.rng.fill_bytes(&mut id);
        TransactionId(id)
    }
}
