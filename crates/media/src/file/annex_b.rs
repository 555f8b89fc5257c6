//! H.264 as a byte stream (ITU-T H.264 Annex B): access units one behind the other, as they came.
//!
//! The format knows no times. What is read back is taken to come at a fixed rate; keep the times with a file of all
//! tracks, see [`Layout`](crate::file::Layout). Nor does it tell where a unit ends but by the next one's beginning:
//! the last access unit of a file that was cut off is given as far as it is there.

use std::io::{Read, Write};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use peerless::Format;

use crate::file::error::{Error, Fault};
use crate::file::input::Input;
use crate::file::nal;
use crate::file::sps::Sequence;
use crate::file::stored::{FRAME_LIMIT, StoredFrame, TrackInfo, from_ticks};

const CHUNK: usize = 64 << 10;

/// Writes access units.
#[derive(Debug)]
pub struct AnnexBWriter<W> {
    output: W,
}

impl<W: Write> AnnexBWriter<W> {
    /// There is no header.
    pub fn new(output: W) -> Self {
        Self { output }
    }

    /// Writes one access unit, as it is.
    ///
    /// # Errors
    /// When it does not begin with a start code, or what the system says.
    pub fn write(&mut self, frame: &StoredFrame) -> Result<(), Error> {
        if nal::find_start_code(&frame.payload, 0).is_none_or(|at| at > 1) {
            return Err(Error::Malformed { fault: Fault::Structure, at: 0 });
        }
        Ok(self.output.write_all(&frame.payload)?)
    }

    /// Hands what is buffered to the output.
    ///
    /// # Errors
    /// What the system says.
    pub fn flush(&mut self) -> Result<(), Error> {
        Ok(self.output.flush()?)
    }

    /// Gives the output back.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(mut self) -> Result<W, Error> {
        self.flush()?;
        Ok(self.output)
    }
}

/// Finds the access units again (§7.4.1.2.3).
#[derive(Debug)]
pub struct AnnexBReader<R> {
    input: Input<R>,
    info: TrackInfo,
    frames_per_second: u32,
    buffer: BytesMut,
    /// Up to here there is no further start code.
    scanned: usize,
    /// The access unit has a slice already, and whether one of an IDR picture.
    has_slice: bool,
    key: bool,
    /// The first access unit, which was read for its parameter set.
    first: Option<(Bytes, bool)>,
    count: u64,
    at_end: bool,
    ended: bool,
}

impl<R: Read> AnnexBReader<R> {
    /// Reads up to the first sequence parameter set. Frames are taken to come at a rate of 1 to 240 per second.
    ///
    /// # Errors
    /// When it is no byte stream, or its first access unit has no sequence parameter set.
    pub fn new(reader: R, frames_per_second: u32) -> Result<Self, Error> {
        let mut new = Self {
            input: Input::new(reader),
            info: TrackInfo::video(h264(0), None),
            frames_per_second: frames_per_second.clamp(1, 240),
            buffer: BytesMut::new(),
            scanned: 0,
            has_slice: false,
            key: false,
            first: None,
            count: 0,
            at_end: false,
            ended: false,
        };
        new.fill()?;
        if nal::find_start_code(&new.buffer, 0).is_none_or(|at| new.buffer.iter().take(at).any(|b| *b != 0)) {
            return Err(Error::Malformed { fault: Fault::Kind, at: 0 });
        }
        let first = new.read()?.ok_or(Error::NoKeyFrame)?;
        let sequence = nal::units(&first.0).find_map(Sequence::parse).ok_or(Error::NoKeyFrame)?;
        new.info = TrackInfo::video(h264(sequence.profile_level_id), Some(sequence.size));
        new.first = Some(first);
        Ok(new)
    }

    /// What the file holds.
    pub fn info(&self) -> TrackInfo {
        self.info
    }

    /// The next access unit; `None` at the end, and after an error.
    ///
    /// # Errors
    /// When an access unit is above [`FRAME_LIMIT`], or what the system says.
    pub fn next_frame(&mut self) -> Result<Option<StoredFrame>, Error> {
        if self.ended {
            return Ok(None);
        }
        let unit = match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => self.read(),
        };
        self.ended = !matches!(unit, Ok(Some(_)));
        let time: Duration = from_ticks(self.count, self.frames_per_second.into());
        self.count += 1;
        Ok(unit?.map(|(payload, key)| StoredFrame { time, key, payload }))
    }

    fn fill(&mut self) -> Result<(), Error> {
        if self.buffer.len() > FRAME_LIMIT {
            return Err(self.input.malformed(Fault::Oversized));
        }
        let len = self.buffer.len();
        self.buffer.resize(len + CHUNK, 0);
        let count = match self.buffer.get_mut(len..) {
            Some(room) => self.input.fill(room)?,
            None => 0,
        };
        self.buffer.truncate(len + count);
        self.at_end = count < CHUNK;
        Ok(())
    }

    /// One access unit, and whether it is of an IDR picture.
    fn read(&mut self) -> Result<Option<(Bytes, bool)>, Error> {
        loop {
            let found = nal::find_start_code(&self.buffer, self.scanned);
            // The header of the unit and the first byte of a slice decide.
            let unit = found.and_then(|at| Some((at, self.buffer.get(at + 3..)?)));
            match unit {
                Some((at, unit)) if unit.len() >= 2 || self.at_end => {
                    let kind = unit.first().map_or(0, |header| header & 0x1f);
                    let begins_picture = unit.get(1).is_some_and(|byte| byte & 0x80 != 0);
                    let begins = match kind {
                        1 | 2 | 5 => begins_picture,
                        6..=9 | 14..=18 => true,
                        _ => false,
                    };
                    if self.has_slice && begins {
                        return Ok(Some(self.cut(at)));
                    }
                    self.has_slice |= matches!(kind, 1..=5);
                    self.key |= kind == 5;
                    self.scanned = at + 3;
                }
                _ if self.at_end => {
                    let is_whole = self.has_slice;
                    let len = self.buffer.len();
                    return Ok(is_whole.then(|| self.cut(len)));
                }
                _ => {
                    // A start code may lie across the end of what is there.
                    self.scanned = found.unwrap_or(self.buffer.len().saturating_sub(2)).max(self.scanned);
                    self.fill()?;
                }
            }
        }
    }

    /// Takes the access unit in front of a start code; a zero before that belongs to the code (§B.1.2).
    fn cut(&mut self, at: usize) -> (Bytes, bool) {
        let is_long = at < self.buffer.len() && at > 0 && self.buffer.get(at - 1) == Some(&0);
        let unit = self.buffer.split_to(if is_long { at - 1 } else { at }).freeze();
        let key = self.key;
        (self.scanned, self.has_slice, self.key) = (0, false, false);
        (unit, key)
    }
}

/// The format of a file, which may be sent in any packetization mode that its units fit into.
pub(crate) fn h264(profile_level_id: u32) -> Format {
    Format::H264 { packetization_mode: 1, profile_level_id }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPS: &[u8] = &[0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe8, 0x40];
    const PPS: &[u8] = &[0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80];

    fn key() -> Vec<u8> {
        [SPS, PPS, &[0, 0, 0, 1, 0x65, 0x88, 1, 2], &[0, 0, 1, 0x65, 0x40, 3, 4]].concat()
    }

    fn units() -> Vec<Vec<u8>> {
        let delta = [0, 0, 0, 1, 0x41, 0x9a, 7];
        let two_slices = [&[0, 0, 0, 1, 0x06, 5, 1, 0x80][..], &delta, &[0, 0, 0, 1, 0x41, 0x30, 8]].concat();
        let delimited = [&[0, 0, 0, 1, 0x09, 0xf0][..], &delta].concat();
        let long = [&delta[..], &vec![0x55; 200_000]].concat();
        vec![key(), delta.to_vec(), two_slices, long, delta.to_vec(), key(), delimited, delta.to_vec()]
    }

    fn file(units: &[Vec<u8>]) -> Vec<u8> {
        let mut writer = AnnexBWriter::new(Vec::new());
        for unit in units {
            let payload = Bytes::copy_from_slice(unit);
            writer.write(&StoredFrame { time: Duration::ZERO, key: false, payload }).unwrap();
        }
        writer.finish().unwrap()
    }

    /// A reader that gives a few bytes at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let len = buffer.len().min(3_000);
            self.0.read(&mut buffer[..len])
        }
    }

    #[test]
    fn access_units_are_found_again_as_they_were_written() {
        let units = units();
        let bytes = file(&units);
        let mut reader = AnnexBReader::new(Slow(&bytes), 25).unwrap();
        assert_eq!(reader.info(), TrackInfo::video(h264(0x42_c01f), Some((1280, 720))));
        for (number, unit) in units.iter().enumerate() {
            let frame = reader.next_frame().unwrap().unwrap();
            assert_eq!(frame.payload, unit, "{number}");
            assert_eq!((frame.key, frame.time), (number == 0 || number == 5, from_ticks(number as u64, 25)));
        }
        assert!(reader.next_frame().unwrap().is_none() && reader.next_frame().unwrap().is_none());
    }

    #[test]
    fn a_file_cut_anywhere_gives_what_is_there() {
        let units: Vec<_> = units().into_iter().filter(|unit| unit.len() < 1_000).collect();
        let bytes = file(&units);
        for len in 0..bytes.len() {
            let Ok(mut reader) = AnnexBReader::new(&bytes[..len], 25) else { continue };
            let mut joined = Vec::new();
            while let Some(frame) = reader.next_frame().unwrap() {
                joined.extend_from_slice(&frame.payload);
            }
            assert!(bytes[..len].starts_with(&joined));
        }
    }

    #[test]
    fn what_is_no_stream_is_refused() {
        assert!(matches!(AnnexBReader::new(&b"RIFF"[..], 30), Err(Error::Malformed { .. })));
        assert!(matches!(AnnexBReader::new(&[0u8; 100][..], 30), Err(Error::Malformed { .. })));
        let delta = file(&units()[1..2]);
        assert!(matches!(AnnexBReader::new(&delta[..], 30), Err(Error::NoKeyFrame)));
    }
}
