//! The session itself: what its owner calls.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use peerless_wire::rtp::{AudioLevel, ExtensionMap, Mid, Rid, Ssrc};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::cc::{Pacer, SentPackets, pacing_rate};
use crate::config::{Config, ReceiveConfig, SendConfig};
use crate::frame::Frame;
use crate::ntp::WallClock;
use crate::recv::{Arrivals, Bounds, LipSync, Patience, Receiver};
use crate::report::{Desk, Round, Schedule};
use crate::route::Routes;
use crate::send::Sender;
use crate::session::control::wish;
use crate::session::event::{Event, PacketKind, SendError};
use crate::session::state::State;
use crate::source::MediaSource;
use crate::stats::Stats;
use crate::tone::Tone;

/// All RTP streams of one BUNDLE group, both ways; sans-IO.
///
/// Hand in what arrives, decrypted, by [`handle_rtp`](Self::handle_rtp) and [`handle_rtcp`](Self::handle_rtcp), and
/// the passing of time by [`handle_timeout`](Self::handle_timeout) at [`poll_timeout`](Self::poll_timeout). Take what
/// is to be sent by [`poll_packet`](Self::poll_packet) until it gives `None`, and frames and events likewise. Any
/// order, any number of times.
#[derive(Debug)]
pub struct Session {
    state: State,
    rng: ChaCha20Rng,
}

impl Session {
    /// A session without senders and receivers.
    pub fn new(config: Config) -> Self {
        let mut config = config;
        config.mtu = config.mtu.max(SMALLEST_MTU);
        let mut rng = ChaCha20Rng::from_seed(config.seed);
        rng.set_stream(SESSION_CHANCE);
        let state = State {
            clock: WallClock::new(config.epoch),
            senders: Vec::new(),
            paused: HashMap::new(),
            receivers: Vec::new(),
            routes: Routes::new(),
            extensions: ExtensionMap::new(),
            pacer: Pacer::new(pacing_rate(config.assumed_bitrate, 0)),
            sent: SentPackets::new(),
            arrivals: Arrivals::default(),
            lip_sync: LipSync::default(),
            tells_arrivals: false,
            schedule: Schedule::new(config.seed, SCHEDULE_CHANCE),
            round: Round::default(),
            is_reporting: false,
            desk: Desk::new(&config.cname),
            feedback: VecDeque::new(),
            goodbyes: VecDeque::new(),
            own_source: Ssrc(rng.next_u32()),
            is_own_source_used: false,
            reference_times: Vec::new(),
            collided: Vec::new(),
            rtt: None,
            remb: None,
            is_closed: false,
            urgent: None,
            frames: VecDeque::new(),
            events: VecDeque::new(),
            counts: Stats::default(),
            config,
        };
        Self { state, rng }
    }

    /// Sets how frames of `mid` are sent, in one encoding. With the same SSRC as before, numbers go on and what waits is
    /// kept; otherwise the old source says BYE, as it does for `None`. When it is set again, its numbers go on.
    pub fn set_sender(&mut self, now: Instant, mid: &Mid, config: Option<SendConfig>) {
        self.set_encodings(now, mid, config.into_iter().collect());
    }

    /// Sets how frames of `mid` are sent, in several encodings, each with a source of its own: [`SendConfig::rid`] says
    /// which frames it takes, and the first takes those that name none. Those that are known by their SSRC go on, all
    /// others of the section say BYE; when one is set again, its numbers go on.
    ///
    /// An encoding that becomes active begins with a key frame, for which it asks; one that ceases to be drops what
    /// waits.
    pub fn set_encodings(&mut self, now: Instant, mid: &Mid, configs: Vec<SendConfig>) {
        let rtt = self.state.rtt();
        let (state, rng) = (&mut self.state, &mut self.rng);
        if state.is_closed {
            return;
        }
        let (mtu, assumed) = (state.config.mtu, state.config.assumed_bitrate);
        // In their old place, so that the order among senders, and with it who reports, stays.
        let place = state.senders.iter().position(|sender| sender.mid() == mid);
        let (mut known, mut senders): (Vec<Sender>, Vec<Sender>) =
            std::mem::take(&mut state.senders).into_iter().partition(|sender| sender.mid() == mid);
        let place = place.unwrap_or(senders.len());
        let mut wishes = Vec::new();
        let mut set = Vec::with_capacity(configs.len());
        for config in configs {
            let sender = match known.iter().position(|sender| sender.config().ssrc == config.ssrc) {
                Some(index) => {
                    let mut sender = known.swap_remove(index);
                    let is_woken = config.active && !sender.config().active;
                    sender.reconfigure(config, mtu, rng);
                    wishes.extend((is_woken && sender.ask_key_frame(now, rtt)).then(|| wish(&sender)));
                    sender
                }
                None => {
                    let numbers = state.paused.remove(&config.ssrc);
                    let mut sender = Sender::new(now, mid.clone(), config, mtu, assumed, rng);
                    numbers.into_iter().for_each(|numbers| sender.go_on(numbers));
                    // A goodbye that has not left yet would end what begins now.
                    state.goodbyes.retain(|ssrc| !sender.owns(*ssrc));
                    sender
                }
            };
            set.push(sender);
        }
        if !known.is_empty() {
            state.goodbyes.extend(known.iter().flat_map(Sender::used_sources));
            state.paused.extend(known.iter().map(|sender| (sender.config().ssrc, sender.numbers())));
            state.urgent = Some(now);
        }
        senders.splice(place..place, set);
        state.senders = senders;
        state.share_bitrate();
        wishes.into_iter().for_each(|wish| state.tell(wish));
    }

    /// Whether something is set that sends frames of `mid`.
    pub fn has_sender(&self, mid: &Mid) -> bool {
        self.state.senders.iter().any(|sender| sender.mid() == mid)
    }

    /// Sets how packets of `mid` are received; `None` forgets its sources.
    pub fn set_receiver(&mut self, now: Instant, mid: &Mid, config: Option<ReceiveConfig>) {
        let state = &mut self.state;
        if state.is_closed {
            return;
        }
        let known = state.receivers.iter().position(|receiver| receiver.mid() == mid);
        match (known, config) {
            (Some(index), Some(config)) => state.receivers[index].reconfigure(config),
            (Some(index), None) => {
                state.receivers.remove(index);
                state.routes.remove_section(mid);
            }
            (None, Some(config)) => {
                let patience = Patience {
                    video: state.config.video_give_up,
                    audio: state.config.audio_give_up,
                    bounds: Bounds {
                        min: state.config.jitter_buffer_min,
                        max: state.config.jitter_buffer_max.max(state.config.jitter_buffer_min),
                    },
                };
                state.receivers.push(Receiver::new(mid.clone(), config, patience));
            }
            (None, None) => {}
        }
        state.routes.clear_payload_types();
        state.extensions = ExtensionMap::new();
        state.tells_arrivals = state.receivers.iter().any(Receiver::tells_arrivals);
        for receiver in &state.receivers {
            let config = receiver.config();
            let sources = config.ssrcs.iter().flat_map(|(media, rtx)| std::iter::once(*media).chain(*rtx));
            let types =
                config.codecs.iter().flat_map(|codec| std::iter::once(codec.payload_type).chain(codec.rtx));
            let types = types.chain(config.telephone_events.iter().map(|event| event.payload_type));
            state.routes.set_section(now, receiver.mid(), sources, types);
            for (id, kind) in config.extensions.iter() {
                if state.extensions.kind(id).is_none() && !state.extensions.has(kind) {
                    state.extensions.insert(id, kind);
                }
            }
        }
    }

    /// Cuts `frame` into packets, which wait in the pacer until [`poll_packet`](Self::poll_packet) takes them. Their
    /// bodies are slices of the frame's payload.
    ///
    /// Where more waits already than a second or 2048 packets, a frame of video that is no key frame is dropped and
    /// counted, as are those after it up to the next key frame, for which [`Event::KeyFrameRequested`] asks.
    ///
    /// # Errors
    /// When `mid` has no sender, or no encoding of the frame's name, or that is not active, or the frame is not coded as it
    /// was told, or cannot be cut.
    pub fn send_frame(&mut self, now: Instant, mid: &Mid, frame: &Frame) -> Result<(), SendError> {
        let rtt = self.state.rtt();
        let mut senders = self.state.senders.iter_mut().filter(|sender| sender.mid() == mid).peekable();
        if senders.peek().is_none() {
            return Err(SendError::NoSender(mid.clone()));
        }
        let found = match &frame.rid {
            None => senders.next().ok_or_else(|| SendError::NoSender(mid.clone())),
            Some(rid) => senders
                .find(|sender| sender.config().rid.as_ref() == Some(rid))
                .ok_or_else(|| SendError::NoEncoding(mid.clone(), rid.clone())),
        };
        let sender = found?;
        if !sender.config().active {
            return Err(SendError::Inactive);
        }
        let expected = sender.config().codec.format;
        if expected.name() != frame.format.name() {
            return Err(SendError::Format { expected, actual: frame.format });
        }
        sender.push(now, frame)?;
        if sender.is_starved() && sender.ask_key_frame(now, rtt) {
            let wish = wish(sender);
            self.state.tell(wish);
        }
        Ok(())
    }

    /// Plays a tone on the sound of `mid` from now on, for `length` (RFC 4733 §2.5.1): its packets take the place of frames
    /// until its end was told three times. Sound that is sent meanwhile is not heard.
    ///
    /// # Errors
    /// When `mid` has no sender or an inactive one, when its [`SendConfig::telephone_events`] are none, and when 16 tones or parts of
    /// tones are being played already.
    pub fn play_tone(
        &mut self,
        now: Instant,
        mid: &Mid,
        tone: Tone,
        length: Duration,
    ) -> Result<(), SendError> {
        let sender = self.state.senders.iter_mut().find(|sender| sender.mid() == mid);
        let sender = sender.ok_or_else(|| SendError::NoSender(mid.clone()))?;
        if !sender.config().active {
            return Err(SendError::Inactive);
        }
        if sender.play_tone(now, tone, length) { Ok(()) } else { Err(SendError::NoTone(mid.clone())) }
    }

    /// Takes an RTP packet that arrived, authenticated and decrypted. Bad bytes are counted and dropped.
    pub fn handle_rtp(&mut self, now: Instant, packet: Bytes) {
        self.state.handle_rtp(now, packet);
    }

    /// Takes an RTCP packet that arrived, compound or reduced-size, authenticated and decrypted. Bad bytes are
    /// counted and dropped.
    pub fn handle_rtcp(&mut self, now: Instant, packet: Bytes) {
        self.state.handle_rtcp(now, &packet);
    }

    /// Does what is due at `now`. May be called at any time.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.state.gather_frames(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) and [`poll_packet`](Self::poll_packet) want to be called next,
    /// if nothing comes before; it may be in the past.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let rtt = self.state.feedback_rtt();
        let receivers = self.state.receivers.iter().filter_map(|receiver| receiver.poll_timeout(rtt));
        receivers.chain(self.state.poll_send_timeout()).min()
    }

    /// When a frame that waits will be due, or one that is incomplete be given up: what of
    /// [`poll_timeout`](Self::poll_timeout) matters while nothing can be sent.
    pub fn poll_frame_timeout(&self) -> Option<Instant> {
        self.state.receivers.iter().filter_map(Receiver::poll_release).min()
    }

    /// Appends the next packet to be sent to `out`, plain: header, extensions and payload. `None`, and nothing
    /// appended, when nothing is to be sent before [`poll_timeout`](Self::poll_timeout).
    ///
    /// Media packets cost no allocation where `out` has room. Those of one frame but its last are of one size as a
    /// rule, so that a run of them can leave as one send (GSO).
    pub fn poll_packet(&mut self, now: Instant, out: &mut BytesMut) -> Option<PacketKind> {
        self.state.poll_packet(now, out)
    }

    /// The next frame that is complete and can be decoded, with its media section.
    pub fn poll_frame(&mut self) -> Option<(Mid, Frame)> {
        self.state.frames.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.state.events.pop_front()
    }

    /// Asks the remote for a key frame of `mid` (PLI, or FIR where only that was agreed on), not more often than the
    /// session itself would: of the encoding `rid`, or of all of them.
    pub fn request_key_frame(&mut self, now: Instant, mid: &Mid, rid: Option<&Rid>) {
        if let Some(receiver) = self.state.receivers.iter_mut().find(|receiver| receiver.mid() == mid) {
            receiver.want_key_frame(rid);
            self.state.urgent = Some(now);
        }
    }

    /// The next packet of media that arrives for `mid` is told by [`Event::ReceiverStarted`], even if it is not the first of
    /// its source: the owner muted it and wants to know when it is heard again.
    pub fn tell_next_arrival(&mut self, mid: &Mid) {
        if let Some(receiver) = self.state.receivers.iter_mut().find(|receiver| receiver.mid() == mid) {
            receiver.await_next();
        }
    }

    /// Sets for how long frames of `mid` are held at least from now on, as
    /// [`ReceiveConfig::jitter_buffer_target`] says; nothing without such a receiver.
    pub fn set_jitter_buffer_target(&mut self, now: Instant, mid: &Mid, target: Option<Duration>) {
        if let Some(receiver) = self.state.receivers.iter_mut().find(|receiver| receiver.mid() == mid) {
            receiver.set_jitter_buffer_target(target);
            self.state.gather_frames(now);
        }
    }

    /// The sources whose frames were handed on in `mid` in the ten seconds before `now`, the latest first
    /// (getSynchronizationSources, webrtc-pc §5.3); 128 at most.
    pub fn synchronization_sources(&self, now: Instant, mid: &Mid) -> Vec<MediaSource> {
        let receiver = self.state.receivers.iter().find(|receiver| receiver.mid() == mid);
        receiver.map(|receiver| receiver.sources().synchronization(now)).unwrap_or_default()
    }

    /// The sources that a mixer joined in these frames, likewise (getContributingSources).
    pub fn contributing_sources(&self, now: Instant, mid: &Mid) -> Vec<MediaSource> {
        let receiver = self.state.receivers.iter().find(|receiver| receiver.mid() == mid);
        receiver.map(|receiver| receiver.sources().contributing(now)).unwrap_or_default()
    }

    /// Tells how loud the next frames of `mid` are, for the audio level extension (RFC 6464); `None` leaves it out.
    pub fn set_audio_level(&mut self, mid: &Mid, level: Option<AudioLevel>) {
        for sender in self.state.senders.iter_mut().filter(|sender| sender.mid() == mid) {
            sender.set_level(level);
        }
    }

    /// The most that the encoder of `mid` should give over all its packets, bit/s, as the remote asked (REMB) and
    /// [`SendConfig::max_bitrate`] allows: that of the encoding `rid`, or of the first. `None` while neither says, and
    /// without such a sender.
    pub fn target_bitrate(&self, mid: &Mid, rid: Option<&Rid>) -> Option<u64> {
        let mut senders = self.state.senders.iter().filter(|sender| sender.mid() == mid);
        let is_meant = |sender: &&Sender| rid.is_none() || sender.config().rid.as_ref() == rid;
        senders.find(is_meant)?.target_bitrate()
    }

    /// A snapshot of all counts.
    pub fn stats(&self) -> Stats {
        Stats {
            outbound: self.state.senders.iter().map(Sender::stats).collect(),
            inbound: self.state.receivers.iter().flat_map(Receiver::stats).collect(),
            rtt: self.state.rtt,
            ..self.state.counts.clone()
        }
    }

    /// Says BYE for all sources; after the packets that `poll_packet` then gives, nothing more is sent or received.
    pub fn close(&mut self, now: Instant) {
        let state = &mut self.state;
        if state.is_closed {
            return;
        }
        let own = Some(state.own_source).filter(|_| state.is_own_source_used);
        state.goodbyes.extend(state.senders.iter().flat_map(Sender::used_sources).chain(own));
        state.is_closed = true;
        state.urgent = Some(now);
        state.senders.clear();
        state.receivers.clear();
        state.feedback.clear();
        state.round = Round::default();
        state.is_reporting = false;
    }
}

/// Reports and feedback need this much.
const SMALLEST_MTU: usize = 256;

/// The streams of the seed's chance.
const SESSION_CHANCE: u64 = 1;
const SCHEDULE_CHANCE: u64 = 2;
