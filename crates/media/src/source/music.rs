//! The music: plays the score on the synth, for as long as anybody listens.
//!
//! Notes ring over the end of the tune into its beginning, so there is no seam. The sound depends on rate and channels
//! alone: every listener hears the same, sample for sample. When the rate changes the tune goes on where it was.

use crate::sound::Sound;
use crate::source::score::{BAR, BARS, Bar, Drums, SCORE, STEP_MS};
use crate::source::synth::{Drum, Hit, Note, Room, Timbre, Voice};
use crate::source::traits::SoundSource;

/// Voices at once; the tune needs about half. The oldest gives way.
const VOICE_LIMIT: usize = 64;

/// The player.
#[derive(Debug)]
pub struct Music {
    /// The step to be played next, since the beginning, through all repetitions.
    step: u64,
    /// Samples until then.
    wait: u32,
    rate: u32,
    voices: Vec<Voice>,
    hits: Vec<Hit>,
    room: Room,
}

impl Music {
    /// From the first bar.
    pub fn new() -> Self {
        Self { step: 0, wait: 0, rate: 0, voices: Vec::new(), hits: Vec::new(), room: Room::new(48_000.0) }
    }

    /// The tune's length, in milliseconds.
    pub const LENGTH_MS: u32 = BARS as u32 * BAR as u32 * STEP_MS;

    fn set_rate(&mut self, rate: u32) {
        self.rate = rate;
        self.wait = 0;
        self.voices.clear();
        self.hits.clear();
        self.room = Room::new(rate as f32);
    }

    /// One sample for the left and the right, -1 to 1.
    fn next(&mut self) -> [f32; 2] {
        if self.wait == 0 {
            self.wait = (self.rate * STEP_MS / 1000).max(1);
            self.play(self.step);
            self.step += 1;
        }
        self.wait -= 1;
        let (mut left, mut right, mut send) = (0.0, 0.0, 0.0);
        self.voices.retain_mut(|voice| {
            let Some(value) = voice.next() else { return false };
            left += value[0];
            right += value[1];
            send += value[2];
            true
        });
        self.hits.retain_mut(|hit| {
            let Some(value) = hit.next() else { return false };
            left += value * 0.7;
            right += value * 0.7;
            send += value * 0.1;
            true
        });
        let room = self.room.pass(send * 0.5);
        [soften(left + room[0]), soften(right + room[1])]
    }

    /// Starts what begins at a step.
    fn play(&mut self, step: u64) {
        let within = (step % (BARS * BAR) as u64) as usize;
        let (number, step) = (within / BAR, within % BAR);
        let bar = &SCORE[number];
        self.play_melody(bar, step);
        self.play_chord(bar, step);
        self.play_bass(bar, step);
        self.play_drums(bar, number, step);
    }

    fn play_melody(&mut self, bar: &Bar, step: usize) {
        for &(at, length, key) in bar.melody.iter().filter(|note| usize::from(note.0) == step) {
            // Weightier on the beats, so that it breathes.
            let loudness = if at % 8 == 0 { 0.24 } else { 0.2 };
            self.start(Timbre::Keys, key, f32::from(length) * 0.95, loudness, (0.06, 0.0));
        }
    }

    fn play_chord(&mut self, bar: &Bar, step: usize) {
        let chord = if step >= BAR / 2 { bar.resolution.unwrap_or(bar.chord) } else { bar.chord };
        let is_new = step == 0 || (step == BAR / 2 && bar.resolution.is_some());
        if is_new {
            let steps = if bar.resolution.is_some() { BAR / 2 } else { BAR } as f32;
            for (index, key) in chord.into_iter().enumerate() {
                let side = if index % 2 == 0 { 0.6 } else { 0.3 };
                self.start(Timbre::Pad, key, steps, 0.037, (-side, -0.05));
                self.start(Timbre::Pad, key, steps, 0.037, (side, 0.05));
            }
        }
        if step.is_multiple_of(2) {
            let order = [0, 2, 1, 3, 2, 3, 1, 2];
            let key = chord[order[step / 2 % 8]] + 12;
            let loudness = if step.is_multiple_of(4) { 0.1 } else { 0.075 };
            let pan = if step.is_multiple_of(4) { -0.55 } else { 0.55 };
            self.start(Timbre::Pluck, key, 2.0, loudness, (pan, 0.0));
        }
    }

    fn play_bass(&mut self, bar: &Bar, step: usize) {
        let (key, steps) = match step {
            0 => (bar.bass[0], 5.5),
            6 => (bar.bass[0], 1.7),
            8 => (bar.bass[0], 3.7),
            12 => (bar.bass[1], 3.7),
            _ => return,
        };
        let loudness = if step == 0 { 0.25 } else { 0.19 };
        self.start(Timbre::Bass, key, steps, loudness, (0.0, 0.0));
    }

    fn play_drums(&mut self, bar: &Bar, number: usize, step: usize) {
        let seed = (number * BAR + step) as u64;
        if step.is_multiple_of(2) {
            let loudness = if step % 4 == 2 { 0.2 } else { 0.1 };
            self.hits.push(Hit::new(Drum::Shaker, loudness, seed + 1000, self.rate as f32));
        }
        if bar.drums >= Drums::Half && (step == 0 || step == 10) {
            let loudness = if step == 0 { 0.24 } else { 0.15 };
            self.hits.push(Hit::new(Drum::Kick, loudness, seed + 2000, self.rate as f32));
        }
        if bar.drums == Drums::Full && (step == 4 || step == 12) {
            self.hits.push(Hit::new(Drum::Brush, 0.22, seed + 3000, self.rate as f32));
        }
    }

    fn start(&mut self, timbre: Timbre, key: u8, steps: f32, loudness: f32, (pan, detune): (f32, f32)) {
        let seconds = steps * STEP_MS as f32 / 1000.0;
        if self.voices.len() >= VOICE_LIMIT {
            self.voices.remove(0);
        }
        let note = Note { timbre, key, seconds, loudness, pan, detune };
        self.voices.push(Voice::new(&note, self.rate as f32));
    }
}

impl Default for Music {
    fn default() -> Self {
        Self::new()
    }
}

impl SoundSource for Music {
    fn fill(&mut self, sound: &mut Sound) {
        if self.rate != sound.sample_rate() {
            self.set_rate(sound.sample_rate());
        }
        let channels = usize::from(sound.channels());
        for frame in sound.samples_mut().chunks_exact_mut(channels) {
            let [left, right] = self.next();
            match frame {
                [both] => *both = to_sample((left + right) * 0.5),
                [first, second, others @ ..] => {
                    (*first, *second) = (to_sample(left), to_sample(right));
                    others.fill(0);
                }
                [] => {}
            }
        }
    }
}

/// Straight up to a half, then bending, so that no sum of voices ever reaches full scale.
fn soften(value: f32) -> f32 {
    let size = value.abs();
    if size <= 0.5 { value } else { (1.0 - 0.25 / size).copysign(value) }
}

fn to_sample(value: f32) -> i16 {
    (value * 32_000.0) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some seconds of it in frames of 20 ms.
    fn play(music: &mut Music, rate: u32, channels: u8, seconds: usize) -> Vec<i16> {
        let mut samples = Vec::new();
        for _ in 0..seconds * 50 {
            let mut sound = Sound::new(rate, channels, rate as usize / 50).unwrap();
            music.fill(&mut sound);
            samples.extend_from_slice(sound.samples());
        }
        samples
    }

    #[test]
    fn it_never_clips_never_pauses_and_has_no_offset() {
        let samples = play(&mut Music::new(), 48_000, 2, 70);
        let peak = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
        assert!((12_000..30_000).contains(&peak), "{peak}");
        let mean = samples.iter().map(|&sample| f64::from(sample)).sum::<f64>() / samples.len() as f64;
        assert!(mean.abs() < 10.0, "{mean}");
        for (second, chunk) in samples.chunks_exact(96_000).enumerate() {
            let energy =
                chunk.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / chunk.len() as f64;
            assert!((500.0..8_000.0).contains(&energy.sqrt()), "second {second}: {}", energy.sqrt());
        }
    }

    /// The first round starts in an empty room; all later ones are alike, because the last notes ring into them.
    #[test]
    fn it_begins_again_without_a_seam() {
        let round = Music::LENGTH_MS as usize * 8;
        let samples = play(&mut Music::new(), 8_000, 1, 3 * 70);
        let second = &samples[round..2 * round];
        let third = &samples[2 * round..samples.len().min(3 * round)];
        let difference = second.iter().zip(third).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(difference <= Some(2), "{difference:?}");
        let seam = &samples[round - 40..round + 40];
        let step = |samples: &[i16]| samples.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max();
        assert!(step(seam) < step(second));
    }

    #[test]
    fn every_listener_hears_the_same() {
        let (mut one, mut other) = (Music::new(), Music::new());
        assert_eq!(play(&mut one, 16_000, 1, 5), play(&mut other, 16_000, 1, 5));
    }

    #[test]
    fn the_voices_stay_within_their_limit() {
        let mut music = Music::new();
        let mut most = 0;
        for _ in 0..70 {
            play(&mut music, 8_000, 2, 1);
            most = most.max(music.voices.len());
        }
        assert!(most < VOICE_LIMIT, "{most}");
    }
}
