//! What every encoder can do, so that a pump need not know which one it drives.

use bytes::Bytes;
use peerless::Format;

use crate::picture::Picture;
use crate::sound::{ShapeError, Sound};

/// Turns pictures into frames. Blocking and busy: give it a thread of its own.
pub trait VideoEncoder: Send {
    /// Codes one picture; `timestamp` counts 1/90 000 s and wraps, `key` wishes for a key frame. `None` when the rate
    /// control or the level left this picture out.
    ///
    /// # Errors
    /// When the picture is of another size than the encoder was made for, or the library fails.
    fn encode(&mut self, picture: &Picture, timestamp: u32, key: bool) -> Result<Option<Coded>, Error>;

    /// Another target, in bits per second, from the next picture on.
    fn set_bitrate(&mut self, bits_per_second: u64);
}

/// Turns sound into frames of 20 ms.
pub trait AudioEncoder: Send {
    /// The sound it takes: samples per second, channels, and samples per channel in one frame.
    fn shape(&self) -> Shape;

    /// RTP timestamp ticks from one frame to the next: not always samples (RFC 3551 §4.5.2 for G.722).
    fn ticks(&self) -> u32;

    /// Codes one frame. The payload is empty where nothing need be sent: Opus in discontinuous transmission.
    ///
    /// # Errors
    /// When the sound is not of [`shape`](Self::shape), or the library fails.
    fn encode(&mut self, sound: &Sound) -> Result<Bytes, Error>;

    /// Another target, in bits per second, from the next frame on. Codecs of one rate stay at theirs.
    fn set_bitrate(&mut self, bits_per_second: u64);
}

/// One coded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coded {
    /// A VP8 frame, or an H.264 access unit in Annex B.
    pub payload: Bytes,
    /// Whether it can be decoded on its own.
    pub key: bool,
}

/// What one frame of sound looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Hertz.
    pub sample_rate: u32,
    /// Interleaved.
    pub channels: u8,
    /// Samples per channel.
    pub frames: usize,
}

impl Shape {
    /// 20 ms of sound.
    pub(crate) fn of(sample_rate: u32, channels: u8) -> Self {
        Self { sample_rate, channels, frames: sample_rate as usize / 50 }
    }

    /// Whether a sound is of it.
    pub(crate) fn check(self, sound: &Sound) -> Result<(), Error> {
        let got =
            Self { sample_rate: sound.sample_rate(), channels: sound.channels(), frames: sound.frames() };
        if got == self { Ok(()) } else { Err(Error::Shape { got, wanted: self }) }
    }
}

/// What a video encoder is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct VideoSettings {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Pictures per second, 1 to 240.
    pub frames_per_second: u32,
    /// The target at the start.
    pub bits_per_second: u64,
}

impl VideoSettings {
    /// A size in pixels, pictures per second, and bits per second to begin with.
    pub fn new((width, height): (u32, u32), frames_per_second: u32, bits_per_second: u64) -> Self {
        Self { width, height, frames_per_second: frames_per_second.clamp(1, 240), bits_per_second }
    }

    /// Refuses a picture of another size.
    #[cfg(any(feature = "vp8", feature = "libvpx", feature = "h264"))]
    pub(crate) fn check(&self, picture: &Picture) -> Result<(), Error> {
        let (got, wanted) = ((picture.width(), picture.height()), (self.width, self.height));
        if got == wanted { Ok(()) } else { Err(Error::Size { got, wanted }) }
    }
}

/// Why there is no frame, or no encoder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no encoder for the format, or its feature is off.
    #[error("no encoder for {} is built in", .0.name())]
    Unsupported(Format),
    /// A picture of another size than the encoder was made for.
    #[error("a picture of {}x{} for an encoder of {}x{}", got.0, got.1, wanted.0, wanted.1)]
    Size {
        /// Width and height that came.
        got: (u32, u32),
        /// Width and height that it was made for.
        wanted: (u32, u32),
    },
    /// A sound of another shape than the encoder takes.
    #[error("a sound of {got:?} for an encoder of {wanted:?}")]
    Shape {
        /// What came.
        got: Shape,
        /// What it takes.
        wanted: Shape,
    },
    /// A rate or channels that were negotiated and that no sound here has.
    #[error(transparent)]
    Sound(#[from] ShapeError),
    /// The pictures have more macroblocks than the negotiated H.264 level allows (RFC 6184 §8.1, ITU-T H.264 A.3).
    #[error("{macroblocks} macroblocks in a picture, the negotiated level {level} allows {limit}")]
    AboveLevel {
        /// Ten times the level's number: 31 is 3.1.
        level: u8,
        /// In one of our pictures.
        macroblocks: u32,
        /// What the level allows.
        limit: u32,
    },
    /// Planes that are no picture.
    #[cfg(any(feature = "vp8", feature = "libvpx"))]
    #[error(transparent)]
    Planes(#[from] peerless_native::planes::PlanesError),
    /// What libwebp said.
    #[cfg(feature = "vp8")]
    #[error(transparent)]
    Vp8(#[from] peerless_native::webp::Error),
    /// What libvpx said.
    #[cfg(feature = "libvpx")]
    #[error(transparent)]
    Vpx(#[from] peerless_native::vpx::Error),
    /// What OpenH264 said.
    #[cfg(feature = "h264")]
    #[error(transparent)]
    H264(#[from] openh264::Error),
    /// What the Opus encoder said.
    #[cfg(feature = "opus")]
    #[error("opus: {0}")]
    Opus(#[from] opus_pure::Error),
}
