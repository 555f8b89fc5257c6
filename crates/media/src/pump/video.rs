//! The video side of a pump: one source, and an encoder for each encoding that the connection sends.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use peerless::stats::{EncodingReport, QualityLimitationReason, SourceReport};
use peerless::{Encoding, Frame, WriteError};

use crate::codec::quantizer;
use crate::codec::traits::{Coded, Error};
use crate::picture::Picture;
use crate::pump::layer::{Layer, Material};
use crate::pump::link::{Link, Next};
use crate::pump::schedule::Schedule;
use crate::source::traits::{Moment, VideoSource};

/// The RTP clock of all video (RFC 3551 §5).
const CLOCK_RATE: u32 = 90_000;

pub(crate) struct VideoPump {
    source: Box<dyn VideoSource>,
    material: Material,
}

/// The encoders at work, and the wishes that none could be made for.
#[derive(Default)]
struct Layers {
    working: Vec<Layer>,
    impossible: Vec<Encoding>,
    wanted: Vec<Encoding>,
    /// When pictures were last left out because they came too late.
    late: Option<Instant>,
}

impl VideoPump {
    pub(crate) fn new(source: Box<dyn VideoSource>, frames_per_second: u32, bits_per_second: u64) -> Self {
        let material = Material { size: source.size(), frames_per_second, bits_per_second };
        Self { source, material }
    }

    pub(crate) fn run(mut self, link: &Link) {
        while let Some(codec) = link.wait_codec() {
            let mut layers = Layers::default();
            let problem = layers.follow(link, self.material);
            let next = match problem.filter(|_| layers.working.is_empty()) {
                Some(problem) if link.wait_other(&codec, &problem) => Next::Codec,
                Some(_) => Next::End,
                None => self.pump(link, layers),
            };
            if next == Next::End {
                return;
            }
        }
    }

    /// Picture after picture, until nothing is wanted or it is over.
    fn pump(&mut self, link: &Link, mut layers: Layers) -> Next {
        let rate = self.material.frames_per_second;
        let start = Instant::now();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let before = start.saturating_duration_since(link.origin);
        let first = before.as_nanos() * u128::from(rate) / 1_000_000_000;
        let base = link.ticks(start, CLOCK_RATE);
        let mut schedule = Schedule::new(start, (1, rate), 0);
        while link.signal.sleep_until(schedule.due()) {
            if link.track.is_ended() {
                return Next::End;
            }
            layers.follow(link, self.material);
            if layers.working.is_empty() {
                return Next::Codec;
            }
            let (offset, number) = (schedule.offset(), schedule.number());
            let ticks = number * u64::from(CLOCK_RATE) / u64::from(rate);
            let moment =
                Moment { number: first as u64 + number, elapsed: before + offset, wall: wall + offset };
            let timestamp = base.wrapping_add(ticks as u32);
            let picture = self.source.draw(moment);
            link.track.report_source(&SourceReport::Picture(picture.width(), picture.height()));
            let is_late = layers.late.is_some_and(|late| late.elapsed() < SLOWNESS);
            for layer in &mut layers.working {
                let when = (timestamp, start + offset);
                let is_over = layer.is_due() && send(link, layer, picture, when, is_late) == Next::End;
                if is_over {
                    return Next::End;
                }
            }
            let now = Instant::now();
            let skipped = schedule.advance(now);
            link.counters.count_skipped(skipped);
            layers.late = if skipped > 0 { Some(now) } else { layers.late };
        }
        Next::End
    }
}

impl Layers {
    /// Heeds the connection's wishes: encoders come and go, and the others are told what changed. Gives why one could not
    /// be made.
    fn follow(&mut self, link: &Link, material: Material) -> Option<Error> {
        let wanted = link.track.encodings();
        let mut last = None;
        if wanted != self.wanted {
            self.working.retain(|layer| wanted.iter().any(|wish| layer.fits(wish)));
            self.impossible.retain(|wish| wanted.contains(wish));
            for wish in &wanted {
                if let Some(layer) = self.working.iter_mut().find(|layer| layer.fits(wish)) {
                    layer.follow(wish);
                } else if !self.impossible.contains(wish) {
                    match Layer::new(wish.clone(), material) {
                        Ok(layer) => self.working.push(layer),
                        Err(problem) => {
                            self.impossible.push(wish.clone());
                            last = Some(problem);
                        }
                    }
                }
            }
            self.wanted = wanted;
            if let Some(first) = self.working.first() {
                link.counters.set_format(Some(first.codec().format));
            }
            if let Some(problem) = &last {
                link.counters.set_problem(problem.to_string());
            }
            link.counters.set_target(self.working.iter().map(Layer::bitrate).sum());
        }
        for layer in &mut self.working {
            layer.wants_key |= link.track.take_key_frame_request_of(layer.rid());
        }
        last
    }
}

/// Codes and writes one frame of one encoding.
fn send(
    link: &Link,
    layer: &mut Layer,
    picture: &Picture,
    (timestamp, due): (u32, Instant),
    is_late: bool,
) -> Next {
    let started = Instant::now();
    let coded = layer.encode(picture, timestamp);
    let encode_time = started.elapsed();
    link.counters.add_encode_time(encode_time);
    let Coded { payload, key } = match coded {
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
    let len = payload.len();
    let quantizer = quantizer::of(layer.codec().format, &payload);
    let frame = Frame::new(layer.codec().format, timestamp, key, payload);
    let frame = Frame { captured: Some(due), rid: layer.rid().cloned(), ..frame };
    let written = link.track.write(&frame);
    let limitation = match layer.is_limited() {
        true => QualityLimitationReason::Bandwidth,
        false if is_late => QualityLimitationReason::Cpu,
        false => QualityLimitationReason::None,
    };
    let report = EncodingReport {
        key,
        size: Some(layer.size()),
        bytes: len,
        sent: written.is_ok(),
        encode_time,
        quantizer,
        target_bitrate: Some(layer.bitrate()),
        target_framerate: Some(layer.frames_per_second()),
        limitation,
        implementation: layer.implementation(),
        power_efficient: false,
    };
    link.track.report_encoding(layer.rid(), &report);
    match written {
        Ok(()) => {
            layer.wants_key &= !key;
            link.counters.count_frame(key, len);
        }
        Err(WriteError::Ended) => return Next::End,
        Err(_) => {
            // What follows would lean on a frame that nobody has.
            layer.wants_key = true;
            link.counters.count_refused();
        }
    }
    Next::Frame
}

/// So long after frames came too late the machine counts as too slow.
const SLOWNESS: Duration = Duration::from_secs(1);
