//! Which candidates of TCP are gathered (RFC 6544), for networks that let no UDP through.

/// Which candidates of TCP are gathered beside those of UDP, which are preferred wherever they work.
///
/// A connection comes about between an active and a passive candidate; browsers have active ones only, so that a server
/// that they shall reach by TCP wants a passive one. Those of an [`Endpoint`](crate::Endpoint) are all the same, and
/// [`EndpointConfig::tcp`](crate::EndpointConfig::tcp) says whether they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct IceTcp {
    /// Active ones: connections are opened to the passive candidates of the remote, from ports that the system gives.
    /// Default: yes; no for connections of an [`Endpoint`](crate::Endpoint), which remotes come to. Refused where that is
    /// lite, which opens nothing.
    pub active: Option<bool>,
    /// Passive ones: connections are taken at this port of each local address, or at any where that is 0. A port that is
    /// in use there, be it by another connection of ours, gives no candidate. Default: none. Refused for connections of an
    /// [`Endpoint`](crate::Endpoint), as are simultaneous ones.
    pub passive: Option<u16>,
    /// Simultaneous ones: both sides open at once, each from the port that it has told, which firewalls let through that let
    /// nobody in. No browser has them. Default: no; not on systems other than Unix.
    pub simultaneous: bool,
}

impl IceTcp {
    /// Whether there are active ones, where it is not said and `otherwise` holds.
    pub(crate) fn is_active(&self, otherwise: bool) -> bool {
        self.active.unwrap_or(otherwise)
    }
}
