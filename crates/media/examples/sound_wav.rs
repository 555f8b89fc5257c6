//! Writes a sound to a file: `sound_wav [music|silence|white-noise|pink-noise|sine] [SECONDS] [FILE.wav] [RATE]
//! [CHANNELS]`.

use std::error::Error;
use std::fs;

use peerless_media::sound::Sound;
use peerless_media::source::sounds::SoundKind;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument =
        |index: usize, default: &str| arguments.get(index).map_or(default, String::as_str).to_owned();
    let mut source = argument(0, "music").parse::<SoundKind>()?.source();
    let seconds: usize = argument(1, "70").parse()?;
    let path = argument(2, "sound.wav");
    let (rate, channels): (u32, u8) = (argument(3, "48000").parse()?, argument(4, "2").parse()?);
    let mut samples = Vec::new();
    for _ in 0..seconds * 50 {
        let mut sound = Sound::new(rate, channels, rate as usize / 50)?;
        source.fill(&mut sound);
        samples.extend(sound.samples().iter().flat_map(|sample| sample.to_le_bytes()));
    }
    fs::write(&path, [header(rate, channels, samples.len()), samples].concat())?;
    println!("{path}");
    Ok(())
}

/// A RIFF header for 16-bit PCM.
fn header(rate: u32, channels: u8, len: usize) -> Vec<u8> {
    let (len, frame) = (len as u32, u32::from(channels) * 2);
    let mut header = b"RIFF".to_vec();
    header.extend((len + 36).to_le_bytes());
    header.extend(b"WAVEfmt \x10\x00\x00\x00\x01\x00");
    header.extend([channels, 0]);
    header.extend(rate.to_le_bytes());
    header.extend((rate * frame).to_le_bytes());
    header.extend([frame as u8, 0, 16, 0]);
    header.extend(b"data");
    header.extend(len.to_le_bytes());
    header
}
