//! H.264 constrained baseline (RFC 6184) by OpenH264: access units in Annex B, SPS and PPS in front of each IDR.
//!
//! The negotiated level is kept: too large a picture is an error, pictures above its rate are left out, the bitrate is
//! capped. With packetization-mode 0 (RFC 6184 §6.2) no NAL unit may be split, so slices are made to fit a packet.
//! H.264's 4:2:0 knows even sizes only: the last column or row of an odd picture is not coded.

use bytes::{Bytes, BytesMut};
use openh264::OpenH264API;
use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameRate, FrameType, Profile, RateControlMode, VuiConfig,
};
use openh264::formats::YUVSource;

use crate::codec::level::Level;
use crate::codec::traits::{Coded, Error, VideoEncoder, VideoSettings};
use crate::picture::Picture;

/// The longest NAL unit under packetization-mode 0: fits a packet of 1200 bytes with RTP header, extensions and tag.
pub const SLICE_LIMIT: usize = 1_100;

/// The encoder.
pub struct H264Encoder {
    encoder: Encoder,
    settings: VideoSettings,
    level: Level,
    /// The least time between two pictures that the level allows, in 1/90 000 s.
    spacing: u32,
    last: Option<u32>,
    /// A bitrate that OpenH264 was not told yet.
    pending: bool,
    output: BytesMut,
}

impl H264Encoder {
    /// An encoder for pictures of one size, under a `profile-level-id` and a `packetization-mode` (RFC 6184 §8.1).
    ///
    /// # Errors
    /// When the pictures are above the level, or above what OpenH264 codes (3840×2160).
    pub fn new(
        settings: VideoSettings,
        profile_level_id: u32,
        packetization_mode: u8,
    ) -> Result<Self, Error> {
        let level = Level::from_profile_level_id(profile_level_id);
        let macroblocks = settings.width.div_ceil(16).saturating_mul(settings.height.div_ceil(16));
        if macroblocks > level.macroblocks {
            return Err(Error::AboveLevel { level: level.number, macroblocks, limit: level.macroblocks });
        }
        let spacing = u64::from(macroblocks) * 90_000 / u64::from(level.macroblocks_per_second);
        let mut encoder = Self {
            encoder: open(&settings, &level, packetization_mode)?,
            settings,
            level,
            spacing: spacing as u32,
            last: None,
            pending: false,
            output: BytesMut::new(),
        };
        // Initialises the library now, so that a size it refuses is known at once.
        encoder.warm_up()?;
        Ok(encoder)
    }

    fn warm_up(&mut self) -> Result<(), Error> {
        let black = Picture::new(self.settings.width, self.settings.height)
            .map_err(|error| Error::Size { got: (error.width, error.height), wanted: (16, 16) })?;
        self.encoder.encode(&Even(&black))?;
        self.encoder.force_intra_frame();
        Ok(())
    }

    fn apply_bitrate(&mut self) {
        self.pending = false;
        let (bitrate, ceiling) = bitrates(&self.settings, &self.level);
        if let Err(error) = peerless_native::h264::set_bitrate(&mut self.encoder, bitrate, ceiling) {
            tracing::error!(%error, "bitrate refused");
        }
    }
}

impl VideoEncoder for H264Encoder {
    fn encode(&mut self, picture: &Picture, timestamp: u32, key: bool) -> Result<Option<Coded>, Error> {
        self.settings.check(picture)?;
        // A hundredth of tolerance: 30 pictures per second are not always exactly 3000 ticks apart.
        let least = self.spacing - self.spacing / 100;
        if self.last.is_some_and(|last| timestamp.wrapping_sub(last) < least) {
            if key {
                self.encoder.force_intra_frame();
            }
            return Ok(None);
        }
        if self.pending {
            self.apply_bitrate();
        }
        if key {
            self.encoder.force_intra_frame();
        }
        let coded = self.encoder.encode(&Even(picture))?;
        let key = match coded.frame_type() {
            FrameType::Invalid | FrameType::Skip => return Ok(None),
            kind => kind == FrameType::IDR,
        };
        let units = (0..coded.num_layers()).filter_map(|index| coded.layer(index));
        for layer in units {
            for unit in (0..layer.nal_count()).filter_map(|index| layer.nal_unit(index)) {
                self.output.extend_from_slice(unit);
            }
        }
        self.last = Some(timestamp);
        let payload: Bytes = self.output.split().freeze();
        Ok((!payload.is_empty()).then_some(Coded { payload, key }))
    }

    fn implementation(&self) -> &'static str {
        "OpenH264"
    }

    fn set_bitrate(&mut self, bits_per_second: u64) {
        self.settings.bits_per_second = bits_per_second;
        self.pending = true;
    }
}

impl std::fmt::Debug for H264Encoder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("H264Encoder")
            .field("settings", &self.settings)
            .field("level", &self.level)
            .finish_non_exhaustive()
    }
}

fn open(settings: &VideoSettings, level: &Level, packetization_mode: u8) -> Result<Encoder, Error> {
    let (bitrate, _) = bitrates(settings, level);
    let mut config = EncoderConfig::new()
        .profile(Profile::Baseline)
        .level(level.library)
        .bitrate(BitRate::from_bps(bitrate))
        .max_frame_rate(FrameRate::from_hz(settings.frames_per_second.clamp(1, 60) as f32))
        .rate_control_mode(RateControlMode::Bitrate)
        .complexity(Complexity::Low)
        .skip_frames(false)
        .scene_change_detect(false)
        .num_threads(1)
        .vui(VuiConfig::bt601());
    if packetization_mode == 0 {
        config = config.max_slice_len(SLICE_LIMIT as u32);
    }
    let mut encoder = Encoder::with_api_config(OpenH264API::from_source(), config)?;
    peerless_native::h264::silence(&mut encoder);
    Ok(encoder)
}

/// Target and ceiling in bits per second. The target stays a little below: at the level's very limit OpenH264 aims
/// lower than told.
fn bitrates(settings: &VideoSettings, level: &Level) -> (u32, u32) {
    let ceiling = level.kilobits_per_second * 1000;
    let target = u32::try_from(settings.bits_per_second).unwrap_or(u32::MAX);
    (target.clamp(10_000, ceiling / 10 * 9), ceiling)
}

/// The even part of a picture.
struct Even<'a>(&'a Picture);

impl YUVSource for Even<'_> {
    fn dimensions(&self) -> (usize, usize) {
        (self.0.width() as usize & !1, self.0.height() as usize & !1)
    }

    fn strides(&self) -> (usize, usize, usize) {
        (self.0.y().stride(), self.0.u().stride(), self.0.v().stride())
    }

    fn y(&self) -> &[u8] {
        self.0.y().data()
    }

    fn u(&self) -> &[u8] {
        self.0.u().data()
    }

    fn v(&self) -> &[u8] {
        self.0.v().data()
    }
}
