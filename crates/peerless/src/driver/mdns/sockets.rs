//! Sockets of multicast DNS (RFC 6762 §3, §11): one for each interface and family, so that each network is asked and answered
//! by itself.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::net::UdpSocket;

pub(super) const PORT: u16 = 5353;
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);

/// Which network a socket belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// That of the interface with this address.
    V4(Ipv4Addr),
    /// That of the interface with this index.
    V6(u32),
}

/// A socket and the group it speaks to.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) place: Place,
    pub(super) io: UdpSocket,
    pub(super) group: SocketAddr,
}

/// The networks there are.
pub(super) fn places() -> io::Result<Vec<Place>> {
    let mut places = Vec::new();
    for interface in if_addrs::get_if_addrs()? {
        let place = match interface.ip() {
            IpAddr::V4(address) => Some(Place::V4(address)),
            IpAddr::V6(_) => interface.index.map(Place::V6),
        };
        places.extend(place.filter(|place| !places.contains(place)));
    }
    Ok(places)
}

/// Opens a socket for each place that can have one; those that cannot are told in the log.
pub(super) fn open(places: impl IntoIterator<Item = Place>) -> Vec<Member> {
    let mut members = Vec::new();
    for place in places {
        match open_at(place) {
            Ok(member) => members.push(member),
            Err(error) => tracing::debug!(%error, ?place, "multicast DNS"),
        }
    }
    members
}

fn open_at(place: Place) -> io::Result<Member> {
    let (domain, any): (_, IpAddr) = match place {
        Place::V4(_) => (Domain::IPV4, Ipv4Addr::UNSPECIFIED.into()),
        Place::V6(_) => (Domain::IPV6, Ipv6Addr::UNSPECIFIED.into()),
    };
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(true)?;
    let group: SocketAddr = match place {
        Place::V4(interface) => {
            socket.bind(&SockAddr::from(SocketAddr::new(any, PORT)))?;
            socket.join_multicast_v4(&GROUP, &interface)?;
            socket.set_multicast_if_v4(&interface)?;
            socket.set_multicast_loop_v4(true)?;
            socket.set_multicast_ttl_v4(255)?;
            (GROUP, PORT).into()
        }
        Place::V6(interface) => {
            socket.set_only_v6(true)?;
            socket.bind(&SockAddr::from(SocketAddr::new(any, PORT)))?;
            socket.join_multicast_v6(&GROUP_V6, interface)?;
            socket.set_multicast_if_v6(interface)?;
            socket.set_multicast_loop_v6(true)?;
            socket.set_multicast_hops_v6(255)?;
            std::net::SocketAddrV6::new(GROUP_V6, PORT, 0, interface).into()
        }
    };
    // What other sockets of this machine have joined is not for this one.
    #[cfg(target_os = "linux")]
    match place {
        Place::V4(_) => socket.set_multicast_all_v4(false)?,
        Place::V6(_) => socket.set_multicast_all_v6(false)?,
    }
    socket.set_nonblocking(true)?;
    Ok(Member { place, io: UdpSocket::from_std(socket.into())?, group })
}
