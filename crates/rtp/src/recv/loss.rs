//! The account of what arrived from one source and what did not: extended sequence numbers and loss (RFC 3550
//! §A.1, §A.3) and interarrival jitter (RFC 3550 §6.4.1, §A.8).

use std::ops::Range;
use std::time::{Duration, Instant};

use peerless_wire::rtp::SequenceNumber;

/// Counts the packets of one source by their sequence numbers.
///
/// There is no probation (RFC 3550 §A.1, MIN_SEQUENTIAL): packets come authenticated by SRTP.
#[derive(Debug, Clone, Default)]
pub struct Reception {
    span: Option<Span>,
    /// The number after that of a packet far off: if the next packet has it, the source has restarted.
    suspect: Option<SequenceNumber>,
}

/// Where a packet stands in its stream. Numbers are extended: 64 bits, the low 16 are the packet's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Ahead of all before it; the numbers in `missing`, just below it, have not arrived.
    Ahead {
        /// Its number.
        number: u64,
        /// The numbers skipped.
        missing: Range<u64>,
    },
    /// Not ahead: late, or a duplicate.
    Behind {
        /// Its number.
        number: u64,
    },
    /// The source has started anew with this packet: nothing before it will come, and counts begin again.
    Restart {
        /// Its number, above all before.
        number: u64,
    },
    /// So far off that it is not believed, unless the next packet follows it.
    Stray,
}

#[derive(Debug, Clone)]
struct Span {
    first: u64,
    highest: u64,
    received: u64,
    expected_at_report: u64,
    received_at_report: u64,
}

impl Reception {
    /// Counts a packet; `is_missed` tells whether a number is waited for, so that a retransmission may be far behind.
    pub fn handle(&mut self, sequence: SequenceNumber, is_missed: impl Fn(u64) -> bool) -> Place {
        let Some(span) = &mut self.span else {
            let number = FIRST_TURN + u64::from(sequence.0);
            self.span = Some(Span::new(number));
            return Place::Ahead { number, missing: number..number };
        };
        let step = i64::from(sequence.since(SequenceNumber::from(span.highest)));
        if (1..=MAX_DROPOUT).contains(&step) {
            let missing = span.highest + 1..span.highest.saturating_add_signed(step);
            span.highest = missing.end;
            span.received += 1;
            self.suspect = None;
            return Place::Ahead { number: missing.end, missing };
        }
        let number = span.highest.saturating_add_signed(step);
        if (-MAX_MISORDER..=0).contains(&step) || step < 0 && is_missed(number) {
            span.received += 1;
            return Place::Behind { number };
        }
        if self.suspect != Some(sequence) {
            self.suspect = Some(sequence.next());
            return Place::Stray;
        }
        // Two far off in a row: the source has restarted. Numbers go on one turn above, so that they still grow.
        let number = (((span.highest >> 16) + 2) << 16) | u64::from(sequence.0);
        *span = Span::new(number);
        self.suspect = None;
        Place::Restart { number }
    }

    /// Packets expected less packets received, duplicates counted as received (RFC 3550 §A.3).
    pub fn lost(&self) -> i64 {
        self.span.as_ref().map_or(0, Span::lost)
    }

    /// The highest number, as a report block tells it: turns since the first packet above, sequence number below.
    pub fn extended_highest(&self) -> u32 {
        self.span.as_ref().map_or(0, |span| {
            let turns = (span.highest >> 16) - (span.first >> 16);
            ((turns as u32) << 16) | (span.highest as u16 as u32)
        })
    }

    /// The part of packets lost since this was last called, in 1/256, cut at 255 (RFC 3550 §A.3).
    pub fn take_fraction_lost(&mut self) -> u8 {
        let Some(span) = &mut self.span else { return 0 };
        let expected = span.expected() - span.expected_at_report;
        let received = span.received - span.received_at_report;
        span.expected_at_report = span.expected();
        span.received_at_report = span.received;
        match expected.checked_sub(received) {
            Some(lost) if expected > 0 => u8::try_from((lost << 8) / expected).unwrap_or(u8::MAX),
            _ => 0,
        }
    }

    /// The highest number; `None` before the first packet.
    pub fn highest(&self) -> Option<u64> {
        self.span.as_ref().map(|span| span.highest)
    }
}

impl Span {
    fn new(number: u64) -> Self {
        Self { first: number, highest: number, received: 1, expected_at_report: 0, received_at_report: 0 }
    }

    fn expected(&self) -> u64 {
        self.highest - self.first + 1
    }

    fn lost(&self) -> i64 {
        self.expected() as i64 - self.received as i64
    }
}

/// The interarrival jitter of one source (RFC 3550 §A.8), in ticks of its clock.
///
/// Departs: RFC 3550 §6.4.1 takes every packet; this takes the first packet of each timestamp, because the packets
/// of one picture are paced and would all count as jitter.
#[derive(Debug, Clone, Default)]
pub struct Jitter {
    last: Option<(u32, i32)>,
    /// Sixteen times the jitter, as in the RFC's code.
    scaled: u64,
}

impl Jitter {
    /// Takes account of a packet with `timestamp` that came `since_start` after some fixed instant.
    pub fn handle(&mut self, since_start: Duration, timestamp: u32, clock_rate: u32) {
        let arrival = (since_start.as_nanos() * u128::from(clock_rate) / 1_000_000_000) as u32;
        let transit = arrival.wrapping_sub(timestamp).cast_signed();
        if let Some((last_timestamp, last_transit)) = self.last {
            if last_timestamp == timestamp {
                return;
            }
            let difference = u64::from(transit.wrapping_sub(last_transit).unsigned_abs());
            // A jump of the timestamps is no jitter.
            if difference < u64::from(clock_rate) * LARGEST_STEP_S {
                self.scaled = self.scaled + difference - ((self.scaled + 8) >> 4);
            }
        }
        self.last = Some((timestamp, transit));
    }

    /// The jitter in ticks.
    pub fn ticks(&self) -> u32 {
        (self.scaled >> 4) as u32
    }

    /// The jitter as a duration.
    pub fn duration(&self, clock_rate: u32) -> Duration {
        Duration::from_nanos(self.scaled * 1_000_000_000 / 16 / u64::from(clock_rate.max(1)))
    }

    /// Forgets the last packet, not the jitter: the clock changed or the source restarted.
    pub fn restart(&mut self) {
        self.last = None;
    }
}

/// When a source was first heard, the fixed instant for its [`Jitter`].
#[derive(Debug, Clone, Copy)]
pub struct Origin(pub Instant);

impl Origin {
    /// How long after it `now` is.
    pub fn since(self, now: Instant) -> Duration {
        now.saturating_duration_since(self.0)
    }
}

/// The first number, one turn above zero, so that packets before it have numbers as well.
const FIRST_TURN: u64 = 1 << 16;

/// More than this ahead is no loss but a restart or a stray (RFC 3550 §A.1).
const MAX_DROPOUT: i64 = 3000;

/// More than this behind is no reordering, but an old duplicate or a restart (RFC 3550 §A.1).
const MAX_MISORDER: i64 = 100;

/// Differences of more seconds than this are jumps.
const LARGEST_STEP_S: u64 = 10;

#[cfg(test)]
mod tests;
