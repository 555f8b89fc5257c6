//! What the peer is shown of our addresses, as the agent's owner wants it.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use peerless_wire::sdp::Candidate;

use crate::datagram::Base;
use crate::ice::agent::Agent;
use crate::ice::connectivity::Connectivity;
use crate::ice::event::Event;
use crate::ice::gather::Query;
use crate::ice::shown::Shown;
use crate::state::GatheringState;

impl Agent {
    /// How the host candidates of a local address are shown from now on. To be said before the address is added.
    pub fn show_local_address(&mut self, address: IpAddr, shown: Shown) {
        let mut all = std::mem::take(&mut self.connectivity.shown);
        all.set(address, shown, |known| self.connectivity.has_candidate_at(known));
        self.connectivity.shown = all;
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

impl Connectivity {
    /// Whether a candidate of ours, of any generation that is remembered, is at this address or was made from there.
    fn has_candidate_at(&self, address: IpAddr) -> bool {
        let next = self.next.as_ref().map(|next| &next.candidates);
        let mut locals = [Some(&self.candidates), next].into_iter().flatten().flat_map(|all| all.locals());
        locals.any(|local| {
            local.address.ip() == address
                || local.base.ip() == address
                || local.related(false).is_some_and(|related| related.ip() == address)
        }) || self.kept.pairs().any(|pair| pair.base.ip() == address)
    }
}

#[cfg(test)]
mod tests {
    use peerless_wire::sdp;

    use super::*;
    use crate::ice::config::Config;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test's time has to begin somewhere")]
    fn what_is_shown_of_addresses_that_are_gone_is_forgotten() {
        let now = Instant::now();
        let mut agent = Agent::new(Config { is_continual: true, ..Config::new([1; 32]) });
        agent.start_gathering(now);
        let join = |agent: &mut Agent, number: u32| {
            let base = Base::udp(SocketAddr::new((0x0a00_0000 + number).to_be_bytes().into(), 1000));
            let name = format!("{number}.local");
            agent.show_local_address(base.ip(), Shown::Name(name.clone()));
            agent.add_local_address(now, base);
            let named = |one: &sdp::Candidate| one.address == sdp::Address::Name(name.clone());
            assert!(agent.local_candidates().any(|one| named(&one)));
            base
        };
        let first = join(&mut agent, 1);
        for number in 2..10_000 {
            let base = join(&mut agent, number);
            agent.suspend_local_address(now, base);
            agent.remove_local_address(now, base);
            assert!(agent.connectivity.shown.len() <= 128, "{}", agent.connectivity.shown.len());
        }
        let shown: Vec<_> = agent.local_candidates().map(|one| one.address).collect();
        assert_eq!(shown, [sdp::Address::Name("1.local".to_owned())], "{first:?} is hidden still");
    }
}
