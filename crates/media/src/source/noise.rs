//! White and pink noise, different in each channel, the same on every run.

use crate::sound::Sound;
use crate::source::random::Random;
use crate::source::traits::SoundSource;

/// Root mean square of both noises: -20 dBFS.
const LEVEL: f32 = 3_276.8;
/// Of numbers spread evenly over -1 to 1.
const EVEN_RMS: f32 = 0.577_350_3;
/// Channels beyond share the last one's noise.
const CHANNELS: usize = 2;

/// The same power at every hertz.
#[derive(Debug, Clone)]
pub struct WhiteNoise {
    random: Random,
}

impl WhiteNoise {
    /// White noise.
    pub fn new() -> Self {
        Self { random: Random::new(1) }
    }
}

impl Default for WhiteNoise {
    fn default() -> Self {
        Self::new()
    }
}

impl SoundSource for WhiteNoise {
    fn fill(&mut self, sound: &mut Sound) {
        for sample in sound.samples_mut() {
            *sample = (self.random.draw() * (LEVEL / EVEN_RMS)) as i16;
        }
    }
}

/// The same power in every octave, down to the lowest that an ear hears.
#[derive(Debug, Clone)]
pub struct PinkNoise {
    random: Random,
    channels: [Rows; CHANNELS],
}

/// Voss's rows: row `n` takes a new number every 2ⁿ samples, so that their sum falls by 3 dB an octave.
#[derive(Debug, Clone)]
struct Rows {
    values: [f32; Self::COUNT],
    sum: f32,
    counter: u32,
}

impl Rows {
    const COUNT: usize = 12;

    fn next(&mut self, random: &mut Random) -> f32 {
        self.counter = self.counter.wrapping_add(1);
        // One row a sample: as often as its number of trailing zeros comes up.
        if let Some(row) = self.values.get_mut(self.counter.trailing_zeros() as usize) {
            let value = random.draw();
            self.sum += value - *row;
            *row = value;
        }
        (self.sum + random.draw()) / ((Self::COUNT + 1) as f32).sqrt()
    }
}

impl PinkNoise {
    /// Pink noise.
    pub fn new() -> Self {
        let rows = Rows { values: [0.0; Rows::COUNT], sum: 0.0, counter: 0 };
        let mut noise = Self { random: Random::new(2), channels: [rows.clone(), rows] };
        // Past the silence in which the slow rows begin.
        for rows in &mut noise.channels {
            for _ in 0..1 << Rows::COUNT {
                rows.next(&mut noise.random);
            }
        }
        noise
    }
}

impl Default for PinkNoise {
    fn default() -> Self {
        Self::new()
    }
}

impl SoundSource for PinkNoise {
    fn fill(&mut self, sound: &mut Sound) {
        let channels = usize::from(sound.channels());
        for frame in sound.samples_mut().chunks_exact_mut(channels) {
            let mut value = 0.0;
            for (index, sample) in frame.iter_mut().enumerate() {
                if let Some(rows) = self.channels.get_mut(index) {
                    value = rows.next(&mut self.random);
                }
                *sample = (value * (LEVEL / EVEN_RMS)) as i16;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Root mean square of the left channel, and of its differences from sample to sample.
    fn measure(source: &mut dyn SoundSource) -> (f64, f64) {
        let mut sound = Sound::new(48_000, 2, 48_000 * 8).unwrap();
        source.fill(&mut sound);
        let left: Vec<f64> = sound.samples().chunks_exact(2).map(|frame| f64::from(frame[0])).collect();
        let rms = |values: &mut dyn Iterator<Item = f64>| {
            let (sum, count) =
                values.fold((0.0, 0.0), |(sum, count), value| (sum + value * value, count + 1.0));
            f64::sqrt(sum / count)
        };
        (rms(&mut left.iter().copied()), rms(&mut left.windows(2).map(|pair| pair[1] - pair[0])))
    }

    #[test]
    fn both_noises_are_as_loud_and_pink_is_smoother() {
        let (white, white_edge) = measure(&mut WhiteNoise::new());
        let (pink, pink_edge) = measure(&mut PinkNoise::new());
        assert!((white / 3_276.8 - 1.0).abs() < 0.02, "{white}");
        assert!((pink / 3_276.8 - 1.0).abs() < 0.15, "{pink}");
        // White: differences are √2 times as large as samples. Pink has most of its power where they are small.
        assert!((white_edge / white - 2f64.sqrt()).abs() < 0.02);
        assert!(pink_edge / pink < 0.75, "{}", pink_edge / pink);
    }

    #[test]
    fn the_channels_differ_and_the_runs_do_not() {
        for (mut one, mut other) in [
            (
                Box::new(WhiteNoise::new()) as Box<dyn SoundSource>,
                Box::new(WhiteNoise::new()) as Box<dyn SoundSource>,
            ),
            (Box::new(PinkNoise::new()), Box::new(PinkNoise::new())),
        ] {
            let (mut a, mut b) = (Sound::new(48_000, 2, 960).unwrap(), Sound::new(48_000, 2, 960).unwrap());
            one.fill(&mut a);
            other.fill(&mut b);
            assert_eq!(a, b);
            assert!(a.samples().chunks_exact(2).filter(|frame| frame[0] != frame[1]).count() > 900);
        }
    }
}
