//! What a pump did, for a status line.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use peerless::Format;

/// Totals since the pump began. The difference of two, over the time between them, gives rates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PumpStats {
    /// What is encoded now; `None` while nothing is negotiated or there is no encoder for it.
    pub format: Option<Format>,
    /// Why there is no encoder, or why the last frame was not coded.
    pub problem: Option<String>,
    /// Frames that the connection took.
    pub frames: u64,
    /// Key frames among them; every frame of sound is one.
    pub key_frames: u64,
    /// Payload bytes in them.
    pub bytes: u64,
    /// Frames left out because they would have come too late, or because the encoder dropped them.
    pub skipped: u64,
    /// Frames that the connection refused, as it does before it is connected.
    pub refused: u64,
    /// Time spent in the encoder.
    pub encode_time: Duration,
    /// The bitrate that the encoder was told, in bits per second; 0 where it has its own.
    pub target_bitrate: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    words: Mutex<(Option<Format>, Option<String>)>,
    frames: AtomicU64,
    key_frames: AtomicU64,
    bytes: AtomicU64,
    skipped: AtomicU64,
    refused: AtomicU64,
    encode_nanos: AtomicU64,
    target_bitrate: AtomicU64,
}

impl Counters {
    fn words(&self) -> MutexGuard<'_, (Option<Format>, Option<String>)> {
        // Plain values: right even if a holder had panicked.
        self.words.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_format(&self, format: Option<Format>) {
        *self.words() = (format, None);
    }

    pub(crate) fn set_problem(&self, problem: String) {
        self.words().1 = Some(problem);
    }

    pub(crate) fn set_target(&self, bits_per_second: u64) {
        self.target_bitrate.store(bits_per_second, Ordering::Relaxed);
    }

    pub(crate) fn count_frame(&self, key: bool, len: usize) {
        self.frames.fetch_add(1, Ordering::Relaxed);
        self.key_frames.fetch_add(u64::from(key), Ordering::Relaxed);
        self.bytes.fetch_add(len as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_skipped(&self, count: u64) {
        self.skipped.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_encode_time(&self, time: Duration) {
        self.encode_nanos.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> PumpStats {
        let (format, problem) = self.words().clone();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        PumpStats {
            format,
            problem,
            frames: read(&self.frames),
            key_frames: read(&self.key_frames),
            bytes: read(&self.bytes),
            skipped: read(&self.skipped),
            refused: read(&self.refused),
            encode_time: Duration::from_nanos(read(&self.encode_nanos)),
            target_bitrate: read(&self.target_bitrate),
        }
    }
}
