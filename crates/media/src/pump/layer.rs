//! One encoding of a pumped track: its pictures made smaller and fewer, and coded.

use peerless::{Codec, Encoding, Rid};

use crate::codec::any;
use crate::codec::traits::{Coded, Error, VideoEncoder, VideoSettings};
use crate::picture::Picture;
use crate::pump::scale::{Scaler, scaled_size};

/// What all encodings of a pump are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Material {
    /// The size of the source's pictures.
    pub(crate) size: (u32, u32),
    pub(crate) frames_per_second: u32,
    /// What the user allows for pictures of full size.
    pub(crate) bits_per_second: u64,
}

/// One encoding at work.
pub(crate) struct Layer {
    wish: Encoding,
    material: Material,
    encoder: Box<dyn VideoEncoder>,
    scaler: Option<Scaler>,
    pace: Pace,
    bitrate: u64,
    /// The next frame that is taken must be a key frame: the first, and the first after one that was lost.
    pub(crate) wants_key: bool,
}

impl Layer {
    /// An encoder for what is wished.
    pub(crate) fn new(wish: Encoding, material: Material) -> Result<Self, Error> {
        let scale = wish.scale_resolution_down_by;
        let bitrate = allowed(material.bits_per_second, &wish);
        let rate = frames_per_second(material.frames_per_second, wish.max_framerate);
        let settings = VideoSettings::new(scaled_size(material.size, scale), rate.ceil() as u32, bitrate);
        let scaler = match settings.width == material.size.0 && settings.height == material.size.1 {
            true => None,
            false => Some(Scaler::new(material.size, scale)?),
        };
        let encoder = any::video(&wish.codec, settings)?;
        let pace = Pace::new(rate / f64::from(material.frames_per_second));
        Ok(Self { wish, material, encoder, scaler, pace, bitrate, wants_key: true })
    }

    /// Whether the encoder can go on for what is wished now. Another bitrate is no matter.
    pub(crate) fn fits(&self, wish: &Encoding) -> bool {
        let shape = |one: &Encoding| (one.scale_resolution_down_by, one.max_framerate);
        self.is(wish.rid.as_ref(), &wish.codec) && shape(&self.wish) == shape(wish)
    }

    fn is(&self, rid: Option<&Rid>, codec: &Codec) -> bool {
        (self.wish.rid.as_ref(), &self.wish.codec) == (rid, codec)
    }

    /// Goes on with what is wished now.
    pub(crate) fn follow(&mut self, wish: &Encoding) {
        let bitrate = allowed(self.material.bits_per_second, wish);
        if bitrate != self.bitrate {
            self.bitrate = bitrate;
            self.encoder.set_bitrate(bitrate);
        }
    }

    pub(crate) fn rid(&self) -> Option<&Rid> {
        self.wish.rid.as_ref()
    }

    pub(crate) fn codec(&self) -> &Codec {
        &self.wish.codec
    }

    /// What the encoder was told to give, bit/s.
    pub(crate) fn bitrate(&self) -> u64 {
        self.bitrate
    }

    /// Whether the connection allows less than the user.
    pub(crate) fn is_limited(&self) -> bool {
        self.bitrate < own_bitrate(self.material.bits_per_second, &self.wish)
    }

    /// The size of its pictures.
    pub(crate) fn size(&self) -> (u32, u32) {
        scaled_size(self.material.size, self.wish.scale_resolution_down_by)
    }

    /// How many pictures a second it aims at.
    pub(crate) fn frames_per_second(&self) -> f64 {
        frames_per_second(self.material.frames_per_second, self.wish.max_framerate)
    }

    /// The name of its encoder.
    pub(crate) fn implementation(&self) -> &'static str {
        self.encoder.implementation()
    }

    /// Whether this picture is among those that are sent.
    pub(crate) fn is_due(&mut self) -> bool {
        self.pace.is_due()
    }

    /// Codes a picture of the source.
    pub(crate) fn encode(&mut self, picture: &Picture, timestamp: u32) -> Result<Option<Coded>, Error> {
        let picture = match &mut self.scaler {
            Some(scaler) => scaler.scale(picture).unwrap_or(picture),
            None => picture,
        };
        self.encoder.encode(picture, timestamp, self.wants_key)
    }
}

/// What the user allows for pictures of this size, unless the connection says less. Smaller ones take less, though not as
/// much less as they have fewer points.
fn allowed(bits_per_second: u64, wish: &Encoding) -> u64 {
    let own = own_bitrate(bits_per_second, wish);
    wish.target_bitrate.map_or(own, |most| most.min(own))
}

fn own_bitrate(bits_per_second: u64, wish: &Encoding) -> u64 {
    (bits_per_second as f64 / wish.scale_resolution_down_by.max(1.0).powf(1.5)) as u64
}

fn frames_per_second(of_source: u32, most: Option<f64>) -> f64 {
    most.map_or(f64::from(of_source), |most| most.min(f64::from(of_source)))
}

/// Chooses a part of the pictures, evenly.
#[derive(Debug)]
struct Pace {
    /// Which part, 0 to 1.
    part: f64,
    earned: f64,
}

impl Pace {
    fn new(part: f64) -> Self {
        Self { part, earned: 1.0 - part }
    }

    /// Whether the next picture is one of them; the first always is.
    fn is_due(&mut self) -> bool {
        self.earned += self.part;
        // Sums of thirds and tenths are not exact.
        let is_due = self.earned >= 1.0 - 1e-6;
        if is_due {
            self.earned -= 1.0;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use peerless::{Feedback, Format, PayloadType};

    fn wish(scale: f64, target: Option<u64>) -> Encoding {
        let codec = Codec {
            format: Format::Vp8,
            payload_type: PayloadType::new(96).unwrap(),
            clock_rate: 90_000,
            channels: 1,
            parameters: String::new(),
            rtx: None,
            feedback: Feedback::default(),
        };
        Encoding {
            rid: None,
            codec,
            target_bitrate: target,
            max_framerate: None,
            scale_resolution_down_by: scale,
        }
    }

    #[test]
    fn the_network_lowers_the_wish_and_never_raises_it() {
        assert_eq!(allowed(4_000_000, &wish(1.0, None)), 4_000_000);
        assert_eq!(allowed(4_000_000, &wish(1.0, Some(1_000_000))), 1_000_000);
        assert_eq!(allowed(4_000_000, &wish(1.0, Some(9_000_000))), 4_000_000);
        assert_eq!(allowed(4_000_000, &wish(4.0, Some(9_000_000))), 500_000, "a sixteenth of the points");
    }

    #[test]
    fn a_part_of_the_pictures_is_chosen_evenly() {
        for (most, expected) in [(30.0, 300), (15.0, 150), (10.0, 100), (7.5, 75), (1.0, 10), (0.1, 1)] {
            let mut pace = Pace::new(frames_per_second(30, Some(most)) / 30.0);
            let chosen: Vec<usize> = (0..300).filter(|_| pace.is_due()).collect();
            assert_eq!((chosen.len(), chosen[0]), (expected, 0), "{most}");
            let steps: Vec<usize> = chosen.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let (least, most_step) = (steps.iter().min(), steps.iter().max());
            assert!(most_step.zip(least).is_none_or(|(most, least)| most - least <= 1), "{steps:?}");
        }
        assert_eq!(frames_per_second(30, Some(60.0)) as u32, 30);
    }
}
