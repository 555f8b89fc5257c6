//! Where a host may be, and which two of them can reach each other: worked out here from what RFC 4787 says of their
//! translators, without any agent.

use std::net::IpAddr;

use peerless_netsim::{Behaviour, Datagrams, Filtering, Firewall, Mapping, Nat, Network, Ports, Streams};

/// The port to which the strictest firewall lets streams out: there the server has its own.
pub const OPEN_PORT: u16 = 443;

/// What stands between a host and the open network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// Nothing.
    Open,
    /// A firewall that lets only answers in, as RFC 6092 has it for IPv6.
    Walled,
    /// One translator.
    Nat(Mapping, Filtering),
    /// One at home and another of the provider, both of this kind.
    Double(Mapping, Filtering),
    /// A translator, and a firewall that lets out nothing but streams to [`OPEN_PORT`].
    Blocked,
}

/// The servers that both sides ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Servers {
    None,
    Stun,
    /// STUN, and TURN over UDP.
    Turn,
    /// STUN, and TURN over TCP.
    TurnTcp,
}

/// By what two hosts reach each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// From translator to translator.
    Direct,
    /// By an address that a server lends.
    Relay,
    /// Not at all.
    None,
}

/// The nine kinds of translators.
pub fn kinds() -> impl Iterator<Item = (Mapping, Filtering)> {
    let mappings =
        [Mapping::EndpointIndependent, Mapping::AddressDependent, Mapping::AddressAndPortDependent];
    mappings.into_iter().flat_map(|mapping| {
        [Filtering::EndpointIndependent, Filtering::AddressDependent, Filtering::AddressAndPortDependent]
            .map(|filtering| (mapping, filtering))
    })
}

/// All places.
pub fn places() -> Vec<Place> {
    let doubles = [
        Place::Double(Mapping::EndpointIndependent, Filtering::AddressAndPortDependent),
        Place::Double(Mapping::AddressAndPortDependent, Filtering::AddressAndPortDependent),
    ];
    let nats = kinds().map(|(mapping, filtering)| Place::Nat(mapping, filtering));
    [Place::Open, Place::Walled, Place::Blocked].into_iter().chain(nats).chain(doubles).collect()
}

impl Place {
    /// How what is seen of the host behaves: of two translators the stricter counts.
    fn kind(self) -> (Mapping, Filtering) {
        match self {
            Self::Open => (Mapping::EndpointIndependent, Filtering::EndpointIndependent),
            Self::Walled => (Mapping::EndpointIndependent, Filtering::AddressAndPortDependent),
            Self::Nat(mapping, filtering) | Self::Double(mapping, filtering) => (mapping, filtering),
            Self::Blocked => (Mapping::AddressAndPortDependent, Filtering::AddressAndPortDependent),
        }
    }

    /// Whether the address that a socket has is the one that others see.
    pub fn is_bare(self) -> bool {
        matches!(self, Self::Open | Self::Walled)
    }

    /// As it is told.
    pub fn name(self) -> String {
        match self {
            Self::Open => "open".to_owned(),
            Self::Walled => "firewall".to_owned(),
            Self::Blocked => "UDP blocked".to_owned(),
            Self::Nat(mapping, filtering) => words(mapping, filtering),
            Self::Double(mapping, filtering) => format!("twice {}", words(mapping, filtering)),
        }
    }

    /// Builds it round `host`, the number 1 or 2 of two.
    pub fn build<P: AsRef<[u8]> + Clone>(
        self,
        network: &mut Network<P>,
        host: IpAddr,
        number: u8,
        ports: Ports,
    ) {
        let outer = IpAddr::from([198, 51, 100, number]);
        let home = IpAddr::from([100, 64, 0, number]);
        let behaviour = |mapping, filtering| Behaviour { mapping, filtering, ports, ..Behaviour::default() };
        match self {
            Self::Open => {}
            Self::Walled => {
                network.add_firewall(Firewall::new([host], Datagrams::Answers, Streams::Outgoing));
            }
            Self::Nat(mapping, filtering) => {
                network.add_nat(Nat::with(outer, [host], behaviour(mapping, filtering)));
            }
            Self::Double(mapping, filtering) => {
                network.add_nat(Nat::with(home, [host], behaviour(mapping, filtering)));
                network.add_nat(Nat::with(outer, [home], behaviour(mapping, filtering)));
            }
            Self::Blocked => {
                network.add_nat(Nat::with(outer, [host], Behaviour { ports, ..Behaviour::default() }));
                network.add_firewall(Firewall::new([host], Datagrams::None, Streams::OutgoingTo(OPEN_PORT)));
            }
        }
    }
}

fn words(mapping: Mapping, filtering: Filtering) -> String {
    let depends = |mapping| match mapping {
        Mapping::EndpointIndependent => "EI",
        Mapping::AddressDependent => "AD",
        Mapping::AddressAndPortDependent => "APD",
    };
    let filters = match filtering {
        Filtering::EndpointIndependent => "EI",
        Filtering::AddressDependent => "AD",
        Filtering::AddressAndPortDependent => "APD",
    };
    format!("{}/{filters}", depends(mapping))
}

/// The best way between two places, as RFC 8445 finds ways: by the addresses that a STUN server shows, and those that
/// checks are seen to come from.
pub fn way(places: [Place; 2], servers: Servers) -> Way {
    if places.contains(&Place::Blocked) {
        return if servers == Servers::TurnTcp { Way::Relay } else { Way::None };
    }
    let is_direct = match servers {
        // Who knows no address of the other's that is seen from outside can only answer, and must be let be asked.
        Servers::None => places.contains(&Place::Open) || places.into_iter().all(Place::is_bare),
        Servers::Stun | Servers::Turn | Servers::TurnTcp => passes(places),
    };
    match servers {
        _ if is_direct => Way::Direct,
        Servers::Turn | Servers::TurnTcp => Way::Relay,
        Servers::None | Servers::Stun => Way::None,
    }
}

/// Whether checks get through in the end.
///
/// A mapping that does not depend on the destination is what the STUN server showed: the peer sends there, and what we
/// send leaves from there. Two such always meet: each opens its own filter. Where only one has it, the other's checks come
/// from an address nobody was told of, and it must let those in: its filter may look at the address, not at the port.
/// Where neither has it, somebody's first check must reach the mapping that was shown, whose filter must let all in, and
/// the check back must pass at the other side. Where both mappings depend on the port, each check back comes from yet
/// another address, for ever.
fn passes(places: [Place; 2]) -> bool {
    let kinds = places.map(Place::kind);
    let [(first, first_filter), (second, second_filter)] = kinds;
    let is_strict = |filter| filter == Filtering::AddressAndPortDependent;
    let is_loose = |filter| filter == Filtering::EndpointIndependent;
    match kinds.map(|(mapping, _)| mapping == Mapping::EndpointIndependent) {
        [true, true] => true,
        [true, false] => !is_strict(first_filter),
        [false, true] => !is_strict(second_filter),
        [false, false] if [first, second] == [Mapping::AddressAndPortDependent; 2] => false,
        [false, false] => {
            (is_loose(first_filter) && !is_strict(second_filter))
                || (is_loose(second_filter) && !is_strict(first_filter))
        }
    }
}
