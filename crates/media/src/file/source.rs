//! One track of a recorded file, read frame by frame.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use peerless::MediaKind;

use crate::file::error::{Error, Fault, FileError};
use crate::file::ivf::IvfReader;
use crate::file::stored::{StoredFrame, TrackInfo};

/// A track of a file, from its beginning on. Reading blocks for as long as the disk does.
#[derive(Debug)]
pub struct FileSource {
    path: PathBuf,
    kind: Option<MediaKind>,
    info: TrackInfo,
    reader: Reader,
}

#[derive(Debug)]
enum Reader {
    Ivf(IvfReader<BufReader<File>>),
}

impl FileSource {
    /// Opens a file, whose kind is told by its first bytes. `kind` chooses the track where there may be several; the
    /// first of the file without.
    ///
    /// # Errors
    /// When the file cannot be opened, is of no known kind, or has no such track.
    pub fn open(path: impl Into<PathBuf>, kind: Option<MediaKind>) -> Result<Self, FileError> {
        let path = path.into();
        let (reader, info) = open(&path, kind).map_err(|error| error.in_file(&path))?;
        Ok(Self { path, kind, info, reader })
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
        };
        frame.map_err(|error| error.in_file(&self.path))
    }

    /// Goes back to the first frame.
    ///
    /// # Errors
    /// When the file cannot be opened any more.
    pub fn rewind(&mut self) -> Result<(), FileError> {
        let (reader, info) = open(&self.path, self.kind).map_err(|error| error.in_file(&self.path))?;
        (self.reader, self.info) = (reader, info);
        Ok(())
    }
}

fn open(path: &Path, kind: Option<MediaKind>) -> Result<(Reader, TrackInfo), Error> {
    let file = BufReader::with_capacity(64 << 10, File::open(path)?);
    let reader = IvfReader::new(file)?;
    let info = reader.info();
    if kind.is_some_and(|kind| kind != info.kind()) {
        return Err(Error::Malformed { fault: Fault::NoTrack, at: 0 });
    }
    Ok((Reader::Ivf(reader), info))
}
