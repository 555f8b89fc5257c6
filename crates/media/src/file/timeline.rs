//! From RTP timestamps to times in a recording, the same for all tracks of it.
//!
//! The first frame of a track is placed by the instant at which it is played (or came); those after it by their
//! timestamps, so that the network's jitter is not kept. Where the two drift further apart than [`TOLERANCE`], the
//! source has another clock now (RFC 3550 §5.1: a new source starts at a random timestamp), and the frame is placed by
//! its instant again.

use std::time::{Duration, Instant};

/// How far timestamps may lead or lag before they are no longer believed: more than any jitter buffer holds.
const TOLERANCE: Duration = Duration::from_secs(3);

/// Places the frames of one track.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    last: Option<Placed>,
}

#[derive(Debug, Clone, Copy)]
struct Placed {
    timestamp: u32,
    clock_rate: u32,
    /// Nanoseconds from the beginning of the recording to the point that ticks are counted from, and the ticks.
    anchor: i128,
    ticks: i64,
}

impl Placed {
    fn time(&self) -> i128 {
        self.anchor + i128::from(self.ticks) * 1_000_000_000 / i128::from(self.clock_rate.max(1))
    }
}

impl Timeline {
    /// When a frame stands in a recording that began at `origin`. Frames from before it are placed at its beginning.
    pub(crate) fn place(
        &mut self,
        origin: Instant,
        instant: Instant,
        (timestamp, clock_rate): (u32, u32),
    ) -> Duration {
        let by_instant = signed_nanos(origin, instant);
        let anew = Placed { timestamp, clock_rate, anchor: by_instant, ticks: 0 };
        let next = match self.last {
            Some(last) if last.clock_rate == clock_rate => {
                let step = timestamp.wrapping_sub(last.timestamp).cast_signed();
                let ticks = last.ticks.saturating_add(i64::from(step));
                let next = Placed { timestamp, ticks, ..last };
                let drift = (next.time() - by_instant).unsigned_abs();
                if drift > TOLERANCE.as_nanos() { anew } else { next }
            }
            _ => anew,
        };
        self.last = Some(next);
        Duration::from_nanos(u64::try_from(next.time()).unwrap_or(0))
    }
}

fn signed_nanos(from: Instant, to: Instant) -> i128 {
    let forward = to.saturating_duration_since(from).as_nanos() as i128;
    forward - from.saturating_duration_since(to).as_nanos() as i128
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn times_follow_the_timestamps_through_their_wrap_and_not_the_jitter() {
        let origin = Instant::now();
        let mut timeline = Timeline::default();
        let mut timestamp = u32::MAX - 4_000;
        for number in 0..100u64 {
            let jitter = ms(number * 7 % 50);
            let instant = origin + ms(200) + ms(number * 40) + jitter;
            let time = timeline.place(origin, instant, (timestamp, 90_000));
            assert_eq!(time, ms(200) + ms(number * 40), "frame {number}");
            timestamp = timestamp.wrapping_add(3_600);
        }
    }

    #[test]
    fn a_source_with_another_clock_is_placed_by_its_arrival() {
        let origin = Instant::now();
        let mut timeline = Timeline::default();
        assert_eq!(timeline.place(origin, origin, (0, 48_000)), ms(0));
        assert_eq!(timeline.place(origin, origin + ms(25), (960, 48_000)), ms(20));
        assert_eq!(timeline.place(origin, origin + ms(60), (0x8000_0000, 48_000)), ms(60));
        assert_eq!(timeline.place(origin, origin + ms(85), (0x8000_03c0, 48_000)), ms(80));
        assert_eq!(timeline.place(origin, origin + ms(100), (7, 8_000)), ms(100), "another codec");
    }

    #[test]
    fn what_comes_late_and_early_stands_at_or_after_the_beginning() {
        let origin = Instant::now();
        let mut timeline = Timeline::default();
        assert_eq!(timeline.place(origin + ms(50), origin, (9_000, 90_000)), ms(0));
        assert_eq!(timeline.place(origin + ms(50), origin + ms(100), (18_000, 90_000)), ms(50));
        assert_eq!(timeline.place(origin + ms(50), origin + ms(100), (17_910, 90_000)), ms(49), "reordered");
    }
}
