//! What travels over the signalling channel: descriptions and candidates (webrtc-pc §4.6.2, §4.8.1.1).

use crate::state::SdpType;

/// RTCSessionDescriptionInit: an offer or answer with its SDP text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionDescription {
    /// Which half of the exchange it is.
    pub kind: SdpType,
    /// The SDP text, lines ended by CRLF.
    pub sdp: String,
}

/// RTCIceCandidateInit: one trickled candidate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IceCandidateInit {
    /// `candidate:…`, or empty for the end of candidates.
    pub candidate: String,
    /// The MID of the media section it is for.
    pub sdp_mid: Option<String>,
    /// The index of the media section it is for, where no MID is given.
    pub sdp_m_line_index: Option<u16>,
    /// The username fragment of the generation it belongs to.
    pub username_fragment: Option<String>,
}

/// RTCOfferOptions (webrtc-pc §4.2.7); the legacy `offerToReceive…` are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OfferOptions {
    /// `iceRestart`: the offer has new ICE credentials, and ICE restarts with its answer (RFC 9429 §5.2.3.1).
    pub ice_restart: bool,
}
