//! Which local addresses to use (RFC 8445 §5.1.1.1, RFC 8421, RFC 8828): those of the interfaces that are up, as the
//! options choose, those of the default route first.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use if_addrs::IfOperStatus;

use crate::addresses::{AddressOptions, IpHandling, Loopback};
use crate::driver::privacy::{self, Trait};
use crate::error::Error;

/// An address of an interface that is up.
#[derive(Debug, Clone)]
struct Found {
    interface: String,
    address: IpAddr,
}

/// Refuses a wanted address that no interface has.
pub(crate) fn check(wanted: Option<&[IpAddr]>) -> Result<(), Error> {
    let Some(wanted) = wanted else { return Ok(()) };
    let present = present()?;
    match wanted.iter().find(|address| !present.contains(address) && !address.is_loopback()) {
        Some(missing) => Err(Error::Interface(*missing)),
        None => Ok(()),
    }
}

/// The addresses to gather from now: of `wanted` the ones that are there, or else those of all interfaces, loopback only
/// where there is no other or it is wished for; and of all these what the options allow.
pub(crate) fn to_gather(wanted: Option<&[IpAddr]>, options: &AddressOptions) -> io::Result<Vec<IpAddr>> {
    let found = all()?;
    let mut addresses: Vec<IpAddr> = match wanted {
        Some(wanted) => {
            let is_there =
                |address: &IpAddr| address.is_loopback() || found.iter().any(|one| one.address == *address);
            wanted.iter().copied().filter(is_there).collect()
        }
        None => chosen(&found, options, &privacy::traits()),
    };
    let defaults: Vec<IpAddr> = default_addresses().collect();
    if options.ip_handling != IpHandling::All {
        addresses.retain(|address| defaults.contains(address));
    }
    addresses.sort_by_key(|address| !defaults.contains(address));
    Ok(addresses)
}

/// Every usable address of an interface that is up and joined to something: link-local IPv6 needs a scope, which
/// candidates cannot carry, and is left out.
pub(crate) fn present() -> io::Result<Vec<IpAddr>> {
    Ok(all()?.into_iter().map(|found| found.address).collect())
}

fn all() -> io::Result<Vec<Found>> {
    let mut all: Vec<Found> = Vec::new();
    for interface in if_addrs::get_if_addrs()? {
        let address = interface.ip();
        let is_known = all.iter().any(|found| found.address == address);
        if is_usable(address) && is_running(&interface.oper_status) && !is_known {
            all.push(Found { interface: interface.name, address });
        }
    }
    Ok(all)
}

/// RFC 8445 §5.1.1.1: no site-local addresses and none that stand for IPv4 ones.
fn is_usable(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_link_local() && !address.is_unspecified(),
        IpAddr::V6(address) => {
            let is_site_local = address.segments()[0] & 0xffc0 == 0xfec0;
            let is_old_mapping = address.to_ipv4().is_some() && !address.is_loopback();
            !address.is_unicast_link_local() && !address.is_unspecified() && !is_site_local && !is_old_mapping
        }
    }
}

/// What the options choose of what was found.
fn chosen(found: &[Found], options: &AddressOptions, traits: &[Trait]) -> Vec<IpAddr> {
    let allowed = found.iter().filter(|one| options.allows(&one.interface, one.address));
    let fit = allowed.filter(|one| privacy::is_wanted(one.address, traits)).map(|one| one.address);
    let (near, outward): (Vec<IpAddr>, Vec<IpAddr>) = fit.partition(IpAddr::is_loopback);
    match options.loopback {
        Loopback::IfAlone if outward.is_empty() => near,
        Loopback::IfAlone | Loopback::Never => outward,
        Loopback::Always => outward.into_iter().chain(near).collect(),
    }
}

/// The address of each family that the system would send from by default. Nothing is sent: a connected UDP socket has only
/// looked at the routes.
fn default_addresses() -> impl Iterator<Item = IpAddr> {
    // Addresses of root name servers, which only a default route leads to.
    let outside = [
        (IpAddr::from(Ipv6Addr::UNSPECIFIED), IpAddr::from([0x2001, 0x503, 0xba3e, 0, 0, 0, 2, 0x30])),
        (IpAddr::from(Ipv4Addr::UNSPECIFIED), IpAddr::from([198, 41, 0, 4])),
    ];
    outside.into_iter().filter_map(|(any, root)| {
        let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
        socket.connect(SocketAddr::new(root, 53)).ok()?;
        socket.local_addr().ok().map(|address| address.ip())
    })
}

/// Linux says of each whether it runs; of others it may not be known.
fn is_running(status: &IfOperStatus) -> bool {
    match status {
        IfOperStatus::Up => true,
        IfOperStatus::Unknown => !cfg!(target_os = "linux"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(list: &[(&str, &str)]) -> Vec<Found> {
        let one = |(interface, address): &(&str, &str)| Found {
            interface: (*interface).to_owned(),
            address: address.parse().unwrap(),
        };
        list.iter().map(one).collect()
    }

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn loopback_is_used_as_it_is_wished_for() {
        let both = found(&[("lo", "127.0.0.1"), ("eth0", "192.0.2.1")]);
        let mut options = AddressOptions::default();
        assert_eq!(chosen(&both, &options, &[]), addresses(&["192.0.2.1"]));
        assert_eq!(chosen(&both[..1], &options, &[]), addresses(&["127.0.0.1"]));
        options.loopback = Loopback::Always;
        assert_eq!(chosen(&both, &options, &[]), addresses(&["192.0.2.1", "127.0.0.1"]));
        options.loopback = Loopback::Never;
        assert!(chosen(&both[..1], &options, &[]).is_empty());
        options.loopback = Loopback::IfAlone;
        options.except_interfaces = vec!["eth0".to_owned()];
        assert_eq!(chosen(&both, &options, &[]), addresses(&["127.0.0.1"]));
    }

    #[test]
    fn addresses_of_old_kinds_are_not_used() {
        for text in ["fe80::1", "fec0::1", "::ffff:192.0.2.1", "::192.0.2.1", "::", "0.0.0.0", "169.254.1.1"]
        {
            assert!(!is_usable(text.parse().unwrap()), "{text}");
        }
        for text in ["2001:db8::1", "::1", "127.0.0.1", "10.0.0.1", "fd00::1"] {
            assert!(is_usable(text.parse().unwrap()), "{text}");
        }
    }
}
