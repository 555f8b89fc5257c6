//! Feedback messages (RFC 4585 §6.1): lost packets (NACK, §6.2.1), a lost picture (PLI, §6.3.1) and the request for
//! a key frame (FIR, RFC 5104 §4.3.1). All share this front:
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P|   FMT   |  PT=205, 206  |             length            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                  SSRC of packet sender                        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                  SSRC of media source                         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! :            Feedback Control Information (FCI)                 :
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use bytes::BytesMut;

use crate::cursor::Reader;
use crate::rtcp::header::{Error, Writer};
use crate::rtp::{SequenceNumber, Ssrc};

/// The packet type of transport layer feedback (RFC 4585 §6.2).
pub(crate) const TRANSPORT_FEEDBACK: u8 = 205;
/// The packet type of payload-specific feedback (RFC 4585 §6.3).
pub(crate) const PAYLOAD_FEEDBACK: u8 = 206;

/// Packets that did not arrive (RFC 4585 §6.2.1). Packet type 205, format 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nack {
    /// Who misses them.
    pub sender: Ssrc,
    /// Whose packets.
    pub media: Ssrc,
    /// Which, packed.
    pub pairs: Vec<NackPair>,
}

/// One missing packet, and which of the 16 after it are missing too.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |            PID                |             BLP               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NackPair {
    /// The packet.
    pub first: SequenceNumber,
    /// Bit 0 for the one after it, bit 15 for the 16th after it.
    pub following: u16,
}

/// A picture that could not be decoded: a key frame would help (RFC 4585 §6.3.1). Packet type 206, format 1, no FCI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureLoss {
    /// Who cannot decode.
    pub sender: Ssrc,
    /// Whose picture.
    pub media: Ssrc,
}

/// Requests for key frames (RFC 5104 §4.3.1). Packet type 206, format 4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullIntraRequest {
    /// Who asks.
    pub sender: Ssrc,
    /// 0; those asked are in the requests (RFC 5104 §4.3.1.2).
    pub media: Ssrc,
    /// Who is asked.
    pub requests: Vec<FirRequest>,
}

/// One request for a key frame.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                              SSRC                             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | Seq nr.       |    reserved, 0                                |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirRequest {
    /// Who is asked.
    pub ssrc: Ssrc,
    /// One more for each new request, the same for a repeated one; wraps.
    pub sequence: u8,
}

impl Nack {
    /// The format of the feedback message.
    pub const FORMAT: u8 = 1;

    /// Packs `lost`, in ascending order on the circle, into as few pairs as that order allows.
    pub fn new(sender: Ssrc, media: Ssrc, lost: impl IntoIterator<Item = SequenceNumber>) -> Self {
        let mut pairs: Vec<NackPair> = Vec::new();
        for number in lost {
            if !pairs.last_mut().is_some_and(|pair| pair.add(number)) {
                pairs.push(NackPair { first: number, following: 0 });
            }
        }
        Self { sender, media, pairs }
    }

    /// The missing packets, in order.
    pub fn lost(&self) -> impl Iterator<Item = SequenceNumber> + '_ {
        self.pairs.iter().flat_map(|pair| pair.lost())
    }

    pub(crate) fn parse(sender: Ssrc, media: Ssrc, reader: &mut Reader<'_>) -> Result<Self, Error> {
        let mut pairs = Vec::with_capacity(reader.left() / 4);
        while !reader.is_empty() {
            pairs.push(NackPair { first: SequenceNumber(reader.u16()?), following: reader.u16()? });
        }
        Ok(Self { sender, media, pairs })
    }

    /// Appends the packet.
    pub fn write(&self, out: &mut BytesMut) {
        let mut writer = Writer::new(out, TRANSPORT_FEEDBACK, Self::FORMAT);
        writer.u32(self.sender.0);
        writer.u32(self.media.0);
        for pair in &self.pairs {
            writer.u16(pair.first.0);
            writer.u16(pair.following);
        }
        writer.finish();
    }
}

impl NackPair {
    /// The missing packets, in order.
    pub fn lost(self) -> impl Iterator<Item = SequenceNumber> {
        let following = (0..16).filter(move |bit| self.following & 1 << bit != 0);
        std::iter::once(self.first).chain(following.map(move |bit| self.first.plus(bit + 1)))
    }

    /// Whether `number` could be told by this pair; then it is.
    fn add(&mut self, number: SequenceNumber) -> bool {
        match number.since(self.first) {
            0 => true,
            ahead @ 1..=16 => {
                self.following |= 1 << (ahead - 1);
                true
            }
            _ => false,
        }
    }
}

impl PictureLoss {
    /// The format of the feedback message.
    pub const FORMAT: u8 = 1;

    /// Appends the packet.
    pub fn write(&self, out: &mut BytesMut) {
        let mut writer = Writer::new(out, PAYLOAD_FEEDBACK, Self::FORMAT);
        writer.u32(self.sender.0);
        writer.u32(self.media.0);
        writer.finish();
    }
}

impl FullIntraRequest {
    /// The format of the feedback message.
    pub const FORMAT: u8 = 4;

    pub(crate) fn parse(sender: Ssrc, media: Ssrc, reader: &mut Reader<'_>) -> Result<Self, Error> {
        let mut requests = Vec::with_capacity(reader.left() / 8);
        while !reader.is_empty() {
            let ssrc = Ssrc(reader.u32()?);
            let sequence = reader.u8()?;
            reader.u24()?;
            requests.push(FirRequest { ssrc, sequence });
        }
        Ok(Self { sender, media, requests })
    }

    /// Appends the packet.
    pub fn write(&self, out: &mut BytesMut) {
        let mut writer = Writer::new(out, PAYLOAD_FEEDBACK, Self::FORMAT);
        writer.u32(self.sender.0);
        writer.u32(self.media.0);
        for request in &self.requests {
            writer.u32(request.ssrc.0);
            writer.u8(request.sequence);
            writer.u24(0);
        }
        writer.finish();
    }
}
