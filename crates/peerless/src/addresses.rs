//! Which addresses of this machine a connection uses, and how it shows them: filters, ports, known translations
//! (RFC 8445 §5.1.1.1), what the other side may learn (RFC 8828 §5.2), names instead of addresses
//! (draft-ietf-mmusic-mdns-ice-candidates-04).

use std::net::IpAddr;
use std::ops::RangeInclusive;

/// Which local addresses are used and how they are shown. The default uses all that there are, as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddressOptions {
    /// The interfaces to use, by name; a `*` at the end of one stands for any rest (`"eth*"`). Default: none named, which
    /// means all.
    pub only_interfaces: Vec<String>,
    /// Interfaces not to use, likewise (`"docker*"`); these win. Default: none.
    pub except_interfaces: Vec<String>,
    /// Networks whose addresses are not used: an address and how many of its bits count. Default: none.
    pub except_networks: Vec<(IpAddr, u8)>,
    /// Whether the addresses of the loopback interface are used. Default: where there are no others.
    pub loopback: Loopback,
    /// Which families are used. Default: both; IPv6 and IPv4 take turns in preference (RFC 8421 §4).
    pub families: Families,
    /// The local UDP ports to bind, each once at a time on an address: not empty, without 0. Where all are taken no
    /// candidate comes from that address, which `Event::IceCandidateError` tells. Default: any that the system gives.
    pub ports: Option<RangeInclusive<u16>>,
    /// Addresses by which a translator that is set up for it (NAT 1:1, port kept) shows local ones. Default: none.
    pub public: Vec<PublicAddress>,
    /// What the other side may learn of the machine's addresses. Default: all that it can be reached by.
    pub ip_handling: IpHandling,
    /// Whether host candidates are shown by name, not by address: those in the same local network resolve the name by
    /// multicast DNS, which this process then answers; others see none. Statistics show the name too. Default: no.
    pub hides_host_addresses: bool,
}

/// Whether loopback is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Loopback {
    /// Where the machine has no other address.
    IfAlone,
    /// Beside the others.
    Always,
    /// Not at all.
    Never,
}

/// Families of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Families {
    /// IPv4 and IPv6.
    Both,
    /// IPv4 alone.
    Ipv4,
    /// IPv6 alone.
    Ipv6,
}

/// What a translator shows of a local address, by an arrangement known beforehand: the ports are the same on both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicAddress {
    /// The local address; `None` for each of the family.
    pub local: Option<IpAddr>,
    /// What others see, of the same family.
    pub public: IpAddr,
    /// How it is signalled.
    pub shown: PublicKind,
}

/// How a public address is signalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PublicKind {
    /// In place of the host candidate, whose address nobody sees.
    Host,
    /// As a server-reflexive candidate beside it.
    ServerReflexive,
}

/// Modes of RFC 8828 §5.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IpHandling {
    /// Mode 1: all addresses of all interfaces.
    All,
    /// Mode 2: the address of each family that the default route has, and what servers see of it.
    DefaultRouteWithPrivate,
    /// Mode 3: likewise, but of its own only what servers see: no host candidate is signalled.
    DefaultRoute,
    /// Mode 4: only by way of a proxy: refused, for no candidate of ours can go by one.
    ProxyOnly,
}

/// What is wrong with [`AddressOptions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressReason {
    /// `ports` is empty or holds port 0.
    #[error("the range of ports is empty or holds 0")]
    Ports,
    /// A public address is of another family than its local one, or none that others could send to.
    #[error("{0} is not a public address for that local one")]
    Public(IpAddr),
    /// Two public addresses would stand for one local address.
    #[error("{0} is the second public address in place of one local address")]
    Ambiguous(IpAddr),
    /// `Configuration::interfaces` names the addresses: there is nothing to choose from.
    #[error("interfaces are chosen where the addresses to use are named")]
    Choice,
    /// A network has more bits than its family.
    #[error("{0}/{1} is not a network")]
    Network(IpAddr, u8),
    /// There is no proxy to go by.
    #[error("candidates by way of a proxy are not supported")]
    ProxyOnly,
}

impl Default for AddressOptions {
    fn default() -> Self {
        Self {
            only_interfaces: Vec::new(),
            except_interfaces: Vec::new(),
            except_networks: Vec::new(),
            loopback: Loopback::IfAlone,
            families: Families::Both,
            ports: None,
            public: Vec::new(),
            ip_handling: IpHandling::All,
            hides_host_addresses: false,
        }
    }
}

impl AddressOptions {
    pub(crate) fn check(&self) -> Result<(), AddressReason> {
        if self.ports.as_ref().is_some_and(|ports| ports.is_empty() || *ports.start() == 0) {
            return Err(AddressReason::Ports);
        }
        let is_wrong = |one: &&PublicAddress| {
            let differs = one.local.is_some_and(|local| local.is_ipv4() != one.public.is_ipv4());
            differs || one.public.is_unspecified() || one.public.is_multicast()
        };
        if let Some(wrong) = self.public.iter().find(is_wrong) {
            return Err(AddressReason::Public(wrong.public));
        }
        if let Some(second) = self.ambiguous() {
            return Err(AddressReason::Ambiguous(second.public));
        }
        let is_too_long = |(address, bits): &&(IpAddr, u8)| *bits > if address.is_ipv4() { 32 } else { 128 };
        if let Some((address, bits)) = self.except_networks.iter().find(is_too_long) {
            return Err(AddressReason::Network(*address, *bits));
        }
        match self.ip_handling {
            IpHandling::ProxyOnly => Err(AddressReason::ProxyOnly),
            _ => Ok(()),
        }
    }

    /// One that would be shown in place of a local address that another is shown for already.
    fn ambiguous(&self) -> Option<&PublicAddress> {
        let hosts = || self.public.iter().filter(|one| one.shown == PublicKind::Host);
        let clashes = |one: &PublicAddress, other: &PublicAddress| {
            let is_same = one.local.is_none() || other.local.is_none() || one.local == other.local;
            is_same && one.public.is_ipv4() == other.public.is_ipv4()
        };
        hosts()
            .enumerate()
            .find_map(|(place, one)| hosts().take(place).any(|earlier| clashes(earlier, one)).then_some(one))
    }

    /// Whether the machine's addresses are chosen from.
    pub(crate) fn chooses(&self) -> bool {
        let chosen = Self {
            only_interfaces: Vec::new(),
            except_interfaces: Vec::new(),
            except_networks: Vec::new(),
            loopback: Loopback::IfAlone,
            families: Families::Both,
            ..self.clone()
        };
        chosen != *self
    }

    /// Whether an address of an interface may be used; loopback and default routes are judged elsewhere.
    pub(crate) fn allows(&self, interface: &str, address: IpAddr) -> bool {
        let fits = |pattern: &String| match pattern.strip_suffix('*') {
            Some(beginning) => interface.starts_with(beginning),
            None => interface == pattern,
        };
        let is_of_family = match self.families {
            Families::Both => true,
            Families::Ipv4 => address.is_ipv4(),
            Families::Ipv6 => address.is_ipv6(),
        };
        is_of_family
            && (self.only_interfaces.is_empty() || self.only_interfaces.iter().any(fits))
            && !self.except_interfaces.iter().any(fits)
            && !self.except_networks.iter().any(|(network, bits)| is_within(address, *network, *bits))
    }

    /// What translators show of a local address.
    pub(crate) fn public_of(&self, local: IpAddr) -> impl Iterator<Item = &PublicAddress> {
        self.public.iter().filter(move |one| {
            one.public.is_ipv4() == local.is_ipv4() && one.local.is_none_or(|wanted| wanted == local)
        })
    }
}

/// Whether the first bits of an address are those of a network.
pub(crate) fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    };
    let differs = number(address) ^ number(network);
    address.is_ipv4() == network.is_ipv4() && (bits == 0 || differs.leading_zeros() >= u32::from(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn interfaces_are_chosen_by_name_network_and_family() {
        let mut options = AddressOptions::default();
        assert!(options.allows("eth0", ip("10.0.0.1")));
        options.only_interfaces = vec!["eth*".to_owned(), "wlan0".to_owned()];
        options.except_interfaces = vec!["eth1".to_owned()];
        options.except_networks = vec![(ip("10.0.0.0"), 8), (ip("fd00::"), 8)];
        options.families = Families::Ipv4;
        let check = |interface: &str, address: &str, is_allowed: bool| {
            assert_eq!(options.allows(interface, ip(address)), is_allowed, "{interface} {address}");
        };
        check("eth0", "192.0.2.1", true);
        check("wlan0", "192.0.2.1", true);
        check("wlan01", "192.0.2.1", false);
        check("eth1", "192.0.2.1", false);
        check("eth0", "10.9.9.9", false);
        check("eth0", "2001:db8::1", false);
        check("eth0", "11.0.0.1", true);
    }

    #[test]
    fn refuses_what_it_cannot_do() {
        let check = |change: fn(&mut AddressOptions), reason| {
            let mut options = AddressOptions::default();
            change(&mut options);
            assert_eq!(options.check(), reason);
        };
        check(|_| {}, Ok(()));
        check(|options| options.ports = Some(RangeInclusive::new(9, 8)), Err(AddressReason::Ports));
        check(|options| options.ports = Some(0..=8), Err(AddressReason::Ports));
        check(|options| options.ports = Some(8..=8), Ok(()));
        check(|options| options.ip_handling = IpHandling::ProxyOnly, Err(AddressReason::ProxyOnly));
        check(
            |options| options.except_networks = vec![(ip("10.0.0.0"), 33)],
            Err(AddressReason::Network(ip("10.0.0.0"), 33)),
        );
        let six =
            PublicAddress { local: Some(ip("10.0.0.1")), public: ip("2001:db8::1"), shown: PublicKind::Host };
        let mut options = AddressOptions { public: vec![six], ..AddressOptions::default() };
        assert_eq!(options.check(), Err(AddressReason::Public(six.public)));
        options.public = vec![PublicAddress { local: None, ..six }];
        assert_eq!(options.check(), Ok(()));
        assert_eq!(options.public_of(ip("2001:db8::9")).count(), 1);
        assert_eq!(options.public_of(ip("10.0.0.1")).count(), 0);
        let mut other = PublicAddress { public: ip("2001:db8::2"), ..six };
        options.public = vec![PublicAddress { local: None, ..six }, other];
        assert!(matches!(options.check(), Err(AddressReason::Public(_))));
        other.local = Some(ip("fd00::1"));
        options.public[1] = other;
        assert_eq!(options.check(), Err(AddressReason::Ambiguous(other.public)));
        options.public[1].shown = PublicKind::ServerReflexive;
        assert_eq!(options.check(), Ok(()));
    }
}
