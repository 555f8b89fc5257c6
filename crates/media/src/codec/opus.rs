//! Opus (RFC 6716, RFC 7587): 20 ms at 48 kHz, mono or stereo, as the receiver's parameters wish.

use bytes::Bytes;
use opus_pure::{Application, Bandwidth, MAX_PACKET_BYTES, OpusEncoder as Library, RateControl};

use crate::codec::traits::{AudioEncoder, Error, Shape};
use crate::sound::Sound;

/// How much loss in-band FEC is laid out for, in percent: enough for the encoder to code it at all where it can.
const EXPECTED_LOSS: i32 = 5;
/// Bits per second for music, by channel, where nobody says otherwise.
const DEFAULT_BITRATE_PER_CHANNEL: u64 = 48_000;

/// The encoder.
#[derive(Debug)]
pub struct OpusEncoder {
    encoder: Library,
    wishes: Wishes,
    packet: Vec<u8>,
}

/// What the receiver asks of us in `a=fmtp` (RFC 7587 §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wishes {
    /// `stereo=1`: it would rather have two channels. The default is mono.
    pub stereo: bool,
    /// `useinbandfec=1`: it makes use of forward error correction.
    pub inband_fec: bool,
    /// `usedtx=1`: it would rather have nothing than silence.
    pub dtx: bool,
    /// `cbr=1`: it would rather have packets of one size.
    pub constant: bool,
    /// `maxplaybackrate`: hertz beyond which it plays nothing.
    pub playback_rate: u32,
    /// `maxaveragebitrate`: bits per second that it can take.
    pub bitrate_limit: u32,
}

impl Wishes {
    /// Reads fmtp parameters; unknown or malformed ones count as not there (RFC 7587 §7).
    pub fn parse(parameters: &str) -> Self {
        let mut wishes = Self {
            stereo: false,
            inband_fec: false,
            dtx: false,
            constant: false,
            playback_rate: 48_000,
            bitrate_limit: 510_000,
        };
        for parameter in parameters.split(';') {
            let Some((name, value)) = parameter.split_once('=') else { continue };
            let (name, value) = (name.trim(), value.trim());
            let number = value.parse::<u32>().ok();
            match name.to_ascii_lowercase().as_str() {
                "stereo" => wishes.stereo = value == "1",
                "useinbandfec" => wishes.inband_fec = value == "1",
                "usedtx" => wishes.dtx = value == "1",
                "cbr" => wishes.constant = value == "1",
                "maxplaybackrate" => wishes.playback_rate = number.unwrap_or(48_000),
                "maxaveragebitrate" => wishes.bitrate_limit = number.unwrap_or(510_000).clamp(6_000, 510_000),
                _ => {}
            }
        }
        wishes
    }
}

impl OpusEncoder {
    /// An encoder for what the receiver wishes, spending `bits_per_second` or, without, what suits music.
    ///
    /// # Errors
    /// Never for the shapes used here; the library's own words otherwise.
    pub fn new(wishes: Wishes, bits_per_second: Option<u64>) -> Result<Self, Error> {
        let channels = if wishes.stereo { 2 } else { 1 };
        let mut encoder = Library::new(48_000, channels, Application::Audio)?;
        encoder.use_inband_fec = wishes.inband_fec;
        encoder.packet_loss_perc = if wishes.inband_fec { EXPECTED_LOSS } else { 0 };
        encoder.use_dtx = wishes.dtx;
        if wishes.constant {
            encoder.rate_control = RateControl::Cbr;
        }
        let narrower = [
            (8_000, Bandwidth::Narrowband),
            (12_000, Bandwidth::Mediumband),
            (16_000, Bandwidth::Wideband),
            (24_000, Bandwidth::Superwideband),
        ];
        let fitting = narrower.into_iter().find(|(rate, _)| wishes.playback_rate <= *rate);
        encoder.max_bandwidth = fitting.map_or(Bandwidth::Fullband, |(_, bandwidth)| bandwidth);
        let mut encoder = Self { encoder, wishes, packet: vec![0; MAX_PACKET_BYTES] };
        encoder.set_bitrate(bits_per_second.unwrap_or(DEFAULT_BITRATE_PER_CHANNEL * channels as u64));
        Ok(encoder)
    }
}

impl AudioEncoder for OpusEncoder {
    fn shape(&self) -> Shape {
        Shape::of(48_000, if self.wishes.stereo { 2 } else { 1 })
    }

    fn ticks(&self) -> u32 {
        960
    }

    fn encode(&mut self, sound: &Sound) -> Result<Bytes, Error> {
        let shape = self.shape();
        shape.check(sound)?;
        let len = self.encoder.encode_s16(sound.samples(), shape.frames, &mut self.packet)?;
        // A packet of a table of contents only says that the silence goes on: need not be sent (RFC 7587 §3.1.3).
        let len = if self.wishes.dtx && len <= 2 { 0 } else { len };
        Ok(Bytes::copy_from_slice(self.packet.get(..len).unwrap_or_default()))
    }

    fn set_bitrate(&mut self, bits_per_second: u64) {
        let limit = self.wishes.bitrate_limit;
        let target = u32::try_from(bits_per_second).unwrap_or(u32::MAX).clamp(6_000, limit);
        self.encoder.bitrate_bps = target.cast_signed();
    }

    fn bitrate(&self) -> Option<u64> {
        u64::try_from(self.encoder.bitrate_bps).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tone::{Silence, Sine};
    use crate::source::traits::SoundSource;
    use opus_pure::OpusDecoder;

    #[test]
    fn the_receivers_parameters_are_heeded_and_nonsense_is_not() {
        let chromium = Wishes::parse("minptime=10;useinbandfec=1");
        assert!(chromium.inband_fec && !chromium.stereo);
        let firefox = Wishes::parse("maxplaybackrate=48000; stereo=1;useinbandfec=1");
        assert!(firefox.inband_fec && firefox.stereo);
        assert_eq!(Wishes::parse("maxaveragebitrate=20000").bitrate_limit, 20_000);
        assert_eq!(Wishes::parse(";;stereo;=1;maxaveragebitrate=-1;maxplaybackrate=x"), Wishes::parse(""));
    }

    #[test]
    fn a_sine_comes_back_as_the_same_sine() {
        for parameters in ["", "stereo=1"] {
            let wishes = Wishes::parse(parameters);
            let mut encoder = OpusEncoder::new(wishes, None).unwrap();
            let shape = encoder.shape();
            let channels = usize::from(shape.channels);
            let mut decoder = OpusDecoder::new(48_000, channels).unwrap();
            let mut source = Sine::new(440.0);
            let mut heard = Vec::new();
            for _ in 0..50 {
                let mut sound = Sound::new(48_000, shape.channels, 960).unwrap();
                source.fill(&mut sound);
                let packet = encoder.encode(&sound).unwrap();
                let mut output = vec![0i16; 960 * channels];
                assert_eq!(decoder.decode_s16(&packet, 960, &mut output).unwrap(), 960);
                heard.extend(output.chunks_exact(channels).map(|frame| f64::from(frame[0])));
            }
            // As much of it as can be made of a sine and a cosine of 440 Hz, over whole periods.
            let part = &heard[24_000..24_000 + 4_800 * 4];
            let (mut sine, mut cosine, mut all) = (0.0, 0.0, 0.0);
            for (at, sample) in part.iter().enumerate() {
                let turn = at as f64 * 440.0 / 48_000.0 * std::f64::consts::TAU;
                sine += sample * turn.sin();
                cosine += sample * turn.cos();
                all += sample * sample;
            }
            let kept = 2.0 * (sine * sine + cosine * cosine) / part.len() as f64;
            let ratio = 10.0 * (kept / (all - kept)).log10();
            assert!(ratio > 25.0, "{parameters:?}: {ratio:.1} dB");
            let amplitude = (2.0 * kept / part.len() as f64).sqrt();
            assert!((amplitude / 8_192.0 - 1.0).abs() < 0.05, "{amplitude}");
        }
    }

    #[test]
    fn the_bitrate_is_followed_and_never_above_the_receivers_limit() {
        let size = |limit: &str, target: u64| {
            let mut encoder = OpusEncoder::new(Wishes::parse(limit), Some(target)).unwrap();
            let mut source = crate::source::noise::PinkNoise::new();
            let mut bytes = 0;
            for _ in 0..100 {
                let mut sound = Sound::new(48_000, 1, 960).unwrap();
                source.fill(&mut sound);
                bytes += encoder.encode(&sound).unwrap().len();
            }
            bytes * 4
        };
        for target in [24_000, 64_000, 128_000] {
            let spent = size("", target) as f64 / target as f64;
            assert!((0.8..1.15).contains(&spent), "{target}: {spent}");
        }
        assert!(size("maxaveragebitrate=24000", 128_000) < 28_000);
    }

    #[test]
    fn silence_is_not_sent_where_the_receiver_says_so() {
        let empty = |parameters: &str| {
            let mut encoder = OpusEncoder::new(Wishes::parse(parameters), Some(24_000)).unwrap();
            let mut sound = Sound::new(48_000, 1, 960).unwrap();
            Silence.fill(&mut sound);
            (0..100).filter(|_| encoder.encode(&sound).unwrap().is_empty()).count()
        };
        assert_eq!(empty(""), 0);
        assert!(empty("usedtx=1") > 50);
    }
}
