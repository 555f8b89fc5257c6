//! G.711 (ITU-T G.711, RFC 3551 §4.5.14): µ-law and A-law, 8 kHz, one byte per sample.
//!
//! Exact against the recommendation's tables: a sample gets the code of the interval it lies in. On a boundary, the
//! larger magnitude wins for positive samples and the smaller for negative ones, as in the ITU's own tool library.

use bytes::{BufMut, Bytes, BytesMut};

use crate::codec::conceal::Echo;
use crate::codec::traits::{AudioDecoder, AudioEncoder, DecodeError, Error, Shape, check_len};
use crate::sound::Sound;

/// Which of the two curves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// µ-law, PCMU: 14-bit samples.
    Mu,
    /// A-law, PCMA: 13-bit samples.
    A,
}

impl Law {
    /// The code of a 16-bit sample.
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Self::Mu => encode_mu(sample),
            Self::A => encode_a(sample),
        }
    }

    /// The 16-bit sample of a code.
    pub fn decode(self, code: u8) -> i16 {
        match self {
            Self::Mu => decode_mu(code),
            Self::A => decode_a(code),
        }
    }
}

/// The encoder.
#[derive(Debug, Clone)]
pub struct G711Encoder {
    law: Law,
    output: BytesMut,
}

impl G711Encoder {
    /// An encoder for one of the laws.
    pub fn new(law: Law) -> Self {
        Self { law, output: BytesMut::new() }
    }
}

impl AudioEncoder for G711Encoder {
    fn shape(&self) -> Shape {
        Shape::of(8_000, 1)
    }

    fn ticks(&self) -> u32 {
        160
    }

    fn encode(&mut self, sound: &Sound) -> Result<Bytes, Error> {
        self.shape().check(sound)?;
        for &sample in sound.samples() {
            self.output.put_u8(self.law.encode(sample));
        }
        Ok(self.output.split().freeze())
    }

    fn set_bitrate(&mut self, _bits_per_second: u64) {}
}

/// The decoder. Lost packets are concealed by what came before, fading.
#[derive(Debug, Clone)]
pub struct G711Decoder {
    law: Law,
    echo: Echo,
}

impl G711Decoder {
    /// A decoder for one of the laws.
    pub fn new(law: Law) -> Self {
        Self { law, echo: Echo::new(&Sound::silence(8_000, 1, 160)) }
    }
}

impl AudioDecoder for G711Decoder {
    fn output(&self) -> (u32, u8) {
        (8_000, 1)
    }

    fn decode(&mut self, payload: &[u8]) -> Result<Sound, DecodeError> {
        check_len(payload)?;
        let mut sound = Sound::new(8_000, 1, payload.len())?;
        for (sample, &code) in sound.samples_mut().iter_mut().zip(payload) {
            *sample = self.law.decode(code);
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

/// The magnitude, by one's complement for negative samples: -1 is as small as 0.
fn magnitude(sample: i16) -> u16 {
    (if sample < 0 { !sample } else { sample }).unsigned_abs()
}

/// G.711 table 2: eight segments that double, counted from the bias of 33 in 14-bit units. All bits are inverted.
fn encode_mu(sample: i16) -> u8 {
    let biased = (magnitude(sample) / 4 + 33).min(0x1fff);
    // 33 ≤ biased < 8192: the highest bit is bit 5 in segment 0 and bit 12 in segment 7.
    let segment = 10 - biased.leading_zeros() as u16;
    let interval = biased >> (segment + 1) & 0x0f;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(sign | (segment << 4) as u8 | interval as u8)
}

fn decode_mu(code: u8) -> i16 {
    let code = !code;
    let (segment, interval) = (code >> 4 & 0x07, i16::from(code & 0x0f));
    let value = (((interval * 2 + 33) << segment) - 33) * 4;
    if code & 0x80 != 0 { -value } else { value }
}

/// G.711 table 1: the first two segments are equal, the other six double. Even bits are inverted.
fn encode_a(sample: i16) -> u8 {
    let value = magnitude(sample) >> 4;
    let code = if value < 32 {
        value
    } else {
        let shift = 11 - value.leading_zeros() as u16;
        (shift + 1) << 4 | (value >> shift & 0x0f)
    };
    let sign = if sample < 0 { 0 } else { 0x80 };
    (code as u8 | sign) ^ 0x55
}

fn decode_a(code: u8) -> i16 {
    let code = code ^ 0x55;
    let (segment, interval) = (code >> 4 & 0x07, i16::from(code & 0x0f));
    let value = match segment {
        0 => (interval * 2 + 1) << 3,
        _ => (interval * 2 + 33) << (segment + 2),
    };
    if code & 0x80 != 0 { value } else { -value }
}

#[cfg(test)]
mod tests;
