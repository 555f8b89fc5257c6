//! VP8 (RFC 6386) as a stream of key frames, each the lossy picture of a WebP file.
//!
//! No picture leans on another, so nothing is lost for longer than one frame and every key frame request is fulfilled
//! before it is made. The price is bits: several times those of a camera-grade encoder for a scene that stands still
//! (feature `libvpx`). The bitrate is kept by the quality of each picture, and by leaving pictures out where the worst
//! quality is still too much.

use peerless_native::planes::Planes;
use peerless_native::webp::Encoder;

use crate::codec::traits::{Coded, Error, VideoEncoder, VideoSettings};
use crate::picture::Picture;

/// libwebp's effort: 2 comes within a tenth of the size that 4, its default, reaches in several times the time.
const EFFORT: u8 = 2;

/// The encoder.
#[derive(Debug)]
pub struct Vp8Encoder {
    encoder: Encoder,
    settings: VideoSettings,
    quality: Quality,
}

impl Vp8Encoder {
    /// An encoder for pictures of one size.
    ///
    /// # Errors
    /// Only when the bundled library does not take its own configuration.
    pub fn new(settings: VideoSettings) -> Result<Self, Error> {
        let quality = Quality::new(&settings);
        Ok(Self { encoder: Encoder::new(EFFORT)?, settings, quality })
    }
}

impl VideoEncoder for Vp8Encoder {
    fn encode(&mut self, picture: &Picture, _timestamp: u32, key: bool) -> Result<Option<Coded>, Error> {
        self.settings.check(picture)?;
        if self.quality.is_exhausted() && !key {
            self.quality.learn(0);
            return Ok(None);
        }
        let payload = self.encoder.encode(&planes(picture)?, self.quality.value())?;
        self.quality.learn(payload.len());
        Ok(Some(Coded { payload, key: true }))
    }

    fn implementation(&self) -> &'static str {
        "libwebp"
    }

    fn set_bitrate(&mut self, bits_per_second: u64) {
        self.settings.bits_per_second = bits_per_second;
        self.quality.set_target(&self.settings);
    }
}

/// A picture as C sees it.
pub(crate) fn planes(picture: &Picture) -> Result<Planes<'_>, Error> {
    let (y, u, v) = (picture.y(), picture.u(), picture.v());
    let size = (picture.width(), picture.height());
    Ok(Planes::new(size, (y.data(), y.stride()), (u.data(), v.data(), u.stride()))?)
}

/// Finds the quality (0 to 100) whose frames are as large as the bitrate allows.
///
/// Frame size grows about exponentially with quality, so the error is taken as a logarithm; what earlier frames
/// took too much of is saved again over the next half second.
#[derive(Debug)]
struct Quality {
    value: f32,
    /// Bytes per frame.
    target: f32,
    /// Bytes sent beyond the target so far, within ± half a second's worth.
    debt: f32,
    /// Frames in half a second.
    horizon: f32,
}

impl Quality {
    /// Above it, libwebp's frames grow without looking better.
    const BEST: f32 = 94.0;
    /// Below it, there is hardly anything left to save.
    const WORST: f32 = 0.0;
    /// Quality points per e-fold of size: less than most pictures need, so that it settles without swinging.
    const GAIN: f32 = 14.0;

    fn new(settings: &VideoSettings) -> Self {
        let mut quality = Self { value: 0.0, target: 1.0, debt: 0.0, horizon: 1.0 };
        quality.set_target(settings);
        // A first guess: a bit per pixel is fine work, a twentieth of it poor.
        let pixels = f64::from(settings.width) * f64::from(settings.height);
        let bits_per_pixel = (f64::from(quality.target) * 8.0 / pixels.max(1.0)) as f32;
        quality.value = (75.0 + 22.0 * bits_per_pixel.max(1e-6).ln()).clamp(5.0, 85.0);
        quality
    }

    fn set_target(&mut self, settings: &VideoSettings) {
        let frames = f64::from(settings.frames_per_second.max(1));
        self.target = (settings.bits_per_second as f64 / 8.0 / frames).max(1.0) as f32;
        self.horizon = (frames / 2.0).max(1.0) as f32;
        self.debt = 0.0;
    }

    fn value(&self) -> f32 {
        self.value
    }

    /// Whether the next frame must be left out: even at the worst quality they are too large.
    fn is_exhausted(&self) -> bool {
        self.value <= Self::WORST + 1.0 && self.debt > self.target
    }

    /// Takes in the size of a frame; 0 is one that was left out.
    fn learn(&mut self, size: usize) {
        let bound = self.target * self.horizon;
        self.debt = (self.debt + size as f32 - self.target).clamp(-bound, bound);
        if size == 0 {
            return;
        }
        let goal = (self.target - self.debt / self.horizon).max(self.target * 0.25);
        let step = Self::GAIN * (goal / (size as f32).max(1.0)).ln();
        // A scene cut may fall by much at once, but climbs slowly.
        self.value = (self.value + step.clamp(-40.0, 6.0)).clamp(Self::WORST, Self::BEST);
    }
}
