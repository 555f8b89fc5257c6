//! H.264 (RFC 6184) back to pictures by OpenH264: access units in Annex B.
//!
//! No error concealment: a frame that leans on a lost one is an error, and what follows waits for the next IDR picture.

use openh264::OpenH264API;
use openh264::decoder::{Decoder, DecoderConfig, Flush};
use openh264::formats::YUVSource;

use crate::codec::traits::{DecodeError, VideoDecoder};
use crate::picture::Picture;

/// The longest access unit that is looked at: several times what the highest level spends on one picture.
const UNIT_LIMIT: usize = 16 << 20;

/// NAL unit types (ITU-T H.264 table 7-1).
const FIRST_SLICE: u8 = 1;
const IDR_SLICE: u8 = 5;
const SEQUENCE_PARAMETERS: u8 = 7;
const PICTURE_PARAMETERS: u8 = 8;

/// The decoder.
pub struct H264Decoder {
    decoder: Decoder,
    awaits_key_frame: bool,
    /// The library has seen something broken: the next key frame gets a new one.
    is_spoilt: bool,
}

impl H264Decoder {
    /// A decoder that waits for its first key frame.
    ///
    /// # Errors
    /// Only when the bundled library does not start.
    pub fn new() -> Result<Self, DecodeError> {
        Ok(Self { decoder: open()?, awaits_key_frame: true, is_spoilt: false })
    }
}

impl VideoDecoder for H264Decoder {
    fn decode(&mut self, payload: &[u8]) -> Result<Option<Picture>, DecodeError> {
        // Until this one is decoded, what follows has nothing to lean on.
        let awaits_key_frame = std::mem::replace(&mut self.awaits_key_frame, true);
        if payload.len() > UNIT_LIMIT {
            return Err(DecodeError::TooLong { len: payload.len(), limit: UNIT_LIMIT });
        }
        let content = Content::of(payload);
        if !content.has_units {
            return Err(DecodeError::Empty);
        }
        if awaits_key_frame && !content.is_key && !content.has_parameters {
            return Err(DecodeError::AwaitsKeyFrame);
        }
        if content.is_key && self.is_spoilt {
            self.decoder = open()?;
            self.is_spoilt = false;
        }
        self.is_spoilt = true;
        let decoded = self.decoder.decode(payload)?;
        self.is_spoilt = false;
        self.awaits_key_frame = awaits_key_frame && !content.is_key;
        match decoded {
            Some(decoded) if !self.awaits_key_frame => Ok(Some(copy(&decoded)?)),
            _ => Ok(None),
        }
    }

    fn implementation(&self) -> &'static str {
        "OpenH264"
    }

    fn awaits_key_frame(&self) -> bool {
        self.awaits_key_frame
    }
}

impl std::fmt::Debug for H264Decoder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("H264Decoder")
            .field("awaits_key_frame", &self.awaits_key_frame)
            .finish_non_exhaustive()
    }
}

fn open() -> Result<Decoder, DecodeError> {
    // No stream of WebRTC reorders pictures, so that nothing waits in the library to be flushed.
    let config = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
    Ok(Decoder::with_api_config(OpenH264API::from_source(), config)?)
}

/// The picture lies in the library's memory, which the next call uses again.
fn copy(decoded: &impl YUVSource) -> Result<Picture, DecodeError> {
    let (width, height) = decoded.dimensions();
    let mut picture = Picture::new(u32::try_from(width).unwrap_or(0), u32::try_from(height).unwrap_or(0))?;
    let (y, u, v) = decoded.strides();
    let sources = [(decoded.y(), y), (decoded.u(), u), (decoded.v(), v)];
    for (mut plane, (source, stride)) in picture.planes_mut().into_iter().zip(sources) {
        for (row, from) in source.chunks(stride.max(1)).take(plane.height()).enumerate() {
            let to = plane.row_mut(row);
            if let Some(from) = from.get(..to.len()) {
                to.copy_from_slice(from);
            }
        }
    }
    Ok(picture)
}

/// What an access unit holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Content {
    has_units: bool,
    is_key: bool,
    has_parameters: bool,
}

impl Content {
    /// Looks at the types of its NAL units (ITU-T H.264 annex B), each of which begins behind the bytes 0, 0, 1, up to
    /// the first slice: all slices of a picture are IDR or none is, and parameters stand before them.
    fn of(unit: &[u8]) -> Self {
        let mut content = Self::default();
        for window in unit.windows(4) {
            let [0, 0, 1, header] = *window else { continue };
            content.has_units = true;
            match header & 0x1f {
                kind @ FIRST_SLICE..=IDR_SLICE => {
                    content.is_key = kind == IDR_SLICE;
                    break;
                }
                SEQUENCE_PARAMETERS | PICTURE_PARAMETERS => content.has_parameters = true,
                _ => {}
            }
        }
        content
    }
}
