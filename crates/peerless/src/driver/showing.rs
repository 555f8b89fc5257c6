//! How local addresses are shown to the other side, and the names that some of them have meanwhile
//! (draft-ietf-mmusic-mdns-ice-candidates-04 §3.1: one for each address and connection).

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use peerless_transport::ice::Shown;

use crate::addresses::{AddressOptions, IpHandling, PublicKind};
use crate::driver::mdns::{self, Published};

/// The names of a connection's addresses; answered for until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<IpAddr, Published>);

impl Names {
    /// How the host candidates of an address are shown; `None` for as they are.
    pub(crate) fn shown(&mut self, address: IpAddr, options: &AddressOptions) -> Option<Shown> {
        let public = public(address, options);
        if public.is_some() {
            return public;
        }
        if options.ip_handling == IpHandling::DefaultRoute {
            return Some(Shown::Hidden);
        }
        options.hides_host_addresses.then(|| self.name(address))
    }

    /// Gives up the names of addresses that are not `in_use` any more.
    pub(crate) fn keep(&mut self, in_use: impl Fn(IpAddr) -> bool) {
        self.0.retain(|address, _| in_use(*address));
    }

    fn name(&mut self, address: IpAddr) -> Shown {
        if let Some(known) = self.0.get(&address) {
            return Shown::Name(known.name().to_owned());
        }
        match mdns::publish(address) {
            Ok(published) => {
                let name = published.name().to_owned();
                self.0.insert(address, published);
                Shown::Name(name)
            }
            Err(error) => {
                tracing::warn!(%error, "no name for an address: it is not shown at all");
                Shown::Hidden
            }
        }
    }
}

/// The address that stands for the host candidates of an address, if any.
pub(crate) fn public(address: IpAddr, options: &AddressOptions) -> Option<Shown> {
    let mut public = options.public_of(address).filter(|one| one.shown == PublicKind::Host);
    public.next().map(|one| Shown::Public(one.public))
}

/// Where translators are known to show a socket, beside its own address.
pub(crate) fn translated(local: SocketAddr, options: &AddressOptions) -> impl Iterator<Item = SocketAddr> {
    let public = options.public_of(local.ip()).filter(|one| one.shown == PublicKind::ServerReflexive);
    public.map(move |one| SocketAddr::new(one.public, local.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_lives_as_long_as_its_address_is_in_use() {
        let options = AddressOptions { hides_host_addresses: true, ..AddressOptions::default() };
        let mut names = Names::default();
        let lasting: IpAddr = "10.0.0.1".parse().unwrap();
        let first = names.shown(lasting, &options);
        assert!(matches!(first, Some(Shown::Name(_))), "{first:?}");
        for number in 2..50_u8 {
            let passing = IpAddr::from([10, 0, 0, number]);
            assert_ne!(names.shown(passing, &options), first);
            names.keep(|address| address == lasting || address == passing);
            assert_eq!(names.0.len(), 2);
        }
        assert_eq!(names.shown(lasting, &options), first);
        names.keep(|_| false);
        assert_ne!(names.shown(lasting, &options), first, "another time, another name");
    }
}
