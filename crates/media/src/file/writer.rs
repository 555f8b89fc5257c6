//! The file for one track: which format holds which codec, and its name.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use peerless::Format;

use crate::file::annex_b::AnnexBWriter;
use crate::file::error::{Error, FileError};
use crate::file::ivf::IvfWriter;
use crate::file::nal;
use crate::file::ogg_opus::OggOpusWriter;
use crate::file::size;
use crate::file::sps::Sequence;
use crate::file::stored::{StoredFrame, TrackInfo};
use crate::file::wav::WavWriter;

/// Where all files are written to.
pub(crate) type Output = BufWriter<File>;

/// More recordings of one name than this in one folder are refused.
const NUMBER_LIMIT: u32 = 100_000;

/// One open file of one track.
#[derive(Debug)]
pub(crate) struct TrackFile {
    pub(crate) path: PathBuf,
    pub(crate) info: TrackInfo,
    writer: Writer,
}

#[derive(Debug)]
enum Writer {
    Ivf(IvfWriter<Output>),
    AnnexB(AnnexBWriter<Output>),
    OggOpus(OggOpusWriter<Output>),
    Wav(WavWriter<Output>),
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
        Ok(Self { path, info: *info, writer })
    }

    /// Whether frames of this kind go on here.
    pub(crate) fn takes(&self, info: &TrackInfo) -> bool {
        self.info.is_alike(info)
    }

    /// Hands what is buffered to the system.
    pub(crate) fn flush(&mut self) -> Result<(), FileError> {
        let result = match &mut self.writer {
            Writer::Ivf(writer) => writer.flush(),
            Writer::AnnexB(writer) => writer.flush(),
            Writer::OggOpus(writer) => writer.flush(),
            Writer::Wav(writer) => writer.flush(),
        };
        result.map_err(|error| error.in_file(&self.path))
    }

    pub(crate) fn write(&mut self, frame: &StoredFrame) -> Result<(), FileError> {
        let result = match &mut self.writer {
            Writer::Ivf(writer) => writer.write(frame),
            Writer::AnnexB(writer) => writer.write(frame),
            Writer::OggOpus(writer) => writer.write(frame),
            Writer::Wav(writer) => writer.write(frame),
        };
        result.map_err(|error| error.in_file(&self.path))
    }

    pub(crate) fn finish(self) -> Result<(), FileError> {
        let output = match self.writer {
            Writer::Ivf(writer) => writer.finish(),
            Writer::AnnexB(writer) => writer.finish(),
            Writer::OggOpus(writer) => writer.finish(),
            Writer::Wav(writer) => writer.finish(),
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
            Format::H264 { .. } => {
                nal::units(&first.payload).find_map(Sequence::parse).ok_or(Error::NoKeyFrame)?;
                Ok(Self::AnnexB(AnnexBWriter::new(output)))
            }
            Format::Opus => Ok(Self::OggOpus(OggOpusWriter::new(output, SERIAL)?)),
            Format::Pcmu | Format::Pcma | Format::G722 | Format::L16 => {
                Ok(Self::Wav(WavWriter::new(output, info)?))
            }
            format => Err(Error::Unsupported(format)),
        }
    }
}

/// The one stream in each of our Ogg files.
const SERIAL: u32 = 0x5065_6572;

/// How the file for a format is called.
fn extension(format: Format) -> Result<&'static str, Error> {
    match format {
        Format::Vp8 => Ok("ivf"),
        Format::H264 { .. } => Ok("h264"),
        Format::Opus => Ok("opus"),
        Format::Pcmu | Format::Pcma | Format::G722 | Format::L16 => Ok("wav"),
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
