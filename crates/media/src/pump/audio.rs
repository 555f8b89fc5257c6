//! The audio side of a pump.

use std::time::{Duration, Instant};

use bytes::Bytes;
use peerless::stats::{EncodingReport, QualityLimitationReason, SoundOrigin, SourceReport};
use peerless::{Codec, Frame, WriteError};

use crate::codec::any;
use crate::codec::traits::{AudioEncoder, Error};
use crate::pump::link::{Link, Next};
use crate::pump::schedule::Schedule;
use crate::sound::Sound;
use crate::source::traits::SoundSource;
use crate::telling;

/// Frames that may be late and still be sent: receivers wait as long as that, and a gap would be heard.
const PATIENCE: u64 = 3;

pub(crate) struct AudioPump {
    source: Box<dyn SoundSource>,
}

impl AudioPump {
    pub(crate) fn new(source: Box<dyn SoundSource>) -> Self {
        Self { source }
    }

    pub(crate) fn run(mut self, link: &Link) {
        while let Some(codec) = link.wait_codec() {
            let target = link.track.target_bitrate();
            let made = any::audio(&codec, target).and_then(|encoder| {
                let shape = encoder.shape();
                let sound = Sound::new(shape.sample_rate, shape.channels, shape.frames)?;
                Ok((encoder, sound))
            });
            let next = match made {
                Ok((encoder, sound)) => {
                    link.counters.set_format(Some(codec.format));
                    link.counters.set_target(target.unwrap_or(0));
                    self.pump(link, &codec, encoder, sound)
                }
                Err(problem) if link.wait_other(&codec, &problem) => Next::Codec,
                Err(_) => Next::End,
            };
            if next == Next::End {
                return;
            }
        }
    }

    /// Frame after frame, until the codec changes or it is over.
    fn pump(
        &mut self,
        link: &Link,
        codec: &Codec,
        mut encoder: Box<dyn AudioEncoder>,
        mut sound: Sound,
    ) -> Next {
        let start = Instant::now();
        let (base, ticks) = (link.ticks(start, codec.clock_rate), encoder.ticks());
        let mut target = link.track.target_bitrate();
        let mut schedule = Schedule::new(start, (sound.frames() as u32, sound.sample_rate()), PATIENCE);
        while link.signal.sleep_until(schedule.due()) {
            if link.track.is_ended() {
                return Next::End;
            }
            if link.track.codec().as_ref() != Some(codec) {
                return Next::Codec;
            }
            let wanted = link.track.target_bitrate();
            if let (true, Some(bitrate)) = (wanted != target, wanted) {
                encoder.set_bitrate(bitrate);
                link.counters.set_target(bitrate);
                target = wanted;
            }
            // Each frame of sound can be decoded on its own: a key frame wish has been fulfilled.
            let _ = link.track.take_key_frame_request();
            self.source.fill(&mut sound);
            let report = telling::report(&sound, SoundOrigin::Given);
            link.track.report_source(&SourceReport::Sound(report));
            let started = Instant::now();
            let payload = encoder.encode(&sound);
            let encode_time = started.elapsed();
            link.counters.add_encode_time(encode_time);
            let bytes = payload.as_ref().map_or(0, Bytes::len);
            let number = schedule.number().wrapping_mul(u64::from(ticks)) as u32;
            let timestamp = base.wrapping_add(number);
            if send(link, codec, payload, (timestamp, schedule.due())) == Next::End {
                return Next::End;
            }
            if bytes > 0 {
                link.track.report_encoding(None, &encoded(bytes, encode_time, encoder.bitrate()));
            }
            link.counters.count_skipped(schedule.advance(Instant::now()));
        }
        Next::End
    }
}

/// What the connection is told of a frame, for its stats.
fn encoded(bytes: usize, encode_time: Duration, target_bitrate: Option<u64>) -> EncodingReport {
    EncodingReport {
        key: true,
        size: None,
        bytes,
        sent: true,
        encode_time,
        quantizer: None,
        target_bitrate,
        target_framerate: None,
        limitation: QualityLimitationReason::None,
        implementation: "",
        power_efficient: false,
    }
}

/// Writes one frame.
fn send(link: &Link, codec: &Codec, payload: Result<Bytes, Error>, (timestamp, due): (u32, Instant)) -> Next {
    let payload = match payload {
        Ok(payload) => payload,
        Err(problem) => {
            link.counters.set_problem(problem.to_string());
            link.counters.count_skipped(1);
            return Next::Frame;
        }
    };
    if payload.is_empty() {
        return Next::Frame;
    }
    let len = payload.len();
    let frame = Frame { captured: Some(due), ..Frame::new(codec.format, timestamp, true, payload) };
    match link.track.write(&frame) {
        Ok(()) => link.counters.count_frame(true, len),
        Err(WriteError::Ended) => return Next::End,
        Err(_) => link.counters.count_refused(),
    }
    Next::Frame
}
