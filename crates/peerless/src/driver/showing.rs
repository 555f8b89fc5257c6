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
