//! Checks that come before the peer's credentials, as they do when they overtake signalling (RFC 8445 §7.3): each is
//! answered at once, and acted on when the credentials are known.

use std::net::SocketAddr;

use crate::datagram::Base;
use crate::ice::request::Check;

/// How many are remembered.
const LIMIT: usize = 16;

/// An authentic check, by our own credentials, of a peer whose credentials are not known yet.
#[derive(Debug)]
pub(crate) struct EarlyCheck {
    pub(crate) source: SocketAddr,
    pub(crate) destination: Base,
    pub(crate) priority: u32,
    pub(crate) nominates: Option<u32>,
    pub(crate) remote_ufrag: String,
}

/// Those that came.
#[derive(Debug, Default)]
pub(crate) struct EarlyChecks(Vec<EarlyCheck>);

impl EarlyChecks {
    /// Remembers a check, once for each pair and sender.
    pub(crate) fn remember(&mut self, source: SocketAddr, destination: Base, check: &Check<'_>) {
        let is_same = |early: &&mut EarlyCheck| {
            (early.source, early.destination) == (source, destination)
                && early.remote_ufrag == check.remote_ufrag
        };
        if let Some(early) = self.0.iter_mut().find(is_same) {
            early.nominates = early.nominates.max(check.nominates);
        } else if self.0.len() < LIMIT {
            let (priority, nominates) = (check.priority, check.nominates);
            let remote_ufrag = check.remote_ufrag.to_owned();
            self.0.push(EarlyCheck { source, destination, priority, nominates, remote_ufrag });
        }
    }

    /// Takes those of the peer that bears `remote_ufrag`, and forgets all others.
    pub(crate) fn take(&mut self, remote_ufrag: &str) -> Vec<EarlyCheck> {
        let mut taken = std::mem::take(&mut self.0);
        taken.retain(|early| early.remote_ufrag == remote_ufrag);
        taken
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether one came by this pair of addresses.
    pub(crate) fn has(&self, source: SocketAddr, destination: Base) -> bool {
        self.0.iter().any(|early| early.source == source && early.destination == destination)
    }
}
