//! What becomes of the addresses of an endpoint while it lives.

use std::net::SocketAddr;

/// One address, and what is bound to it for whoever is told.
#[derive(Debug)]
pub(super) enum Change<Bound> {
    /// One more is there.
    Bound(Bound),
    /// Its network is gone, and may come back.
    Suspend(SocketAddr),
    /// Its network is back.
    Restore(SocketAddr),
    /// It is let go of.
    Release(SocketAddr),
}
