//! What we can send and receive at all (RTCRtpSender.getCapabilities, RTCRtpReceiver.getCapabilities; webrtc-pc §5.2,
//! §5.3): what the offers of a peer with the default configuration contain.

use crate::config::CodecCapability;
use crate::jsep::extensions;
use crate::state::MediaKind;

/// RTCRtpCapabilities (webrtc-pc §5.2.7).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RtpCapabilities {
    /// Codecs, best first, and what goes beside them: retransmissions, tones. Any choice of these in which there is a codec
    /// is taken by [`set_codec_preferences`](crate::peer::Peer::set_codec_preferences).
    pub codecs: Vec<CodecCapability>,
    /// Header extensions.
    pub header_extensions: Vec<HeaderExtensionCapability>,
}

/// RTCRtpHeaderExtensionCapability (webrtc-pc §5.2.8).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeaderExtensionCapability {
    /// Its name in `a=extmap`.
    pub uri: &'static str,
}

/// What we can send.
pub fn sender(kind: MediaKind) -> RtpCapabilities {
    capabilities(kind, |(sends, _)| sends)
}

/// What we can receive.
pub fn receiver(kind: MediaKind) -> RtpCapabilities {
    capabilities(kind, |(_, receives)| receives)
}

fn capabilities(kind: MediaKind, is_meant: impl Fn((bool, bool)) -> bool) -> RtpCapabilities {
    let mut codecs = CodecCapability::all();
    let beside = CodecCapability::beside(&codecs, kind);
    codecs.retain(|codec| codec.is_of(kind));
    codecs.extend(beside);
    let extensions = extensions::ours(kind).filter(|(_, ways)| is_meant(*ways));
    let header_extensions =
        extensions.map(|(extension, _)| HeaderExtensionCapability { uri: extension.uri() }).collect();
    RtpCapabilities { codecs, header_extensions }
}
