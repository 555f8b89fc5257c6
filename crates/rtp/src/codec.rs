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
        }
    }

    /// Whether it codes pictures (and not sound).
    pub fn is_video(self) -> bool {
        matches!(self, Self::Vp8 | Self::H264 { .. })
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
