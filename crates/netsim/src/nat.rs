//! A simple address translator (RFC 4787): hosts behind it are seen under its address.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

/// How an inside address and port gets its outside port (RFC 4787 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mapping {
    /// One outside port for each inside address and port, whatever the destination ("cone").
    EndpointIndependent,
    /// Another outside port for each destination ("symmetric").
    AddressAndPortDependent,
}

/// From where an outside port lets datagrams in (RFC 4787 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filtering {
    /// From anywhere.
    EndpointIndependent,
    /// From addresses it has sent to.
    AddressDependent,
    /// From addresses and ports it has sent to.
    AddressAndPortDependent,
}

/// A translator and the hosts behind it. Mappings never expire.
#[derive(Debug)]
pub struct Nat {
    outside: IpAddr,
    inside: HashSet<IpAddr>,
    mapping: Mapping,
    filtering: Filtering,
    /// Inside address and, where the mapping depends on it, destination, to outside port.
    ports: HashMap<(SocketAddr, Option<SocketAddr>), u16>,
    /// The way back.
    owners: HashMap<u16, Owner>,
    next_port: u16,
}

#[derive(Debug)]
struct Owner {
    inside: SocketAddr,
    sent_to: HashSet<SocketAddr>,
}

impl Nat {
    /// A translator with address `outside` before the hosts `inside`.
    pub fn new(
        outside: IpAddr,
        inside: impl IntoIterator<Item = IpAddr>,
        mapping: Mapping,
        filtering: Filtering,
    ) -> Self {
        Self {
            outside,
            inside: inside.into_iter().collect(),
            mapping,
            filtering,
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

    /// A datagram leaves: the address it is seen to come from.
    pub(crate) fn translate_out(&mut self, from: SocketAddr, to: SocketAddr) -> SocketAddr {
        let key = match self.mapping {
            Mapping::EndpointIndependent => (from, None),
            Mapping::AddressAndPortDependent => (from, Some(to)),
        };
        let port = *self.ports.entry(key).or_insert_with(|| {
            self.next_port += 1;
            self.next_port
        });
        let owner =
            self.owners.entry(port).or_insert_with(|| Owner { inside: from, sent_to: HashSet::new() });
        owner.sent_to.insert(to);
        SocketAddr::new(self.outside, port)
    }

    /// A datagram comes in: where it goes, `None` where it is filtered.
    pub(crate) fn translate_in(&self, from: SocketAddr, port: u16) -> Option<SocketAddr> {
        let owner = self.owners.get(&port)?;
        let passes = match self.filtering {
            Filtering::EndpointIndependent => true,
            Filtering::AddressDependent => owner.sent_to.iter().any(|sent| sent.ip() == from.ip()),
            Filtering::AddressAndPortDependent => owner.sent_to.contains(&from),
        };
        passes.then_some(owner.inside)
    }
}
