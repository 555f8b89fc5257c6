//! Where streams come in (RFC 6544 §5.2, §7.2): the task that accepts them at the endpoint's addresses. Each is a stranger's
//! until its first datagram (RFC 4571 §2) is a STUN request that names a connection (RFC 8445 §7.2.2), which it is passed on
//! to, and which has yet to find the request authentic. Strangers are bounded: in number, in all and of one address, in what
//! they may send, and in time.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use peerless_peer::id::TransportId;
use peerless_transport::datagram::{Protocol, StreamId};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::addresses::is_within;
use crate::driver::alarm::Alarm;
use crate::driver::stream::{self, Stream};
use crate::endpoint::change::Change;
use crate::endpoint::group::Group;
use crate::endpoint::member::Member;
use crate::endpoint::routes::Stranger as Unknown;
use crate::endpoint::stats::{add, set};

/// How many strangers there may be at a time.
const STRANGERS: usize = 256;
/// How many of them of one address, or of one network of IPv6 such as a customer has.
const OF_ONE: usize = 64;
const NETWORK_BITS: u8 = 64;
/// How long each may take to name a connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long each has at least, when others wait for its place; and how long one may stay whose name is nobody's yet.
const TURN: Duration = Duration::from_secs(1);
/// How often it is looked whose that name is: a connection may be about to take it, as when it restarts.
const LOOK: Duration = Duration::from_millis(20);
/// How long nothing is accepted after the system refused to.
const PAUSE: Duration = Duration::from_millis(100);
/// How many connections the kernel keeps for us to accept.
const BACKLOG: u32 = 1024;
/// How many are accepted before other tasks run.
const BUDGET: usize = 64;

/// The task.
#[derive(Debug)]
pub(super) struct Door {
    group: Arc<Group>,
    listeners: Vec<Listener>,
    /// What becomes of the addresses.
    changes: UnboundedReceiver<Change<Listener>>,
    strangers: Vec<Stranger>,
    /// Nothing is accepted until then.
    pause: Option<Instant>,
    alarm: Alarm,
}

/// Where streams are accepted.
#[derive(Debug)]
pub(super) struct Listener {
    io: TcpListener,
    local: SocketAddr,
}

#[derive(Debug)]
struct Stranger {
    stream: Stream,
    since: Instant,
}

/// What becomes of a stranger.
enum Fate {
    Waits,
    Leaves,
    Enters(Arc<Member>),
}

impl Listener {
    /// # Errors
    /// What the system says, such as `AddrInUse`.
    pub(super) fn new(address: SocketAddr) -> io::Result<Self> {
        let socket = stream::socket(address)?;
        // A port whose last connections have not faded yet can be used again.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self { io: socket.listen(BACKLOG)?, local: address })
    }
}

impl Door {
    pub(super) fn new(
        group: Arc<Group>,
        listeners: Vec<Listener>,
        changes: UnboundedReceiver<Change<Listener>>,
    ) -> Self {
        Self { group, listeners, changes, strangers: Vec::new(), pause: None, alarm: Alarm::default() }
    }

    /// Keeps it for as long as there are workers.
    pub(super) async fn keep(mut self) {
        let mut tasks = self.group.tasks.subscribe();
        tokio::select! {
            _ = tasks.wait_for(|left| left.workers == 0) => {}
            () = poll_fn(|context| self.poll(context)) => {}
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        while let Poll::Ready(Some(change)) = self.changes.poll_recv(context) {
            self.take_up(change);
        }
        let has_more = self.accept(context, now);
        let was_full = self.strangers.len() >= STRANGERS;
        self.look(context, now);
        set(&self.group.counters.unrouted_streams, self.strangers.len() as u64);
        let has_room = was_full && self.strangers.len() < STRANGERS;
        if has_more || has_room || self.alarm.set(context, self.deadline(now)) {
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }

    fn take_up(&mut self, change: Change<Listener>) {
        match change {
            Change::Bound(listener) => self.listeners.push(listener),
            Change::Release(local) => {
                self.listeners.retain(|listener| listener.local != local);
                self.strangers.retain(|stranger| stranger.stream.id.local != local);
            }
            // A listener waits as it is.
            Change::Suspend(_) | Change::Restore(_) => {}
        }
    }

    /// Accepts those for whom there is a place. Whether there may be more.
    fn accept(&mut self, context: &mut Context<'_>, now: Instant) -> bool {
        if self.pause.is_some_and(|until| until > now) {
            return false;
        }
        self.pause = None;
        for place in 0..self.listeners.len() {
            for count in 0.. {
                if count == BUDGET {
                    return true;
                }
                // Further ones wait in the kernel.
                if self.strangers.len() >= STRANGERS && !self.has_had_its_turn(self.strangers.first(), now) {
                    return false;
                }
                let listener = &self.listeners[place];
                match listener.io.poll_accept(context) {
                    Poll::Pending => break,
                    Poll::Ready(Ok((stream, remote))) => self.admit(now, listener.local, (stream, remote)),
                    Poll::Ready(Err(error)) => {
                        tracing::debug!(%error, "a connection was not accepted");
                        self.pause = Some(now + PAUSE);
                        return false;
                    }
                }
            }
        }
        false
    }

    /// One more stranger, in the place of another where there are too many of its kind, or in all.
    fn admit(&mut self, now: Instant, local: SocketAddr, (stream, remote): (TcpStream, SocketAddr)) {
        add(&self.group.counters.accepted_streams, 1);
        let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
        let is_near = |one: &Stranger| are_near(one.stream.id.remote.ip(), remote.ip());
        let gives_way = if self.strangers.iter().filter(|one| is_near(one)).count() >= OF_ONE {
            self.strangers.iter().position(is_near)
        } else {
            (self.strangers.len() >= STRANGERS).then_some(0)
        };
        if let Some(place) = gives_way {
            add(&self.group.counters.unknown_streams, 1);
            // Who came first has had the time to say whom it looks for, or else the others have to wait.
            if !self.has_had_its_turn(self.strangers.get(place), now) {
                return;
            }
            self.strangers.remove(place);
        }
        let id = StreamId { protocol: Protocol::Tcp, local, remote };
        // Whose it is, and of which transport, is seen later.
        match Stream::accepted(id, TransportId(0), stream, now + PATIENCE) {
            Ok(stream) => self.strangers.push(Stranger { stream, since: now }),
            Err(error) => tracing::debug!(%error, "a connection was not accepted"),
        }
    }

    fn has_had_its_turn(&self, stranger: Option<&Stranger>, now: Instant) -> bool {
        stranger.is_some_and(|one| one.since + TURN <= now)
    }

    /// Looks at each: those whose first datagram names a connection are passed on to it.
    fn look(&mut self, context: &mut Context<'_>, now: Instant) {
        let group = self.group.clone();
        let mut place = 0;
        while let Some(stranger) = self.strangers.get_mut(place) {
            match stranger.fate(context, now, &group) {
                Fate::Waits => place += 1,
                Fate::Leaves => {
                    add(&group.counters.unknown_streams, 1);
                    self.strangers.remove(place);
                }
                Fate::Enters(member) => {
                    let Stranger { stream, .. } = self.strangers.remove(place);
                    if !group.post.deliver(member, stream) {
                        add(&group.counters.overflowed, 1);
                    }
                }
            }
        }
    }

    fn deadline(&self, now: Instant) -> Option<Instant> {
        let patience = self.strangers.iter().map(|one| match one.stream.first() {
            Some(_) => (now + LOOK).min(one.since + TURN),
            None => one.since + PATIENCE,
        });
        let is_full = self.strangers.len() >= STRANGERS;
        let turn = self.strangers.first().filter(|_| is_full).map(|first| first.since + TURN);
        patience.chain(turn).chain(self.pause).min()
    }
}

impl Stranger {
    fn fate(&mut self, context: &mut Context<'_>, now: Instant, group: &Group) -> Fate {
        if self.since + PATIENCE <= now {
            return Fate::Leaves;
        }
        match self.stream.poll_first(context) {
            Poll::Pending => Fate::Waits,
            Poll::Ready(Err(_)) => Fate::Leaves,
            Poll::Ready(Ok(())) => match group.routes().named(self.stream.first().unwrap_or_default()) {
                Ok(member) => Fate::Enters(member),
                Err(Unknown::Request) if self.since + TURN > now => Fate::Waits,
                Err(_) => Fate::Leaves,
            },
        }
    }
}

/// Whether they may be one who has many addresses.
fn are_near(one: IpAddr, other: IpAddr) -> bool {
    is_within(one, other, if one.is_ipv4() { 32 } else { NETWORK_BITS })
}

/// The ports are free before it is told that they are.
impl Drop for Door {
    fn drop(&mut self) {
        self.changes.close();
        while self.changes.try_recv().is_ok() {}
        self.listeners.clear();
        self.strangers.clear();
        self.group.tasks.send_modify(|left| left.others -= 1);
    }
}
