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
        encoder.max_bandwidth = match wishes.playback_rate {
            ..=8_000 => Bandwidth::Narrowband,
            ..=12_000 => Bandwidth::Mediumband,
            ..=16_000 => Bandwidth::Wideband,
            ..=24_000 => Bandwidth::Superwideband,
            _ => Bandwidth::Fullband,
        };
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
        Ok(Bytes::copy_from_slice(self.packet.get(..len).unwrap_or_default()))
    }

    fn set_bitrate(&mut self, bits_per_second: u64) {
        let limit = self.wishes.bitrate_limit;
        let target = u32::try_from(bits_per_second).unwrap_or(u32::MAX).clamp(6_000, limit);
        self.encoder.bitrate_bps = target.cast_signed();
    }
}
