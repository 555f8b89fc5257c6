//! Candidates and pairs → what is shown of them; and what of the traffic of others is counted for a pair.

use std::net::SocketAddr;
use std::time::Instant;

use peerless_wire::sdp::CandidateKind;

use crate::datagram::{Base, Carrier, Transmit};
use crate::ice::agent::Agent;
use crate::ice::candidate::{Candidates, plain};
use crate::ice::connectivity::Connectivity;
use crate::ice::pair::{Pair, PairId, PairState};
use crate::ice::stats::{self, CandidateStats, PairCounts, PairStateStats, PairStats, Stats};

impl Agent {
    /// All candidates and pairs, and what went by them.
    pub fn stats(&self) -> Stats {
        let mut stats = self.connectivity.stats(self.selected_changes);
        for local in &mut stats.locals {
            let base = Base { address: local.address, carrier: Carrier::Relay };
            match self.relays.source_of(base).filter(|_| local.kind == CandidateKind::Relay) {
                Some((url, protocol)) => {
                    local.url = Some(url.to_owned());
                    local.relay_protocol = Some(protocol);
                }
                None => {
                    let server = local.server.and_then(|server| self.gatherer.url_of(server));
                    local.url = server.map(|url| url.to_string());
                }
            }
            self.connectivity.shown.cover_stats(local);
        }
        stats
    }

    /// Counts a datagram that is not STUN and came by a pair.
    pub fn count_received(&mut self, now: Instant, source: SocketAddr, destination: Base, bytes: usize) {
        if let Some(counts) = self.connectivity.counts_between(plain(source), destination) {
            counts.received(now, bytes);
        }
    }

    /// Counts datagrams that are not STUN and are sent by the pair in use, at the latest time handed in.
    pub fn count_sent(&mut self, packets: u64, bytes: u64) {
        let Some(id) = self.connectivity.route().map(|pair| pair.id) else { return };
        if let Some(pair) = self.connectivity.pair_mut(id) {
            pair.counts.sent(self.clock, packets, bytes);
        }
    }

    /// Counts what the system would not send.
    pub fn count_discarded(&mut self, transmit: &Transmit) {
        let packets = transmit.segment_size.map_or(1, |size| transmit.size.div_ceil(size.max(1))) as u64;
        if let Some(counts) = self.connectivity.counts_between(plain(transmit.destination), transmit.base()) {
            counts.discarded(packets, transmit.size as u64);
        }
    }
}

impl Connectivity {
    /// All candidates and pairs.
    pub(crate) fn stats(&self, selected_changes: u32) -> Stats {
        let mut made = Stats { selected_changes, ..Stats::default() };
        add_locals(&self.candidates, &self.local.ufrag, &mut made.locals);
        if let Some(next) = &self.next {
            add_locals(&next.candidates, &next.local.ufrag, &mut made.locals);
        }
        let remotes = self.candidates.remotes().iter();
        made.remotes
            .extend(remotes.map(|remote| stats::remote(&self.candidates, remote, self.remote_ufrag())));
        for pair in self.checklist.pairs() {
            if let Some((local, remote)) = self.ends(pair) {
                made.pairs.push(pair_stats(pair, local.key, remote.key));
            }
        }
        for pair in self.kept.pairs() {
            let Some((local, remote)) = pair.ends.as_deref() else { continue };
            made.pairs.push(pair_stats(pair, local.key, remote.key));
            add(local, &mut made.locals);
            add(remote, &mut made.remotes);
        }
        made.selected = self.selected().or_else(|| self.kept.in_use()).map(|pair| pair.id.0);
        made
    }

    /// The candidates of a pair of this generation: ours as the peer sees it, once that is known.
    pub(super) fn ends(&self, pair: &Pair) -> Option<(CandidateStats, CandidateStats)> {
        let local = pair.valid.as_ref().map_or(pair.local, |valid| valid.local);
        let local = self.candidates.local(local)?;
        let remote = self.candidates.remote(pair.remote)?;
        Some((
            stats::local(local, &self.local.ufrag, self.candidates.is_relay_only),
            stats::remote(&self.candidates, remote, self.remote_ufrag()),
        ))
    }

    /// A pair of this generation, or one that was kept.
    pub(super) fn pair_mut(&mut self, id: PairId) -> Option<&mut Pair> {
        let pairs = self.checklist.pairs_mut().iter_mut().chain(self.kept.pairs_mut());
        pairs.into_iter().find(|pair| pair.id == id)
    }

    /// The counts of the pair by which something came from `source`; of two generations the newer one.
    pub(super) fn counts_between(
        &mut self,
        source: SocketAddr,
        destination: Base,
    ) -> Option<&mut PairCounts> {
        let pairs = self.checklist.pairs_mut().iter_mut().chain(self.kept.pairs_mut());
        let is_here = |pair: &&mut Pair| pair.address == source && pair.base == destination;
        pairs.into_iter().find(is_here).map(|pair| &mut pair.counts)
    }
}

fn add_locals(candidates: &Candidates, ufrag: &str, locals: &mut Vec<CandidateStats>) {
    let is_hidden = candidates.is_relay_only;
    locals.extend(candidates.told().map(|local| stats::local(local, ufrag, is_hidden)));
}

/// Unless it is there.
fn add(candidate: &CandidateStats, to: &mut Vec<CandidateStats>) {
    if !to.iter().any(|known| known.key == candidate.key) {
        to.push(candidate.clone());
    }
}

fn pair_stats(pair: &Pair, local: u64, remote: u64) -> PairStats {
    let state = match pair.state {
        PairState::Frozen => PairStateStats::Frozen,
        PairState::Waiting => PairStateStats::Waiting,
        PairState::InProgress => PairStateStats::InProgress,
        PairState::Succeeded => PairStateStats::Succeeded,
        PairState::Failed => PairStateStats::Failed,
    };
    PairStats {
        number: pair.id.0,
        local,
        remote,
        state,
        is_nominated: pair.is_nominated,
        counts: pair.counts,
    }
}
