//! The handle of a pump.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use peerless::LocalTrack;

use crate::pump::audio::AudioPump;
use crate::pump::link::Link;
use crate::pump::stats::{Counters, PumpStats};
use crate::pump::video::VideoPump;
use crate::signal::Signal;
use crate::source::traits::{SoundSource, VideoSource};

/// A running source with its encoder. Dropping it stops the thread and waits until the frame in work is done.
#[derive(Debug)]
pub struct Pump {
    signal: Arc<Signal>,
    counters: Arc<Counters>,
    thread: Option<JoinHandle<()>>,
}

impl Pump {
    /// Pumps pictures into a track, `frames_per_second` (1 to 240) of them. `bits_per_second` is what the encoder is
    /// told while the connection has no opinion of its own, and the most it is ever told.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn video(
        track: LocalTrack,
        source: impl VideoSource + 'static,
        frames_per_second: u32,
        bits_per_second: u64,
    ) -> io::Result<Self> {
        let rate = frames_per_second.clamp(1, 240);
        Self::start("peerless-video", track, move |link| {
            VideoPump::new(Box::new(source), rate, bits_per_second).run(link);
        })
    }

    /// Pumps sound into a track. Opus gets what suits music unless the connection wants less.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn audio(track: LocalTrack, source: Box<dyn SoundSource>) -> io::Result<Self> {
        Self::start("peerless-audio", track, move |link| AudioPump::new(source).run(link))
    }

    /// Lets it run on without a handle, until its track ends.
    pub fn detach(mut self) {
        self.thread = None;
    }

    fn start(name: &str, track: LocalTrack, run: impl FnOnce(&Link) + Send + 'static) -> io::Result<Self> {
        let (signal, counters) = (Arc::new(Signal::default()), Arc::new(Counters::default()));
        let link = Link { track, signal: signal.clone(), counters: counters.clone(), origin: Instant::now() };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            link.signal.adopt();
            run(&link);
            link.counters.set_format(None);
        })?;
        Ok(Self { signal, counters, thread: Some(thread) })
    }

    /// What it did so far.
    pub fn stats(&self) -> PumpStats {
        self.counters.snapshot()
    }

    /// Whether its thread has ended, because its track did.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.signal.stop();
        // A source that owns its own pump's handle would wait for itself.
        if thread.thread().id() != thread::current().id() && thread.join().is_err() {
            tracing::error!("a source or an encoder panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::pattern::TestPattern;
    use crate::source::sounds::SoundKind;
    use peerless::MediaKind;
    use std::time::Duration;

    fn threads() -> usize {
        std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
    }

    #[test]
    fn a_pump_that_waits_for_a_codec_ends_at_once_with_its_handle() {
        let before = threads();
        for _ in 0..20 {
            let pattern = TestPattern::new(64, 48, 30).unwrap();
            let track = LocalTrack::new(MediaKind::Video, "v", "s");
            let video = Pump::video(track, pattern, 30, 100_000).unwrap();
            let track = LocalTrack::new(MediaKind::Audio, "a", "s");
            let audio = Pump::audio(track, SoundKind::Silence.source()).unwrap();
            assert!(!video.is_finished() && !audio.is_finished());
            assert_eq!(video.stats(), PumpStats::default());
            let started = Instant::now();
            drop((video, audio));
            assert!(started.elapsed() < Duration::from_secs(2));
        }
        // Other tests have threads of their own, but not forty more.
        assert!(threads() < before + 20, "{} threads", threads());
    }
}
