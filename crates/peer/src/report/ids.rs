//! How stats objects are called: the same for the life of what they monitor, and never the same for two
//! (webrtc-stats §4.3).

use peerless_rtp::codec::Codec;
use peerless_transport::crypto::Fingerprint;
use peerless_wire::rtp::Ssrc;

use crate::id::{ChannelId, TransceiverId, TransportId};
use crate::state::MediaKind;

/// The one object of the connection.
pub(crate) const PEER_CONNECTION: &str = "P";

pub(crate) fn transport(id: TransportId) -> String {
    format!("T{}", id.0)
}

/// A codec by all that it tells, so that one that takes over a payload type is another.
pub(crate) fn codec(transport: &str, kind: MediaKind, codec: &Codec, line: &str) -> String {
    let text = format!("{}/{}/{}/{line}", codec.format.name(), codec.clock_rate, codec.channels);
    format!("C{transport}{}{}_{:08x}", letter(kind), codec.payload_type.value(), hash(&text))
}

pub(crate) fn inbound(transport: &str, kind: MediaKind, ssrc: Ssrc) -> String {
    format!("I{transport}{}{}", letter(kind), ssrc.0)
}

pub(crate) fn outbound(transport: &str, kind: MediaKind, ssrc: Ssrc) -> String {
    format!("O{transport}{}{}", letter(kind), ssrc.0)
}

pub(crate) fn remote_inbound(transport: &str, kind: MediaKind, ssrc: Ssrc) -> String {
    format!("RI{transport}{}{}", letter(kind), ssrc.0)
}

pub(crate) fn remote_outbound(transport: &str, kind: MediaKind, ssrc: Ssrc) -> String {
    format!("RO{transport}{}{}", letter(kind), ssrc.0)
}

/// A track as a sender has it: one that is given to it again is another.
pub(crate) fn source(kind: MediaKind, id: TransceiverId, attachment: u32) -> String {
    format!("S{}{}_{attachment}", letter(kind), id.0)
}

pub(crate) fn playout(id: TransceiverId) -> String {
    format!("AP{}", id.0)
}

pub(crate) fn channel(id: ChannelId) -> String {
    format!("D{}", id.0)
}

pub(crate) fn pair(transport: &str, number: u32) -> String {
    format!("CP{transport}_{number}")
}

pub(crate) fn local_candidate(transport: &str, key: u64) -> String {
    format!("L{transport}_{key:016x}")
}

pub(crate) fn remote_candidate(transport: &str, key: u64) -> String {
    format!("R{transport}_{key:016x}")
}

pub(crate) fn certificate(fingerprint: &Fingerprint) -> String {
    format!("CF{}", digits(fingerprint))
}

fn letter(kind: MediaKind) -> char {
    match kind {
        MediaKind::Audio => 'A',
        MediaKind::Video => 'V',
    }
}

/// FNV-1a with 32 bits: few texts are told apart, and nobody gains by making two alike.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The digest of a fingerprint, as SDP has it.
pub(crate) fn digits(fingerprint: &Fingerprint) -> String {
    let text = fingerprint.to_string();
    text.split_once(' ').map_or_else(String::new, |(_, digits)| digits.to_owned())
}
