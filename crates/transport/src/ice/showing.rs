//! What the peer is shown of our addresses, as the agent's owner wants it.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use crate::datagram::Base;
use crate::ice::agent::Agent;
use crate::ice::shown::Shown;

impl Agent {
    /// How the host candidates of a local address are shown from now on. To be said before the address is added.
    pub fn show_local_address(&mut self, address: IpAddr, shown: Shown) {
        self.connectivity.shown.set(address, shown);
    }

    /// A translator is known to lead from `public` to the socket at `base`: a server-reflexive candidate that no server had
    /// to show.
    pub fn add_translated_address(&mut self, now: Instant, base: Base, public: SocketAddr) {
        if let Some(added) = self.connectivity.newest_mut().add_translated(base, public) {
            self.announce(added);
        }
        self.settle(now);
    }
}
