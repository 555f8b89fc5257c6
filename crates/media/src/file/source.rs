//! One track of a recorded file, read frame by frame.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use peerless::MediaKind;

use crate::file::annex_b::AnnexBReader;
use crate::file::error::{Error, Fault, FileError};
use crate::file::ivf::IvfReader;
use crate::file::matroska::MatroskaReader;
use crate::file::ogg_opus::OggOpusReader;
use crate::file::stored::{StoredFrame, TrackInfo};
use crate::file::wav::WavReader;

/// A track of a file, from its beginning on. Reading blocks for as long as the disk does.
#[derive(Debug)]
pub struct FileSource {
    path: PathBuf,
    kind: Option<MediaKind>,
    frames_per_second: u32,
    info: TrackInfo,
    reader: Reader,
}

#[derive(Debug)]
enum Reader {
    Ivf(IvfReader<Input>),
    /// The format does not know times.
    AnnexB(AnnexBReader<Input>),
    OggOpus(OggOpusReader<Input>),
    Wav(WavReader<Input>),
    /// And the number of the track.
    Matroska(Box<MatroskaReader<Input>>, u64),
}

type Input = BufReader<File>;

/// Pictures per second of a file that does not tell.
const FRAMES_PER_SECOND: u32 = 30;

impl FileSource {
    /// Opens a file, whose kind is told by its first bytes. `kind` chooses the track where there may be several; the
    /// first of the file without.
    ///
    /// # Errors
    /// When the file cannot be opened, is of no known kind, or has no such track.
    pub fn open(path: impl Into<PathBuf>, kind: Option<MediaKind>) -> Result<Self, FileError> {
        Self::open_at(path, kind, FRAMES_PER_SECOND)
    }

    /// The same, with the pictures per second, 1 to 240, of a file that does not tell its times: Annex B, which is
    /// taken to have 30 otherwise.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_at(
        path: impl Into<PathBuf>,
        kind: Option<MediaKind>,
        frames_per_second: u32,
    ) -> Result<Self, FileError> {
        let path = path.into();
        let opened = open(&path, kind, frames_per_second);
        let (reader, info) = opened.map_err(|error| error.in_file(&path))?;
        Ok(Self { path, kind, frames_per_second, info, reader })
    }

    /// What the frames are.
    pub fn info(&self) -> &TrackInfo {
        &self.info
    }

    /// Where it reads.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next frame; `None` at the end, and after an error.
    ///
    /// # Errors
    /// When the file is cut off or broken; all frames before were whole.
    pub fn next_frame(&mut self) -> Result<Option<StoredFrame>, FileError> {
        let frame = match &mut self.reader {
            Reader::Ivf(reader) => reader.next_frame(),
            Reader::AnnexB(reader) => reader.next_frame(),
            Reader::OggOpus(reader) => reader.next_frame(),
            Reader::Wav(reader) => reader.next_frame(),
            Reader::Matroska(reader, number) => next_of(reader, *number),
        };
        frame.map_err(|error| error.in_file(&self.path))
    }

    /// Goes back to the first frame.
    ///
    /// # Errors
    /// When the file cannot be opened any more.
    pub fn rewind(&mut self) -> Result<(), FileError> {
        let opened = open(&self.path, self.kind, self.frames_per_second);
        let (reader, info) = opened.map_err(|error| error.in_file(&self.path))?;
        (self.reader, self.info) = (reader, info);
        Ok(())
    }
}

fn open(path: &Path, kind: Option<MediaKind>, frames_per_second: u32) -> Result<(Reader, TrackInfo), Error> {
    let mut file = File::open(path)?;
    let mut start = Vec::new();
    file.by_ref().take(4).read_to_end(&mut start)?;
    file.rewind()?;
    let file = BufReader::with_capacity(64 << 10, file);
    let (reader, info) = match start.as_slice() {
        b"DKIF" => {
            let reader = IvfReader::new(file)?;
            let info = reader.info();
            (Reader::Ivf(reader), info)
        }
        b"OggS" => {
            let reader = OggOpusReader::new(file)?;
            let info = reader.info();
            (Reader::OggOpus(reader), info)
        }
        b"RIFF" => {
            let reader = WavReader::new(file)?;
            let info = reader.info();
            (Reader::Wav(reader), info)
        }
        [0x1a, 0x45, 0xdf, 0xa3] => {
            let reader = MatroskaReader::new(file)?;
            let wanted = |info: &TrackInfo| kind.is_none_or(|kind| kind == info.kind());
            let track = reader.tracks().find(|(_, info)| wanted(info));
            let (number, info) = track.ok_or(Error::Malformed { fault: Fault::NoTrack, at: 0 })?;
            (Reader::Matroska(Box::new(reader), number), info)
        }
        [0, 0, 0, 1] | [0, 0, 1, _] => {
            let reader = AnnexBReader::new(file, frames_per_second)?;
            let info = reader.info();
            (Reader::AnnexB(reader), info)
        }
        _ => return Err(Error::Malformed { fault: Fault::Kind, at: 0 }),
    };
    if kind.is_some_and(|kind| kind != info.kind()) {
        return Err(Error::Malformed { fault: Fault::NoTrack, at: 0 });
    }
    Ok((reader, info))
}

/// The next frame of one track.
fn next_of(reader: &mut MatroskaReader<Input>, number: u64) -> Result<Option<StoredFrame>, Error> {
    loop {
        match reader.next_frame()? {
            Some((track, frame)) if track == number => return Ok(Some(frame)),
            Some(_) => {}
            None => return Ok(None),
        }
    }
}
