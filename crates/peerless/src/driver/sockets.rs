//! The system's UDP sockets, one per transport and local address, with the batch calls where the system has them: UDP GSO and
//! sendmmsg for what leaves, recvmmsg and UDP GRO for what arrives. Where it lacks them the same calls move one datagram each.

use std::cell::RefCell;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
#[cfg(target_os = "linux")]
use std::os::fd::AsFd;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::BytesMut;
#[cfg(target_os = "linux")]
use peerless_native::datagrams;
use peerless_peer::id::TransportId;
use peerless_transport::datagram::{Datagram, Ecn, Protocol, Transmit};
use quinn_udp::{EcnCodepoint, RecvMeta, UdpSocketState};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// How many datagrams one send may carry. The kernel takes at most 64 (UDP_MAX_SEGMENTS).
pub(crate) const MAX_SEGMENTS: usize = 64;

/// Kernel buffers per socket, bytes: what data channels may have in flight over loopback. The kernel takes memory only
/// for what waits, counts more than the payload, and gives no more than its own limit (`net.core.rmem_max`).
const KERNEL_BUFFER: usize = 4 << 20;
/// What one GRO receive may fill, bytes.
const RECEIVE_SLOT: usize = 64 * 1024;
/// How many receives one system call may fill.
const RECEIVE_SLOTS: usize = 8;
/// Arriving datagrams are put into blocks of this size, which are freed when their last datagram is.
const BLOCK: usize = 32 * 1024;

thread_local! {
    /// What the system writes into. One per thread and not per connection: it is empty between two calls.
    static LANDING: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// One bound socket.
#[derive(Debug)]
pub(crate) struct Socket {
    io: UdpSocket,
    state: UdpSocketState,
    /// Its address: IP as bound, port as the system chose.
    pub(crate) local: SocketAddr,
    /// Whose it is.
    pub(crate) transport: TransportId,
    /// What the system would not send, until the peer is told; so many at most.
    discarded: RefCell<Vec<Transmit>>,
    /// Since when no interface has its address.
    pub(crate) missing: Option<Instant>,
}

/// How many are kept to be told; they go with each turn of the driver.
const DISCARDED_LIMIT: usize = 64;

impl Socket {
    /// Binds to `address` and a free port, for a transport.
    pub(crate) fn bind(address: IpAddr, transport: TransportId) -> io::Result<Self> {
        Self::new(std::net::UdpSocket::bind((address, 0))?, transport)
    }

    /// Binds to `address` and a free port of these, for a transport.
    pub(crate) fn bind_in(
        address: IpAddr,
        ports: &RangeInclusive<u16>,
        transport: TransportId,
    ) -> io::Result<Self> {
        Self::new(bind_in(address, ports)?, transport)
    }

    /// One that is bound already.
    pub(crate) fn new(socket: std::net::UdpSocket, transport: TransportId) -> io::Result<Self> {
        let state = UdpSocketState::new((&socket).into())?;
        // The system caps both at its own limit, and less is not an error.
        let _ = state.set_send_buffer_size((&socket).into(), KERNEL_BUFFER);
        let _ = state.set_recv_buffer_size((&socket).into(), KERNEL_BUFFER);
        let local = socket.local_addr()?;
        let (io, discarded) = (UdpSocket::from_std(socket)?, RefCell::default());
        Ok(Self { io, state, local, transport, discarded, missing: None })
    }

    /// Appends what has arrived to `datagrams`, copied once into `block`. `Pending` when there is nothing.
    pub(crate) fn poll_receive(
        &self,
        context: &mut Context<'_>,
        block: &mut BytesMut,
        datagrams: &mut Vec<Datagram>,
    ) -> Poll<()> {
        loop {
            if self.io.poll_recv_ready(context).is_pending() {
                return Poll::Pending;
            }
            match self.io.try_io(Interest::READABLE, || self.receive(block, datagrams)) {
                Ok(()) => return Poll::Ready(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // An ICMP answer to an earlier datagram: the transport has its own means to find out.
                Err(error) => tracing::trace!(%error, "receive"),
            }
        }
    }

    fn receive(&self, block: &mut BytesMut, datagrams: &mut Vec<Datagram>) -> io::Result<()> {
        LANDING.with_borrow_mut(|landing| {
            landing.resize(RECEIVE_SLOT * RECEIVE_SLOTS, 0);
            let mut meta = [RecvMeta::default(); RECEIVE_SLOTS];
            let mut chunks = landing.chunks_exact_mut(RECEIVE_SLOT);
            let mut slots: [IoSliceMut<'_>; RECEIVE_SLOTS] =
                std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
            let count = self.state.recv((&self.io).into(), &mut slots, &mut meta)?;
            for (slot, meta) in slots.iter().zip(&meta).take(count) {
                let filled = slot.get(..meta.len).unwrap_or_default();
                for contents in filled.chunks(meta.stride.max(1)) {
                    datagrams.push(self.datagram(meta, contents, block));
                }
            }
            Ok(())
        })
    }

    fn datagram(&self, meta: &RecvMeta, contents: &[u8], block: &mut BytesMut) -> Datagram {
        if block.capacity() - block.len() < contents.len() {
            block.reserve(BLOCK.max(contents.len()));
        }
        block.extend_from_slice(contents);
        Datagram {
            source: unmapped(meta.addr),
            destination: self.local,
            protocol: Protocol::Udp,
            ecn: meta.ecn.map(ecn_from_codepoint),
            contents: block.split(),
        }
    }

    /// Sends of these what one system call takes, from the first on; how many have left. None where the first cannot leave
    /// like that, or the system has no such call: [`poll_send`](Self::poll_send) says what becomes of it. `Pending` when the
    /// kernel's buffer is full.
    #[cfg(target_os = "linux")]
    pub(crate) fn poll_send_many<'a>(
        &self,
        context: &mut Context<'_>,
        transmits: impl Iterator<Item = (&'a Transmit, &'a [u8])> + Clone,
    ) -> Poll<usize> {
        let segments = self.state.max_gso_segments();
        let messages = transmits.map_while(|(transmit, bytes)| message(transmit, bytes, segments));
        loop {
            if self.io.poll_send_ready(context).is_pending() {
                return Poll::Pending;
            }
            let send = || datagrams::send(self.io.as_fd(), messages.clone());
            match self.io.try_io(Interest::WRITABLE, send) {
                Ok(count) => return Poll::Ready(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Poll::Ready(0),
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn poll_send_many<'a>(
        &self,
        _: &mut Context<'_>,
        _: impl Iterator<Item = (&'a Transmit, &'a [u8])> + Clone,
    ) -> Poll<usize> {
        Poll::Ready(0)
    }

    /// Sends what `transmit` describes and `bytes` holds. `Pending` when the kernel's buffer is full: nothing,
    /// or only the first part of it, has left, and `sent` says how much.
    pub(crate) fn poll_send(
        &self,
        context: &mut Context<'_>,
        transmit: &Transmit,
        bytes: &[u8],
        sent: &mut usize,
    ) -> Poll<()> {
        while *sent < bytes.len() {
            let rest = &bytes[*sent..];
            let segment = transmit.segment_size.unwrap_or(rest.len()).max(1);
            // Asked anew each time: the count falls to one when a driver turns out to have no offload.
            let part = rest.len().min(segment.saturating_mul(self.state.max_gso_segments().max(1)));
            let message = quinn_udp::Transmit {
                destination: transmit.destination,
                ecn: transmit.ecn.map(codepoint_from_ecn),
                contents: &rest[..part],
                segment_size: (part > segment).then_some(segment),
                src_ip: None,
            };
            if self.io.poll_send_ready(context).is_pending() {
                return Poll::Pending;
            }
            match self.io.try_io(Interest::WRITABLE, || self.state.try_send((&self.io).into(), &message)) {
                Ok(()) => *sent += part,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if message.segment_size.is_some() && self.state.max_gso_segments() == 1 => {
                    tracing::debug!(%error, "no segmentation offload here: one datagram a call from now on");
                }
                Err(error) => {
                    // No route, or the message is too large for the path: lost, as any datagram may be.
                    tracing::debug!(%error, destination = %transmit.destination, "send");
                    *sent += part;
                    self.discard(Transmit { size: part, segment_size: message.segment_size, ..*transmit });
                }
            }
        }
        Poll::Ready(())
    }

    /// Notes what was not sent.
    fn discard(&self, transmit: Transmit) {
        let mut discarded = self.discarded.borrow_mut();
        if discarded.len() < DISCARDED_LIMIT {
            discarded.push(transmit);
        }
    }

    /// What was not sent since this was last called.
    pub(crate) fn take_discarded(&self) -> Vec<Transmit> {
        self.discarded.take()
    }
}

/// As one of many; none where it is more than that.
#[cfg(target_os = "linux")]
fn message<'a>(transmit: &Transmit, contents: &'a [u8], segments: usize) -> Option<datagrams::Message<'a>> {
    let segment = transmit.segment_size.filter(|segment| *segment < contents.len());
    let is_one_message =
        segment.is_none_or(|size| segments > 1 && contents.len() <= size.saturating_mul(segments));
    if transmit.ecn.is_some() || !is_one_message {
        return None;
    }
    let segment = segment.map(u16::try_from).transpose().ok()?;
    Some(datagrams::Message { destination: transmit.destination, contents, segment })
}

/// Binds to `address` and a free port of these, from a random one on.
///
/// # Errors
/// `AddrInUse` where all are taken, or what else the system says.
pub(crate) fn bind_in(address: IpAddr, ports: &RangeInclusive<u16>) -> io::Result<std::net::UdpSocket> {
    let mut chance = [0; 2];
    aws_lc_rs::rand::fill(&mut chance).map_err(|_| io::Error::other("no random numbers"))?;
    let count = u32::from(*ports.end()) - u32::from(*ports.start()) + 1;
    let begin = u32::from(u16::from_be_bytes(chance)) % count;
    for step in 0..count {
        let port = u32::from(*ports.start()) + (begin + step) % count;
        match std::net::UdpSocket::bind((address, port as u16)) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            bound => return bound,
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, format!("no free port in {ports:?}")))
}

/// An IPv4 address that came through an IPv6 socket, as what it is.
fn unmapped(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn ecn_from_codepoint(codepoint: EcnCodepoint) -> Ecn {
    match codepoint {
        EcnCodepoint::Ect0 => Ecn::Ect0,
        EcnCodepoint::Ect1 => Ecn::Ect1,
        EcnCodepoint::Ce => Ecn::Ce,
    }
}

fn codepoint_from_ecn(ecn: Ecn) -> EcnCodepoint {
    match ecn {
        Ecn::Ect0 => EcnCodepoint::Ect0,
        Ecn::Ect1 => EcnCodepoint::Ect1,
        Ecn::Ce => EcnCodepoint::Ce,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::net::Ipv4Addr;

    #[tokio::test]
    async fn a_batch_of_equal_datagrams_arrives_as_single_ones_in_order() {
        let sender = Socket::bind(Ipv4Addr::LOCALHOST.into(), TransportId(0)).unwrap();
        let receiver = Socket::bind(Ipv4Addr::LOCALHOST.into(), TransportId(0)).unwrap();
        let bytes: Vec<u8> = (0..10).flat_map(|n| vec![n; if n == 9 { 300 } else { 1000 }]).collect();
        let transmit = Transmit {
            source: sender.local,
            destination: receiver.local,
            protocol: Protocol::Udp,
            ecn: None,
            size: bytes.len(),
            segment_size: Some(1000),
        };
        let mut sent = 0;
        poll_fn(|context| sender.poll_send(context, &transmit, &bytes, &mut sent)).await;
        let (mut block, mut datagrams) = (BytesMut::new(), Vec::new());
        while datagrams.len() < 10 {
            poll_fn(|context| receiver.poll_receive(context, &mut block, &mut datagrams)).await;
        }
        for (n, datagram) in datagrams.iter().enumerate() {
            assert_eq!(datagram.source, sender.local);
            assert_eq!(datagram.destination, receiver.local);
            assert_eq!(datagram.contents, vec![n as u8; if n == 9 { 300 } else { 1000 }]);
        }
    }

    #[tokio::test]
    async fn a_datagram_that_is_too_large_is_lost_and_the_next_one_leaves() {
        let sender = Socket::bind(Ipv4Addr::LOCALHOST.into(), TransportId(0)).unwrap();
        let receiver = Socket::bind(Ipv4Addr::LOCALHOST.into(), TransportId(0)).unwrap();
        let segments = sender.state.max_gso_segments();
        for size in [65_508, 1200] {
            let transmit = Transmit {
                source: sender.local,
                destination: receiver.local,
                protocol: Protocol::Udp,
                ecn: None,
                size,
                segment_size: None,
            };
            let mut sent = 0;
            poll_fn(|context| sender.poll_send(context, &transmit, &vec![1; size], &mut sent)).await;
            assert_eq!(sent, size);
            let discarded: Vec<_> = sender.take_discarded().iter().map(|transmit| transmit.size).collect();
            assert_eq!(discarded, if size > 65_507 { vec![size] } else { vec![] });
        }
        let (mut block, mut datagrams) = (BytesMut::new(), Vec::new());
        poll_fn(|context| receiver.poll_receive(context, &mut block, &mut datagrams)).await;
        assert_eq!(datagrams.iter().map(|datagram| datagram.contents.len()).collect::<Vec<_>>(), [1200]);
        assert_eq!(sender.state.max_gso_segments(), segments, "that is no reason to send one at a time");
    }
}
