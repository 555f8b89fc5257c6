//! Keeps received frames in files, on a thread of its own, so that a slow disk never delays the network.
//!
//! What waits for the disk is bounded by [`RecorderOptions::queue_limit`]; above it frames are left out and counted,
//! video up to its next key frame, so that no file holds a picture that cannot be decoded.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use peerless::{Codec, Format, Frame, MediaKind, RemoteTrack};

use crate::file::error::{Error, FileError};
use crate::file::keep::{self, Keeper};
use crate::file::ledger::{RecorderOptions, RecorderStats, Shared, Task, TrackState, TrackStats};
use crate::file::writer;

/// Keeps frames in the files of one folder. Dropping it lets the files be finished in the background;
/// [`finish`](Self::finish) waits for that.
#[derive(Debug)]
pub struct Recorder {
    shared: Arc<Shared>,
    options: RecorderOptions,
}

/// One track of a recorder. Cheap to clone; frames go in through [`write`](Self::write).
#[derive(Debug, Clone)]
pub struct RecorderTrack {
    state: Arc<TrackState>,
    shared: Arc<Shared>,
}

impl Recorder {
    /// Makes the folder, where it is not there, and starts the thread. Blocks for that long.
    ///
    /// # Errors
    /// When the folder cannot be made, or the system gives no thread.
    pub fn new(folder: impl Into<PathBuf>, options: RecorderOptions) -> Result<Self, FileError> {
        let folder = folder.into();
        let told = |error: std::io::Error| Error::from(error).in_file(&folder);
        std::fs::create_dir_all(&folder).map_err(told)?;
        let shared = Arc::new(Shared::new(&options));
        let keeper = Keeper::new(folder.clone(), &options);
        let own = shared.clone();
        let thread = thread::Builder::new().name("peerless-record".to_owned());
        thread.spawn(move || keep::run(&own, keeper)).map_err(told)?;
        Ok(Self { shared, options })
    }

    /// Adds a track. Its files are called `name`, made plain (letters, digits, `-`, `_`) and unlike any other's. The
    /// codec is needed for L16 only: rate and channels are not in its frames. A file with all tracks begins once each
    /// track added has brought a frame, or three seconds after the first.
    pub fn add_track(&self, kind: MediaKind, name: &str, codec: Option<Codec>) -> RecorderTrack {
        let mut tracks = self.shared.tracks();
        let plain = writer::plain_name(name);
        let is_taken = |name: &String| {
            tracks.iter().any(|track| track.stats().name == *name) || *name == self.options.combined_name
        };
        let mut unique = plain.clone();
        let mut number = 2;
        while is_taken(&unique) {
            unique = format!("{plain}_{number}");
            number += 1;
        }
        let state = Arc::new(TrackState {
            number: tracks.len(),
            kind,
            stats: Mutex::new(TrackStats { name: unique, ..TrackStats::default() }),
            awaits_key: AtomicBool::new(kind == MediaKind::Video),
        });
        tracks.push(state.clone());
        drop(tracks);
        let track = RecorderTrack { state, shared: self.shared.clone() };
        if let Some(codec) = codec {
            track.set_codec(codec);
        }
        track
    }

    /// What it did so far.
    pub fn stats(&self) -> RecorderStats {
        self.shared.stats()
    }

    /// Ends all tracks, and waits until all files are whole.
    pub async fn finish(self) -> RecorderStats {
        self.shared.close();
        self.shared.finished.wait().await;
        self.shared.stats()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl RecorderTrack {
    /// Keeps a frame that was received. Never waits and never fails: what becomes of it is in [`stats`](Self::stats).
    pub fn write(&self, frame: &Frame) {
        let taken = self.awaits(frame) && self.shared.push(&self.state, frame);
        if !taken {
            self.state.stats().dropped += 1;
        }
        if self.state.kind == MediaKind::Video {
            self.state.awaits_key.store(!taken, Ordering::Relaxed);
        }
    }

    /// Whether a frame may be taken: with a gap before it, only one that needs none before it.
    fn awaits(&self, frame: &Frame) -> bool {
        frame.key || !self.state.awaits_key.load(Ordering::Relaxed)
    }

    /// Keeps all frames of a remote track until it ends, having asked for a key frame of video. Give it a
    /// [`fork`](RemoteTrack::fork) of a track that is shown as well.
    pub async fn follow(&self, track: RemoteTrack) {
        if track.kind() == MediaKind::Video {
            track.request_key_frame();
        }
        let mut told = None;
        while let Some(frame) = track.recv().await {
            if frame.format == Format::L16 && told != track.codec() {
                told = track.codec();
                told.clone().into_iter().for_each(|codec| self.set_codec(codec));
            }
            self.write(&frame);
        }
        self.end();
    }

    /// Tells the codec from the next frame on. Needed for L16 only.
    pub fn set_codec(&self, codec: Codec) {
        self.shared.tell(&self.state, Task::Codec(codec));
    }

    /// No frame will come any more: its file is finished. Later frames begin another.
    pub fn end(&self) {
        self.shared.tell(&self.state, Task::End);
    }

    /// What became of it so far.
    pub fn stats(&self) -> TrackStats {
        self.state.stats().clone()
    }
}
