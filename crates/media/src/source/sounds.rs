//! The sounds by name, as on a command line.

use std::fmt;
use std::str::FromStr;

use crate::source::music::Music;
use crate::source::noise::{PinkNoise, WhiteNoise};
use crate::source::tone::{Silence, Sine};
use crate::source::traits::SoundSource;

/// What there is to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SoundKind {
    /// A tune of our own, about a minute long, around and around.
    #[default]
    Music,
    /// Nothing.
    Silence,
    /// White noise at -20 dBFS.
    WhiteNoise,
    /// Pink noise at -20 dBFS.
    PinkNoise,
    /// 440 Hz at -12 dBFS peak.
    Sine,
}

/// A name that is none of [`SoundKind::ALL`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no sound is called {0:?}; there are music, silence, white-noise, pink-noise and sine")]
pub struct UnknownSound(pub String);

impl SoundKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Music, Self::Silence, Self::WhiteNoise, Self::PinkNoise, Self::Sine];

    /// Its name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Music => "music",
            Self::Silence => "silence",
            Self::WhiteNoise => "white-noise",
            Self::PinkNoise => "pink-noise",
            Self::Sine => "sine",
        }
    }

    /// A source of it, from its beginning.
    pub fn source(self) -> Box<dyn SoundSource> {
        match self {
            Self::Music => Box::new(Music::new()),
            Self::Silence => Box::new(Silence),
            Self::WhiteNoise => Box::new(WhiteNoise::new()),
            Self::PinkNoise => Box::new(PinkNoise::new()),
            Self::Sine => Box::new(Sine::new(Sine::DEFAULT_HERTZ)),
        }
    }
}

impl FromStr for SoundKind {
    type Err = UnknownSound;

    fn from_str(name: &str) -> Result<Self, UnknownSound> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| UnknownSound(name.to_owned()))
    }
}

impl fmt::Display for SoundKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound::Sound;

    #[test]
    fn names_are_read_as_written_and_others_refused() {
        for kind in SoundKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!("Musik".parse::<SoundKind>(), Err(UnknownSound("Musik".into())));
    }

    #[test]
    fn every_sound_follows_a_change_of_rate_and_channels() {
        for kind in SoundKind::ALL {
            let mut source = kind.source();
            for (rate, channels) in [(48_000, 2), (8_000, 1), (16_000, 1), (44_100, 2), (48_000, 3)] {
                let mut sound = Sound::new(rate, channels, rate as usize).unwrap();
                source.fill(&mut sound);
                let is_silent = sound.samples().iter().all(|&sample| sample == 0);
                assert_eq!(is_silent, kind == SoundKind::Silence, "{kind} at {rate} Hz");
            }
        }
    }
}
