//! L16 (RFC 3551 §4.5.11): uncompressed 16-bit samples in network byte order, channels interleaved.

use bytes::{BufMut, Bytes, BytesMut};

use crate::codec::conceal::Echo;
use crate::codec::traits::{AudioDecoder, AudioEncoder, DecodeError, Error, Shape, check_len};
use crate::sound::Sound;

/// The encoder: it swaps bytes.
#[derive(Debug, Clone)]
pub struct L16Encoder {
    shape: Shape,
    output: BytesMut,
}

impl L16Encoder {
    /// For the rate and channels of the rtpmap. A frame is 20 ms, or as much less as keeps it within one packet of
    /// 1200 bytes, in whole milliseconds.
    pub fn new(sample_rate: u32, channels: u8) -> Self {
        let bytes_per_ms = (sample_rate as usize / 1000 * usize::from(channels) * 2).max(1);
        let frames = (1_100 / bytes_per_ms).clamp(1, 20) * sample_rate as usize / 1000;
        Self { shape: Shape { sample_rate, channels, frames }, output: BytesMut::new() }
    }
}

impl AudioEncoder for L16Encoder {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn ticks(&self) -> u32 {
        self.shape.frames as u32
    }

    fn encode(&mut self, sound: &Sound) -> Result<Bytes, Error> {
        self.shape.check(sound)?;
        for &sample in sound.samples() {
            self.output.put_i16(sample);
        }
        Ok(self.output.split().freeze())
    }

    fn set_bitrate(&mut self, _bits_per_second: u64) {}
}

/// The decoder: it swaps them back. Lost packets are concealed by what came before, fading.
#[derive(Debug, Clone)]
pub struct L16Decoder {
    sample_rate: u32,
    channels: u8,
    echo: Echo,
}

impl L16Decoder {
    /// For the rate and channels of the rtpmap.
    ///
    /// # Errors
    /// When no [`Sound`] has them.
    pub fn new(sample_rate: u32, channels: u8) -> Result<Self, DecodeError> {
        let silence = Sound::new(sample_rate, channels, sample_rate as usize / 50)?;
        Ok(Self { sample_rate, channels, echo: Echo::new(&silence) })
    }
}

impl AudioDecoder for L16Decoder {
    fn output(&self) -> (u32, u8) {
        (self.sample_rate, self.channels)
    }

    fn decode(&mut self, payload: &[u8]) -> Result<Sound, DecodeError> {
        check_len(payload)?;
        let unit = usize::from(self.channels) * 2;
        if !payload.len().is_multiple_of(unit) {
            return Err(DecodeError::Uneven { len: payload.len(), unit });
        }
        let mut sound = Sound::new(self.sample_rate, self.channels, payload.len() / unit)?;
        let (pairs, _) = payload.as_chunks::<2>();
        for (sample, &bytes) in sound.samples_mut().iter_mut().zip(pairs) {
            *sample = i16::from_be_bytes(bytes);
        }
        self.echo.hear(&mut sound);
        Ok(sound)
    }

    fn conceal(&mut self) -> Sound {
        self.echo.conceal()
    }

    fn recover(&mut self, _next: &[u8]) -> Option<Sound> {
        None
    }

    fn ticks(&self) -> u32 {
        self.echo.frames() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_leave_big_endian_and_frames_fit_a_packet() {
        for (rate, channels, frames) in
            [(8_000, 1, 160), (16_000, 1, 320), (44_100, 2, 264), (48_000, 2, 240)]
        {
            let mut encoder = L16Encoder::new(rate, channels);
            assert_eq!(encoder.shape().frames, frames, "{rate} {channels}");
            let mut sound = Sound::new(rate, channels, frames).unwrap();
            sound.samples_mut()[1] = -2;
            let payload = encoder.encode(&sound).unwrap();
            assert_eq!(payload[..4], [0, 0, 0xff, 0xfe]);
            assert!(payload.len() <= 1_100);
        }
    }
}
