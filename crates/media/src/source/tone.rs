//! Silence, and a sine.

use std::f64::consts::TAU;

use crate::sound::Sound;
use crate::source::traits::SoundSource;

/// Nothing to hear.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silence;

impl SoundSource for Silence {
    fn fill(&mut self, sound: &mut Sound) {
        sound.samples_mut().fill(0);
    }
}

/// A sine at a quarter of full scale (-12 dBFS), the same in all channels.
#[derive(Debug, Clone)]
pub struct Sine {
    hertz: f64,
    /// 0 to 1 within the period.
    phase: f64,
}

impl Sine {
    /// Concert pitch.
    pub const DEFAULT_HERTZ: f64 = 440.0;

    /// A sine of a frequency from 1 to 20 000 hertz; others are moved into that range.
    pub fn new(hertz: f64) -> Self {
        let hertz = if hertz.is_finite() { hertz.clamp(1.0, 20_000.0) } else { Self::DEFAULT_HERTZ };
        Self { hertz, phase: 0.0 }
    }
}

impl SoundSource for Sine {
    fn fill(&mut self, sound: &mut Sound) {
        let step = self.hertz / f64::from(sound.sample_rate());
        let channels = usize::from(sound.channels());
        for frame in sound.samples_mut().chunks_exact_mut(channels) {
            frame.fill(((self.phase * TAU).sin() * 8_192.0).round() as i16);
            self.phase = (self.phase + step).fract();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sine_has_its_frequency_through_all_frames() {
        let mut sine = Sine::new(440.0);
        let mut crossings = 0;
        let mut last = 0;
        for _ in 0..50 {
            let mut sound = Sound::new(48_000, 2, 960).unwrap();
            sine.fill(&mut sound);
            for frame in sound.samples().chunks_exact(2) {
                assert_eq!(frame[0], frame[1]);
                crossings += u32::from(last < 0 && frame[0] >= 0);
                last = frame[0];
            }
        }
        assert!((439..=440).contains(&crossings), "{crossings} periods in a second");
    }
}
