//! What pumps and plays tell the connection of sounds, for its stats (webrtc-stats §8.5, §8.12).

use peerless::stats::{SoundOrigin, SoundReport};

use crate::sound::Sound;

/// A sound in the words of the connection: how long, how loud, and how it was had.
pub(crate) fn report(sound: &Sound, origin: SoundOrigin) -> SoundReport {
    SoundReport {
        samples: sound.frames() as u32,
        sample_rate: sound.sample_rate(),
        mean_square: mean_square(sound),
        origin,
    }
}

/// Of the loudest channel; 1 is the loudest there can be.
fn mean_square(sound: &Sound) -> f64 {
    let channels = usize::from(sound.channels().max(1));
    let of_channel = |channel: usize| -> f64 {
        let samples = sound.samples().iter().skip(channel).step_by(channels);
        samples.map(|sample| f64::from(*sample) * f64::from(*sample)).sum()
    };
    let loudest = (0..channels).map(of_channel).fold(0.0, f64::max);
    loudest / (sound.frames().max(1) as f64 * 32_768.0 * 32_768.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loudest_channel_counts() {
        let mut sound = Sound::new(48_000, 2, 480).unwrap();
        for pair in sound.samples_mut().chunks_exact_mut(2) {
            pair.copy_from_slice(&[16_384, 0]);
        }
        let report = report(&sound, SoundOrigin::Given);
        assert_eq!((report.samples, report.sample_rate), (480, 48_000));
        assert!((report.mean_square - 0.25).abs() < 1e-9);
    }
}
