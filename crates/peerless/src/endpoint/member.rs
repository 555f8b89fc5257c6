//! A connection of an endpoint as others know it, and how word of it reaches the worker that it lives with.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};
use std::time::Instant;

use peerless_peer::id::TransportId;
use peerless_transport::datagram::{Datagram, Transmit};
use peerless_wire::stun::TransactionId;

use crate::driver::sockets::Socket;
use crate::driver::stream::Stream;
use crate::driver::streams::Streams;
use crate::endpoint::change::Change;
use crate::endpoint::path::Path;
use crate::shared::Shared;

/// How many datagrams wait for one worker that came to another.
const PASSED: usize = 4096;
/// How many streams wait for one worker.
const STREAMS: usize = 256;

/// What is known of a connection from outside.
pub(super) struct Member {
    pub(super) id: u64,
    /// The worker it lives with.
    home: AtomicUsize,
    /// It is on its worker's list already.
    is_ready: AtomicBool,
    post: Arc<Post>,
}

/// The mailboxes of the workers.
#[derive(Debug)]
pub(super) struct Post(Vec<Mailbox>);

#[derive(Debug, Default)]
struct Mailbox(Mutex<Mail>);

/// What waits for a worker.
#[derive(Debug, Default)]
pub(super) struct Mail {
    /// Connections that live with it from now on.
    pub(super) newcomers: Vec<Resident>,
    /// Connections that want a turn.
    pub(super) rung: Vec<Arc<Member>>,
    /// Datagrams that came to another worker.
    pub(super) passed: Vec<(Arc<Member>, Arrival)>,
    /// Streams that have named a connection.
    pub(super) streams: Vec<(Arc<Member>, Stream)>,
    /// What has become of the addresses.
    pub(super) changes: Vec<Change<Socket>>,
    waker: Option<Waker>,
    has_ended: bool,
}

/// A connection where it lives.
#[derive(Debug)]
pub(super) struct Resident {
    pub(super) member: Arc<Member>,
    pub(super) shared: Arc<Shared>,
    /// The same bell at each turn.
    pub(super) waker: Waker,
    /// What has arrived since its last turn.
    pub(super) arrived: Vec<Arrival>,
    /// What the system would not send for it since then.
    pub(super) discarded: Vec<Transmit>,
    /// The user names and paths by which its datagrams are known.
    pub(super) names: Vec<String>,
    pub(super) paths: Vec<Path>,
    /// Checks of its whose answers come from addresses that are not known yet, as far as that is remembered.
    pub(super) checks: VecDeque<TransactionId>,
    /// Its streams, where it has any; they ring its bell themselves.
    pub(super) streams: Option<Box<Streams>>,
    /// Its transport, once that gathers.
    pub(super) transport: Option<TransportId>,
    /// When it wants a turn, whatever happens.
    pub(super) deadline: Option<Instant>,
}

/// A datagram for a connection.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) datagram: Datagram,
    /// Its path may turn out to be this connection's.
    pub(super) is_claim: bool,
    /// The worker to which it came.
    pub(super) worker: usize,
}

impl Member {
    pub(super) fn new(id: u64, home: usize, post: Arc<Post>) -> Arc<Self> {
        Arc::new(Self { id, home: AtomicUsize::new(home), is_ready: AtomicBool::new(false), post })
    }

    /// The worker it lives with.
    pub(super) fn home(&self) -> usize {
        self.home.load(Ordering::Acquire)
    }

    /// Notes that it is on its worker's list; whether it was not.
    pub(super) fn enlist(&self) -> bool {
        !self.is_ready.swap(true, Ordering::AcqRel)
    }

    /// It is about to have its turn: whoever rings from now on gets it another.
    pub(super) fn delist(&self) {
        self.is_ready.store(false, Ordering::Release);
    }
}

/// The bell.
impl Wake for Member {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.enlist() {
            self.post.ring(self);
        }
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Member").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Resident {
    pub(super) fn new(member: Arc<Member>, shared: Arc<Shared>) -> Self {
        Self {
            waker: Waker::from(member.clone()),
            member,
            shared,
            arrived: Vec::new(),
            discarded: Vec::new(),
            names: Vec::new(),
            paths: Vec::new(),
            checks: VecDeque::new(),
            streams: None,
            transport: None,
            deadline: None,
        }
    }

    /// Nobody drives it any more.
    pub(super) fn end(&self) {
        let mut state = self.shared.lock_as_driver();
        state.end();
        // Else those who hold the connection would hold the endpoint.
        state.driver = None;
    }
}

impl Post {
    pub(super) fn new(workers: usize) -> Arc<Self> {
        Arc::new(Self((0..workers).map(|_| Mailbox::default()).collect()))
    }

    /// How many workers there are.
    pub(super) fn workers(&self) -> usize {
        self.0.len()
    }

    /// A connection that is on its list wants a turn.
    pub(super) fn ring(&self, member: &Arc<Member>) {
        self.tell(member.home(), |mail| mail.rung.push(member.clone()));
    }

    /// A connection lives with `worker` from now on. Gives it back where that has ended.
    pub(super) fn settle(&self, worker: usize, resident: Resident) -> Option<Resident> {
        let mut mail = self.open(worker);
        if mail.has_ended {
            return Some(resident);
        }
        resident.member.home.store(worker, Ordering::Release);
        if resident.member.enlist() {
            mail.rung.push(resident.member.clone());
        }
        mail.newcomers.push(resident);
        mail.wake();
        None
    }

    /// Passes datagrams on to the workers of their connections. How many were lost, for want of room.
    pub(super) fn pass(&self, worker: usize, arrivals: &mut Vec<(Arc<Member>, Arrival)>) -> usize {
        let mut lost = 0;
        self.tell(worker, |mail| {
            let room = PASSED.saturating_sub(mail.passed.len());
            lost = arrivals.len().saturating_sub(room);
            mail.passed.extend(arrivals.drain(..).take(room));
        });
        lost
    }

    /// Passes a stream on to the worker of its connection; whether there was room for it.
    pub(super) fn deliver(&self, member: Arc<Member>, stream: Stream) -> bool {
        let mut has_room = true;
        self.tell(member.home(), |mail| {
            has_room = mail.streams.len() < STREAMS;
            if has_room {
                mail.streams.push((member, stream));
            }
        });
        has_room
    }

    /// Tells a worker what has become of an address.
    pub(super) fn change(&self, worker: usize, change: Change<Socket>) {
        self.tell(worker, |mail| mail.changes.push(change));
    }

    /// Takes what waits for a worker, and notes how it is woken.
    pub(super) fn collect(&self, worker: usize, waker: &Waker) -> Mail {
        let mut mail = self.open(worker);
        let has_ended = mail.has_ended;
        std::mem::replace(&mut *mail, Mail { waker: Some(waker.clone()), has_ended, ..Mail::default() })
    }

    /// Wakes every worker.
    pub(super) fn wake_all(&self) {
        (0..self.0.len()).for_each(|worker| self.tell(worker, |_| {}));
    }

    /// A worker has ended: gives what waited for it.
    pub(super) fn end(&self, worker: usize) -> Mail {
        let mut mail = self.open(worker);
        std::mem::replace(&mut *mail, Mail { has_ended: true, ..Mail::default() })
    }

    fn tell(&self, worker: usize, what: impl FnOnce(&mut Mail)) {
        let mut mail = self.open(worker);
        if !mail.has_ended {
            what(&mut mail);
            mail.wake();
        }
    }

    fn open(&self, worker: usize) -> MutexGuard<'_, Mail> {
        self.0[worker].0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mail {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
