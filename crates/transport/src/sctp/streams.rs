//! Resets of streams: which wait for their last message to leave, and the timer of the request (RFC 6525 §5.1).

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use peerless_wire::sctp::{StreamId, Tsn};

use crate::sctp::agreed::Agreed;
use crate::sctp::reset::Reset;

/// The resets of an association.
#[derive(Debug)]
pub struct Streams {
    local_tsn: Tsn,
    /// Once the peer is known and knows resets.
    pub(crate) reset: Option<Reset>,
    /// The peer is known and knows none.
    pub is_refused: bool,
    /// Those on which something still waits.
    pub waiting: BTreeSet<StreamId>,
    timer: Option<Instant>,
    tries: u32,
}

impl Streams {
    /// Nothing is reset; `local_tsn` is our first TSN.
    pub fn new(local_tsn: Tsn) -> Self {
        Self { local_tsn, reset: None, is_refused: false, waiting: BTreeSet::new(), timer: None, tries: 0 }
    }

    /// The peer is known.
    pub fn open(&mut self, agreed: &Agreed) {
        self.is_refused = !agreed.reconfig;
        self.reset = agreed.reconfig.then(|| Reset::new(self.local_tsn, agreed.initial_tsn, agreed.inbound));
    }

    /// When the request is sent again.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timer
    }

    /// A request goes.
    pub fn handle_sent(&mut self, now: Instant, timeout: Duration, max: Duration) {
        let wait = timeout.saturating_mul(1 << self.tries.min(16)).min(max);
        self.timer = Some(now + wait);
        self.tries += 1;
    }

    /// It is answered, or put off: the time between two requests starts anew.
    pub fn handle_answered(&mut self, is_waiting: bool) {
        self.tries = 0;
        if !is_waiting {
            self.timer = None;
        }
    }
}
