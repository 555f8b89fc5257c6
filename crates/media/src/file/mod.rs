//! Frames kept in files and sent again, as they are: nothing is encoded anew.
//!
//! One file per format: IVF (VP8), Annex B (H.264), Ogg (Opus, RFC 7845), WAV (G.711, G.722, L16), Y4M (pictures that
//! were decoded), and Matroska or WebM (RFC 9559) with all tracks. A [`Recorder`] keeps received frames, a
//! [`FileSource`] reads them back, and a [`FilePlayer`] writes them to a [`LocalTrack`](peerless::LocalTrack) in their
//! own time.
//!
//! ```no_run
//! # async fn example(track: peerless::RemoteTrack) -> Result<(), peerless_media::file::FileError> {
//! use peerless_media::file::{Recorder, RecorderOptions};
//! let recorder = Recorder::new("recordings", RecorderOptions::default())?;
//! recorder.add_track(track.kind(), "camera", None).follow(track).await;
//! println!("{:?}", recorder.finish().await.tracks);
//! # Ok(())
//! # }
//! ```
//!
//! Readers take any bytes: what is whole is given, then a clear error, with memory bounded by [`FRAME_LIMIT`].

mod error;
mod stored;
mod input;
mod timeline;
mod size;
mod sps;
mod nal;
mod ivf;
mod annex_b;
mod ogg;
mod ogg_opus;
mod wav;
mod y4m;
mod matroska;
mod writer;
mod outcome;
mod ledger;
mod combined;
mod keep;
mod record;
mod source;
mod lane;
mod play;

pub use annex_b::{AnnexBReader, AnnexBWriter};
pub use error::{Error, Fault, FileError};
pub use ivf::{IvfReader, IvfWriter};
pub use ledger::{Layout, RecorderOptions, RecorderStats, TrackStats};
pub use matroska::{MatroskaReader, MatroskaWriter};
pub use ogg_opus::{OggOpusReader, OggOpusWriter};
pub use play::{FilePlayer, KeyFrames, PlayEnd, PlayError, PlayOptions, PlayStats};
pub use record::{Recorder, RecorderTrack};
pub use source::FileSource;
pub use stored::{FRAME_LIMIT, StoredFrame, TrackInfo};
pub use wav::{WavReader, WavWriter};
pub use y4m::{Y4mReader, Y4mWriter};
