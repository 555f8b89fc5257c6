//! When the frames of one source are due: the sender's clock, as timestamps tell it, mapped to ours, and a delay that
//! follows the jitter of the path. It grows at once and shrinks slowly, as what is late is lost and what is early only
//! waits.
//!
//! A frame is due at `first arrival + its timestamp since then + offset`. The offset goes a little beyond the largest
//! transit that is not an outlier ([`Delays`]), within bounds, and further where the user wants more (jitterBufferTarget, webrtc-pc
//! §5.3) or another stream must be waited for (lip sync).

use std::time::{Duration, Instant};

use crate::recv::delay::Delays;

/// How long frames are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// At least, however even the path.
    pub min: Duration,
    /// At most for the sake of jitter, however uneven the path.
    pub max: Duration,
}

/// The play-out clock of one source.
#[derive(Debug, Clone)]
pub struct Playout {
    clock_rate: u32,
    bounds: Bounds,
    target: Option<Duration>,
    mapping: Option<Mapping>,
    delays: Delays,
    /// What lip sync adds to the delay, and what it shall, nanoseconds.
    extra: i64,
    wanted_extra: i64,
}

/// A timestamp and the instant it stands for, with what came of them.
#[derive(Debug, Clone, Copy)]
struct Mapping {
    origin: Instant,
    /// The timestamp of the latest packet, and how many ticks after the first one that is.
    timestamp: u32,
    ticks: i64,
    transit: i64,
    /// Frames are due so much after their place on the timeline that begins with `origin`, nanoseconds.
    offset: i64,
    updated: Instant,
}

impl Playout {
    /// The clock of a source that nothing came from yet.
    pub fn new(clock_rate: u32, bounds: Bounds, target: Option<Duration>) -> Self {
        let delays = Delays::default();
        Self { clock_rate, bounds, target, mapping: None, delays, extra: 0, wanted_extra: 0 }
    }

    /// Sets the least delay the user wants; zero has frames leave as soon as they are whole.
    pub fn set_target(&mut self, target: Option<Duration>) {
        self.target = target;
    }

    /// Sets what is to be waited for another stream; the delay goes there slowly.
    pub fn set_extra(&mut self, extra: Duration) {
        self.wanted_extra = nanos(extra);
    }

    /// Goes on with another clock: what is known of the timeline is forgotten.
    pub fn set_clock_rate(&mut self, clock_rate: u32) {
        if clock_rate != self.clock_rate {
            self.clock_rate = clock_rate;
            self.restart();
        }
    }

    /// The timeline ends here; another begins with the next packet.
    pub fn restart(&mut self) {
        self.mapping = None;
        self.delays.clear();
    }

    /// Takes account of a packet that came at `now`, not having come before. One that came by a retransmission counts
    /// as no later than `at_most` behind the earliest.
    pub fn handle(&mut self, now: Instant, timestamp: u32, at_most: Option<Duration>) {
        let Some(mapping) = &mut self.mapping else { return self.begin(now, timestamp) };
        let step = i64::from(timestamp.wrapping_sub(mapping.timestamp).cast_signed());
        let ticks = mapping.ticks + step;
        let since = nanos(now.saturating_duration_since(mapping.origin));
        let mut transit = since.saturating_sub(to_nanos(ticks, self.clock_rate));
        if at_most.is_none() && (transit - mapping.transit).abs() > LARGEST_STEP {
            self.restart();
            return self.begin(now, timestamp);
        }
        if step > 0 {
            (mapping.timestamp, mapping.ticks) = (timestamp, ticks);
        }
        match at_most {
            Some(at_most) => {
                let low = self.delays.low();
                transit = transit.clamp(low, low.saturating_add(nanos(at_most)));
            }
            None => mapping.transit = transit,
        }
        self.delays.handle(now, transit);
        self.advance(now);
    }

    /// When the frame with `timestamp`, of which packets came at `arrived`, is due. `None`: at once.
    pub fn due(&self, timestamp: u32, arrived: Instant) -> Option<Instant> {
        if self.is_immediate() {
            return None;
        }
        let mapping = self.mapping.as_ref()?;
        let step = i64::from(timestamp.wrapping_sub(mapping.timestamp).cast_signed());
        let after = to_nanos(mapping.ticks + step, self.clock_rate).saturating_add(mapping.offset);
        let due = shift(mapping.origin, after);
        // Those from before a jump of the timestamps may seem far off: none waits longer than the earliest would.
        Some(due.min(shift(arrived, (mapping.offset - self.delays.low()).max(0))))
    }

    /// How long so many ticks are.
    pub fn duration(&self, ticks: u32) -> Duration {
        Duration::from_nanos(u64::try_from(to_nanos(ticks.into(), self.clock_rate)).unwrap_or(0))
    }

    /// Whether frames leave as soon as they are whole.
    pub fn is_immediate(&self) -> bool {
        self.target == Some(Duration::ZERO)
    }

    /// The delay of a packet on time that the path alone asks for.
    pub fn least_delay(&self) -> Duration {
        if self.is_immediate() { Duration::ZERO } else { from_nanos(self.path_delay()) }
    }

    /// The delay of a packet on time that is aimed at, with what the user and lip sync want.
    pub fn aimed_delay(&self) -> Duration {
        if self.is_immediate() { Duration::ZERO } else { from_nanos(self.own_delay() + self.wanted_extra) }
    }

    /// The timestamp whose frame is due at `now` by this stream's own needs, without what lip sync adds. `None` before
    /// the first packet, and where frames leave at once.
    pub fn playing(&self, now: Instant) -> Option<u32> {
        let mapping = self.mapping.as_ref().filter(|_| !self.is_immediate())?;
        let since = signed_since(now, mapping.origin) - (mapping.offset - self.extra);
        let ticks = (i128::from(since) * i128::from(self.clock_rate) / NANOS) as i64;
        Some(mapping.timestamp.wrapping_add((ticks - mapping.ticks) as u32))
    }

    fn begin(&mut self, now: Instant, timestamp: u32) {
        self.delays.handle(now, 0);
        let offset = self.own_delay() + self.extra;
        self.mapping = Some(Mapping { origin: now, timestamp, ticks: 0, transit: 0, offset, updated: now });
    }

    /// Moves the delay towards what it shall be.
    fn advance(&mut self, now: Instant) {
        let own = self.delays.low() + self.own_delay();
        let Some(mapping) = &mut self.mapping else { return };
        let passed = nanos(now.saturating_duration_since(mapping.updated).min(LONGEST_PASSED));
        mapping.updated = now;
        let before = self.extra;
        let most = passed / EXTRA_SHARE;
        self.extra += (self.wanted_extra - self.extra).clamp(-most, most);
        mapping.offset += self.extra - before;
        let excess = mapping.offset - self.extra - own;
        if excess <= 0 {
            mapping.offset -= excess;
            return;
        }
        let much = (excess - MUCH).max(0);
        let share = |part: i64, time: i64| (i128::from(part) * i128::from(passed) / i128::from(time)) as i64;
        let fall =
            share(excess, SHRINK_TIME) + share(much, SHRINK_TIME_OF_MUCH) + passed / LEAST_SHRINK_SHARE;
        mapping.offset -= fall.min(excess);
    }

    /// What the path asks for, nanoseconds after the earliest packets.
    fn path_delay(&self) -> i64 {
        let (min, max) = (nanos(self.bounds.min), nanos(self.bounds.max));
        let spread = self.delays.high() - self.delays.low();
        (spread + spread / MARGIN_SHARE).min(max).max(min)
    }

    fn own_delay(&self) -> i64 {
        self.path_delay().max(self.target.map_or(0, nanos))
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX / 4)
}

fn from_nanos(nanos: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}

fn to_nanos(ticks: i64, clock_rate: u32) -> i64 {
    (i128::from(ticks) * NANOS / i128::from(clock_rate.max(1))).clamp(-MOST_NANOS, MOST_NANOS) as i64
}

fn signed_since(now: Instant, origin: Instant) -> i64 {
    match now.checked_duration_since(origin) {
        Some(since) => nanos(since),
        None => -nanos(origin.saturating_duration_since(now)),
    }
}

fn shift(instant: Instant, nanos: i64) -> Instant {
    let by = Duration::from_nanos(nanos.unsigned_abs());
    let shifted = if nanos < 0 { instant.checked_sub(by) } else { instant.checked_add(by) };
    shifted.unwrap_or(instant)
}

const NANOS: i128 = 1_000_000_000;

/// Longer times than 70 years are cut, so that sums of them stay in range.
const MOST_NANOS: i128 = (i64::MAX / 4) as i128;

/// The delay is longer than what was seen by this share, because somewhat worse is to come.
const MARGIN_SHARE: i64 = 8;

/// A change of the transit by more than three seconds is no jitter: the timestamps have jumped.
const LARGEST_STEP: i64 = 3_000_000_000;

/// A delay that is too long shrinks by a share of 1 / e in this time, nanoseconds, ...
const SHRINK_TIME: i64 = 4_000_000_000;

/// ... what it is longer than by this much in this shorter time besides, ...
const MUCH: i64 = 200_000_000;
const SHRINK_TIME_OF_MUCH: i64 = 1_000_000_000;

/// ... and by this share of the passing time at least.
const LEAST_SHRINK_SHARE: i64 = 100;

/// What lip sync adds changes by this share of the passing time at most: 80 ms a second.
const EXTRA_SHARE: i64 = 12;

/// After a pause no more time is taken to have passed.
const LONGEST_PASSED: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
