//! VP8 key frames by libwebp: the lossy chunk of a WebP file is a VP8 key frame (RFC 6386 §9.1, RFC 9649 §2.5).

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;

use bytes::{Buf, Bytes, BytesMut};
use libwebp_sys::{WebPConfig, WebPEncode, WebPEncodingError, WebPInitConfig, WebPPicture};

use crate::planes::Planes;

/// Codes pictures as VP8 key frames, each on its own.
#[derive(Debug)]
pub struct Encoder {
    config: WebPConfig,
    output: BytesMut,
}

/// Why a picture was not coded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bundled library is of another version than its bindings.
    #[error("libwebp refused its configuration")]
    Configuration,
    /// What libwebp said: memory, size.
    #[error("libwebp: {0}")]
    Library(String),
    /// It wrote something other than a WebP file with a lossy picture.
    #[error("libwebp wrote no VP8 chunk")]
    NoChunk,
}

impl Encoder {
    /// `effort` from 0 (fastest) to 6 (smallest).
    ///
    /// # Errors
    /// Only when the library does not take its own configuration.
    pub fn new(effort: u8) -> Result<Self, Error> {
        let mut config = MaybeUninit::<WebPConfig>::zeroed();
        // SAFETY: fills the structure it is given; zeroed before, for it leaves a reserved field as it was.
        let config = unsafe { WebPInitConfig(config.as_mut_ptr()).then(|| config.assume_init()) };
        let mut config = config.ok_or(Error::Configuration)?;
        config.method = c_int::from(effort.min(6));
        config.image_hint = libwebp_sys::WebPImageHint::WEBP_HINT_DEFAULT;
        // One segment: without the pass that sorts blocks into more it is 1.5 times as fast, for a twentieth more bits.
        config.segments = 1;
        config.sns_strength = 0;
        config.pass = 1;
        // The normal loop filter: bitstream version 0, the only one that every RTP receiver is sure to have.
        config.filter_type = 1;
        config.thread_level = 0;
        Ok(Self { config, output: BytesMut::new() })
    }

    /// Codes one picture at `quality` from 0 (smallest) to 100 and returns the VP8 frame.
    ///
    /// # Errors
    /// When the library runs out of memory.
    pub fn encode(&mut self, planes: &Planes<'_>, quality: f32) -> Result<Bytes, Error> {
        self.config.quality = quality.clamp(0.0, 100.0);
        let mut picture = WebPPicture::new().map_err(|()| Error::Configuration)?;
        let [y, u, v] = planes.data();
        let (y_stride, uv_stride) = planes.strides();
        picture.use_argb = 0;
        picture.width = planes.width() as c_int;
        picture.height = planes.height() as c_int;
        // The library only reads them: it converts nothing (use_argb is 0) and clears nothing (there is no alpha).
        picture.y = y.as_ptr().cast_mut();
        picture.u = u.as_ptr().cast_mut();
        picture.v = v.as_ptr().cast_mut();
        picture.y_stride = y_stride as c_int;
        picture.uv_stride = uv_stride as c_int;
        picture.writer = Some(append);
        picture.custom_ptr = (&raw mut self.output).cast();
        self.output.clear();
        // SAFETY: `planes` vouches for every row of the three planes; the configuration and the picture live on this
        // stack for the whole call; `append` gets the pointer to `self.output`, which nobody else touches meanwhile.
        let done = unsafe { WebPEncode(&raw const self.config, &raw mut picture) } != 0;
        if !done {
            return Err(Error::Library(reason(picture.error_code)));
        }
        let file = self.output.split().freeze();
        lossy_chunk(file).ok_or(Error::NoChunk)
    }
}

/// libwebp's writer: takes the next bytes of the file. Returns 1 to go on.
extern "C" fn append(data: *const u8, size: usize, picture: *const WebPPicture) -> c_int {
    if size == 0 {
        return 1;
    }
    // SAFETY: libwebp calls it during `WebPEncode` only, with the picture given there, whose `custom_ptr` is the
    // address of a live `BytesMut` without another borrower, and with `size` readable bytes at `data`.
    let (output, data) = unsafe {
        let output: *mut c_void = (*picture).custom_ptr;
        (&mut *output.cast::<BytesMut>(), std::slice::from_raw_parts(data, size))
    };
    output.extend_from_slice(data);
    1
}

/// The content of the `VP8 ` chunk of a WebP file (RFC 9649 §2.3 to §2.5), without copying.
fn lossy_chunk(mut file: Bytes) -> Option<Bytes> {
    if file.len() < 12 || !file.starts_with(b"RIFF") || &file[8..12] != b"WEBP" {
        return None;
    }
    file.advance(12);
    while file.len() >= 8 {
        let is_lossy = file.starts_with(b"VP8 ");
        file.advance(4);
        let len = file.get_u32_le() as usize;
        let padded = len.checked_add(len % 2)?;
        if len > file.len() {
            return None;
        }
        if is_lossy {
            return Some(file.slice(..len));
        }
        file.advance(padded.min(file.len()));
    }
    None
}

fn reason(code: WebPEncodingError) -> String {
    format!("{code:?}").trim_start_matches("VP8_ENC_ERROR_").to_lowercase().replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grey_picture_of_odd_size_comes_back_as_a_key_frame() {
        let (y, uv) = (vec![90u8; 40 * 35], vec![140u8; 20 * 18]);
        let planes = Planes::new((39, 35), (&y, 40), (&uv, &uv, 20)).unwrap();
        let mut encoder = Encoder::new(2).unwrap();
        for quality in [5.0, 90.0] {
            let frame = encoder.encode(&planes, quality).unwrap();
            assert_eq!(frame[0] & 1, 0, "the inverse key frame bit");
            assert_eq!(frame[0] >> 1 & 7, 0, "bitstream version");
            let decoded = oxideav_vp8::decoder::decode_vp8(&frame).unwrap();
            assert_eq!((decoded.width, decoded.height), (39, 35));
            assert!(decoded.y.iter().all(|&sample| sample.abs_diff(90) <= 2));
            assert!(decoded.u.iter().chain(&decoded.v).all(|&sample| sample.abs_diff(140) <= 3));
        }
    }

    #[test]
    fn the_lossy_chunk_is_found_behind_others_and_cut_files_have_none() {
        let mut file = b"RIFF\x00\x00\x00\x00WEBPVP8X\x03\x00\x00\x00abc\x00VP8 \x02\x00\x00\x00hi".to_vec();
        assert_eq!(lossy_chunk(file.clone().into()).as_deref(), Some(&b"hi"[..]));
        file.pop();
        assert_eq!(lossy_chunk(file.into()), None);
        assert_eq!(lossy_chunk(Bytes::from_static(b"RIFF")), None);
    }
}
