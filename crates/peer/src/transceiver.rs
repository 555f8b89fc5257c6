//! Transceivers (webrtc-pc §5.4): one media section each, with one sender and one receiver.

use std::time::Duration;

use peerless_rtp::codec::Codec;
use peerless_rtp::config::SendConfig;
use peerless_wire::rtp::{ExtensionMap, Mid, Rid, Ssrc};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng;

use crate::config::CodecCapability;
use crate::encodings::{self, Encoding, Memory};
use crate::error::Error;
use crate::id::TransceiverId;
use crate::jsep::plan::{ReceivePlan, SendPlan};
use crate::parameters::{self, EncodingParameters};
use crate::state::{Direction, MediaKind};

/// A track to send: how it and its streams are named to the remote (`a=msid`, RFC 8830).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct TrackInit {
    /// The track's id, unique among the tracks of this peer.
    pub id: String,
    /// The ids of the streams it belongs to; may be empty.
    pub stream_ids: Vec<String>,
}

/// How a transceiver shall be (RTCRtpTransceiverInit, webrtc-pc §5.4).
#[derive(Debug, Clone, PartialEq)]
pub struct TransceiverInit {
    /// Which ways media shall flow. Default: both. `Stopped` is refused.
    pub direction: Direction,
    /// What is sent from the start, if anything.
    pub track: Option<TrackInit>,
    /// The streams of the sender, besides those of the track.
    pub stream_ids: Vec<String>,
    /// How it is encoded, and in how many encodings (simulcast, RFC 8853), in the order in which they are offered; empty for
    /// one. Of more than [`MAX_ENCODINGS`](crate::parameters::MAX_ENCODINGS) those at the end are left out.
    pub send_encodings: Vec<EncodingParameters>,
    /// The names of the encodings that our offers ask the remote to send, pictures only, at most as many; empty for one
    /// without a name. The W3C has no such member: its peers only answer what they are to receive, as this one does too.
    pub receive_rids: Vec<Rid>,
}

impl Default for TransceiverInit {
    fn default() -> Self {
        Self {
            direction: Direction::SendRecv,
            track: None,
            stream_ids: Vec::new(),
            send_encodings: Vec::new(),
            receive_rids: Vec::new(),
        }
    }
}

/// A look at a transceiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransceiverView {
    /// Its handle.
    pub id: TransceiverId,
    /// The media section it is associated with, once a description was set.
    pub mid: Option<Mid>,
    /// Sound or pictures.
    pub kind: MediaKind,
    /// Which ways media shall flow at the next negotiation; `Stopped` once `stop` was called or the section rejected.
    pub direction: Direction,
    /// Which ways were last negotiated; `None` before the first negotiation, `Stopped` once its section was rejected.
    pub current_direction: Option<Direction>,
}

/// A look at a sender (webrtc-pc §5.2).
#[derive(Debug, Clone, PartialEq)]
pub struct SenderView {
    /// What it sends, if anything.
    pub track: Option<TrackInit>,
    /// What frames must be coded with; `None` before the first negotiation and while the remote takes nothing.
    pub codec: Option<Codec>,
    /// Whether `send_frame` would take a frame now, of one encoding at least: negotiated, connected, active, and with a
    /// track.
    pub can_send: bool,
    /// How much the encoder may give, bit/s: `None` until the remote said so (REMB) or a limit was set, then it is for the
    /// caller to choose. That of the first encoding, where there are several.
    pub target_bitrate: Option<u64>,
    /// Its encodings, in the order of the negotiation: never empty.
    pub encodings: Vec<EncodingView>,
}

/// A look at one encoding of a sender: what its encoder should do.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodingView {
    /// Its parameters.
    pub parameters: EncodingParameters,
    /// What its frames must be coded with; `None` as for the sender.
    pub codec: Option<Codec>,
    /// Whether `send_frame` would take a frame of it now.
    pub can_send: bool,
    /// How much its encoder may give, bit/s.
    pub target_bitrate: Option<u64>,
}

/// A look at a receiver (webrtc-pc §5.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiverView {
    /// The id of its track: the remote's where `a=msid` names it, else our own.
    pub track_id: String,
    /// The remote streams its track belongs to.
    pub stream_ids: Vec<String>,
    /// Sound or pictures.
    pub kind: MediaKind,
    /// What arriving frames may be coded with; empty while nothing is to arrive.
    pub codecs: Vec<Codec>,
    /// The encodings that may arrive, where several were negotiated; else empty.
    pub rids: Vec<Rid>,
    /// Whether the remote may send at this time, by the last negotiation.
    pub receptive: bool,
    /// Whether its track is muted (webrtc-pc §5.3): nothing arrives yet, or no more.
    pub muted: bool,
    /// How long its jitter buffer holds frames at least, where asked for (jitterBufferTarget).
    pub jitter_buffer_target: Option<Duration>,
}

/// A transceiver with all that negotiation left in it.
#[derive(Debug, Clone)]
pub(crate) struct Transceiver {
    pub(crate) id: TransceiverId,
    pub(crate) kind: MediaKind,
    pub(crate) mid: Option<Mid>,
    pub(crate) direction: Direction,
    pub(crate) current_direction: Option<Direction>,
    pub(crate) preferences: Vec<CodecCapability>,
    /// Made by `add_track`: a media section of a remote offer may take it (RFC 9429 §5.10).
    pub(crate) by_add_track: bool,
    /// Made by a remote offer, and not taken by `add_track` since: a rollback unmakes it.
    pub(crate) by_remote_offer: bool,
    /// `stop` was called (`[[Stopping]]`); the media section goes at the next negotiation.
    pub(crate) stopping: bool,
    /// Its section was rejected (`[[Stopped]]`); it goes when the exchange is finished.
    pub(crate) stopped: bool,
    pub(crate) sender: Sender,
    pub(crate) receiver: Receiver,
}

/// The sending half.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub(crate) track: Option<TrackInit>,
    /// How many tracks it has had: each time a track is given to it, another source begins (webrtc-stats §8.11).
    pub(crate) attachment: u32,
    /// The name of the track in `a=msid`, which stays when the track goes.
    pub(crate) track_id: String,
    /// The streams of `a=msid`, which stay when the track goes.
    pub(crate) stream_ids: Vec<String>,
    /// At least one.
    pub(crate) encodings: Vec<Encoding>,
    pub(crate) memory: Memory,
    pub(crate) codec: Option<Codec>,
    /// Whether the remote takes tones beside its sound.
    pub(crate) has_tones: bool,
    /// Whether it was ever negotiated to send: then `add_track` does not take it again (webrtc-pc §5.1).
    pub(crate) used: bool,
    /// Whether `send_frame` was possible when last looked at, so that its beginning can be told.
    pub(crate) able: bool,
}

/// The receiving half.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) track_id: String,
    pub(crate) stream_ids: Vec<String>,
    /// The streams of the last stable state (`[[LastStableStateAssociatedRemoteMediaStreams]]`).
    pub(crate) stable_stream_ids: Vec<String>,
    pub(crate) codecs: Vec<Codec>,
    pub(crate) receptive: bool,
    /// Whether its track was told of by `Event::Track` and the remote has not ceased to send since
    /// (`[[FiredDirection]]`).
    pub(crate) announced: bool,
    /// Whether nothing of its track arrives (mediacapture-main §4.3.1).
    pub(crate) muted: bool,
    /// How long frames are held at least, where asked for (jitterBufferTarget).
    pub(crate) jitter_buffer_target: Option<Duration>,
    /// The encodings that our offers ask for.
    pub(crate) rids: Vec<Rid>,
    /// What was negotiated last, beside the codecs.
    pub(crate) agreed: ReceiveAgreed,
}

/// What was negotiated for receiving, as `getParameters` tells it.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReceiveAgreed {
    pub(crate) extensions: ExtensionMap,
    pub(crate) reduced_size: bool,
    pub(crate) cname: Option<String>,
    pub(crate) rids: Vec<Rid>,
}

/// How many stopped transceivers that no description names stay to be seen. The standard has them stay for ever
/// (webrtc-pc §4.4.1.5 takes away only those whose section was rejected); here an exchange that is finished takes them all,
/// and where none ever is the oldest go.
const STOPPED_LIMIT: usize = 128;

/// All transceivers of a peer, in the order of their making: also stopped ones, until the exchange that rejects their
/// section is finished.
#[derive(Debug)]
pub(crate) struct Transceivers {
    list: Vec<Transceiver>,
    next: u32,
    chance: ChaCha20Rng,
}

impl Transceivers {
    pub(crate) fn new(chance: ChaCha20Rng) -> Self {
        Self { list: Vec::new(), next: 0, chance }
    }

    /// `addTransceiver` (webrtc-pc §5.1), and what a remote offer makes (RFC 9429 §5.10).
    pub(crate) fn add(&mut self, kind: MediaKind, direction: Direction) -> &mut Transceiver {
        let id = TransceiverId(self.next);
        self.next += 1;
        let encoding = self.fresh_encoding(EncodingParameters::lone(kind));
        let (sender_track, receiver_track) = (self.fresh_uuid(), self.fresh_uuid());
        self.list.push(Transceiver {
            id,
            kind,
            mid: None,
            direction,
            current_direction: None,
            preferences: Vec::new(),
            by_add_track: false,
            by_remote_offer: false,
            stopping: false,
            stopped: false,
            sender: Sender::new(sender_track, encoding),
            receiver: Receiver {
                track_id: receiver_track,
                stream_ids: Vec::new(),
                stable_stream_ids: Vec::new(),
                codecs: Vec::new(),
                receptive: false,
                announced: false,
                muted: true,
                jitter_buffer_target: None,
                rids: Vec::new(),
                agreed: ReceiveAgreed::default(),
            },
        });
        let last = self.list.len() - 1;
        &mut self.list[last]
    }

    /// `addTrack` (webrtc-pc §5.1): the transceiver it may reuse, else a new one.
    pub(crate) fn add_track(&mut self, kind: MediaKind, track: TrackInit) -> Result<TransceiverId, Error> {
        self.check_track_is_new(&track)?;
        if let Some(reused) = self.list.iter_mut().find(|transceiver| transceiver.can_take_track(kind)) {
            reused.direction = with_sending(reused.direction, true);
            reused.by_remote_offer = false;
            reused.sender.set_track(track);
            return Ok(reused.id);
        }
        let added = self.add(kind, Direction::SendRecv);
        added.by_add_track = true;
        added.sender.set_track(track);
        Ok(added.id)
    }

    /// # Errors
    /// `TrackExists` where a sender has a track of this id.
    pub(crate) fn check_track_is_new(&self, track: &TrackInit) -> Result<(), Error> {
        let same = |held: &TrackInit| held.id == track.id;
        match self.list.iter().any(|transceiver| transceiver.sender.track.as_ref().is_some_and(same)) {
            true => Err(Error::TrackExists),
            false => Ok(()),
        }
    }

    /// An offer comes in the stable state: a rollback of it goes back to what is now.
    pub(crate) fn note_stable(&mut self) {
        for receiver in self.list.iter_mut().map(|transceiver| &mut transceiver.receiver) {
            receiver.stable_stream_ids.clone_from(&receiver.stream_ids);
        }
    }

    /// The connection is closed: all are stopped (webrtc-pc §4.4.2, `close`).
    pub(crate) fn stop_all(&mut self) {
        for transceiver in &mut self.list {
            transceiver.stopping = true;
            transceiver.stopped = true;
            transceiver.current_direction = None;
            transceiver.receiver.receptive = false;
        }
    }

    /// Forgets one for good: it is stopped, and its media section was rejected or never was.
    pub(crate) fn remove(&mut self, id: TransceiverId) -> Option<Transceiver> {
        let index = self.list.iter().position(|transceiver| transceiver.id == id)?;
        Some(self.list.remove(index))
    }

    /// Those stopped that no description names, and that are more than stay: the oldest.
    pub(crate) fn stopped_too_many(&self) -> Vec<TransceiverId> {
        let stopped = || self.list.iter().filter(|one| one.stopping && one.mid.is_none());
        let surplus = stopped().count().saturating_sub(STOPPED_LIMIT);
        stopped().take(surplus).map(|one| one.id).collect()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Transceiver> {
        self.list.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, Transceiver> {
        self.list.iter_mut()
    }

    pub(crate) fn find(&self, id: TransceiverId) -> Option<&Transceiver> {
        self.list.iter().find(|transceiver| transceiver.id == id)
    }

    pub(crate) fn find_mut(&mut self, id: TransceiverId) -> Option<&mut Transceiver> {
        self.list.iter_mut().find(|transceiver| transceiver.id == id)
    }

    /// The one that a media section belongs to.
    pub(crate) fn of_section(&self, mid: &Mid) -> Option<&Transceiver> {
        self.list.iter().find(|transceiver| transceiver.mid.as_ref() == Some(mid))
    }

    /// The one with this handle.
    ///
    /// # Errors
    /// `UnknownTransceiver` where there is none, or where it is stopping.
    pub(crate) fn live_mut(&mut self, id: TransceiverId) -> Result<&mut Transceiver, Error> {
        self.find_mut(id).filter(|transceiver| !transceiver.stopping).ok_or(Error::UnknownTransceiver)
    }

    /// The one with this handle, where it is there still: `None` for one that was stopped and is gone.
    ///
    /// # Errors
    /// `UnknownTransceiver` where there never was such a one.
    pub(crate) fn known_mut(&mut self, id: TransceiverId) -> Result<Option<&mut Transceiver>, Error> {
        match id.0 < self.next {
            true => Ok(self.find_mut(id)),
            false => Err(Error::UnknownTransceiver),
        }
    }

    /// Gives the sender of a transceiver other encodings: the first goes on from the sources of the first there was.
    pub(crate) fn set_encodings(&mut self, id: TransceiverId, encodings: Vec<EncodingParameters>) {
        let first = self.find(id).and_then(|transceiver| transceiver.sender.encodings.first()).cloned();
        let mut set: Vec<Encoding> = Vec::with_capacity(encodings.len());
        for parameters in encodings {
            let encoding = match &first {
                Some(first) if set.is_empty() => Encoding { parameters, is_paused: false, ..first.clone() },
                _ => self.fresh_encoding_beside(parameters, &set),
            };
            set.push(encoding);
        }
        if let Some(transceiver) = self.find_mut(id) {
            transceiver.sender.encodings = set;
            transceiver.sender.memory.last_returned = None;
        }
    }

    /// The encodings that a remote offers to receive take the place of the one there was (webrtc-pc §4.4.1.5). Of one that
    /// was there before the offer, the old one is kept for a rollback.
    pub(crate) fn propose_encodings(&mut self, id: TransceiverId, rids: &[Rid], is_new: bool) {
        if let Some(transceiver) = self.find_mut(id)
            && let Some(lone) = transceiver.sender.encodings.first()
        {
            transceiver.sender.memory.ridless = Some(lone.parameters.clone()).filter(|_| !is_new);
            transceiver.sender.memory.is_proposed = true;
        }
        self.set_encodings(id, parameters::proposed(rids));
    }

    fn fresh_encoding(&mut self, parameters: EncodingParameters) -> Encoding {
        self.fresh_encoding_beside(parameters, &[])
    }

    fn fresh_encoding_beside(&mut self, parameters: EncodingParameters, others: &[Encoding]) -> Encoding {
        let ssrc = self.fresh_ssrc(others, None);
        let rtx_ssrc = self.fresh_ssrc(others, Some(ssrc));
        Encoding { parameters, ssrc, rtx_ssrc, is_paused: false }
    }

    /// A number that no sender of ours has (RFC 3550 §8.1), none of `others` and not `except`.
    fn fresh_ssrc(&mut self, others: &[Encoding], except: Option<Ssrc>) -> Ssrc {
        loop {
            let ssrc = Ssrc(self.chance.next_u32());
            let senders = self.list.iter().flat_map(|transceiver| &transceiver.sender.encodings);
            let known = senders.chain(others).any(|one| one.ssrc == ssrc || one.rtx_ssrc == ssrc);
            if ssrc.0 != 0 && Some(ssrc) != except && !known {
                return ssrc;
            }
        }
    }

    /// A random UUID (RFC 9562 §5.4), as the ids of tracks are (mediacapture-main §4.3.1).
    pub(crate) fn fresh_uuid(&mut self) -> String {
        let mut bytes = [0; 16];
        self.chance.fill_bytes(&mut bytes);
        let number = u128::from_be_bytes(bytes) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
        let hex = format!("{number:032x}");
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

impl Transceiver {
    pub(crate) fn view(&self) -> TransceiverView {
        TransceiverView {
            id: self.id,
            mid: self.mid.clone(),
            kind: self.kind,
            direction: if self.stopping { Direction::Stopped } else { self.direction },
            current_direction: if self.stopped { Some(Direction::Stopped) } else { self.current_direction },
        }
    }

    /// Whether `addTrack` may use it (webrtc-pc §5.1, step 7).
    fn can_take_track(&self, kind: MediaKind) -> bool {
        self.kind == kind && !self.stopping && self.sender.track.is_none() && !self.sender.used
    }

    /// Whether the last negotiation lets us send.
    pub(crate) fn may_send(&self) -> bool {
        !self.stopping && self.current_direction.is_some_and(sends)
    }
}

impl Sender {
    fn new(track_id: String, encoding: Encoding) -> Self {
        Self {
            track: None,
            attachment: 0,
            track_id,
            stream_ids: Vec::new(),
            encodings: vec![encoding],
            memory: Memory::default(),
            codec: None,
            has_tones: false,
            used: false,
            able: false,
        }
    }

    pub(crate) fn set_track(&mut self, track: TrackInit) {
        self.track_id.clone_from(&track.id);
        self.set_streams(&track.stream_ids);
        self.track = Some(track);
        self.attachment += 1;
    }

    /// `setStreams` (webrtc-pc §5.2): each once.
    pub(crate) fn set_streams(&mut self, stream_ids: &[String]) {
        self.stream_ids.clear();
        self.add_streams(stream_ids);
    }

    pub(crate) fn add_streams(&mut self, stream_ids: &[String]) {
        for id in stream_ids {
            if !self.stream_ids.contains(id) {
                self.stream_ids.push(id.clone());
            }
        }
    }
}

impl Sender {
    /// How the session is to send: all encodings, or while they are only proposed the one before, in whose place the first
    /// is.
    pub(crate) fn configs(&self) -> Vec<SendConfig> {
        let agreed = self.memory.agreed.as_ref();
        match (self.encodings.first(), &self.memory.ridless) {
            (Some(first), Some(before)) if self.memory.is_proposed => {
                let mut parameters = before.clone();
                parameters.active &= first.parameters.active;
                encodings::send_configs(agreed, &[Encoding { parameters, ..first.clone() }])
            }
            _ => encodings::send_configs(agreed, &self.encodings),
        }
    }

    /// Whether anything is to be sent of the encoding at this place.
    pub(crate) fn is_sent(&self, index: usize) -> bool {
        let is_before_sent = || self.memory.ridless.as_ref().is_some_and(EncodingParameters::is_sent);
        let is_in_force = !self.memory.is_proposed || (index == 0 && is_before_sent());
        is_in_force && self.encodings.get(index).is_some_and(Encoding::is_sent)
    }

    /// Whether the session knows the encoding of this name by none: it is the first of those that are only proposed.
    pub(crate) fn is_sent_nameless(&self, rid: Option<&Rid>) -> bool {
        let first = self.encodings.first().and_then(|first| first.parameters.rid.as_ref());
        self.memory.is_proposed && rid == first
    }

    /// Takes what an answer settled; `None` where it lets us send nothing.
    pub(crate) fn negotiated(&mut self, plan: Option<SendPlan>) {
        self.codec = plan.as_ref().and_then(|plan| plan.codecs.first()).cloned();
        self.has_tones = plan.as_ref().is_some_and(|plan| !plan.telephone_events.is_empty());
        for encoding in &mut self.encodings {
            let is_named = |rid: &Rid| plan.as_ref().is_some_and(|plan| plan.paused.contains(rid));
            encoding.is_paused = encoding.parameters.rid.as_ref().is_some_and(is_named);
            // webrtc-pc §4.4.1.5: a codec that is not among the negotiated ones is chosen no more.
            if let (Some(plan), Some(codec)) = (&plan, &encoding.parameters.codec)
                && !encodings::is_agreed(plan, codec)
            {
                encoding.parameters.codec = None;
            }
        }
        self.memory.last_returned = None;
        self.memory.is_proposed = false;
        self.memory.agreed = plan;
    }
}

impl Receiver {
    /// Takes what an answer settled; `None` where nothing is to arrive.
    pub(crate) fn negotiated(&mut self, plan: Option<&ReceivePlan>) {
        self.codecs = plan.map(|plan| plan.codecs.clone()).unwrap_or_default();
        self.agreed = plan
            .map(|plan| ReceiveAgreed {
                extensions: plan.extensions.clone(),
                reduced_size: plan.reduced_size,
                cname: plan.cname.clone(),
                rids: plan.rids.clone(),
            })
            .unwrap_or_default();
    }
}

/// Whether media goes out in this direction.
pub(crate) fn sends(direction: Direction) -> bool {
    matches!(direction, Direction::SendRecv | Direction::SendOnly)
}

/// Whether media comes in in this direction.
pub(crate) fn receives(direction: Direction) -> bool {
    matches!(direction, Direction::SendRecv | Direction::RecvOnly)
}

/// The direction with its sending half set or taken away.
pub(crate) fn with_sending(direction: Direction, sending: bool) -> Direction {
    match (sending, receives(direction)) {
        (true, true) => Direction::SendRecv,
        (true, false) => Direction::SendOnly,
        (false, true) => Direction::RecvOnly,
        (false, false) => Direction::Inactive,
    }
}
