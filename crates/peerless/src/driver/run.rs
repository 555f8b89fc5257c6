//! The driver: the one task of a connection. It moves datagrams between sockets and peer, hands in the time, and
//! runs the errands that need the system. It ends when the peer has closed and its last datagrams have left.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use peerless_peer::config::GatheringPolicy;
use peerless_peer::event::{Event, IceCandidateError};
use peerless_peer::id::TransportId;
use peerless_transport::datagram::{Base, Datagram, Protocol};
use peerless_wire::sdp::TcpType;
use rustls::pki_types::CertificateDer;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::addresses::{AddressOptions, AddressReason};
use crate::config::Configuration;
use crate::driver::alarm::Alarm;
use crate::driver::interfaces;
use crate::driver::resolve;
use crate::driver::showing::{self, Names};
use crate::driver::sockets::Socket;
use crate::driver::streams::Streams;
use crate::driver::tls;
use crate::driver::turn::{Departures, turn};
use crate::driver::watch::{GRACE, Watch};
use crate::driver::witness::{self, Post};
use crate::error::Error;
use crate::ice_tcp::IceTcp;
use crate::news::News;
use crate::shared::{Errand, Shared, State};

/// How much the driver takes in before it lets other tasks run, datagrams.
const RECEIVE_BUDGET: usize = 512;
/// How long the peer's deadlines wait at least while a socket is full: until it is not, nothing can be done for most.
const FULL_SOCKET_PAUSE: Duration = Duration::from_millis(5);

/// What gathering will need, checked before the connection is made.
#[derive(Debug)]
pub(crate) struct Plan {
    addresses: Option<Vec<IpAddr>>,
    options: AddressOptions,
    ice_tcp: IceTcp,
    tls_roots: Vec<CertificateDer<'static>>,
    /// Whether addresses that come later are taken up at once.
    is_continual: bool,
}

impl Plan {
    /// Refuses unknown interfaces, malformed server URLs, and what would have no effect.
    pub(crate) fn new(configuration: &Configuration) -> Result<Self, Error> {
        configuration.servers()?;
        configuration.addresses.check()?;
        if configuration.interfaces.is_some() && configuration.addresses.chooses() {
            return Err(AddressReason::Choice.into());
        }
        if configuration.ice_tcp.simultaneous && !cfg!(unix) {
            return Err(Error::Io(io::ErrorKind::Unsupported.into()));
        }
        interfaces::check(configuration.interfaces.as_deref())?;
        let (addresses, options) = (configuration.interfaces.clone(), configuration.addresses.clone());
        let tls_roots = tls::roots(&configuration.tls_roots)?;
        let is_continual = configuration.gathering == GatheringPolicy::Continually;
        Ok(Self { addresses, options, ice_tcp: configuration.ice_tcp.clone(), tls_roots, is_continual })
    }
}

/// Starts the task.
pub(crate) fn spawn(runtime: &Handle, shared: Arc<Shared>, plan: Plan) {
    let driver = Driver {
        shared,
        gathering: Vec::new(),
        names: Names::default(),
        sockets: Vec::new(),
        streams: Streams::new(plan.tls_roots.clone()),
        plan,
        released: Vec::new(),
        watch: None,
        alarm: Alarm::default(),
        errands: JoinSet::new(),
        arrived: Vec::new(),
        block: BytesMut::new(),
        departures: Departures::default(),
    };
    runtime.spawn(driver);
}

#[derive(Debug)]
struct Driver {
    shared: Arc<Shared>,
    plan: Plan,
    /// The transports that gather.
    gathering: Vec<TransportId>,
    names: Names,
    sockets: Vec<Socket>,
    streams: Streams,
    /// Transports that have ended: their sockets go once all that was polled has left.
    released: Vec<TransportId>,
    /// Begins with the first gathering.
    watch: Option<Watch>,
    alarm: Alarm,
    errands: JoinSet<()>,
    /// Datagrams on their way in, empty between two polls.
    arrived: Vec<Datagram>,
    /// Where arriving datagrams are copied.
    block: BytesMut,
    departures: Departures,
}

/// How the peer stood when the driver last had the lock.
#[derive(Debug)]
struct Standing {
    /// Closed, and its last datagrams taken.
    is_closed: bool,
    /// When it wants to be called.
    deadline: Option<Instant>,
    /// Errands that were run since, which may have made something to send.
    ran_errands: bool,
}

/// Also where the runtime ends before the connection: nobody waits for a task that is gone.
impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.lock_as_driver().end();
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let driver = &mut *self;
        driver.watch(context);
        let mut more = driver.receive(context);
        let (standing, is_full, has_left) = loop {
            let standing = driver.advance(context);
            // Sockets bound just now have not been asked yet: without that they would wake nobody.
            more |= standing.ran_errands;
            let is_full = driver.send(context).is_pending();
            let has_left = driver.streams.poll_flush(context).is_ready();
            more |= driver.streams.has_news();
            if is_full {
                break (standing, true, has_left);
            }
            if driver.departures.is_empty() && !standing.ran_errands {
                break (standing, false, has_left);
            }
            driver.departures.clear();
            driver.release();
        };
        while let Poll::Ready(Some(_)) = driver.errands.poll_join_next(context) {}
        if standing.is_closed && !is_full {
            driver.streams.close(Instant::now(), None);
            if has_left || driver.streams.is_empty() {
                return Poll::Ready(());
            }
        }
        let pause = is_full.then(|| Instant::now() + FULL_SOCKET_PAUSE);
        let deadline = [standing.deadline.max(pause), driver.network_deadline(), driver.streams.deadline()];
        if more || driver.alarm.set(context, deadline.into_iter().flatten().min()) {
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Driver {
    /// Takes in what has arrived, up to the budget; whether there may be more.
    fn receive(&mut self, context: &mut Context<'_>) -> bool {
        let mut more = false;
        for socket in &self.sockets {
            loop {
                if self.arrived.len() >= RECEIVE_BUDGET {
                    more = true;
                    break;
                }
                if socket.poll_receive(context, &mut self.block, &mut self.arrived).is_pending() {
                    break;
                }
            }
        }
        more | self.streams.poll_receive(context, Instant::now(), RECEIVE_BUDGET, &mut self.arrived)
    }

    /// Under the lock, taken once: hands in datagrams and time, takes out errands and what shall leave.
    fn advance(&mut self, context: &mut Context<'_>) -> Standing {
        let (sockets, streams, arrived) = (&self.sockets, &mut self.streams, &mut self.arrived);
        let takes_out = self.departures.is_empty();
        let hand_in = |state: &mut State, now| {
            streams.tell_opened(now, &mut state.peer);
            for datagram in arrived.drain(..) {
                state.peer.handle_datagram(now, datagram);
            }
            streams.tell(now, &mut state.peer);
            for transmit in sockets.iter().flat_map(Socket::take_discarded) {
                state.peer.count_discarded(&transmit);
            }
        };
        let turn = turn(&self.shared, context.waker(), hand_in, &mut self.departures, takes_out);
        let standing = Standing {
            is_closed: turn.is_closed,
            deadline: turn.deadline,
            ran_errands: !turn.errands.is_empty(),
        };
        for errand in turn.errands {
            self.run(errand);
        }
        standing
    }

    fn run(&mut self, errand: Errand) {
        match errand {
            Errand::Gather(transport) => {
                let now = Instant::now();
                self.watch.get_or_insert_with(Watch::new);
                self.look(now);
                self.gather(now, transport);
            }
            Errand::Release(transport) => self.released.push(transport),
            Errand::Witness { transport, servers } => self.witness(transport, servers),
            Errand::AddServer(server) => self.streams.add_server(server),
            Errand::FollowServer(alternate) => self.streams.follow(Instant::now(), alternate),
            Errand::CloseStream(stream) => self.streams.close(Instant::now(), Some(stream)),
            Errand::Resolve(name) => {
                self.errands.spawn(resolve::candidate_name(Arc::downgrade(&self.shared), name));
            }
        }
    }

    /// Closes the sockets of transports that have ended, with nothing of theirs left to send.
    fn release(&mut self) {
        for transport in self.released.drain(..) {
            self.sockets.retain(|socket| socket.transport != transport);
            self.streams.release(Instant::now(), transport);
            self.gathering.retain(|other| *other != transport);
        }
    }

    /// Looks at the machine's addresses where they may have changed.
    fn watch(&mut self, context: &mut Context<'_>) {
        let now = Instant::now();
        let is_over = |socket: &Socket| socket.missing.is_some_and(|since| since + GRACE <= now);
        let has_changed = self.watch.as_mut().is_some_and(|watch| watch.poll(context, now));
        if has_changed || self.sockets.iter().any(is_over) {
            self.look(now);
            self.take_up(now);
        }
    }

    /// Where gathering is continual, takes up addresses that have no socket yet.
    fn take_up(&mut self, now: Instant) {
        if !self.plan.is_continual {
            return;
        }
        let addresses = self.to_gather();
        for transport in self.gathering.clone() {
            let has_socket = |address: &IpAddr| {
                self.sockets.iter().any(|one| one.transport == transport && one.local.ip() == *address)
            };
            if !addresses.iter().all(has_socket) {
                tracing::info!("there are further local addresses");
                self.gather(now, transport);
            }
        }
    }

    /// When the sockets are to be compared with the machine's addresses again.
    fn network_deadline(&self) -> Option<Instant> {
        let watch = self.watch.as_ref().and_then(Watch::deadline);
        let missing = self.sockets.iter().filter_map(|socket| socket.missing);
        missing.map(|since| since + GRACE).chain(watch).min()
    }

    /// Tells the peer which of its sockets have lost their address and which have got it back; those that have been
    /// without for too long are closed. New addresses wait for the next gathering.
    fn look(&mut self, now: Instant) {
        if self.sockets.is_empty() {
            return;
        }
        let present = interfaces::present();
        if let Err(error) = &present {
            tracing::warn!(%error, "no list of interfaces");
        }
        let mut state = self.shared.lock_as_driver();
        let streams = &mut self.streams;
        self.sockets.retain_mut(|socket| {
            let address = socket.local.ip();
            let is_there = match &present {
                // All of 127.0.0.0/8 is there, though no interface names each.
                Ok(present) => address.is_loopback() || present.contains(&address),
                Err(_) => socket.missing.is_none(),
            };
            match socket.missing {
                None if !is_there => {
                    tracing::info!(address = %socket.local, "the network of a socket is gone");
                    socket.missing = Some(now);
                    for base in streams.at(address).chain([Base::udp(socket.local)]) {
                        state.peer.suspend_local_address(now, base);
                    }
                }
                Some(_) if is_there => {
                    tracing::info!(address = %socket.local, "the network of a socket is back");
                    socket.missing = None;
                    for base in streams.at(address).chain([Base::udp(socket.local)]) {
                        state.peer.restore_local_address(now, base);
                    }
                }
                Some(since) if since + GRACE <= now => {
                    for base in streams.at(address).chain([Base::udp(socket.local)]) {
                        state.peer.remove_local_address(now, base);
                    }
                    streams.remove(address);
                    return false;
                }
                _ => {}
            }
            true
        });
        drop(state);
        let (sockets, streams) = (&self.sockets, &self.streams);
        self.names.keep(|address| is_used(sockets, streams, address));
    }

    /// Binds a socket of a transport to each local address that has none, and asks for the servers' addresses. Again with
    /// each ICE restart, for the machine's addresses may be others now.
    fn gather(&mut self, now: Instant, transport: TransportId) {
        if !self.gathering.contains(&transport) {
            self.gathering.push(transport);
        }
        let addresses = self.to_gather();
        let places = self.streams.gather(&addresses, &self.plan.ice_tcp, transport);
        for address in addresses.iter().copied() {
            let is_bound = |socket: &Socket| socket.transport == transport && socket.local.ip() == address;
            if self.sockets.iter().any(is_bound) {
                continue;
            }
            let bound = match &self.plan.options.ports {
                Some(ports) => Socket::bind_in(address, ports, transport),
                None => Socket::bind(address, transport),
            };
            match bound {
                Ok(socket) => self.sockets.push(socket),
                Err(error) => self.tell_unbound(address, &error),
            }
        }
        let mut state = self.shared.lock_as_driver();
        for address in addresses.into_iter().filter(|at| is_used(&self.sockets, &self.streams, *at)) {
            if let Some(shown) = self.names.shown(address, &self.plan.options) {
                state.peer.show_local_address(transport, address, shown);
            }
        }
        let is_meant = |socket: &&Socket| socket.transport == transport && socket.missing.is_none();
        for socket in self.sockets.iter().filter(is_meant) {
            state.peer.add_local_address(now, transport, socket.local);
            for public in showing::translated(socket.local, &self.plan.options) {
                state.peer.add_translated_address(now, transport, Base::udp(socket.local), public);
            }
        }
        for (place, tcp_type) in places {
            match tcp_type {
                Some(tcp_type) => {
                    state.peer.add_tcp_address(now, transport, place, tcp_type);
                    // Translators lead to a port: active candidates have none.
                    let is_reached = tcp_type == TcpType::Passive;
                    for public in showing::translated(place, &self.plan.options).filter(|_| is_reached) {
                        state.peer.add_translated_address(now, transport, Base::tcp(place), public);
                    }
                }
                None => state.peer.add_stream_base(now, transport, place),
            }
        }
        drop(state);
        // As they are configured now; what cannot be used was refused there.
        let servers = self.shared.look().configuration.servers().unwrap_or_default();
        self.errands.spawn(resolve::servers(Arc::downgrade(&self.shared), transport, servers));
    }

    /// Finds out why servers are silent, should they be.
    fn witness(&mut self, transport: TransportId, servers: Vec<SocketAddr>) {
        let is_asking = |socket: &&Socket| socket.transport == transport && socket.missing.is_none();
        let locals = self.sockets.iter().filter(is_asking).map(|socket| socket.local).collect();
        let options = &self.plan.options;
        let post =
            Post { locals, ports: options.ports.clone(), hides_addresses: options.hides_host_addresses };
        self.errands.spawn(witness::ask(Arc::downgrade(&self.shared), transport, servers, post));
    }

    fn to_gather(&self) -> Vec<IpAddr> {
        let found = interfaces::to_gather(self.plan.addresses.as_deref(), &self.plan.options);
        found.unwrap_or_else(|error| {
            tracing::warn!(%error, "no list of interfaces");
            Vec::new()
        })
    }

    /// Tells that no candidate comes from an address.
    fn tell_unbound(&self, address: IpAddr, error: &io::Error) {
        tracing::warn!(%error, %address, "no socket on this address");
        let failure = IceCandidateError {
            address: Some(address),
            port: None,
            url: String::new(),
            error_code: resolve::UNREACHABLE,
            error_text: error.to_string(),
        };
        self.shared.lock_as_driver().publish(&News::Peer(Event::IceCandidateError(failure)));
    }

    /// Sends what waits. `Pending` when a socket is full; the rest stays for the next poll.
    fn send(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while let Some((_, transmit, bytes, sent)) = self.departures.first() {
            if transmit.protocol != Protocol::Udp {
                self.streams.send(transmit, bytes);
            } else if let Some(socket) = socket_of(&self.sockets, transmit.source)
                && socket.poll_send(context, transmit, bytes, sent).is_pending()
            {
                return Poll::Pending;
            }
            self.departures.step();
        }
        Poll::Ready(())
    }
}

/// Whether there is a socket, or where connections begin, at an address.
fn is_used(sockets: &[Socket], streams: &Streams, address: IpAddr) -> bool {
    sockets.iter().any(|socket| socket.local.ip() == address) || streams.at(address).next().is_some()
}

fn socket_of(sockets: &[Socket], source: SocketAddr) -> Option<&Socket> {
    sockets.iter().find(|socket| socket.local == source)
}
