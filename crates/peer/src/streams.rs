//! Streams: connections of TCP and TLS that carry datagrams, to the remote (RFC 6544) and to servers (RFC 8656 §2.1). The caller
//! opens, accepts, frames and closes them; each is named by its [`StreamId`].

use std::net::SocketAddr;
use std::time::Instant;

use peerless_transport::datagram::{Base, StreamId};
use peerless_wire::sdp::TcpType;

use crate::id::TransportId;
use crate::peer::Peer;

impl Peer {
    /// From this address streams to servers may be opened for a transport. Its port is a number that the caller chose,
    /// for this and no other address of the peer; nothing is bound to it. A stream is opened when the first datagram is
    /// to be sent by it.
    pub fn add_stream_base(&mut self, now: Instant, transport: TransportId, address: SocketAddr) {
        if let Some(link) = self.free_for(transport, address) {
            self.engine.links.get_mut(link).into_iter().for_each(|link| link.add_stream_base(now, address));
        }
    }

    /// A host candidate of TCP (RFC 6544 §5.1): active, a stream base from where connections are opened as
    /// with [`Peer::add_stream_base`]; or passive, the address of a bound socket that listens.
    pub fn add_tcp_address(
        &mut self,
        now: Instant,
        transport: TransportId,
        address: SocketAddr,
        tcp_type: TcpType,
    ) {
        if let Some(link) = self.free_for(transport, address) {
            let link = self.engine.links.get_mut(link);
            link.into_iter().for_each(|link| link.add_tcp_address(now, address, tcp_type));
        }
        self.engine.settle();
    }

    /// A stream stands: one that was opened, or one that was accepted and that [`Peer::is_known_stream`].
    pub fn stream_opened(&mut self, now: Instant, stream: StreamId) {
        if let Some(link) = self.engine.links.at_mut(stream.base()) {
            link.transport.stream_opened(now, stream);
        }
        self.engine.settle();
    }

    /// A stream has ended, or could not be opened, for this reason.
    pub fn stream_closed(&mut self, now: Instant, stream: StreamId, reason: &str) {
        if let Some(link) = self.engine.links.at_mut(stream.base()) {
            link.transport.stream_closed(now, stream, reason);
        }
        self.engine.settle();
    }

    /// Whether an authentic check came by this stream. Until then an accepted one may be anybody's.
    pub fn is_known_stream(&self, stream: StreamId) -> bool {
        let mut links = self.engine.links.iter().filter(|link| link.has_base(stream.base()));
        links.any(|link| link.transport.ice().is_known(stream.remote, stream.base()))
    }

    /// The transport, unless another has the address already.
    fn free_for(&mut self, transport: TransportId, address: SocketAddr) -> Option<TransportId> {
        let holder = self.engine.links.at_mut(Base::tcp(address)).map(|link| link.id);
        holder.is_none_or(|holder| holder == transport).then_some(transport)
    }
}
