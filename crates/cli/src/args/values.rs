//! What an option may be: sizes, rates, times, and the word for a choice.

use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;

/// The word on the command line that stands for a value.
pub fn word(value: &impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |word| word.get_name().to_owned())
}

/// `--size`: both even, 16 to 4096.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shape = || "expected WIDTHxHEIGHT, as in 640x480".to_owned();
        let (width, height) = text.split_once(['x', 'X']).ok_or_else(shape)?;
        let side = |text: &str| -> Result<u32, String> {
            if !text.bytes().all(|byte| byte.is_ascii_digit()) || text.is_empty() {
                return Err(shape());
            }
            match text.parse() {
                Ok(side) if (16..=4096).contains(&side) && side % 2 == 0 => Ok(side),
                _ => Err(format!("{text} is not an even number from 16 to 4096")),
            }
        };
        Ok(Self { width: side(width)?, height: side(height)? })
    }
}

/// `--bitrate`, bits per second: 50k to 50M.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bitrate(pub u64);

impl FromStr for Bitrate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (digits, unit) = match text.char_indices().last() {
            Some((at, 'k' | 'K')) => (&text[..at], 1e3),
            Some((at, 'm' | 'M')) => (&text[..at], 1e6),
            _ => (text, 1.0),
        };
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let bits = digits.parse::<f64>().ok().filter(|_| plain).map(|number| number * unit);
        match bits {
            Some(bits) if (50e3..=50e6).contains(&bits) => Ok(Self(bits as u64)),
            Some(_) => Err("expected 50k to 50M".to_owned()),
            None => Err("expected a number of bits per second, as in 1500k or 2.5M".to_owned()),
        }
    }
}

/// Whole seconds, 1 to 86,400.
pub fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 1..=86_400) => Ok(Duration::from_secs(seconds)),
        _ => Err("expected whole seconds, 1 to 86400".to_owned()),
    }
}
