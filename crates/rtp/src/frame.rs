//! Encoded frames: what goes between tracks and RTP.

use std::time::Instant;

use bytes::Bytes;

use crate::codec::Format;

/// One encoded picture or one packet's worth of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// How the payload is coded.
    pub format: Format,
    /// In ticks of the codec's RTP clock. Sending: from any start of the source's own, the sender adds its random
    /// offset. Received: as it stood in the packets.
    pub timestamp: u32,
    /// When it was captured, where known: makes the NTP to RTP mapping of sender reports right.
    pub captured: Option<Instant>,
    /// When its last packet arrived; `None` for a frame to send.
    pub arrived: Option<Instant>,
    /// Whether it can be decoded without any frame before it. Sound is always so.
    pub key: bool,
    /// The coded bytes: a VP8 frame, an H.264 access unit in Annex B, an Opus packet, G.711 bytes.
    pub payload: Bytes,
}
