//! What is heard of a track, and the longest silence in it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use peerless::RemoteTrack;

/// How much was heard, and the longest silence since it was asked for last.
#[derive(Default)]
pub struct Heard {
    pub count: AtomicU64,
    silence: Mutex<(Option<Instant>, Duration)>,
}

impl Heard {
    fn note(&self) {
        self.count.fetch_add(1, Relaxed);
        let mut silence = locked(&self.silence);
        let now = Instant::now();
        let length = silence.0.replace(now).map_or(Duration::ZERO, |last| now - last);
        silence.1 = silence.1.max(length);
    }

    pub fn take_silence(&self) -> Duration {
        std::mem::take(&mut locked(&self.silence).1)
    }
}

pub async fn listen(track: RemoteTrack, heard: Arc<Heard>) {
    while track.recv().await.is_some() {
        heard.note();
    }
}

pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
