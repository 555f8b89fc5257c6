//! VP8 (RFC 6386) back to pictures, in Rust: key frames and frames that lean on others.
//!
//! Departs: RFC 6386 §9.3, because the library forgets segments from frame to frame: a frame that relies on the map or
//! the quantisers of an earlier one is refused, rather than shown wrong. Encoders in real time send both each time.

use oxideav_vp8::bool_decoder::BoolDecoder;
use oxideav_vp8::decoder::DecodeError as LibraryError;
use oxideav_vp8::frame_header::Vp8FrameHeader;
use oxideav_vp8::state::Vp8DecoderState;

use crate::codec::traits::{DecodeError, PIXELS_LIMIT, VideoDecoder};
use crate::picture::Picture;

/// The decoder.
#[derive(Debug)]
pub struct Vp8Decoder {
    state: Vp8DecoderState,
    segments: Segments,
    awaits_key_frame: bool,
}

/// What was sent of segments since the last key frame (RFC 6386 §9.3): it holds until it is sent again.
#[derive(Debug, Clone, Copy, Default)]
struct Segments {
    has_map: bool,
    has_values: bool,
}

impl Vp8Decoder {
    /// A decoder that waits for its first key frame.
    pub fn new() -> Self {
        let state = Vp8DecoderState::new().with_max_pixels_per_frame(PIXELS_LIMIT);
        Self { state, segments: Segments::default(), awaits_key_frame: true }
    }
}

impl Default for Vp8Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl VideoDecoder for Vp8Decoder {
    fn decode(&mut self, payload: &[u8]) -> Result<Option<Picture>, DecodeError> {
        // Until this one is decoded, what follows has nothing to lean on.
        let awaits_key_frame = std::mem::replace(&mut self.awaits_key_frame, true);
        let first = payload.first().ok_or(DecodeError::Empty)?;
        // The inverse key frame bit (RFC 6386 §9.1).
        if awaits_key_frame && first & 1 != 0 {
            return Err(DecodeError::AwaitsKeyFrame);
        }
        self.segments.take(payload)?;
        let decoded = self.state.decode_frame(payload)?;
        self.awaits_key_frame = false;
        if self.state.last_frame_shown() == Some(false) {
            return Ok(None);
        }
        let planes = [decoded.y, decoded.u, decoded.v];
        Ok(Some(Picture::from_planes(decoded.width, decoded.height, planes)?))
    }

    fn implementation(&self) -> &'static str {
        "oxideav-vp8"
    }

    fn awaits_key_frame(&self) -> bool {
        self.awaits_key_frame
    }
}

impl Segments {
    /// Looks at the beginning of a frame's header (RFC 6386 §9.2, §9.3, §19.2).
    fn take(&mut self, frame: &[u8]) -> Result<(), DecodeError> {
        let header = Vp8FrameHeader::parse(frame).map_err(LibraryError::from)?;
        let partition = frame.get(header.header_bytes_consumed..).unwrap_or_default();
        let mut bits = BoolDecoder::init(partition).map_err(LibraryError::from)?;
        let mut bit = || bits.read_literal(1).map(|bit| bit != 0).map_err(LibraryError::from);
        if header.key_frame {
            *self = Self::default();
            // The colour space and how samples are clamped.
            bit()?;
            bit()?;
        }
        let is_enabled = bit()?;
        if !is_enabled {
            return Ok(());
        }
        let (sends_map, sends_values) = (bit()?, bit()?);
        if (self.has_map && !sends_map) || (self.has_values && !sends_values) {
            return Err(DecodeError::Segments);
        }
        self.has_map |= sends_map;
        self.has_values |= sends_values;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oxideav_vp8::encoder::BoolEncoder;

    /// The beginning of a frame that says this about segments: enabled, map, values.
    fn frame(key: bool, segments: Option<(bool, bool)>) -> Vec<u8> {
        let mut bits = BoolEncoder::new();
        if key {
            bits.write_literal(0, 2);
        }
        bits.write_bool(128, segments.is_some());
        if let Some((map, values)) = segments {
            bits.write_bool(128, map);
            bits.write_bool(128, values);
        }
        bits.write_literal(0, 20);
        let start: &[u8] = if key { &[0x10, 0, 0, 0x9d, 0x01, 0x2a, 16, 0, 16, 0] } else { &[0x11, 0, 0] };
        [start, &bits.finish()].concat()
    }

    #[test]
    fn a_frame_that_relies_on_the_segments_of_another_is_refused() {
        let all = Some((true, true));
        let fine = [
            (true, all),
            (false, all),
            (false, None),
            (false, all),
            (true, None),
            (false, Some((false, true))),
        ];
        let mut segments = Segments::default();
        for (key, sent) in fine {
            segments.take(&frame(key, sent)).unwrap();
        }
        for sent in [(false, false), (false, true), (true, false)] {
            let mut segments = Segments::default();
            segments.take(&frame(true, all)).unwrap();
            assert!(
                matches!(segments.take(&frame(false, Some(sent))), Err(DecodeError::Segments)),
                "{sent:?}"
            );
            segments.take(&frame(true, Some(sent))).unwrap();
        }
        assert!(Segments::default().take(&[1, 0]).is_err());
        assert!(Segments::default().take(&[0x11, 0, 0]).is_err());
    }
}
