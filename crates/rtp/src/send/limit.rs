//! How much of a packet is left for its payload.

use bytes::BytesMut;
use peerless_wire::rtp::{AbsCaptureTime, AudioLevel, ExtensionMap, Extensions, Mid, ShortText};

use crate::config::SendConfig;

/// How many payload bytes fit beside the largest header, with room for the number in front of a retransmission.
pub fn payload_limit(mid: &Mid, config: &SendConfig, mtu: usize) -> usize {
    let largest = Extensions {
        mid: ShortText::new(mid.as_str()),
        // A packet carries one of the two names.
        rid: config.rid.as_ref().and_then(|rid| ShortText::new(rid.as_str())),
        abs_send_time: Some(0),
        transport_sequence: Some(0),
        audio_level: Some(AudioLevel { voice: false, level: 0 }),
        abs_capture_time: Some(AbsCaptureTime { timestamp: 0, clock_offset: None }),
        ..Extensions::default()
    };
    let map: &ExtensionMap = &config.extensions;
    let mut written = BytesMut::new();
    largest.write(map, &mut written);
    let rtx = if config.codec.rtx.is_some() { 2 } else { 0 };
    mtu.saturating_sub(HEADER_LEN + written.len() + rtx)
}

/// A header without extensions.
const HEADER_LEN: usize = 12;
