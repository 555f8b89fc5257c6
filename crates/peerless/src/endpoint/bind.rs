//! The sockets of an endpoint: one for each address and worker, and one that takes streams for each address.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use peerless_peer::id::TransportId;
use socket2::{Domain, Protocol, Type};

use crate::addresses::AddressOptions;
use crate::driver::interfaces;
use crate::driver::sockets::Socket;
use crate::endpoint::config::EndpointConfig;
use crate::endpoint::door::Listener;
use crate::error::{EndpointError, Error};

/// How often a free port is looked for that is free on all addresses.
const ATTEMPTS: usize = 16;

/// What an endpoint is bound to.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) locals: Vec<SocketAddr>,
    /// Those of each worker.
    pub(super) sockets: Vec<Vec<Socket>>,
    /// None where no streams are taken.
    pub(super) listeners: Vec<Listener>,
    /// Where further addresses may come.
    pub(super) site: Option<Site>,
}

/// What an endpoint stands for: addresses of which some have no IP, with their ports.
#[derive(Debug)]
pub(super) struct Site {
    given: Vec<SocketAddr>,
    options: AddressOptions,
    workers: usize,
    takes_tcp: bool,
}

/// Binds sockets to these addresses for each worker. An address without an IP stands for all of the machine's of its family;
/// a port 0 for a free one, the same on all of them.
pub(super) fn bind(addresses: &[SocketAddr], config: &EndpointConfig) -> Result<Bound, Error> {
    let all = expanded(addresses, &config.addresses)?;
    if let Some(place) = (1..all.len()).find(|place| all[..*place].contains(&all[*place])) {
        return Err(EndpointError::Twice(all[place]).into());
    }
    if all.is_empty() {
        return Err(EndpointError::NoAddress.into());
    }
    config.check_public(&all)?;
    let mut attempt = 1;
    let mut bound = loop {
        match bind_once(&all, config) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempt < ATTEMPTS => attempt += 1,
            other => break other?,
        }
    };
    for _ in 1..config.workers {
        let more = bound.locals.iter().map(|address| open(*address, true).and_then(socket));
        bound.sockets.push(more.collect::<io::Result<_>>()?);
    }
    bound.site = Site::of(addresses, &all, &bound.locals, config);
    Ok(bound)
}

impl Site {
    /// `None` where no address stands for those of the machine. `all` are those that were wanted, and `locals` what they
    /// became.
    fn of(
        given: &[SocketAddr],
        all: &[SocketAddr],
        locals: &[SocketAddr],
        config: &EndpointConfig,
    ) -> Option<Self> {
        if given.iter().all(|address| !address.ip().is_unspecified()) {
            return None;
        }
        let found = all.iter().zip(locals).find(|(wanted, _)| wanted.port() == 0);
        let mut given = given.to_vec();
        if let Some((_, found)) = found {
            given.iter_mut().filter(|one| one.port() == 0).for_each(|one| one.set_port(found.port()));
        }
        let (options, workers, takes_tcp) = (config.addresses.clone(), config.workers, config.tcp);
        Some(Self { given, options, workers, takes_tcp })
    }

    /// The addresses that it stands for now, those that were given with an IP among them.
    pub(super) fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        expanded(&self.given, &self.options)
    }

    /// Those that were given with an IP: they are there, whatever interfaces have.
    pub(super) fn fixed(&self) -> impl Iterator<Item = IpAddr> {
        self.given.iter().map(SocketAddr::ip).filter(|ip| !ip.is_unspecified())
    }

    /// Sockets for one more address: one for each worker, and one that takes streams where they are taken.
    pub(super) fn open(&self, local: SocketAddr) -> io::Result<(Vec<Socket>, Option<Listener>)> {
        let sockets = (0..self.workers).map(|_| open(local, self.workers > 1).and_then(socket));
        let sockets = sockets.collect::<io::Result<_>>()?;
        let listener = self.takes_tcp.then(|| Listener::new(local)).transpose()?;
        Ok((sockets, listener))
    }
}

/// These, and instead of those without an IP the machine's.
fn expanded(addresses: &[SocketAddr], options: &AddressOptions) -> io::Result<Vec<SocketAddr>> {
    let mut all = Vec::new();
    for address in addresses {
        if !address.ip().is_unspecified() {
            all.push(*address);
            continue;
        }
        let found = interfaces::to_gather(None, options)?.into_iter();
        let of_family = found.filter(|ip| ip.is_ipv4() == address.is_ipv4());
        all.extend(of_family.map(|ip| SocketAddr::new(ip, address.port())));
    }
    Ok(all)
}

fn bind_once(addresses: &[SocketAddr], config: &EndpointConfig) -> io::Result<Bound> {
    let (mut sockets, mut locals, mut listeners, mut free) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for address in addresses {
        let mut wanted = *address;
        if wanted.port() == 0 {
            wanted.set_port(free);
        }
        let socket = socket(open(wanted, config.workers > 1)?)?;
        if config.tcp {
            listeners.push(Listener::new(socket.local)?);
        }
        if address.port() == 0 {
            free = socket.local.port();
        }
        locals.push(socket.local);
        sockets.push(socket);
    }
    Ok(Bound { locals, sockets: vec![sockets], listeners, site: None })
}

fn socket(socket: UdpSocket) -> io::Result<Socket> {
    // Whose a datagram is, the routes say.
    Socket::new(socket, TransportId(0))
}
fn open(address: SocketAddr, is_shared: bool) -> io::Result<UdpSocket> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    #[cfg(target_os = "linux")]
    if is_shared {
        socket.set_reuse_port(true)?;
    }
    #[cfg(not(target_os = "linux"))]
    debug_assert!(!is_shared, "refused where the endpoint is made");
    socket.bind(&address.into())?;
    Ok(socket.into())
}
