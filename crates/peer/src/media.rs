//! Frames in and out: where transceivers meet the RTP session, and packets meet the transport.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use peerless_rtp::codec::Format;
use peerless_rtp::config::{Config, ReceiveConfig, SendConfig};
use peerless_rtp::frame::Frame;
use peerless_rtp::payload;
use peerless_rtp::session::{self, Session};
use peerless_rtp::stats;
use peerless_rtp::tone::Tone;
use peerless_transport::datagram::Transmit;
use peerless_transport::transport::{PacketKind, Transport};
use peerless_wire::rtp::{Mid, Rid};

use crate::transceiver::Transceiver;

/// Why a frame was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The peer was closed.
    #[error("the connection is closed")]
    Closed,
    /// No transceiver has this id, or it was stopped.
    #[error("no such transceiver")]
    UnknownTransceiver,
    /// The transceiver has no track to send.
    #[error("the sender has no track")]
    NoTrack,
    /// The remote does not take media here (yet): not negotiated, or a direction without sending.
    #[error("sending is not negotiated")]
    NotNegotiated,
    /// ICE or DTLS is not there (yet), or connectivity is lost for the moment.
    #[error("not connected")]
    NotConnected,
    /// The sender has no encoding of this name, or the remote does not take it.
    #[error("no such encoding: {0}")]
    NoEncoding(Rid),
    /// The encoding is not active, or the remote has it paused.
    #[error("the encoding is not active")]
    Inactive,
    /// The frame is coded with something else than what was negotiated.
    #[error("the frame is {given:?}, negotiated is {negotiated:?}")]
    WrongFormat {
        /// What the frame is.
        given: Format,
        /// What it should be.
        negotiated: Format,
    },
    /// The frame is not what its format says, or cannot be cut into packets of the size we send.
    #[error("the frame cannot be cut into packets")]
    Payload(#[from] payload::Error),
}

/// The RTP session of one transport.
#[derive(Debug)]
pub(crate) struct Media {
    stage: Stage,
    /// A protected packet that was too large for the batch it would have ended; it begins the next one.
    held: BytesMut,
    /// Packets that the transport would not protect.
    unprotected: u64,
}

/// A transport that carries data channels only never has a session: it would be a third of what the transport takes.
#[derive(Debug)]
enum Stage {
    /// No section sends or receives, and nothing has arrived.
    Waiting(Box<Config>),
    Running(Box<Session>),
    /// Closed before there was one.
    Closed,
}

/// The most bytes of one batch: what a UDP datagram may be in length (RFC 768), for that is what the system's send
/// call takes.
const BATCH_LIMIT: usize = 65_000;

impl Media {
    pub(crate) fn new(config: Config) -> Self {
        Self { stage: Stage::Waiting(Box::new(config)), held: BytesMut::new(), unprotected: 0 }
    }

    /// Its session, to look at, if there is one.
    pub(crate) fn session(&self) -> Option<&Session> {
        if let Stage::Running(session) = &self.stage { Some(session) } else { None }
    }

    fn session_mut(&mut self) -> Option<&mut Session> {
        if let Stage::Running(session) = &mut self.stage { Some(session) } else { None }
    }

    /// Its session, made if there was none; not after closing.
    fn begin(&mut self) -> Option<&mut Session> {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Closed) {
            Stage::Waiting(config) => Stage::Running(Box::new(Session::new(*config))),
            stage => stage,
        };
        self.session_mut()
    }

    /// Its session, made where `wanted`.
    fn begin_if(&mut self, wanted: bool) -> Option<&mut Session> {
        if wanted { self.begin() } else { self.session_mut() }
    }

    /// Stops all of a media section and forgets it.
    pub(crate) fn forget(&mut self, now: Instant, mid: &Mid) {
        self.set_sender(now, mid, None);
        self.set_receiver(now, mid, None);
    }

    pub(crate) fn set_sender(&mut self, now: Instant, mid: &Mid, config: Option<SendConfig>) {
        if let Some(session) = self.begin_if(config.is_some()) {
            session.set_sender(now, mid, config);
        }
    }

    /// Sets how a section sends: one configuration for each encoding.
    pub(crate) fn set_encodings(&mut self, now: Instant, mid: &Mid, configs: Vec<SendConfig>) {
        if let Some(session) = self.begin_if(!configs.is_empty()) {
            session.set_encodings(now, mid, configs);
        }
    }

    pub(crate) fn has_sender(&self, mid: &Mid) -> bool {
        self.session().is_some_and(|session| session.has_sender(mid))
    }

    pub(crate) fn set_receiver(&mut self, now: Instant, mid: &Mid, config: Option<ReceiveConfig>) {
        if let Some(session) = self.begin_if(config.is_some()) {
            session.set_receiver(now, mid, config);
        }
    }

    /// Hands a frame to the session, if the transceiver can send it now.
    pub(crate) fn send_frame(
        &mut self,
        now: Instant,
        transceiver: &Transceiver,
        transport: &Transport,
        frame: &Frame,
    ) -> Result<(), SendError> {
        let mid = sending_section(transceiver)?;
        if !transport.can_send_media() {
            return Err(SendError::NotConnected);
        }
        let nameless;
        let frame = match transceiver.sender.is_sent_nameless(frame.rid.as_ref()) {
            true => {
                nameless = Frame { rid: None, ..frame.clone() };
                &nameless
            }
            false => frame,
        };
        let session = self.session_mut().ok_or(SendError::NotNegotiated)?;
        session.send_frame(now, mid, frame).map_err(|error| match error {
            session::SendError::Format { expected, actual } => {
                SendError::WrongFormat { given: actual, negotiated: expected }
            }
            session::SendError::Payload(error) => SendError::Payload(error),
            session::SendError::NoEncoding(_, rid) => SendError::NoEncoding(rid),
            session::SendError::Inactive => SendError::Inactive,
            _ => SendError::NotNegotiated,
        })
    }

    /// Plays a tone on the sound of a media section; nothing where it sends none.
    pub(crate) fn play_tone(&mut self, now: Instant, mid: &Mid, tone: Tone, length: Duration) {
        if let Some(session) = self.session_mut() {
            // Refused only where a renegotiation has just taken tones away, or nothing could be sent for long.
            let _ = session.play_tone(now, mid, tone, length);
        }
    }

    pub(crate) fn handle_rtp(&mut self, now: Instant, packet: Bytes) {
        if let Some(session) = self.begin() {
            session.handle_rtp(now, packet);
        }
    }

    pub(crate) fn handle_rtcp(&mut self, now: Instant, packet: Bytes) {
        if let Some(session) = self.begin() {
            session.handle_rtcp(now, packet);
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if let Some(session) = self.session_mut() {
            session.handle_timeout(now);
        }
    }

    /// When the session wants to be called; while the transport cannot send, only for what it has received.
    pub(crate) fn poll_timeout(&self, transport: &Transport) -> Option<Instant> {
        let session = self.session()?;
        if transport.can_send_media() { session.poll_timeout() } else { session.poll_frame_timeout() }
    }

    /// Appends as many protected packets of one size as there are, up to `segments`; the last may be smaller.
    pub(crate) fn poll_transmit(
        &mut self,
        now: Instant,
        transport: &mut Transport,
        segments: usize,
        out: &mut BytesMut,
    ) -> Option<Transmit> {
        if !transport.can_send_media() {
            self.held.clear();
            return None;
        }
        let envelope = transport.envelope()?;
        let start = out.len();
        let (mut count, mut segment) = (0, 0);
        while count < segments.max(1) && out.len() - start + segment <= BATCH_LIMIT {
            let whole = out.len();
            let begin = envelope.open(out);
            if !self.append_packet(now, transport, out) {
                envelope.cancel(out, begin);
                break;
            }
            let end = out.len();
            envelope.close(out, begin);
            let size = out.len() - whole;
            if count > 0 && size > segment {
                self.held.extend_from_slice(&out[begin..end]);
                out.truncate(whole);
                break;
            }
            segment = segment.max(size);
            count += 1;
            if size < segment {
                break;
            }
        }
        (count > 0).then(|| Transmit {
            size: out.len() - start,
            segment_size: (count > 1).then_some(segment),
            ..envelope.transmit()
        })
    }

    /// Appends the next packet, protected. One that cannot be protected is counted and dropped.
    fn append_packet(&mut self, now: Instant, transport: &mut Transport, out: &mut BytesMut) -> bool {
        if !self.held.is_empty() {
            out.extend_from_slice(&self.held);
            self.held.clear();
            return true;
        }
        let start = out.len();
        let Stage::Running(session) = &mut self.stage else { return false };
        while let Some(kind) = session.poll_packet(now, out) {
            if transport.protect(protection(kind), out, start).is_ok() {
                return true;
            }
            self.unprotected += 1;
            out.truncate(start);
        }
        false
    }

    /// The next frame with the media section it is for.
    pub(crate) fn poll_frame(&mut self) -> Option<(Mid, Frame)> {
        self.session_mut()?.poll_frame()
    }

    pub(crate) fn poll_event(&mut self) -> Option<session::Event> {
        self.session_mut()?.poll_event()
    }

    pub(crate) fn request_key_frame(&mut self, now: Instant, mid: &Mid, rid: Option<&Rid>) {
        if let Some(session) = self.session_mut() {
            session.request_key_frame(now, mid, rid);
        }
    }

    /// The next packet that arrives for a section is told like the first of a source.
    pub(crate) fn tell_next_arrival(&mut self, mid: &Mid) {
        if let Some(session) = self.session_mut() {
            session.tell_next_arrival(mid);
        }
    }

    pub(crate) fn set_jitter_buffer_target(&mut self, now: Instant, mid: &Mid, target: Option<Duration>) {
        if let Some(session) = self.session_mut() {
            session.set_jitter_buffer_target(now, mid, target);
        }
    }

    /// Says BYE for all that is sent; `poll_transmit` still gives it.
    pub(crate) fn close(&mut self, now: Instant) {
        match &mut self.stage {
            Stage::Running(session) => session.close(now),
            stage => *stage = Stage::Closed,
        }
        self.held.clear();
    }

    /// What the network and the parameters let the encoder of an encoding give. Sound has its own rate, by its codec's
    /// parameters, but for a limit that was set.
    pub(crate) fn target_bitrate(&self, transceiver: &Transceiver, rid: Option<&Rid>) -> Option<u64> {
        let rid = rid.filter(|rid| !transceiver.sender.is_sent_nameless(Some(rid)));
        self.session()?.target_bitrate(transceiver.mid.as_ref()?, rid)
    }

    pub(crate) fn stats(&self) -> stats::Stats {
        self.session().map(Session::stats).unwrap_or_default()
    }
}

/// The media section a transceiver sends on, if negotiation allows it and there is something to send.
pub(crate) fn sending_section(transceiver: &Transceiver) -> Result<&Mid, SendError> {
    if transceiver.stopping {
        return Err(SendError::UnknownTransceiver);
    }
    if transceiver.sender.track.is_none() {
        return Err(SendError::NoTrack);
    }
    match &transceiver.mid {
        Some(mid) if transceiver.may_send() && transceiver.sender.codec.is_some() => Ok(mid),
        _ => Err(SendError::NotNegotiated),
    }
}

/// Session and transport do not know each other: their words for the two kinds of packet meet here.
fn protection(kind: session::PacketKind) -> PacketKind {
    match kind {
        session::PacketKind::Rtp => PacketKind::Rtp,
        session::PacketKind::Rtcp => PacketKind::Rtcp,
    }
}
