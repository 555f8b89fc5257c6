//! How long a server is waited for, and how often it is asked (RFC 8489 §6.2.1).

use std::time::Duration;

/// How long things take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// The least time before a request is sent again over UDP.
    pub(crate) retransmission: Duration,
    /// How often it is sent.
    pub(crate) transmissions: u32,
    /// How long a server may take to lend an address.
    pub(crate) gathering: Duration,
    /// After how much silence towards a server a translator on the way may have forgotten us.
    pub(crate) keepalive: Duration,
}
