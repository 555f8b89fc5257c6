//! What a play did, for a status line.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use peerless::Format;

use crate::play::meter::{Level, Meter};
use crate::play::rate::Rate;

/// Totals since the play of pictures began. The difference of two, over the time between them, gives rates.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct VideoPlayStats {
    /// What is decoded now; `None` before the first frame, and where there is no decoder.
    pub format: Option<Format>,
    /// Why there is no decoder, or why the last frame was not decoded.
    pub problem: Option<String>,
    /// Pictures decoded: framesDecoded of webrtc-stats.
    pub frames_decoded: u64,
    /// Key frames among them.
    pub key_frames_decoded: u64,
    /// Frames that were not decoded because they lean on one that is not there, or because there is no decoder.
    pub frames_dropped: u64,
    /// Frames that the decoder found broken.
    pub frames_broken: u64,
    /// Key frames asked for.
    pub key_frame_requests: u64,
    /// Width and height of the last picture, in pixels.
    pub size: Option<(u32, u32)>,
    /// Pictures per second, over the last second.
    pub frames_per_second: f64,
    /// Time spent in the decoder: totalDecodeTime of webrtc-stats.
    pub decode_time: Duration,
}

/// Totals since the play of sound began. Samples are counted per channel.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AudioPlayStats {
    /// What is decoded now; `None` before the first packet, and where there is no decoder.
    pub format: Option<Format>,
    /// Why there is no decoder, or why the last packet was not decoded.
    pub problem: Option<String>,
    /// Packets decoded.
    pub packets_decoded: u64,
    /// Packets that the decoder found broken, or for which there is none.
    pub packets_broken: u64,
    /// Samples given out, however they were had: totalSamplesReceived of webrtc-stats.
    pub samples: u64,
    /// Samples made up for packets that were lost: concealedSamples of webrtc-stats.
    pub concealed_samples: u64,
    /// How often that began: concealmentEvents of webrtc-stats.
    pub concealment_events: u64,
    /// Samples of lost packets that came back from the redundancy in the next one.
    pub recovered_samples: u64,
    /// Hertz; 0 before the first packet.
    pub sample_rate: u32,
    /// Channels; 0 before the first packet.
    pub channels: u8,
    /// How loud it is, over the last tenth of a second.
    pub level: Level,
    /// Time spent in the decoder.
    pub decode_time: Duration,
}

impl Default for AudioPlayStats {
    fn default() -> Self {
        Self {
            format: None,
            problem: None,
            packets_decoded: 0,
            packets_broken: 0,
            samples: 0,
            concealed_samples: 0,
            concealment_events: 0,
            recovered_samples: 0,
            sample_rate: 0,
            channels: 0,
            level: Level::SILENT,
            decode_time: Duration::ZERO,
        }
    }
}

/// Where the thread counts and the handle reads.
#[derive(Debug, Default)]
pub(crate) struct Counters<S> {
    state: Mutex<S>,
}

impl<S> Counters<S> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, S> {
        // Plain values: right even if a holder had panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is counted of pictures.
#[derive(Debug, Default)]
pub(crate) struct VideoCounts {
    pub(crate) stats: VideoPlayStats,
    pub(crate) rate: Rate,
}

impl VideoCounts {
    pub(crate) fn snapshot(&mut self, now: Instant) -> VideoPlayStats {
        VideoPlayStats { frames_per_second: self.rate.per_second(now), ..self.stats.clone() }
    }
}

/// What is counted of sound.
#[derive(Debug, Default)]
pub(crate) struct AudioCounts {
    pub(crate) stats: AudioPlayStats,
    pub(crate) meter: Meter,
}

impl AudioCounts {
    pub(crate) fn snapshot(&mut self, now: Instant) -> AudioPlayStats {
        AudioPlayStats { level: self.meter.level(now), ..self.stats.clone() }
    }
}
