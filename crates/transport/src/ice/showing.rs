//! What the peer is shown of our addresses, as the agent's owner wants it.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use peerless_wire::sdp::Candidate;

use crate::datagram::Base;
use crate::ice::agent::Agent;
use crate::ice::event::Event;
use crate::ice::gather::Query;
use crate::ice::shown::Shown;
use crate::state::GatheringState;

impl Agent {
    /// How the host candidates of a local address are shown from now on. To be said before the address is added.
    pub fn show_local_address(&mut self, address: IpAddr, shown: Shown) {
        self.connectivity.shown.set(address, shown);
    }

    /// A translator is known to lead from `public` to the socket at `base`: a server-reflexive candidate that no server had
    /// to show.
    pub fn add_translated_address(&mut self, now: Instant, base: Base, public: SocketAddr) {
        if let Some(added) = self.connectivity.newest_mut().add_translated(base, public) {
            self.announce(added);
        }
        self.settle(now);
    }

    /// Tells a local candidate, as it is shown.
    pub(super) fn announce(&mut self, added: usize) {
        let told = self.signalled(added).and_then(|candidate| self.connectivity.shown.cover(candidate));
        self.tell(told);
    }

    /// No translator stands before this base: a server sees it as it is. Where the host candidate does not show its address,
    /// nothing would, so a server-reflexive one does that has nothing behind it, as Chromium has it in these modes (RFC 8828
    /// §5.2, draft-ietf-mmusic-mdns-ice-candidates-04 §3.1). Departs: RFC 8445 §5.1.3, by which it is redundant.
    pub(super) fn announce_seen(&mut self, query: Query) {
        let Some(host) = self.connectivity.newest_mut().note_seen(query.base, query.server) else { return };
        let told = self.signalled(host).and_then(|candidate| self.connectivity.shown.uncover(candidate));
        self.tell(told);
    }

    fn signalled(&self, at: usize) -> Option<Candidate> {
        let (ufrag, candidates) = self.connectivity.newest();
        let local = candidates.local(at).filter(|_| candidates.is_allowed(at))?;
        local.signalled(ufrag, candidates.is_relay_only)
    }

    fn tell(&mut self, candidate: Option<Candidate>) {
        if let Some(candidate) = candidate.filter(|_| self.gatherer.state() == GatheringState::Gathering) {
            self.events.push_back(Event::Candidate(candidate));
        }
    }
}
