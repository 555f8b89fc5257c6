//! The file for one track: which format holds which codec, and its name.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use peerless::Format;

use crate::file::error::{Error, FileError};
use crate::file::ivf::IvfWriter;
use crate::file::size;
use crate::file::stored::{StoredFrame, TrackInfo};

/// Where all files are written to.
pub(crate) type Output = BufWriter<File>;

/// More recordings of one name than this in one folder are refused.
const NUMBER_LIMIT: u32 = 100_000;

/// One open file of one track.
#[derive(Debug)]
pub(crate) struct TrackFile {
    pub(crate) path: PathBuf,
    pub(crate) format: Format,
    info: TrackInfo,
    writer: Writer,
}

#[derive(Debug)]
enum Writer {
    Ivf(IvfWriter<Output>),
}

impl TrackFile {
    /// Makes a new file for a track that begins with `first`; never over another file.
    pub(crate) fn create(
        folder: &Path,
        name: &str,
        info: &TrackInfo,
        first: &StoredFrame,
    ) -> Result<Self, FileError> {
        let extension = extension(info.format).map_err(|error| error.in_file(&folder.join(name)))?;
        let (path, output) = create(folder, name, extension)?;
        let writer = Writer::new(output, info, first).map_err(|error| error.in_file(&path))?;
        Ok(Self { path, format: info.format, info: *info, writer })
    }

    /// Whether frames of this kind go on here.
    pub(crate) fn takes(&self, info: &TrackInfo) -> bool {
        std::mem::discriminant(&self.format) == std::mem::discriminant(&info.format)
            && (self.info.clock_rate, self.info.channels) == (info.clock_rate, info.channels)
    }

    /// Hands what is buffered to the system.
    pub(crate) fn flush(&mut self) -> Result<(), FileError> {
        let result = match &mut self.writer {
            Writer::Ivf(writer) => writer.flush(),
        };
        result.map_err(|error| error.in_file(&self.path))
    }

    pub(crate) fn write(&mut self, frame: &StoredFrame) -> Result<(), FileError> {
        let result = match &mut self.writer {
            Writer::Ivf(writer) => writer.write(frame),
        };
        result.map_err(|error| error.in_file(&self.path))
    }

    pub(crate) fn finish(self) -> Result<(), FileError> {
        let output = match self.writer {
            Writer::Ivf(writer) => writer.finish(),
        };
        let flushed = output.and_then(|mut output| Ok(output.flush()?));
        flushed.map_err(|error| error.in_file(&self.path))
    }
}

impl Writer {
    fn new(output: Output, info: &TrackInfo, first: &StoredFrame) -> Result<Self, Error> {
        match info.format {
            Format::Vp8 => {
                let size = size::vp8_size(&first.payload).ok_or(Error::NoKeyFrame)?;
                Ok(Self::Ivf(IvfWriter::new(output, size)?))
            }
            format => Err(Error::Unsupported(format)),
        }
    }
}

/// How the file for a format is called.
fn extension(format: Format) -> Result<&'static str, Error> {
    match format {
        Format::Vp8 => Ok("ivf"),
        format => Err(Error::Unsupported(format)),
    }
}

/// Makes `name.extension` in a folder, or `name-2.extension` and so on where that is there already.
pub(crate) fn create(folder: &Path, name: &str, extension: &str) -> Result<(PathBuf, Output), FileError> {
    let mut path = folder.join(format!("{name}.{extension}"));
    for number in 2..NUMBER_LIMIT {
        match File::options().read(true).write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, BufWriter::with_capacity(64 << 10, file))),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                path = folder.join(format!("{name}-{number}.{extension}"));
            }
            Err(error) => return Err(Error::from(error).in_file(&path)),
        }
    }
    Err(Error::TooLong.in_file(&path))
}

/// A name that is one part of a path and nothing else: letters, digits, `-` and `_`, at most 64 of them.
pub(crate) fn plain_name(name: &str) -> String {
    let plain = |letter: char| if letter.is_alphanumeric() || letter == '-' { letter } else { '_' };
    let name: String = name.chars().take(64).map(plain).collect();
    if name.is_empty() { "track".to_owned() } else { name }
}
