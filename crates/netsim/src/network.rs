//! The network: what was sent and has not arrived yet.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use crate::chance::Chance;
use crate::link::{Link, LinkState};
use crate::nat::Nat;

/// A network that carries payloads of type `P` between addresses.
#[derive(Debug)]
pub struct Network<P> {
    chance: Chance,
    link: Link,
    links: HashMap<(IpAddr, IpAddr), Link>,
    states: HashMap<(IpAddr, IpAddr), LinkState>,
    nats: Vec<Nat>,
    corruption: Option<fn(&mut P, u64)>,
    /// By arrival; the number keeps those of one instant in order.
    travelling: BTreeMap<(Instant, u64), Travelling<P>>,
    counts: Counts,
}

/// What became of the datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Handed to [`Network::send`].
    pub sent: u64,
    /// Given by [`Network::receive`].
    pub received: u64,
    /// Lost on a link, or dropped by a full queue.
    pub lost: u64,
    /// Refused by a NAT, or sent to an inside address from outside.
    pub filtered: u64,
    /// Arrived twice.
    pub duplicated: u64,
    /// Given to the corruption hook.
    pub corrupted: u64,
}

#[derive(Debug)]
struct Travelling<P> {
    from: SocketAddr,
    to: SocketAddr,
    /// The host that sent it, which may be behind a NAT.
    origin: IpAddr,
    payload: P,
}

impl<P: AsRef<[u8]> + Clone> Network<P> {
    /// A network whose every direction behaves as `link` says, with chance from `seed`.
    pub fn new(seed: u64, link: Link) -> Self {
        Self {
            chance: Chance::new(seed),
            link,
            links: HashMap::new(),
            states: HashMap::new(),
            nats: Vec::new(),
            corruption: None,
            travelling: BTreeMap::new(),
            counts: Counts::default(),
        }
    }

    /// From now on every direction without a link of its own behaves so.
    pub fn set_default_link(&mut self, link: Link) {
        self.link = link;
    }

    /// From now on what host `from` sends to address `to` behaves so.
    pub fn set_link(&mut self, from: IpAddr, to: IpAddr, link: Link) {
        self.links.insert((from, to), link);
    }

    /// Puts a translator into the network. Hosts behind the same one reach each other directly; its own address
    /// leads back inside as well (hairpinning, RFC 4787 §6).
    pub fn add_nat(&mut self, nat: Nat) {
        self.nats.push(nat);
    }

    /// What damages a payload, given 64 random bits; without it a datagram to be damaged is dropped.
    pub fn set_corruption(&mut self, corruption: fn(&mut P, u64)) {
        self.corruption = Some(corruption);
    }

    /// Sends one datagram.
    pub fn send(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, mut payload: P) {
        self.counts.sent += 1;
        let key = (from.ip(), to.ip());
        let link = self.links.get(&key).copied().unwrap_or(self.link);
        let state = self.states.entry(key).or_default();
        // A NAT sits at its host: it learns of the datagram even where the link then loses it.
        let seen_from = seen_from(&mut self.nats, from, to);
        let arrival = state.arrival(now, payload.as_ref().len(), &link, &mut self.chance);
        let is_corrupt = self.chance.happens(link.corrupt);
        let is_duplicate = self.chance.happens(link.duplicate);
        let bits = self.chance.bits();
        let Some(arrival) = arrival else {
            self.counts.lost += 1;
            return;
        };
        if is_corrupt {
            self.counts.corrupted += 1;
            let Some(corruption) = self.corruption else { return };
            corruption(&mut payload, bits);
        }
        if is_duplicate {
            self.counts.duplicated += 1;
            let copy = Travelling { from: seen_from, to, origin: from.ip(), payload: payload.clone() };
            let later = arrival + self.chance.duration(link.reorder_delay);
            self.travelling.insert((later, self.counts.sent * 2 + 1), copy);
        }
        let travelling = Travelling { from: seen_from, to, origin: from.ip(), payload };
        self.travelling.insert((arrival, self.counts.sent * 2), travelling);
    }

    /// When the next datagram arrives.
    pub fn next_arrival(&self) -> Option<Instant> {
        self.travelling.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next datagram that has arrived by `now`: from where it seems to come, the address of the host it reached,
    /// and the payload.
    pub fn receive(&mut self, now: Instant) -> Option<(SocketAddr, SocketAddr, P)> {
        loop {
            let entry = self.travelling.first_entry().filter(|entry| entry.key().0 <= now)?;
            let Travelling { from, to, origin, payload } = entry.remove();
            match self.reached(origin, from, to) {
                Some(to) => {
                    self.counts.received += 1;
                    return Some((from, to, payload));
                }
                None => self.counts.filtered += 1,
            }
        }
    }

    /// What became of the datagrams.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The host that a datagram to `to` reaches; `None` where none.
    fn reached(&self, origin: IpAddr, from: SocketAddr, to: SocketAddr) -> Option<SocketAddr> {
        if let Some(nat) = self.nats.iter().find(|nat| nat.outside() == to.ip()) {
            return nat.translate_in(from, to.port());
        }
        let is_hidden = self.nats.iter().any(|nat| nat.has_inside(to.ip()) && !nat.has_inside(origin));
        (!is_hidden).then_some(to)
    }
}

/// The address a datagram seems to come from.
fn seen_from(nats: &mut [Nat], from: SocketAddr, to: SocketAddr) -> SocketAddr {
    match nats.iter_mut().find(|nat| nat.has_inside(from.ip())) {
        Some(nat) if !nat.has_inside(to.ip()) => nat.translate_out(from, to),
        _ => from,
    }
}

#[cfg(test)]
mod tests;
