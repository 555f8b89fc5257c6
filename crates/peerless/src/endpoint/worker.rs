//! The task that drives many connections over the sockets of an endpoint.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use peerless_peer::id::TransportId;
use peerless_transport::datagram::{Base, Datagram, Protocol, Transmit};
use peerless_wire::sdp::TcpType;
use peerless_wire::stun::{Class, Message};
use tokio::task::JoinSet;

use crate::driver::alarm::Alarm;
use crate::driver::resolve;
use crate::driver::showing;
use crate::driver::sockets::Socket;
use crate::driver::stream::Stream;
use crate::driver::turn::{Departures, Place, turn};
use crate::driver::witness::{self, Post};
use crate::endpoint::change::Change;
use crate::endpoint::deadlines::Deadlines;
use crate::endpoint::group::Group;
use crate::endpoint::member::{Arrival, Mail, Member, Resident};
use crate::endpoint::outlet::Outlet;
use crate::endpoint::path::Path;
use crate::endpoint::stats::add;
use crate::shared::{Errand, State};

/// How much a worker takes in before it lets other tasks run, datagrams.
const RECEIVE_BUDGET: usize = 512;
/// How often it fills the send buffer before it does.
const ROUNDS: usize = 16;
/// How long deadlines wait at least while a socket is full.
const FULL_SOCKET_PAUSE: Duration = Duration::from_millis(5);
/// How many paths are known of one connection; the oldest give way.
const PATHS: usize = 32;
/// How many checks of one connection are remembered; the oldest give way. An agent has 100 pairs at most.
const CHECKS: usize = 128;
/// How many empty lists for arriving datagrams are kept.
const SPARE: usize = 64;

/// The task.
#[derive(Debug)]
pub(super) struct Worker {
    index: usize,
    group: Arc<Group>,
    outlets: Vec<Outlet>,
    residents: HashMap<u64, Resident>,
    /// Those that want a turn.
    ready: VecDeque<Arc<Member>>,
    deadlines: Deadlines,
    alarm: Alarm,
    errands: JoinSet<()>,
    /// Datagrams on their way in, empty between two polls.
    arrived: Vec<Datagram>,
    /// Likewise, by the streams of the connection that has its turn.
    streamed: Vec<Datagram>,
    /// Where they are copied.
    block: BytesMut,
    /// Those for connections that live elsewhere, by worker.
    elsewhere: Vec<Vec<(Arc<Member>, Arrival)>>,
    spare: Vec<Vec<Arrival>>,
    departures: Departures,
    /// Whose each of these is.
    owners: Vec<u64>,
    /// The next of them that may go by a stream.
    next_streamed: Place,
    /// Those whose streams may have something to write.
    flushing: Vec<u64>,
    /// Those that go when what is to be sent was sent: closed ones.
    ending: Vec<u64>,
    is_closing: bool,
}

/// Also where the runtime ends before the connections: nobody waits for a task that is gone.
impl Drop for Worker {
    fn drop(&mut self) {
        // The port is free before it is told that it is.
        self.outlets.clear();
        let Mail { newcomers, .. } = self.group.post.end(self.index);
        let left: Vec<Resident> = self.residents.drain().map(|(_, resident)| resident).collect();
        for resident in left.into_iter().chain(newcomers) {
            self.forget(resident);
        }
        self.group.tasks.send_modify(|left| left.workers -= 1);
    }
}

impl Future for Worker {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let worker = &mut *self;
        worker.collect(context.waker());
        let mut more = worker.receive(context);
        worker.expire(Instant::now());
        let mut rounds = 0;
        let is_full = loop {
            if worker.departures.is_empty() {
                worker.turn_ready();
            }
            if worker.send(context).is_pending() {
                break true;
            }
            worker.settle();
            rounds += 1;
            if worker.ready.is_empty() || rounds == ROUNDS {
                more |= !worker.ready.is_empty();
                break false;
            }
        };
        while let Poll::Ready(Some(_)) = worker.errands.poll_join_next(context) {}
        if worker.group.is_over() {
            return Poll::Ready(());
        }
        let pause = is_full.then(|| Instant::now() + FULL_SOCKET_PAUSE);
        let deadline = worker.deadlines.first().max(pause);
        if more || worker.alarm.set(context, deadline) {
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Worker {
    pub(super) fn new(index: usize, group: Arc<Group>, sockets: Vec<Socket>) -> Self {
        let workers = group.post.workers();
        Self {
            index,
            group,
            outlets: sockets.into_iter().map(Outlet::new).collect(),
            residents: HashMap::new(),
            ready: VecDeque::new(),
            deadlines: Deadlines::default(),
            alarm: Alarm::default(),
            errands: JoinSet::new(),
            arrived: Vec::new(),
            streamed: Vec::new(),
            block: BytesMut::new(),
            elsewhere: (0..workers).map(|_| Vec::new()).collect(),
            spare: Vec::new(),
            departures: Departures::default(),
            owners: Vec::new(),
            next_streamed: Place::default(),
            flushing: Vec::new(),
            ending: Vec::new(),
            is_closing: false,
        }
    }

    /// Takes what waits for it: newcomers first, for whom the rest may be.
    fn collect(&mut self, waker: &Waker) {
        let Mail { newcomers, rung, passed, streams, changes, .. } =
            self.group.post.collect(self.index, waker);
        let closes = self.group.is_closing.load(Ordering::Acquire);
        for resident in newcomers {
            if closes {
                resident.shared.lock().close(Instant::now());
            }
            self.deadlines.set(resident.member.id, None, resident.deadline);
            self.residents.insert(resident.member.id, resident);
        }
        if closes && !std::mem::replace(&mut self.is_closing, true) {
            self.residents.values().for_each(|resident| resident.shared.lock().close(Instant::now()));
        }
        self.ready.extend(rung);
        changes.into_iter().for_each(|change| self.take_up(change));
        for (member, arrival) in passed {
            self.hand(member, arrival);
        }
        for (member, stream) in streams {
            self.settle_stream(member, stream);
        }
        self.pass_on();
    }

    /// An address has come, or is gone.
    fn take_up(&mut self, change: Change<Socket>) {
        if !matches!(change, Change::Bound(_)) {
            for resident in self.residents.values_mut() {
                resident.take_up(&change);
                if resident.member.enlist() {
                    self.ready.push_back(resident.member.clone());
                }
            }
        }
        match change {
            Change::Bound(socket) => self.outlets.push(Outlet::new(socket)),
            Change::Release(local) => self.outlets.retain(|outlet| outlet.socket.local != local),
            Change::Suspend(_) | Change::Restore(_) => {}
        }
    }

    /// Takes in what has arrived, up to the budget, and gives each datagram to whom it is for; whether there may be more.
    fn receive(&mut self, context: &mut Context<'_>) -> bool {
        let mut more = false;
        for Outlet { socket, .. } in &self.outlets {
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
        if self.arrived.is_empty() {
            return more;
        }
        let (group, mut arrived) = (self.group.clone(), std::mem::take(&mut self.arrived));
        add(&group.counters.datagrams, arrived.len() as u64);
        let routes = group.routes();
        for datagram in arrived.drain(..) {
            match routes.find(&datagram) {
                Ok(found) => {
                    let arrival = Arrival { datagram, is_claim: found.is_claim, worker: self.index };
                    self.hand(found.member.clone(), arrival);
                }
                Err(stranger) => group.counters.count(stranger),
            }
        }
        drop(routes);
        self.arrived = arrived;
        self.pass_on();
        more
    }

    /// Gives a datagram to a connection.
    fn hand(&mut self, member: Arc<Member>, arrival: Arrival) {
        if let Some(resident) = self.residents.get_mut(&member.id) {
            if resident.arrived.capacity() == 0 {
                resident.arrived = self.spare.pop().unwrap_or_default();
            }
            resident.arrived.push(arrival);
            if member.enlist() {
                self.ready.push_back(member);
            }
        } else if member.home() != self.index {
            self.elsewhere[member.home()].push((member, arrival));
        }
    }

    /// Gives a stream to the connection that it has named.
    fn settle_stream(&mut self, member: Arc<Member>, stream: Stream) {
        if let Some(resident) = self.residents.get_mut(&member.id) {
            resident.take_stream(stream);
            if member.enlist() {
                self.ready.push_back(member);
            }
        } else if member.home() != self.index && !self.group.post.deliver(member, stream) {
            add(&self.group.counters.overflowed, 1);
        }
    }

    fn pass_on(&mut self) {
        for (worker, arrivals) in self.elsewhere.iter_mut().enumerate().filter(|(_, all)| !all.is_empty()) {
            add(&self.group.counters.passed_on, arrivals.len() as u64);
            let lost = self.group.post.pass(worker, arrivals);
            add(&self.group.counters.overflowed, lost as u64);
            arrivals.clear();
        }
    }

    /// Connections whose deadline has come want a turn.
    fn expire(&mut self, now: Instant) {
        while let Some(id) = self.deadlines.due(now) {
            let Some(resident) = self.residents.get_mut(&id) else { continue };
            resident.deadline = None;
            if resident.member.enlist() {
                self.ready.push_back(resident.member.clone());
            }
        }
    }

    /// Turns those that want it until the send buffer is full.
    fn turn_ready(&mut self) {
        // Who wants another turn at once has it in the next round.
        for _ in 0..self.ready.len() {
            if self.departures.is_full() {
                return;
            }
            if let Some(member) = self.ready.pop_front() {
                self.turn(&member);
            }
        }
    }

    fn turn(&mut self, member: &Arc<Member>) {
        let Some(resident) = self.residents.get_mut(&member.id) else {
            if member.home() != self.index {
                self.group.post.ring(member);
            }
            return;
        };
        member.delist();
        let before = self.departures.end();
        let (mut arrived, mut discarded) =
            (std::mem::take(&mut resident.arrived), std::mem::take(&mut resident.discarded));
        let mut claims = Vec::new();
        let mut streams = resident.receive_streams(RECEIVE_BUDGET, &mut self.streamed);
        let streamed = &mut self.streamed;
        let hand_in = |state: &mut State, now| {
            streams.hand_in(now, &mut state.peer, streamed);
            for Arrival { datagram, is_claim, worker } in arrived.drain(..) {
                let path = Path::of(&datagram);
                state.peer.handle_datagram(now, datagram);
                if is_claim && state.peer.is_known(path.remote, Base::udp(path.local)) {
                    claims.push((path, worker));
                }
            }
            discarded.drain(..).for_each(|transmit: Transmit| state.peer.count_discarded(&transmit));
        };
        let turn = turn(&resident.shared, &resident.waker, hand_in, &mut self.departures, true);
        self.owners.resize(self.departures.len(), member.id);
        if arrived.capacity() > 0 && self.spare.len() < SPARE {
            self.spare.push(arrived);
        }
        let deadline = turn.deadline.into_iter().chain(streams.deadline()).min();
        self.deadlines.set(member.id, resident.deadline, deadline);
        resident.deadline = deadline;
        let (is_cut, has_more) = (self.departures.is_full(), streams.has_more());
        if resident.keep_streams(streams) {
            self.flushing.push(member.id);
        }
        if turn.is_closed && !is_cut {
            self.ending.push(member.id);
        } else if (is_cut || has_more || !turn.errands.is_empty()) && member.enlist() {
            self.ready.push_back(member.clone());
        }
        let group = self.group.clone();
        if !claims.is_empty() {
            enter(&group, resident, &claims);
        }
        if !group.ice_lite {
            note_checks(&group, resident, self.departures.from(before));
        }
        for errand in turn.errands {
            self.run(member.id, errand);
        }
        if let Some((_, worker)) = claims.last().filter(|(_, worker)| *worker != self.index) {
            self.move_to(*worker, member.id);
        }
    }

    /// A connection lives with another worker from now on.
    fn move_to(&mut self, worker: usize, id: u64) {
        let Some(resident) = self.residents.remove(&id) else { return };
        self.deadlines.set(id, resident.deadline, None);
        if let Some(resident) = self.group.post.settle(worker, resident) {
            self.residents.insert(id, resident);
        }
    }

    fn run(&mut self, id: u64, errand: Errand) {
        let Some(resident) = self.residents.get_mut(&id) else { return };
        match errand {
            Errand::Gather(transport) => self.gather(id, transport),
            Errand::Release(transport) => {
                resident.release_streams(transport);
                self.rename(id);
            }
            // Of TURN servers only, which are refused.
            Errand::AddServer(_) | Errand::FollowServer(_) => {}
            // They would all say the same.
            Errand::Witness { .. } if self.errands.len() >= witness::LIMIT => {}
            Errand::Witness { transport, servers } => {
                let (locals, shared) = (self.group.locals().to_vec(), Arc::downgrade(&resident.shared));
                let hides_addresses = self.group.addresses.hides_host_addresses;
                let post = Post { locals, ports: None, hides_addresses };
                self.errands.spawn(witness::ask(shared, transport, servers, post));
            }
            Errand::CloseStream(stream) => resident.close_stream(stream),
            Errand::Resolve(name) => {
                self.errands.spawn(resolve::candidate_name(Arc::downgrade(&resident.shared), name));
            }
        }
    }

    /// The endpoint's addresses are the connection's. Asks for the addresses of its servers.
    fn gather(&mut self, id: u64, transport: TransportId) {
        self.rename(id);
        let Some(resident) = self.residents.get_mut(&id) else { return };
        let has_socket = |local: &SocketAddr| self.outlets.iter().any(|outlet| outlet.socket.local == *local);
        let locals: Vec<SocketAddr> = self.group.locals().iter().copied().filter(has_socket).collect();
        let places = resident.gather_streams((&self.group, &locals), transport);
        let now = Instant::now();
        let mut state = resident.shared.lock_as_driver();
        let options = &self.group.addresses;
        for local in &locals {
            if let Some(shown) = showing::public(local.ip(), options) {
                state.peer.show_local_address(transport, local.ip(), shown);
            }
            state.peer.add_local_address(now, transport, *local);
            for public in showing::translated(*local, options) {
                state.peer.add_translated_address(now, transport, Base::udp(*local), public);
            }
        }
        for (place, tcp_type) in places {
            state.peer.add_tcp_address(now, transport, place, tcp_type);
            for public in showing::translated(place, options).filter(|_| tcp_type == TcpType::Passive) {
                state.peer.add_translated_address(now, transport, Base::tcp(place), public);
            }
        }
        // As they are configured now; what cannot be used was refused there.
        let servers = state.configuration.servers().unwrap_or_default();
        if servers.is_empty() {
            state.peer.finish_local_addresses(now, transport);
            return;
        }
        drop(state);
        self.errands.spawn(resolve::servers(Arc::downgrade(&resident.shared), transport, servers));
    }

    /// The user names by which a connection is asked for may be others now.
    fn rename(&mut self, id: u64) {
        let Some(resident) = self.residents.get_mut(&id) else { return };
        let names = resident.shared.look().peer.ice_ufrags();
        if names != resident.names {
            self.group.routes_mut().name(&resident.member, &resident.names, &names);
            resident.names = names;
        }
    }

    /// Sends what waits. `Pending` when a socket is full; the rest stays for the next poll.
    fn send(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let outcome = self.send_all(context);
        for id in self.flushing.drain(..) {
            let Some(resident) = self.residents.get_mut(&id) else { continue };
            if resident.flush_streams() && resident.member.enlist() {
                self.ready.push_back(resident.member.clone());
            }
        }
        outcome
    }

    fn send_all(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Self { departures, owners, residents, outlets, next_streamed, .. } = self;
        for (place, transmit, bytes) in departures.from(std::mem::replace(next_streamed, departures.end())) {
            // Whoever has streams is on the list of those to flush.
            if transmit.protocol != Protocol::Udp
                && let Some(owner) = owner(residents, owners, place)
            {
                owner.send_by_stream(transmit, bytes);
            }
        }
        let mut outcome = Poll::Ready(());
        for outlet in outlets {
            let lost = |place, lost| {
                let owner = owner(residents, owners, place);
                owner.into_iter().for_each(|owner| owner.discarded.extend(&lost));
            };
            if outlet.poll_send(context, departures, lost).is_pending() {
                outcome = Poll::Pending;
            }
        }
        outcome
    }

    /// All was sent: there is room again, and those that have closed go.
    fn settle(&mut self) {
        self.departures.clear();
        self.owners.clear();
        self.next_streamed = Place::default();
        self.outlets.iter_mut().for_each(Outlet::restart);
        for id in std::mem::take(&mut self.ending) {
            // Their streams have last words to send.
            if let Some(resident) = self.residents.get_mut(&id)
                && let Some(until) = resident.end_streams()
            {
                self.deadlines.set(id, resident.deadline, Some(until));
                resident.deadline = Some(until);
                continue;
            }
            if let Some(resident) = self.residents.remove(&id) {
                self.deadlines.set(id, resident.deadline, None);
                self.forget(resident);
            }
        }
    }

    fn forget(&self, resident: Resident) {
        let known = (&resident.names[..], &resident.paths[..], &resident.checks);
        self.group.routes_mut().remove(&resident.member, known);
        resident.end();
        self.group.counters.connections.fetch_sub(1, Ordering::AcqRel);
        if self.group.is_over() {
            self.group.post.wake_all();
        }
    }
}

/// Whose the departure at a place is.
fn owner<'a>(
    residents: &'a mut HashMap<u64, Resident>,
    owners: &[u64],
    place: Place,
) -> Option<&'a mut Resident> {
    owners.get(place.transmit).and_then(|owner| residents.get_mut(owner))
}

/// These paths are the connection's. Of more than there shall be, those go that it knows no more, then the oldest.
fn enter(group: &Group, resident: &mut Resident, claims: &[(Path, usize)]) {
    let mut routes = group.routes_mut();
    for (path, _) in claims {
        routes.claim(*path, &resident.member);
        resident.paths.retain(|known| known != path);
        resident.paths.push(*path);
    }
    if resident.paths.len() > PATHS {
        let state = resident.shared.look();
        let is_gone = |path: &mut Path| !state.peer.is_known(path.remote, Base::udp(path.local));
        let gone: Vec<Path> = resident.paths.extract_if(.., is_gone).collect();
        let surplus = resident.paths.len().saturating_sub(PATHS);
        let gone = gone.into_iter().chain(resident.paths.drain(..surplus));
        gone.for_each(|path| routes.release(&path, &resident.member));
    }
}

/// Notes checks that leave for addresses from which nothing authenticated has come: only their transactions tell whose
/// the answers are.
fn note_checks<'a>(
    group: &Group,
    resident: &mut Resident,
    leaving: impl Iterator<Item = (Place, &'a Transmit, &'a [u8])>,
) {
    let is_alone =
        |transmit: &Transmit| transmit.protocol == Protocol::Udp && transmit.segment_size.is_none();
    for (_, transmit, bytes) in leaving.filter(|(_, transmit, _)| is_alone(transmit)) {
        let path = Path { remote: transmit.destination, local: transmit.source };
        // The first two bits of STUN are zero (RFC 8489 §5).
        if bytes.first().is_some_and(|first| first >> 6 == 0)
            && !resident.paths.contains(&path)
            && let Ok(message) = Message::parse(bytes)
            && message.class() == Class::Request
        {
            let (mut routes, transaction) = (group.routes_mut(), message.transaction());
            routes.note(Instant::now(), transaction, &resident.member);
            if resident.checks.back() != Some(&transaction) {
                resident.checks.push_back(transaction);
            }
            if resident.checks.len() > CHECKS {
                resident.checks.pop_front().into_iter().for_each(|oldest| routes.forget(oldest));
            }
        }
    }
}
