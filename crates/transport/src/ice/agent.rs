//! The conductor of an ICE agent (RFC 8445).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::BytesMut;
use peerless_wire::sdp;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::datagram::Transmit;
use crate::ice::candidate::CandidateError;
use crate::ice::config::{Config, Credentials};
use crate::ice::event::Event;
use crate::state::{GatheringState, IceState};

/// Finds and keeps a path to the peer. One data stream, one component (BUNDLE and rtcp-mux), UDP.
#[derive(Debug)]
pub struct Agent {
    local: Credentials,
    events: VecDeque<Event>,
}

#[expect(unused_variables, reason = "the signatures come first; the behaviour follows")]
impl Agent {
    /// An agent with fresh credentials that does nothing yet.
    pub fn new(config: Config) -> Self {
        let mut rng = ChaCha20Rng::from_seed(config.seed);
        Self { local: Credentials::generate(&mut rng), events: VecDeque::new() }
    }

    /// Takes the role that signalling gives (RFC 8445 §6.1.1): the first offerer controls, unless the peer is lite.
    pub fn set_controlling(&mut self, controlling: bool) {}

    /// The remote credentials are known: checks begin as soon as there are pairs.
    pub fn set_remote(&mut self, now: Instant, credentials: Credentials, lite: bool) {}

    /// Begins gathering.
    pub fn start_gathering(&mut self, now: Instant) {}

    /// Adds the address of one bound UDP socket: a host candidate.
    pub fn add_local_address(&mut self, now: Instant, address: SocketAddr) {}

    /// Adds a STUN server, which each local address of its family asks.
    pub fn add_stun_server(&mut self, now: Instant, server: SocketAddr) {}

    /// No more local addresses or servers come: gathering is complete when the servers answered or timed out.
    pub fn finish_local_addresses(&mut self, now: Instant) {}

    /// Adds a candidate of the peer. Those of component 2 and of TCP are ignored.
    ///
    /// # Errors
    /// Where it cannot be used.
    pub fn add_remote_candidate(
        &mut self,
        now: Instant,
        candidate: &sdp::Candidate,
    ) -> Result<(), CandidateError> {
        Ok(())
    }

    /// The peer has no more candidates (RFC 8838 §13).
    pub fn end_of_remote_candidates(&mut self, now: Instant) {}

    /// Takes a STUN message that came from `source` to the socket bound at `destination`.
    pub fn handle_stun(&mut self, now: Instant, source: SocketAddr, destination: SocketAddr, message: &[u8]) {
    }

    /// Takes note that an authenticated datagram that was not STUN came from the peer: a sign of life.
    pub fn handle_traffic(&mut self, now: Instant, source: SocketAddr, destination: SocketAddr) {}

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {}

    /// New credentials for new checks (RFC 8445 §9).
    pub fn restart(&mut self, now: Instant) {}

    /// Sends nothing more.
    pub fn close(&mut self) {}

    /// When [`Agent::handle_timeout`] and [`Agent::poll_transmit`] want to be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Appends one datagram to send.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut BytesMut) -> Option<Transmit> {
        None
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Our credentials, for the description.
    pub fn local_credentials(&self) -> &Credentials {
        &self.local
    }

    /// The candidates gathered so far, for the description.
    pub fn local_candidates(&self) -> impl Iterator<Item = sdp::Candidate> {
        std::iter::empty()
    }

    /// The connection state.
    pub fn state(&self) -> IceState {
        IceState::New
    }

    /// The gathering state.
    pub fn gathering_state(&self) -> GatheringState {
        GatheringState::New
    }

    /// Whether this agent controls.
    pub fn is_controlling(&self) -> bool {
        false
    }

    /// Whether an authenticated STUN message has come from `source` to `destination`, in either direction of checks:
    /// only from there are DTLS and SRTP taken. True also before the remote credentials are known, if a check came
    /// that bears our own.
    pub fn is_known(&self, source: SocketAddr, destination: SocketAddr) -> bool {
        false
    }

    /// Where to send: local and remote address of the selected pair, before that of the best valid pair, while
    /// consent holds.
    pub fn route(&self) -> Option<(SocketAddr, SocketAddr)> {
        None
    }
}
