//! Tones as they are played in place of sound (RFC 4733 §2.5.1): a report every 20 ms that says how long the tone is by
//! now, all with the timestamp of its beginning, the last one three times. One that is longer than a report can say goes
//! out in parts, each with a timestamp of its own.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::payload::ToneReport;
use crate::tone::Tone;

/// The tones that one sender plays.
#[derive(Debug, Default)]
pub struct Tones {
    parts: VecDeque<Part>,
}

/// The clocks of a tone: that of the sound, which timestamps follow, and that in which its length is told.
#[derive(Debug, Clone, Copy)]
pub struct Clocks {
    /// Ticks of timestamps per second.
    pub timestamps: u32,
    /// Ticks of lengths per second.
    pub lengths: u32,
}

/// A packet of a tone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TonePacket {
    /// Set on the first of a tone.
    pub marker: bool,
    /// When the tone, or its part, began.
    pub timestamp: u32,
    /// The payload.
    pub report: ToneReport,
}

/// So much of a tone as one report can say.
#[derive(Debug)]
struct Part {
    tone: Tone,
    clock: u32,
    timestamp: u32,
    begins: Instant,
    ticks: u16,
    ends: Instant,
    /// Nothing of the tone was sent.
    is_first: bool,
    /// The tone ends with it.
    is_last: bool,
    /// When its next packet is due.
    next: Instant,
    /// How often its last packet was sent.
    finals: u8,
}

impl Tones {
    /// Plays a tone from `now`, at `timestamp`, for `length`. False where too many are still being played.
    pub fn play(
        &mut self,
        now: Instant,
        timestamp: u32,
        tone: Tone,
        length: Duration,
        clocks: Clocks,
    ) -> bool {
        self.forget_stale(now);
        let (clock, total) = (clocks.lengths.max(1), ticks(length, clocks.lengths).max(1));
        if self.parts.len() as u64 + total.div_ceil(LONGEST_PART) > MAX_PARTS {
            return false;
        }
        let at = |ticks: u64| now + Duration::from_nanos(ticks * 1_000_000_000 / u64::from(clock));
        let mut begin = 0;
        while begin < total {
            let end = (begin + LONGEST_PART).min(total);
            let offset = u128::from(begin) * u128::from(clocks.timestamps) / u128::from(clock);
            self.parts.push_back(Part {
                tone,
                clock,
                timestamp: timestamp.wrapping_add(offset as u32),
                begins: at(begin),
                ticks: u16::try_from(end - begin).unwrap_or(u16::MAX),
                ends: at(end),
                is_first: begin == 0,
                is_last: end == total,
                next: (at(begin) + INTERVAL).min(at(end)),
                finals: 0,
            });
            begin = end;
        }
        true
    }

    /// Whether one is being played: then there is no sound.
    pub fn is_playing(&self) -> bool {
        !self.parts.is_empty()
    }

    /// When the next packet is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.parts.iter().map(|part| part.next).min()
    }

    /// The next packet, if one is due at `now`.
    pub fn take(&mut self, now: Instant) -> Option<TonePacket> {
        self.parts.front()?;
        self.forget_stale(now);
        let due = self.parts.iter().enumerate().filter(|(_, part)| part.next <= now);
        let (index, _) = due.min_by_key(|(_, part)| part.next)?;
        let part = self.parts.get_mut(index)?;
        let packet = part.packet(now);
        if part.finals >= FINALS {
            self.parts.remove(index);
        }
        Some(packet)
    }

    /// Stops all at once.
    pub fn clear(&mut self) {
        self.parts.clear();
    }

    /// What could not be sent for long is of no use any more.
    fn forget_stale(&mut self, now: Instant) {
        self.parts.retain(|part| now < part.ends + STALE);
    }
}

impl Part {
    fn packet(&mut self, now: Instant) -> TonePacket {
        let is_over = now >= self.ends;
        let duration = if is_over {
            self.finals += 1;
            self.next = now + INTERVAL;
            self.ticks
        } else {
            self.next = (self.next + INTERVAL).max(now).min(self.ends);
            let heard = ticks(now.saturating_duration_since(self.begins), self.clock).max(1);
            u16::try_from(heard).unwrap_or(u16::MAX).min(self.ticks)
        };
        let ends = is_over && self.is_last;
        TonePacket {
            marker: std::mem::take(&mut self.is_first),
            timestamp: self.timestamp,
            report: ToneReport { event: self.tone.code(), ends, volume: VOLUME, duration },
        }
    }
}

fn ticks(length: Duration, clock: u32) -> u64 {
    u64::try_from(length.as_nanos() * u128::from(clock) / 1_000_000_000).unwrap_or(u64::MAX)
}

/// The time between two reports on a tone: a usual packet of sound.
const INTERVAL: Duration = Duration::from_millis(20);

/// How often the last report on a tone, or on a part of it, is sent (RFC 4733 §2.5.1.4).
const FINALS: u8 = 3;

/// The longest a report can tell of, in ticks.
const LONGEST_PART: u64 = u16::MAX as u64;

/// How loud tones are, in -dBm0: what browsers say.
const VOLUME: u8 = 10;

/// The most parts that are played or wait: a tone of six seconds has five.
const MAX_PARTS: u64 = 16;

/// A tone that ended so long ago is not told of any more, where nothing could be sent.
const STALE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
