//! The tones of a telephone's keys (RFC 4733 §3.2), by their event codes and as people write them.

use std::fmt;
use std::time::Duration;

/// One key of a telephone: 0 to 9, `*`, `#`, A to D, or the flash of its hook.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tone {
    code: u8,
}

/// How people write the tones, by event code.
const KEYS: [char; 17] =
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D', '!'];

impl Tone {
    /// The hook was pressed for a moment (event code 16).
    pub const FLASH: Self = Self { code: 16 };

    /// The key that people write so: `0` to `9`, `*`, `#`, `A` to `D` and `a` to `d`; `None` for any other.
    pub fn from_char(key: char) -> Option<Self> {
        let key = key.to_ascii_uppercase();
        let code = KEYS.iter().take(16).position(|known| *known == key)?;
        Some(Self { code: u8::try_from(code).ok()? })
    }

    /// The tone of an event code; `None` above 16, where other things than keys begin.
    pub fn from_code(code: u8) -> Option<Self> {
        (usize::from(code) < KEYS.len()).then_some(Self { code })
    }

    /// Its event code, 0 to 16.
    pub fn code(self) -> u8 {
        self.code
    }

    /// As people write it; `!` for the flash.
    pub fn as_char(self) -> char {
        KEYS.get(usize::from(self.code)).copied().unwrap_or('!')
    }
}

impl fmt::Display for Tone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.as_char())
    }
}

impl fmt::Debug for Tone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Tone({:?})", self.as_char())
    }
}

/// A tone that the remote played, told when it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedTone {
    /// Which.
    pub tone: Tone,
    /// How long it was, as the remote says; as far as was heard, where its end was lost.
    pub duration: Duration,
    /// How loud it was, in -dBm0: 0 is the loudest, 63 the softest (RFC 4733 §2.3.4).
    pub volume: u8,
}

impl ReceivedTone {
    /// A tone with all that is told of it.
    pub fn new(tone: Tone, duration: Duration, volume: u8) -> Self {
        Self { tone, duration, volume }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_its_code_and_nothing_else_has() {
        for (code, key) in "0123456789*#ABCD".chars().enumerate() {
            let tone = Tone::from_char(key).unwrap();
            assert_eq!((usize::from(tone.code()), tone.as_char()), (code, key));
            assert_eq!(Tone::from_code(tone.code()), Some(tone));
        }
        assert_eq!(Tone::from_char('d'), Tone::from_char('D'));
        assert_eq!("eE,!x ".chars().find_map(Tone::from_char), None);
        assert_eq!(Tone::from_code(16), Some(Tone::FLASH));
        assert_eq!((17..=255).find_map(Tone::from_code), None);
    }
}
