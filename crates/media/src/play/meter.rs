//! How loud it is: level and peak over the last stretch of sound, in dBov (RFC 6464 §3: relative to the loudest there
//! can be, a square wave of full scale).

use std::time::{Duration, Instant};

use crate::sound::Sound;

/// How much sound goes into one reading.
const STRETCH: Duration = Duration::from_millis(100);
/// How long a reading holds when no sound follows.
const FRESH: Duration = Duration::from_millis(400);

/// A reading of the meter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// Root mean square of all channels, in dBov: 0 is the loudest, [`SILENCE`](Self::SILENCE) the least.
    pub rms: f32,
    /// The largest sample, in dBov.
    pub peak: f32,
}

impl Level {
    /// The least that is told, in dBov (RFC 6464 §3): digital silence.
    pub const SILENCE: f32 = -127.0;
    /// Nothing to be heard.
    pub const SILENT: Self = Self { rms: Self::SILENCE, peak: Self::SILENCE };

    /// Of one sound.
    pub fn of(sound: &Sound) -> Self {
        let mut meter = Sum::default();
        meter.add(sound);
        meter.level()
    }
}

/// Gathers sounds and gives a reading every tenth of a second.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    sum: Sum,
    gathered: Duration,
    reading: Option<(Level, Instant)>,
}

impl Meter {
    /// Takes in what is played next.
    pub(crate) fn hear(&mut self, now: Instant, sound: &Sound) {
        self.sum.add(sound);
        self.gathered += sound.duration();
        if self.gathered >= STRETCH {
            self.reading = Some((self.sum.level(), now));
            self.sum = Sum::default();
            self.gathered = Duration::ZERO;
        }
    }

    /// The last reading; silent where none came lately.
    pub(crate) fn level(&self, now: Instant) -> Level {
        match self.reading {
            Some((level, at)) if now.saturating_duration_since(at) < FRESH => level,
            _ => Level::SILENT,
        }
    }
}

#[derive(Debug, Default)]
struct Sum {
    squares: u64,
    samples: u64,
    peak: u16,
}

impl Sum {
    fn add(&mut self, sound: &Sound) {
        for &sample in sound.samples() {
            let size = sample.unsigned_abs();
            self.squares += u64::from(u32::from(size) * u32::from(size));
            self.peak = self.peak.max(size);
        }
        self.samples += sound.samples().len() as u64;
    }

    fn level(&self) -> Level {
        let mean = self.squares as f64 / self.samples.max(1) as f64;
        Level { rms: dbov(mean.sqrt()), peak: dbov(f64::from(self.peak)) }
    }
}

fn dbov(amplitude: f64) -> f32 {
    (20.0 * (amplitude / 32_768.0).log10()).max(f64::from(Level::SILENCE)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(sample: impl Fn(usize) -> i16) -> Sound {
        let mut sound = Sound::new(48_000, 1, 4_800).unwrap();
        for (at, slot) in sound.samples_mut().iter_mut().enumerate() {
            *slot = sample(at);
        }
        sound
    }

    #[test]
    fn a_square_wave_is_at_zero_a_sine_three_below_and_silence_at_the_bottom() {
        let square = Level::of(&sound(|at| if at / 24 % 2 == 0 { i16::MIN } else { i16::MAX }));
        assert!(square.rms.abs() < 0.01 && square.peak.abs() < 0.01, "{square:?}");
        let turn = |at: usize| at as f64 * 440.0 / 48_000.0 * std::f64::consts::TAU;
        let sine = Level::of(&sound(|at| (32_767.0 * turn(at).sin()) as i16));
        assert!((sine.rms + 3.01).abs() < 0.02 && sine.peak.abs() < 0.01, "{sine:?}");
        let quarter = Level::of(&sound(|at| (8_192.0 * turn(at).sin()) as i16));
        assert!((quarter.rms + 15.05).abs() < 0.02 && (quarter.peak + 12.04).abs() < 0.02, "{quarter:?}");
        assert_eq!(Level::of(&sound(|_| 0)), Level::SILENT);
    }

    #[test]
    fn a_reading_takes_a_tenth_of_a_second_and_does_not_outlive_the_sound() {
        let now = Instant::now();
        let mut meter = Meter::default();
        assert_eq!(meter.level(now), Level::SILENT);
        let mut loud = Sound::new(8_000, 1, 160).unwrap();
        loud.samples_mut().fill(16_384);
        for _ in 0..4 {
            meter.hear(now, &loud);
            assert_eq!(meter.level(now), Level::SILENT);
        }
        meter.hear(now, &loud);
        assert!((meter.level(now).rms + 6.02).abs() < 0.01);
        assert_eq!(meter.level(now + Duration::from_secs(1)), Level::SILENT);
    }
}
