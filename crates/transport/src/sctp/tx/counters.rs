//! What the sender counts: for its user, and while it makes losses good.

/// Counters of what was sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counters {
    /// Whole messages taken.
    pub messages: u64,
    /// Messages given up.
    pub abandoned: u64,
    /// Chunks sent again.
    pub retransmissions: u64,
    /// Retransmissions reported as duplicates.
    pub spurious: u64,
    /// Runs of the retransmission timer.
    pub timeouts: u64,
}

/// Retransmissions since a loss, until all that was out then is there.
#[derive(Debug, Clone, Copy)]
pub struct Recovery {
    /// What is sent next when it begins: with all before that it ends.
    pub end: u64,
    /// Chunks sent again.
    pub resent: u64,
    /// How many of them the peer has told to have been needless.
    pub duplicates: u64,
}
