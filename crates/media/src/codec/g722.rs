//! G.722 at 64 kbit/s (ITU-T G.722, RFC 3551 §4.5.2): two bands of ADPCM, 16 kHz, one byte per two samples.
//!
//! The block names are those of the recommendation's clause 6. Its RTP clock is 8 kHz for historical reasons: a frame
//! of 20 ms holds 320 samples and counts 160 ticks.

use bytes::{BufMut, Bytes, BytesMut};

use crate::codec::conceal::Echo;
use crate::codec::traits::{AudioDecoder, AudioEncoder, DecodeError, Error, Shape, check_len};
use crate::sound::Sound;

/// The encoder.
#[derive(Debug, Clone)]
pub struct G722Encoder {
    /// The last 24 samples, newest last: the delay line of the transmit QMF.
    history: [i32; 24],
    low: Band,
    high: Band,
    output: BytesMut,
}

impl G722Encoder {
    /// An encoder in its initial state.
    pub fn new() -> Self {
        Self { history: [0; 24], low: Band::new(32), high: Band::new(8), output: BytesMut::new() }
    }

    /// Codes two samples: bits 7 and 6 are the higher band's, the others the lower's (G.722 §1.4.4).
    fn code(&mut self, first: i16, second: i16) -> u8 {
        self.history.copy_within(2.., 0);
        self.history[22] = i32::from(first);
        self.history[23] = i32::from(second);
        let (low, high) = split(&self.history);
        self.code_high(high) << 6 | self.code_low(low)
    }

    /// The lower sub-band: 60-level quantiser, 15 levels of which feed back (blocks SUBTRA, QUANTL, INVQAL, LOGSCL).
    fn code_low(&mut self, input: i32) -> u8 {
        let band = &mut self.low;
        let error = saturate(input - band.predicted);
        let size = if error < 0 { -(error + 1) } else { error };
        let level = Q6.iter().take_while(|&&decision| size >= (decision * band.step) >> 12).count();
        // Codes of six bits, counted down from 61 for positive and from 63 for negative differences.
        let code = match (error < 0, level) {
            (true, 0 | 1) => 63 - level,
            (true, _) => 33 - level,
            (false, _) => 61 - level,
        };
        let index = code >> 2;
        let difference = (band.step * QM4[index]) >> 15;
        band.adapt_scale(WL[RL42[index]], 18_432, 8);
        band.adapt_predictor(difference);
        code as u8
    }

    /// The higher sub-band: four levels (blocks SUBTRA, QUANTH, INVQAH, LOGSCH).
    fn code_high(&mut self, input: i32) -> u8 {
        let band = &mut self.high;
        let error = saturate(input - band.predicted);
        let size = if error < 0 { -(error + 1) } else { error };
        let is_large = size >= (564 * band.step) >> 12;
        let code = match (error < 0, is_large) {
            (true, false) => 1,
            (true, true) => 0,
            (false, false) => 3,
            (false, true) => 2,
        };
        let difference = (band.step * QM2[code]) >> 15;
        band.adapt_scale(if is_large { 798 } else { -214 }, 22_528, 10);
        band.adapt_predictor(difference);
        code as u8
    }
}

impl Default for G722Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl AudioEncoder for G722Encoder {
    fn shape(&self) -> Shape {
        Shape::of(16_000, 1)
    }

    fn ticks(&self) -> u32 {
        160
    }

    fn encode(&mut self, sound: &Sound) -> Result<Bytes, Error> {
        self.shape().check(sound)?;
        for pair in sound.samples().chunks_exact(2) {
            if let [first, second] = *pair {
                let code = self.code(first, second);
                self.output.put_u8(code);
            }
        }
        Ok(self.output.split().freeze())
    }

    fn set_bitrate(&mut self, _bits_per_second: u64) {}
}

/// The decoder. Lost packets are concealed by what came before, fading.
#[derive(Debug, Clone)]
pub struct G722Decoder {
    /// The last 12 sums of the two bands and, between them, their differences, newest last: the delay line of the
    /// receive QMF.
    history: [i32; 24],
    low: Band,
    high: Band,
    echo: Echo,
}

impl G722Decoder {
    /// A decoder in its initial state.
    pub fn new() -> Self {
        let echo = Echo::new(&Sound::silence(16_000, 1, 320));
        Self { history: [0; 24], low: Band::new(32), high: Band::new(8), echo }
    }

    /// The two samples of a code.
    fn samples(&mut self, code: u8) -> [i16; 2] {
        let (low, high) = (self.low_sample(code & 0x3f), self.high_sample(code >> 6));
        self.history.copy_within(2.., 0);
        self.history[22] = low + high;
        self.history[23] = low - high;
        join(&self.history)
    }

    /// The lower sub-band: all six bits make the sample, four of them what adapts (blocks INVQBL, RECONS, LIMIT).
    fn low_sample(&mut self, code: u8) -> i32 {
        let band = &mut self.low;
        let sample = limit(band.predicted + ((band.step * QM6[usize::from(code)]) >> 15));
        let index = usize::from(code >> 2);
        let difference = (band.step * QM4[index]) >> 15;
        band.adapt_scale(WL[RL42[index]], 18_432, 8);
        band.adapt_predictor(difference);
        sample
    }

    /// The higher sub-band (blocks INVQAH, RECONS, LIMIT).
    fn high_sample(&mut self, code: u8) -> i32 {
        let band = &mut self.high;
        let difference = (band.step * QM2[usize::from(code)]) >> 15;
        let sample = limit(band.predicted + difference);
        // Even codes are those of large differences.
        band.adapt_scale(if code & 1 == 0 { 798 } else { -214 }, 22_528, 10);
        band.adapt_predictor(difference);
        sample
    }
}

impl Default for G722Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl AudioDecoder for G722Decoder {
    fn output(&self) -> (u32, u8) {
        (16_000, 1)
    }

    fn decode(&mut self, payload: &[u8]) -> Result<Sound, DecodeError> {
        check_len(payload)?;
        let mut sound = Sound::new(16_000, 1, payload.len() * 2)?;
        let (pairs, _) = sound.samples_mut().as_chunks_mut::<2>();
        for (pair, &code) in pairs.iter_mut().zip(payload) {
            *pair = self.samples(code);
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
        // The RTP clock counts pairs.
        self.echo.frames() as u32 / 2
    }
}

/// What one sub-band remembers: quantiser scale, and a predictor of two poles and six zeros.
#[derive(Debug, Clone)]
struct Band {
    /// The quantiser's step: DETL, DETH.
    step: i32,
    /// Its logarithm: NBL, NBH.
    log_step: i32,
    /// The signal that is expected next: SL, SH.
    predicted: i32,
    /// Its part from the zeros: SZL, SZH.
    from_zeros: i32,
    /// Quantised differences, newest first: DLT, DHT.
    differences: [i32; 6],
    /// Coefficients of the zeros: BL, BH.
    zeros: [i32; 6],
    /// Coefficients of the poles: AL, AH.
    poles: [i32; 2],
    /// Reconstructed signal, newest first: RLT, RHT.
    reconstructed: [i32; 2],
    /// Partially reconstructed signal, newest first: PLT, PHT.
    partial: [i32; 2],
}

impl Band {
    fn new(step: i32) -> Self {
        Self {
            step,
            log_step: 0,
            predicted: 0,
            from_zeros: 0,
            differences: [0; 6],
            zeros: [0; 6],
            poles: [0; 2],
            reconstructed: [0; 2],
            partial: [0; 2],
        }
    }

    /// Blocks LOGSCL and SCALEL, LOGSCH and SCALEH.
    fn adapt_scale(&mut self, weight: i32, limit: i32, base: i32) {
        self.log_step = (((self.log_step * 127) >> 7) + weight).clamp(0, limit);
        let mantissa = ILB[(self.log_step >> 6 & 31) as usize];
        let shift = base - (self.log_step >> 11);
        self.step = (if shift < 0 { mantissa << -shift } else { mantissa >> shift }) << 2;
    }

    /// Blocks RECONS to PREDIC: takes in a quantised difference, predicts the next sample.
    fn adapt_predictor(&mut self, difference: i32) {
        let reconstructed = saturate(self.predicted + difference);
        let partial = saturate(self.from_zeros + difference);
        self.adapt_poles(partial);
        self.adapt_zeros(difference);
        self.differences.rotate_right(1);
        self.differences[0] = difference;
        self.reconstructed = [reconstructed, self.reconstructed[0]];
        self.partial = [partial, self.partial[0]];

        // FILTEP and FILTEZ. Sums saturate at each step, oldest zero first.
        let tap = |coefficient: i32, value: i32| (coefficient * saturate(value * 2)) >> 15;
        let from_poles =
            saturate(tap(self.poles[0], self.reconstructed[0]) + tap(self.poles[1], self.reconstructed[1]));
        let pairs = self.zeros.iter().zip(&self.differences).rev();
        self.from_zeros = pairs.fold(0, |sum, (&zero, &value)| saturate(sum + tap(zero, value)));
        self.predicted = saturate(from_poles + self.from_zeros);
    }

    /// Blocks UPPOL2 and UPPOL1.
    fn adapt_poles(&mut self, partial: i32) {
        let is_same = |other: i32| (partial < 0) == (other < 0);
        let quadruple = saturate(self.poles[0] * 4);
        let lean = if is_same(self.partial[0]) { -quadruple } else { quadruple }.min(32_767);
        let drift = if is_same(self.partial[1]) { 128 } else { -128 };
        let second = ((lean >> 7) + drift + ((self.poles[1] * 32_512) >> 15)).clamp(-12_288, 12_288);
        let drift = if is_same(self.partial[0]) { 192 } else { -192 };
        let limit = 15_360 - second;
        let first = saturate(drift + ((self.poles[0] * 32_640) >> 15)).clamp(-limit, limit);
        self.poles = [first, second];
    }

    /// Block UPZERO.
    fn adapt_zeros(&mut self, difference: i32) {
        let gain = if difference == 0 { 0 } else { 128 };
        for (zero, &earlier) in self.zeros.iter_mut().zip(&self.differences) {
            let drift = if (earlier < 0) == (difference < 0) { gain } else { -gain };
            *zero = saturate(drift + ((*zero * 32_640) >> 15));
        }
    }
}

/// The transmit quadrature mirror filter (G.722 §3.1, table 4): lower and higher band at half the rate.
fn split(history: &[i32; 24]) -> (i32, i32) {
    let (mut even, mut odd) = (0, 0);
    for (index, pair) in history.chunks_exact(2).enumerate() {
        even += pair[0] * QMF[index];
        odd += pair[1] * QMF[11 - index];
    }
    (saturate((odd + even) >> 14), saturate((odd - even) >> 14))
}

/// The receive quadrature mirror filter (G.722 §4.4): two samples from the bands' sums and differences.
fn join(history: &[i32; 24]) -> [i16; 2] {
    let (mut first, mut second) = (0, 0);
    for (index, pair) in history.chunks_exact(2).enumerate() {
        second += pair[0] * QMF[index];
        first += pair[1] * QMF[11 - index];
    }
    [saturate(first >> 11) as i16, saturate(second >> 11) as i16]
}

/// To 15 bits (block LIMIT).
fn limit(value: i32) -> i32 {
    value.clamp(-16_384, 16_383)
}

/// To 16 bits.
fn saturate(value: i32) -> i32 {
    value.clamp(-32_768, 32_767)
}

/// Every second coefficient of the 24; the others are the same backwards.
const QMF: [i32; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];

/// Decision levels of the 60-level quantiser.
const Q6: [i32; 29] = [
    35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219,
    1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
];

/// Outputs of the 60-level quantiser, by lower code.
const QM6: [i32; 64] = [
    -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360,
    -8576, -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688,
    -1360, -1040, -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856,
    7192, 6576, 6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136,
    -432, -136,
];

/// Outputs of the 15-level quantiser, by the four high bits of a lower code.
const QM4: [i32; 16] =
    [0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0];

/// Magnitude level of each of those codes.
const RL42: [usize; 16] = [0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0];

/// Outputs of the higher band's quantiser, by code.
const QM2: [i32; 4] = [-7408, -1616, 7408, 1616];

/// How a level moves the lower band's scale.
const WL: [i32; 8] = [-60, -30, 58, 172, 334, 538, 1198, 3042];

/// Powers of two by 32nds, times 2048.
const ILB: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896,
    2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];

#[cfg(test)]
mod tests {
    use super::*;
    use audio_codec::{Decoder as _, Encoder as _};

    /// A chord with noise on top, 1 s: both bands have work.
    fn scene() -> Vec<i16> {
        let mut noise = 1u32;
        let sample = |at: usize| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let t = at as f64 / 16_000.0;
            let tone = |hertz: f64| (t * hertz * std::f64::consts::TAU).sin();
            let loudness = 0.3 + 0.7 * (t * 5.0).sin().abs();
            let hiss = f64::from(noise >> 16) / 32_768.0 - 1.0;
            ((tone(440.0) + tone(1_234.0) + 0.3 * tone(5_100.0) + 0.02 * hiss) * loudness * 9_000.0) as i16
        };
        (0..16_000).map(sample).collect()
    }

    fn code(mut encoder: G722Encoder, samples: &[i16]) -> Vec<u8> {
        let mut codes = Vec::new();
        for chunk in samples.chunks_exact(320) {
            let mut sound = Sound::new(16_000, 1, 320).unwrap();
            sound.samples_mut().copy_from_slice(chunk);
            let payload = encoder.encode(&sound).unwrap();
            assert_eq!(payload.len(), 160);
            codes.extend_from_slice(&payload);
        }
        codes
    }

    #[test]
    fn a_foreign_decoder_hears_what_went_in() {
        let samples = scene();
        let decoded = audio_codec::g722::G722Decoder::new().decode(&code(G722Encoder::new(), &samples));
        // The two QMFs together delay by 22 samples.
        let (mut signal, mut noise) = (0.0, 0.0);
        for (&a, &b) in samples.iter().zip(&decoded[22..]).skip(1_000) {
            signal += f64::from(a).powi(2);
            noise += (f64::from(a) - f64::from(b)).powi(2);
        }
        let ratio = 10.0 * (signal / noise).log10();
        assert!(ratio > 20.0, "{ratio:.1} dB");
    }

    /// The other encoder starts with steps four times those of the recommendation (DETL = 32, DETH = 8): given the same
    /// start, every code is the same.
    #[test]
    fn a_foreign_encoder_writes_the_same_codes() {
        let samples = scene();
        let theirs = audio_codec::g722::G722Encoder::new().encode(&samples);
        let start = G722Encoder { low: Band::new(4 * 32), high: Band::new(4 * 8), ..G722Encoder::new() };
        let difference = code(start, &samples).iter().zip(&theirs).position(|(a, b)| a != b);
        assert_eq!((difference, theirs.len()), (None, 8_000));
    }

    /// The other decoder starts with steps of 0, not with those of the recommendation: given the same start, every
    /// sample is the same, of what an encoder wrote and of noise.
    #[test]
    fn a_foreign_decoder_makes_the_same_samples_of_any_codes() {
        let mut codes = code(G722Encoder::new(), &scene());
        let mut noise = 7u32;
        codes.extend((0..8_000).map(|_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (noise >> 24) as u8
        }));
        let theirs = audio_codec::g722::G722Decoder::new().decode(&codes);
        let mut decoder = G722Decoder { low: Band::new(0), high: Band::new(0), ..G722Decoder::new() };
        let mut ours = Vec::new();
        for payload in codes.chunks(160) {
            ours.extend_from_slice(decoder.decode(payload).unwrap().samples());
        }
        let difference = ours.iter().zip(&theirs).position(|(a, b)| a != b);
        assert_eq!((difference, ours.len(), theirs.len()), (None, 32_000, 32_000));
    }

    #[test]
    fn full_scale_square_waves_neither_panic_nor_stick() {
        let loud: Vec<i16> = (0..3_200).map(|at| if at / 7 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
        let codes = code(G722Encoder::new(), &loud);
        assert!(codes[1_000..].windows(2).any(|pair| pair[0] != pair[1]));
    }
}
