//! A candidate pair and its states (RFC 8445 §6.1.2).
//!
//! ```text
//! Frozen ──► Waiting ──► InProgress ──► Succeeded
//!               ▲             │
//!               └── Failed ◄──┘
//! ```

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::datagram::Base;
use crate::ice::consent::Consent;
use crate::ice::stats::{CandidateStats, PairCounts};

/// Names a pair for the life of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PairId(pub(crate) u32);

/// Where the check of a pair stands (RFC 8445 §6.1.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PairState {
    /// Waits for a pair of the same foundation.
    Frozen,
    /// To be checked.
    Waiting,
    /// A check is under way.
    InProgress,
    /// A check was answered.
    Succeeded,
    /// No check was answered, or none is wanted any more.
    Failed,
}

/// A socket of ours and an address of the peer.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) id: PairId,
    /// The host candidate it is sent from; others are pruned to it (RFC 8445 §6.1.2.4).
    pub(crate) local: usize,
    pub(crate) base: Base,
    pub(crate) remote: usize,
    pub(crate) address: SocketAddr,
    /// The larger the better, the same on both sides.
    pub(crate) priority: u64,
    /// Foundations of the local and the remote candidate.
    pub(crate) foundation: (u32, u32),
    pub(crate) state: PairState,
    /// The peer nominated it before it was valid (RFC 8445 §7.3.1.5): the number of the nomination.
    pub(crate) wanted: Option<u32>,
    /// Set while the pair is in the valid list (RFC 8445 §7.2.5.3.2).
    pub(crate) valid: Option<Valid>,
    /// When something authentic last came from the peer by this pair.
    pub(crate) heard: Option<Instant>,
    /// When the peer last sent a request by it.
    pub(crate) asked: Option<Instant>,
    /// When something authentic last came that was not STUN.
    pub(crate) carried: Option<Instant>,
    /// When the peer last nominated it, by a nomination that bears no number.
    pub(crate) nominated: Option<Instant>,
    /// It was asked for before it was nominated (RFC 8445 §8.1.1), as an aggressive peer does not.
    pub(crate) is_chosen: bool,
    /// The network of its socket is gone for the moment.
    pub(crate) is_down: bool,
    /// Whether it was nominated.
    pub(crate) is_nominated: bool,
    /// What went by it.
    pub(crate) counts: PairCounts,
    /// Its candidates, noted when their generation ends.
    pub(crate) ends: Option<Box<(CandidateStats, CandidateStats)>>,
}

/// What is known of a pair that works.
#[derive(Debug, Clone)]
pub(crate) struct Valid {
    /// The local candidate as the peer sees it.
    pub(crate) local: usize,
    /// When the first of its checks was answered.
    pub(crate) since: Instant,
    pub(crate) consent: Consent,
    /// The last round-trip time measured.
    pub(crate) round_trip: Option<Duration>,
}

impl Pair {
    /// An authentic request came from the peer, with the number of a nomination where it nominates.
    pub(crate) fn note_request(&mut self, now: Instant, nominates: Option<u32>) {
        if nominates == Some(0) {
            self.is_chosen = self.asked.is_some() && (self.is_chosen || self.nominated.is_none());
            self.nominated = Some(now);
        }
        self.asked = Some(now);
        self.heard = self.heard.max(self.asked);
    }

    /// Whether data can be sent by it now.
    pub(crate) fn is_usable(&self) -> bool {
        self.valid.is_some() && !self.is_down
    }
}

/// RFC 8445 §6.1.2.3, with the priorities of the controlling and of the controlled side's candidate.
pub(crate) fn priority(controlling: u32, controlled: u32) -> u64 {
    let (least, most) = (controlling.min(controlled), controlling.max(controlled));
    u64::from(least) << 32 | (2 * u64::from(most) + u64::from(controlling > controlled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_sort_pairs_alike() {
        assert_eq!(priority(3, 5), 3 << 32 | 10);
        assert_eq!(priority(5, 3), 3 << 32 | 11);
        assert_eq!(priority(u32::MAX, 1), 1 << 32 | (2 * u64::from(u32::MAX) + 1));
    }
}
