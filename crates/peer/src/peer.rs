//! The conductor: RTCPeerConnection (webrtc-pc §4.4) as a machine without sockets or clocks.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use peerless_rtp::frame::Frame;
use peerless_transport::crypto::Certificate;
use peerless_transport::datagram::{Datagram, Transmit};
use peerless_transport::dtls::Versions;
use peerless_transport::sctp;
use peerless_transport::transport::{self, Transport};
use peerless_wire::sdp::{Address, Description};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::config::{BundlePolicy, CodecCapability, Config, DtlsVersions};
use crate::data::Channels;
use crate::description::{IceCandidateInit, SessionDescription};
use crate::engine::Engine;
use crate::error::Error;
use crate::event::Event;
use crate::id::TransceiverId;
use crate::jsep::view::{DataView, View};
use crate::jsep::{self, Source};
use crate::media::{Media, SendError};
use crate::negotiation::Negotiation;
use crate::report::{self, Stats};
use crate::state::{
    ConnectionState, Direction, IceConnectionState, IceGatheringState, MediaKind, SdpType, SignalingState,
};
use crate::transceiver::{
    ReceiverView, SenderView, TrackInit, Transceiver, TransceiverInit, TransceiverView, Transceivers,
    with_sending,
};

/// One peer connection. It is driven from outside: whatever arrives is handed in with the time, and after each call
/// the outputs are polled, in any order and any number of times.
pub struct Peer {
    pub(crate) config: Config,
    certificate: Arc<Certificate>,
    pub(crate) negotiation: Negotiation,
    pub(crate) engine: Engine,
}

/// The room SRTP and SRTCP need behind a packet: tag, and for RTCP the index (RFC 7714 §17, RFC 3711 §3.4).
const PROTECTION: usize = 20;
/// The end of `Config::jitter_buffer` at most.
const LONGEST_JITTER_BUFFER: Duration = Duration::from_secs(10);

/// The least `Config::mtu`: what every IPv4 host must take (RFC 791 §3.2), less its headers.
const MTU_MIN: usize = 548;
/// What `Config::receive_buffer` may be.
const RECEIVE_BUFFERS: RangeInclusive<usize> = 4096..=1 << 30;

impl Peer {
    /// A peer in its initial states.
    ///
    /// # Errors
    /// `NotSupported` for another bundle policy than max-bundle; `Argument` for an `mtu` below 548 or above 65 507, for
    /// buffers, delays, packet and message sizes outside of what `Config` says, or where no certificate could be made.
    pub fn new(config: Config) -> Result<Self, Error> {
        if config.bundle_policy != BundlePolicy::MaxBundle {
            return Err(Error::NotSupported("a bundle policy other than max-bundle"));
        }
        if !(sctp::BASE_PACKET_SIZE..=sctp::MAX_PACKET_SIZE).contains(&config.max_packet_size) {
            return Err(Error::Argument("the largest packet must be 1200 to 16384"));
        }
        if !(MTU_MIN..=65_507).contains(&config.mtu) {
            return Err(Error::Argument("the mtu must be 548 to 65507"));
        }
        if config.send_buffer == 0 || !RECEIVE_BUFFERS.contains(&config.receive_buffer) {
            return Err(Error::Argument("send_buffer must not be 0, receive_buffer 4096 bytes to 1 GiB"));
        }
        if config.max_message_size == 0 || config.max_message_size > config.receive_buffer / 2 {
            return Err(Error::Argument("max_message_size must be 1 to half of receive_buffer"));
        }
        if config.jitter_buffer.is_empty() || *config.jitter_buffer.end() > LONGEST_JITTER_BUFFER {
            return Err(Error::Argument("jitter_buffer must hold a time, ten seconds at most"));
        }
        let certificate = match &config.certificate {
            Some(certificate) => certificate.clone(),
            None => Arc::new(
                Certificate::generate(config.epoch.1)
                    .map_err(|_| Error::Argument("no certificate could be made"))?,
            ),
        };
        let mut chance = fork(&config.seed, PEER_STREAM);
        let cname = format!("{:016x}{:016x}", chance.next_u64(), chance.next_u64());
        let mut session =
            peerless_rtp::config::Config::new(&cname, forked(&config.seed, SESSION_STREAM), config.epoch);
        session.mtu = config.mtu - PROTECTION;
        session.pacing = config.pacing;
        session.jitter_buffer_min = *config.jitter_buffer.start();
        session.jitter_buffer_max = *config.jitter_buffer.end();
        session.diagnostics = config.diagnostics;
        let transport = Transport::new(config.epoch.0, transport_config(&config, certificate.clone()));
        let transceivers = Transceivers::new(fork(&config.seed, TRANSCEIVERS_STREAM));
        let negotiation = Negotiation::new(chance.next_u64() >> 1, cname);
        let channels = Channels::new(sctp_config(&config));
        let engine = Engine::new(transceivers, Media::new(session), transport, channels, config.max_segments);
        Ok(Self { config, certificate, negotiation, engine })
    }

    /// `addTrack` (webrtc-pc §5.1): reuses a transceiver of this kind that never sent, else makes one.
    ///
    /// # Errors
    /// `Closed`; `TrackExists` where a sender has a track of this id.
    pub fn add_track(&mut self, kind: MediaKind, track: TrackInit) -> Result<TransceiverId, Error> {
        self.check_open()?;
        let id = self.engine.transceivers.add_track(kind, track)?;
        self.finish_call();
        Ok(id)
    }

    /// `addTransceiver` (webrtc-pc §5.1).
    ///
    /// # Errors
    /// `Closed`; `Argument` for the direction `Stopped`; `TrackExists` where a sender has a track of this id.
    pub fn add_transceiver(
        &mut self,
        kind: MediaKind,
        init: TransceiverInit,
    ) -> Result<TransceiverId, Error> {
        self.check_open()?;
        if init.direction == Direction::Stopped {
            return Err(Error::Argument("a transceiver cannot begin as stopped"));
        }
        if let Some(track) = &init.track {
            self.engine.transceivers.check_track_is_new(track)?;
        }
        let transceiver = self.engine.transceivers.add(kind, init.direction);
        let id = transceiver.id;
        if let Some(track) = init.track {
            transceiver.sender.set_track(track);
        }
        self.finish_call();
        Ok(id)
    }

    /// `removeTrack` (webrtc-pc §5.1): the sender stops sending; the direction loses its sending half.
    ///
    /// # Errors
    /// `Closed`, `UnknownTransceiver`.
    pub fn remove_track(&mut self, now: Instant, id: TransceiverId) -> Result<(), Error> {
        self.check_open()?;
        let transceiver = self.engine.transceivers.live_mut(id)?;
        if transceiver.sender.track.take().is_some() {
            transceiver.direction = with_sending(transceiver.direction, false);
            if let Some(mid) = transceiver.mid.clone() {
                self.engine.media.set_sender(now, &mid, None);
            }
        }
        self.finish_call();
        Ok(())
    }

    /// Sets the direction wanted at the next negotiation (webrtc-pc §5.4).
    ///
    /// # Errors
    /// `Closed`, `UnknownTransceiver`; `Argument` for `Stopped`, which only `stop` sets.
    pub fn set_direction(&mut self, id: TransceiverId, direction: Direction) -> Result<(), Error> {
        self.check_open()?;
        if direction == Direction::Stopped {
            return Err(Error::Argument("only stop() stops a transceiver"));
        }
        self.engine.transceivers.live_mut(id)?.direction = direction;
        self.finish_call();
        Ok(())
    }

    /// `setCodecPreferences` (webrtc-pc §5.4): only these, best first; empty for the configuration's.
    ///
    /// # Errors
    /// `Closed`, `UnknownTransceiver`; `Modified` where one is of another kind or not among the configuration's.
    pub fn set_codec_preferences(
        &mut self,
        id: TransceiverId,
        codecs: &[CodecCapability],
    ) -> Result<(), Error> {
        self.check_open()?;
        let transceiver = self.engine.transceivers.live_mut(id)?;
        let is_video = transceiver.kind == MediaKind::Video;
        let is_ours = |codec: &CodecCapability| {
            codec.format.is_video() == is_video && self.config.codecs.contains(codec)
        };
        if !codecs.iter().all(is_ours) {
            return Err(Error::Modified);
        }
        transceiver.preferences = codecs.to_vec();
        self.finish_call();
        Ok(())
    }

    /// `stop` (webrtc-pc §5.4): sends and receives nothing more, and the media section goes at the next negotiation.
    ///
    /// # Errors
    /// `Closed`, `UnknownTransceiver`.
    pub fn stop(&mut self, now: Instant, id: TransceiverId) -> Result<(), Error> {
        self.check_open()?;
        self.engine.transceivers.live_mut(id)?;
        self.engine.stop_transceiver(now, id);
        self.finish_call();
        Ok(())
    }

    /// All transceivers that are not stopped for good, in the order of their making.
    pub fn transceivers(&self) -> Vec<TransceiverView> {
        self.engine.transceivers.iter().map(Transceiver::view).collect()
    }

    /// One transceiver; `None` where it was stopped and is gone.
    pub fn transceiver(&self, id: TransceiverId) -> Option<TransceiverView> {
        self.engine.transceivers.find(id).map(Transceiver::view)
    }

    /// The sending half of a transceiver.
    pub fn sender(&self, id: TransceiverId) -> Option<SenderView> {
        let transceiver = self.engine.transceivers.find(id)?;
        let sender = &transceiver.sender;
        let target = self.engine.media.target_bitrate(transceiver);
        Some(SenderView {
            track: sender.track.clone(),
            codec: sender.codec.clone().filter(|_| transceiver.may_send()),
            can_send: sender.able && !self.is_closed(),
            target_bitrate: target,
        })
    }

    /// The receiving half of a transceiver.
    pub fn receiver(&self, id: TransceiverId) -> Option<ReceiverView> {
        let transceiver = self.engine.transceivers.find(id)?;
        let receiver = &transceiver.receiver;
        Some(ReceiverView {
            track_id: receiver.track_id.clone(),
            stream_ids: receiver.stream_ids.clone(),
            kind: transceiver.kind,
            codecs: receiver.codecs.clone(),
            receptive: receiver.receptive && !transceiver.stopping,
            jitter_buffer_target: receiver.jitter_buffer_target,
        })
    }

    /// `jitterBufferTarget` (webrtc-pc §5.3): how long frames are held at least before they are handed on. `None`
    /// follows the path; zero hands them on as soon as they are whole. Takes effect at once.
    ///
    /// # Errors
    /// `Closed`, `UnknownTransceiver`; `Range` above four seconds.
    pub fn set_jitter_buffer_target(
        &mut self,
        now: Instant,
        id: TransceiverId,
        target: Option<Duration>,
    ) -> Result<(), Error> {
        self.check_open()?;
        self.engine.set_jitter_buffer_target(now, id, target)
    }

    /// Asks the remote for a key frame on this transceiver (PLI or FIR), not more often than is of use.
    pub fn request_key_frame(&mut self, now: Instant, id: TransceiverId) {
        if let Some(mid) = self.engine.transceivers.find(id).and_then(|one| one.mid.clone()) {
            self.engine.media.request_key_frame(now, &mid);
        }
    }

    /// `createOffer` (webrtc-pc §4.4.2, RFC 9429 §5.2).
    ///
    /// # Errors
    /// `Closed`; `WrongState` while the remote's offer is unanswered.
    pub fn create_offer(&mut self) -> Result<SessionDescription, Error> {
        self.create(SdpType::Offer)
    }

    /// `createAnswer` (webrtc-pc §4.4.2, RFC 9429 §5.3).
    ///
    /// # Errors
    /// `Closed`; `WrongState` without a remote offer.
    pub fn create_answer(&mut self) -> Result<SessionDescription, Error> {
        self.create(SdpType::Answer)
    }

    /// `setLocalDescription` (webrtc-pc §4.4.2). With `None`, or an offer or answer without text, it is created and
    /// set.
    ///
    /// # Errors
    /// `Closed`, `WrongState`, `Modified` where the text is not what was created last. Nothing changes on error.
    pub fn set_local_description(
        &mut self,
        now: Instant,
        description: Option<SessionDescription>,
    ) -> Result<(), Error> {
        self.check_open()?;
        let (kind, text) = match description {
            Some(given) => (given.kind, given.sdp),
            None => (self.negotiation.implied_kind(), String::new()),
        };
        if kind == SdpType::Rollback {
            return self.apply(now, Source::Local, kind, &rollback());
        }
        self.check_state(Source::Local, kind)?;
        let given = match text.is_empty() {
            true => self.create(if kind == SdpType::Offer { kind } else { SdpType::Answer })?.sdp,
            false => text,
        };
        let description = self.negotiation.take_created(kind, &given)?;
        self.apply(now, Source::Local, kind, &description)
    }

    /// `setRemoteDescription` (webrtc-pc §4.4.2). An offer that meets an offer of ours is refused: roll back first.
    ///
    /// # Errors
    /// `Closed`, `WrongState`, `Syntax`, `Description`. Nothing changes on error.
    pub fn set_remote_description(
        &mut self,
        now: Instant,
        description: SessionDescription,
    ) -> Result<(), Error> {
        self.check_open()?;
        if description.kind == SdpType::Rollback {
            return self.apply(now, Source::Remote, description.kind, &rollback());
        }
        self.check_state(Source::Remote, description.kind)?;
        let parsed = Description::parse(&description.sdp)?;
        self.apply(now, Source::Remote, description.kind, &parsed)
    }

    /// `addIceCandidate` (webrtc-pc §4.4.2). An empty candidate is the end of candidates.
    ///
    /// # Errors
    /// `Closed`; `Candidate` with the reason.
    pub fn add_ice_candidate(&mut self, now: Instant, candidate: &IceCandidateInit) -> Result<(), Error> {
        self.check_open()?;
        let added = self.negotiation.add_candidate(candidate)?;
        // What comes before the answer is in the description, and comes into force with it.
        let in_force = self.engine.dtls_role.is_some();
        match added.candidate {
            Some(mut one) if in_force || matches!(one.address, Address::Name(_)) => {
                one.ufrag = one.ufrag.or_else(|| candidate.username_fragment.clone());
                self.engine.add_remote_candidate(now, one);
            }
            None if in_force => self.engine.end_remote_candidates(now),
            _ => {}
        }
        self.finish_call();
        Ok(())
    }

    /// One bound UDP socket more: a host candidate. Asked for by `Event::Gather`.
    pub fn add_local_address(&mut self, now: Instant, address: SocketAddr) {
        self.engine.transport.ice_mut().add_local_address(now, address);
        self.engine.settle();
    }

    /// One STUN server more, asked from each local address of its family.
    pub fn add_stun_server(&mut self, now: Instant, server: SocketAddr) {
        self.engine.transport.ice_mut().add_stun_server(now, server);
        self.engine.settle();
    }

    /// There are no more local addresses and servers.
    pub fn finish_local_addresses(&mut self, now: Instant) {
        self.engine.finish_local_addresses(now);
        self.engine.settle();
    }

    /// What became of a name given by `Event::ResolveName`; `None` where it has no address.
    pub fn name_resolved(&mut self, now: Instant, name: &str, address: Option<IpAddr>) {
        self.engine.name_resolved(now, name, address);
        self.engine.settle();
    }

    /// Takes a datagram. Whatever is wrong with it is counted, and it is dropped.
    pub fn handle_datagram(&mut self, now: Instant, datagram: Datagram) {
        self.engine.handle_datagram(now, datagram);
    }

    /// Time went on: to be called when `poll_timeout`'s time has come; earlier or later does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.engine.handle_timeout(now);
    }

    /// When `handle_timeout` shall be called, and `poll_transmit` after it; `None` for not by itself.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.engine.poll_timeout()
    }

    /// Appends one datagram, or several of equal size up to `Config::max_segments`, to `out`. After `close` it still
    /// gives the last ones.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut BytesMut) -> Option<Transmit> {
        self.engine.poll_transmit(now, out)
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.engine.poll_event()
    }

    /// A received frame, whole and in order, with the transceiver it is for.
    pub fn poll_frame(&mut self) -> Option<(TransceiverId, Frame)> {
        self.engine.poll_frame()
    }

    /// Sends a frame: cut into packets at once, which wait in the pacer until `poll_transmit`.
    ///
    /// # Errors
    /// Why it was dropped. A frame is never kept for later.
    pub fn send_frame(&mut self, now: Instant, id: TransceiverId, frame: &Frame) -> Result<(), SendError> {
        self.engine.send_frame(now, id, frame)
    }

    /// `signalingState` (webrtc-pc §4.3.1).
    pub fn signaling_state(&self) -> SignalingState {
        self.negotiation.signaling()
    }

    /// `iceGatheringState` (webrtc-pc §4.3.2).
    pub fn ice_gathering_state(&self) -> IceGatheringState {
        self.engine.connectivity.gathering_state()
    }

    /// `iceConnectionState` (webrtc-pc §4.3.4).
    pub fn ice_connection_state(&self) -> IceConnectionState {
        match self.is_closed() {
            true => IceConnectionState::Closed,
            false => self.engine.connectivity.ice_connection_state(),
        }
    }

    /// `connectionState` (webrtc-pc §4.3.3).
    pub fn connection_state(&self) -> ConnectionState {
        match self.is_closed() {
            true => ConnectionState::Closed,
            false => self.engine.connectivity.connection_state(),
        }
    }

    /// `localDescription`: the pending one, else the current one, with the candidates gathered so far.
    pub fn local_description(&self) -> Option<SessionDescription> {
        self.negotiation.local_description(&self.engine.gathered())
    }

    /// `remoteDescription`: the pending one, else the current one, with the candidates that were added.
    pub fn remote_description(&self) -> Option<SessionDescription> {
        self.negotiation.remote_description()
    }

    /// The certificate by which this peer proves who it is.
    pub fn certificate(&self) -> &Arc<Certificate> {
        &self.certificate
    }

    /// All counters.
    pub fn stats(&self) -> Stats {
        report::collect(&self.engine)
    }

    /// `close` (webrtc-pc §4.4.1): BYE and close_notify are left for `poll_transmit`, all states go to closed, and no
    /// event is given for it.
    pub fn close(&mut self, now: Instant) {
        if !self.is_closed() {
            self.negotiation.close();
            self.engine.close(now);
        }
    }

    /// Whether `close` was called.
    pub fn is_closed(&self) -> bool {
        self.negotiation.signaling() == SignalingState::Closed
    }

    fn create(&mut self, kind: SdpType) -> Result<SessionDescription, Error> {
        self.check_open()?;
        let view = self.view();
        let description = match kind {
            SdpType::Offer => jsep::create_offer(&view)?,
            _ => jsep::create_answer(&view)?,
        };
        Ok(self.negotiation.created(kind, description, &self.engine.gathered()))
    }

    /// Makes the plan of a description and carries it out. All that can fail comes before the first change.
    fn apply(
        &mut self,
        now: Instant,
        source: Source,
        kind: SdpType,
        description: &Description,
    ) -> Result<(), Error> {
        let plan = jsep::apply(&self.view(), source, kind, description)?;
        let is_local = source == Source::Local;
        if self.negotiation.commit(&plan, is_local, kind) {
            self.engine.tell(Event::SignalingState(self.negotiation.signaling()));
        }
        self.engine.set_local_section(self.negotiation.local_section());
        self.engine.enact(now, plan);
        if is_local && self.engine.local_section.is_some() {
            self.engine.gather(now);
        }
        self.finish_call();
        Ok(())
    }

    fn view(&self) -> View {
        let transport = self.engine.transport_view();
        let data = DataView {
            wanted: self.engine.channels.is_wanted(),
            max_message_size: self.config.max_message_size as u64,
            max_packet_size: self.config.max_packet_size as u64,
        };
        self.negotiation.view(&self.config.codecs, transport, &self.engine.transceivers, data)
    }

    pub(crate) fn check_open(&self) -> Result<(), Error> {
        if self.is_closed() { Err(Error::Closed) } else { Ok(()) }
    }

    fn check_state(&self, source: Source, kind: SdpType) -> Result<(), Error> {
        let state = self.negotiation.signaling();
        match jsep::next_state(state, source, kind) {
            Some(_) => Ok(()),
            None => Err(Error::WrongState { kind, state }),
        }
    }

    /// What each call of the W3C interface ends with: the operations chain is empty, so negotiation-needed is decided.
    pub(crate) fn finish_call(&mut self) {
        self.engine.tell_senders();
        self.engine.settle();
        if self.negotiation.became_needed(&self.engine.transceivers, self.engine.channels.is_wanted()) {
            self.engine.tell(Event::NegotiationNeeded);
        }
    }
}

fn transport_config(config: &Config, certificate: Arc<Certificate>) -> transport::Config {
    let seed = forked(&config.seed, TRANSPORT_STREAM);
    let mut made = transport::Config::new(seed, certificate);
    if config.simulation {
        made = made.simulated(seed);
    }
    made.diagnostics = config.diagnostics;
    made.ice.diagnostics = config.diagnostics;
    made.dtls.mtu = config.mtu;
    made.dtls.versions = match config.dtls {
        DtlsVersions::Any => Versions::Any,
        DtlsVersions::Only12 => Versions::Only12,
        DtlsVersions::Only13 => Versions::Only13,
    };
    made
}

fn sctp_config(config: &Config) -> sctp::Config {
    let mut made = sctp::Config::new(forked(&config.seed, SCTP_STREAM));
    made.max_message_size = config.max_message_size;
    made.receive_window = config.receive_buffer;
    made.send_buffer = config.send_buffer;
    made.max_packet_size = config.max_packet_size;
    made
}

const PEER_STREAM: u64 = 0;
const SESSION_STREAM: u64 = 1;
const TRANSPORT_STREAM: u64 = 2;
const TRANSCEIVERS_STREAM: u64 = 3;
const SCTP_STREAM: u64 = 4;

/// A source of chance of its own for each machine, so that a draw here does not change the draws there.
fn fork(seed: &[u8; 32], stream: u64) -> ChaCha20Rng {
    let mut chance = ChaCha20Rng::from_seed(*seed);
    chance.set_stream(stream);
    chance
}

fn forked(seed: &[u8; 32], stream: u64) -> [u8; 32] {
    let mut forked = [0; 32];
    fork(seed, stream).fill_bytes(&mut forked);
    forked
}

/// A rollback has no text.
fn rollback() -> Description {
    Description::new(0, 0)
}

/// The states only: descriptions and configuration hold what must not be logged.
impl fmt::Debug for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Peer")
            .field("signaling", &self.signaling_state())
            .field("connection", &self.connection_state())
            .finish_non_exhaustive()
    }
}
