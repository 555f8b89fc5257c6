//! The thread of a play of pictures.

use std::sync::Arc;
use std::time::{Duration, Instant};

use peerless::stats::{Decoded, DecodingReport};
use peerless::{Format, Frame};

use crate::codec::any;
use crate::codec::quantizer;
use crate::codec::traits::{DecodeError, VideoDecoder};
use crate::picture::Picture;
use crate::play::link::{Link, guarded};
use crate::play::outlet::DecodedPicture;
use crate::play::stats::VideoCounts;

/// Frames in, pictures out.
pub(crate) struct VideoThread {
    link: Link<VideoCounts, Arc<DecodedPicture>>,
    decoder: Option<Box<dyn VideoDecoder>>,
    format: Option<Format>,
}

impl VideoThread {
    pub(crate) fn new(link: Link<VideoCounts, Arc<DecodedPicture>>) -> Self {
        Self { link, decoder: None, format: None }
    }

    /// Until the track ends or the handle is gone.
    pub(crate) fn run(mut self) {
        self.link.signal.adopt();
        while let Some(frame) = self.link.next() {
            self.take(&frame);
        }
        self.link.outlet.end();
    }

    fn take(&mut self, frame: &Frame) {
        if self.format != Some(frame.format) {
            self.format = Some(frame.format);
            self.open(frame);
        }
        let Some(decoder) = &mut self.decoder else {
            self.link.counters.lock().stats.frames_dropped += 1;
            return self.tell(frame, Decoded::Dropped, Duration::ZERO, "");
        };
        let implementation = decoder.implementation();
        let started = Instant::now();
        let decoded = guarded(|| decoder.decode(&frame.payload));
        let done = Instant::now();
        let awaits_key_frame = decoded.is_none() || decoder.awaits_key_frame();
        if decoded.is_none() {
            tracing::error!(format = frame.format.name(), "a decoder panicked");
            self.open(frame);
        }
        let mut counts = self.link.counters.lock();
        counts.stats.decode_time += done - started;
        let outcome = match &decoded {
            Some(Ok(_)) => Decoded::Nothing,
            Some(Err(DecodeError::AwaitsKeyFrame)) => Decoded::Dropped,
            Some(Err(_)) | None => Decoded::Broken,
        };
        match decoded {
            Some(Ok(Some(picture))) => {
                counts.rate.count(done);
                let picture = count(&mut counts, frame, picture);
                drop(counts);
                let quantizer = quantizer::of(frame.format, &frame.payload);
                let (width, height) = (picture.picture.width(), picture.picture.height());
                let shown = Decoded::Picture { width, height, quantizer };
                self.tell(frame, shown, done - started, implementation);
                self.link.outlet.push(Arc::new(picture));
                return;
            }
            Some(Ok(None)) => counts.stats.problem = None,
            Some(Err(DecodeError::AwaitsKeyFrame)) => counts.stats.frames_dropped += 1,
            Some(Err(problem)) => {
                counts.stats.frames_broken += 1;
                counts.stats.problem = Some(problem.to_string());
            }
            None => counts.stats.frames_broken += 1,
        }
        counts.stats.key_frame_requests += u64::from(awaits_key_frame);
        drop(counts);
        self.tell(frame, outcome, done - started, implementation);
        if awaits_key_frame {
            // Asked for with each frame that goes by; the connection asks the remote no more often than is of use.
            self.link.track.request_key_frame();
        }
    }

    /// Tells the connection, for its stats.
    fn tell(&self, frame: &Frame, decoded: Decoded, decode_time: Duration, implementation: &'static str) {
        let report = DecodingReport { decoded, decode_time, implementation, power_efficient: false };
        self.link.track.report_decoding(frame, &report);
    }

    /// Makes the decoder for a frame.
    fn open(&mut self, frame: &Frame) {
        let made = match self.link.codec(frame) {
            Some(codec) => any::video_decoder(&codec),
            None => Err(DecodeError::Unsupported(frame.format)),
        };
        let mut counts = self.link.counters.lock();
        (self.decoder, counts.stats.format, counts.stats.problem) = match made {
            Ok(decoder) => (Some(decoder), Some(frame.format), None),
            Err(problem) => {
                tracing::error!(%problem, "no decoder");
                (None, None, Some(problem.to_string()))
            }
        };
    }
}

fn count(counts: &mut VideoCounts, frame: &Frame, picture: Picture) -> DecodedPicture {
    let stats = &mut counts.stats;
    stats.problem = None;
    stats.frames_decoded += 1;
    stats.key_frames_decoded += u64::from(frame.key);
    stats.size = Some((picture.width(), picture.height()));
    DecodedPicture {
        picture,
        timestamp: frame.timestamp,
        key: frame.key,
        arrived: frame.arrived,
        playout: frame.playout,
        number: stats.frames_decoded,
    }
}
