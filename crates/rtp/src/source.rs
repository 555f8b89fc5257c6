//! Whom a receiver has heard lately (webrtc-pc §5.3): its sources, and those that a mixer joined in them.

use std::time::Instant;

use peerless_wire::rtp::Ssrc;

/// A source of media that was handed on in the last ten seconds: RTCRtpSynchronizationSource where packets came from it,
/// RTCRtpContributingSource where a mixer named it in their CSRC list (RFC 3550 §5.1).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct MediaSource {
    /// Its SSRC, or its CSRC identifier.
    pub source: Ssrc,
    /// When its latest frame was handed on.
    pub timestamp: Instant,
    /// The RTP timestamp of that frame, as it stood in the packet.
    pub rtp_timestamp: u32,
    /// How loud that frame was, 0 silence to 1 as loud as can be, half for every 6 dB less: where the packet says so
    /// (RFC 6464, RFC 6465).
    pub audio_level: Option<f64>,
}

impl MediaSource {
    /// A frame of `source` was handed on; its loudness in -dBov.
    pub(crate) fn new(source: Ssrc, timestamp: Instant, rtp_timestamp: u32, level: Option<u8>) -> Self {
        Self { source, timestamp, rtp_timestamp, audio_level: level.map(linear) }
    }
}

/// A level in -dBov as the W3C counts it: 127 is silence.
fn linear(level: u8) -> f64 {
    if level >= 127 { 0.0 } else { 10_f64.powf(-f64::from(level) / 20.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_linear_as_the_w3c_counts_them() {
        assert!((linear(0) - 1.0).abs() < 1e-9);
        assert!((linear(6) - 0.5).abs() < 0.002);
        assert!((linear(40) - 0.01).abs() < 1e-9);
        assert!(linear(127).abs() < f64::EPSILON);
    }
}
