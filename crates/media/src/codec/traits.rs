//! What every encoder and every decoder can do, so that whoever drives one need not know which.

use bytes::Bytes;
use peerless::Format;

use crate::picture::{Picture, SizeError};
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

    /// What does the work: the name of a library (`encoderImplementation` of webrtc-stats).
    fn implementation(&self) -> &'static str;
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

    /// What it aims at, in bits per second; `None` of codecs of one rate.
    fn bitrate(&self) -> Option<u64> {
        None
    }
}

/// Turns frames into pictures. Blocking and busy: give it a thread of its own.
///
/// After an error it decodes nothing before the next key frame: what leans on a picture that is not there would be
/// wrong for long. Ask for one where [`awaits_key_frame`](Self::awaits_key_frame).
pub trait VideoDecoder: Send {
    /// Decodes one frame, as [`peerless::Frame::payload`] holds it. `None` where there is nothing to show: a frame
    /// that only others lean on, or parameter sets that came by themselves. The picture may be of another size than
    /// the one before, after a key frame.
    ///
    /// # Errors
    /// When the payload is broken or above a limit, or when it leans on a picture that is not there.
    fn decode(&mut self, payload: &[u8]) -> Result<Option<Picture>, DecodeError>;

    /// Whether only a key frame helps: at the start, and after an error.
    fn awaits_key_frame(&self) -> bool;

    /// What does the work: the name of a library (`decoderImplementation` of webrtc-stats).
    fn implementation(&self) -> &'static str;
}

/// Turns packets of sound back into sound, all of one rate and number of channels.
pub trait AudioDecoder: Send {
    /// The rate, in hertz, and the channels of all it gives.
    fn output(&self) -> (u32, u8);

    /// Decodes one packet. Each can be decoded by itself; what came before only makes it sound right.
    ///
    /// # Errors
    /// When the payload is broken or too long. Nothing is played for it then; [`conceal`](Self::conceal) it.
    fn decode(&mut self, payload: &[u8]) -> Result<Sound, DecodeError>;

    /// What to play for a packet that is lost: as long as the last one was, made of what was heard before it, fading
    /// to silence where more than a few follow one another.
    fn conceal(&mut self) -> Sound;

    /// The packet before `next`, from the redundancy that `next` carries, when that packet is lost; `None` where it
    /// carries none. Then `next` is decoded as usual.
    fn recover(&mut self, next: &[u8]) -> Option<Sound>;

    /// How many RTP timestamp ticks the last packet took, or one would that came first: not always samples
    /// (RFC 3551 §4.5.2 for G.722).
    fn ticks(&self) -> u32;
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

/// The largest picture that a decoder makes: 36 864 macroblocks, the most of any H.264 level up to 5.2 (4096×2304).
/// What a few bytes of header declare is allocated, so it has a bound.
#[cfg(any(feature = "vp8", feature = "libvpx"))]
pub(crate) const PIXELS_LIMIT: u64 = 36_864 * 256;

/// The most bytes in one packet of sound that is not compressed: what UDP can carry.
const PACKET_LIMIT: usize = 65_535;

/// Refuses payloads of sound that are empty or longer than any packet.
pub(crate) fn check_len(payload: &[u8]) -> Result<(), DecodeError> {
    match payload.len() {
        0 => Err(DecodeError::Empty),
        len if len > PACKET_LIMIT => Err(DecodeError::TooLong { len, limit: PACKET_LIMIT }),
        _ => Ok(()),
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
    /// A size that no picture has.
    #[error(transparent)]
    Picture(#[from] SizeError),
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

/// Why a frame was not decoded, or why there is no decoder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// There is no decoder for the format, or its feature is off.
    #[error("no decoder for {} is built in", .0.name())]
    Unsupported(Format),
    /// The frame leans on one that is not there: only a key frame helps.
    #[error("waiting for a key frame")]
    AwaitsKeyFrame,
    /// A payload without content.
    #[error("an empty payload")]
    Empty,
    /// More bytes, or more sound, than one frame may hold.
    #[error("{len} in one frame, the limit is {limit}")]
    TooLong {
        /// What came: bytes of a payload, or samples per channel.
        len: usize,
        /// The most.
        limit: usize,
    },
    /// Samples cut in half: the payload is no multiple of so many bytes.
    #[error("{len} bytes are not a multiple of {unit}")]
    Uneven {
        /// Bytes that came.
        len: usize,
        /// Bytes of one sample of all channels.
        unit: usize,
    },
    /// A picture of a size that none here has.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// A rate or channels that were negotiated and that no sound here has.
    #[error(transparent)]
    Sound(#[from] ShapeError),
    /// A VP8 frame that relies on the segments of an earlier one (RFC 6386 §9.3), which this decoder does not keep.
    #[cfg(any(feature = "vp8", feature = "libvpx"))]
    #[error("the frame relies on the segments of an earlier one")]
    Segments,
    /// What the VP8 decoder said.
    #[cfg(any(feature = "vp8", feature = "libvpx"))]
    #[error(transparent)]
    Vp8(#[from] oxideav_vp8::decoder::DecodeError),
    /// What OpenH264 said.
    #[cfg(feature = "h264")]
    #[error(transparent)]
    H264(#[from] openh264::Error),
    /// What the Opus decoder said.
    #[cfg(feature = "opus")]
    #[error("opus: {0}")]
    Opus(#[from] opus_pure::Error),
}
