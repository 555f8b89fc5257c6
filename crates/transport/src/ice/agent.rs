//! The conductor of an ICE agent (RFC 8445): takes what comes, keeps time, says what to send.
//!
//! States, as webrtc-pc §5.6.4 names them:
//!
//! ```text
//! New ──► Checking ──► Connected ──► Completed
//!            │           ▲  │            │
//!            ▼           │  ▼            ▼
//!          Failed ◄── Disconnected ◄─────┘        Closed from anywhere
//! ```

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use peerless_wire::sdp;
use peerless_wire::stun::{Class, Message, Method};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::datagram::{Base, StreamId};
use crate::ice::candidate::{CandidateError, plain};
use crate::ice::config::{Config, Credentials};
use crate::ice::connectivity::Connectivity;
use crate::ice::event::Event;
use crate::ice::gather::{Gatherer, Outcome};
use crate::ice::pair::PairId;
use crate::state::{GatheringState, IceState};
use crate::turn::relays::Relays;
use crate::turn::timing::Timing;

/// How many events wait before those of diagnostics are left out.
const EVENT_LIMIT: usize = 256;

/// Finds and keeps a path to the peer. One data stream, one component (BUNDLE and rtcp-mux), UDP and TCP.
#[derive(Debug)]
pub struct Agent {
    pub(super) pace: Duration,
    patience: Duration,
    disconnected_after: Duration,
    pub(super) diagnostics: bool,
    pub(super) connectivity: Connectivity,
    pub(super) gatherer: Gatherer,
    pub(super) relays: Relays,
    is_remote_complete: bool,
    /// Gathering for a restart has ended that of the generation before.
    has_interrupted: bool,
    /// When the next new transaction may begin (Ta).
    pub(super) next_slot: Option<Instant>,
    /// The last one was a check: a question to a server that waits has its turn.
    pub(super) is_servers_turn: bool,
    /// The latest time handed in.
    pub(super) clock: Option<Instant>,
    state: IceState,
    /// The pair that was told to be selected.
    told: Option<PairId>,
    /// How often that changed, or ended.
    pub(super) selected_changes: u32,
    /// The connections that stand.
    pub(super) streams: Vec<StreamId>,
    pub(super) events: VecDeque<Event>,
    pub(super) dropped: u64,
}

impl Agent {
    /// An agent with fresh credentials that does nothing yet. It takes itself for controlling until told otherwise.
    pub fn new(config: Config) -> Self {
        let rng = |stream: &[u8; 8]| {
            let mut rng = ChaCha20Rng::from_seed(config.seed);
            rng.set_stream(u64::from_be_bytes(*stream));
            rng
        };
        let gatherer = Gatherer::new(&config, rng(b"gatherer"));
        let timing = Timing {
            retransmission: config.retransmission,
            transmissions: config.transmissions,
            gathering: config.gathering_timeout,
            keepalive: config.keepalive,
        };
        let relays = Relays::new(timing, rng(b"relays\0\0"));
        let rng = rng(b"ice\0\0\0\0\0");
        Self {
            pace: config.pace,
            patience: config.patience,
            disconnected_after: config.disconnected_after,
            diagnostics: config.diagnostics,
            connectivity: Connectivity::new(config, rng),
            gatherer,
            relays,
            is_remote_complete: false,
            has_interrupted: false,
            next_slot: None,
            is_servers_turn: false,
            clock: None,
            state: IceState::New,
            told: None,
            selected_changes: 0,
            streams: Vec::new(),
            events: VecDeque::new(),
            dropped: 0,
        }
    }

    /// Takes the role that signalling gives (RFC 8445 §6.1.1): the first offerer controls, unless the peer is lite.
    pub fn set_controlling(&mut self, controlling: bool) {
        self.connectivity.set_controlling(controlling);
    }

    /// The remote credentials are known: checks begin as soon as there are pairs. A lite peer is controlled. With other
    /// credentials than before, or after [`Agent::restart`], this is where ICE restarts (RFC 8445 §9): new checks by
    /// the new credentials, while the path in use stays in use until a new one works. Roles stay. A peer that has not
    /// changed its credentials keeps its candidates. The same credentials once more change nothing.
    pub fn set_remote(&mut self, now: Instant, credentials: Credentials, lite: bool) {
        self.see(now);
        if self.state == IceState::Closed {
            return;
        }
        if lite {
            self.connectivity.set_controlling(true);
        }
        if !self.connectivity.is_settled_with(&credentials) {
            let is_same = self.connectivity.remote_ufrag() == Some(&credentials.ufrag);
            let restarts = self.connectivity.set_remote(now, credentials);
            if restarts {
                self.is_remote_complete &= is_same;
                self.has_interrupted = false;
                self.told = None;
                let state = self.current_state(now, IceState::New);
                self.set_state(state);
            }
        }
        self.settle(now);
    }

    /// Whether the peer has agreed to renomination, as we do where gathering is continual
    /// (draft-thatcher-ice-renomination-01 §3): later nominations then bear numbers.
    pub fn set_renomination(&mut self, is_agreed: bool) {
        self.connectivity.standby.renominates = is_agreed;
    }

    /// Begins gathering.
    pub fn start_gathering(&mut self, now: Instant) {
        self.see(now);
        if self.gatherer.start() {
            self.events.push_back(Event::Gathering(GatheringState::Gathering));
            let candidates: Vec<_> = self.local_candidates().map(Event::Candidate).collect();
            self.events.extend(candidates);
        }
        self.settle(now);
    }

    /// Adds the base of one bound socket: a host candidate.
    pub fn add_local_address(&mut self, now: Instant, base: Base) {
        self.see(now);
        if let Some(added) = self.connectivity.newest_mut().add_host(base) {
            if self.connectivity.standby.is_on && self.gatherer.reopen() {
                self.events.push_back(Event::Gathering(GatheringState::Gathering));
            }
            self.gatherer.add_base(base);
            self.announce(added);
            self.connectivity.form_pairs();
        }
        self.settle(now);
    }

    /// The network of a local address is gone: pairs from there carry nothing and are checked no more, and the state is
    /// disconnected at once where the pair in use is one of them. Their consent runs on: until it has expired
    /// [`Agent::restore_local_address`] brings them back.
    pub fn suspend_local_address(&mut self, now: Instant, base: Base) {
        self.see(now);
        self.gatherer.remove_base(base);
        self.connectivity.set_down(now, base, true);
        self.relays.over(base).into_iter().for_each(|relay| self.connectivity.set_down(now, relay, true));
        self.settle(now);
    }

    /// The network of a local address is there again: the pair in use is checked at once, and where none is selected yet all
    /// that failed from there. Where gathering is continual, and a restart has begun without it, it is added anew.
    pub fn restore_local_address(&mut self, now: Instant, base: Base) {
        self.see(now);
        self.connectivity.set_down(now, base, false);
        self.relays.over(base).into_iter().for_each(|relay| self.connectivity.set_down(now, relay, false));
        match self.connectivity.standby.is_on && !base.is_stream() {
            true => self.add_local_address(now, base),
            false => self.gatherer.add_base(base),
        }
        self.settle(now);
    }

    /// The socket at a local address was closed: what went by it has failed, and no candidate of it is signalled again.
    pub fn remove_local_address(&mut self, now: Instant, base: Base) {
        self.see(now);
        self.gatherer.remove_base(base);
        self.connectivity.remove_base(now, base);
        self.relays.remove_base(base);
        self.settle(now);
    }

    /// Adds a STUN server, which each local address of its family asks. `url` is what its user calls it: all addresses
    /// of one URL are one server where it cannot be reached.
    pub fn add_stun_server(&mut self, now: Instant, server: SocketAddr, url: &str) {
        self.see(now);
        self.gatherer.add_server(plain(server), url);
        self.settle(now);
    }

    /// No more local addresses or servers come: gathering is complete when the servers answered or timed out.
    pub fn finish_local_addresses(&mut self, now: Instant) {
        self.see(now);
        self.gatherer.finish();
        self.settle(now);
    }

    /// Adds a candidate of the peer. Those of component 2 are ignored, and all once a pair is selected.
    ///
    /// # Errors
    /// Where it cannot be used.
    pub fn add_remote_candidate(
        &mut self,
        now: Instant,
        candidate: &sdp::Candidate,
    ) -> Result<(), CandidateError> {
        self.see(now);
        let expected = self.connectivity.remote_ufrag();
        if let (Some(ufrag), Some(expected)) = (&candidate.ufrag, expected)
            && ufrag != expected
        {
            return Err(CandidateError::WrongUfrag);
        }
        if self.connectivity.add_remote(candidate)? {
            self.connectivity.form_pairs();
            self.connectivity.hope.note_candidate(now);
        }
        self.settle(now);
        Ok(())
    }

    /// The peer has no more candidates (RFC 8838 §13).
    pub fn end_of_remote_candidates(&mut self, now: Instant) {
        self.see(now);
        self.is_remote_complete = true;
        self.settle(now);
    }

    /// Takes a STUN message that came from `source` to the socket bound at `destination`. What is malformed or not
    /// authentic is counted and dropped.
    pub fn handle_stun(&mut self, now: Instant, source: SocketAddr, destination: Base, message: &[u8]) {
        self.see(now);
        let source = plain(source);
        let is_ours = self.connectivity.is_ours(destination);
        let is_good = match Message::parse(message) {
            Ok(message) if is_ours && message.method() == Method::BINDING => {
                self.diagnose(false, source, &message);
                self.handle_message(now, source, destination, &message)
            }
            Ok(_) => false,
            Err(error) => {
                tracing::trace!(%error, "malformed STUN message");
                false
            }
        };
        self.dropped += u64::from(!is_good);
        self.settle(now);
    }

    /// Takes note that an authenticated datagram that was not STUN came from the peer: a sign of life, which keeps
    /// the state from disconnected. Consent to send is renewed by STUN only (RFC 7675 §5.1).
    pub fn handle_traffic(&mut self, now: Instant, source: SocketAddr, destination: Base) {
        self.see(now);
        self.connectivity.hear(now, plain(source), destination);
        if self.state == IceState::Disconnected {
            self.settle(now);
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.see(now);
        self.connectivity.handle_timeout(now);
        self.relays.handle_timeout(now);
        while let Some(outcome) = self.gatherer.expire(now) {
            self.gathered(outcome);
        }
        self.settle(now);
    }

    /// Credentials that this agent has never used, for [`Agent::restart`].
    pub fn fresh_credentials(&mut self) -> Credentials {
        self.connectivity.fresh_credentials()
    }

    /// Prepares a restart with these credentials of ours (RFC 8445 §9). Gathering is to be started again; sockets and
    /// servers are remembered, but for sockets whose network is gone. All else goes on as it is until the peer's
    /// credentials come by [`Agent::set_remote`]; checks of the new generation that overtake them are answered. A
    /// restart that was prepared before is dropped.
    pub fn restart(&mut self, now: Instant, credentials: Credentials) {
        self.see(now);
        if self.state == IceState::Closed {
            return;
        }
        if self.connectivity.next_credentials().is_none() {
            self.has_interrupted = self.gatherer.state() != GatheringState::Complete;
        }
        self.connectivity.prepare(credentials);
        self.gatherer.restart();
        self.relays.restart();
        self.settle(now);
    }

    /// Takes back a restart that was prepared: the credentials of before stay in force. Where its gathering has ended
    /// an earlier one, that is to be started again.
    pub fn cancel_restart(&mut self, now: Instant) {
        self.see(now);
        if self.connectivity.take_back() {
            self.relays.abandon();
            if std::mem::take(&mut self.has_interrupted) {
                self.gatherer.restart();
            } else if self.gatherer.abandon() {
                self.events.push_back(Event::Gathering(GatheringState::Complete));
            }
            self.settle(now);
        }
    }

    /// Sends nothing more and forgets all.
    pub fn close(&mut self) {
        self.connectivity.stop();
        self.connectivity.take_back();
        self.gatherer.stop();
        if let Some(now) = self.clock {
            self.relays.close(now);
        }
        self.set_state(IceState::Closed);
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if event.is_none() {
            self.events.shrink_to_fit();
        }
        event
    }

    /// When [`Agent::handle_timeout`] and [`Agent::poll_transmit`] want to be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let clock = self.clock?;
        let mut next = self.gatherer.next_timeout();
        let mut sooner = |other: Option<Instant>| next = next.into_iter().chain(other).min();
        if self.gatherer.has_query()
            || self.relays.has_waiting()
            || (!self.is_over() && self.connectivity.has_check(clock))
        {
            sooner(Some(self.next_slot.map_or(clock, |slot| slot.max(clock))));
        }
        sooner(self.connectivity.has_answer().then_some(clock));
        sooner(self.relays.has_outgoing().then_some(clock));
        sooner(self.relays.next_timeout());
        if !self.is_over() {
            sooner(self.connectivity.next_timeout(clock));
            let hope = self.connectivity.hope.ends(self.patience, self.is_remote_complete);
            sooner(hope.filter(|end| *end > clock));
            sooner(self.quiet_from().filter(|from| *from > clock));
        }
        next
    }

    /// Our credentials that are in force.
    pub fn local_credentials(&self) -> &Credentials {
        self.connectivity.local()
    }

    /// Our credentials of a restart that waits for the peer's.
    pub fn next_credentials(&self) -> Option<&Credentials> {
        self.connectivity.next_credentials()
    }

    /// Our username fragments that a check may name: in force, of a restart that waits, and of what one has left.
    pub fn ufrags(&self) -> impl Iterator<Item = &str> {
        self.connectivity.ufrags()
    }

    /// Whether these are the peer's credentials that are in force.
    pub fn has_remote(&self, credentials: &Credentials) -> bool {
        self.connectivity.has_remote(credentials)
    }

    /// The candidates gathered so far, of the restart where one is prepared.
    pub fn local_candidates(&self) -> impl Iterator<Item = sdp::Candidate> {
        let (ufrag, candidates) = self.connectivity.newest();
        let (is_hidden, shown) = (candidates.is_relay_only, &self.connectivity.shown);
        candidates.told().flat_map(move |local| shown.told(local, ufrag, is_hidden))
    }

    /// The candidates gathered so far that belong to our credentials in force, also while a restart is prepared.
    pub fn candidates_in_force(&self) -> impl Iterator<Item = sdp::Candidate> {
        let (ufrag, candidates) = (&self.connectivity.local().ufrag, &self.connectivity.candidates);
        let (is_hidden, shown) = (candidates.is_relay_only, &self.connectivity.shown);
        candidates.told().flat_map(move |local| shown.told(local, ufrag, is_hidden))
    }

    /// Whether all candidates that belong to our credentials in force were gathered.
    pub fn is_gathered_in_force(&self) -> bool {
        match self.connectivity.next_credentials() {
            Some(_) => !self.has_interrupted,
            None => self.gatherer.state() == GatheringState::Complete,
        }
    }

    /// Whether this agent is lite (RFC 8445 §2.5).
    pub fn is_lite(&self) -> bool {
        self.connectivity.config.lite
    }

    /// The peer's username fragment that is in force.
    pub fn remote_ufrag(&self) -> Option<&str> {
        self.connectivity.remote_ufrag()
    }

    /// The connection state.
    pub fn state(&self) -> IceState {
        self.state
    }

    /// The gathering state.
    pub fn gathering_state(&self) -> GatheringState {
        self.gatherer.state()
    }

    /// Whether this agent controls.
    pub fn is_controlling(&self) -> bool {
        self.connectivity.is_controlling()
    }

    /// Whether an authenticated STUN message has come from `source` to `destination`, a check or the answer to one:
    /// only from there are DTLS and SRTP taken. True also before the remote credentials are known, if a check came
    /// that bears our own.
    pub fn is_known(&self, source: SocketAddr, destination: Base) -> bool {
        self.connectivity.is_known(plain(source), destination)
    }

    /// Where to send: base and remote address of the selected pair, before that of the best valid pair, while
    /// consent holds.
    pub fn route(&self) -> Option<(Base, SocketAddr)> {
        self.connectivity.route().map(|pair| (pair.base, pair.address))
    }

    /// The last round-trip time measured on the pair in use.
    pub fn round_trip(&self) -> Option<Duration> {
        self.connectivity.route()?.valid.as_ref()?.round_trip
    }

    /// How many STUN messages were dropped: malformed, not authentic, or to none of our sockets.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Whether the message was any good.
    fn handle_message(
        &mut self,
        now: Instant,
        source: SocketAddr,
        destination: Base,
        message: &Message<'_>,
    ) -> bool {
        let is_response = matches!(message.class(), Class::Success | Class::Error);
        if is_response && self.gatherer.has_transaction(message.transaction()) {
            let outcome = self.gatherer.handle_response(now, source, destination, message);
            let is_good = outcome.is_some();
            outcome.into_iter().for_each(|outcome| self.gathered(outcome));
            return is_good;
        }
        match message.class() {
            // They keep mappings in NATs alive, no more (RFC 8445 §11).
            Class::Indication => true,
            Class::Request if self.is_over() && !self.connectivity.is_for_next(message) => false,
            Class::Request => self.connectivity.handle_request(now, source, destination, message),
            _ => !self.is_over() && self.connectivity.handle_response(now, source, destination, message),
        }
    }

    fn gathered(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Mapped(query, mapped) => {
                let candidates = self.connectivity.newest_mut();
                match candidates.add_server_reflexive(query.base, mapped, query.server) {
                    Some(added) => self.announce(added),
                    None if mapped == plain(query.base.address) => self.announce_seen(query),
                    None => {}
                }
            }
            Outcome::Nothing => {}
            Outcome::Failed(failure) => self.events.push_back(Event::CandidateError(failure)),
        }
    }

    /// Brings events and states up to date after anything that may have changed them.
    pub(super) fn settle(&mut self, now: Instant) {
        self.settle_relays(now);
        if self.gatherer.complete() {
            self.events.push_back(Event::Gathering(GatheringState::Complete));
        }
        if let Some(pair) = self.connectivity.selected().filter(|pair| self.told != Some(pair.id)) {
            let (local, remote, kinds) = (pair.base, pair.address, self.connectivity.kinds(pair));
            self.told = Some(pair.id);
            self.selected_changes += 1;
            self.events.push_back(Event::Selected { local, remote, kinds });
            tracing::info!(?kinds, "pair selected");
            self.close_unused_streams();
        }
        let state = self.current_state(now, self.state);
        self.set_state(state);
        self.gatherer.release(self.connectivity.has_concluded(self.is_over()));
        self.connectivity.note_loss(now, state == IceState::Disconnected);
        if self.connectivity.take_stranded(now) {
            self.events.push_back(Event::Stranded);
        }
    }

    fn current_state(&self, now: Instant, before: IceState) -> IceState {
        if matches!(before, IceState::Closed | IceState::Failed) {
            return before;
        }
        let is_selected = self.connectivity.selected().is_some();
        let is_active = self.connectivity.is_active();
        if self.connectivity.route().is_some() {
            let is_quiet = self.quiet_from().is_some_and(|from| from <= now);
            let is_gathered = self.gatherer.state() == GatheringState::Complete
                && self.connectivity.next_credentials().is_none();
            return match is_quiet {
                // webrtc-pc §5.6.4: a restart forgets that connectivity was lost.
                true if self.connectivity.is_route_kept() => IceState::Checking,
                true => IceState::Disconnected,
                false if is_selected && self.is_remote_complete && is_gathered && !is_active => {
                    IceState::Completed
                }
                false => IceState::Connected,
            };
        }
        let hope = self.connectivity.hope.ends(self.patience, self.is_remote_complete);
        let is_hopeless = hope.is_some_and(|end| end <= now)
            && self.gatherer.state() != GatheringState::Gathering
            && !self.connectivity.has_unchecked();
        match self.connectivity.remote_ufrag() {
            // Its network is gone, but consent to the selected pair holds.
            _ if self.connectivity.selected().is_some_and(|pair| pair.valid.is_some()) => {
                IceState::Disconnected
            }
            _ if is_selected && is_active && self.connectivity.standby.is_on => IceState::Disconnected,
            _ if is_selected => IceState::Failed,
            Some(_) if is_hopeless => IceState::Failed,
            Some(_) if !self.connectivity.candidates.remotes().is_empty() => IceState::Checking,
            _ => IceState::New,
        }
    }

    fn set_state(&mut self, state: IceState) {
        if self.state == state {
            return;
        }
        tracing::info!(from = %self.state, to = %state, "ICE state");
        self.state = state;
        let has_lost = matches!(state, IceState::Failed | IceState::Closed) && self.told.is_some();
        self.selected_changes += u32::from(has_lost);
        self.events.push_back(Event::State(state));
        if state == IceState::Failed {
            self.connectivity.stop();
            self.connectivity.standby.fail(self.clock);
        }
    }

    /// Whether nothing is sent or taken any more, but by gathering.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, IceState::Closed | IceState::Failed)
    }

    /// When the silence of the pair in use becomes too long.
    fn quiet_from(&self) -> Option<Instant> {
        self.connectivity.route()?.heard.map(|heard| heard + self.disconnected_after)
    }

    pub(super) fn diagnose(&mut self, sent: bool, remote: SocketAddr, message: &Message<'_>) {
        if self.diagnostics && self.events.len() < EVENT_LIMIT {
            self.events.push_back(Event::Stun { sent, remote, summary: message.to_string() });
        }
    }

    pub(super) fn see(&mut self, now: Instant) {
        self.clock = self.clock.max(Some(now));
    }
}
