//! A camera and a microphone for browsers: colour bars and a tone of 440 Hz, as files that Chromium plays again and again
//! (`--use-file-for-fake-video-capture`, `--use-file-for-fake-audio-capture`); Firefox has fakes of its own.

use std::path::{Path, PathBuf};

use crate::process::Error;

/// The bars from left to right, each a seventh of the width: red, green, blue.
pub const BARS: [[u8; 3]; 7] =
    [[191, 191, 191], [191, 191, 0], [0, 191, 191], [0, 191, 0], [191, 0, 191], [191, 0, 0], [0, 0, 191]];

/// The tone, hertz.
pub const TONE: f64 = 440.0;

/// Size of the picture.
const SIZE: (usize, usize) = (640, 480);
const RATE: u32 = 48_000;

/// The two files.
#[derive(Debug, Clone)]
pub struct Devices {
    /// Y4M.
    pub camera: PathBuf,
    /// WAV.
    pub microphone: PathBuf,
}

impl Devices {
    /// Writes them into `folder`.
    pub fn make(folder: &Path) -> Result<Self, Error> {
        let devices = Self { camera: folder.join("bars.y4m"), microphone: folder.join("tone.wav") };
        let failed = |source| Error::Io { what: "write the devices".into(), source };
        std::fs::write(&devices.camera, bars()).map_err(failed)?;
        std::fs::write(&devices.microphone, tone()).map_err(failed)?;
        Ok(devices)
    }
}

/// Two frames of bars, I420.
fn bars() -> Vec<u8> {
    let (width, height) = SIZE;
    let mut file = format!("YUV4MPEG2 W{width} H{height} F30:1 Ip A1:1 C420jpeg\n").into_bytes();
    let plane = |width: usize, height: usize, component: usize| -> Vec<u8> {
        let row: Vec<u8> = (0..width).map(|x| studio(BARS[x * BARS.len() / width])[component]).collect();
        row.repeat(height)
    };
    let planes = [plane(width, height, 0), plane(width / 2, height / 2, 1), plane(width / 2, height / 2, 2)];
    for _ in 0..2 {
        file.extend_from_slice(b"FRAME\n");
        planes.iter().for_each(|plane| file.extend_from_slice(plane));
    }
    file
}

/// R'G'B' to Y'CbCr by BT.601, studio range.
fn studio([red, green, blue]: [u8; 3]) -> [u8; 3] {
    let (r, g, b) = (f64::from(red) / 255.0, f64::from(green) / 255.0, f64::from(blue) / 255.0);
    let y = 0.299 * r + 0.587 * g + 0.114 * b;
    [16.0 + 219.0 * y, 128.0 + 224.0 * (b - y) / 1.772, 128.0 + 224.0 * (r - y) / 1.402]
        .map(|value| value.round() as u8)
}

/// Two seconds: a whole number of waves, so that the end fits the beginning.
fn tone() -> Vec<u8> {
    let samples: Vec<u8> = (0..RATE * 2)
        .map(|number| (std::f64::consts::TAU * TONE * f64::from(number) / f64::from(RATE)).sin() * 12_000.0)
        .flat_map(|sample| (sample as i16).to_le_bytes())
        .collect();
    let size = samples.len() as u32;
    let mut file = Vec::new();
    // RIFF, one chunk for the format: PCM, mono, 16 bits.
    file.extend(b"RIFF");
    file.extend((36 + size).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(RATE.to_le_bytes());
    file.extend((RATE * 2).to_le_bytes());
    file.extend(2_u16.to_le_bytes());
    file.extend(16_u16.to_le_bytes());
    file.extend(b"data");
    file.extend(size.to_le_bytes());
    file.extend(samples);
    file
}
