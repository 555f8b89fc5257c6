//! What ICMP says of the datagrams of a connected socket (RFC 1122 §4.1.3.3, RFC 792, RFC 4443 §3): that no route leads to the
//! other side, that a filter forbids it, that nobody is there, and who says so. Linux tells it where it is asked to;
//! other systems say nothing here.
//!
//! The kernel takes only what quotes a packet between both addresses and ports of the socket. Who cannot see our packets must
//! guess the port; what is quoted of the packet itself, where it is enough, nobody can guess.

use std::io;
use std::net::IpAddr;

#[cfg(target_os = "linux")]
use nix::libc;
use tokio::net::UdpSocket;

/// What one message says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{obstacle}, says {by}")]
pub(crate) struct Told {
    pub(crate) obstacle: Obstacle,
    /// Who says it; this machine itself where its neighbour does not answer.
    pub(crate) by: IpAddr,
    /// What it quotes of a datagram of ours, from its first byte on.
    pub(crate) quoted: Vec<u8>,
}

/// Why a datagram did not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Obstacle {
    #[error("port unreachable")]
    Port,
    #[error("host unreachable")]
    Host,
    #[error("network unreachable")]
    Network,
    #[error("administratively prohibited")]
    Filter,
    #[error("not reached within as many hops as a packet may take")]
    Circle,
}

/// Asks the system to tell what comes for a connected socket, or no more. As long as it does, an error of ICMP is also what
/// the next call to the socket returns, once.
#[cfg(target_os = "linux")]
pub(crate) fn listen(socket: &UdpSocket, is_wanted: bool) -> io::Result<()> {
    use nix::sys::socket::setsockopt;
    use nix::sys::socket::sockopt::{Ipv4RecvErr, Ipv6RecvErr};
    match socket.local_addr()?.is_ipv4() {
        true => setsockopt(socket, Ipv4RecvErr, &is_wanted)?,
        false => setsockopt(socket, Ipv6RecvErr, &is_wanted)?,
    }
    Ok(())
}

/// The next of what has come.
///
/// # Errors
/// `WouldBlock` where there is nothing, or what else the system says.
#[cfg(target_os = "linux")]
pub(crate) fn next(socket: &UdpSocket) -> io::Result<Told> {
    loop {
        if let Some(told) = read(socket)? {
            return Ok(told);
        }
    }
}

/// Whether no ICMP makes such an error of a socket: a filter of this machine does.
#[cfg(target_os = "linux")]
pub(crate) fn is_of_none(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EPERM)
}

/// Where the system has no such thing, it is left as it is.
#[cfg(not(target_os = "linux"))]
pub(crate) fn listen(_: &UdpSocket, _: bool) -> io::Result<()> {
    Ok(())
}

/// There is never anything.
#[cfg(not(target_os = "linux"))]
pub(crate) fn next(_: &UdpSocket) -> io::Result<Told> {
    Err(io::ErrorKind::WouldBlock.into())
}

/// It is not known.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_of_none(_: &io::Error) -> bool {
    false
}

/// As much as is kept of what is quoted, bytes.
#[cfg(target_os = "linux")]
const QUOTE: usize = 512;

/// Takes one message; `None` for one that is of no interest, as what says how large a packet may be.
#[cfg(target_os = "linux")]
fn read(socket: &UdpSocket) -> io::Result<Option<Told>> {
    use std::io::IoSliceMut;
    use std::net::{Ipv4Addr, Ipv6Addr};
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg};

    let mut quoted = [0; QUOTE];
    let mut slices = [IoSliceMut::new(&mut quoted)];
    let mut space = nix::cmsg_space!(libc::sock_extended_err, libc::sockaddr_in6);
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut slices, Some(&mut space), flags)?;
    let read = message.bytes;
    let said = message.cmsgs()?.find_map(|control| match control {
        ControlMessageOwned::Ipv4RecvErr(error, Some(by)) => {
            let by = Ipv4Addr::from(u32::from_be(by.sin_addr.s_addr));
            Some((obstacle(&error)?, IpAddr::from(by)))
        }
        ControlMessageOwned::Ipv6RecvErr(error, Some(by)) => {
            Some((obstacle(&error)?, IpAddr::from(Ipv6Addr::from(by.sin6_addr.s6_addr))))
        }
        _ => None,
    });
    let quoted = quoted.get(..read).unwrap_or_default();
    Ok(said.map(|(obstacle, by)| Told { obstacle, by, quoted: quoted.to_vec() }))
}

#[cfg(target_os = "linux")]
fn obstacle(error: &libc::sock_extended_err) -> Option<Obstacle> {
    match error.ee_origin {
        libc::SO_EE_ORIGIN_ICMP => of_icmp(error.ee_type, error.ee_code),
        libc::SO_EE_ORIGIN_ICMP6 => of_icmpv6(error.ee_type, error.ee_code),
        _ => None,
    }
}

/// RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1.
#[cfg(target_os = "linux")]
fn of_icmp(kind: u8, code: u8) -> Option<Obstacle> {
    match (kind, code) {
        (3, 0 | 6 | 11) => Some(Obstacle::Network),
        (3, 1 | 5 | 7 | 8 | 12) => Some(Obstacle::Host),
        (3, 2 | 3) => Some(Obstacle::Port),
        (3, 9 | 10 | 13..=15) => Some(Obstacle::Filter),
        (11, _) => Some(Obstacle::Circle),
        _ => None,
    }
}

/// RFC 4443 §3.1, §3.3.
#[cfg(target_os = "linux")]
fn of_icmpv6(kind: u8, code: u8) -> Option<Obstacle> {
    match (kind, code) {
        (1, 0 | 2) => Some(Obstacle::Network),
        (1, 3) => Some(Obstacle::Host),
        (1, 4) => Some(Obstacle::Port),
        (1, 1 | 5 | 6) => Some(Obstacle::Filter),
        (3, _) => Some(Obstacle::Circle),
        _ => None,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use tokio::io::Interest;

    #[tokio::test]
    async fn a_closed_port_is_told_with_what_was_sent_to_it() {
        for (own, other) in [("127.0.0.1:0", "127.0.0.2:9"), ("[::1]:0", "[::1]:9")] {
            // Where there is no IPv6.
            let Ok(closed) = std::net::UdpSocket::bind(own) else { continue };
            // The port is nobody else's while this has it, and this takes nothing but from another address.
            closed.connect(other).unwrap();
            let socket = UdpSocket::bind(own).await.unwrap();
            listen(&socket, true).unwrap();
            socket.connect(closed.local_addr().unwrap()).await.unwrap();
            socket.send(b"is anybody there?").await.unwrap();
            let told = socket.async_io(Interest::ERROR, || next(&socket)).await.unwrap();
            let by = socket.local_addr().unwrap().ip();
            assert_eq!(told, Told { obstacle: Obstacle::Port, by, quoted: b"is anybody there?".to_vec() });
            listen(&socket, false).unwrap();
            assert_eq!(next(&socket).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        }
    }

    #[test]
    fn fragmentation_and_unknown_types_are_no_obstacle() {
        for (kind, code) in [(3, 4), (3, 16), (4, 0), (5, 1), (12, 0)] {
            assert_eq!(of_icmp(kind, code), None);
        }
        for (kind, code) in [(2, 0), (1, 7), (4, 1), (128, 0)] {
            assert_eq!(of_icmpv6(kind, code), None);
        }
    }
}
