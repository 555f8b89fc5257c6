//! What a session tells its owner.

use peerless_wire::rtp::{Mid, PayloadType, Rid, Ssrc};

use crate::codec::Format;
use crate::payload;
use crate::tone::ReceivedTone;

/// Something happened that the owner may act on. Small; frames come by `poll_frame`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The remote asked for a key frame (PLI, RFC 4585 §6.3.1; FIR, RFC 5104 §4.3.1), or so much was waiting to be
    /// sent that frames were dropped, or the encoding became active: the encoder of this section, and of this one of its
    /// encodings where it has several, should make the next frame a key frame. Not told again while one asked for is
    /// still to come, for a second at most.
    KeyFrameRequested(Mid, Option<Rid>),
    /// The remote told another bitrate (REMB): what encoders may give, bit/s over all video senders it was told for.
    TargetBitrate(u64),
    /// The first packet of a source came, or the next one of a section that was asked for by
    /// [`Session::tell_next_arrival`](crate::session::Session::tell_next_arrival).
    ReceiverStarted {
        /// Its media section.
        mid: Mid,
        /// The source.
        ssrc: Ssrc,
        /// How it is coded.
        payload_type: PayloadType,
    },
    /// The remote said that a source has ended (RFC 3550 §6.6).
    Bye {
        /// Its media section.
        mid: Mid,
        /// The source.
        ssrc: Ssrc,
    },
    /// The remote played a tone, which has ended (RFC 4733).
    Tone {
        /// Its media section.
        mid: Mid,
        /// The source.
        ssrc: Ssrc,
        /// Which, how long and how loud.
        tone: ReceivedTone,
    },
    /// The remote sends with a source that is ours (RFC 3550 §8.2). Its packets are dropped; only a new offer with
    /// another SSRC mends it, because ours stands in the description. Told once for each sender.
    Collision {
        /// Our media section.
        mid: Mid,
        /// The source.
        ssrc: Ssrc,
    },
    /// An RTCP packet was sent or received; only with [`Config::diagnostics`](crate::config::Config::diagnostics).
    Rtcp {
        /// Whether it was sent.
        sent: bool,
        /// What was in it, for people.
        summary: String,
    },
}

/// What [`Session::poll_packet`](crate::session::Session::poll_packet) appended: SRTP protects the two differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketKind {
    /// A media packet.
    Rtp,
    /// A compound or reduced-size control packet.
    Rtcp,
}

/// Why a frame could not be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// No sender is set for the media section.
    #[error("no sender for media section {0}")]
    NoSender(Mid),
    /// The sender has no encoding of this name.
    #[error("media section {0} has no encoding {1}")]
    NoEncoding(Mid, Rid),
    /// The encoding is not to be sent ([`SendConfig::active`](crate::config::SendConfig::active)).
    #[error("the encoding is not active")]
    Inactive,
    /// The frame is not coded as negotiated.
    #[error("frame is coded as {actual:?}, the sender is set to {expected:?}")]
    Format {
        /// As negotiated.
        expected: Format,
        /// As the frame is.
        actual: Format,
    },
    /// No tones were agreed on with the remote, or too many are being played.
    #[error("no tone can be played on media section {0}")]
    NoTone(Mid),
    /// The frame cannot be cut into packets.
    #[error(transparent)]
    Payload(#[from] payload::Error),
}
