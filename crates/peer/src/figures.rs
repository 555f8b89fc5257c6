//! What only those know who draw, encode, decode and play: they report it call by call, here it is added up, and
//! `Peer::get_stats` shows it (webrtc-stats §8.5, §8.8, §8.12 to §8.14).
//!
//! The way out is told to the peer itself. The way in is added up by whoever hands frames to a decoder, in a
//! [`ReceiveFigures`], and handed in whole: readers of a track do not hold the connection.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use peerless_rtp::frame::Frame;
use peerless_wire::rtp::{Rid, Ssrc};

use crate::id::TransceiverId;

/// How many sources of one receiver, and encodings of one sender, are told apart.
const STREAM_LIMIT: usize = 16;
/// How many pictures of one second are counted: more than any camera gives.
const RATE_LIMIT: usize = 1_000;
/// How much sound goes into one reading of the level.
const LEVEL_STRETCH: Duration = Duration::from_millis(100);

crate::state::words! {
    /// RTCQualityLimitationReason (webrtc-stats §8.9): why pictures are worse than they could be.
    QualityLimitationReason {
        /// They are not.
        None = "none",
        /// The machine is too slow.
        Cpu = "cpu",
        /// The network carries no more.
        Bandwidth = "bandwidth",
        /// Something else.
        Other = "other",
    }
}

/// What a source gave.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum SourceReport {
    /// A picture of this width and height, pixels.
    Picture(u32, u32),
    /// A stretch of sound.
    Sound(SoundReport),
}

/// A stretch of sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoundReport {
    /// Samples of one channel.
    pub samples: u32,
    /// Of which so many make a second.
    pub sample_rate: u32,
    /// The mean of the squares of the samples, 1 being the loudest there can be; of several channels, the loudest.
    pub mean_square: f64,
    /// How it was had.
    pub origin: SoundOrigin,
}

/// How a stretch of sound was had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SoundOrigin {
    /// Recorded, made, or decoded.
    Given,
    /// Made up for packets that were lost.
    Concealed,
}

/// One frame that an encoder gave.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodingReport {
    /// Whether it is a key frame; of sound it does not matter.
    pub key: bool,
    /// Width and height of a picture, pixels.
    pub size: Option<(u32, u32)>,
    /// Bytes.
    pub bytes: usize,
    /// Whether the connection took it.
    pub sent: bool,
    /// The time the encoder took.
    pub encode_time: Duration,
    /// The quantizer of a picture, where known: of VP8 `y_ac_qi` (RFC 6386 §19.2).
    pub quantizer: Option<u8>,
    /// What the encoder aims at, bit/s.
    pub target_bitrate: Option<u64>,
    /// How many pictures a second it aims at.
    pub target_framerate: Option<f64>,
    /// What keeps it from being better.
    pub limitation: QualityLimitationReason,
    /// The name of the encoder.
    pub implementation: &'static str,
    /// Whether it spares power, as one in hardware does.
    pub power_efficient: bool,
}

/// What became of one frame that was given to a decoder.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodingReport {
    /// What came out.
    pub decoded: Decoded,
    /// The time the decoder took.
    pub decode_time: Duration,
    /// The name of the decoder.
    pub implementation: &'static str,
    /// Whether it spares power, as one in hardware does.
    pub power_efficient: bool,
}

/// What came out of a decoder.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Decoded {
    /// A picture.
    Picture {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Its quantizer, where known: of VP8 `y_ac_qi` (RFC 6386 §19.2).
        quantizer: Option<u8>,
    },
    /// Sounds: those made up for packets lost before it, then its own.
    Sounds(Vec<SoundReport>),
    /// Nothing, and nothing was to be expected: parameter sets alone, a frame that is not shown.
    Nothing,
    /// Nothing: it was dropped without being decoded.
    Dropped,
    /// Nothing: it is broken.
    Broken,
}

/// A stretch of sound that was played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlayoutReport {
    /// Samples of one channel.
    pub samples: u32,
    /// Of which so many make a second.
    pub sample_rate: u32,
    /// How long it was on its way from the decoder to being played.
    pub delay: Duration,
    /// Whether the player made it up because nothing came in time.
    pub synthesized: bool,
}

/// All that was reported to a peer, by transceiver.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) sending: BTreeMap<TransceiverId, SendFigures>,
    pub(crate) receiving: BTreeMap<TransceiverId, ReceiveFigures>,
}

/// What was reported of a sender.
#[derive(Debug, Default)]
pub(crate) struct SendFigures {
    /// Which of the tracks that the sender has had the source is.
    pub(crate) attachment: u32,
    pub(crate) source: SourceFigures,
    pub(crate) encodings: Vec<(Option<Rid>, EncodingFigures)>,
}

/// What was reported of a receiver: of each source that came through it, and of how it is played.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReceiveFigures {
    pub(crate) streams: Vec<(Ssrc, DecodingFigures)>,
    pub(crate) playout: Option<PlayoutFigures>,
}

/// What a source gave so far.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct SourceFigures {
    pub(crate) began: Option<Instant>,
    pub(crate) size: Option<(u32, u32)>,
    pub(crate) frames: u32,
    pub(crate) rate: Rate,
    pub(crate) sound: SoundFigures,
}

/// What an encoder did so far.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EncodingFigures {
    pub(crate) frames: u32,
    pub(crate) key_frames: u32,
    pub(crate) huge_frames: u32,
    pub(crate) quantizers: Option<u64>,
    pub(crate) size: Option<(u32, u32)>,
    pub(crate) rate: Rate,
    pub(crate) encode_time: Duration,
    pub(crate) target_bitrate: Option<u64>,
    pub(crate) implementation: &'static str,
    pub(crate) power_efficient: bool,
    pub(crate) limitation: QualityLimitationReason,
    pub(crate) resolution_changes: u32,
    limited: [Duration; REASONS.len()],
    since: Instant,
}

/// What a decoder did so far with one source.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct DecodingFigures {
    pub(crate) frames: u32,
    pub(crate) key_frames: u32,
    pub(crate) dropped: u32,
    pub(crate) quantizers: Option<u64>,
    pub(crate) size: Option<(u32, u32)>,
    pub(crate) rate: Rate,
    pub(crate) decode_time: Duration,
    /// From the first packet until it was decoded, seconds, of each picture or sample.
    pub(crate) processing_delay: f64,
    pub(crate) sound: SoundFigures,
    pub(crate) implementation: &'static str,
    pub(crate) power_efficient: bool,
}

/// What was played so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct PlayoutFigures {
    pub(crate) samples: u64,
    pub(crate) duration: f64,
    pub(crate) synthesized: f64,
    pub(crate) synthesized_events: u32,
    /// Seconds, of each sample.
    pub(crate) delay: f64,
    is_synthesizing: bool,
}

/// What was heard so far.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct SoundFigures {
    pub(crate) samples: u64,
    pub(crate) concealed: u64,
    pub(crate) silent_concealed: u64,
    pub(crate) concealments: u64,
    /// Seconds.
    pub(crate) duration: f64,
    /// Seconds.
    pub(crate) energy: f64,
    /// 0 to 1, over the last [`LEVEL_STRETCH`].
    pub(crate) level: Option<f64>,
    stretch: (f64, f64),
    is_concealing: bool,
}

/// How many pictures came in the last second.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Rate(VecDeque<Instant>);

/// All reasons, in the order of the IDL.
const REASONS: [QualityLimitationReason; 4] = [
    QualityLimitationReason::None,
    QualityLimitationReason::Cpu,
    QualityLimitationReason::Bandwidth,
    QualityLimitationReason::Other,
];

impl SendFigures {
    /// The source, begun anew where the sender has another track than before.
    pub(crate) fn source(&mut self, now: Instant, attachment: u32) -> &mut SourceFigures {
        if self.attachment != attachment || self.source.began.is_none() {
            self.attachment = attachment;
            self.source = SourceFigures { began: Some(now), ..SourceFigures::default() };
        }
        &mut self.source
    }

    /// Adds a frame of an encoding.
    pub(crate) fn encoded(&mut self, now: Instant, rid: Option<&Rid>, report: &EncodingReport) {
        let known = self.encodings.iter().position(|(known, _)| known.as_ref() == rid);
        let at = known.unwrap_or_else(|| {
            self.encodings.truncate(STREAM_LIMIT - 1);
            self.encodings.push((rid.cloned(), EncodingFigures::new(now, report)));
            self.encodings.len() - 1
        });
        if let Some((_, figures)) = self.encodings.get_mut(at) {
            figures.add(now, report);
        }
    }
}

impl ReceiveFigures {
    /// Adds what became of a frame. One of no known source is not counted.
    pub fn decoded(&mut self, now: Instant, frame: &Frame, report: &DecodingReport) {
        let Some(ssrc) = frame.ssrc else { return };
        let known = self.streams.iter().position(|(known, _)| *known == ssrc);
        let at = known.unwrap_or_else(|| {
            if self.streams.len() >= STREAM_LIMIT {
                self.streams.remove(0);
            }
            self.streams.push((ssrc, DecodingFigures::default()));
            self.streams.len() - 1
        });
        if let Some((_, figures)) = self.streams.get_mut(at) {
            figures.add(now, frame, report);
        }
    }

    /// Adds what was played.
    pub fn played(&mut self, report: PlayoutReport) {
        self.playout.get_or_insert_default().add(report);
    }
}

impl SourceFigures {
    pub(crate) fn add(&mut self, now: Instant, report: &SourceReport) {
        match report {
            SourceReport::Picture(width, height) => {
                self.size = Some((*width, *height));
                self.frames = self.frames.wrapping_add(1);
                self.rate.count(now);
            }
            SourceReport::Sound(sound) => self.sound.add(sound),
        }
    }
}

impl EncodingFigures {
    fn new(now: Instant, report: &EncodingReport) -> Self {
        Self {
            frames: 0,
            key_frames: 0,
            huge_frames: 0,
            quantizers: None,
            size: None,
            rate: Rate::default(),
            encode_time: Duration::ZERO,
            target_bitrate: None,
            implementation: report.implementation,
            power_efficient: report.power_efficient,
            limitation: report.limitation,
            resolution_changes: 0,
            limited: [Duration::ZERO; REASONS.len()],
            since: now,
        }
    }

    fn add(&mut self, now: Instant, report: &EncodingReport) {
        self.frames = self.frames.wrapping_add(1);
        self.key_frames = self.key_frames.wrapping_add(report.key.into());
        self.huge_frames = self.huge_frames.wrapping_add((report.sent && is_huge(report)).into());
        add_quantizer(&mut self.quantizers, report.quantizer);
        let is_limited = |reason| reason != QualityLimitationReason::None;
        let is_resized = self.size.is_some() && report.size != self.size;
        if is_resized && (is_limited(self.limitation) || is_limited(report.limitation)) {
            self.resolution_changes += 1;
        }
        self.size = report.size;
        self.rate.count(now);
        self.encode_time += report.encode_time;
        self.target_bitrate = report.target_bitrate;
        (self.implementation, self.power_efficient) = (report.implementation, report.power_efficient);
        if report.limitation != self.limitation {
            self.limited = self.limited_until(now);
            (self.limitation, self.since) = (report.limitation, now);
        }
    }

    /// For how long each reason held, by its word, seconds.
    pub(crate) fn limitations(&self, now: Instant) -> Vec<(&'static str, f64)> {
        let limited = self.limited_until(now);
        REASONS.iter().zip(limited).map(|(reason, time)| (reason.as_str(), time.as_secs_f64())).collect()
    }

    fn limited_until(&self, now: Instant) -> [Duration; REASONS.len()] {
        let mut limited = self.limited;
        let held = REASONS.iter().position(|reason| *reason == self.limitation);
        if let Some(time) = held.and_then(|at| limited.get_mut(at)) {
            *time += now.saturating_duration_since(self.since);
        }
        limited
    }
}

impl DecodingFigures {
    fn add(&mut self, now: Instant, frame: &Frame, report: &DecodingReport) {
        self.decode_time += report.decode_time;
        (self.implementation, self.power_efficient) = (report.implementation, report.power_efficient);
        let began = frame.began.or(frame.arrived).unwrap_or(now);
        let delay = now.saturating_duration_since(began).as_secs_f64();
        match &report.decoded {
            Decoded::Picture { width, height, quantizer } => {
                self.frames = self.frames.wrapping_add(1);
                self.key_frames = self.key_frames.wrapping_add(frame.key.into());
                self.size = Some((*width, *height));
                self.rate.count(now);
                self.processing_delay += delay;
                add_quantizer(&mut self.quantizers, *quantizer);
            }
            Decoded::Sounds(sounds) => {
                for sound in sounds {
                    self.sound.add(sound);
                    if sound.origin == SoundOrigin::Given {
                        self.processing_delay += delay * f64::from(sound.samples);
                    }
                }
            }
            Decoded::Nothing => {}
            Decoded::Dropped | Decoded::Broken => self.dropped = self.dropped.wrapping_add(1),
        }
    }
}

impl PlayoutFigures {
    fn add(&mut self, report: PlayoutReport) {
        let duration = f64::from(report.samples) / f64::from(report.sample_rate.max(1));
        self.samples += u64::from(report.samples);
        self.duration += duration;
        self.delay += report.delay.as_secs_f64() * f64::from(report.samples);
        if report.synthesized {
            self.synthesized += duration;
            self.synthesized_events += u32::from(!self.is_synthesizing);
        }
        self.is_synthesizing = report.synthesized;
    }
}

impl SoundFigures {
    fn add(&mut self, report: &SoundReport) {
        let (samples, duration) =
            (u64::from(report.samples), f64::from(report.samples) / f64::from(report.sample_rate.max(1)));
        let is_concealed = report.origin == SoundOrigin::Concealed;
        self.samples += samples;
        if is_concealed {
            self.concealed += samples;
            self.silent_concealed += if report.mean_square > 0.0 { 0 } else { samples };
            self.concealments += u64::from(!self.is_concealing);
        }
        self.is_concealing = is_concealed;
        let energy = report.mean_square.clamp(0.0, 1.0) * duration;
        self.duration += duration;
        self.energy += energy;
        self.stretch = (self.stretch.0 + energy, self.stretch.1 + duration);
        if self.stretch.1 >= LEVEL_STRETCH.as_secs_f64() {
            self.level = Some((self.stretch.0 / self.stretch.1).sqrt());
            self.stretch = (0.0, 0.0);
        }
    }
}

impl Rate {
    fn count(&mut self, now: Instant) {
        while self.0.len() >= RATE_LIMIT || self.0.front().is_some_and(|at| is_over(now, *at)) {
            self.0.pop_front();
        }
        self.0.push_back(now);
    }

    /// How many.
    pub(crate) fn at(&self, now: Instant) -> f64 {
        self.0.iter().filter(|at| !is_over(now, **at)).count() as f64
    }
}

fn is_over(now: Instant, at: Instant) -> bool {
    now.saturating_duration_since(at) >= Duration::from_secs(1)
}

/// A sum of quantizers tells something only where that of every frame is known.
fn add_quantizer(sum: &mut Option<u64>, quantizer: Option<u8>) {
    if let Some(quantizer) = quantizer {
        *sum.get_or_insert(0) += u64::from(quantizer);
    }
}

/// webrtc-stats §8.8, `hugeFramesSent`: 2.5 times what the target gives a frame on average.
fn is_huge(report: &EncodingReport) -> bool {
    let average = report.target_bitrate.zip(report.target_framerate.filter(|rate| *rate > 0.0));
    report.size.is_some()
        && average.is_some_and(|(bitrate, rate)| report.bytes as f64 >= 2.5 * bitrate as f64 / 8.0 / rate)
}

#[cfg(test)]
mod tests;
