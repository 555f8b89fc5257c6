//! An address translator as RFC 4787 describes them: hosts behind it are seen under its address.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::carrier::Carrier;
use crate::chance::Chance;

/// How an inside address and port gets its outside port (RFC 4787 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mapping {
    /// One outside port for each inside address and port, whatever the destination ("cone").
    EndpointIndependent,
    /// Another outside port for each address of a destination.
    AddressDependent,
    /// Another outside port for each address and port of a destination ("symmetric").
    AddressAndPortDependent,
}

/// From where an outside port lets datagrams in (RFC 4787 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Filtering {
    /// From anywhere.
    EndpointIndependent,
    /// From addresses it has sent to.
    AddressDependent,
    /// From addresses and ports it has sent to.
    AddressAndPortDependent,
}

/// Which outside port a new mapping gets (RFC 4787 §4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ports {
    /// The next one.
    Counted,
    /// That of the host, where it is free, else any.
    Preserved,
    /// Any.
    Random,
}

/// How a translator behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behaviour {
    /// When a host's port keeps its outside port.
    pub mapping: Mapping,
    /// What comes in.
    pub filtering: Filtering,
    /// Which outside port that is.
    pub ports: Ports,
    /// Whether hosts behind it reach each other by their outside addresses (RFC 4787 §6).
    pub hairpins: bool,
    /// How long a mapping lasts after the last datagram out (RFC 4787 §4.3: at least two minutes); `None` for ever.
    pub timeout: Option<Duration>,
}

impl Default for Behaviour {
    /// What RFC 4787 asks for: ports that stay, of which only those spoken to make use; hairpinning.
    fn default() -> Self {
        Self {
            mapping: Mapping::EndpointIndependent,
            filtering: Filtering::AddressAndPortDependent,
            ports: Ports::Counted,
            hairpins: true,
            timeout: None,
        }
    }
}

/// A translator and the hosts behind it. One of those hosts may be another translator, by its outside address.
#[derive(Debug)]
pub struct Nat {
    outside: IpAddr,
    inside: HashSet<IpAddr>,
    behaviour: Behaviour,
    ports: HashMap<Key, u16>,
    /// The way back.
    owners: HashMap<(Carrier, u16), Owner>,
    next_port: u16,
}

/// What a mapping is for: an inside address, and of the destination what the mapping depends on.
type Key = (Carrier, SocketAddr, Option<IpAddr>, Option<u16>);

#[derive(Debug)]
struct Owner {
    inside: SocketAddr,
    sent_to: HashSet<SocketAddr>,
    /// When it last sent.
    used: Instant,
}

impl Nat {
    /// A translator with address `outside` before the hosts `inside`.
    pub fn new(
        outside: IpAddr,
        inside: impl IntoIterator<Item = IpAddr>,
        mapping: Mapping,
        filtering: Filtering,
    ) -> Self {
        Self::with(outside, inside, Behaviour { mapping, filtering, ..Behaviour::default() })
    }

    /// The same in all detail.
    pub fn with(outside: IpAddr, inside: impl IntoIterator<Item = IpAddr>, behaviour: Behaviour) -> Self {
        Self {
            outside,
            inside: inside.into_iter().collect(),
            behaviour,
            ports: HashMap::new(),
            owners: HashMap::new(),
            next_port: 40_000,
        }
    }

    /// Whether `host` is behind it.
    pub(crate) fn has_inside(&self, host: IpAddr) -> bool {
        self.inside.contains(&host)
    }

    /// Its address.
    pub(crate) fn outside(&self) -> IpAddr {
        self.outside
    }

    /// Whether what leaves may come in again.
    pub(crate) fn hairpins(&self) -> bool {
        self.behaviour.hairpins
    }

    /// Something leaves: the address it is seen to come from.
    pub(crate) fn translate_out(
        &mut self,
        now: Instant,
        carrier: Carrier,
        from: SocketAddr,
        to: SocketAddr,
        chance: &mut Chance,
    ) -> SocketAddr {
        let key = match self.behaviour.mapping {
            Mapping::EndpointIndependent => (carrier, from, None, None),
            Mapping::AddressDependent => (carrier, from, Some(to.ip()), None),
            Mapping::AddressAndPortDependent => (carrier, from, Some(to.ip()), Some(to.port())),
        };
        self.forget(now);
        let port = match self.ports.get(&key) {
            Some(port) => *port,
            None => {
                let port = self.free_port(carrier, from.port(), chance);
                self.ports.insert(key, port);
                port
            }
        };
        let owner = self.owners.entry((carrier, port)).or_insert_with(|| Owner {
            inside: from,
            sent_to: HashSet::new(),
            used: now,
        });
        owner.used = now;
        owner.sent_to.insert(to);
        SocketAddr::new(self.outside, port)
    }

    /// Something comes in: where it goes, `None` where it is filtered.
    pub(crate) fn translate_in(
        &mut self,
        now: Instant,
        carrier: Carrier,
        from: SocketAddr,
        port: u16,
    ) -> Option<SocketAddr> {
        self.forget(now);
        let owner = self.owners.get(&(carrier, port))?;
        let passes = match self.behaviour.filtering {
            Filtering::EndpointIndependent => true,
            Filtering::AddressDependent => owner.sent_to.iter().any(|sent| sent.ip() == from.ip()),
            Filtering::AddressAndPortDependent => owner.sent_to.contains(&from),
        };
        passes.then_some(owner.inside)
    }

    /// Drops the mappings whose time is over.
    fn forget(&mut self, now: Instant) {
        let Some(timeout) = self.behaviour.timeout else { return };
        let (owners, ports) = (&mut self.owners, &mut self.ports);
        owners.retain(|_, owner| owner.used + timeout > now);
        ports.retain(|(carrier, ..), port| owners.contains_key(&(*carrier, *port)));
    }

    fn free_port(&mut self, carrier: Carrier, inside: u16, chance: &mut Chance) -> u16 {
        match self.behaviour.ports {
            Ports::Preserved if !self.owners.contains_key(&(carrier, inside)) => inside,
            Ports::Counted => {
                self.next_port += 1;
                self.next_port
            }
            Ports::Preserved | Ports::Random => loop {
                let port = chance.bits() as u16;
                if port >= 1024 && !self.owners.contains_key(&(carrier, port)) {
                    return port;
                }
            },
        }
    }
}
