//! VP8 in RTP (RFC 7741): a descriptor in front of each packet's part of the frame.
//!
//! ```text
//!       0 1 2 3 4 5 6 7
//!      +-+-+-+-+-+-+-+-+
//!      |X|R|N|S|R| PID | (REQUIRED)
//!      +-+-+-+-+-+-+-+-+
//! X:   |I|L|T|K| RSV   | (OPTIONAL)
//!      +-+-+-+-+-+-+-+-+
//! I:   |M| PictureID   | (OPTIONAL), 7 bits, or 15 with the next byte if M
//!      +-+-+-+-+-+-+-+-+
//! L:   |   TL0PICIDX   | (OPTIONAL)
//!      +-+-+-+-+-+-+-+-+
//! T/K: |TID|Y| KEYIDX  | (OPTIONAL)
//!      +-+-+-+-+-+-+-+-+
//! ```

use bytes::{Bytes, BytesMut};
use peerless_wire::cursor::Reader;

use crate::payload::error::Error;
use crate::payload::fragment::{Fragment, Inspection, Prefix, append, cut_evenly};

/// What stands in front of each packet's part of a VP8 frame (RFC 7741 §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Descriptor {
    /// N: no other frame needs this one.
    pub non_reference: bool,
    /// S: a partition starts with this packet; with partition 0, the frame.
    pub starts_partition: bool,
    /// PID: which partition, 0 to 7.
    pub partition: u8,
    /// The number of the picture.
    pub picture_id: Option<PictureId>,
    /// TL0PICIDX: counts the frames of the base temporal layer; wraps.
    pub base_layer_index: Option<u8>,
    /// TID and Y.
    pub temporal: Option<Temporal>,
    /// KEYIDX: which key frame this frame is based on, 5 bits.
    pub key_index: Option<u8>,
}

/// The number of a picture: one more for each, wrapping after 7 or 15 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureId {
    /// 0 to 127.
    Short(u8),
    /// 0 to 32767.
    Long(u16),
}

/// The temporal layer of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Temporal {
    /// TID: 0 (the base) to 3.
    pub layer: u8,
    /// Y: the frame needs only frames of the base layer.
    pub sync: bool,
}

/// Cuts VP8 frames.
#[derive(Debug, Clone)]
pub struct Packetizer {
    picture_id: u16,
}

/// Puts VP8 frames together.
#[derive(Debug, Default)]
pub struct Depacketizer {
    buffer: BytesMut,
}

impl Packetizer {
    /// The first picture gets the low 15 bits of `picture_id`, which should be drawn at random (RFC 7741 §4.2).
    pub fn new(picture_id: u16) -> Self {
        Self { picture_id: picture_id & MAX_PICTURE_ID }
    }

    /// Cuts `frame` into packets of at most `limit` bytes.
    pub fn packetize(
        &mut self,
        frame: &Bytes,
        limit: usize,
        sink: &mut dyn FnMut(Fragment),
    ) -> Result<(), Error> {
        let room = limit.saturating_sub(DESCRIPTOR_LEN);
        if room == 0 {
            return Err(Error::LimitTooSmall { limit });
        }
        if frame.is_empty() {
            return Err(Error::Empty);
        }
        let mut descriptor = Descriptor {
            starts_partition: true,
            picture_id: Some(PictureId::Long(self.picture_id)),
            ..Descriptor::default()
        };
        for (body, marker) in cut_evenly(frame, room) {
            sink(Fragment { prefix: descriptor.to_prefix(), body, marker });
            descriptor.starts_partition = false;
        }
        self.picture_id = (self.picture_id + 1) & MAX_PICTURE_ID;
        Ok(())
    }
}

impl Depacketizer {
    /// What `payload` says of its frame.
    pub fn inspect(payload: &[u8]) -> Result<Inspection, Error> {
        let (descriptor, body) = Descriptor::parse(payload)?;
        let starts_frame = descriptor.starts_partition && descriptor.partition == 0;
        Ok(Inspection {
            starts_frame,
            // RFC 7741 §4.3: the P bit of the frame header, 0 for a key frame.
            key: starts_frame && body.first().is_some_and(|first| first & 1 == 0),
            picture_id: descriptor.picture_id.map(PictureId::value),
            temporal_layer: descriptor.temporal.map(|temporal| temporal.layer),
            duration: None,
        })
    }

    /// Joins what stands behind the descriptors. Errs where the first packet does not start a frame.
    pub fn assemble(&mut self, packets: &mut dyn Iterator<Item = &Bytes>) -> Result<Bytes, Error> {
        self.buffer.clear();
        let first = packets.next().ok_or(Error::Empty)?;
        let (descriptor, body) = Descriptor::parse(first)?;
        if !(descriptor.starts_partition && descriptor.partition == 0) {
            return Err(Error::MissingFragment);
        }
        let mut next = packets.next();
        if next.is_none() {
            return Ok(first.slice_ref(body));
        }
        append(&mut self.buffer, body)?;
        while let Some(packet) = next {
            let (_, body) = Descriptor::parse(packet)?;
            append(&mut self.buffer, body)?;
            next = packets.next();
        }
        Ok(self.buffer.split().freeze())
    }
}

impl Descriptor {
    /// Reads the descriptor at the front of `payload` and gives what follows. Errs where nothing follows.
    pub fn parse(payload: &[u8]) -> Result<(Self, &[u8]), Error> {
        let mut reader = Reader::new(payload);
        let first = reader.u8()?;
        let mut descriptor = Self {
            non_reference: first & 0x20 != 0,
            starts_partition: first & 0x10 != 0,
            partition: first & 7,
            ..Self::default()
        };
        let extension = if first & 0x80 != 0 { reader.u8()? } else { 0 };
        if extension & 0x80 != 0 {
            descriptor.picture_id = Some(PictureId::parse(&mut reader)?);
        }
        if extension & 0x40 != 0 {
            descriptor.base_layer_index = Some(reader.u8()?);
        }
        if extension & 0x30 != 0 {
            let byte = reader.u8()?;
            let temporal = Temporal { layer: byte >> 6, sync: byte & 0x20 != 0 };
            descriptor.temporal = (extension & 0x20 != 0).then_some(temporal);
            descriptor.key_index = (extension & 0x10 != 0).then_some(byte & 0x1f);
        }
        if reader.is_empty() { Err(Error::Empty) } else { Ok((descriptor, reader.remaining())) }
    }

    /// The bytes on the wire, at most 6.
    pub fn to_prefix(&self) -> Prefix {
        let bit = |set: bool, place: u8| u8::from(set) << place;
        let has_last = self.temporal.is_some() || self.key_index.is_some();
        let extended = self.picture_id.is_some() || self.base_layer_index.is_some() || has_last;
        let mut prefix = Prefix::new();
        let flags = bit(self.non_reference, 5) | bit(self.starts_partition, 4);
        prefix.push(bit(extended, 7) | flags | self.partition & 7);
        if !extended {
            return prefix;
        }
        let first = bit(self.picture_id.is_some(), 7) | bit(self.base_layer_index.is_some(), 6);
        prefix.push(first | bit(self.temporal.is_some(), 5) | bit(self.key_index.is_some(), 4));
        match self.picture_id {
            Some(PictureId::Short(number)) => {
                prefix.push(number & 0x7f);
            }
            Some(PictureId::Long(number)) => {
                let [high, low] = number.to_be_bytes();
                prefix.push(0x80 | high);
                prefix.push(low);
            }
            None => {}
        }
        if let Some(index) = self.base_layer_index {
            prefix.push(index);
        }
        if has_last {
            let temporal = self.temporal.map_or(0, |temporal| temporal.layer << 6 | bit(temporal.sync, 5));
            prefix.push(temporal | self.key_index.unwrap_or(0) & 0x1f);
        }
        prefix
    }
}

impl PictureId {
    /// The number.
    pub fn value(self) -> u16 {
        match self {
            Self::Short(number) => number.into(),
            Self::Long(number) => number,
        }
    }

    fn parse(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let high = reader.u8()?;
        if high & 0x80 == 0 {
            return Ok(Self::Short(high));
        }
        Ok(Self::Long(u16::from_be_bytes([high & 0x7f, reader.u8()?])))
    }
}

/// What we write: the first byte, the extension byte, a 15-bit picture id.
const DESCRIPTOR_LEN: usize = 4;
const MAX_PICTURE_ID: u16 = 0x7fff;

#[cfg(test)]
mod tests;
