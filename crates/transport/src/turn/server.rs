//! A TURN server as it is configured (RFC 8656 §3.1, webrtc-pc §4.2.2).

use std::fmt;
use std::net::SocketAddr;

use crate::datagram::Protocol;

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

impl fmt::Debug for TurnServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TurnServer").field("url", &self.url).finish_non_exhaustive()
    }
}
