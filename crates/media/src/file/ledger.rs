//! What the two sides of a recorder share: its options, its tally, and the bounded queue of what waits for the disk.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use peerless::{Codec, Format, Frame, MediaKind};

use crate::file::error::FileError;
use crate::file::outcome::Outcome;

/// Frames that may wait, whatever their size.
const WAITING_LIMIT: usize = 4_096;
/// Payloads below this are copied when they wait, so that they do not hold a whole block of received datagrams.
const SMALL: usize = 2_048;
/// What is written reaches the system at least this often: that much a killed program loses.
pub(crate) const FLUSH_INTERVAL: Duration = Duration::from_secs(1);

/// Which files are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// A file for each track, in the format that suits its codec: `NAME.ivf` (VP8), `NAME.h264`, `NAME.opus`,
    /// `NAME.wav` (G.711, G.722, L16).
    #[default]
    Separate,
    /// One file with all tracks: WebM where they are VP8 and Opus, else Matroska.
    Combined,
    /// Both of these.
    Both,
}

/// How a [`Recorder`](crate::file::Recorder) works.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecorderOptions {
    /// Which files are made.
    pub layout: Layout,
    /// The most payload bytes that may wait for the disk.
    pub queue_limit: usize,
    /// What the file with all tracks is called, without its extension.
    pub combined_name: String,
}

impl Default for RecorderOptions {
    /// A file for each track, 32 MiB, `"recording"`.
    fn default() -> Self {
        Self { layout: Layout::Separate, queue_limit: 32 << 20, combined_name: "recording".to_owned() }
    }
}

/// What a recorder did so far.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RecorderStats {
    /// Of each track, in the order they were added.
    pub tracks: Vec<TrackStats>,
    /// Files with all tracks; the last one is being written.
    pub combined: Vec<PathBuf>,
    /// Why there is no file with all tracks (any more).
    pub combined_problem: Option<FileError>,
    /// Payload bytes that wait for the disk.
    pub waiting: usize,
}

/// What became of one track.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct TrackStats {
    /// Its name, as its files have it.
    pub name: String,
    /// How the last frame was coded.
    pub format: Option<Format>,
    /// Its own files; the last one is being written.
    pub files: Vec<PathBuf>,
    /// Frames in files.
    pub frames: u64,
    /// Payload bytes in files.
    pub bytes: u64,
    /// Frames left out: the disk was too slow, video had not come to a key frame, or a problem stands.
    pub dropped: u64,
    /// The time of the last frame, from the beginning of the recording.
    pub time: Duration,
    /// Why nothing more of this track is kept in a file of its own. Other tracks go on.
    pub problem: Option<FileError>,
}

/// Between the handles and the thread.
#[derive(Debug)]
pub(crate) struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    tracks: Mutex<Vec<Arc<TrackState>>>,
    combined: Mutex<(Vec<PathBuf>, Option<FileError>)>,
    pub(crate) finished: Outcome<()>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<Job>,
    bytes: usize,
    closed: bool,
}

/// What the thread is told.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) track: Arc<TrackState>,
    pub(crate) task: Task,
}

#[derive(Debug)]
pub(crate) enum Task {
    /// A frame, and when it is played.
    Frame(Frame, Instant),
    Codec(Codec),
    End,
}

/// A track, as both sides see it.
#[derive(Debug)]
pub(crate) struct TrackState {
    pub(crate) number: usize,
    pub(crate) kind: MediaKind,
    pub(crate) stats: Mutex<TrackStats>,
    /// After frames were left out, nothing is taken before the next key frame.
    pub(crate) awaits_key: AtomicBool,
}

impl TrackState {
    pub(crate) fn stats(&self) -> MutexGuard<'_, TrackStats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    pub(crate) fn new(options: &RecorderOptions) -> Self {
        Self {
            queue: Mutex::default(),
            changed: Condvar::new(),
            tracks: Mutex::default(),
            combined: Mutex::default(),
            finished: Outcome::new(),
            limit: options.queue_limit,
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tracks(&self) -> MutexGuard<'_, Vec<Arc<TrackState>>> {
        self.tracks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Files with all tracks, and what is wrong with them.
    pub(crate) fn combined(&self) -> MutexGuard<'_, (Vec<PathBuf>, Option<FileError>)> {
        self.combined.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `false` where there is no room, or the recording is over.
    pub(crate) fn push(&self, track: &Arc<TrackState>, frame: &Frame) -> bool {
        let instant = frame.playout.or(frame.arrived).unwrap_or_else(Instant::now);
        let len = frame.payload.len();
        let mut queue = self.queue();
        if queue.closed || queue.jobs.len() >= WAITING_LIMIT || queue.bytes + len > self.limit {
            return false;
        }
        let mut frame = frame.clone();
        if len < SMALL {
            frame.payload = Bytes::copy_from_slice(&frame.payload);
        }
        queue.bytes += len;
        queue.jobs.push_back(Job { track: track.clone(), task: Task::Frame(frame, instant) });
        drop(queue);
        self.changed.notify_one();
        true
    }

    pub(crate) fn tell(&self, track: &Arc<TrackState>, task: Task) {
        let mut queue = self.queue();
        // Told seldom: twice the room of frames, for a caller that tells it all the time.
        if !queue.closed && queue.jobs.len() < 2 * WAITING_LIMIT {
            queue.jobs.push_back(Job { track: track.clone(), task });
            drop(queue);
            self.changed.notify_one();
        }
    }

    pub(crate) fn close(&self) {
        self.queue().closed = true;
        self.changed.notify_one();
    }

    /// All that waits, once something does or the next flush is due; `None` once all is done.
    pub(crate) fn wait(&self) -> Option<VecDeque<Job>> {
        let mut queue = self.queue();
        if queue.jobs.is_empty() && !queue.closed {
            let waited = self.changed.wait_timeout(queue, FLUSH_INTERVAL);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let jobs = std::mem::take(&mut queue.jobs);
        (!jobs.is_empty() || !queue.closed).then_some(jobs)
    }

    /// A frame was written, and no longer waits.
    pub(crate) fn release(&self, len: usize) {
        let mut queue = self.queue();
        queue.bytes = queue.bytes.saturating_sub(len);
    }

    pub(crate) fn stats(&self) -> RecorderStats {
        let tracks = self.tracks().clone();
        let combined = self.combined().clone();
        RecorderStats {
            tracks: tracks.iter().map(|track| track.stats().clone()).collect(),
            combined: combined.0,
            combined_problem: combined.1,
            waiting: self.queue().bytes,
        }
    }
}
