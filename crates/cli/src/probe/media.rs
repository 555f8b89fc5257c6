//! `-t media`: a test pattern and a tone are sent; what comes back is decoded, and must have the pattern's colours and the
//! tone's frequency.

use peerless::{LocalTrack, MediaKind, RemoteTrack};
use peerless_media::picture::Picture;
use peerless_media::play::{AudioPlay, PlayError, VideoPlay};
use peerless_media::pump::Pump;
use peerless_media::source::pattern::{BARS, PatternError, TestPattern};
use peerless_media::source::sounds::SoundKind;

use crate::probe::call::Call;
use crate::probe::report::{ConnectionReport, Failure, MediaReport};

/// Runs the test on a call that offers nothing yet.
pub async fn run(call: &Call, url: &str) -> (Option<ConnectionReport>, Result<Vec<MediaReport>, Failure>) {
    // The pumps end with their tracks.
    let pumps = match send(call) {
        Ok(pumps) => pumps,
        Err(failure) => return (None, Err(failure)),
    };
    let connection = match call.connect(url).await {
        Ok(connection) => connection,
        Err(failure) => return (None, Err(failure)),
    };
    let (audio, video) = tokio::join!(hear(call), watch(call));
    // Dropping a pump waits for its thread.
    let _ = tokio::task::spawn_blocking(move || drop(pumps)).await;
    let reports = audio.and_then(|audio| Ok(vec![audio, video?]));
    (Some(connection), reports)
}

/// Sends pattern and tone as soon as there is somebody to send to.
fn send(call: &Call) -> Result<Vec<Pump>, Failure> {
    let track = |kind, id: &str| -> Result<LocalTrack, Failure> {
        let track = LocalTrack::new(kind, id, "probe");
        call.connection.add_track(&track)?;
        Ok(track)
    };
    let sound = Pump::audio(track(MediaKind::Audio, "tone")?, SoundKind::Sine.source())?;
    let pattern = TestPattern::new(WIDTH, HEIGHT, FPS)?;
    Ok(vec![sound, Pump::video(track(MediaKind::Video, "pattern")?, pattern, FPS, BITRATE)?])
}

async fn watch(call: &Call) -> Result<MediaReport, Failure> {
    let track = returned(call, MediaKind::Video)?;
    let play = VideoPlay::new(track.clone())?;
    let mut pictures = play.pictures(8);
    let (mut good, mut bad, mut worst) = (0, 0, 0);
    while good < PICTURES {
        let Some(next) = call.step("no picture comes back", pictures.next()).await? else {
            return Err(Failure::Ended("the picture's track has ended".into()));
        };
        let off = colour_error(&next.picture);
        if off <= COLOUR_LIMIT {
            good += 1;
            worst = worst.max(off);
        } else {
            bad += 1;
            if bad > PICTURES {
                return Err(Failure::Different(format!("pictures, their colours are off by {off} of 255")));
            }
        }
    }
    let stats = play.stats();
    let report = report(call, &track, stats.frames_decoded);
    Ok(MediaReport { size: stats.size, colour_error: Some(worst), ..report })
}

async fn hear(call: &Call) -> Result<MediaReport, Failure> {
    let track = returned(call, MediaKind::Audio)?;
    let play = AudioPlay::new(track.clone())?;
    let mut sounds = play.sounds(100);
    let (mut heard, mut good, mut bad, mut least) = (Vec::new(), 0, 0, 1.0_f64);
    while good < STRETCHES {
        let Some(next) = call.step("no sound comes back", sounds.next()).await? else {
            return Err(Failure::Ended("the sound's track has ended".into()));
        };
        let channels = usize::from(next.sound.channels()).max(1);
        heard.extend(next.sound.samples().iter().step_by(channels).map(|&sample| f64::from(sample)));
        let rate = next.sound.sample_rate();
        if heard.len() < rate as usize / 5 {
            continue;
        }
        let share = tone_share(&heard, rate);
        heard.clear();
        if share >= TONE_LIMIT {
            good += 1;
            least = least.min(share);
        } else {
            bad += 1;
            if bad > STRETCHES_LIMIT {
                return Err(Failure::Different(format!(
                    "the sound, {:.0} % of it is the tone",
                    share * 100.0
                )));
            }
        }
    }
    let report = report(call, &track, play.stats().packets_decoded);
    Ok(MediaReport { tone_share: Some(least), ..report })
}

/// The track that the echo sends, settled by its answer.
fn returned(call: &Call, kind: MediaKind) -> Result<RemoteTrack, Failure> {
    let transceivers = call.connection.transceivers();
    let mut tracks = transceivers.iter().filter_map(|transceiver| transceiver.remote_track());
    tracks
        .find(|track| track.kind() == kind)
        .ok_or_else(|| Failure::Ended(format!("the echo sends no {} back", kind.as_str())))
}

fn report(call: &Call, track: &RemoteTrack, frames: u64) -> MediaReport {
    let stats = call.connection.stats();
    let inbound = stats.transceivers.into_iter().find(|one| one.id == track.transceiver());
    let bytes = inbound.and_then(|one| one.inbound).map_or(0, |inbound| inbound.bytes);
    let codec = track.codec().map_or("?", |codec| codec.format.name()).to_owned();
    let kind = track.kind().as_str();
    MediaReport { kind, codec, frames, bytes, size: None, colour_error: None, tone_share: None }
}

/// How far the bars' middles are from their colours at most, of 255.
fn colour_error(picture: &Picture) -> u8 {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let off = |(number, (_, wanted)): (usize, &(&str, [u8; 3]))| {
        let seen = picture.colour(width * (2 * number + 1) / (2 * BARS.len()), height * 3 / 10).to_rgb();
        seen.iter().zip(wanted).map(|(seen, wanted)| seen.abs_diff(*wanted)).max().unwrap_or(255)
    };
    BARS.iter().enumerate().map(off).max().unwrap_or(255)
}

/// The share of the energy of `samples` that is in a tone of 440 Hz, 0 to 1 (Goertzel).
fn tone_share(samples: &[f64], sample_rate: u32) -> f64 {
    let step = 2.0 * std::f64::consts::PI * HERTZ / f64::from(sample_rate);
    let (mut before, mut last) = (0.0, 0.0);
    for sample in samples {
        (before, last) = (last, sample + 2.0 * step.cos() * last - before);
    }
    let power = before * before + last * last - 2.0 * step.cos() * before * last;
    let energy: f64 = samples.iter().map(|sample| sample * sample).sum();
    if energy < f64::from(sample_rate) { 0.0 } else { (2.0 * power / samples.len() as f64 / energy).min(1.0) }
}

impl From<PlayError> for Failure {
    fn from(error: PlayError) -> Self {
        Self::Ended(error.to_string())
    }
}

impl From<PatternError> for Failure {
    fn from(error: PatternError) -> Self {
        Self::Ended(error.to_string())
    }
}

/// What is sent.
const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;
const FPS: u32 = 15;
const BITRATE: u64 = 800_000;
const HERTZ: f64 = 440.0;

/// How many pictures must come back right; as many may come back wrong, while the codecs settle.
const PICTURES: u32 = 20;
/// How far colours may be off, of 255: what two lossy codecs make of them.
const COLOUR_LIMIT: u8 = 40;
/// How many fifths of a second of the tone must come back right.
const STRETCHES: u32 = 5;
/// How many may come back wrong: an echo that decodes may begin with silence.
const STRETCHES_LIMIT: u32 = 25;
/// How much of the sound must be the tone.
const TONE_LIMIT: f64 = 0.8;

#[cfg(test)]
mod tests {
    use super::*;
    use peerless_media::source::traits::{Moment, VideoSource};

    #[test]
    fn the_pattern_has_its_colours_and_a_black_picture_has_not() {
        let mut pattern = TestPattern::new(WIDTH, HEIGHT, FPS).unwrap();
        assert!(colour_error(pattern.draw(Moment::default())) <= 3);
        assert!(colour_error(&Picture::new(WIDTH, HEIGHT).unwrap()) > 150);
    }

    #[test]
    fn the_tone_is_known_from_another_and_from_silence() {
        let tone = |hertz: f64| -> Vec<f64> {
            let step = 2.0 * std::f64::consts::PI * hertz / 48_000.0;
            (0..9_600).map(|number| 8_000.0 * (step * f64::from(number)).sin()).collect()
        };
        assert!(tone_share(&tone(440.0), 48_000) > 0.99);
        assert!(tone_share(&tone(450.0), 48_000) < 0.3);
        assert!(tone_share(&[0.0; 9_600], 48_000) < 0.01);
        let both: Vec<f64> = tone(440.0).iter().zip(tone(1_000.0)).map(|(one, other)| one + other).collect();
        assert!((tone_share(&both, 48_000) - 0.5).abs() < 0.05);
    }
}
