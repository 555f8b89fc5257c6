//! What whoever shares one socket among many peers must know of each (RFC 8445 §7.3): by which user names it is asked for, and
//! which addresses are its remote's.

use std::net::SocketAddr;

use peerless_transport::datagram::Base;

use crate::peer::Peer;

impl Peer {
    /// The username fragments of ours that checks may name: those in force, those of a restart under way, and those of the
    /// pairs that a restart has left. They change where `Event::Gather` or `Event::TransportClosed` is given.
    pub fn ice_ufrags(&self) -> Vec<String> {
        self.engine.links.iter().flat_map(|link| link.transport.ice().ufrags()).map(str::to_owned).collect()
    }

    /// Whether an authenticated STUN message has come from `source` to the socket bound at `destination`: what else comes
    /// from there is this peer's.
    pub fn is_known(&self, source: SocketAddr, destination: Base) -> bool {
        self.engine.links.iter().any(|link| link.transport.ice().is_known(source, destination))
    }
}
