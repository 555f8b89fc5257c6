//! The streams of a connection of an endpoint: those that the door passed on, and those that it opened. They are polled when
//! the connection has its turn, by its own bell, and tell the peer what a driver of its own would (`driver/run`).

use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll};
use std::time::Instant;

use peerless_peer::id::TransportId;
use peerless_peer::peer::Peer;
use peerless_transport::datagram::{Base, Datagram, StreamId, Transmit};
use peerless_wire::sdp::TcpType;

use crate::driver::stream::Stream;
use crate::driver::streams::Streams;
use crate::endpoint::change::Change;
use crate::endpoint::group::Group;
use crate::endpoint::member::Resident;

/// The streams of a connection for as long as its turn is; there may be none.
#[derive(Debug)]
pub(super) struct Turning {
    streams: Option<Box<Streams>>,
    has_more: bool,
}

impl Turning {
    /// Tells the peer what stands and what has ended, and hands it what came by them.
    pub(super) fn hand_in(&mut self, now: Instant, peer: &mut Peer, arrived: &mut Vec<Datagram>) {
        let Some(streams) = &mut self.streams else { return };
        streams.tell_opened(now, peer);
        for datagram in arrived.drain(..) {
            peer.handle_datagram(now, datagram);
        }
        streams.tell(now, peer);
    }

    /// When one of them ends by itself.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.streams.as_ref().and_then(|streams| streams.deadline())
    }

    /// Whether more may have arrived than was taken.
    pub(super) fn has_more(&self) -> bool {
        self.has_more
    }
}

impl Resident {
    /// Where streams begin and are accepted for a transport, and what candidate that is (RFC 6544 §5.1).
    pub(super) fn gather_streams(
        &mut self,
        (group, locals): (&Group, &[SocketAddr]),
        transport: TransportId,
    ) -> Vec<(SocketAddr, TcpType)> {
        self.transport = Some(transport);
        let accepting = locals.iter().filter(|_| group.takes_tcp);
        let mut places: Vec<_> = accepting.map(|local| (*local, TcpType::Passive)).collect();
        let wanted = self.shared.look().configuration.ice_tcp.clone();
        if wanted.is_active(false) {
            let mut addresses: Vec<IpAddr> = locals.iter().map(SocketAddr::ip).collect();
            addresses.dedup();
            let streams = self.streams.get_or_insert_default();
            streams.keep_off(locals);
            let bases = streams.gather(&addresses, &wanted, transport);
            places.extend(bases.into_iter().filter_map(|(base, tcp_type)| Some((base, tcp_type?))));
        }
        places
    }

    /// One that has named this connection, and has yet to show that it may.
    pub(super) fn take_stream(&mut self, stream: Stream) {
        // Without a transport there is no name.
        if let Some(transport) = self.transport {
            self.streams.get_or_insert_default().take(stream, transport);
        }
    }

    /// Takes in what has arrived, up to `budget` datagrams.
    pub(super) fn receive_streams(&mut self, budget: usize, arrived: &mut Vec<Datagram>) -> Turning {
        let mut streams = self.streams.take();
        let mut context = Context::from_waker(&self.waker);
        let has_more = streams
            .as_mut()
            .is_some_and(|streams| streams.poll_receive(&mut context, Instant::now(), budget, arrived));
        Turning { streams, has_more }
    }

    /// Its turn is over; whether there are streams to flush.
    pub(super) fn keep_streams(&mut self, turning: Turning) -> bool {
        self.streams = turning.streams;
        self.streams.is_some()
    }

    /// Takes what `transmit` describes and `bytes` holds.
    pub(super) fn send_by_stream(&mut self, transmit: &Transmit, bytes: &[u8]) {
        self.streams.get_or_insert_default().send(transmit, bytes);
    }

    /// Writes what waits; whether there is something that the peer has to be told.
    pub(super) fn flush_streams(&mut self) -> bool {
        let mut context = Context::from_waker(&self.waker);
        self.streams.as_mut().is_some_and(|streams| {
            let _ = streams.poll_flush(&mut context);
            streams.has_news()
        })
    }

    /// A stream is of no more use.
    pub(super) fn close_stream(&mut self, stream: StreamId) {
        self.streams.iter_mut().for_each(|streams| streams.close(Instant::now(), Some(stream)));
    }

    /// What has become of an address of the endpoint: what leads there is suspended, restored, or removed.
    pub(super) fn take_up<Bound>(&mut self, change: &Change<Bound>) {
        type Told = fn(&mut Peer, Instant, Base);
        let (local, tell): (SocketAddr, Told) = match change {
            Change::Bound(_) => return,
            Change::Suspend(local) => (*local, Peer::suspend_local_address),
            Change::Restore(local) => (*local, Peer::restore_local_address),
            Change::Release(local) => (*local, Peer::remove_local_address),
        };
        let opened = self.streams.iter().flat_map(|streams| streams.at(local.ip()));
        let bases: Vec<Base> = opened.chain([Base::udp(local), Base::tcp(local)]).collect();
        let (now, mut state) = (Instant::now(), self.shared.lock_as_driver());
        bases.into_iter().for_each(|base| tell(&mut state.peer, now, base));
        drop(state);
        if let (Change::Release(_), Some(streams)) = (change, &mut self.streams) {
            streams.remove(local.ip());
        }
    }

    /// A transport has ended.
    pub(super) fn release_streams(&mut self, transport: TransportId) {
        self.streams.iter_mut().for_each(|streams| streams.release(Instant::now(), transport));
    }

    /// The connection has closed: until when its streams may take to send what they have, if they do.
    pub(super) fn end_streams(&mut self) -> Option<Instant> {
        let streams = self.streams.as_mut()?;
        streams.close(Instant::now(), None);
        let has_left = streams.poll_flush(&mut Context::from_waker(&self.waker)) == Poll::Ready(());
        if has_left || streams.is_empty() { None } else { streams.deadline() }
    }
}
