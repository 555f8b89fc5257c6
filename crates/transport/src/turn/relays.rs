//! All allocations of an agent: a client for each server and base of its family (RFC 8445 §5.1.1.2).

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use peerless_wire::stun::{Message, Method};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::datagram::{Base, Carrier, Protocol, StreamId, Transmit};
use crate::envelope::Envelope;
use crate::turn::client::{Client, News, State};
use crate::turn::server::{Alternate, TurnServer};
use crate::turn::timing::Timing;

/// How many servers are asked, each at one address by one protocol.
const SERVER_LIMIT: usize = 16;
/// How many allocations are made in all.
const CLIENT_LIMIT: usize = 32;

/// webrtc-pc §4.8.3: a server that cannot be reached.
const NO_ANSWER: u16 = 701;

/// All clients.
#[derive(Debug)]
pub(crate) struct Relays {
    servers: Vec<TurnServer>,
    /// Where streams to servers begin.
    stream_bases: Vec<SocketAddr>,
    clients: Vec<Client>,
    timing: Timing,
    rng: ChaCha20Rng,
    is_closed: bool,
    told: VecDeque<Told>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// There is a base more.
    Added(Relay),
    /// A base is gone.
    Removed(Base),
    /// A server lends nothing to a base: STUN's code, or 701.
    Failed { local: SocketAddr, url: String, code: u16, reason: String },
    /// This stream is of no use any more.
    CloseStream(StreamId),
    /// A server that is reached by a connection has another in its place.
    Follow(Alternate),
    /// Nothing goes to this address, or comes from it, by way of the base.
    Refused(Base, IpAddr),
}

/// An address that a server lends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Relay {
    pub(crate) base: Base,
    /// The server.
    pub(crate) server: SocketAddr,
    /// Where it sees the socket that it is lent to.
    pub(crate) mapped: Option<SocketAddr>,
    /// What carries packets to the server.
    pub(crate) protocol: Protocol,
}

/// What became of a packet that came from a server.
#[derive(Debug)]
pub(crate) enum Unwrapped {
    /// It is a peer's, sent to this base of ours.
    Inner(SocketAddr, Base, BytesMut),
    /// It was for a client. Whether it was any good.
    Taken(bool),
    /// It was not by way of a server.
    Not(BytesMut),
}

impl Relays {
    pub(crate) fn new(timing: Timing, rng: ChaCha20Rng) -> Self {
        let (servers, clients, told) = (Vec::new(), Vec::new(), VecDeque::new());
        Self { servers, stream_bases: Vec::new(), clients, timing, rng, is_closed: false, told }
    }

    /// Whether there is nothing to do here.
    pub(crate) fn is_empty(&self) -> bool {
        self.servers.is_empty() && self.clients.is_empty()
    }

    /// Adds a server, to be asked from each base of its family.
    pub(crate) fn add_server(&mut self, server: TurnServer) {
        if !self.servers.contains(&server) && self.servers.len() < SERVER_LIMIT {
            self.servers.push(server);
        }
    }

    /// Adds an address from where streams to servers can be opened.
    pub(crate) fn add_stream_base(&mut self, address: SocketAddr) {
        if !self.stream_bases.contains(&address) && self.stream_bases.len() < CLIENT_LIMIT {
            self.stream_bases.push(address);
        }
    }

    /// Where streams to servers begin.
    pub(crate) fn stream_bases(&self) -> impl Iterator<Item = SocketAddr> {
        self.stream_bases.iter().copied()
    }

    /// Gathering begins anew; the servers come again, and may be others.
    pub(crate) fn restart(&mut self) {
        self.servers.clear();
        self.clients.iter_mut().for_each(|client| client.is_wanted = false);
    }

    /// The gathering that began anew is of no use any more: all that was there before stays.
    pub(crate) fn abandon(&mut self) {
        self.clients.iter_mut().for_each(|client| client.is_wanted = true);
    }

    /// A gathering goes on from these sockets, and from where streams begin: makes the clients that are missing, and asks those that are there anew.
    pub(crate) fn gather(&mut self, now: Instant, bases: &[Base]) {
        for server in &self.servers {
            let carrier = Carrier::from(server.protocol);
            let streams = self.stream_bases.iter().map(|address| Base { address: *address, carrier });
            // They carry no UDP, whatever their name.
            let streams = streams.filter(|base| base.is_stream());
            for base in bases.iter().copied().chain(streams).filter(|base| is_of(server, *base)) {
                let has_room = self.clients.len() < CLIENT_LIMIT && !self.is_closed;
                let known =
                    self.clients.iter_mut().find(|known| known.base == base && known.server == *server);
                match known {
                    Some(known) if known.is_wanted => {}
                    Some(known) => known.begin_again(now),
                    None if has_room => {
                        let mut seed = [0; 32];
                        self.rng.fill_bytes(&mut seed);
                        let rng = ChaCha20Rng::from_seed(seed);
                        self.clients.push(Client::new(base, server.clone(), self.timing, rng));
                    }
                    None => {}
                }
            }
        }
    }

    /// Asks the next server that was not asked yet; whether there was one.
    pub(crate) fn start_next(&mut self, now: Instant) -> bool {
        let waiting = self.clients.iter_mut().find(|client| client.state == State::Waiting);
        waiting.map(|client| client.start(now)).is_some()
    }

    /// Whether there is one.
    pub(crate) fn has_waiting(&self) -> bool {
        self.clients.iter().any(|client| client.state == State::Waiting)
    }

    /// Whether gathering has to wait.
    pub(crate) fn is_pending(&self) -> bool {
        self.clients.iter().any(Client::is_pending)
    }

    /// The socket at `base` is closed.
    pub(crate) fn remove_base(&mut self, base: Base) {
        if base.is_stream() {
            self.stream_bases.retain(|known| *known != base.address);
        }
        for client in self.clients.extract_if(.., |client| is_at(client, base)) {
            self.told.extend(client.bases().map(Told::Removed));
        }
    }

    /// The bases that servers lend to the socket at `base`.
    pub(crate) fn over(&self, base: Base) -> Vec<Base> {
        let clients = self.clients.iter().filter(|client| is_at(client, base));
        clients.flat_map(Client::bases).collect()
    }

    /// Ends the allocations that no gathering wants any more, but for those that are `in_use`.
    pub(crate) fn tidy(&mut self, now: Instant, in_use: impl Fn(Base) -> bool) {
        for client in &mut self.clients {
            if !client.is_wanted && client.state != State::Closed && !client.bases().any(&in_use) {
                self.told.extend(client.bases().map(Told::Removed));
                client.close(now);
            }
        }
        let is_over = |client: &mut Client| client.state == State::Closed && !client.has_outgoing();
        let streams = self.clients.extract_if(.., is_over).filter_map(|client| client.stream());
        self.told.extend(streams.map(Told::CloseStream));
    }

    /// Ends all allocations.
    pub(crate) fn close(&mut self, now: Instant) {
        self.is_closed = true;
        self.servers.clear();
        self.clients.iter_mut().for_each(|client| client.close(now));
    }

    /// Takes apart what came from a server.
    pub(crate) fn unwrap(
        &mut self,
        now: Instant,
        source: SocketAddr,
        base: Base,
        mut packet: BytesMut,
    ) -> Unwrapped {
        let Some(first) = self.clients.iter().position(|client| client.is_from(source, base)) else {
            return Unwrapped::Not(packet);
        };
        let mut clients = self.clients.iter_mut().skip(first).filter(|client| client.is_from(source, base));
        if let Some((peer, base, range)) = clients.by_ref().find_map(|client| client.unwrap(&packet)) {
            packet.truncate(range.end);
            return Unwrapped::Inner(peer, base, packet.split_off(range.start));
        }
        let Ok(message) = Message::parse(&packet) else {
            // Channel data of a channel that we do not know, or noise: DTLS and media come by no server.
            return Unwrapped::Taken(false);
        };
        if message.method() == Method::BINDING {
            return Unwrapped::Not(packet);
        }
        let mut clients = self.clients.iter_mut().filter(|client| client.is_from(source, base));
        let is_good = clients.any(|client| client.handle_response(now, &message));
        self.take_news();
        Unwrapped::Taken(is_good)
    }

    /// Sends a check or an answer by way of a relay: now, or when the server lets it.
    pub(crate) fn send(&mut self, now: Instant, base: Base, peer: SocketAddr, contents: &Bytes) {
        if let Some(client) = self.of_mut(base) {
            client.send(now, peer, contents);
        }
    }

    /// What a packet leaves in by way of a relay.
    pub(crate) fn envelope(&self, base: Base, peer: SocketAddr) -> Option<Envelope> {
        let client = self.clients.iter().find(|client| client.has_relayed(base.address))?;
        (base.carrier == Carrier::Relay).then(|| client.envelope(peer))
    }

    /// Packets go by this route from now on.
    pub(crate) fn use_route(&mut self, now: Instant, route: Option<(Base, SocketAddr)>) {
        for client in &mut self.clients {
            let is_here = |route: &(Base, SocketAddr)| {
                route.0.carrier == Carrier::Relay && client.has_relayed(route.0.address)
            };
            let peer = route.filter(is_here).map(|(_, peer)| peer);
            client.want_channel(now, peer);
        }
    }

    /// A stream stands; whether it is one to a server.
    pub(crate) fn stream_opened(&mut self, stream: StreamId) -> bool {
        let mut is_ours = false;
        for client in self.clients.iter_mut().filter(|client| client.is_from(stream.remote, stream.base())) {
            client.way.is_open = true;
            is_ours = true;
        }
        is_ours
    }

    /// The stream to a server has ended, or could not be opened. Whether there was one.
    pub(crate) fn stream_closed(&mut self, server: SocketAddr, base: Base, reason: &str) -> bool {
        let mut clients = self.clients.iter_mut().filter(|client| client.is_from(server, base)).peekable();
        let is_ours = clients.peek().is_some();
        clients.for_each(|client| client.stream_closed(reason));
        self.take_news();
        is_ours
    }

    /// Whether this server is asked over UDP and has not answered.
    pub(crate) fn is_awaiting(&self, server: SocketAddr) -> bool {
        let mut clients = self.clients.iter().filter(|client| client.is_datagram_to(server));
        clients.any(|client| client.is_pending() && !client.has_answered)
    }

    /// The network says this of a server.
    pub(crate) fn note_obstacle(&mut self, server: SocketAddr, obstacle: &str) {
        let clients = self.clients.iter_mut().filter(|client| client.is_datagram_to(server));
        clients.for_each(|client| client.way.note_obstacle(obstacle));
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.clients.iter_mut().for_each(|client| client.handle_timeout(now));
        self.take_news();
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.clients.iter().filter_map(Client::next_timeout).min()
    }

    /// Whether something is to leave at once.
    pub(crate) fn has_outgoing(&self) -> bool {
        self.clients.iter().any(Client::has_outgoing)
    }

    /// Appends what is to leave next.
    pub(crate) fn poll_transmit(&mut self, now: Instant, out: &mut BytesMut) -> Option<Transmit> {
        self.clients.iter_mut().find_map(|client| client.poll_transmit(now, out))
    }

    pub(crate) fn poll_told(&mut self) -> Option<Told> {
        self.told.pop_front()
    }

    /// The URL and the protocol of the server that lends the address of `base`.
    pub(crate) fn source_of(&self, base: Base) -> Option<(&str, Protocol)> {
        let client = self.clients.iter().find(|client| client.has_relayed(base.address))?;
        Some((&client.server.url, client.server.protocol))
    }

    fn of_mut(&mut self, base: Base) -> Option<&mut Client> {
        self.clients.iter_mut().find(|client| client.has_relayed(base.address))
    }

    fn take_news(&mut self) {
        for at in 0..self.clients.len() {
            while let Some(news) = self.clients.get_mut(at).and_then(Client::poll_news) {
                self.take(at, news);
            }
        }
    }

    fn take(&mut self, at: usize, news: News) {
        let Some(client) = self.clients.get(at) else { return };
        let relay = |address| Base { address, carrier: Carrier::Relay };
        let (local, url) = (client.base.address, client.server.url.clone());
        match news {
            News::Relayed(address) => self.told.push_back(Told::Added(Relay {
                base: relay(address),
                server: client.server.address,
                mapped: client.mapped(),
                protocol: client.server.protocol,
            })),
            News::Lost(address) => self.told.push_back(Told::Removed(relay(address))),
            News::Failed(code, reason) => {
                let stream = client.stream().filter(|_| client.state == State::Failed);
                self.told.extend(stream.map(Told::CloseStream));
                self.told.push_back(Told::Failed { local, url, code, reason });
            }
            News::Unanswered(reason) => {
                self.told.extend(client.stream().map(Told::CloseStream));
                // Told once, where no base has reached any address of the URL.
                let of_url = || self.clients.iter().filter(|other| other.server.url == url);
                if of_url().any(Client::is_pending) || of_url().any(|other| other.has_answered) {
                    return;
                }
                self.told.push_back(Told::Failed { local, url, code: NO_ANSWER, reason });
            }
            News::Follow(alternate) => self.told.push_back(Told::Follow(alternate)),
            News::Refused(ip) => {
                let address =
                    client.bases().map(|base| base.address).find(|own| own.is_ipv4() == ip.is_ipv4());
                self.told.extend(address.map(|address| Told::Refused(relay(address), ip)));
            }
        }
    }
}

/// Whether a client is at a socket, or where streams begin, be they of TCP or TLS.
fn is_at(client: &Client, base: Base) -> bool {
    client.base.address == base.address && client.base.is_stream() == base.is_stream()
}

/// Whether a server can be asked from a base: of one family, by what the base carries.
fn is_of(server: &TurnServer, base: Base) -> bool {
    let carrier = Carrier::from(server.protocol);
    base.carrier == carrier && base.is_ipv4() == server.address.is_ipv4()
}
