//! The codecs that RTP carries for us, and how one was negotiated.

use peerless_wire::rtp::PayloadType;

/// A payload format with what tells two variants of it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// VP8 (RFC 7741).
    Vp8,
    /// H.264 (RFC 6184), packetization-mode 0 (single NAL units) or 1 (STAP-A, FU-A); frames are Annex B.
    H264 {
        /// 0 or 1.
        packetization_mode: u8,
        /// profile_idc, constraint flags and level_idc as one number: 0x42e01f.
        profile_level_id: u32,
    },
    /// Opus (RFC 7587).
    Opus,
    /// G.711 µ-law (RFC 3551 §4.5.14).
    Pcmu,
    /// G.711 A-law (RFC 3551 §4.5.14).
    Pcma,
    /// G.722 (RFC 3551 §4.5.2): 16 kHz sound under an 8 kHz clock.
    G722,
    /// Linear 16-bit big-endian samples, interleaved (RFC 3551 §4.5.11).
    L16,
    /// Tones of a telephone beside the sound of a section (RFC 4733): never a frame's own format, see
    /// [`TelephoneEvent`].
    TelephoneEvent,
    /// Retransmissions beside the pictures of a section (RFC 4588): never a frame's own format, see [`Codec::rtx`].
    Rtx,
}

impl Format {
    /// The encoding name as it stands in `a=rtpmap`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vp8 => "VP8",
            Self::H264 { .. } => "H264",
            Self::Opus => "opus",
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::G722 => "G722",
            Self::L16 => "L16",
            Self::TelephoneEvent => "telephone-event",
            Self::Rtx => "rtx",
        }
    }

    /// Whether it codes pictures (and not sound).
    pub fn is_video(self) -> bool {
        matches!(self, Self::Vp8 | Self::H264 { .. } | Self::Rtx)
    }

    /// Whether frames can be coded with it: not so with what only goes beside a codec.
    pub fn is_media(self) -> bool {
        !matches!(self, Self::TelephoneEvent | Self::Rtx)
    }
}

/// One codec as both sides agreed on it for one media section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codec {
    /// What the payload is.
    pub format: Format,
    /// Its number in packets.
    pub payload_type: PayloadType,
    /// RTP timestamp ticks per second: 90 000 for video, 48 000 for Opus, 8 000 for G.711 and G.722.
    pub clock_rate: u32,
    /// Sound channels in the rtpmap (Opus always says 2); 1 for video.
    pub channels: u8,
    /// The remote's `a=fmtp` parameters for it, as sent: what an encoder must keep to (`useinbandfec=1`).
    pub parameters: String,
    /// The payload type of its retransmissions (RFC 4588), where negotiated.
    pub rtx: Option<PayloadType>,
    /// The feedback both sides agreed on (`a=rtcp-fb`).
    pub feedback: Feedback,
}

/// Tones of a telephone as both sides agreed on them for one media section of sound (RFC 4733 §2.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// Its number in packets.
    pub payload_type: PayloadType,
    /// Ticks per second in which a tone's length is told: that of the sound beside it as a rule.
    pub clock_rate: u32,
}

impl TelephoneEvent {
    /// The one to use beside sound of this clock rate: the same rate (RFC 4733 §2.1), else the first there is, as Firefox
    /// has only one of 8000 beside Opus.
    pub fn beside(list: &[Self], clock_rate: u32) -> Option<Self> {
        list.iter().find(|one| one.clock_rate == clock_rate).or(list.first()).copied()
    }
}

/// RTCP feedback messages that were negotiated for a codec (RFC 4585 §4.2, RFC 5104 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Feedback {
    /// `nack`: lost packets are asked for again.
    pub nack: bool,
    /// `nack pli`: a key frame is asked for after loss.
    pub pli: bool,
    /// `ccm fir`: a key frame is asked for by an application.
    pub fir: bool,
    /// `transport-cc`: transport-wide arrival times.
    pub transport_cc: bool,
    /// `goog-remb`: the receiver's estimate of the bitrate.
    pub remb: bool,
}
