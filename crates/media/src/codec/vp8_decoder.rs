//! VP8 (RFC 6386) back to pictures, in Rust: key frames and frames that lean on others.

use oxideav_vp8::state::Vp8DecoderState;

use crate::codec::traits::{DecodeError, PIXELS_LIMIT, VideoDecoder};
use crate::picture::Picture;

/// The decoder.
#[derive(Debug)]
pub struct Vp8Decoder {
    state: Vp8DecoderState,
    awaits_key_frame: bool,
}

impl Vp8Decoder {
    /// A decoder that waits for its first key frame.
    pub fn new() -> Self {
        let state = Vp8DecoderState::new().with_max_pixels_per_frame(PIXELS_LIMIT);
        Self { state, awaits_key_frame: true }
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
        let decoded = self.state.decode_frame(payload)?;
        self.awaits_key_frame = false;
        if self.state.last_frame_shown() == Some(false) {
            return Ok(None);
        }
        let planes = [decoded.y, decoded.u, decoded.v];
        Ok(Some(Picture::from_planes(decoded.width, decoded.height, planes)?))
    }

    fn awaits_key_frame(&self) -> bool {
        self.awaits_key_frame
    }
}
