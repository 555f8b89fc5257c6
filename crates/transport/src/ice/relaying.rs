//! An agent and its relays (RFC 8445 §5.1.1.2): what servers lend becomes candidates, and what goes by way of them is
//! wrapped and unwrapped.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use peerless_wire::stun::Message;

use crate::datagram::{Base, Transmit};
use crate::envelope::Envelope;
use crate::ice::agent::Agent;
use crate::ice::candidate::plain;
use crate::ice::connectivity::Connectivity;
use crate::ice::event::{CandidateFailure, Event};
use crate::ice::pair::PairState;
use crate::state::GatheringState;
use crate::turn::relays::{Relay, Told, Unwrapped};
use crate::turn::server::TurnServer;

impl Agent {
    /// Adds a TURN server, which lends an address to each local address of its family, by what its protocol goes over.
    pub fn add_turn_server(&mut self, now: Instant, server: TurnServer) {
        self.see(now);
        self.relays.add_server(TurnServer { address: plain(server.address), ..server });
        self.settle(now);
    }

    /// Adds an address from where streams to TURN servers can be opened; its port is a name for it, nothing is bound there.
    pub fn add_stream_base(&mut self, now: Instant, address: SocketAddr) {
        self.see(now);
        self.relays.add_stream_base(address);
        self.settle(now);
    }

    /// Whether only relayed candidates are told and paired, from the next gathering on.
    pub fn set_relay_only(&mut self, is_relay_only: bool) {
        self.connectivity.set_relay_only(is_relay_only, self.gatherer.state() == GatheringState::New);
        self.gatherer.set_relay_only(is_relay_only);
    }

    /// What a packet to the peer is sent in, while there is a route.
    pub fn envelope(&self) -> Option<Envelope> {
        let (base, destination) = self.route()?;
        match Transmit::from_base(base, destination, 0) {
            Some(transmit) => Some(Envelope::direct(transmit)),
            None => self.relays.envelope(base, destination),
        }
    }

    /// Takes apart what came from a TURN server. `None` where it was for us, else what came from which peer to which base.
    pub(crate) fn unwrap(
        &mut self,
        now: Instant,
        source: SocketAddr,
        base: Base,
        packet: BytesMut,
    ) -> Option<(SocketAddr, Base, BytesMut)> {
        if self.relays.is_empty() {
            return Some((source, base, packet));
        }
        self.see(now);
        let shown = self.diagnostics.then(|| packet.clone());
        match self.relays.unwrap(now, plain(source), base, packet) {
            Unwrapped::Not(packet) => Some((source, base, packet)),
            Unwrapped::Inner(peer, base, packet) => Some((peer, base, packet)),
            Unwrapped::Taken(is_good) => {
                if let Some(Ok(message)) = shown.as_deref().map(Message::parse) {
                    self.diagnose(false, source, &message);
                }
                self.dropped += u64::from(!is_good);
                self.settle(now);
                None
            }
        }
    }

    /// Appends what is to leave for a server next.
    pub(super) fn transmit_to_server(&mut self, now: Instant, out: &mut BytesMut) -> Option<Transmit> {
        let begin = out.len();
        let transmit = self.relays.poll_transmit(now, out)?;
        if self.diagnostics {
            let shown = Bytes::copy_from_slice(out.get(begin..).unwrap_or_default());
            if let Ok(message) = Message::parse(&shown) {
                self.diagnose(true, transmit.destination, &message);
            }
        }
        Some(transmit)
    }

    /// Brings relays, bases and candidates together.
    pub(super) fn settle_relays(&mut self, now: Instant) {
        if self.relays.is_empty() {
            return;
        }
        if self.gatherer.state() == GatheringState::Gathering {
            self.relays.gather(now, self.gatherer.bases());
        }
        while let Some(told) = self.relays.poll_told() {
            self.take_relay(now, told);
        }
        self.gatherer.set_relaying(self.relays.is_pending());
        self.relays.use_route(now, self.connectivity.route().map(|pair| (pair.base, pair.address)));
        let is_settled = self.gatherer.state() == GatheringState::Complete
            && self.connectivity.next_credentials().is_none()
            && self.connectivity.selected().is_some();
        if is_settled {
            let connectivity = &self.connectivity;
            self.relays.tidy(now, |base| connectivity.carries(base));
            while let Some(told) = self.relays.poll_told() {
                self.take_relay(now, told);
            }
        }
    }

    fn take_relay(&mut self, now: Instant, told: Told) {
        match told {
            Told::Added(relay) => self.add_relay(&relay),
            Told::Removed(base) => self.connectivity.remove_base(now, base),
            Told::Failed { local, url, code, reason } => {
                let is_hidden = self.connectivity.newest().1.is_relay_only;
                let failure = CandidateFailure { local, is_hidden, url: url.into(), code, reason };
                self.events.push_back(Event::CandidateError(failure));
            }
            Told::CloseStream(stream) => self.events.push_back(Event::CloseStream(stream)),
            Told::Follow(alternate) => self.events.push_back(Event::FollowServer(alternate)),
            Told::Refused(base, ip) => self.connectivity.refuse(base, ip),
        }
    }

    fn add_relay(&mut self, relay: &Relay) {
        if let Some(added) = self.connectivity.newest_mut().add_relay(relay) {
            self.announce(added);
            self.connectivity.form_pairs();
        }
    }
}

impl Connectivity {
    /// For candidates to come; for those at hand where `is_early`.
    fn set_relay_only(&mut self, is_relay_only: bool, is_early: bool) {
        self.config.is_relay_only = is_relay_only;
        if is_early {
            self.newest_mut().is_relay_only = is_relay_only;
            self.newest_mut().set_paired(false);
        }
    }

    /// Nothing from a base reaches this address: its pairs have failed, but for one that works.
    fn refuse(&mut self, base: Base, ip: IpAddr) {
        let is_meant =
            |of: &crate::ice::pair::Pair| of.base == base && of.address.ip() == ip && of.valid.is_none();
        let failed: Vec<_> =
            self.checklist.pairs().iter().filter(|pair| is_meant(pair)).map(|pair| pair.id).collect();
        self.transactions.retain(|of| !failed.contains(&of.pair));
        for pair in self.checklist.pairs_mut().iter_mut().filter(|pair| failed.contains(&pair.id)) {
            pair.state = PairState::Failed;
        }
    }

    /// Whether packets go by this base, or may still come by it.
    fn carries(&self, base: Base) -> bool {
        self.route().is_some_and(|pair| pair.base == base) || self.kept.pairs().any(|pair| pair.base == base)
    }
}
