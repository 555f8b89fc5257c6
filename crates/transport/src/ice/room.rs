//! Room among candidates: an agent may live for long, and networks come and go. What is of no use any more makes way for what
//! comes, so that neither candidates nor pairs nor the numbers of their foundations grow without end, and none that comes is
//! refused for the sake of one that is gone.

use std::net::SocketAddr;

use peerless_wire::sdp::{self, CandidateKind};

use crate::ice::candidate::{
    CandidateError, Candidates, Foundation, LOCAL_LIMIT, Local, REMOTE_LIMIT, Remote, SEEN_LIMIT,
    SocketState, is_compatible,
};
use crate::ice::checklist::PAIR_LIMIT;
use crate::ice::connectivity::Connectivity;
use crate::ice::pair::{Pair, PairState};

/// How many local candidates there are before those are forgotten that are of no use.
const LOCAL_EASE: usize = LOCAL_LIMIT / 2;

impl Candidates {
    /// Whether there are as many remote candidates as are kept: of those that checks have shown, or of those signalled.
    pub(super) fn has_full_remotes(&self, is_seen: bool) -> bool {
        let limit = if is_seen { SEEN_LIMIT } else { REMOTE_LIMIT };
        self.remotes.iter().filter(|one| (one.kind == CandidateKind::PeerReflexive) == is_seen).count()
            >= limit
    }

    /// Whether there are as many local candidates that checks have shown as are kept.
    pub(super) fn has_full_seen_locals(&self) -> bool {
        let is_seen = |local: &&Local| local.kind == CandidateKind::PeerReflexive;
        self.locals.iter().filter(is_seen).count() >= SEEN_LIMIT
    }

    /// How many pairs there could be.
    fn count_pairs(&self) -> usize {
        let has_pairs =
            |local: &&Local| local.address == local.base.address && local.socket != SocketState::Closed;
        let of = |local: &Local| self.remotes.iter().filter(|remote| is_compatible(local, remote)).count();
        self.locals.iter().filter(has_pairs).map(of).sum()
    }

    /// Whether the pairs of all were formed.
    pub(crate) fn set_paired(&mut self, is_paired: bool) {
        self.locals.iter_mut().for_each(|local| local.is_paired = is_paired);
        self.remotes.iter_mut().for_each(|remote| remote.is_paired = is_paired);
    }

    /// Forgets those whose socket is closed, where no pair is formed yet.
    pub(super) fn remove_closed(&mut self) {
        self.locals.retain(|local| local.socket != SocketState::Closed);
    }

    /// The number of what makes a foundation. Numbers that no candidate has any more are given again.
    pub(super) fn foundation(&mut self, key: Foundation) -> u32 {
        let known = self.foundations.iter().position(|known| *known == key);
        let is_full = self.foundations.len() >= LOCAL_LIMIT;
        let is_free = |at: &usize| !self.locals.iter().any(|local| local.foundation == *at as u32);
        let at = known.or_else(|| (0..self.foundations.len()).filter(|_| is_full).find(is_free));
        match at {
            Some(at) => self.foundations[at] = key,
            None => self.foundations.push(key),
        }
        at.unwrap_or(self.foundations.len() - 1) as u32
    }

    /// The first preference that no open candidate like this one has (RFC 8421 §4): an address that comes back has that of
    /// before.
    pub(super) fn free_preference(&self, is_alike: impl Fn(&Local) -> bool, of: impl Fn(u16) -> u16) -> u16 {
        let is_open = |local: &&Local| is_alike(local) && local.socket != SocketState::Closed;
        let is_taken =
            |earlier: u16| self.locals.iter().filter(is_open).any(|local| local.preference == of(earlier));
        of((0..LOCAL_LIMIT as u16).find(|earlier| !is_taken(*earlier)).unwrap_or_default())
    }

    /// The number of a remote foundation; another one for each that is `None`. Numbers that no candidate has any more are
    /// given again.
    pub(super) fn remote_foundation(&mut self, text: Option<&str>) -> u32 {
        let mut known = self.remote_foundations.iter();
        if let Some(at) = known.position(|known| known.is_some() && known.as_deref() == text) {
            return at as u32;
        }
        let text = text.map(str::to_owned);
        let is_full = self.remote_foundations.len() >= REMOTE_LIMIT + SEEN_LIMIT;
        let is_free = |at: &u32| !self.remotes.iter().any(|remote| remote.foundation == *at);
        let free = (0..self.remote_foundations.len() as u32).filter(|_| is_full).find(is_free);
        match free.and_then(|at| self.remote_foundations.get_mut(at as usize).map(|known| (at, known))) {
            Some((at, known)) => {
                *known = text;
                at
            }
            None => {
                self.remote_foundations.push(text);
                self.remote_foundations.len() as u32 - 1
            }
        }
    }
}

impl Connectivity {
    /// Adds a candidate that the peer has signalled. Whether there is one more to pair.
    pub(super) fn add_remote(&mut self, candidate: &sdp::Candidate) -> Result<bool, CandidateError> {
        if let Some(ip) = candidate.address.ip() {
            self.make_room_for_remote(SocketAddr::new(ip.to_canonical(), candidate.port), false);
        }
        Ok(self.candidates.add_remote(candidate)?.is_some())
    }

    /// Makes room for a remote candidate, signalled or seen, where it is not there: the oldest of its kind gives way whose
    /// pairs have all failed, or of which there are none though a pair is selected.
    pub(super) fn make_room_for_remote(&mut self, address: SocketAddr, is_seen: bool) {
        let is_known = self.candidates.remotes().iter().any(|remote| remote.address == address);
        if is_known || !self.candidates.has_full_remotes(is_seen) {
            return;
        }
        let is_alike = |of: &Remote| (of.kind == CandidateKind::PeerReflexive) == is_seen;
        self.forget_remote(is_alike);
    }

    /// Forgets the oldest remote candidates that are of no use while there are more pairs to form than are kept.
    pub(super) fn make_room_for_pairs(&mut self) {
        while self.candidates.count_pairs() > PAIR_LIMIT && self.forget_remote(|_| true) {}
    }

    /// Forgets the oldest remote candidate of those `is_meant` whose pairs have all failed, or of which there are none though
    /// a pair is selected. Whether there was one.
    fn forget_remote(&mut self, is_meant: impl Fn(&Remote) -> bool) -> bool {
        let selected = self.selected;
        let has_failed = |pair: &Pair| {
            pair.state == PairState::Failed && pair.valid.is_none() && Some(pair.id) != selected
        };
        let is_spare = |at: usize| {
            let mut pairs = self.checklist.pairs().iter().filter(|pair| pair.remote == at).peekable();
            (pairs.peek().is_some() || selected.is_some()) && pairs.all(has_failed)
        };
        let mut remotes = self.candidates.remotes().iter().enumerate();
        let spare = remotes.find(|(at, remote)| remote.is_paired && is_meant(remote) && is_spare(*at));
        let spare = spare.map(|(at, _)| at);
        if let Some(at) = spare {
            self.candidates.remotes.remove(at);
            self.checklist.remote_removed(at);
        }
        spare.is_some()
    }

    /// Forgets local candidates whose socket is closed, and peer-reflexive ones that no pair has any more, where there are
    /// many.
    pub(super) fn make_room_for_locals(&mut self) {
        if let Some(next) = &mut self.next {
            next.candidates.remove_closed();
        }
        if self.candidates.locals().len() < LOCAL_EASE {
            return;
        }
        for at in (0..self.candidates.locals().len()).rev() {
            let has = |pair: &Pair| pair.local == at || pair.valid.as_ref().is_some_and(|of| of.local == at);
            let is_spare = |local: &Local| {
                local.socket == SocketState::Closed || local.kind == CandidateKind::PeerReflexive
            };
            let is_used = self.checklist.pairs().iter().any(has);
            if !is_used && self.candidates.local(at).is_some_and(is_spare) {
                self.candidates.locals.remove(at);
                self.checklist.local_removed(at);
            }
        }
    }
}
