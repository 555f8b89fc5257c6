//! The sockets of an endpoint: one for each address and worker.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use peerless_peer::id::TransportId;
use socket2::{Domain, Protocol, Type};

use crate::addresses::AddressOptions;
use crate::driver::interfaces;
use crate::driver::sockets::Socket;
use crate::error::{EndpointError, Error};

/// How often a free port is looked for that is free on all addresses.
const ATTEMPTS: usize = 16;

/// Binds sockets to these addresses for each worker, and says which addresses they have. An address without an IP stands
/// for all of the machine's of its family; a port 0 for a free one, the same on all of them.
pub(super) fn bind(
    addresses: &[SocketAddr],
    workers: usize,
) -> Result<(Vec<Vec<Socket>>, Vec<SocketAddr>), Error> {
    let addresses = expanded(addresses)?;
    let mut attempt = 1;
    let (first, bound) = loop {
        match bind_once(&addresses, workers > 1) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempt < ATTEMPTS => attempt += 1,
            other => break other?,
        }
    };
    let mut sockets = vec![first];
    for _ in 1..workers {
        let more = bound.iter().map(|address| open(*address, true).and_then(socket));
        sockets.push(more.collect::<io::Result<_>>()?);
    }
    Ok((sockets, bound))
}

fn expanded(addresses: &[SocketAddr]) -> Result<Vec<SocketAddr>, Error> {
    let mut all = Vec::new();
    for address in addresses {
        let found = match address.ip().is_unspecified() {
            true => interfaces::to_gather(None, &AddressOptions::default())?
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

fn bind_once(addresses: &[SocketAddr], is_shared: bool) -> io::Result<(Vec<Socket>, Vec<SocketAddr>)> {
    let (mut sockets, mut bound, mut free) = (Vec::new(), Vec::new(), 0);
    for address in addresses {
        let mut wanted = *address;
        if wanted.port() == 0 {
            wanted.set_port(free);
        }
        let socket = socket(open(wanted, is_shared)?)?;
        if address.port() == 0 {
            free = socket.local.port();
        }
        bound.push(socket.local);
        sockets.push(socket);
    }
    Ok((sockets, bound))
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
