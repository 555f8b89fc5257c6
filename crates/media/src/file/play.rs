//! Sends recorded frames again, as they are, in their own time, on a thread of its own.
//!
//! The player waits until a codec is negotiated and the connection takes its first frame, so that a recording begins
//! with its beginning. Several tracks played together stay in step. It follows the connection as far as a recording
//! can: the bitrate is what it is, and a wish for a key frame is answered by [`KeyFrames`].

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use peerless::{Codec, Frame, LocalTrack, SendError, WriteError};

use crate::file::error::FileError;
use crate::file::lane::{self, Lane};
use crate::file::outcome::Outcome;
use crate::file::source::FileSource;
use crate::file::stored::{TrackInfo, to_ticks};
use crate::signal::Signal;

/// How long to wait before a connection that is not there yet is tried again.
const RETRY: Duration = Duration::from_millis(20);
/// How long a player waits for the rest of its tracks once one is negotiated.
const OTHERS: Duration = Duration::from_millis(500);
/// A player that was held up by more than this goes on where it is, and sends nothing in a burst.
const LATENESS: Duration = Duration::from_millis(500);

/// How a [`FilePlayer`] plays.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct PlayOptions {
    /// Begins anew at the end, again and again.
    pub repeat: bool,
    /// What happens when the remote wishes for a key frame.
    pub key_frames: KeyFrames,
}

/// How a wish for a key frame is answered: a recording has them where it has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyFrames {
    /// All tracks jump to the next key frame of the one that was asked, past its end to its beginning where it
    /// repeats. Where none is left the wish is counted as [`PlayStats::unanswered`]. To know that, the whole file is
    /// read once, at the first wish.
    #[default]
    Jump,
    /// The recording goes on as it is; the remote sees the next key frame when it comes. Wishes are counted as
    /// [`PlayStats::unanswered`].
    Wait,
}

/// What a player did so far.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct PlayStats {
    /// Frames that the connection took.
    pub frames: u64,
    /// Payload bytes in them.
    pub bytes: u64,
    /// Frames left out by jumps, or because video waited for a key frame, or a track was not negotiated.
    pub skipped: u64,
    /// Frames that the connection refused.
    pub refused: u64,
    /// Why it refused the last of them.
    pub refusal: Option<WriteError>,
    /// Jumps to a key frame, each at a wish of the remote's.
    pub jumps: u64,
    /// Wishes for a key frame that could not be answered.
    pub unanswered: u64,
    /// How often it began anew.
    pub repeats: u64,
    /// The time in the recording.
    pub time: Duration,
}

/// How playing ended, when nothing was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlayEnd {
    /// All frames were played.
    File,
    /// No track takes frames any more.
    Track,
    /// The player was dropped or stopped.
    Stopped,
}

/// Why playing ended early.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum PlayError {
    /// The file is cut off or broken; what was whole before was played.
    #[error(transparent)]
    File(#[from] FileError),
    /// The connection negotiated another codec, profile or rate than the file's. Offer the file's alone
    /// ([`Configuration::codecs`](peerless::Configuration)), or choose another file.
    #[error("the file holds {}, negotiated is {}", file.format.name(), negotiated.format.name())]
    Codec {
        /// What is in the file.
        file: TrackInfo,
        /// What the track would take.
        negotiated: Box<Codec>,
    },
}

/// Plays files into tracks. Dropping it stops the thread and waits until the frame in work is done.
#[derive(Debug)]
pub struct FilePlayer {
    signal: Arc<Signal>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    stats: Mutex<PlayStats>,
    outcome: Outcome<Result<PlayEnd, PlayError>>,
}

impl Shared {
    fn stats(&self) -> MutexGuard<'_, PlayStats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FilePlayer {
    /// Plays sources into tracks, all from one clock: those of one recording stay in step.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(tracks: Vec<(LocalTrack, FileSource)>, options: PlayOptions) -> io::Result<Self> {
        let signal = Arc::new(Signal::default());
        let shared = Arc::new(Shared { stats: Mutex::default(), outcome: Outcome::new() });
        let lanes = tracks.into_iter().map(|(track, source)| Lane::new(track, source)).collect();
        let play = Play {
            lanes,
            options,
            signal: signal.clone(),
            shared: shared.clone(),
            origin: Instant::now(),
            shift: 0,
            started: false,
        };
        let thread = thread::Builder::new().name("peerless-play".to_owned()).spawn(move || {
            play.signal.adopt();
            let over = Over(play.shared.clone());
            over.0.outcome.set(play.run());
        })?;
        Ok(Self { signal, shared, thread: Some(thread) })
    }

    /// What it did so far.
    pub fn stats(&self) -> PlayStats {
        self.shared.stats().clone()
    }

    /// Waits until it has ended, and tells how.
    ///
    /// # Errors
    /// Why it ended early.
    pub async fn ended(&self) -> Result<PlayEnd, PlayError> {
        self.shared.outcome.wait().await
    }

    /// How it ended; `None` while it plays.
    pub fn outcome(&self) -> Option<Result<PlayEnd, PlayError>> {
        self.shared.outcome.peek()
    }

    /// Stops playing.
    pub fn stop(&self) {
        self.signal.stop();
    }
}

impl Drop for FilePlayer {
    fn drop(&mut self) {
        self.signal.stop();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("a file player panicked");
        }
    }
}

/// Nobody waits for a thread that has ended, even by a panic.
struct Over(Arc<Shared>);

impl Drop for Over {
    fn drop(&mut self) {
        // What was set before stands.
        self.0.outcome.set(Ok(PlayEnd::Stopped));
    }
}

/// The thread's own.
struct Play {
    lanes: Vec<Lane>,
    options: PlayOptions,
    signal: Arc<Signal>,
    shared: Arc<Shared>,
    /// Time zero of what is sent.
    origin: Instant,
    /// What is sent at a time of the file stands this many nanoseconds later: less after a jump, more after a pause.
    shift: i128,
    started: bool,
}

impl Play {
    fn run(mut self) -> Result<PlayEnd, PlayError> {
        if !self.wait_any_codec() {
            return Ok(self.over());
        }
        self.wait_other_codecs();
        self.lanes.iter_mut().for_each(Lane::advance);
        self.origin = Instant::now();
        loop {
            let Some(index) = self.earliest() else {
                match self.begin_anew()? {
                    Some(end) => return Ok(end),
                    None => continue,
                }
            };
            if !self.wait_due(index) || self.lanes.iter().all(Lane::is_over) {
                return Ok(self.over());
            }
            self.heed_wishes()?;
            // A jump may have changed whose turn it is.
            if let Some(index) = self.earliest().filter(|index| self.due(*index) <= Instant::now()) {
                self.send(index)?;
            }
        }
    }

    /// Waits until one of the tracks has something to send for; `false` when it is over.
    fn wait_any_codec(&self) -> bool {
        let mut waiting: Vec<_> = self.lanes.iter().map(|lane| Box::pin(lane.track.wait_codec())).collect();
        let any = std::future::poll_fn(|context| {
            let mut ended = true;
            for future in &mut waiting {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(Some(_)) => return std::task::Poll::Ready(true),
                    std::task::Poll::Ready(None) => {}
                    std::task::Poll::Pending => ended = false,
                }
            }
            if ended { std::task::Poll::Ready(false) } else { std::task::Poll::Pending }
        });
        self.signal.wait(any).unwrap_or(false)
    }

    /// Waits until the other tracks have something to send for too: they are told one after the other. One that was
    /// rejected is not waited for long.
    fn wait_other_codecs(&self) {
        let limit = Instant::now() + OTHERS;
        let is_waiting = |lane: &Lane| lane.track.codec().is_none() && !lane.is_over();
        while self.lanes.iter().any(is_waiting) && Instant::now() < limit && !self.signal.is_stopped() {
            self.signal.sleep_until(Instant::now() + RETRY);
        }
    }

    fn over(&self) -> PlayEnd {
        if self.signal.is_stopped() { PlayEnd::Stopped } else { PlayEnd::Track }
    }

    /// The lane whose frame is next.
    fn earliest(&self) -> Option<usize> {
        let frames = self.lanes.iter().enumerate();
        let frames = frames.filter_map(|(index, lane)| Some((lane.pending.as_ref()?.time, index)));
        frames.min().map(|(_, index)| index)
    }

    /// When a time of the file is sent, from the origin on.
    fn offset(&self, time: Duration) -> Duration {
        let nanos = time.as_nanos() as i128 + self.shift;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
    }

    fn due(&self, index: usize) -> Instant {
        let time = self.lanes.get(index).and_then(|lane| lane.pending.as_ref()).map(|frame| frame.time);
        self.origin + self.offset(time.unwrap_or_default())
    }

    /// Waits for a lane's frame to be due; `false` when told to stop. After a long stop time goes on from here.
    fn wait_due(&mut self, index: usize) -> bool {
        let due = self.due(index);
        let late = Instant::now().saturating_duration_since(due);
        if late > LATENESS {
            self.shift += late.as_nanos() as i128;
        }
        self.signal.sleep_until(due)
    }

    /// All lanes are at their end: again from the beginning, or how it ended.
    fn begin_anew(&mut self) -> Result<Option<PlayEnd>, PlayError> {
        let problem = self.lanes.iter_mut().find_map(|lane| lane.problem.take());
        if let Some(problem) = problem
            && !(self.options.repeat && lane::is_cut(&problem))
        {
            return Err(problem.into());
        }
        let end = self.lanes.iter().map(Lane::end).max().unwrap_or_default();
        // A recording of no length would be played for ever in no time.
        if !self.options.repeat || end.is_zero() {
            return Ok(Some(PlayEnd::File));
        }
        self.rewind(end)?;
        Ok(None)
    }

    fn rewind(&mut self, end: Duration) -> Result<(), PlayError> {
        for lane in &mut self.lanes {
            lane.rewind()?;
        }
        self.shift += end.as_nanos() as i128;
        self.shared.stats().repeats += 1;
        Ok(())
    }

    /// Answers a wish for a key frame, if there is one.
    fn heed_wishes(&mut self) -> Result<(), PlayError> {
        for index in 0..self.lanes.len() {
            let Some(lane) = self.lanes.get_mut(index) else { continue };
            if !lane.track.take_key_frame_request() || !lane.is_video() {
                continue;
            }
            let Some(here) = lane.pending.as_ref().filter(|frame| !frame.key).map(|frame| frame.time) else {
                // The next one is a key frame, or it is all over.
                continue;
            };
            if !self.started {
                continue;
            }
            let jumps = self.options.key_frames == KeyFrames::Jump;
            if jumps && lane.has_key_ahead() {
                let own = lane.skip_to(here, true);
                let there = lane.pending.as_ref().map_or(here, |frame| frame.time);
                self.shift -= there.saturating_sub(here).as_nanos() as i128;
                let others: u64 = self.lanes.iter_mut().map(|lane| lane.skip_to(there, false)).sum();
                let mut stats = self.shared.stats();
                stats.skipped += own + others;
                stats.jumps += 1;
            } else if jumps && self.options.repeat {
                self.rewind(here)?;
                self.shared.stats().jumps += 1;
            } else {
                self.shared.stats().unanswered += 1;
            }
        }
        Ok(())
    }

    /// Sends a lane's frame, or leaves it out.
    fn send(&mut self, index: usize) -> Result<(), PlayError> {
        let offset = |play: &Self, time| play.offset(time);
        let Some(time) = self.lanes.get(index).and_then(|lane| Some(lane.pending.as_ref()?.time)) else {
            return Ok(());
        };
        let sent = offset(self, time);
        let Some(lane) = self.lanes.get_mut(index) else { return Ok(()) };
        let codec = lane.track.codec();
        if codec != lane.codec {
            if let Some(negotiated) = codec.as_ref().filter(|codec| !lane::suits(lane.source.info(), codec)) {
                let (file, negotiated) = (*lane.source.info(), Box::new(negotiated.clone()));
                return Err(PlayError::Codec { file, negotiated });
            }
            lane.codec = codec;
        }
        let mut stats = self.shared.stats();
        stats.time = time;
        let Some((frame, codec)) = lane.pending.as_ref().zip(lane.codec.as_ref()) else {
            lane.awaits_key = true;
            stats.skipped += 1;
            drop(stats);
            lane.advance();
            return Ok(());
        };
        if lane.is_video() && lane.awaits_key && !frame.key {
            stats.skipped += 1;
            drop(stats);
            lane.advance();
            return Ok(());
        }
        let timestamp = to_ticks(sent, codec.clock_rate) as u32;
        let mut outgoing = Frame::new(codec.format, timestamp, frame.key, frame.payload.clone());
        outgoing.captured = Some(self.origin + sent);
        match lane.track.write(&outgoing) {
            Ok(()) => {
                self.started = true;
                lane.awaits_key = false;
                stats.frames += 1;
                stats.bytes += outgoing.payload.len() as u64;
            }
            Err(WriteError::Refused(SendError::NotConnected | SendError::NotNegotiated)) if !self.started => {
                // Time has not begun.
                drop(stats);
                let now = Instant::now();
                self.signal.sleep_until(now + RETRY);
                self.origin = Instant::now();
                return Ok(());
            }
            Err(refusal) => {
                lane.awaits_key = true;
                stats.refused += 1;
                stats.refusal = Some(refusal);
            }
        }
        drop(stats);
        lane.advance();
        Ok(())
    }
}
