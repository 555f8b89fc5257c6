//! What the network says of servers that do not answer (RFC 8489 §6.2.1): it explains their silence and ends nothing, for
//! anybody can say so.

use std::net::SocketAddr;

use crate::ice::agent::Agent;
use crate::ice::candidate::plain;

impl Agent {
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
