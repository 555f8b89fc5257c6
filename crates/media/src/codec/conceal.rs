//! What to play for lost packets of codecs that have no concealment of their own: the last period of what was heard,
//! again and again, fading. The idea is that of ITU-T G.711 appendix I; unlike there nothing is delayed, so the seam to
//! what was heard is mended behind it and not before.

use crate::sound::Sound;

/// How much of the past is kept, in milliseconds: two of the longest periods and what is compared.
const HISTORY_MS: usize = 50;
/// Periods looked for, in milliseconds: 66 to 400 Hz, that is voices. Higher tones fit in several times.
const SHORTEST_MS: f32 = 2.5;
const LONGEST_MS: usize = 15;
/// How much is compared to find the period.
const COMPARED_MS: usize = 20;
/// How long concealment is as loud as what was heard, and when it is silent.
const LOUD_MS: usize = 10;
const SILENT_MS: usize = 60;
/// How long it takes from concealment back to what is heard.
const RETURN_MS: usize = 5;

/// Remembers the end of a stream of sound and goes on with it.
#[derive(Debug, Clone)]
pub(crate) struct Echo {
    sample_rate: u32,
    channels: usize,
    /// Samples per channel of the last packet.
    frames: usize,
    /// What was heard last, channels interleaved.
    history: Vec<i16>,
    loss: Option<Loss>,
}

/// What is played while packets are missing.
#[derive(Debug, Clone)]
struct Loss {
    /// One period, channels interleaved, whose end leads over to its beginning.
    period: Vec<i16>,
    /// How far the end of what was heard lies from where the period would have it begin, by channel.
    step: Vec<i32>,
    /// Frames (samples of all channels) played so far.
    played: usize,
}

impl Echo {
    /// Nothing was heard yet; `silence` has the shape that a packet is likely to have.
    pub(crate) fn new(silence: &Sound) -> Self {
        Self {
            sample_rate: silence.sample_rate(),
            channels: usize::from(silence.channels()),
            frames: silence.frames(),
            history: Vec::new(),
            loss: None,
        }
    }

    /// Samples per channel of the last packet.
    pub(crate) fn frames(&self) -> usize {
        self.frames
    }

    /// Takes in what was decoded. Where it follows a loss, its beginning is blended with what would have been played.
    pub(crate) fn hear(&mut self, sound: &mut Sound) {
        self.frames = sound.frames();
        if let Some(mut loss) = self.loss.take() {
            let count = self.frames_in(RETURN_MS).min(sound.frames());
            let made_up = self.play(&mut loss, count);
            for (at, (sample, other)) in sound.samples_mut().iter_mut().zip(made_up).enumerate() {
                let share = (at / self.channels + 1) as f32 / (count + 1) as f32;
                *sample = (f32::from(*sample) * share + f32::from(other) * (1.0 - share)) as i16;
            }
        }
        self.remember(sound.samples());
    }

    /// The next stretch of concealment, as long as the last packet.
    pub(crate) fn conceal(&mut self) -> Sound {
        let mut sound = Sound::silence(self.sample_rate, self.channels as u8, self.frames);
        if self.history.is_empty() {
            return sound;
        }
        let mut loss = self.loss.take().unwrap_or_else(|| self.begin());
        sound.samples_mut().copy_from_slice(&self.play(&mut loss, self.frames));
        self.loss = Some(loss);
        sound
    }

    fn remember(&mut self, samples: &[i16]) {
        let limit = self.frames_in(HISTORY_MS) * self.channels;
        let new = samples.get(samples.len().saturating_sub(limit)..).unwrap_or(samples);
        let surplus = (self.history.len() + new.len()).saturating_sub(limit);
        self.history.drain(..surplus.min(self.history.len()));
        self.history.extend_from_slice(new);
    }

    fn frames_in(&self, ms: usize) -> usize {
        self.sample_rate as usize * ms / 1000
    }

    /// Frames `range` behind what `loss` has played.
    fn play(&self, loss: &mut Loss, count: usize) -> Vec<i16> {
        let period = loss.period.len() / self.channels;
        let (loud, silent) = (self.frames_in(LOUD_MS), self.frames_in(SILENT_MS));
        let mend = (period / 4).max(1);
        let mut samples = Vec::with_capacity(count * self.channels);
        for at in loss.played..loss.played + count {
            let gain = silent.saturating_sub(at.max(loud)) as f32 / (silent - loud) as f32;
            let left = mend.saturating_sub(at) as f32 / mend as f32;
            let frame = loss.period.chunks_exact(self.channels).nth(at % period);
            for (&sample, &step) in frame.unwrap_or_default().iter().zip(&loss.step) {
                // `as` saturates.
                samples.push(((f32::from(sample) + step as f32 * left) * gain) as i16);
            }
        }
        loss.played += count;
        samples
    }

    /// Finds the period at the end of what was heard.
    fn begin(&self) -> Loss {
        let frames = self.history.len() / self.channels;
        let period = self.period();
        let sample = |frame: usize, channel: usize| {
            f32::from(self.history.get(frame * self.channels + channel).copied().unwrap_or(0))
        };
        let start = frames - period;
        let blend = period / 4;
        let mut samples = Vec::with_capacity(period * self.channels);
        for at in 0..period {
            // The last quarter turns into what came before the period's beginning, so that it can begin again.
            let share = (at + 1).saturating_sub(period - blend) as f32 / (blend + 1) as f32;
            for channel in 0..self.channels {
                let own = sample(start + at, channel);
                let before = (start + at).checked_sub(period).map_or(own, |frame| sample(frame, channel));
                samples.push((own * (1.0 - share) + before * share) as i16);
            }
        }
        let step = (0..self.channels).map(|channel| match start.checked_sub(1) {
            Some(before) => (sample(frames - 1, channel) - sample(before, channel)) as i32,
            None => 0,
        });
        Loss { period: samples, step: step.collect(), played: 0 }
    }

    /// The distance, in frames, at which the end of what was heard looks most like itself. Never more than there is.
    fn period(&self) -> usize {
        let mono: Vec<f32> = self
            .history
            .chunks_exact(self.channels)
            .map(|frame| frame.iter().map(|&sample| f32::from(sample)).sum())
            .collect();
        let shortest = (self.sample_rate as f32 * SHORTEST_MS / 1000.0) as usize;
        let longest = self.frames_in(LONGEST_MS).min(mono.len() / 2);
        if longest <= shortest {
            return mono.len();
        }
        let compared = self.frames_in(COMPARED_MS).min(mono.len() - longest);
        let end = mono.get(mono.len() - compared..).unwrap_or_default();
        // First at steps of an eighth of a millisecond, then at each frame around the best.
        let coarse = (self.sample_rate as usize / 8_000).max(1);
        let likeness = |&distance: &usize| {
            let first = mono.len() - compared - distance;
            let earlier = mono.get(first..first + compared).unwrap_or_default();
            let (mut product, mut energy) = (0.0f32, 1.0f32);
            for (a, b) in end.iter().zip(earlier).step_by(coarse) {
                product += a * b;
                energy += b * b;
            }
            product / energy.sqrt()
        };
        let best = |distances: &mut dyn Iterator<Item = usize>| {
            distances.map(|distance| (likeness(&distance), distance)).max_by(|a, b| a.0.total_cmp(&b.0))
        };
        let rough = best(&mut (shortest..=longest).step_by(coarse)).map_or(longest, |(_, distance)| distance);
        let near = rough.saturating_sub(coarse).max(shortest)..=(rough + coarse).min(longest);
        best(&mut near.into_iter()).map_or(rough, |(_, distance)| distance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 20 ms of a tone of 0.25 of full scale.
    fn tone(hertz: f64, (rate, channels): (u32, u8), number: usize) -> Sound {
        let frames = rate as usize / 50;
        let mut sound = Sound::new(rate, channels, frames).unwrap();
        for (at, frame) in sound.samples_mut().chunks_exact_mut(usize::from(channels)).enumerate() {
            let turn = (number * frames + at) as f64 * hertz / f64::from(rate) * std::f64::consts::TAU;
            frame.fill((8_192.0 * turn.sin()) as i16);
        }
        sound
    }

    fn steps(samples: &[i16], channels: usize) -> i32 {
        let channel: Vec<i32> = samples.iter().step_by(channels).map(|&sample| i32::from(sample)).collect();
        channel.windows(2).map(|pair| (pair[1] - pair[0]).abs()).max().unwrap_or(0)
    }

    #[test]
    fn a_lost_packet_of_a_tone_goes_on_without_a_click_at_either_end() {
        for (rate, channels) in [(8_000, 1), (16_000, 1), (44_100, 2), (48_000, 2)] {
            for hertz in [100.0, 220.0, 440.0, 1_000.0, 1_333.0] {
                let mut echo = Echo::new(&Sound::silence(rate, channels, rate as usize / 50));
                let mut heard = Vec::new();
                for number in 0..20 {
                    let mut sound = tone(hertz, (rate, channels), number);
                    if number % 5 == 4 {
                        sound = echo.conceal();
                    } else {
                        echo.hear(&mut sound);
                    }
                    heard.extend_from_slice(sound.samples());
                }
                let natural = 8_192.0 * hertz / f64::from(rate) * std::f64::consts::TAU;
                let worst = steps(&heard, usize::from(channels));
                assert!(f64::from(worst) < natural * 1.35 + 60.0, "{rate} {hertz}: {worst}, {natural:.0}");
            }
        }
    }

    #[test]
    fn what_is_made_up_is_as_loud_at_first_and_silent_after_three_packets() {
        let mut echo = Echo::new(&Sound::silence(8_000, 1, 160));
        assert!(echo.conceal().samples().iter().all(|&sample| sample == 0), "nothing was heard yet");
        for number in 0..5 {
            echo.hear(&mut tone(440.0, (8_000, 1), number));
        }
        let peaks: Vec<u16> = (0..5)
            .map(|_| echo.conceal().samples().iter().map(|sample| sample.unsigned_abs()).max().unwrap())
            .collect();
        assert!((7_900..8_500).contains(&peaks[0]), "{peaks:?}");
        assert!(peaks[1] < peaks[0] && peaks[2] < peaks[1], "{peaks:?}");
        assert_eq!(peaks[3..], [0, 0]);
        let mut back = tone(440.0, (8_000, 1), 10);
        let first = back.samples()[1].unsigned_abs();
        echo.hear(&mut back);
        assert!(
            back.samples()[1].unsigned_abs() < first / 4
                && back.samples()[40..] == tone(440.0, (8_000, 1), 10).samples()[40..]
        );
    }

    #[test]
    fn short_packets_and_full_scale_noise_do_no_harm() {
        for frames in [1, 7, 40, 264] {
            let mut echo = Echo::new(&Sound::silence(44_100, 2, frames));
            let mut noise = 1u32;
            for number in 0..200 {
                let mut sound = Sound::new(44_100, 2, frames).unwrap();
                sound.samples_mut().fill_with(|| {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    if noise >> 31 == 0 { i16::MIN } else { i16::MAX }
                });
                if number % 3 == 1 {
                    assert_eq!(echo.conceal().frames(), frames);
                } else {
                    echo.hear(&mut sound);
                }
            }
        }
    }
}
