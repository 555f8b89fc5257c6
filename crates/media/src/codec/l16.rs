//! L16 (RFC 3551 §4.5.11): uncompressed 16-bit samples in network byte order, channels interleaved.

use bytes::{BufMut, Bytes, BytesMut};

use crate::codec::traits::{AudioEncoder, Error, Shape};
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
