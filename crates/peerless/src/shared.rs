//! The state that the handles and the driver of one connection share: the peer behind the one lock, the
//! subscribers, the tracks. It lies below both, so that neither leads back to the other.
//!
//! The lock is never held across an await. Whoever changed something calls [`Guard::drop`] implicitly: what the
//! peer has to say is passed on, and the driver is woken.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::Instant;

use peerless_peer::event::Event as PeerEvent;
use peerless_peer::id::{ChannelId, TransceiverId, TransportId};
use peerless_peer::peer::Peer;
use peerless_peer::state::{DataChannelState, Direction, MediaKind};
use peerless_rtp::codec::Codec;
use peerless_transport::datagram::StreamId;
use peerless_transport::turn::Alternate;
use tokio::sync::Notify;

use crate::config::Configuration;
use crate::encoding::Encoding;
use crate::feed::{FrameQueue, Request, Requests, Standing};
use crate::mailbox::{Abandoned, Mailbox};
use crate::news::{EventQueue, News};
use crate::remote_track::RemoteTrack;
use crate::source::Source;
use crate::stream_server::StreamServer;

/// One connection's state behind its lock.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// There is room in the send buffer of the data channels again.
    pub(crate) room: Arc<Notify>,
}

/// What the lock guards.
pub(crate) struct State {
    pub(crate) peer: Peer,
    /// What the tracks we send know us by.
    me: Weak<Shared>,
    /// As it was given, or set last, but for the codecs, which the peer has already.
    pub(crate) configuration: Configuration,
    /// Its sockets are those of an endpoint.
    pub(crate) shares_port: bool,
    /// What the driver shall do, beyond moving datagrams.
    pub(crate) errands: VecDeque<Errand>,
    pub(crate) driver: Option<Waker>,
    subscribers: Vec<Weak<EventQueue>>,
    /// The tracks that senders have. They lead back to us weakly.
    sending: HashMap<TransceiverId, Sending>,
    receiving: HashMap<TransceiverId, RemoteTrack>,
    /// Those of them that the remote sends by what it says.
    arriving: HashSet<TransceiverId>,
    requests: Arc<Requests>,
    /// The data channels that someone holds; not kept by us, so that no handle leads to itself.
    channels: HashMap<ChannelId, Weak<Mailbox>>,
    abandoned: Arc<Abandoned>,
    room: Arc<Notify>,
    /// The driver is gone.
    has_ended: bool,
}

/// A track that a sender has.
struct Sending {
    source: Source<Shared>,
    /// What it was last told to send.
    codec: Option<Codec>,
}

/// Something for the driver that needs the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Errand {
    /// Bind sockets of a transport and ask STUN servers.
    Gather(TransportId),
    /// Close the sockets of a transport, once nothing waits to leave.
    Release(TransportId),
    /// Streams to this address are for a TURN server.
    AddServer(StreamServer),
    /// Find out why servers are silent, should they be.
    Witness { transport: TransportId, servers: Vec<SocketAddr> },
    /// Close a stream, once what was sent by it has left.
    CloseStream(StreamId),
    /// Streams to a TURN server are to go to another.
    FollowServer(Alternate),
    /// Resolve an mDNS name.
    Resolve(String),
}

/// The lock, held. When it is released the peer's news are passed on and the driver is woken.
pub(crate) struct Guard<'a> {
    state: MutexGuard<'a, State>,
    /// Whether the driver is woken.
    pub(crate) wakes: bool,
}

impl Shared {
    /// `shares_port` where its sockets are those of an endpoint.
    pub(crate) fn new(peer: Peer, mut configuration: Configuration, shares_port: bool) -> Arc<Self> {
        configuration.codecs = Vec::new();
        let room = Arc::new(Notify::new());
        Arc::new_cyclic(|me| Self {
            room: room.clone(),
            state: Mutex::new(State {
                peer,
                me: me.clone(),
                configuration,
                shares_port,
                errands: VecDeque::new(),
                driver: None,
                subscribers: Vec::new(),
                sending: HashMap::new(),
                receiving: HashMap::new(),
                arriving: HashSet::new(),
                requests: Arc::default(),
                channels: HashMap::new(),
                abandoned: Arc::default(),
                room,
                has_ended: false,
            }),
        })
    }

    /// Locks for a call of the user: the driver is woken afterwards.
    pub(crate) fn lock(&self) -> Guard<'_> {
        Guard { state: self.acquire(), wakes: true }
    }

    /// Locks for a call that may turn out to change nothing: the driver is woken where [`Guard::wakes`] is set.
    pub(crate) fn lock_quietly(&self) -> Guard<'_> {
        Guard { state: self.acquire(), wakes: false }
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
    /// The configuration as it was given, or set last.
    pub(crate) fn configuration(&self) -> Configuration {
        Configuration { codecs: self.peer.configuration().codecs.clone(), ..self.configuration.clone() }
    }

    /// The peer has this configuration from now on.
    pub(crate) fn keep(&mut self, configuration: Configuration) {
        self.configuration = Configuration { codecs: Vec::new(), ..configuration };
    }

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
    pub(crate) fn publish(&self, event: &News) {
        for queue in self.subscribers.iter().filter_map(Weak::upgrade) {
            queue.push(event);
        }
    }

    /// The sender of `id` has this track from now on, instead of what it had, if anything.
    pub(crate) fn attach(&mut self, id: TransceiverId, source: Source<Shared>) {
        self.detach(id);
        if self.has_ended || self.peer.is_closed() {
            return;
        }
        source.attach(self.me.clone(), id);
        self.sending.insert(id, Sending { source, codec: None });
        self.sender_changed(id);
    }

    /// The sender of `id` has no track any more.
    pub(crate) fn detach(&mut self, id: TransceiverId) {
        if let Some(sending) = self.sending.remove(&id) {
            sending.source.detach(&self.me, id);
        }
    }

    fn detach_all(&mut self) {
        for (id, sending) in self.sending.drain() {
            sending.source.detach(&self.me, id);
        }
    }

    /// The track that the sender of `id` has.
    pub(crate) fn local_track(&self, id: TransceiverId) -> Option<Source<Shared>> {
        self.sending.get(&id).map(|sending| sending.source.clone())
    }

    /// Hands the peer what readers of remote tracks reported, before its stats are read.
    pub(crate) fn hand_in_figures(&mut self) {
        for (id, track) in &self.receiving {
            let figures = track.queue.figures().clone();
            self.peer.set_receive_figures(*id, figures);
        }
    }

    /// The track of the receiver of `id`, made when it is first asked for; `None` where the transceiver is stopped.
    pub(crate) fn remote_track(&mut self, id: TransceiverId) -> Option<RemoteTrack> {
        if !self.receiving.contains_key(&id) {
            let view = self.peer.transceiver(id)?;
            if self.has_ended || view.direction == Direction::Stopped {
                return None;
            }
            let track = self.new_track(id, view.kind)?;
            self.receiving.insert(id, track);
        }
        self.receiving.get(&id).cloned()
    }

    /// The track that the remote sends on `id`, as it says.
    pub(crate) fn sent_track(&self, id: TransceiverId) -> Option<RemoteTrack> {
        self.receiving.get(&id).filter(|_| self.arriving.contains(&id)).cloned()
    }

    /// The track of the receiver of `id`, with what the remote says of it now.
    fn refreshed_track(&mut self, id: TransceiverId) -> Option<RemoteTrack> {
        self.remote_track(id)?;
        let view = self.peer.receiver(id)?;
        let track = self.receiving.get_mut(&id)?;
        if *track.id != *view.track_id {
            track.id = view.track_id.as_str().into();
        }
        track.standing.set(view.stream_ids, view.muted);
        Some(track.clone())
    }

    /// Hands the peer what readers of remote tracks asked for; `driver` is woken when one asks again.
    pub(crate) fn hand_in_requests(&mut self, now: Instant, driver: &Waker) {
        while let Some((id, request)) = self.requests.poll(driver) {
            match request {
                Request::KeyFrame(rid) => self.peer.request_key_frame(now, id, rid.as_ref()),
                // Where it is refused, the track has ended meanwhile.
                Request::JitterBufferTarget(target) => {
                    let _ = self.peer.set_jitter_buffer_target(now, id, target);
                }
            }
        }
    }

    /// From now on the mailbox of a channel follows it.
    pub(crate) fn open_mailbox(&mut self, id: ChannelId) -> Option<Arc<Mailbox>> {
        let view = self.peer.channel(id)?;
        let mailbox = Arc::new(Mailbox::new(id, view, self.abandoned.clone()));
        self.channels.insert(id, Arc::downgrade(&mailbox));
        Some(mailbox)
    }

    /// Passes on what the peer has to say, and the frames it has.
    pub(crate) fn pass_on(&mut self, now: Instant) {
        for id in self.abandoned.take() {
            self.channels.remove(&id);
            self.peer.abandon_channel(now, id);
        }
        while let Some(event) = self.peer.poll_event() {
            self.handle_event(event);
        }
        while let Some((id, frame)) = self.peer.poll_frame() {
            let Some(track) = self.receiving.get(&id) else { continue };
            if !track.queue.expects(frame.format) {
                let codecs = self.peer.receiver(id).map(|view| view.codecs).unwrap_or_default();
                track.queue.set_codec(codecs.into_iter().find(|codec| codec.format == frame.format));
            }
            let rid = frame.rid.clone();
            if !track.queue.push(frame) {
                self.peer.request_key_frame(now, id, rid.as_ref());
            }
        }
    }

    fn handle_event(&mut self, event: PeerEvent) {
        let event = match event {
            PeerEvent::SignalingState(_) => {
                self.settle_codecs();
                News::Peer(event)
            }
            PeerEvent::Track(id) => match self.refreshed_track(id) {
                Some(track) => {
                    self.arriving.insert(id);
                    News::Track(track)
                }
                None => return,
            },
            PeerEvent::TrackMuted(id) | PeerEvent::TrackUnmuted(id) | PeerEvent::StreamsChanged(id) => {
                match event {
                    PeerEvent::TrackMuted(_) => {
                        self.arriving.remove(&id);
                    }
                    PeerEvent::TrackUnmuted(_) => {
                        self.arriving.insert(id);
                    }
                    _ => {}
                }
                match self.refreshed_track(id) {
                    Some(track) => News::TrackChanged(event, track),
                    None => return,
                }
            }
            PeerEvent::TrackEnded(id) => {
                self.arriving.remove(&id);
                let Some(track) = self.receiving.remove(&id) else { return };
                self.peer.set_receive_figures(id, track.queue.figures().clone());
                track.queue.end();
                News::TrackChanged(event, track)
            }
            PeerEvent::SenderChanged(id) => return self.sender_changed(id),
            PeerEvent::KeyFrameRequested(id, rid) => {
                if let Some(sending) = self.sending.get(&id) {
                    sending.source.want_key_frame(rid.as_ref());
                }
                return;
            }
            PeerEvent::DataChannel(id) => match self.open_mailbox(id) {
                Some(mailbox) => News::Channel(mailbox),
                None => return,
            },
            PeerEvent::ChannelState(..)
            | PeerEvent::ChannelError(..)
            | PeerEvent::BufferedAmountLow(_)
            | PeerEvent::MessageArrived(_) => return self.handle_channel_event(event),
            PeerEvent::SendBufferFree => return self.room.notify_waiters(),
            PeerEvent::TransportClosed(transport) => {
                return self.errands.push_back(Errand::Release(transport));
            }
            PeerEvent::CloseStream(_, stream) => {
                return self.errands.push_back(Errand::CloseStream(stream));
            }
            PeerEvent::FollowServer(alternate) => {
                return self.errands.push_back(Errand::FollowServer(alternate));
            }
            PeerEvent::Gather(transport) => return self.errands.push_back(Errand::Gather(transport)),
            PeerEvent::ResolveName(name) => return self.errands.push_back(Errand::Resolve(name)),
            other => News::Peer(other),
        };
        self.publish(&event);
    }

    /// Tells those who hold the channel; those who hold none are told by [`Abandoned`].
    fn handle_channel_event(&mut self, event: PeerEvent) {
        let mailbox = |id| self.channels.get(id).and_then(Weak::upgrade);
        match event {
            PeerEvent::ChannelState(id, state) => {
                let Some(mailbox) = mailbox(&id) else { return };
                let stream = self.peer.channel(id).and_then(|view| view.id);
                let unsent = self.peer.buffered_amount(id);
                mailbox.change(|standing| {
                    standing.ready_state = state;
                    standing.stream = stream.or(standing.stream);
                    standing.unsent = unsent;
                });
                // Who waits for room must hear that there will be none.
                self.room.notify_waiters();
            }
            PeerEvent::ChannelError(id, error) => {
                if let Some(mailbox) = mailbox(&id) {
                    mailbox.change(|standing| standing.error = Some(error));
                }
            }
            PeerEvent::BufferedAmountLow(id) => {
                if let Some(mailbox) = mailbox(&id) {
                    mailbox.changed.notify_waiters();
                }
            }
            PeerEvent::MessageArrived(id) => {
                if let Some(mailbox) = mailbox(&id) {
                    mailbox.arrived.notify_waiters();
                }
            }
            _ => {}
        }
    }

    fn new_track(&self, id: TransceiverId, kind: MediaKind) -> Option<RemoteTrack> {
        let view = self.peer.receiver(id)?;
        let queue = Arc::new(FrameQueue::default());
        queue.set_codec(view.codecs.first().cloned());
        queue.set_rids(view.rids);
        queue.set_jitter_buffer_target(view.jitter_buffer_target);
        Some(RemoteTrack {
            transceiver: id,
            kind,
            rid: None,
            id: view.track_id.as_str().into(),
            standing: Arc::new(Standing::new(view.stream_ids, view.muted)),
            origin: queue.clone(),
            queue,
            requests: self.requests.clone(),
        })
    }

    /// A track begins with the remote's offer, its codecs are settled by our answer: those who hold it see them then.
    /// A codec that is still among them stays.
    fn settle_codecs(&self) {
        for (id, track) in &self.receiving {
            let Some(view) = self.peer.receiver(*id) else { continue };
            let codecs = view.codecs;
            track.queue.set_rids(view.rids);
            let known = track.queue.codec();
            if !codecs.is_empty() && !known.is_some_and(|known| codecs.contains(&known)) {
                track.queue.set_codec(codecs.into_iter().next());
            }
        }
    }

    fn sender_changed(&mut self, id: TransceiverId) {
        // One that is stopped for good has nothing to say any more.
        let Some(view) = self.peer.sender(id) else {
            if self.sending.get(&id).is_some_and(|sending| sending.codec.is_some()) {
                self.publish(&News::Negotiated { transceiver: id, codec: None });
            }
            return self.detach(id);
        };
        let Some(sending) = self.sending.get_mut(&id) else { return };
        let (codec, bitrate) = if view.can_send { (view.codec, view.target_bitrate) } else { (None, None) };
        let encodings = view.encodings.into_iter().filter_map(Encoding::of).collect();
        let has_changed = sending.codec != codec;
        if has_changed {
            sending.codec.clone_from(&codec);
        }
        sending.source.want(&self.me, id, codec.clone(), bitrate, encodings);
        if has_changed && codec.is_some() {
            sending.source.want_key_frame(None);
        }
        if has_changed {
            self.publish(&News::Negotiated { transceiver: id, codec });
        }
    }

    /// Closes the peer, and with it the channels.
    pub(crate) fn close(&mut self, now: Instant) {
        self.peer.close(now);
        self.detach_all();
        self.end_channels();
    }

    fn end_channels(&mut self) {
        for mailbox in self.channels.drain().filter_map(|(_, mailbox)| mailbox.upgrade()) {
            mailbox.change(|standing| standing.ready_state = DataChannelState::Closed);
        }
        self.room.notify_waiters();
    }

    /// Nothing more will come: ends every track and every subscription.
    pub(crate) fn end(&mut self) {
        self.pass_on(Instant::now());
        self.has_ended = true;
        self.detach_all();
        for (_, track) in self.receiving.drain() {
            track.queue.end();
        }
        self.end_channels();
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
