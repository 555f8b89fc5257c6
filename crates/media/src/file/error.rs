//! Why a file could not be written or read.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use peerless::Format;

/// Why something could not be written or read, wherever it lies.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The device, or our share of it, is full.
    #[error("no room left")]
    Full,
    /// What the system said.
    #[error("{0}")]
    Io(Arc<io::Error>),
    /// The file ends in the middle of something; all that came before was whole.
    #[error("cut off at byte {at}")]
    Truncated {
        /// Where the file ends.
        at: u64,
    },
    /// The bytes are not what the format says.
    #[error("{fault} at byte {at}")]
    Malformed {
        /// What is wrong.
        fault: Fault,
        /// About where.
        at: u64,
    },
    /// No file of this kind can hold the codec.
    #[error("{} does not go into this kind of file", .0.name())]
    Unsupported(Format),
    /// L16 comes at many rates, and the rate was not told: give the codec to
    /// [`RecorderTrack::set_codec`](crate::file::RecorderTrack::set_codec).
    #[error("the sample rate and the channels are not known")]
    UnknownRate,
    /// The pictures have another size than those before, which this format cannot hold.
    #[error("a picture of {}x{} after pictures of {}x{}", got.0, got.1, before.0, before.1)]
    SizeChanged {
        /// Width and height that came.
        got: (u32, u32),
        /// Width and height of the file.
        before: (u32, u32),
    },
    /// The file cannot become larger in its format: begin another.
    #[error("the file is as large as its format allows")]
    TooLong,
    /// The first frame of a video track is no key frame, or one whose header cannot be read.
    #[error("video begins with a key frame, and this is none")]
    NoKeyFrame,
}

/// What is wrong with bytes that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It begins like none of our formats.
    #[error("no file of a known kind")]
    Kind,
    /// A header with impossible values.
    #[error("an impossible header")]
    Header,
    /// A frame, page or element longer than [`FRAME_LIMIT`](crate::file::FRAME_LIMIT).
    #[error("an oversized part")]
    Oversized,
    /// A codec that we do not send.
    #[error("an unknown codec")]
    Codec,
    /// A page whose checksum is wrong.
    #[error("a wrong checksum")]
    Checksum,
    /// Parts in an order that the format forbids, or nested too deeply.
    #[error("parts out of order")]
    Structure,
    /// Several frames in one block of Matroska (RFC 9559 §10.3), which we do not take apart.
    #[error("laced frames")]
    Lacing,
    /// No track of the kind that was asked for.
    #[error("no such track")]
    NoTrack,
}

/// An error with the file that it happened in.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}: {error}", path.display())]
pub struct FileError {
    /// Which file or folder.
    pub path: PathBuf,
    /// What happened.
    #[source]
    pub error: Error,
}

impl Error {
    pub(crate) fn in_file(self, path: &Path) -> FileError {
        FileError { path: path.to_owned(), error: self }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io(Arc::new(error)),
        }
    }
}
