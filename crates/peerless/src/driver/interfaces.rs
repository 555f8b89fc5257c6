//! Which local addresses to use (RFC 8445 §5.1.1.1, RFC 8421): those of the interfaces that are up.

use std::io;
use std::net::IpAddr;

use if_addrs::IfOperStatus;

use crate::error::Error;

/// The local addresses to bind: `wanted`, or else those of all interfaces, loopback only where there is no other.
///
/// A wanted address that no interface has is refused.
pub(crate) fn addresses(wanted: Option<&[IpAddr]>) -> Result<Vec<IpAddr>, Error> {
    let present = present()?;
    if let Some(wanted) = wanted {
        return match wanted.iter().find(|address| !present.contains(address) && !address.is_loopback()) {
            Some(missing) => Err(Error::Interface(*missing)),
            None => Ok(wanted.to_vec()),
        };
    }
    let outward: Vec<IpAddr> = present.iter().copied().filter(|address| !address.is_loopback()).collect();
    Ok(if outward.is_empty() { present } else { outward })
}

/// Those of [`addresses`] to gather from now: of `wanted` the ones that are there.
pub(crate) fn to_gather(wanted: Option<&[IpAddr]>) -> Result<Vec<IpAddr>, Error> {
    let Some(wanted) = wanted else { return addresses(None) };
    let present = present()?;
    let is_there = |address: &IpAddr| present.contains(address) || address.is_loopback();
    Ok(wanted.iter().copied().filter(is_there).collect())
}

/// Every usable address of an interface that is up and joined to something: link-local IPv6 needs a scope, which
/// candidates cannot carry, and is left out.
pub(crate) fn present() -> io::Result<Vec<IpAddr>> {
    let mut addresses = Vec::new();
    for interface in if_addrs::get_if_addrs()? {
        let address = interface.ip();
        let usable = match address {
            IpAddr::V4(address) => !address.is_link_local() && !address.is_unspecified(),
            IpAddr::V6(address) => !address.is_unicast_link_local() && !address.is_unspecified(),
        };
        if usable && is_running(&interface.oper_status) && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

/// Linux says of each whether it runs; of others it may not be known.
fn is_running(status: &IfOperStatus) -> bool {
    match status {
        IfOperStatus::Up => true,
        IfOperStatus::Unknown => !cfg!(target_os = "linux"),
        _ => false,
    }
}
