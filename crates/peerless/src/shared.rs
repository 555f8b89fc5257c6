//! The state that the handles and the driver of one connection share: the peer behind the one lock, the
//! subscribers, the tracks. It lies below both, so that neither leads back to the other.
//!
//! The lock is never held across an await. Whoever changed something calls [`Guard::drop`] implicitly: what the
//! peer has to say is passed on, and the driver is woken.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::Instant;

use peerless_peer::event::Event as PeerEvent;
use peerless_peer::id::TransceiverId;
use peerless_peer::peer::Peer;

use crate::events::{Event, EventQueue};
use crate::feed::{FrameQueue, Request, Requests, Wishes};
use crate::remote_track::RemoteTrack;

/// One connection's state behind its lock.
pub(crate) struct Shared {
    state: Mutex<State>,
}

/// What the lock guards.
pub(crate) struct State {
    pub(crate) peer: Peer,
    /// What the driver shall do, beyond moving datagrams.
    pub(crate) errands: VecDeque<Errand>,
    pub(crate) driver: Option<Waker>,
    subscribers: Vec<Weak<EventQueue>>,
    sending: HashMap<TransceiverId, Arc<Wishes>>,
    receiving: HashMap<TransceiverId, RemoteTrack>,
    requests: Arc<Requests>,
    /// The driver is gone.
    has_ended: bool,
}

/// Something for the driver that needs the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Errand {
    /// Bind sockets and ask STUN servers.
    Gather,
    /// Resolve an mDNS name.
    Resolve(String),
}

/// The lock, held. When it is released the peer's news are passed on and the driver is woken.
pub(crate) struct Guard<'a> {
    state: MutexGuard<'a, State>,
    wakes: bool,
}

impl Shared {
    pub(crate) fn new(peer: Peer) -> Self {
        Self {
            state: Mutex::new(State {
                peer,
                errands: VecDeque::new(),
                driver: None,
                subscribers: Vec::new(),
                sending: HashMap::new(),
                receiving: HashMap::new(),
                requests: Arc::default(),
                has_ended: false,
            }),
        }
    }

    /// Locks for a call of the user: the driver is woken afterwards.
    pub(crate) fn lock(&self) -> Guard<'_> {
        Guard { state: self.acquire(), wakes: true }
    }

    /// Locks for the driver, which needs no waking.
    pub(crate) fn lock_as_driver(&self) -> Guard<'_> {
        Guard { state: self.acquire(), wakes: false }
    }

    /// Locks to look only.
    pub(crate) fn look(&self) -> MutexGuard<'_, State> {
        self.acquire()
    }

    fn acquire(&self) -> MutexGuard<'_, State> {
        // A panic under the lock is a bug of ours in one connection; going on is safer than spreading it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Handles are shown in logs: nothing of the state, which holds passwords and must be locked to be read.
impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl State {
    /// A queue that sees all events from now on.
    pub(crate) fn subscribe(&mut self) -> Arc<EventQueue> {
        let queue = Arc::new(EventQueue::default());
        if self.has_ended {
            queue.end();
        }
        self.subscribers.retain(|queue| queue.strong_count() > 0);
        self.subscribers.push(Arc::downgrade(&queue));
        queue
    }

    /// Tells every subscriber.
    pub(crate) fn publish(&self, event: &Event) {
        for queue in self.subscribers.iter().filter_map(Weak::upgrade) {
            queue.push(event);
        }
    }

    /// From now on `wishes` follows what the transceiver's sender wants.
    pub(crate) fn attach(&mut self, id: TransceiverId, wishes: Arc<Wishes>) {
        if self.has_ended {
            return wishes.end();
        }
        if let Some(old) = self.sending.insert(id, wishes) {
            old.end();
        }
        self.sender_changed(id);
    }

    /// The transceiver's track ends.
    pub(crate) fn detach(&mut self, id: TransceiverId) {
        if let Some(wishes) = self.sending.remove(&id) {
            wishes.end();
        }
    }

    /// The track that the remote sends on `id`.
    pub(crate) fn remote_track(&self, id: TransceiverId) -> Option<RemoteTrack> {
        self.receiving.get(&id).cloned()
    }

    /// Hands the peer what readers of remote tracks asked for; `driver` is woken when one asks again.
    pub(crate) fn hand_in_requests(&mut self, now: Instant, driver: &Waker) {
        while let Some((id, request)) = self.requests.poll(driver) {
            match request {
                Request::KeyFrame => self.peer.request_key_frame(now, id),
                // Where it is refused, the track has ended meanwhile.
                Request::JitterBufferTarget(target) => {
                    let _ = self.peer.set_jitter_buffer_target(now, id, target);
                }
            }
        }
    }

    /// Passes on what the peer has to say, and the frames it has.
    pub(crate) fn pass_on(&mut self, now: Instant) {
        while let Some(event) = self.peer.poll_event() {
            self.handle_event(event);
        }
        while let Some((id, frame)) = self.peer.poll_frame() {
            let Some(track) = self.receiving.get(&id) else { continue };
            if !track.queue.expects(frame.format) {
                let codecs = self.peer.receiver(id).map(|view| view.codecs).unwrap_or_default();
                track.queue.set_codec(codecs.into_iter().find(|codec| codec.format == frame.format));
            }
            if !track.queue.push(frame) {
                self.peer.request_key_frame(now, id);
            }
        }
    }

    fn handle_event(&mut self, event: PeerEvent) {
        let event = match event {
            PeerEvent::SignalingState(state) => {
                self.settle_codecs();
                Event::SignalingState(state)
            }
            PeerEvent::IceGatheringState(state) => Event::IceGatheringState(state),
            PeerEvent::IceConnectionState(state) => Event::IceConnectionState(state),
            PeerEvent::ConnectionState(state) => Event::ConnectionState(state),
            PeerEvent::NegotiationNeeded => Event::NegotiationNeeded,
            PeerEvent::IceCandidate(candidate) => Event::IceCandidate(candidate),
            PeerEvent::IceCandidateError { local, server, code, reason } => {
                Event::IceCandidateError { local: Some(local), server: server.to_string(), code, reason }
            }
            PeerEvent::SelectedPair(pair) => Event::SelectedPair(pair),
            PeerEvent::Secured(secured) => Event::Secured(secured),
            PeerEvent::DtlsState(state) => Event::DtlsState(state),
            PeerEvent::DtlsFailed(failure) => Event::DtlsFailed(failure),
            PeerEvent::Diagnostic(diagnostic) => Event::Diagnostic(diagnostic),
            PeerEvent::Track(id) => match self.track_began(id) {
                Some(track) => Event::Track(track),
                None => return,
            },
            PeerEvent::TrackEnded(id) => {
                if let Some(track) = self.receiving.remove(&id) {
                    track.queue.end();
                }
                return;
            }
            PeerEvent::SenderChanged(id) => return self.sender_changed(id),
            PeerEvent::KeyFrameRequested(id) => {
                if let Some(wishes) = self.sending.get(&id) {
                    wishes.want_key_frame();
                }
                return;
            }
            PeerEvent::Gather => return self.errands.push_back(Errand::Gather),
            PeerEvent::ResolveName(name) => return self.errands.push_back(Errand::Resolve(name)),
            other => return tracing::debug!(?other, "an event that the face does not know"),
        };
        self.publish(&event);
    }

    fn track_began(&mut self, id: TransceiverId) -> Option<RemoteTrack> {
        let view = self.peer.receiver(id)?;
        let kind = self.peer.transceiver(id)?.kind;
        let queue = Arc::new(FrameQueue::default());
        queue.set_codec(view.codecs.first().cloned());
        queue.set_jitter_buffer_target(view.jitter_buffer_target);
        let track = RemoteTrack {
            transceiver: id,
            kind,
            id: view.track_id.as_str().into(),
            stream_ids: view.stream_ids.into(),
            origin: queue.clone(),
            queue,
            requests: self.requests.clone(),
        };
        if let Some(old) = self.receiving.insert(id, track.clone()) {
            old.queue.end();
        }
        Some(track)
    }

    /// A track begins with the remote's offer, its codecs are settled by our answer: those who hold it see them then.
    /// A codec that is still among them stays.
    fn settle_codecs(&self) {
        for (id, track) in &self.receiving {
            let codecs = self.peer.receiver(*id).map(|view| view.codecs).unwrap_or_default();
            let known = track.queue.codec();
            if !codecs.is_empty() && !known.is_some_and(|known| codecs.contains(&known)) {
                track.queue.set_codec(codecs.into_iter().next());
            }
        }
    }

    fn sender_changed(&mut self, id: TransceiverId) {
        let Some(wishes) = self.sending.get(&id) else { return };
        let (codec, bitrate) = match self.peer.sender(id) {
            Some(view) if view.can_send => (view.codec, view.target_bitrate),
            _ => (None, None),
        };
        if wishes.codec() != codec {
            if codec.is_some() {
                wishes.want_key_frame();
            }
            wishes.set(codec.clone(), bitrate);
            self.publish(&Event::Negotiated { transceiver: id, codec });
        } else {
            wishes.set(codec, bitrate);
        }
    }

    /// Nothing more will come: ends every track and every subscription.
    pub(crate) fn end(&mut self) {
        self.pass_on(Instant::now());
        self.has_ended = true;
        for (_, wishes) in self.sending.drain() {
            wishes.end();
        }
        for (_, track) in self.receiving.drain() {
            track.queue.end();
        }
        for queue in self.subscribers.drain(..).filter_map(|queue| queue.upgrade()) {
            queue.end();
        }
    }
}

impl Deref for Guard<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Guard<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.state.pass_on(Instant::now());
        if self.wakes
            && let Some(driver) = self.state.driver.take()
        {
            driver.wake();
        }
    }
}
