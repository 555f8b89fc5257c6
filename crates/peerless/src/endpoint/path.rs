//! The way of a datagram.

use std::net::SocketAddr;

use peerless_transport::datagram::Datagram;

/// The addresses that a datagram goes between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Path {
    pub(super) remote: SocketAddr,
    pub(super) local: SocketAddr,
}

impl Path {
    pub(super) fn of(datagram: &Datagram) -> Self {
        Self { remote: datagram.source, local: datagram.destination }
    }
}
