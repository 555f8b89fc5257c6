//! Which candidates of TCP are gathered (RFC 6544), for networks that let no UDP through.

/// Which candidates of TCP are gathered beside those of UDP, which are preferred wherever they work.
///
/// A connection comes about between an active and a passive candidate; browsers have active ones only, so that a server
/// that they shall reach by TCP wants a passive one. Connections of an [`Endpoint`](crate::Endpoint) have none of either.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IceTcp {
    /// Active ones: connections are opened to the passive candidates of the remote. The connections of an
    /// [`Endpoint`](crate::Endpoint) have its port and nothing else: no such candidates either. Default: yes.
    pub active: bool,
    /// Passive ones: connections are taken at this port of each local address, or at any where that is 0. A port that is
    /// in use there, be it by another connection of ours, gives no candidate. Default: none.
    pub passive: Option<u16>,
    /// Simultaneous ones: both sides open at once, each from the port that it has told, which firewalls let through that let
    /// nobody in. No browser has them. Default: no; not on systems other than Unix.
    pub simultaneous: bool,
}

impl Default for IceTcp {
    fn default() -> Self {
        Self { active: true, passive: None, simultaneous: false }
    }
}
