//! The one file with all tracks of a recording.
//!
//! A Matroska file tells its tracks before its first frame. So it begins once every track that was added has brought
//! a frame, or [`PATIENCE`] after the first; until then frames wait. A track that comes later, or one that changes its
//! codec, begins another file, and in that video waits for its next key frame. A change of the pictures' size goes on
//! in the same file: key frames carry theirs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::file::error::{Error, FileError};
use crate::file::matroska::MatroskaWriter;
use crate::file::stored::{StoredFrame, TrackInfo};
use crate::file::writer::{self, Output};

/// How long the tracks that have come wait for those that have not.
const PATIENCE: Duration = Duration::from_secs(3);
/// Frames and bytes that may wait for that.
const WAITING_FRAMES: usize = 4_096;
const WAITING_BYTES: usize = 32 << 20;

/// The file being written, or being waited for.
#[derive(Debug)]
pub(crate) struct Combined {
    folder: PathBuf,
    name: String,
    waiting: Vec<(usize, TrackInfo, StoredFrame)>,
    waiting_bytes: usize,
    open: Option<Open>,
    /// Where the file stands in the recording.
    start: Duration,
    /// It could not be written, and is given up.
    failed: bool,
}

#[derive(Debug)]
struct Open {
    path: PathBuf,
    writer: MatroskaWriter<Output>,
    /// The recorder's numbers of its tracks, and what they were at its beginning.
    tracks: Vec<(usize, TrackInfo)>,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Kept,
    Dropped,
}

impl Combined {
    pub(crate) fn new(folder: &Path, name: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            name: writer::plain_name(name),
            waiting: Vec::new(),
            waiting_bytes: 0,
            open: None,
            start: Duration::ZERO,
            failed: false,
        }
    }

    /// Takes a frame of a track; `expected` tracks were added. New files are told to `opened`.
    ///
    /// Errs once, when the file cannot be written; what comes later is dropped.
    pub(crate) fn write(
        &mut self,
        track: usize,
        (info, frame): (&TrackInfo, &StoredFrame),
        expected: usize,
        opened: &mut Vec<PathBuf>,
    ) -> Result<Fate, FileError> {
        if self.failed {
            return Ok(Fate::Dropped);
        }
        let written = self.try_write(track, (info, frame), expected, opened);
        if written.is_err() {
            self.failed = true;
            self.waiting.clear();
            // What is there may still be of use; that it could not be finished either is no news.
            if let Some(open) = self.open.take() {
                let _ = open.finish();
            }
        }
        written
    }

    fn try_write(
        &mut self,
        track: usize,
        (info, frame): (&TrackInfo, &StoredFrame),
        expected: usize,
        opened: &mut Vec<PathBuf>,
    ) -> Result<Fate, FileError> {
        if let Some(open) = &mut self.open {
            let known = open.tracks.iter().position(|(number, _)| *number == track);
            if let Some(index) = known.filter(|index| open.is_same(*index, info)) {
                open.write(index, frame, self.start)?;
                return Ok(Fate::Kept);
            }
            if !frame.key {
                return Ok(Fate::Dropped);
            }
            self.end()?;
        }
        let is_first = !self.waiting.iter().any(|(number, _, _)| *number == track);
        if is_first && !frame.key {
            return Ok(Fate::Dropped);
        }
        self.waiting_bytes += frame.payload.len();
        self.waiting.push((track, *info, frame.clone()));
        let first = self.waiting.first().map_or(frame.time, |(_, _, first)| first.time);
        let is_due = self.seen().len() >= expected
            || frame.time.saturating_sub(first) >= PATIENCE
            || self.waiting.len() >= WAITING_FRAMES
            || self.waiting_bytes >= WAITING_BYTES;
        if is_due {
            self.begin(opened)?;
        }
        Ok(Fate::Kept)
    }

    /// The first frame of each track that waits.
    fn seen(&self) -> Vec<(usize, TrackInfo, StoredFrame)> {
        let mut seen: Vec<(usize, TrackInfo, StoredFrame)> = Vec::new();
        for (number, info, frame) in &self.waiting {
            if !seen.iter().any(|(other, _, _)| other == number) {
                seen.push((*number, *info, frame.clone()));
            }
        }
        seen.sort_by_key(|(number, _, _)| *number);
        seen
    }

    /// Makes the file and writes what waited.
    fn begin(&mut self, opened: &mut Vec<PathBuf>) -> Result<(), FileError> {
        let seen = self.seen();
        let mut waiting = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        waiting.sort_by_key(|(_, _, frame)| frame.time);
        self.start = waiting.first().map_or(Duration::ZERO, |(_, _, frame)| frame.time);
        let mut open = Open::new(&self.folder, &self.name, &seen)?;
        opened.push(open.path.clone());
        for (number, info, frame) in &waiting {
            let index = open.tracks.iter().position(|(track, _)| track == number);
            // A track that changed its codec while it waited goes on in the next file.
            if let Some(index) = index.filter(|index| open.is_same(*index, info)) {
                open.write(index, frame, self.start)?;
            }
        }
        self.open = Some(open);
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> Result<(), FileError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        open.writer.flush().map_err(|error| error.in_file(&open.path))
    }

    fn end(&mut self) -> Result<(), FileError> {
        self.open.take().map_or(Ok(()), Open::finish)
    }

    /// Writes what still waits, and finishes the file.
    pub(crate) fn finish(mut self, opened: &mut Vec<PathBuf>) -> Result<(), FileError> {
        if !self.waiting.is_empty() {
            self.begin(opened)?;
        }
        self.end()
    }
}

impl Open {
    fn new(folder: &Path, name: &str, seen: &[(usize, TrackInfo, StoredFrame)]) -> Result<Self, FileError> {
        let tracks: Vec<_> = seen.iter().map(|(_, info, frame)| (*info, frame.clone())).collect();
        let is_webm = MatroskaWriter::<Output>::would_be_webm(&tracks);
        let (path, output) = writer::create(folder, name, if is_webm { "webm" } else { "mkv" })?;
        let writer = MatroskaWriter::new(output, &tracks).map_err(|error: Error| error.in_file(&path))?;
        let tracks = seen.iter().map(|(number, info, _)| (*number, *info)).collect();
        Ok(Self { path, writer, tracks })
    }

    fn is_same(&self, index: usize, info: &TrackInfo) -> bool {
        self.tracks.get(index).is_some_and(|(_, known)| known.is_alike(info))
    }

    fn write(&mut self, index: usize, frame: &StoredFrame, start: Duration) -> Result<(), FileError> {
        let frame = StoredFrame { time: frame.time.saturating_sub(start), ..frame.clone() };
        self.writer.write(index, &frame).map_err(|error| error.in_file(&self.path))
    }

    fn finish(self) -> Result<(), FileError> {
        self.writer.finish().map(drop).map_err(|error| error.in_file(&self.path))
    }
}
