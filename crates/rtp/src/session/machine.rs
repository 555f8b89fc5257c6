//! The session itself: its state, and what its owner calls.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use peerless_wire::rtp::Mid;

use crate::config::{Config, ReceiveConfig, SendConfig};
use crate::frame::Frame;
use crate::session::event::{Event, PacketKind, SendError};
use crate::stats::Stats;

/// All RTP streams of one BUNDLE group, both ways; sans-IO.
///
/// Hand in what arrives, decrypted, by [`handle_rtp`](Self::handle_rtp) and [`handle_rtcp`](Self::handle_rtcp), and
/// the passing of time by [`handle_timeout`](Self::handle_timeout) at [`poll_timeout`](Self::poll_timeout). Take what
/// is to be sent by [`poll_packet`](Self::poll_packet) until it gives `None`, and frames and events likewise. Any
/// order, any number of times.
#[derive(Debug)]
pub struct Session {
    config: Config,
    frames: VecDeque<(Mid, Frame)>,
    events: VecDeque<Event>,
}

impl Session {
    /// A session without senders and receivers.
    pub fn new(config: Config) -> Self {
        Self { config, frames: VecDeque::new(), events: VecDeque::new() }
    }

    /// Sets how frames of `mid` are sent. With the same SSRC as before, numbers go on and what waits is kept;
    /// otherwise the old source says BYE, as it does for `None`, and is forgotten.
    pub fn set_sender(&mut self, now: Instant, mid: &Mid, config: Option<SendConfig>) {
        let _ = (now, mid, config);
    }

    /// Sets how packets of `mid` are received; `None` forgets its sources.
    pub fn set_receiver(&mut self, now: Instant, mid: &Mid, config: Option<ReceiveConfig>) {
        let _ = (now, mid, config);
    }

    /// Cuts `frame` into packets, which wait in the pacer until [`poll_packet`](Self::poll_packet) takes them. Their
    /// bodies are slices of the frame's payload.
    ///
    /// # Errors
    /// When `mid` has no sender, or the frame is not coded as its sender was told.
    pub fn send_frame(&mut self, now: Instant, mid: &Mid, frame: &Frame) -> Result<(), SendError> {
        let _ = (now, frame);
        Err(SendError::NoSender(mid.clone()))
    }

    /// Takes an RTP packet that arrived, authenticated and decrypted. Bad bytes are counted and dropped.
    pub fn handle_rtp(&mut self, now: Instant, packet: Bytes) {
        let _ = (now, packet);
    }

    /// Takes an RTCP packet that arrived, compound or reduced-size, authenticated and decrypted. Bad bytes are
    /// counted and dropped.
    pub fn handle_rtcp(&mut self, now: Instant, packet: Bytes) {
        let _ = (now, packet);
    }

    /// Does what is due at `now`. May be called at any time.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// When [`handle_timeout`](Self::handle_timeout) and [`poll_packet`](Self::poll_packet) want to be called next,
    /// if nothing comes before; it may be in the past.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Appends the next packet to be sent to `out`, plain: header, extensions and payload. `None`, and nothing
    /// appended, when nothing is to be sent before [`poll_timeout`](Self::poll_timeout).
    ///
    /// The packets of one frame but its last are of one size as a rule, so that a run of them can leave as one send
    /// (GSO).
    pub fn poll_packet(&mut self, now: Instant, out: &mut BytesMut) -> Option<PacketKind> {
        let _ = (now, out);
        None
    }

    /// The next frame that is complete and can be decoded, with its media section.
    pub fn poll_frame(&mut self) -> Option<(Mid, Frame)> {
        self.frames.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Asks the remote for a key frame of `mid` (PLI, or FIR where only that was agreed on), not more often than the
    /// session itself would.
    pub fn request_key_frame(&mut self, now: Instant, mid: &Mid) {
        let _ = (now, mid);
    }

    /// Tells how loud the next frames of `mid` are, for the audio level extension (RFC 6464); `None` leaves it out.
    pub fn set_audio_level(&mut self, mid: &Mid, level: Option<peerless_wire::rtp::AudioLevel>) {
        let _ = (mid, level);
    }

    /// The bitrate that the encoder of `mid` should keep to over all its packets, bit/s: as the remote asked (REMB)
    /// or as configured. `None` without such a sender.
    pub fn target_bitrate(&self, mid: &Mid) -> Option<u64> {
        let _ = (mid, self.config.target_bitrate);
        None
    }

    /// A snapshot of all counts.
    pub fn stats(&self) -> Stats {
        Stats::default()
    }

    /// Says BYE for all sources; after the packets that `poll_packet` then gives, nothing more is sent or received.
    pub fn close(&mut self, now: Instant) {
        let _ = now;
    }
}
