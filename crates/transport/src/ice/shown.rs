//! What the peer is shown of our own addresses: a name (draft-ietf-mmusic-mdns-ice-candidates-04 §3.1), the address that a
//! translator shows, or nothing (RFC 8828 §5.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use peerless_wire::sdp::{Address, Candidate, CandidateKind};

use crate::ice::candidate::Local;
use crate::ice::stats::CandidateStats;

/// How a local address is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// By this name.
    Name(String),
    /// As this address, of which a translator is known to lead here, port by port.
    Public(IpAddr),
    /// Not at all: only what servers see of it.
    Hidden,
}

/// The addresses that are not shown as they are.
#[derive(Debug, Default)]
pub(crate) struct ShownAddresses(Vec<Known>);

#[derive(Debug)]
struct Known {
    address: IpAddr,
    shown: Shown,
    /// Its socket was closed; candidates of it may be remembered for a while.
    is_gone: bool,
}

/// How many there are before those that are gone are forgotten.
const EASE: usize = 16;
/// The port of an address that is concealed (RFC 8839 §5.1).
const DISCARD: u16 = 9;

impl ShownAddresses {
    /// How an address is shown from now on. Those that are gone are forgotten where no candidate has them.
    pub(crate) fn set(&mut self, address: IpAddr, shown: Shown, has_candidate: impl Fn(IpAddr) -> bool) {
        if self.0.len() >= EASE {
            self.0.retain(|known| !known.is_gone || has_candidate(known.address));
        }
        let new = Known { address, shown, is_gone: false };
        match self.0.iter_mut().find(|known| known.address == address) {
            Some(known) => *known = new,
            None => self.0.push(new),
        }
    }

    /// A socket at this address was closed.
    pub(crate) fn release(&mut self, address: IpAddr) {
        self.0.iter_mut().filter(|known| known.address == address).for_each(|known| known.is_gone = true);
    }

    fn of(&self, address: IpAddr) -> Option<&Shown> {
        self.0.iter().find(|known| known.address == address).map(|known| &known.shown)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What the peer is told by a local candidate: itself, and what a server sees of it where that is not shown.
    pub(crate) fn told(
        &self,
        local: &Local,
        ufrag: &str,
        is_hidden: bool,
    ) -> impl Iterator<Item = Candidate> {
        let signalled = local.signalled(ufrag, is_hidden);
        let is_seen = local.kind == CandidateKind::Host && local.server.is_some();
        let seen = signalled.clone().filter(|_| is_seen).and_then(|candidate| self.uncover(candidate));
        signalled.and_then(|candidate| self.cover(candidate)).into_iter().chain(seen)
    }

    /// The candidate as the peer is shown it; `None` for one that it is not.
    pub(crate) fn cover(&self, mut candidate: Candidate) -> Option<Candidate> {
        if let Some((related, port)) = &mut candidate.related
            && let Some(ip) = related.ip().filter(|ip| self.of(*ip).is_some())
        {
            (*related, *port) = (Address::Ip(nowhere(ip)), DISCARD);
        }
        let own = candidate.address.ip().filter(|_| candidate.kind == CandidateKind::Host);
        match own.and_then(|ip| self.of(ip)) {
            None => {}
            Some(Shown::Name(name)) => candidate.address = Address::Name(name.clone()),
            Some(Shown::Public(public)) => candidate.address = Address::Ip(*public),
            Some(Shown::Hidden) => return None,
        }
        Some(candidate)
    }

    /// A host candidate whose address is not shown, as a server sees it: with nothing behind it. `None` for others.
    pub(crate) fn uncover(&self, mut candidate: Candidate) -> Option<Candidate> {
        let ip = candidate.address.ip()?;
        let is_covered = matches!(self.of(ip), Some(Shown::Name(_) | Shown::Hidden));
        candidate.kind = CandidateKind::ServerReflexive;
        candidate.related = Some((Address::Ip(nowhere(ip)), DISCARD));
        is_covered.then_some(candidate)
    }

    /// Statistics tell no more (webrtc-stats §8.18).
    pub(crate) fn cover_stats(&self, candidate: &mut CandidateStats) {
        let related = candidate.related.as_ref().and_then(|(address, _)| address.parse().ok());
        if let Some(ip) = related.filter(|ip| self.of(*ip).is_some()) {
            candidate.related = Some((nowhere(ip).to_string(), DISCARD));
        }
        if candidate.kind != CandidateKind::Host {
            return;
        }
        match self.of(candidate.address.ip()) {
            None => {}
            Some(Shown::Name(name)) => candidate.shown = Some(name.clone()),
            Some(Shown::Public(public)) => candidate.shown = Some(public.to_string()),
            Some(Shown::Hidden) => candidate.shown = Some(nowhere(candidate.address.ip()).to_string()),
        }
    }
}

/// The unspecified address of the same family.
fn nowhere(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}
