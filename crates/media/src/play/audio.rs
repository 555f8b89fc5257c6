//! The thread of a play of sound.

use std::sync::Arc;
use std::time::{Duration, Instant};

use peerless::stats::{Decoded, DecodingReport, SoundOrigin, SoundReport};
use peerless::{Format, Frame};

use crate::codec::any;
use crate::codec::traits::{AudioDecoder, DecodeError};
use crate::play::link::{Link, guarded};
use crate::play::outlet::{DecodedSound, Origin};
use crate::play::stats::AudioCounts;
use crate::sound::Sound;
use crate::telling;

/// The most packets in a row that are concealed: beyond that there is only silence to make up.
const CONCEAL_LIMIT: u16 = 10;

/// Packets in, sounds out.
pub(crate) struct AudioThread {
    link: Link<AudioCounts, Arc<DecodedSound>>,
    decoder: Option<Box<dyn AudioDecoder>>,
    format: Option<Format>,
}

impl AudioThread {
    pub(crate) fn new(link: Link<AudioCounts, Arc<DecodedSound>>) -> Self {
        Self { link, decoder: None, format: None }
    }

    /// Until the track ends or the handle is gone.
    pub(crate) fn run(mut self) {
        self.link.signal.adopt();
        while let Some(frame) = self.link.next() {
            self.take(&frame);
        }
        self.link.outlet.end();
    }

    fn take(&mut self, frame: &Frame) {
        if self.format != Some(frame.format) {
            self.format = Some(frame.format);
            self.open(frame);
        }
        let Some(decoder) = &mut self.decoder else {
            self.link.counters.lock().stats.packets_broken += 1;
            return self.tell(frame, Decoded::Dropped, Duration::ZERO);
        };
        let started = Instant::now();
        let played = guarded(|| play(decoder.as_mut(), frame, frame.lost));
        let elapsed = started.elapsed();
        if played.is_none() {
            tracing::error!(format = frame.format.name(), "a decoder panicked");
            self.open(frame);
        }
        let (sounds, problem) = played.unwrap_or_default();
        let now = Instant::now();
        let mut counts = self.link.counters.lock();
        counts.stats.decode_time += elapsed;
        count(&mut counts, now, &sounds);
        counts.stats.problem = problem.map(|problem| problem.to_string());
        if sounds.last().is_some_and(|sound| sound.origin == Origin::Decoded) {
            counts.stats.packets_decoded += 1;
        } else {
            counts.stats.packets_broken += 1;
        }
        drop(counts);
        self.tell(frame, Decoded::Sounds(sounds.iter().map(heard).collect()), elapsed);
        for sound in sounds {
            self.link.outlet.push(Arc::new(sound));
        }
    }

    /// Tells the connection, for its stats.
    fn tell(&self, frame: &Frame, decoded: Decoded, decode_time: Duration) {
        let report = DecodingReport { decoded, decode_time, implementation: "", power_efficient: false };
        self.link.track.report_decoding(frame, &report);
    }

    /// Makes the decoder for a frame.
    fn open(&mut self, frame: &Frame) {
        let made = match self.link.codec(frame) {
            Some(codec) => any::audio_decoder(&codec),
            None => Err(DecodeError::Unsupported(frame.format)),
        };
        let mut counts = self.link.counters.lock();
        let stats = &mut counts.stats;
        match made {
            Ok(decoder) => {
                (stats.sample_rate, stats.channels) = decoder.output();
                (stats.format, stats.problem) = (Some(frame.format), None);
                self.decoder = Some(decoder);
            }
            Err(problem) => {
                tracing::error!(%problem, "no decoder");
                (stats.format, stats.problem) = (None, Some(problem.to_string()));
                self.decoder = None;
            }
        }
    }
}

/// What a frame gives to hear: first what stands for the packets lost before it, then itself. A broken one counts as
/// lost.
fn play(
    decoder: &mut dyn AudioDecoder,
    frame: &Frame,
    lost: u16,
) -> (Vec<DecodedSound>, Option<DecodeError>) {
    let mut sounds = Vec::with_capacity(1);
    let mut add = |sound: Sound, timestamp: u32, origin: Origin| {
        let (arrived, playout) = (frame.arrived, frame.playout);
        let decoded = Instant::now();
        sounds.push(DecodedSound { sound, timestamp, origin, arrived, playout, decoded });
    };
    // The nearest ones: where more were lost, what lies before them stays a gap.
    for before in (1..=lost.min(CONCEAL_LIMIT)).rev() {
        let timestamp = frame.timestamp.wrapping_sub(u32::from(before).wrapping_mul(decoder.ticks()));
        let recovered = if before == 1 { decoder.recover(&frame.payload) } else { None };
        match recovered {
            Some(sound) => add(sound, timestamp, Origin::Recovered),
            None => add(decoder.conceal(), timestamp, Origin::Concealed),
        }
    }
    match decoder.decode(&frame.payload) {
        Ok(sound) => {
            add(sound, frame.timestamp, Origin::Decoded);
            (sounds, None)
        }
        Err(problem) => {
            add(decoder.conceal(), frame.timestamp, Origin::Concealed);
            (sounds, Some(problem))
        }
    }
}

/// What is told of a sound. One that came back from redundancy is no made up one.
fn heard(sound: &DecodedSound) -> SoundReport {
    let origin = match sound.origin {
        Origin::Decoded | Origin::Recovered => SoundOrigin::Given,
        Origin::Concealed => SoundOrigin::Concealed,
    };
    telling::report(&sound.sound, origin)
}

fn count(counts: &mut AudioCounts, now: Instant, sounds: &[DecodedSound]) {
    for DecodedSound { sound, origin, .. } in sounds {
        let frames = sound.frames() as u64;
        counts.stats.samples += frames;
        counts.stats.concealed_samples += if *origin == Origin::Concealed { frames } else { 0 };
        counts.stats.recovered_samples += if *origin == Origin::Recovered { frames } else { 0 };
        counts.meter.hear(now, sound);
    }
    counts.stats.concealment_events +=
        u64::from(sounds.iter().any(|sound| sound.origin == Origin::Concealed));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::g711::{G711Decoder, Law};
    use bytes::Bytes;

    fn frame(number: u32, lost: u16) -> Frame {
        let payload = Bytes::from(vec![0x20; if number == 13 { 0 } else { 160 }]);
        Frame { lost, ..Frame::new(Format::Pcmu, number.wrapping_mul(160), true, payload) }
    }

    fn origins(played: &(Vec<DecodedSound>, Option<DecodeError>)) -> Vec<(u32, Origin)> {
        played.0.iter().map(|sound| (sound.timestamp, sound.origin)).collect()
    }

    #[test]
    fn what_was_lost_before_a_packet_is_made_up_in_its_place() {
        use Origin::{Concealed, Decoded};
        let mut decoder = G711Decoder::new(Law::Mu);
        assert_eq!(origins(&play(&mut decoder, &frame(0, 0), 0)), [(0, Decoded)]);
        let played = play(&mut decoder, &frame(3, 2), 2);
        assert_eq!(origins(&played), [(160, Concealed), (320, Concealed), (480, Decoded)]);
        assert!(played.0.iter().all(|sound| sound.sound.frames() == 160));
        // Far more than can be made up: the nearest are, and the gap before them stays one.
        let played = play(&mut decoder, &frame(1_000, 996), 996);
        assert_eq!(played.0.len(), usize::from(CONCEAL_LIMIT) + 1);
        assert_eq!(played.0[0].timestamp, (1_000 - u32::from(CONCEAL_LIMIT)) * 160);
        // Before the first packet there is nothing to go on from, and time may wrap.
        let played = play(&mut G711Decoder::new(Law::A), &frame(0, 1), 1);
        assert_eq!(played.0[0].timestamp, 0u32.wrapping_sub(160));
    }

    #[test]
    fn a_broken_packet_is_concealed_and_counted_as_one_event() {
        let mut decoder = G711Decoder::new(Law::Mu);
        let mut counts = AudioCounts::default();
        for (number, lost) in [(0, 0), (1, 0), (5, 3), (6, 0), (13, 6)] {
            let (sounds, problem) = play(&mut decoder, &frame(number, lost), lost);
            assert_eq!(problem.is_some(), number == 13);
            count(&mut counts, Instant::now(), &sounds);
        }
        let stats = counts.snapshot(Instant::now());
        assert_eq!((stats.samples, stats.concealed_samples), (14 * 160, 10 * 160));
        assert_eq!((stats.concealment_events, stats.recovered_samples), (2, 0));
    }
}
