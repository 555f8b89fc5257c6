//! Decoded sound: interleaved 16-bit samples.

use std::time::Duration;

/// A stretch of sound. A new one is silent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    sample_rate: u32,
    channels: u8,
    samples: Vec<i16>,
}

/// A rate, a number of channels or a length that no sound here has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{frames} frames of {channels} channels at {sample_rate} Hz")]
pub struct ShapeError {
    /// Hertz.
    pub sample_rate: u32,
    /// Interleaved channels.
    pub channels: u8,
    /// Samples per channel.
    pub frames: usize,
}

impl Sound {
    /// The highest rate, in hertz.
    pub const RATE_LIMIT: u32 = 192_000;
    /// The longest stretch, in samples per channel: ten seconds at the highest rate.
    pub const FRAMES_LIMIT: usize = 1_920_000;

    /// Silence of `frames` samples in each of 1 to 8 channels.
    ///
    /// # Errors
    /// When the rate is below 1 kHz or above [`RATE_LIMIT`](Self::RATE_LIMIT), the channels are not 1 to 8, or it is
    /// longer than [`FRAMES_LIMIT`](Self::FRAMES_LIMIT).
    pub fn new(sample_rate: u32, channels: u8, frames: usize) -> Result<Self, ShapeError> {
        let fits = (1_000..=Self::RATE_LIMIT).contains(&sample_rate)
            && (1..=8).contains(&channels)
            && frames <= Self::FRAMES_LIMIT;
        if !fits {
            return Err(ShapeError { sample_rate, channels, frames });
        }
        Ok(Self { sample_rate, channels, samples: vec![0; frames * usize::from(channels)] })
    }

    /// Silence of a shape that is known to be one.
    pub(crate) fn silence(sample_rate: u32, channels: u8, frames: usize) -> Self {
        debug_assert!(channels > 0 && sample_rate >= 1_000, "no shape of a sound");
        Self { sample_rate, channels, samples: vec![0; frames * usize::from(channels)] }
    }

    /// Samples per second and channel.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Interleaved channels; with two, the left one is first.
    pub fn channels(&self) -> u8 {
        self.channels
    }

    /// Samples per channel.
    pub fn frames(&self) -> usize {
        self.samples.len() / usize::from(self.channels)
    }

    /// How long it plays.
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.frames() as f64 / f64::from(self.sample_rate))
    }

    /// All samples, channels interleaved.
    pub fn samples(&self) -> &[i16] {
        &self.samples
    }

    /// All samples to write, channels interleaved.
    pub fn samples_mut(&mut self) -> &mut [i16] {
        &mut self.samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_sound_is_silence_of_the_asked_length() {
        let sound = Sound::new(48_000, 2, 960).unwrap();
        assert_eq!((sound.frames(), sound.samples().len()), (960, 1920));
        assert_eq!(sound.duration(), Duration::from_millis(20));
        assert!(sound.samples().iter().all(|&sample| sample == 0));
    }

    #[test]
    fn impossible_shapes_are_refused() {
        for (rate, channels, frames) in [(0, 1, 1), (48_000, 0, 1), (48_000, 9, 1), (8_000, 1, usize::MAX)] {
            assert!(Sound::new(rate, channels, frames).is_err());
        }
    }
}
