//! The streams of a connection: where they begin, where they are accepted, which framing each has, and what the peer is told
//! of them. A stream is opened when the first datagram is to be sent by it (RFC 6544 §7.1).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use peerless_peer::Peer;
use peerless_peer::id::TransportId;
use peerless_transport::datagram::{Base, Datagram, Protocol, StreamId, Transmit};
use peerless_transport::turn::Alternate;
use peerless_wire::sdp::TcpType;
use rustls::pki_types::CertificateDer;
use tokio::net::TcpListener;

use crate::driver::framing::Framing;
use crate::driver::stream::{self, Stream};
use crate::ice_tcp::IceTcp;
use crate::stream_server::StreamServer;

/// How many accepted streams may wait at a time to show whose they are; further ones wait in the kernel.
const STRANGERS: usize = 32;
/// How long they may take.
const STRANGER_PATIENCE: Duration = Duration::from_secs(10);
/// How long each has at least, when others wait for its place.
const STRANGER_TURN: Duration = Duration::from_secs(1);
/// How many streams there are at most.
const LIMIT: usize = 256;
/// How long one that shall end may take to send its last words.
const FAREWELL: Duration = Duration::from_secs(2);
/// How many connections the kernel keeps for us to accept.
const BACKLOG: u32 = 64;
/// How many lost sends are kept to be told; they go with each turn of the driver.
const DISCARDED_LIMIT: usize = 64;

/// All streams of a connection.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    bases: Vec<(SocketAddr, TransportId)>,
    listeners: Vec<Listener>,
    servers: Vec<StreamServer>,
    streams: Vec<Stream>,
    /// Where others accept: no base bears the same name.
    taken: Vec<SocketAddr>,
    /// Root certificates beside the system's.
    roots: Arc<Vec<CertificateDer<'static>>>,
    opened: Vec<StreamId>,
    closed: Vec<(StreamId, String)>,
    discarded: Vec<Transmit>,
}

/// Where streams are accepted.
#[derive(Debug)]
struct Listener {
    io: TcpListener,
    local: SocketAddr,
    /// Passive, or simultaneous-open.
    tcp_type: TcpType,
    transport: TransportId,
}

impl Streams {
    /// With root certificates beside those of the system.
    pub(crate) fn new(roots: Vec<CertificateDer<'static>>) -> Self {
        Self { roots: Arc::new(roots), ..Self::default() }
    }

    /// Somebody else accepts streams here.
    pub(crate) fn keep_off(&mut self, addresses: &[SocketAddr]) {
        self.taken = addresses.to_vec();
    }

    /// From this local address streams are opened for a transport: its name, the same each time.
    fn add_base(&mut self, address: IpAddr, transport: TransportId) -> SocketAddr {
        let mut bases = self.bases.iter();
        if let Some((known, _)) = bases.find(|(known, of)| known.ip() == address && *of == transport) {
            return *known;
        }
        let is_free = |port: &u16| {
            let base = SocketAddr::new(address, *port);
            let is_base = self.bases.iter().any(|(known, _)| *known == base);
            !is_base && !self.is_listener(base) && !self.taken.contains(&base)
        };
        let base = SocketAddr::new(address, (1..=u16::MAX).find(is_free).unwrap_or(u16::MAX));
        self.bases.push((base, transport));
        base
    }

    /// Where streams of a transport begin, at each of the local addresses, and what candidate that is (RFC 6544 §5.1).
    pub(crate) fn gather(
        &mut self,
        addresses: &[IpAddr],
        wanted: &IceTcp,
        transport: TransportId,
    ) -> Vec<(SocketAddr, Option<TcpType>)> {
        let mut places = Vec::new();
        for address in addresses {
            let active = wanted.is_active(true).then_some(TcpType::Active);
            places.push((self.add_base(*address, transport), active));
            let passive = wanted.passive.map(|port| (port, TcpType::Passive));
            let simultaneous = wanted.simultaneous.then_some((0, TcpType::SimultaneousOpen));
            for (port, tcp_type) in passive.into_iter().chain(simultaneous) {
                match self.listen(SocketAddr::new(*address, port), tcp_type, transport) {
                    Ok(local) => places.push((local, Some(tcp_type))),
                    Err(error) => {
                        tracing::warn!(%error, %address, port, "no connections are taken on this address");
                    }
                }
            }
        }
        places
    }

    /// Takes one that somebody else accepted and that has yet to show itself, if there is room for it.
    pub(crate) fn take(&mut self, mut stream: Stream, transport: TransportId) {
        let strangers = self.streams.iter().filter(|stream| stream.stranger_until.is_some());
        if strangers.count() < STRANGERS && self.streams.len() < LIMIT {
            stream.transport = transport;
            self.streams.push(stream);
        }
    }

    /// Accepts streams for a transport at a local address, at any port where that has none: where that is.
    fn listen(
        &mut self,
        address: SocketAddr,
        tcp_type: TcpType,
        transport: TransportId,
    ) -> io::Result<SocketAddr> {
        let is_known = |known: &&Listener| {
            (known.local.ip(), known.tcp_type, known.transport) == (address.ip(), tcp_type, transport)
        };
        if let Some(known) = self.listeners.iter().find(is_known) {
            return Ok(known.local);
        }
        let socket = match tcp_type {
            // Connections are opened from the port as well.
            TcpType::SimultaneousOpen => stream::socket_at(address)?,
            _ => {
                let socket = stream::socket(address)?;
                // A port whose last connections have not faded yet can be used again.
                socket.set_reuseaddr(true)?;
                socket.bind(address)?;
                socket
            }
        };
        let io = socket.listen(BACKLOG)?;
        let local = io.local_addr()?;
        self.listeners.push(Listener { io, local, tcp_type, transport });
        Ok(local)
    }

    /// Streams to this address are for a TURN server.
    pub(crate) fn add_server(&mut self, server: StreamServer) {
        self.servers.retain(|known| (known.address, known.protocol) != (server.address, server.protocol));
        self.servers.push(server);
    }

    /// A TURN server has another in its place, which is the same but for its address, and may be its name.
    pub(crate) fn follow(&mut self, now: Instant, alternate: Alternate) {
        let Alternate { instead_of, address, domain } = alternate;
        let is_first = |known: &&StreamServer| {
            (known.address, known.protocol) == (instead_of.remote, instead_of.protocol)
        };
        if let Some(first) = self.servers.iter().find(is_first) {
            let host = domain.unwrap_or_else(|| first.host.clone());
            self.add_server(StreamServer { address, protocol: instead_of.protocol, host });
        }
        self.close(now, Some(instead_of));
    }

    /// Where streams of a local address begin or are accepted.
    pub(crate) fn at(&self, address: IpAddr) -> impl Iterator<Item = Base> + use<> {
        let bases = self.bases.iter().map(|(base, _)| *base);
        let all = bases.chain(self.listeners.iter().map(|listener| listener.local));
        let found: Vec<_> = all.filter(|base| base.ip() == address).map(Base::tcp).collect();
        found.into_iter()
    }

    /// Ends what is at a local address that is gone.
    pub(crate) fn remove(&mut self, address: IpAddr) {
        self.bases.retain(|(base, _)| base.ip() != address);
        self.listeners.retain(|listener| listener.local.ip() != address);
        self.streams.retain(|stream| stream.id.local.ip() != address);
    }

    /// A transport has ended, and so do its streams once their last words have left.
    pub(crate) fn release(&mut self, now: Instant, transport: TransportId) {
        self.bases.retain(|(_, of)| *of != transport);
        self.listeners.retain(|listener| listener.transport != transport);
        self.close_all(now, |stream| stream.transport == transport);
    }

    /// Ends a stream, or all, once what was sent by it has left.
    pub(crate) fn close(&mut self, now: Instant, id: Option<StreamId>) {
        self.close_all(now, |stream| id.is_none_or(|id| stream.id == id));
        if id.is_none() {
            self.bases.clear();
            self.listeners.clear();
        }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    fn close_all(&mut self, now: Instant, is_meant: impl Fn(&Stream) -> bool) {
        for stream in self.streams.iter_mut().filter(|stream| is_meant(stream)) {
            stream.closes_at.get_or_insert(now + FAREWELL);
        }
    }

    /// Opens, accepts and reads, up to `budget` datagrams. Whether there may be more.
    pub(crate) fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        now: Instant,
        budget: usize,
        datagrams: &mut Vec<Datagram>,
    ) -> bool {
        self.accept(context, now);
        let mut more = false;
        let (opened, closed) = (&mut self.opened, &mut self.closed);
        self.streams.retain_mut(|stream| {
            if stream.closes_at.is_some() {
                return stream.closes_at > Some(now) && stream.is_waiting();
            }
            if stream.stranger_until.is_some_and(|until| until <= now) {
                return false;
            }
            let mut outcome = stream.poll_open(context);
            if matches!(outcome, Poll::Ready(Ok(()))) {
                opened.push(stream.id);
            }
            if !matches!(outcome, Poll::Ready(Err(_))) {
                if datagrams.len() >= budget {
                    more = true;
                    return true;
                }
                outcome = stream.poll_receive(context, budget, datagrams);
            }
            match outcome {
                Poll::Ready(Err(error)) => {
                    // Of strangers nothing was told.
                    if stream.stranger_until.is_none() {
                        closed.push((stream.id, error.to_string()));
                    }
                    false
                }
                Poll::Ready(Ok(())) => {
                    more = true;
                    true
                }
                Poll::Pending => true,
            }
        });
        more
    }

    fn accept(&mut self, context: &mut Context<'_>, now: Instant) {
        for listener in &self.listeners {
            loop {
                let gives_way = self.oldest_stranger();
                if gives_way.is_some_and(|(_, at)| at > now) || self.streams.len() >= LIMIT {
                    break;
                }
                let Poll::Ready(accepted) = listener.io.poll_accept(context) else { break };
                if let Some((place, _)) = gives_way {
                    self.streams.remove(place);
                }
                let stream = accepted.and_then(|(stream, remote)| {
                    let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
                    let id = StreamId { protocol: Protocol::Tcp, local: listener.local, remote };
                    Stream::accepted(id, listener.transport, stream, now + STRANGER_PATIENCE)
                });
                match stream {
                    // The remote was quicker than we, from the port that we open to.
                    Ok(accepted) => match self.streams.iter_mut().find(|known| known.is_opening(accepted.id))
                    {
                        Some(known) => {
                            known.stand_for(accepted);
                            self.opened.push(known.id);
                        }
                        None => self.streams.push(accepted),
                    },
                    Err(error) => {
                        tracing::debug!(%error, "a connection was not accepted");
                        break;
                    }
                }
            }
        }
    }

    /// Where there are as many strangers as there may be: the place of the one that came first, and from when on it gives
    /// way to another.
    fn oldest_stranger(&self) -> Option<(usize, Instant)> {
        let all = self.streams.iter().enumerate();
        let strangers = all.filter_map(|(place, stream)| Some((place, stream.stranger_until?)));
        let is_full = strangers.clone().count() >= STRANGERS;
        let (place, until) = strangers.min_by_key(|(_, until)| *until).filter(|_| is_full)?;
        Some((place, until - STRANGER_PATIENCE + STRANGER_TURN))
    }

    /// Takes what `transmit` describes and `bytes` holds, and opens the stream where there is none.
    pub(crate) fn send(&mut self, transmit: &Transmit, bytes: &[u8]) {
        let id =
            StreamId { protocol: transmit.protocol, local: transmit.source, remote: transmit.destination };
        let is_its = |stream: &&mut Stream| stream.id == id && stream.closes_at.is_none();
        let lost = match self.streams.iter_mut().find(is_its) {
            Some(stream) => stream.send(transmit, bytes),
            None => match self.open(id) {
                Ok(mut stream) => {
                    let lost = stream.send(transmit, bytes);
                    self.streams.push(stream);
                    lost
                }
                Err(reason) => {
                    self.closed.push((id, reason.to_owned()));
                    bytes.len()
                }
            },
        };
        if lost > 0 && self.discarded.len() < DISCARDED_LIMIT {
            let segment_size = transmit.segment_size.filter(|size| *size < lost);
            self.discarded.push(Transmit { size: lost, segment_size, ..*transmit });
        }
    }

    fn open(&self, id: StreamId) -> Result<Stream, &'static str> {
        let of_base = self.bases.iter().find(|(base, _)| *base == id.local);
        let is_meant = |listener: &&Listener| {
            listener.local == id.local && listener.tcp_type == TcpType::SimultaneousOpen
        };
        let (transport, keeps_port) = match (of_base, self.listeners.iter().find(is_meant)) {
            (Some((_, transport)), _) => (*transport, false),
            (None, Some(listener)) => (listener.transport, true),
            (None, None) => return Err("no such connection"),
        };
        if self.streams.len() >= LIMIT {
            return Err("too many connections");
        }
        let of = |server: &&StreamServer| (server.address, server.protocol) == (id.remote, id.protocol);
        let server = self.servers.iter().find(of);
        let framing = if server.is_some() { Framing::Turn } else { Framing::Length };
        let host = match (id.protocol, server) {
            (Protocol::Tls | Protocol::Dtls, None) => return Err("no server of that name"),
            (Protocol::Tls | Protocol::Dtls, Some(server)) => Some((server.host.clone(), self.roots.clone())),
            _ => None,
        };
        Ok(Stream::open(id, transport, framing, host, keeps_port))
    }

    /// Writes what waits, and begins to open what was asked for. `Pending` where something still waits to be written.
    pub(crate) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let (opened, closed) = (&mut self.opened, &mut self.closed);
        self.streams.retain_mut(|stream| {
            let outcome = match stream.poll_open(context) {
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => {
                    opened.push(stream.id);
                    stream.poll_flush(context)
                }
                Poll::Pending => stream.poll_flush(context),
            };
            match outcome {
                Poll::Ready(Err(error)) => {
                    if stream.stranger_until.is_none() && stream.closes_at.is_none() {
                        closed.push((stream.id, error.to_string()));
                    }
                    false
                }
                _ => true,
            }
        });
        if self.streams.iter().any(Stream::is_waiting) { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Whether there is something that the peer has to be told.
    pub(crate) fn has_news(&self) -> bool {
        !self.opened.is_empty() || !self.closed.is_empty()
    }

    /// Tells the peer what stands, before the datagrams that came by it.
    pub(crate) fn tell_opened(&mut self, now: Instant, peer: &mut Peer) {
        self.opened.drain(..).for_each(|id| peer.stream_opened(now, id));
    }

    /// Tells the peer, after the datagrams that came, which strangers turned out to be the remote, what was lost, and what
    /// has ended.
    pub(crate) fn tell(&mut self, now: Instant, peer: &mut Peer) {
        for stream in self.streams.iter_mut().filter(|stream| stream.stranger_until.is_some()) {
            if peer.is_known_stream(stream.id) {
                stream.stranger_until = None;
                peer.stream_opened(now, stream.id);
            }
        }
        self.discarded.drain(..).for_each(|transmit| peer.count_discarded(&transmit));
        self.closed.drain(..).for_each(|(id, reason)| peer.stream_closed(now, id, &reason));
    }

    /// When something ends by itself.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let ends = self.streams.iter().filter_map(|stream| stream.closes_at.or(stream.stranger_until));
        ends.chain(self.oldest_stranger().map(|(_, at)| at)).min()
    }

    fn is_listener(&self, address: SocketAddr) -> bool {
        self.listeners.iter().any(|listener| listener.local == address)
    }
}

#[cfg(test)]
mod tests;
