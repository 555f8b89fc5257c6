//! Which way a payload takes: out of the translators before its sender, and into those before its receiver. An address
//! stands for one host in the whole network, also a private one.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use crate::carrier::Carrier;
use crate::chance::Chance;
use crate::firewall::Firewall;
use crate::nat::Nat;

/// All translators and firewalls.
#[derive(Debug, Default)]
pub(crate) struct Topology {
    pub(crate) nats: Vec<Nat>,
    pub(crate) firewalls: Vec<Firewall>,
}

/// Something that has left its sender.
#[derive(Debug, Clone)]
pub(crate) struct Departure {
    pub(crate) carrier: Carrier,
    /// The host that sent it, which may be behind a NAT.
    pub(crate) origin: IpAddr,
    /// From where it seems to come.
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    /// The translator behind which it is on its way, `None` where in the open.
    realm: Option<usize>,
    /// The translators it has left.
    left: Vec<usize>,
}

impl Topology {
    /// What leaves `from`; `None` where a firewall keeps it.
    pub(crate) fn leave(
        &mut self,
        now: Instant,
        carrier: Carrier,
        from: SocketAddr,
        to: SocketAddr,
        chance: &mut Chance,
    ) -> Option<Departure> {
        if !self.firewalls.iter_mut().all(|firewall| firewall.lets_out(carrier, from, to)) {
            return None;
        }
        let realm = self.realm_of(from.ip());
        let mut departure = Departure { carrier, origin: from.ip(), from, to, realm, left: Vec::new() };
        let target = self.realm_of(to.ip());
        while let Some(at) = departure.realm.filter(|_| departure.realm != target) {
            let nat = &mut self.nats[at];
            departure.from = nat.translate_out(now, carrier, departure.from, to, chance);
            departure.left.push(at);
            let outside = nat.outside();
            departure.realm = self.realm_of(outside);
        }
        Some(departure)
    }

    /// The address of the host that it reaches; `None` where none.
    pub(crate) fn arrive(&mut self, now: Instant, departure: &Departure) -> Option<SocketAddr> {
        let Departure { carrier, origin, from, mut to, mut realm, ref left } = *departure;
        while self.realm_of(to.ip()) == realm {
            let Some(at) = self.nats.iter().position(|nat| nat.outside() == to.ip()) else {
                let is_let =
                    self.firewalls.iter_mut().all(|firewall| firewall.lets_in(carrier, origin, from, to));
                return is_let.then_some(to);
            };
            let nat = &mut self.nats[at];
            if left.contains(&at) && !nat.hairpins() {
                return None;
            }
            to = nat.translate_in(now, carrier, from, to.port())?;
            realm = Some(at);
        }
        None
    }

    /// The translator that a host is behind.
    fn realm_of(&self, host: IpAddr) -> Option<usize> {
        self.nats.iter().position(|nat| nat.has_inside(host))
    }
}
