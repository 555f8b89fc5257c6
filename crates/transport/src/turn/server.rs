//! A TURN server as it is configured (RFC 8656 §3.1, webrtc-pc §4.2.2).

use std::fmt;
use std::net::SocketAddr;

use crate::datagram::{Protocol, StreamId};

/// A server at one of its addresses, and who we are there.
#[derive(Clone, PartialEq, Eq)]
pub struct TurnServer {
    /// Its address.
    pub address: SocketAddr,
    /// What carries packets between us and the server.
    pub protocol: Protocol,
    /// What its user calls it.
    pub url: String,
    /// The user name of long-term credentials.
    pub username: String,
    /// The password. Never logged.
    pub credential: String,
}

/// Another server in place of one that was reached by a connection (RFC 8489 §10): the connection to it is opened as the
/// first was, and that is of no use any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternate {
    /// The connection to the server that names it.
    pub instead_of: StreamId,
    /// Where it is.
    pub address: SocketAddr,
    /// Whose certificate it shows, where not that of the first's name (RFC 8489 §14.16).
    pub domain: Option<String>,
}

impl fmt::Debug for TurnServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TurnServer").field("url", &self.url).finish_non_exhaustive()
    }
}
