//! The tones of one source (RFC 4733 §2.5.2): reports that grow and repeat become one tone, told when it has ended. Which
//! it has when a report says so, when another tone begins, or when nothing more was heard of it.

use std::time::{Duration, Instant};

use crate::payload::{ToneReport, tone_reports};
use crate::tone::{ReceivedTone, Tone};

/// What is known of the tones of a source.
#[derive(Debug, Default)]
pub struct Tones {
    current: Option<Current>,
    /// The timestamp of the latest that has ended, and when it was last heard of: what comes of it again is not new.
    last: Option<(u32, Instant)>,
    /// The source has begun anew since: whatever comes is later.
    is_anew: bool,
}

/// A packet of tones.
#[derive(Debug, Clone, Copy)]
pub struct TonePacket<'a> {
    /// The marker bit: the first of a tone.
    pub marker: bool,
    /// When its first tone began.
    pub timestamp: u32,
    /// The reports.
    pub payload: &'a [u8],
    /// Ticks per second of the lengths in them.
    pub lengths: u32,
    /// Ticks per second of the timestamps: those of the sound beside it.
    pub timestamps: u32,
}

/// A tone that goes on.
#[derive(Debug)]
struct Current {
    tone: Tone,
    volume: u8,
    /// When its latest part began.
    timestamp: u32,
    /// How long the parts before that were, in ticks.
    before: u64,
    /// How long that is so far, in ticks.
    ticks: u16,
    /// Ticks per second of both.
    clock: u32,
    heard: Instant,
}

impl Tones {
    /// Takes in a packet; tones that end with it are given to `told`.
    pub fn handle(&mut self, now: Instant, packet: TonePacket<'_>, told: &mut dyn FnMut(ReceivedTone)) {
        let (mut timestamp, mut marker) = (packet.timestamp, packet.marker);
        for report in tone_reports(packet.payload) {
            self.handle_report(now, timestamp, marker, report, packet, told);
            // Those after the first begin where the one before ended (RFC 4733 §2.5.1.5).
            timestamp = timestamp.wrapping_add(rescale(report.duration, packet.lengths, packet.timestamps));
            marker = true;
        }
    }

    fn handle_report(
        &mut self,
        now: Instant,
        timestamp: u32,
        marker: bool,
        report: ToneReport,
        packet: TonePacket<'_>,
        told: &mut dyn FnMut(ReceivedTone),
    ) {
        // No length is for states, which keys do not have (RFC 4733 §2.3.5).
        let Some(tone) = Tone::from_code(report.event).filter(|_| report.duration > 0) else { return };
        if std::mem::take(&mut self.is_anew) {
            self.end(told);
            self.last = None;
        }
        match &mut self.current {
            Some(current) if current.timestamp == timestamp => {
                if current.tone != tone {
                    return;
                }
                current.ticks = current.ticks.max(report.duration);
            }
            Some(current) if !is_after(timestamp, current.timestamp) => return,
            Some(current) if !marker && current.tone == tone && current.goes_on_at(timestamp, packet) => {
                let passed = timestamp.wrapping_sub(current.timestamp);
                // Where both clocks are one, the timestamps tell it even if the end of the part was lost.
                let is_one_clock = packet.lengths == packet.timestamps;
                current.before += if is_one_clock { u64::from(passed) } else { u64::from(current.ticks) };
                (current.timestamp, current.ticks) = (timestamp, report.duration);
            }
            _ => {
                self.end(told);
                let is_known = |(last, heard): &(u32, Instant)| {
                    now.saturating_duration_since(*heard) < REMEMBERED && !is_after(timestamp, *last)
                };
                if self.last.as_ref().is_some_and(is_known) {
                    return;
                }
                self.current = Some(Current {
                    tone,
                    volume: report.volume,
                    timestamp,
                    before: 0,
                    ticks: report.duration,
                    clock: packet.lengths,
                    heard: now,
                });
            }
        }
        if let Some(current) = &mut self.current {
            current.heard = now;
        }
        if report.ends {
            self.end(told);
        }
    }

    /// When a tone that goes on is taken for ended.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.current.as_ref().map(|current| current.heard + LONGEST_SILENCE)
    }

    /// Ends a tone of which nothing was heard for long.
    pub fn handle_timeout(&mut self, now: Instant, told: &mut dyn FnMut(ReceivedTone)) {
        if self.poll_timeout().is_some_and(|at| at <= now) {
            self.end(told);
        }
    }

    /// The source has begun anew: its timestamps have nothing to do with those before. A tone that goes on ends in time.
    pub fn restart(&mut self) {
        self.last = None;
        self.is_anew = true;
    }

    fn end(&mut self, told: &mut dyn FnMut(ReceivedTone)) {
        let Some(current) = self.current.take() else { return };
        self.last = Some((current.timestamp, current.heard));
        let ticks = current.before + u64::from(current.ticks);
        let nanos = u128::from(ticks) * 1_000_000_000 / u128::from(current.clock.max(1));
        let duration = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        told(ReceivedTone::new(current.tone, duration, current.volume));
    }
}

impl Current {
    /// Whether a report without marker and with this later timestamp is on its next part: right after what was heard of
    /// it, or after more than half of what one part can be, whose end was lost.
    fn goes_on_at(&self, timestamp: u32, packet: TonePacket<'_>) -> bool {
        let passed = timestamp.wrapping_sub(self.timestamp);
        let heard = rescale(self.ticks, packet.lengths, packet.timestamps);
        let longest = rescale(u16::MAX, packet.lengths, packet.timestamps);
        let at_most = longest + packet.timestamps / MARGIN_PARTS;
        passed == heard || (self.ticks > u16::MAX / 2 && passed >= heard && passed <= at_most)
    }
}

/// Ticks of one clock in ticks of another.
fn rescale(ticks: u16, from: u32, to: u32) -> u32 {
    let scaled = u64::from(ticks) * u64::from(to) / u64::from(from.max(1));
    u32::try_from(scaled).unwrap_or(u32::MAX)
}

/// Whether a timestamp is later than another, on their circle.
fn is_after(timestamp: u32, other: u32) -> bool {
    timestamp.wrapping_sub(other).cast_signed() > 0
}

/// A tone of which nothing was heard for so long has ended: four times the longest usual interval.
const LONGEST_SILENCE: Duration = Duration::from_millis(200);

/// So long after it was heard of, a report on a tone that has ended is no late one: timestamps have turned round.
const REMEMBERED: Duration = Duration::from_secs(10);

/// Parts may be late by the 20th part of a second: a packet of those who send every 50 ms.
const MARGIN_PARTS: u32 = 20;

#[cfg(test)]
mod tests;
