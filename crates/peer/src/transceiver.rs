//! Transceivers (webrtc-pc §5.4): one media section each, with one sender and one receiver.

use peerless_rtp::codec::Codec;
use peerless_wire::rtp::Mid;

use crate::config::CodecCapability;
use crate::id::TransceiverId;
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransceiverInit {
    /// Which ways media shall flow. Default: both. `Stopped` is refused.
    pub direction: Direction,
    /// What is sent from the start, if anything.
    pub track: Option<TrackInit>,
}

impl Default for TransceiverInit {
    fn default() -> Self {
        Self { direction: Direction::SendRecv, track: None }
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
    /// Which ways were last negotiated; `None` before the first negotiation.
    pub current_direction: Option<Direction>,
}

/// A look at a sender (webrtc-pc §5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderView {
    /// What it sends, if anything.
    pub track: Option<TrackInit>,
    /// What frames must be coded with; `None` before the first negotiation and while the remote takes nothing.
    pub codec: Option<Codec>,
    /// Whether `send_frame` would take a frame now: negotiated, connected, and with a track.
    pub can_send: bool,
    /// How much the encoder may give, bit/s, where the network told.
    pub target_bitrate: Option<u64>,
}

/// A look at a receiver (webrtc-pc §5.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiverView {
    /// The id of its track: the remote's where `a=msid` names it, else our own.
    pub track_id: String,
    /// The remote streams its track belongs to.
    pub stream_ids: Vec<String>,
    /// What arriving frames may be coded with; empty while nothing is to arrive.
    pub codecs: Vec<Codec>,
    /// Whether the remote may send at this time, by the last negotiation.
    pub receptive: bool,
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
    pub(crate) sender: Sender,
    pub(crate) receiver: Receiver,
}

/// The sending half.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sender {
    pub(crate) track: Option<TrackInit>,
    /// The streams named in `a=msid`: they outlive `remove_track` only in the transceiver's past.
    pub(crate) stream_ids: Vec<String>,
    pub(crate) codec: Option<Codec>,
    /// Whether it ever was able to send (webrtc-pc §5.1, addTrack: such a sender is not reused).
    pub(crate) used: bool,
}

/// The receiving half.
#[derive(Debug, Clone, Default)]
pub(crate) struct Receiver {
    pub(crate) track_id: String,
    pub(crate) stream_ids: Vec<String>,
    pub(crate) codecs: Vec<Codec>,
    pub(crate) receptive: bool,
}
