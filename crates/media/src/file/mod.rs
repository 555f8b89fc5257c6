//! Frames kept in files and sent again, as they are: nothing is encoded anew.
//!
//! One file per format: IVF (VP8), Annex B (H.264), Ogg (Opus, RFC 7845), WAV (G.711, G.722, L16), Y4M (pictures that
//! were decoded). A [`Recorder`] keeps received frames, a [`FileSource`] reads them back, and a [`FilePlayer`] writes
//! them to a [`LocalTrack`](peerless::LocalTrack) in their own time.
//!
//! Readers take any bytes: what is whole is given, then a clear error, with memory bounded by [`FRAME_LIMIT`].

mod error;
mod stored;
mod input;
mod timeline;
mod size;
mod ivf;
mod writer;
mod outcome;
mod ledger;
mod keep;
mod record;
mod source;
mod lane;
mod play;

pub use error::{Error, Fault, FileError};
pub use ivf::{IvfReader, IvfWriter};
pub use ledger::{Layout, RecorderOptions, RecorderStats, TrackStats};
pub use play::{FilePlayer, KeyFrames, PlayEnd, PlayError, PlayOptions, PlayStats};
pub use record::{Recorder, RecorderTrack};
pub use source::FileSource;
pub use stored::{FRAME_LIMIT, StoredFrame, TrackInfo};
