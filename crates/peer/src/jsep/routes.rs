//! Which transport each media section goes over (RFC 9143 §7): by the last answer, and by what is on offer.

use peerless_wire::rtp::Mid;

use crate::id::TransportId;

/// The way of one media section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The section.
    pub mid: Mid,
    /// Over which it goes.
    pub transport: TransportId,
}

/// The ways of all sections. One that is rejected has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routes {
    /// By the last answer.
    pub current: Vec<Route>,
    /// By our offer that awaits its answer: as it will be where the remote bundles nothing.
    pub offered: Vec<Route>,
    /// By a provisional answer.
    pub provisional: Vec<Route>,
}

impl Routes {
    /// Where a section goes at this time, or would go.
    pub fn of(&self, mid: &Mid) -> Option<TransportId> {
        self.standing(mid).or_else(|| find(&self.offered, mid))
    }

    /// Where an answer has it go.
    pub(crate) fn standing(&self, mid: &Mid) -> Option<TransportId> {
        find(&self.provisional, mid).or_else(|| find(&self.current, mid))
    }

    /// Where our pending offer would have it go.
    pub(crate) fn offered(&self, mid: &Mid) -> Option<TransportId> {
        find(&self.offered, mid)
    }

    /// Whether a section goes over this transport, or would.
    pub fn is_used(&self, transport: TransportId) -> bool {
        let mut all = self.current.iter().chain(&self.offered).chain(&self.provisional);
        all.any(|route| route.transport == transport)
    }

    /// Whether an answer has a section go over this transport.
    pub(crate) fn is_settled(&self, transport: TransportId) -> bool {
        self.current.iter().chain(&self.provisional).any(|route| route.transport == transport)
    }

    /// All sections that have a way.
    pub(crate) fn mids(&self) -> impl Iterator<Item = &Mid> {
        self.current.iter().chain(&self.offered).chain(&self.provisional).map(|route| &route.mid)
    }

    /// As it is when nothing is on offer.
    pub(super) fn settled(&self) -> Self {
        Self { current: self.current.clone(), ..Self::default() }
    }
}

fn find(routes: &[Route], mid: &Mid) -> Option<TransportId> {
    routes.iter().find(|route| route.mid == *mid).map(|route| route.transport)
}
