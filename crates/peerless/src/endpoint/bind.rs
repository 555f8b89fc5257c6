//! The sockets of an endpoint: one for each address and worker, and one that takes streams for each address.

use std::io;
use std::net::{SocketAddr, UdpSocket};

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
}

/// Binds sockets to these addresses for each worker. An address without an IP stands for all of the machine's of its family;
/// a port 0 for a free one, the same on all of them.
pub(super) fn bind(addresses: &[SocketAddr], config: &EndpointConfig) -> Result<Bound, Error> {
    let addresses = expanded(addresses, &config.addresses)?;
    config.check_public(&addresses)?;
    let mut attempt = 1;
    let mut bound = loop {
        match bind_once(&addresses, config) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempt < ATTEMPTS => attempt += 1,
            other => break other?,
        }
    };
    for _ in 1..config.workers {
        let more = bound.locals.iter().map(|address| open(*address, true).and_then(socket));
        bound.sockets.push(more.collect::<io::Result<_>>()?);
    }
    Ok(bound)
}

fn expanded(addresses: &[SocketAddr], options: &AddressOptions) -> Result<Vec<SocketAddr>, Error> {
    let mut all = Vec::new();
    for address in addresses {
        let found = match address.ip().is_unspecified() {
            true => interfaces::to_gather(None, options)?
                .into_iter()
                .filter(|ip| ip.is_ipv4() == address.is_ipv4())
                .collect(),
            false => vec![address.ip()],
        };
        for ip in found {
            let one = SocketAddr::new(ip, address.port());
            if all.contains(&one) {
                return Err(EndpointError::Twice(one).into());
            }
            all.push(one);
        }
    }
    if all.is_empty() { Err(EndpointError::NoAddress.into()) } else { Ok(all) }
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
    Ok(Bound { locals, sockets: vec![sockets], listeners })
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
