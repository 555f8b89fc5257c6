//! The encoder and the decoder for what was negotiated.

use peerless::{Codec, Format};

use crate::codec::g711::{G711Decoder, G711Encoder, Law};
use crate::codec::g722::{G722Decoder, G722Encoder};
use crate::codec::l16::{L16Decoder, L16Encoder};
use crate::codec::traits::{
    AudioDecoder, AudioEncoder, DecodeError, Error, VideoDecoder, VideoEncoder, VideoSettings,
};

/// An encoder of pictures for a negotiated codec.
///
/// # Errors
/// When the codec is none of pictures or its feature is off, the pictures are above its level, or the library fails.
pub fn video(codec: &Codec, settings: VideoSettings) -> Result<Box<dyn VideoEncoder>, Error> {
    match codec.format {
        #[cfg(feature = "libvpx")]
        Format::Vp8 => Ok(Box::new(crate::codec::vpx::VpxEncoder::new(settings)?)),
        #[cfg(all(feature = "vp8", not(feature = "libvpx")))]
        Format::Vp8 => Ok(Box::new(crate::codec::vp8::Vp8Encoder::new(settings)?)),
        #[cfg(feature = "h264")]
        Format::H264 { packetization_mode, profile_level_id } => {
            let encoder =
                crate::codec::h264::H264Encoder::new(settings, profile_level_id, packetization_mode)?;
            Ok(Box::new(encoder))
        }
        format => {
            let _ = settings;
            Err(Error::Unsupported(format))
        }
    }
}

/// An encoder of sound for a negotiated codec; `bits_per_second` matters to Opus only.
///
/// # Errors
/// When the codec is none of sound or its feature is off, or the library fails.
pub fn audio(codec: &Codec, bits_per_second: Option<u64>) -> Result<Box<dyn AudioEncoder>, Error> {
    let _ = bits_per_second;
    match codec.format {
        #[cfg(feature = "opus")]
        Format::Opus => {
            let wishes = crate::codec::opus::Wishes::parse(&codec.parameters);
            Ok(Box::new(crate::codec::opus::OpusEncoder::new(wishes, bits_per_second)?))
        }
        Format::Pcmu => Ok(Box::new(G711Encoder::new(Law::Mu))),
        Format::Pcma => Ok(Box::new(G711Encoder::new(Law::A))),
        Format::G722 => Ok(Box::new(G722Encoder::new())),
        Format::L16 => Ok(Box::new(L16Encoder::new(codec.clock_rate, codec.channels.max(1)))),
        format => Err(Error::Unsupported(format)),
    }
}

/// A decoder of pictures for a negotiated codec; only the format matters.
///
/// # Errors
/// When the codec is none of pictures or its feature is off, or the library fails.
pub fn video_decoder(codec: &Codec) -> Result<Box<dyn VideoDecoder>, DecodeError> {
    match codec.format {
        #[cfg(any(feature = "vp8", feature = "libvpx"))]
        Format::Vp8 => Ok(Box::new(crate::codec::vp8_decoder::Vp8Decoder::new())),
        #[cfg(feature = "h264")]
        Format::H264 { .. } => Ok(Box::new(crate::codec::h264_decoder::H264Decoder::new()?)),
        format => Err(DecodeError::Unsupported(format)),
    }
}

/// A decoder of sound for a negotiated codec. Opus gives two channels at 48 kHz whatever was sent, the others what
/// was negotiated.
///
/// # Errors
/// When the codec is none of sound or its feature is off, or no sound here has its rate and channels.
pub fn audio_decoder(codec: &Codec) -> Result<Box<dyn AudioDecoder>, DecodeError> {
    match codec.format {
        #[cfg(feature = "opus")]
        Format::Opus => Ok(Box::new(crate::codec::opus_decoder::OpusDecoder::new()?)),
        Format::Pcmu => Ok(Box::new(G711Decoder::new(Law::Mu))),
        Format::Pcma => Ok(Box::new(G711Decoder::new(Law::A))),
        Format::G722 => Ok(Box::new(G722Decoder::new())),
        Format::L16 => Ok(Box::new(L16Decoder::new(codec.clock_rate, codec.channels.max(1))?)),
        format => Err(DecodeError::Unsupported(format)),
    }
}
