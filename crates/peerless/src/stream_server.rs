//! A server that is spoken to by streams or DTLS (RFC 8656 §2.1): what has to be known of it before one is opened.

use std::net::SocketAddr;

use peerless_transport::datagram::Protocol;

/// A TURN server at one of its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamServer {
    pub(crate) address: SocketAddr,
    /// TCP, TLS or DTLS.
    pub(crate) protocol: Protocol,
    /// What its URL calls it: its certificate must too.
    pub(crate) host: String,
}
