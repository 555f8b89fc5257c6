//! The video side of a pump.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use peerless::stats::{EncodingReport, QualityLimitationReason, SourceReport};
use peerless::{Codec, Frame, WriteError};

use crate::codec::any;
use crate::codec::quantizer;
use crate::codec::traits::{VideoEncoder, VideoSettings};
use crate::pump::link::{Link, Next};
use crate::pump::schedule::Schedule;
use crate::source::traits::{Moment, VideoSource};

/// The RTP clock of all video (RFC 3551 §5).
const CLOCK_RATE: u32 = 90_000;

pub(crate) struct VideoPump {
    source: Box<dyn VideoSource>,
    frames_per_second: u32,
    bits_per_second: u64,
}

/// One encoder at work.
struct Run {
    encoder: Box<dyn VideoEncoder>,
    codec: Codec,
    bitrate: u64,
    /// When frames were last left out because they came too late.
    late: Option<Instant>,
    /// The next frame that is taken must be a key frame: the first, and the first after one that was lost.
    wants_key: bool,
}

impl VideoPump {
    pub(crate) fn new(source: Box<dyn VideoSource>, frames_per_second: u32, bits_per_second: u64) -> Self {
        Self { source, frames_per_second, bits_per_second }
    }

    pub(crate) fn run(mut self, link: &Link) {
        while let Some(codec) = link.wait_codec() {
            let bitrate = self.bitrate(link);
            let settings = VideoSettings::new(self.source.size(), self.frames_per_second, bitrate);
            let next = match any::video(&codec, settings) {
                Ok(encoder) => {
                    link.counters.set_format(Some(codec.format));
                    link.counters.set_target(bitrate);
                    self.pump(link, Run { encoder, codec, bitrate, late: None, wants_key: true })
                }
                Err(problem) if link.wait_other(&codec, &problem) => Next::Codec,
                Err(_) => Next::End,
            };
            if next == Next::End {
                return;
            }
        }
    }

    /// What the connection wants spent, within what the user allows.
    fn bitrate(&self, link: &Link) -> u64 {
        allowed(self.bits_per_second, link.track.target_bitrate())
    }

    /// Frame after frame, until the codec changes or it is over.
    fn pump(&mut self, link: &Link, mut run: Run) -> Next {
        let start = Instant::now();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let before = start.saturating_duration_since(link.origin);
        let first = before.as_nanos() * u128::from(self.frames_per_second) / 1_000_000_000;
        let base = link.ticks(start, CLOCK_RATE);
        let mut schedule = Schedule::new(start, (1, self.frames_per_second), 0);
        while link.signal.sleep_until(schedule.due()) {
            if link.track.is_ended() {
                return Next::End;
            }
            if link.track.codec().as_ref() != Some(&run.codec) {
                return Next::Codec;
            }
            self.follow(link, &mut run);
            let (offset, number) = (schedule.offset(), schedule.number());
            let ticks = number * u64::from(CLOCK_RATE) / u64::from(self.frames_per_second);
            let moment =
                Moment { number: first as u64 + number, elapsed: before + offset, wall: wall + offset };
            let timestamp = base.wrapping_add(ticks as u32);
            if self.send(link, &mut run, moment, (timestamp, start + offset)) == Next::End {
                return Next::End;
            }
            let now = Instant::now();
            let skipped = schedule.advance(now);
            link.counters.count_skipped(skipped);
            run.late = if skipped > 0 { Some(now) } else { run.late };
        }
        Next::End
    }

    /// Heeds the connection's wishes.
    fn follow(&self, link: &Link, run: &mut Run) {
        let bitrate = self.bitrate(link);
        if bitrate != run.bitrate {
            run.bitrate = bitrate;
            run.encoder.set_bitrate(bitrate);
            link.counters.set_target(bitrate);
        }
        run.wants_key |= link.track.take_key_frame_request();
    }

    /// What keeps the pictures from being as the user wished.
    fn limitation(&self, run: &Run) -> QualityLimitationReason {
        match run.late {
            _ if run.bitrate < self.bits_per_second => QualityLimitationReason::Bandwidth,
            Some(late) if late.elapsed() < SLOWNESS => QualityLimitationReason::Cpu,
            _ => QualityLimitationReason::None,
        }
    }

    /// Draws, codes and writes one frame.
    fn send(&mut self, link: &Link, run: &mut Run, moment: Moment, (timestamp, due): (u32, Instant)) -> Next {
        let picture = self.source.draw(moment);
        let size = (picture.width(), picture.height());
        link.track.report_source(&SourceReport::Picture(size.0, size.1));
        let started = Instant::now();
        let coded = run.encoder.encode(picture, timestamp, run.wants_key);
        let encode_time = started.elapsed();
        link.counters.add_encode_time(encode_time);
        let coded = match coded {
            Ok(Some(coded)) => coded,
            Ok(None) => {
                link.counters.count_skipped(1);
                return Next::Frame;
            }
            Err(problem) => {
                link.counters.set_problem(problem.to_string());
                link.counters.count_skipped(1);
                return Next::Frame;
            }
        };
        let len = coded.payload.len();
        let quantizer = quantizer::of(run.codec.format, &coded.payload);
        let frame = Frame::new(run.codec.format, timestamp, coded.key, coded.payload);
        let frame = Frame { captured: Some(due), ..frame };
        let written = link.track.write(&frame);
        let report = EncodingReport {
            key: coded.key,
            size: Some(size),
            bytes: len,
            sent: written.is_ok(),
            encode_time,
            quantizer,
            target_bitrate: Some(run.bitrate),
            target_framerate: Some(self.frames_per_second.into()),
            limitation: self.limitation(run),
            implementation: run.encoder.implementation(),
            power_efficient: false,
        };
        link.track.report_encoding(None, &report);
        match written {
            Ok(()) => {
                run.wants_key &= !coded.key;
                link.counters.count_frame(coded.key, len);
            }
            Err(WriteError::Ended) => return Next::End,
            Err(_) => {
                // What follows would lean on a frame that nobody has.
                run.wants_key = true;
                link.counters.count_refused();
            }
        }
        Next::Frame
    }
}

/// So long after frames came too late the machine counts as too slow.
const SLOWNESS: Duration = Duration::from_secs(1);

/// What the user wishes, unless the network says less.
fn allowed(wish: u64, network: Option<u64>) -> u64 {
    network.map_or(wish, |most| most.min(wish))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_lowers_the_wish_and_never_raises_it() {
        assert_eq!(allowed(4_000_000, None), 4_000_000);
        assert_eq!(allowed(4_000_000, Some(1_000_000)), 1_000_000);
        assert_eq!(allowed(4_000_000, Some(9_000_000)), 4_000_000);
    }
}
