//! One packetizer and one depacketizer for all formats, so that a stream need not know which it has.

use bytes::Bytes;

use crate::codec::Format;
use crate::frame::Frame;
use crate::payload::error::Error;
use crate::payload::fragment::{Fragment, Inspection};
use crate::payload::{h264, sound, vp8};

/// Cuts the frames of one stream into packets.
#[derive(Debug, Clone)]
pub enum Packetizer {
    /// VP8 (RFC 7741).
    Vp8(vp8::Packetizer),
    /// H.264 (RFC 6184).
    H264(h264::Packetizer),
    /// Any sound: a frame is a packet.
    Sound(Format, sound::Packetizer),
}

/// Puts the packets of one stream together to frames.
#[derive(Debug)]
pub enum Depacketizer {
    /// VP8 (RFC 7741).
    Vp8(vp8::Depacketizer),
    /// H.264 (RFC 6184).
    H264(h264::Depacketizer),
    /// Any sound: a packet is a frame.
    Sound(Format),
}

impl Packetizer {
    /// For `format`; where it numbers its pictures, the first gets the low bits of `picture_id`, to be drawn at random.
    pub fn new(format: Format, picture_id: u16) -> Self {
        match format {
            Format::Vp8 => Self::Vp8(vp8::Packetizer::new(picture_id)),
            Format::H264 { packetization_mode, .. } => Self::H264(h264::Packetizer::new(packetization_mode)),
            sound => Self::Sound(sound, sound::Packetizer::new(sound)),
        }
    }

    /// Cuts `frame` into packets of at most `limit` payload bytes and gives them to `sink` in order. Pictures are cut
    /// into parts of about the same size. Nothing is copied, and nothing allocated but when H.264 parameter sets change.
    ///
    /// Errs, before any packet is given, where the frame is of another format, empty, not what its format asks for,
    /// or too large in a part that cannot be cut.
    pub fn packetize(
        &mut self,
        frame: &Frame,
        limit: usize,
        sink: &mut dyn FnMut(Fragment),
    ) -> Result<(), Error> {
        match (self, frame.format) {
            (Self::Vp8(packetizer), Format::Vp8) => packetizer.packetize(&frame.payload, limit, sink),
            (Self::H264(packetizer), Format::H264 { .. }) => {
                packetizer.packetize(&frame.payload, limit, sink)
            }
            (Self::Sound(own, packetizer), format) if *own == format => {
                packetizer.packetize(&frame.payload, frame.timestamp, limit, sink)
            }
            (_, format) => Err(Error::WrongFormat(format.name())),
        }
    }
}

impl Depacketizer {
    /// For `format`.
    pub fn new(format: Format) -> Self {
        match format {
            Format::Vp8 => Self::Vp8(vp8::Depacketizer::default()),
            Format::H264 { .. } => Self::H264(h264::Depacketizer::default()),
            sound => Self::Sound(sound),
        }
    }

    /// What `payload` says of its frame. Errs where it is no payload of the format.
    pub fn inspect(&self, payload: &[u8]) -> Result<Inspection, Error> {
        match self {
            Self::Vp8(_) => vp8::Depacketizer::inspect(payload),
            Self::H264(_) => h264::Depacketizer::inspect(payload),
            Self::Sound(format) => sound::inspect(*format, payload),
        }
    }

    /// Puts one frame together from all its packets, in order. Errs where one is missing as far as the format tells,
    /// where one is no payload of the format, and beyond [`MAX_FRAME_LEN`](super::MAX_FRAME_LEN).
    pub fn assemble(&mut self, packets: &mut dyn Iterator<Item = &Bytes>) -> Result<Bytes, Error> {
        match self {
            Self::Vp8(depacketizer) => depacketizer.assemble(packets),
            Self::H264(depacketizer) => depacketizer.assemble(packets),
            Self::Sound(format) => sound::assemble(*format, packets),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Format; 7] = [
        Format::Vp8,
        Format::H264 { packetization_mode: 1, profile_level_id: 0x42_e01f },
        Format::Opus,
        Format::Pcmu,
        Format::Pcma,
        Format::G722,
        Format::L16,
    ];

    fn frame(format: Format) -> Frame {
        let payload = Bytes::from_static(&[0, 0, 0, 1, 0x65, 0x88]);
        Frame::new(format, 0, true, payload)
    }

    #[test]
    fn every_format_goes_there_and_back() {
        for format in ALL {
            let mut packets = Vec::new();
            let mut sink = |fragment: Fragment| {
                assert!(fragment.marker, "{format:?}");
                packets.push(Bytes::from([fragment.prefix.as_slice(), &fragment.body].concat()));
            };
            Packetizer::new(format, 1).packetize(&frame(format), 1200, &mut sink).unwrap();
            let mut depacketizer = Depacketizer::new(format);
            let inspection = depacketizer.inspect(&packets[0]).unwrap();
            assert!(inspection.starts_frame && inspection.key, "{format:?}");
            assert_eq!(depacketizer.assemble(&mut packets.iter()), Ok(frame(format).payload), "{format:?}");
        }
    }

    #[test]
    fn a_frame_of_another_format_is_refused() {
        let mut sink = |_: Fragment| panic!("no packet should come of it");
        let mut packetizer = Packetizer::new(Format::Pcmu, 0);
        let refused = packetizer.packetize(&frame(Format::Pcma), 1200, &mut sink);
        assert_eq!(refused, Err(Error::WrongFormat("PCMA")));
        let refused = Packetizer::new(Format::Vp8, 0).packetize(&frame(Format::Opus), 1200, &mut sink);
        assert_eq!(refused, Err(Error::WrongFormat("opus")));
    }
}
