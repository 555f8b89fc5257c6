//! What the network says of servers that do not answer (RFC 8489 §6.2.1): it explains their silence and ends nothing, for
//! anybody can say so.

use std::net::SocketAddr;

use crate::ice::agent::Agent;
use crate::ice::candidate::plain;

impl Agent {
    /// Whether there is an address of ours to ask this server from: one of its family.
    pub fn can_ask(&self, server: SocketAddr) -> bool {
        let bases = self.gatherer.bases().iter().map(|base| base.address);
        bases.chain(self.relays.stream_bases()).any(|own| own.is_ipv4() == plain(server).is_ipv4())
    }

    /// Whether this server is asked over UDP, for our address or for one of its own, and has not answered.
    pub fn is_awaiting(&self, server: SocketAddr) -> bool {
        self.gatherer.is_awaiting(plain(server)) || self.relays.is_awaiting(plain(server))
    }

    /// What is told of this server beside that it did not answer, should it not: why no packet comes to it.
    pub fn note_obstacle(&mut self, server: SocketAddr, obstacle: &str) {
        self.gatherer.note_obstacle(plain(server), obstacle);
        self.relays.note_obstacle(plain(server), obstacle);
    }
}
