//! The conductor: RTCPeerConnection (webrtc-pc §4.4) as a machine without sockets or clocks.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use bytes::BytesMut;
use peerless_rtp::frame::Frame;
use peerless_transport::datagram::{Datagram, Transmit};
use peerless_transport::state::{DtlsState, IceState};

use crate::config::{BundlePolicy, CodecCapability, Config};
use crate::description::{IceCandidateInit, SessionDescription};
use crate::error::Error;
use crate::event::Event;
use crate::id::TransceiverId;
use crate::media::SendError;
use crate::report::{Stats, TransportStats};
use crate::state::{
    ConnectionState, Direction, IceConnectionState, IceGatheringState, MediaKind, SignalingState,
};
use crate::transceiver::{ReceiverView, SenderView, TrackInit, TransceiverInit, TransceiverView};

/// One peer connection. It is driven from outside: whatever arrives is handed in with the time, and after each call
/// the outputs are polled, in any order and any number of times.
#[derive(Debug)]
pub struct Peer {
    config: Config,
    events: VecDeque<Event>,
    signaling: SignalingState,
}

impl Peer {
    /// A peer in its initial states.
    ///
    /// # Errors
    /// `NotSupported` for another bundle policy than max-bundle.
    pub fn new(config: Config) -> Result<Self, Error> {
        if config.bundle_policy != BundlePolicy::MaxBundle {
            return Err(Error::NotSupported("a bundle policy other than max-bundle"));
        }
        Ok(Self { config, events: VecDeque::new(), signaling: SignalingState::Stable })
    }

    /// `addTrack` (webrtc-pc §5.1): reuses a transceiver of this kind that never sent, else makes one.
    ///
    /// # Errors
    /// `TrackExists` where a sender has a track of this id.
    pub fn add_track(&mut self, kind: MediaKind, track: TrackInit) -> Result<TransceiverId, Error> {
        let _ = (kind, track);
        Err(Error::NotSupported("not yet"))
    }

    /// `addTransceiver` (webrtc-pc §5.1).
    ///
    /// # Errors
    /// `Argument` for the direction `Stopped`.
    pub fn add_transceiver(
        &mut self,
        kind: MediaKind,
        init: TransceiverInit,
    ) -> Result<TransceiverId, Error> {
        let _ = (kind, init);
        Err(Error::NotSupported("not yet"))
    }

    /// `removeTrack` (webrtc-pc §5.1): the sender stops sending; the direction loses its sending half.
    ///
    /// # Errors
    /// `UnknownTransceiver`.
    pub fn remove_track(&mut self, now: Instant, id: TransceiverId) -> Result<(), Error> {
        let _ = (now, id);
        Err(Error::UnknownTransceiver)
    }

    /// Sets the direction wanted at the next negotiation (webrtc-pc §5.4).
    ///
    /// # Errors
    /// `UnknownTransceiver`; `Argument` for `Stopped`, which only `stop` sets.
    pub fn set_direction(&mut self, id: TransceiverId, direction: Direction) -> Result<(), Error> {
        let _ = (id, direction);
        Err(Error::UnknownTransceiver)
    }

    /// `setCodecPreferences` (webrtc-pc §5.4): only these, best first; empty for the configuration's.
    ///
    /// # Errors
    /// `UnknownTransceiver`; `Modified` where one is of another kind or not among the configuration's.
    pub fn set_codec_preferences(
        &mut self,
        id: TransceiverId,
        codecs: &[CodecCapability],
    ) -> Result<(), Error> {
        let _ = (id, codecs);
        Err(Error::UnknownTransceiver)
    }

    /// `stop` (webrtc-pc §5.4): sends and receives nothing more, and the media section goes at the next negotiation.
    ///
    /// # Errors
    /// `UnknownTransceiver`.
    pub fn stop(&mut self, now: Instant, id: TransceiverId) -> Result<(), Error> {
        let _ = (now, id);
        Err(Error::UnknownTransceiver)
    }

    /// All transceivers that are not stopped, in the order of their making.
    pub fn transceivers(&self) -> Vec<TransceiverView> {
        Vec::new()
    }

    /// One transceiver; `None` where it was stopped and is gone.
    pub fn transceiver(&self, id: TransceiverId) -> Option<TransceiverView> {
        let _ = id;
        None
    }

    /// The sending half of a transceiver.
    pub fn sender(&self, id: TransceiverId) -> Option<SenderView> {
        let _ = id;
        None
    }

    /// The receiving half of a transceiver.
    pub fn receiver(&self, id: TransceiverId) -> Option<ReceiverView> {
        let _ = id;
        None
    }

    /// `createOffer` (webrtc-pc §4.4.2, RFC 9429 §5.2).
    ///
    /// # Errors
    /// `Closed`; `WrongState` while the remote's offer is unanswered.
    pub fn create_offer(&mut self) -> Result<SessionDescription, Error> {
        Err(Error::NotSupported("not yet"))
    }

    /// `createAnswer` (webrtc-pc §4.4.2, RFC 9429 §5.3).
    ///
    /// # Errors
    /// `Closed`; `WrongState` without a remote offer.
    pub fn create_answer(&mut self) -> Result<SessionDescription, Error> {
        Err(Error::NotSupported("not yet"))
    }

    /// `setLocalDescription` (webrtc-pc §4.4.2). With `None` the offer or answer that the state asks for is created
    /// and set.
    ///
    /// # Errors
    /// `Closed`, `WrongState`, `Modified` where the text is not what was created last. Nothing changes on error.
    pub fn set_local_description(
        &mut self,
        now: Instant,
        description: Option<SessionDescription>,
    ) -> Result<(), Error> {
        let _ = (now, description);
        Err(Error::NotSupported("not yet"))
    }

    /// `setRemoteDescription` (webrtc-pc §4.4.2).
    ///
    /// # Errors
    /// `Closed`, `WrongState`, `Syntax`, `Description`. Nothing changes on error.
    pub fn set_remote_description(
        &mut self,
        now: Instant,
        description: SessionDescription,
    ) -> Result<(), Error> {
        let _ = (now, description);
        Err(Error::NotSupported("not yet"))
    }

    /// `addIceCandidate` (webrtc-pc §4.4.2). An empty candidate is the end of candidates.
    ///
    /// # Errors
    /// `Closed`; `Candidate` with the reason.
    pub fn add_ice_candidate(&mut self, now: Instant, candidate: &IceCandidateInit) -> Result<(), Error> {
        let _ = (now, candidate);
        Err(Error::NotSupported("not yet"))
    }

    /// One bound UDP socket more: a host candidate. Asked for by `Event::Gather`.
    pub fn add_local_address(&mut self, now: Instant, address: SocketAddr) {
        let _ = (now, address);
    }

    /// One STUN server more, asked from each local address of its family.
    pub fn add_stun_server(&mut self, now: Instant, server: SocketAddr) {
        let _ = (now, server);
    }

    /// There are no more local addresses and servers.
    pub fn finish_local_addresses(&mut self, now: Instant) {
        let _ = now;
    }

    /// What became of a name given by `Event::ResolveName`; `None` where it has no address.
    pub fn name_resolved(&mut self, now: Instant, name: &str, address: Option<IpAddr>) {
        let _ = (now, name, address);
    }

    /// Takes a datagram. Whatever is wrong with it is counted, and it is dropped.
    pub fn handle_datagram(&mut self, now: Instant, datagram: Datagram) {
        let _ = (now, datagram);
    }

    /// Time went on: to be called when `poll_timeout`'s time has come; earlier or later does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// When `handle_timeout` shall be called; `None` for not by itself.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Appends one datagram, or several of equal size up to `Config::max_segments`, to `out`.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut BytesMut) -> Option<Transmit> {
        let _ = (now, out);
        None
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// A received frame, whole and in order, with the transceiver it is for.
    pub fn poll_frame(&mut self) -> Option<(TransceiverId, Frame)> {
        None
    }

    /// Sends a frame: cut into packets at once, which wait in the pacer until `poll_transmit`.
    ///
    /// # Errors
    /// Why it was dropped. A frame is never kept for later.
    pub fn send_frame(&mut self, now: Instant, id: TransceiverId, frame: &Frame) -> Result<(), SendError> {
        let _ = (now, id, frame);
        Err(SendError::NotConnected)
    }

    /// `signalingState` (webrtc-pc §4.3.1).
    pub fn signaling_state(&self) -> SignalingState {
        self.signaling
    }

    /// `iceGatheringState` (webrtc-pc §4.3.2).
    pub fn ice_gathering_state(&self) -> IceGatheringState {
        IceGatheringState::New
    }

    /// `iceConnectionState` (webrtc-pc §4.3.4).
    pub fn ice_connection_state(&self) -> IceConnectionState {
        IceConnectionState::New
    }

    /// `connectionState` (webrtc-pc §4.3.3).
    pub fn connection_state(&self) -> ConnectionState {
        ConnectionState::New
    }

    /// `localDescription`: the pending one, else the current one, with the candidates gathered so far.
    pub fn local_description(&self) -> Option<SessionDescription> {
        None
    }

    /// `remoteDescription`: the pending one, else the current one, with the candidates that were added.
    pub fn remote_description(&self) -> Option<SessionDescription> {
        None
    }

    /// All counters.
    pub fn stats(&self) -> Stats {
        Stats {
            transceivers: Vec::new(),
            transport: TransportStats {
                ice: IceState::New,
                dtls: DtlsState::New,
                selected_pair: None,
                secured: None,
                datagrams_sent: 0,
                bytes_sent: 0,
                datagrams_received: 0,
                bytes_received: 0,
                datagrams_dropped: 0,
            },
        }
    }

    /// `close` (webrtc-pc §4.4.1): BYE and close_notify are left for `poll_transmit`, all states go to closed.
    pub fn close(&mut self, now: Instant) {
        let _ = (now, &self.config);
        self.signaling = SignalingState::Closed;
    }

    /// Whether `close` was called.
    pub fn is_closed(&self) -> bool {
        self.signaling == SignalingState::Closed
    }
}
