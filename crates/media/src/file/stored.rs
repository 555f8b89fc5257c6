//! What a file holds: frames with their times, and what is known of them as a whole.

use std::time::Duration;

use bytes::Bytes;
use peerless::{Format, MediaKind};

/// The largest frame that is written or read, in bytes: 16 MiB.
pub const FRAME_LIMIT: usize = 16 << 20;

/// One frame as it lies in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFrame {
    /// When it is played, from the beginning of the recording.
    pub time: Duration,
    /// Whether it can be decoded without any frame before it. Sound is always so.
    pub key: bool,
    /// The coded bytes, as in [`Frame::payload`](peerless::Frame::payload).
    pub payload: Bytes,
}

/// What a track of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackInfo {
    /// How the frames are coded. For H.264 the profile and level are those of the first sequence parameter set, and
    /// the packetization mode is 1.
    pub format: Format,
    /// RTP timestamp ticks per second.
    pub clock_rate: u32,
    /// Sound channels as negotiation counts them (Opus always says 2); 1 for video.
    pub channels: u8,
    /// Width and height at the start, where the file tells.
    pub size: Option<(u32, u32)>,
}

impl TrackInfo {
    /// The RTP clock of all video (RFC 3551 §5).
    pub(crate) const VIDEO_CLOCK: u32 = 90_000;

    pub(crate) fn video(format: Format, size: Option<(u32, u32)>) -> Self {
        Self { format, clock_rate: Self::VIDEO_CLOCK, channels: 1, size }
    }

    pub(crate) fn audio(format: Format, clock_rate: u32, channels: u8) -> Self {
        Self { format, clock_rate, channels, size: None }
    }

    /// Whether frames of both go into one file: of the same codec, rate and channels.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        std::mem::discriminant(&self.format) == std::mem::discriminant(&other.format)
            && (self.clock_rate, self.channels) == (other.clock_rate, other.channels)
    }

    /// Sound or pictures.
    pub fn kind(&self) -> MediaKind {
        if self.format.is_video() { MediaKind::Video } else { MediaKind::Audio }
    }
}

/// A time in ticks of a clock, rounded to the nearest.
pub(crate) fn to_ticks(time: Duration, rate: u32) -> u64 {
    let ticks = (time.as_nanos() * u128::from(rate) + 500_000_000) / 1_000_000_000;
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

/// Ticks of a clock as a time, rounded to the nearest nanosecond; the longest time where they are more.
pub(crate) fn from_ticks(ticks: u64, rate: u64) -> Duration {
    let rate = u128::from(rate.max(1));
    let nanos = (u128::from(ticks) * 1_000_000_000 + rate / 2) / rate;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_survive_the_way_to_nanoseconds_and_back() {
        for rate in [8_000, 44_100, 48_000, 90_000] {
            for ticks in (0..10_000_000u64).step_by(9_973) {
                assert_eq!(to_ticks(from_ticks(ticks, rate.into()), rate), ticks);
            }
        }
        assert_eq!(from_ticks(u64::MAX, 1), Duration::from_nanos(u64::MAX));
    }
}
