//! Many datagrams to many places in one system call: sendmmsg(2), with UDP_SEGMENT (udp(7)) for messages that are several
//! datagrams of one size.
//!
//! Of the crates that are safe to call, `rustix` has no control message for segments, `nix` does not tell how many messages
//! have left but by addresses that nobody wrote, and `quinn-udp` sends one message a call.

use std::io;
use std::mem::{MaybeUninit, offset_of, zeroed};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use libc::{c_int, c_uint, cmsghdr, iovec, mmsghdr, msghdr, sa_family_t, sockaddr_in, sockaddr_in6};

/// The most messages that one call takes. Receivers on the same machine run within it, so it shall not be long.
pub const MESSAGES: usize = 64;

/// What goes to one place.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Where to; of the socket's family.
    pub destination: SocketAddr,
    /// One datagram, or several on end.
    pub contents: &'a [u8],
    /// How long each of several is, the last but at most.
    pub segment: Option<u16>,
}

/// The control message that names the size of segments.
#[repr(C)]
struct Control {
    header: cmsghdr,
    segment: u16,
}

/// An address as the system writes it.
#[repr(C)]
union Address {
    v4: sockaddr_in,
    v6: sockaddr_in6,
}

// As the macros of cmsg(3) would lay it out.
// SAFETY: both only calculate.
const CONTROL_LENGTH: usize = unsafe { libc::CMSG_LEN(size_of::<u16>() as c_uint) } as usize;
const _: () = assert!(offset_of!(Control, segment) + size_of::<u16>() == CONTROL_LENGTH);
// SAFETY: as above.
const _: () =
    assert!(size_of::<Control>() == unsafe { libc::CMSG_SPACE(size_of::<u16>() as c_uint) } as usize);

/// Sends messages by a socket, from the first on, [`MESSAGES`] at most. How many have left: all of them, or those before the
/// first that the system refused.
///
/// # Errors
/// What the system says of the first: `WouldBlock` where a socket that does not block has no room.
pub fn send<'a>(socket: BorrowedFd<'_>, messages: impl Iterator<Item = Message<'a>>) -> io::Result<usize> {
    // What the headers point to; only as much is written as there are messages.
    let mut addresses = [const { MaybeUninit::<Address>::uninit() }; MESSAGES];
    let mut contents = [const { MaybeUninit::<iovec>::uninit() }; MESSAGES];
    let mut controls = [const { MaybeUninit::<Control>::uninit() }; MESSAGES];
    let mut headers = [const { MaybeUninit::<mmsghdr>::uninit() }; MESSAGES];
    let places = addresses.iter_mut().zip(&mut contents).zip(controls.iter_mut().zip(&mut headers));
    let mut count = 0;
    for (((address, slice), (control, header)), message) in places.zip(messages) {
        // SAFETY: all of its members may be zero: no pointers, no lengths, no flags.
        let mut one: msghdr = unsafe { zeroed() };
        let (written, length) = system_address(message.destination);
        one.msg_name = std::ptr::from_mut(address.write(written)).cast();
        one.msg_namelen = length as libc::socklen_t;
        let (iov_base, iov_len) = (message.contents.as_ptr().cast_mut().cast(), message.contents.len());
        one.msg_iov = slice.write(iovec { iov_base, iov_len });
        one.msg_iovlen = 1;
        if let Some(segment) = message.segment {
            one.msg_control = std::ptr::from_mut(control.write(segments(segment))).cast();
            one.msg_controllen = size_of::<Control>() as _;
        }
        header.write(mmsghdr { msg_hdr: one, msg_len: 0 });
        count += 1;
    }
    loop {
        // SAFETY: so many headers are written. What they point to is written too, and lives in this function or, as the
        // contents, for longer; the system only reads it. It writes `msg_len` of the headers.
        let sent = unsafe {
            libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr().cast(), count, libc::MSG_NOSIGNAL as _)
        };
        match usize::try_from(sent) {
            Ok(sent) => return Ok(sent),
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => {}
                error => return Err(error),
            },
        }
    }
}

fn segments(segment: u16) -> Control {
    // SAFETY: all of its members are numbers.
    let mut header: cmsghdr = unsafe { zeroed() };
    header.cmsg_len = CONTROL_LENGTH as _;
    (header.cmsg_level, header.cmsg_type) = (libc::SOL_UDP, libc::UDP_SEGMENT);
    Control { header, segment }
}

/// The address and its length.
fn system_address(address: SocketAddr) -> (Address, usize) {
    let family = |family: c_int| family as sa_family_t;
    match address {
        SocketAddr::V4(address) => {
            let v4 = sockaddr_in {
                sin_family: family(libc::AF_INET),
                sin_port: address.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.ip().octets()) },
                sin_zero: [0; 8],
            };
            (Address { v4 }, size_of::<sockaddr_in>())
        }
        SocketAddr::V6(address) => {
            let v6 = sockaddr_in6 {
                sin6_family: family(libc::AF_INET6),
                sin6_port: address.port().to_be(),
                sin6_flowinfo: address.flowinfo(),
                sin6_addr: libc::in6_addr { s6_addr: address.ip().octets() },
                sin6_scope_id: address.scope_id(),
            };
            (Address { v6 }, size_of::<sockaddr_in6>())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
    use std::os::fd::AsFd;
    use std::time::Duration;

    use super::*;

    fn socket(address: impl Into<IpAddr>) -> UdpSocket {
        let socket = UdpSocket::bind((address.into(), 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        socket
    }

    fn heard(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
        let mut buffer = vec![0; 65_536];
        let (length, from) = socket.recv_from(&mut buffer).unwrap();
        buffer.truncate(length);
        (buffer, from)
    }

    fn message<'a>(to: &UdpSocket, contents: &'a [u8], segment: Option<u16>) -> Message<'a> {
        Message { destination: to.local_addr().unwrap(), contents, segment }
    }

    fn they_arrive(address: impl Into<IpAddr> + Copy) {
        let (sender, one, other) = (socket(address), socket(address), socket(address));
        let several: Vec<u8> = (0..5).flat_map(|n| vec![n; if n == 4 { 300 } else { 1000 }]).collect();
        let messages = [
            message(&one, b"first", None),
            message(&other, &several, Some(1000)),
            message(&one, &several[..900], None),
            message(&other, b"last", Some(1000)),
        ];
        assert_eq!(send(sender.as_fd(), messages.into_iter()).unwrap(), 4);
        let from = sender.local_addr().unwrap();
        assert_eq!(heard(&one), (b"first".to_vec(), from));
        assert_eq!(heard(&one), (vec![0; 900], from));
        for segment in several.chunks(1000) {
            assert_eq!(heard(&other), (segment.to_vec(), from));
        }
        assert_eq!(heard(&other), (b"last".to_vec(), from));
    }

    #[test]
    fn messages_to_many_places_leave_in_order_in_one_call() {
        they_arrive(Ipv4Addr::LOCALHOST);
    }

    #[test]
    fn so_they_do_over_ipv6() {
        they_arrive(Ipv6Addr::LOCALHOST);
    }

    #[test]
    fn one_that_is_refused_ends_the_call_and_its_reason_comes_with_the_next() {
        let (sender, receiver) = (socket(Ipv4Addr::LOCALHOST), socket(Ipv4Addr::LOCALHOST));
        let huge = vec![1; 65_508];
        let messages = [b"first", &huge[..], b"last"].map(|contents| message(&receiver, contents, None));
        assert_eq!(send(sender.as_fd(), messages.into_iter()).unwrap(), 1);
        let error = send(sender.as_fd(), messages.into_iter().skip(1)).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE));
        assert_eq!(send(sender.as_fd(), messages.into_iter().skip(2)).unwrap(), 1);
        assert_eq!((heard(&receiver).0, heard(&receiver).0), (b"first".to_vec(), b"last".to_vec()));
    }

    #[test]
    fn of_more_than_a_call_takes_the_first_leave() {
        let (sender, receiver) = (socket(Ipv4Addr::LOCALHOST), socket(Ipv4Addr::LOCALHOST));
        let all: Vec<[u8; 1]> = (0..100).map(|n| [n]).collect();
        let messages = all.iter().map(|contents| message(&receiver, contents, None));
        assert_eq!(send(sender.as_fd(), messages).unwrap(), MESSAGES);
        for number in 0..MESSAGES as u8 {
            assert_eq!(heard(&receiver).0, [number]);
        }
        assert_eq!(send(sender.as_fd(), std::iter::empty()).unwrap(), 0);
    }
}
