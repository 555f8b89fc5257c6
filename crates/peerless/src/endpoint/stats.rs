//! What an endpoint counts.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::endpoint::routes::Stranger;

/// What an endpoint holds now, and what has come to it since it was bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct EndpointStats {
    /// Connections that have not ended.
    pub connections: usize,
    /// User names by which they are asked for: one each, one more while ICE restarts.
    pub usernames: usize,
    /// Pairs of addresses of which it is known whose they are.
    pub paths: usize,
    /// Checks of ours whose answers are awaited from addresses not yet known.
    pub transactions: usize,
    /// Streams that were accepted and have not named a connection yet.
    pub unrouted_streams: usize,
    /// Datagrams received by UDP, those of strangers with them.
    pub datagrams: u64,
    /// Of these, bytes that say they are STUN and are malformed.
    pub malformed: u64,
    /// STUN requests that name no connection.
    pub unknown_requests: u64,
    /// STUN responses that nobody awaits, and indications from an address that is nobody's.
    pub unknown_responses: u64,
    /// DTLS from an address that is nobody's.
    pub unknown_dtls: u64,
    /// All else from an address that is nobody's.
    pub unknown_others: u64,
    /// Streams accepted, those of strangers with them.
    pub accepted_streams: u64,
    /// Streams that named no connection, or not in time, and were ended for it or gave way to others.
    pub unknown_streams: u64,
    /// Datagrams that came to another worker than their connection's, and were passed on.
    pub passed_on: u64,
    /// Datagrams and streams that were lost because a worker was so far behind that no more was passed on to it.
    pub overflowed: u64,
}

/// The counters behind it.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) connections: AtomicU64,
    pub(super) datagrams: AtomicU64,
    strangers: [AtomicU64; Stranger::KINDS],
    pub(super) unrouted_streams: AtomicU64,
    pub(super) accepted_streams: AtomicU64,
    pub(super) unknown_streams: AtomicU64,
    pub(super) passed_on: AtomicU64,
    pub(super) overflowed: AtomicU64,
}

impl Counters {
    /// Counts a datagram that is nobody's.
    pub(super) fn count(&self, stranger: Stranger) {
        add(&self.strangers[stranger as usize], 1);
    }

    /// All that is counted; the rest is for who knows it.
    pub(super) fn read(&self) -> EndpointStats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let strangers = |kind: Stranger| of(&self.strangers[kind as usize]);
        EndpointStats {
            connections: of(&self.connections) as usize,
            unrouted_streams: of(&self.unrouted_streams) as usize,
            accepted_streams: of(&self.accepted_streams),
            unknown_streams: of(&self.unknown_streams),
            datagrams: of(&self.datagrams),
            malformed: strangers(Stranger::Malformed),
            unknown_requests: strangers(Stranger::Request),
            unknown_responses: strangers(Stranger::Response),
            unknown_dtls: strangers(Stranger::Dtls),
            unknown_others: strangers(Stranger::Other),
            passed_on: of(&self.passed_on),
            overflowed: of(&self.overflowed),
            ..EndpointStats::default()
        }
    }
}

pub(super) fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

pub(super) fn set(counter: &AtomicU64, to: u64) {
    counter.store(to, Ordering::Relaxed);
}
