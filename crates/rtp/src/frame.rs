//! Encoded frames: what goes between tracks and RTP.

use std::time::Instant;

use bytes::Bytes;
use peerless_wire::rtp::{Rid, Ssrc};

use crate::codec::Format;

/// One encoded picture or one packet's worth of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// How the payload is coded.
    pub format: Format,
    /// Which encoding of several it is of (simulcast, RFC 8853). Sending: `None` for the first. Received: where its packets
    /// say so.
    pub rid: Option<Rid>,
    /// In ticks of the codec's RTP clock. Sending: from any start of the source's own, the sender adds its random
    /// offset. Received: as it stood in the packets.
    pub timestamp: u32,
    /// When it was captured, where known: makes the NTP to RTP mapping of sender reports right.
    pub captured: Option<Instant>,
    /// The source that it came from; `None` for a frame to send.
    pub ssrc: Option<Ssrc>,
    /// When its first packet arrived; `None` for a frame to send.
    pub began: Option<Instant>,
    /// When its last packet arrived; `None` for a frame to send.
    pub arrived: Option<Instant>,
    /// When it is to be shown or heard: the moment at which the jitter buffer handed it on, or a little before or after
    /// where it came late or its stream waits for another (lip sync). `None` for a frame to send.
    pub playout: Option<Instant>,
    /// How many packets right before it were given up as lost, so that a decoder may conceal them: a packet of sound is
    /// a frame. Always 0 for a frame to send.
    pub lost: u16,
    /// Whether it can be decoded without any frame before it. Sound is always so.
    pub key: bool,
    /// The coded bytes: a VP8 frame, an H.264 access unit in Annex B, an Opus packet, G.711 bytes.
    pub payload: Bytes,
}

impl Frame {
    /// A frame to send; `captured` and `rid` may be set besides.
    pub fn new(format: Format, timestamp: u32, key: bool, payload: Bytes) -> Self {
        Self {
            format,
            rid: None,
            timestamp,
            captured: None,
            ssrc: None,
            began: None,
            arrived: None,
            playout: None,
            lost: 0,
            key,
            payload,
        }
    }
}
