//! VP8 (RFC 6386) by the system's libvpx: constant bitrate in real time, key frames when asked for.

use peerless_native::vpx::{Encoder, Kind, Settings};

use crate::codec::traits::{Coded, Error, VideoEncoder, VideoSettings};
use crate::picture::Picture;

/// The encoder.
#[derive(Debug)]
pub struct VpxEncoder {
    encoder: Encoder,
    settings: VideoSettings,
    last: Option<u32>,
    /// The timestamp without its wrap-around.
    extended: i64,
}

impl VpxEncoder {
    /// A VP8 encoder for pictures of one size.
    ///
    /// # Errors
    /// When libvpx refuses the size.
    pub fn new(settings: VideoSettings) -> Result<Self, Error> {
        let pixels = u64::from(settings.width) * u64::from(settings.height);
        let encoder = Encoder::new(Settings {
            kind: Kind::Vp8,
            width: settings.width,
            height: settings.height,
            frames_per_second: settings.frames_per_second,
            bits_per_second: settings.bits_per_second,
            // As libwebrtc: one thread up to 640×480, more where one could not keep up.
            threads: if pixels > 1280 * 720 {
                4
            } else if pixels > 640 * 480 {
                2
            } else {
                1
            },
        })?;
        Ok(Self { encoder, settings, last: None, extended: 0 })
    }
}

impl VideoEncoder for VpxEncoder {
    fn encode(&mut self, picture: &Picture, timestamp: u32, key: bool) -> Result<Option<Coded>, Error> {
        self.settings.check(picture)?;
        let step = self.last.map_or(0, |last| timestamp.wrapping_sub(last).cast_signed());
        self.last = Some(timestamp);
        self.extended += i64::from(step.max(0));
        let (y, u, v) = (picture.y(), picture.u(), picture.v());
        let size = (picture.width(), picture.height());
        let planes = peerless_native::planes::Planes::new(
            size,
            (y.data(), y.stride()),
            (u.data(), v.data(), u.stride()),
        )?;
        let coded = self.encoder.encode(&planes, self.extended, key)?;
        Ok(coded.map(|coded| Coded { payload: coded.payload, key: coded.key }))
    }

    fn implementation(&self) -> &'static str {
        "libvpx"
    }

    fn set_bitrate(&mut self, bits_per_second: u64) {
        match self.encoder.set_bitrate(bits_per_second) {
            Ok(()) => self.settings.bits_per_second = bits_per_second,
            Err(error) => tracing::error!(%error, bits_per_second, "bitrate refused"),
        }
    }
}
