//! The connection as its user holds it: the calls of RTCPeerConnection (webrtc-pc §4.4).

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use peerless_peer::channel::{DataChannelInit, SctpView};
use peerless_peer::config::Config;
use peerless_peer::description::{IceCandidateInit, OfferOptions, SessionDescription};
use peerless_peer::id::TransceiverId;
use peerless_peer::peer::Peer;
use peerless_peer::report::counters::Stats;
use peerless_peer::state::{
    ConnectionState, Direction, IceConnectionState, IceGatheringState, MediaKind, SignalingState,
};
use peerless_peer::transceiver::TransceiverInit;

use crate::channel::DataChannel;
use crate::config::Configuration;
use crate::driver::{self, Plan};
use crate::error::Error;
use crate::events::Events;
use crate::local_track::LocalTrack;
use crate::receiver::Receiver;
use crate::sender::Sender;
use crate::shared::Shared;
use crate::transceiver::Transceiver;

/// One WebRTC connection. Cheap to clone; it closes when [`close`](Self::close) is called or the last clone is
/// dropped. Every call returns at once; what comes of it is told by [`events`](Self::events).
#[derive(Debug, Clone)]
pub struct PeerConnection {
    handle: Arc<Handle>,
}

/// Closes the connection when the last clone of [`PeerConnection`] goes.
#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
}

impl PeerConnection {
    /// A new connection and the task that drives it. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// `NoRuntime` outside of one; `IceServer` for a URL we cannot use; `Interface` for an address that is not this
    /// machine's; `Io` where the system has no random numbers or does not tell its interfaces; `Peer` with
    /// `Argument` for an `mtu` below 548 or above 65 507
    /// bytes, and for buffers and message sizes out of the bounds that [`Configuration`] names.
    pub fn new(configuration: Configuration) -> Result<Self, Error> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| Error::NoRuntime)?;
        let plan = Plan::new(&configuration)?;
        let peer = Peer::new(machine_config(&configuration)?)?;
        let shared = Shared::new(peer, configuration, false);
        driver::spawn(&runtime, shared.clone(), plan);
        Ok(Self::of(shared))
    }

    /// The handle of a connection that somebody drives.
    pub(crate) fn of(shared: Arc<Shared>) -> Self {
        Self { handle: Arc::new(Handle { shared }) }
    }

    /// Subscribes to all events from now on.
    pub fn events(&self) -> Events {
        Events::new(self.shared().clone())
    }

    /// `addTrack`: sends `track`, on a transceiver that is free or on a new one, in the stream that the track was made
    /// with.
    ///
    /// # Errors
    /// `Peer`: `Closed`; `TrackExists` where a sender of this connection has the track, or another of its id.
    pub fn add_track(&self, track: &LocalTrack) -> Result<Transceiver, Error> {
        self.add(track, |peer| peer.add_track(track.kind(), track.own_init()))
    }

    /// `addTrack` with streams: as [`add_track`](Self::add_track), in the streams of these ids; there may be none.
    ///
    /// # Errors
    /// As [`add_track`](Self::add_track).
    pub fn add_track_in_streams(
        &self,
        track: &LocalTrack,
        stream_ids: &[&str],
    ) -> Result<Transceiver, Error> {
        let streams = stream_ids.iter().map(|&id| id.to_owned()).collect();
        self.add(track, |peer| peer.add_track(track.kind(), track.init(streams)))
    }

    /// `addTransceiver` without a track: to receive, or to send later.
    ///
    /// # Errors
    /// `Peer`: `Closed`; `Argument` for the direction `Stopped`.
    pub fn add_transceiver(&self, kind: MediaKind, direction: Direction) -> Result<Transceiver, Error> {
        let init = TransceiverInit { direction, ..TransceiverInit::default() };
        let id = self.shared().lock().peer.add_transceiver(kind, init)?;
        Ok(Transceiver::new(self.shared().clone(), id))
    }

    /// `addTransceiver` with a track: always a new media section.
    ///
    /// # Errors
    /// As [`add_track`](Self::add_track) and [`add_transceiver`](Self::add_transceiver).
    pub fn add_transceiver_with_track(
        &self,
        track: &LocalTrack,
        direction: Direction,
    ) -> Result<Transceiver, Error> {
        let init = TransceiverInit { direction, track: Some(track.own_init()), ..TransceiverInit::default() };
        self.add(track, |peer| peer.add_transceiver(track.kind(), init))
    }

    /// `addTransceiver` with streams: to receive, or to send later, when the other side is to see the track that
    /// [`Sender::replace_track`] gives it in the streams of these ids.
    ///
    /// # Errors
    /// As [`add_transceiver`](Self::add_transceiver).
    pub fn add_transceiver_in_streams(
        &self,
        kind: MediaKind,
        direction: Direction,
        stream_ids: &[&str],
    ) -> Result<Transceiver, Error> {
        let stream_ids = stream_ids.iter().map(|&id| id.to_owned()).collect();
        let init = TransceiverInit { direction, stream_ids, ..TransceiverInit::default() };
        let id = self.shared().lock().peer.add_transceiver(kind, init)?;
        Ok(Transceiver::new(self.shared().clone(), id))
    }

    /// `removeTrack`: stops sending on the transceiver; the next negotiation says so. The track does not end by it: it can be
    /// added again.
    ///
    /// # Errors
    /// `Peer`: `Closed`; `UnknownTransceiver` where it was stopped.
    pub fn remove_track(&self, transceiver: &Transceiver) -> Result<(), Error> {
        let mut state = self.shared().lock();
        state.peer.remove_track(Instant::now(), transceiver.id())?;
        state.detach(transceiver.id());
        Ok(())
    }

    /// `createDataChannel`: a channel to the remote, which opens once both are connected. The first one of a connection
    /// makes a negotiation needed; further ones do not.
    ///
    /// # Errors
    /// `Peer`: `Closed`; `Argument` where label or protocol is longer than 65535 bytes, where both
    /// `max_packet_life_time` and `max_retransmits` are given, for a negotiated channel without id and an id without
    /// negotiated; `ChannelIdUnavailable` where the id is in use; `ChannelsExhausted` where no stream is left.
    pub fn create_data_channel(&self, label: &str, init: DataChannelInit) -> Result<DataChannel, Error> {
        let mut state = self.shared().lock();
        let id = state.peer.create_data_channel(Instant::now(), label, init)?;
        let mailbox = state.open_mailbox(id).ok_or(peerless_peer::error::Error::UnknownChannel)?;
        drop(state);
        Ok(DataChannel::new(self.shared().clone(), mailbox))
    }

    /// `sctp`: what carries the data channels; `None` before they are negotiated.
    pub fn sctp(&self) -> Option<SctpView> {
        self.shared().look().peer.sctp()
    }

    /// `createOffer`.
    ///
    /// # Errors
    /// `Peer`: `Closed`; `WrongState` while the remote's offer is unanswered.
    pub fn create_offer(&self) -> Result<SessionDescription, Error> {
        Ok(self.shared().lock().peer.create_offer()?)
    }

    /// `createOffer` with options: one that restarts ICE.
    ///
    /// # Errors
    /// As [`create_offer`](Self::create_offer).
    pub fn create_offer_with(&self, options: OfferOptions) -> Result<SessionDescription, Error> {
        Ok(self.shared().lock().peer.create_offer_with(options)?)
    }

    /// `restartIce`: the next offer has new ICE credentials, and a negotiation is needed. Media and channels go on over
    /// the path in use until a new one works. Local addresses are looked up anew. To be called where the ICE connection
    /// state is `disconnected` or `failed`, say because the network has changed.
    pub fn restart_ice(&self) {
        self.shared().lock().peer.restart_ice();
    }

    /// `createAnswer`.
    ///
    /// # Errors
    /// `Peer`: `Closed`; `WrongState` without a remote offer.
    pub fn create_answer(&self) -> Result<SessionDescription, Error> {
        Ok(self.shared().lock().peer.create_answer()?)
    }

    /// `setLocalDescription`; with `None` the offer or answer that is due is made first (§4.4.1.5).
    ///
    /// # Errors
    /// `Peer`: `Closed`, `WrongState`, `Modified` where the text is not what was created last.
    pub fn set_local_description(
        &self,
        description: impl Into<Option<SessionDescription>>,
    ) -> Result<(), Error> {
        let description = description.into();
        Ok(self.shared().lock().peer.set_local_description(Instant::now(), description)?)
    }

    /// `setRemoteDescription`.
    ///
    /// # Errors
    /// `Peer`: `Closed`, `WrongState`, `Syntax` where it is no SDP, `Description` with what in it cannot be taken.
    pub fn set_remote_description(&self, description: SessionDescription) -> Result<(), Error> {
        Ok(self.shared().lock().peer.set_remote_description(Instant::now(), description)?)
    }

    /// `addIceCandidate`; an empty candidate is the end of candidates.
    ///
    /// # Errors
    /// `Peer`: `Closed`; `Candidate` with the reason: no remote description yet, no such media section, malformed.
    pub fn add_ice_candidate(&self, candidate: &IceCandidateInit) -> Result<(), Error> {
        Ok(self.shared().lock().peer.add_ice_candidate(Instant::now(), candidate)?)
    }

    /// `close`: says goodbye to the remote and ends every track and event stream. Again changes nothing.
    pub fn close(&self) {
        self.shared().lock().close(Instant::now());
    }

    /// Waits until the connection has closed and its last datagrams have left.
    pub async fn closed(&self) {
        let mut events = self.events();
        while events.next().await.is_some() {}
    }

    /// `getTransceivers`: those that are not stopped for good, in the order in which they were added.
    pub fn transceivers(&self) -> Vec<Transceiver> {
        let ids: Vec<_> = self.shared().look().peer.transceivers().iter().map(|view| view.id).collect();
        ids.into_iter().map(|id| Transceiver::new(self.shared().clone(), id)).collect()
    }

    /// The transceiver with this id, as events and tracks name it; `None` where there is none, or it is stopped for good.
    pub fn transceiver(&self, id: TransceiverId) -> Option<Transceiver> {
        self.shared().look().peer.transceiver(id)?;
        Some(Transceiver::new(self.shared().clone(), id))
    }

    /// `getSenders`: those of all transceivers that are not stopped.
    pub fn senders(&self) -> Vec<Sender> {
        self.live().map(|id| Sender::new(self.shared().clone(), id)).collect()
    }

    /// `getReceivers`: those of all transceivers that are not stopped.
    pub fn receivers(&self) -> Vec<Receiver> {
        self.live().map(|id| Receiver::new(self.shared().clone(), id)).collect()
    }

    /// `localDescription`, with the candidates gathered so far.
    pub fn local_description(&self) -> Option<SessionDescription> {
        self.shared().look().peer.local_description()
    }

    /// `remoteDescription`.
    pub fn remote_description(&self) -> Option<SessionDescription> {
        self.shared().look().peer.remote_description()
    }

    /// `currentLocalDescription`: that of the last finished exchange, with the candidates gathered so far.
    pub fn current_local_description(&self) -> Option<SessionDescription> {
        self.shared().look().peer.current_local_description()
    }

    /// `pendingLocalDescription`: an offer or provisional answer of ours that is under way; `None` in the stable state.
    pub fn pending_local_description(&self) -> Option<SessionDescription> {
        self.shared().look().peer.pending_local_description()
    }

    /// `currentRemoteDescription`: that of the last finished exchange, with the candidates that were added.
    pub fn current_remote_description(&self) -> Option<SessionDescription> {
        self.shared().look().peer.current_remote_description()
    }

    /// `pendingRemoteDescription`: an offer or provisional answer of the other side; `None` in the stable state.
    pub fn pending_remote_description(&self) -> Option<SessionDescription> {
        self.shared().look().peer.pending_remote_description()
    }

    /// `canTrickleIceCandidates`: whether the other side said that it takes candidates one by one; `None` before it gave a
    /// description.
    pub fn can_trickle_ice_candidates(&self) -> Option<bool> {
        self.shared().look().peer.can_trickle_ice_candidates()
    }

    /// `signalingState`.
    pub fn signaling_state(&self) -> SignalingState {
        self.shared().look().peer.signaling_state()
    }

    /// Whether something waits to be negotiated that no description says yet (`[[NegotiationNeeded]]`, webrtc-pc §4.7.3):
    /// what [`Event::NegotiationNeeded`](crate::Event::NegotiationNeeded) told, for who was not there to hear it.
    pub fn is_negotiation_needed(&self) -> bool {
        self.shared().look().peer.is_negotiation_needed()
    }

    /// `iceGatheringState`.
    pub fn ice_gathering_state(&self) -> IceGatheringState {
        self.shared().look().peer.ice_gathering_state()
    }

    /// `iceConnectionState`.
    pub fn ice_connection_state(&self) -> IceConnectionState {
        self.shared().look().peer.ice_connection_state()
    }

    /// `connectionState`.
    pub fn connection_state(&self) -> ConnectionState {
        self.shared().look().peer.connection_state()
    }

    /// What was sent and received so far.
    pub fn stats(&self) -> Stats {
        self.shared().look().peer.stats()
    }

    /// The transceivers that are not stopped.
    fn live(&self) -> impl Iterator<Item = TransceiverId> + use<> {
        let views = self.shared().look().peer.transceivers();
        views.into_iter().filter(|view| view.direction != Direction::Stopped).map(|view| view.id)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    /// A track and its transceiver, under one lock.
    pub(crate) fn add(
        &self,
        track: &LocalTrack,
        call: impl FnOnce(&mut Peer) -> Result<TransceiverId, peerless_peer::error::Error>,
    ) -> Result<Transceiver, Error> {
        let mut state = self.shared().lock();
        let id = call(&mut state.peer)?;
        state.attach(id, track.source.clone());
        drop(state);
        Ok(Transceiver::new(self.shared().clone(), id))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.lock().close(Instant::now());
    }
}

/// Where the machines' time and chance come from: the system's clock and generator, once.
pub(crate) fn machine_config(configuration: &Configuration) -> Result<Config, Error> {
    let mut seed = [0; 32];
    aws_lc_rs::rand::fill(&mut seed).map_err(|_| std::io::Error::other("no random numbers"))?;
    let mut config = Config::new(seed, (Instant::now(), SystemTime::now()));
    config.max_segments = driver::MAX_SEGMENTS;
    configuration.write_into(&mut config);
    Ok(config)
}
