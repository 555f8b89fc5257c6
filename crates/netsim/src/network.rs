//! The network: what was sent and has not arrived yet.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use crate::carrier::Carrier;
use crate::chance::Chance;
use crate::firewall::Firewall;
use crate::link::{Link, LinkState};
use crate::nat::Nat;
use crate::stream::Streams;
use crate::topology::{Departure, Topology};

/// A network that carries payloads of type `P` between addresses.
#[derive(Debug)]
pub struct Network<P> {
    chance: Chance,
    link: Link,
    links: HashMap<(IpAddr, IpAddr), Link>,
    states: HashMap<(IpAddr, IpAddr), LinkState>,
    topology: Topology,
    streams: Streams,
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
    /// Refused by a NAT or a firewall, or sent to an inside address from outside.
    pub filtered: u64,
    /// Arrived twice.
    pub duplicated: u64,
    /// Given to the corruption hook.
    pub corrupted: u64,
}

/// What has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival<P> {
    /// What carried it.
    pub carrier: Carrier,
    /// From where it seems to come.
    pub from: SocketAddr,
    /// The address of the host it reached.
    pub to: SocketAddr,
    /// What it is.
    pub payload: P,
}

#[derive(Debug)]
struct Travelling<P> {
    departure: Departure,
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
            topology: Topology::default(),
            streams: Streams::default(),
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

    /// Puts a translator into the network. Hosts behind the same one reach each other directly.
    pub fn add_nat(&mut self, nat: Nat) {
        self.topology.nats.push(nat);
    }

    /// Puts a firewall into the network.
    pub fn add_firewall(&mut self, firewall: Firewall) {
        self.topology.firewalls.push(firewall);
    }

    /// What damages a payload, given 64 random bits; without it a datagram to be damaged is dropped.
    pub fn set_corruption(&mut self, corruption: fn(&mut P, u64)) {
        self.corruption = Some(corruption);
    }

    /// Sends one datagram.
    pub fn send(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, mut payload: P) {
        self.counts.sent += 1;
        let key = (from.ip(), to.ip());
        let link = self.link_between(from.ip(), to.ip());
        let state = self.states.entry(key).or_default();
        // A NAT sits at its host: it learns of the datagram even where the link then loses it.
        let departure = self.topology.leave(now, Carrier::Datagram, from, to, &mut self.chance);
        let arrival = state.arrival(now, payload.as_ref().len(), &link, &mut self.chance);
        let is_corrupt = self.chance.happens(link.corrupt);
        let is_duplicate = self.chance.happens(link.duplicate);
        let bits = self.chance.bits();
        let Some(departure) = departure else {
            self.counts.filtered += 1;
            return;
        };
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
            let copy = Travelling { departure: departure.clone(), payload: payload.clone() };
            let later = arrival + self.chance.duration(link.reorder_delay);
            self.travelling.insert((later, self.counts.sent * 2 + 1), copy);
        }
        self.travelling.insert((arrival, self.counts.sent * 2), Travelling { departure, payload });
    }

    /// Sends one frame by the stream between two addresses. Where there is none (any more), `from` begins it, which
    /// takes a round trip. Whether the frame is on its way: what a firewall keeps is not, nor that over which the stream
    /// broke down.
    pub fn send_stream(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, payload: P) -> bool {
        self.counts.sent += 1;
        let Some(departure) = self.topology.leave(now, Carrier::Stream, from, to, &mut self.chance) else {
            self.counts.filtered += 1;
            return false;
        };
        let (there, back) = (self.link_between(from.ip(), to.ip()), self.link_between(to.ip(), from.ip()));
        let chance = &mut self.chance;
        if !self.streams.has(from, to) {
            self.streams.open(now, (from, departure.from, to), (&there, &back), chance);
        }
        let size = payload.as_ref().len();
        let Some(arrival) = self.streams.arrival(now, (from, to), size, &there, chance) else {
            self.counts.lost += 1;
            return false;
        };
        self.travelling.insert((arrival, self.counts.sent * 2), Travelling { departure, payload });
        true
    }

    /// When the next datagram arrives.
    pub fn next_arrival(&self) -> Option<Instant> {
        self.travelling.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next datagram or frame that has arrived by `now`: from where it seems to come, the address of the host it
    /// reached, and the payload.
    pub fn receive(&mut self, now: Instant) -> Option<(SocketAddr, SocketAddr, P)> {
        self.receive_any(now).map(|Arrival { from, to, payload, .. }| (from, to, payload))
    }

    /// The same, with what carried it.
    pub fn receive_any(&mut self, now: Instant) -> Option<Arrival<P>> {
        loop {
            let entry = self.travelling.first_entry().filter(|entry| entry.key().0 <= now)?;
            let Travelling { departure, payload } = entry.remove();
            match self.topology.arrive(now, &departure) {
                Some(to) => {
                    self.counts.received += 1;
                    let Departure { carrier, from, .. } = departure;
                    return Some(Arrival { carrier, from, to, payload });
                }
                None => self.counts.filtered += 1,
            }
        }
    }

    /// What became of the datagrams.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn link_between(&self, from: IpAddr, to: IpAddr) -> Link {
        self.links.get(&(from, to)).copied().unwrap_or(self.link)
    }
}

#[cfg(test)]
mod tests;
