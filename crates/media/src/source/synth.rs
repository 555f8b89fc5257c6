//! What the music is played on: voices that read one period of a wave from a table, drums made of noise, and a room.
//!
//! Everything is additive and seeded: the same notes give the same samples, at any rate, without a sharp edge. Partials
//! above the range of a rate are left out of its waves, so 8 kHz sounds dull but clean.

use std::f32::consts::TAU;
use std::sync::LazyLock;

use crate::source::random::Random;

/// An instrument for notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timbre {
    /// The melody: an electric piano, soft at its start.
    Keys,
    /// Chords: slow strings.
    Pad,
    /// Broken chords: a plucked string, short.
    Pluck,
    /// The lowest voice.
    Bass,
}

/// One note to play.
#[derive(Debug, Clone, Copy)]
pub struct Note {
    /// Who plays it.
    pub timbre: Timbre,
    /// MIDI number: 69 is A at 440 Hz, 1 is a semitone.
    pub key: u8,
    /// How long it is held, in seconds.
    pub seconds: f32,
    /// 0 to 1.
    pub loudness: f32,
    /// -1 left to 1 right.
    pub pan: f32,
    /// Semitones beside the key, a few hundredths make strings wide.
    pub detune: f32,
}

/// Samples of one period.
const TABLE: usize = 1024;
/// Partials of the richest wave.
const PARTIALS: usize = 8;
/// Waves with 1 to [`PARTIALS`] partials: a body that lasts and a brightness that fades.
struct Waves {
    body: [[f32; TABLE]; PARTIALS],
    bright: [[f32; TABLE]; PARTIALS],
}

static WAVES: LazyLock<[Waves; 4]> = LazyLock::new(|| {
    [
        waves([1.0, 0.22, 0.0, 0.03, 0.0, 0.0, 0.0, 0.0], [0.0, 0.3, 0.35, 0.12, 0.1, 0.0, 0.06, 0.0]),
        waves([1.0, 0.42, 0.25, 0.13, 0.08, 0.04, 0.0, 0.0], [0.0; PARTIALS]),
        waves([1.0, 0.4, 0.15, 0.08, 0.0, 0.0, 0.0, 0.0], [0.0, 0.3, 0.3, 0.25, 0.2, 0.15, 0.1, 0.08]),
        waves([1.0, 0.35, 0.1, 0.04, 0.0, 0.0, 0.0, 0.0], [0.0, 0.2, 0.25, 0.12, 0.06, 0.0, 0.0, 0.0]),
    ]
});

fn waves(body: [f32; PARTIALS], bright: [f32; PARTIALS]) -> Waves {
    let wave = |strengths: &[f32; PARTIALS], count: usize| {
        let mut table = [0.0; TABLE];
        for (at, sample) in table.iter_mut().enumerate() {
            let turn = at as f32 / TABLE as f32 * TAU;
            let partials = strengths.iter().take(count).enumerate();
            *sample = partials.map(|(index, strength)| strength * (turn * (index + 1) as f32).sin()).sum();
        }
        table
    };
    let all = |strengths: [f32; PARTIALS]| std::array::from_fn(|index| wave(&strengths, index + 1));
    Waves { body: all(body), bright: all(bright) }
}

/// How a timbre swells and fades: seconds.
struct Shape {
    attack: f32,
    /// To a third, while held.
    decay: f32,
    bright_decay: f32,
    release: f32,
    /// Part that goes into the room.
    send: f32,
}

impl Timbre {
    fn shape(self) -> Shape {
        match self {
            Self::Keys => Shape { attack: 0.012, decay: 1.3, bright_decay: 0.22, release: 0.28, send: 0.34 },
            Self::Pad => Shape { attack: 0.55, decay: 30.0, bright_decay: 1.0, release: 0.8, send: 0.4 },
            Self::Pluck => Shape { attack: 0.004, decay: 0.32, bright_decay: 0.07, release: 0.2, send: 0.45 },
            Self::Bass => Shape { attack: 0.014, decay: 1.1, bright_decay: 0.12, release: 0.09, send: 0.04 },
        }
    }
}

/// A note that sounds.
#[derive(Debug)]
pub struct Voice {
    body: &'static [f32; TABLE],
    bright: &'static [f32; TABLE],
    /// The whole range of the number is one period.
    phase: u32,
    step: u32,
    attack: f32,
    attack_step: f32,
    level: f32,
    decay: f32,
    release: f32,
    bright_level: f32,
    bright_decay: f32,
    held: u32,
    gains: [f32; 2],
    send: f32,
}

impl Voice {
    /// Starts a note at a sample rate.
    pub fn new(note: &Note, rate: f32) -> Self {
        let shape = note.timbre.shape();
        let hertz = 440.0 * ((f32::from(note.key) - 69.0 + note.detune) / 12.0).exp2();
        let waves = &WAVES[note.timbre as usize];
        let partials = ((rate * 0.45 / hertz) as usize).clamp(1, PARTIALS);
        let fade = |seconds: f32| (-1.0 / (seconds * rate)).exp();
        // Equal power: as loud in the middle as at the sides.
        let angle = (note.pan.clamp(-1.0, 1.0) + 1.0) * TAU / 8.0;
        Self {
            body: &waves.body[partials - 1],
            bright: &waves.bright[partials - 1],
            phase: 0,
            step: (f64::from(hertz) / f64::from(rate) * 4_294_967_296.0) as u32,
            attack: 0.0,
            attack_step: 1.0 / (shape.attack * rate).max(1.0),
            level: note.loudness,
            decay: fade(shape.decay),
            release: fade(shape.release / 3.0),
            bright_level: 0.3 + 0.7 * note.loudness,
            bright_decay: fade(shape.bright_decay),
            held: (note.seconds * rate) as u32,
            gains: [angle.cos(), angle.sin()],
            send: shape.send,
        }
    }
}

/// Samples for the left, the right, and the room, until it has died away.
impl Iterator for Voice {
    type Item = [f32; 3];

    #[inline]
    fn next(&mut self) -> Option<[f32; 3]> {
        if self.attack < 1.0 {
            self.attack = (self.attack + self.attack_step).min(1.0);
        } else if self.level < 2e-5 {
            return None;
        }
        let swell = self.attack * self.attack * (3.0 - 2.0 * self.attack);
        self.level *= if self.held == 0 { self.release } else { self.decay };
        self.held = self.held.saturating_sub(1);
        self.bright_level *= self.bright_decay;
        let at = (self.phase >> 22) as usize;
        let part = (self.phase & 0x003f_ffff) as f32 / 4_194_304.0;
        self.phase = self.phase.wrapping_add(self.step);
        let next = (at + 1) % TABLE;
        let read = |table: &[f32; TABLE]| table[at] + (table[next] - table[at]) * part;
        let wave = read(self.body) + read(self.bright) * self.bright_level;
        let value = wave * self.level * swell;
        Some([value * self.gains[0], value * self.gains[1], value * self.send])
    }
}

/// A drum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drum {
    /// A soft thump.
    Kick,
    /// A brush on a snare.
    Brush,
    /// A shaker.
    Shaker,
}

/// A drum that was hit.
#[derive(Debug)]
pub struct Hit {
    drum: Drum,
    random: Random,
    seconds: f32,
    sample_seconds: f32,
    loudness: f32,
    phase: f32,
    /// Two one-pole filters: the noise below, and below that again.
    low: [f32; 2],
    cut: [f32; 2],
}

impl Hit {
    /// Hits a drum; `seed` makes its noise.
    pub fn new(drum: Drum, loudness: f32, seed: u64, rate: f32) -> Self {
        // Edges of the band of noise, in hertz.
        let (lower, upper) = match drum {
            Drum::Kick => (20.0, 900.0),
            Drum::Brush => (500.0, 4_200.0),
            Drum::Shaker => (3_800.0, 11_000.0),
        };
        let pole = |hertz: f32| 1.0 - (-TAU * hertz.min(rate * 0.4) / rate).exp();
        Self {
            drum,
            random: Random::new(seed),
            seconds: 0.0,
            sample_seconds: 1.0 / rate,
            loudness,
            phase: 0.0,
            low: [0.0; 2],
            cut: [pole(upper), pole(lower)],
        }
    }
}

/// Samples until it has died away.
impl Iterator for Hit {
    type Item = f32;

    #[inline]
    fn next(&mut self) -> Option<f32> {
        let t = self.seconds;
        self.seconds += self.sample_seconds;
        let (rise, fall, length): (f32, f32, f32) = match self.drum {
            Drum::Kick => (0.003, 0.11, 0.6),
            Drum::Brush => (0.006, 0.07, 0.45),
            Drum::Shaker => (0.012, 0.028, 0.2),
        };
        if t > length {
            return None;
        }
        let envelope = (t / rise).min(1.0) * (-t / fall).exp();
        let noise = self.random.draw();
        self.low[0] += (noise - self.low[0]) * self.cut[0];
        self.low[1] += (self.low[0] - self.low[1]) * self.cut[1];
        let band = self.low[0] - self.low[1];
        let value = match self.drum {
            Drum::Kick => {
                let hertz = 46.0 + 70.0 * (-t / 0.028).exp();
                self.phase = (self.phase + hertz * self.sample_seconds).fract();
                (self.phase * TAU).sin() + band * 0.12 * (-t / 0.008).exp()
            }
            Drum::Brush | Drum::Shaker => band,
        };
        Some(value * envelope * self.loudness)
    }
}

/// A room: eight delays that feed one another through an orthogonal mix, losing their highs on the way.
#[derive(Debug)]
pub struct Room {
    lines: [Vec<f32>; Self::LINES],
    at: usize,
    low: [f32; Self::LINES],
    damping: f32,
    feedback: [f32; Self::LINES],
}

impl Room {
    const LINES: usize = 8;
    /// Lengths without a common measure.
    const SECONDS: [f32; Self::LINES] = [0.0297, 0.0337, 0.0371, 0.0411, 0.0437, 0.0493, 0.0531, 0.0593];
    /// Until it is a thousandth as loud.
    const DECAY_SECONDS: f32 = 1.7;

    /// An empty room for a sample rate.
    pub fn new(rate: f32) -> Self {
        Self {
            lines: Self::SECONDS.map(|seconds| vec![0.0; (seconds * rate) as usize + 1]),
            at: 0,
            low: [0.0; Self::LINES],
            damping: 1.0 - (-TAU * 4_200.0_f32.min(rate * 0.4) / rate).exp(),
            feedback: Self::SECONDS.map(|seconds| 0.001_f32.powf(seconds / Self::DECAY_SECONDS)),
        }
    }

    /// Takes one sample in and gives left and right.
    #[inline]
    pub fn pass(&mut self, input: f32) -> [f32; 2] {
        let mut values = [0.0; Self::LINES];
        for (index, line) in self.lines.iter().enumerate() {
            let delayed = line[self.at % line.len()];
            self.low[index] += (delayed - self.low[index]) * self.damping;
            values[index] = self.low[index] * self.feedback[index];
        }
        let left: f32 = values.iter().step_by(2).sum();
        let right: f32 = values.iter().skip(1).step_by(2).sum();
        // Householder's mirror: mixes all into all and keeps the energy.
        let mirror = (left + right) * 2.0 / Self::LINES as f32;
        for (line, value) in self.lines.iter_mut().zip(values) {
            let at = self.at % line.len();
            line[at] = value - mirror + input;
        }
        self.at = self.at.wrapping_add(1);
        [left * 0.35, right * 0.35]
    }
}
