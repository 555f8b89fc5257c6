//! The handles of plays.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use peerless::{MediaKind, RemoteTrack};

use crate::play::audio::AudioThread;
use crate::play::link::Link;
use crate::play::outlet::{DecodedPicture, DecodedSound, Outlet, Pictures, Sounds};
use crate::play::stats::{AudioCounts, AudioPlayStats, Counters, VideoCounts, VideoPlayStats};
use crate::play::video::VideoThread;
use crate::signal::Signal;

/// A track of pictures that is being decoded. Dropping it stops the thread and waits until the frame in work is done.
///
/// It takes the track's frames for itself: where others want them too, give it a [`RemoteTrack::fork`].
#[derive(Debug)]
pub struct VideoPlay {
    counters: Arc<Counters<VideoCounts>>,
    outlet: Arc<Outlet<Arc<DecodedPicture>>>,
    thread: Thread,
}

/// A track of sound that is being decoded. Dropping it stops the thread and waits until the packet in work is done.
///
/// It takes the track's frames for itself: where others want them too, give it a [`RemoteTrack::fork`].
#[derive(Debug)]
pub struct AudioPlay {
    counters: Arc<Counters<AudioCounts>>,
    outlet: Arc<Outlet<Arc<DecodedSound>>>,
    track: RemoteTrack,
    /// Whether somebody takes its sounds already.
    is_played: AtomicBool,
    thread: Thread,
}

/// Why nothing is played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlayError {
    /// The track carries the other kind.
    #[error("a track of kind {0} cannot be played as the other kind")]
    Kind(MediaKind),
    /// The system gives no thread.
    #[error("no thread: {0}")]
    Thread(#[from] io::Error),
}

impl VideoPlay {
    /// Decodes what the track brings from now on.
    ///
    /// # Errors
    /// When it is a track of sound, or the system gives no thread.
    pub fn new(track: RemoteTrack) -> Result<Self, PlayError> {
        if track.kind() != MediaKind::Video {
            return Err(PlayError::Kind(track.kind()));
        }
        let (counters, outlet, signal) = <(Arc<_>, Arc<Outlet<_>>, Arc<Signal>)>::default();
        let link =
            Link { track, signal: signal.clone(), counters: Arc::clone(&counters), outlet: outlet.clone() };
        let thread = Thread::start("peerless-show", signal, move || VideoThread::new(link).run())?;
        Ok(Self { counters, outlet, thread })
    }

    /// The newest picture; `None` before the first.
    pub fn latest(&self) -> Option<Arc<DecodedPicture>> {
        self.outlet.latest()
    }

    /// All pictures from now on, of which at most `limit` (at least 1) wait for their reader; 1 gives always the newest.
    /// Each call gives a row of its own.
    pub fn pictures(&self, limit: usize) -> Pictures {
        Pictures { row: self.outlet.open(limit) }
    }

    /// What it did so far.
    pub fn stats(&self) -> VideoPlayStats {
        self.counters.lock().snapshot(Instant::now())
    }

    /// Whether its thread has ended, because its track did.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }
}

impl AudioPlay {
    /// Decodes what the track brings from now on.
    ///
    /// # Errors
    /// When it is a track of pictures, or the system gives no thread.
    pub fn new(track: RemoteTrack) -> Result<Self, PlayError> {
        if track.kind() != MediaKind::Audio {
            return Err(PlayError::Kind(track.kind()));
        }
        let (counters, outlet, signal) = <(Arc<_>, Arc<Outlet<_>>, Arc<Signal>)>::default();
        let link = Link {
            track: track.clone(),
            signal: signal.clone(),
            counters: Arc::clone(&counters),
            outlet: outlet.clone(),
        };
        let thread = Thread::start("peerless-listen", signal, move || AudioThread::new(link).run())?;
        Ok(Self { counters, outlet, track, is_played: AtomicBool::new(false), thread })
    }

    /// All sounds from now on, of which at most `limit` (at least 1) wait for their reader: 50 are a second, usually.
    /// Each call gives a row of its own; what is taken from the first one is what the stats of the connection show as
    /// played (RTCAudioPlayoutStats).
    pub fn sounds(&self, limit: usize) -> Sounds {
        let is_first = !self.is_played.swap(true, Ordering::Relaxed);
        Sounds { row: self.outlet.open(limit), played: is_first.then(|| self.track.clone()) }
    }

    /// What it did so far.
    pub fn stats(&self) -> AudioPlayStats {
        self.counters.lock().snapshot(Instant::now())
    }

    /// Whether its thread has ended, because its track did.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }
}

/// A thread that stops with its handle.
#[derive(Debug)]
struct Thread {
    signal: Arc<Signal>,
    handle: Option<JoinHandle<()>>,
}

impl Thread {
    fn start(name: &str, signal: Arc<Signal>, run: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let handle = thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self { signal, handle: Some(handle) })
    }

    fn is_finished(&self) -> bool {
        self.handle.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.signal.stop();
        if let Some(handle) = self.handle.take()
            && handle.join().is_err()
        {
            tracing::error!("a play panicked");
        }
    }
}
