//! Which missing packets are asked for again, and when (generic NACK, RFC 4585 §6.2.1): at once with a little
//! patience for reordering, then again after a round trip, backing off, for so many times and packets at most.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

/// The packets of one source that are missing and may still come.
#[derive(Debug, Clone, Default)]
pub struct Nacks {
    /// In the order of their numbers.
    missing: VecDeque<Missing>,
    /// No later than when the first of them is due; it may be earlier, as arrivals do not move it.
    next: Option<Instant>,
}

#[derive(Debug, Clone)]
struct Missing {
    number: u64,
    due: Instant,
    /// When it was asked for first.
    asked: Option<Instant>,
    tries: u8,
    interval: Duration,
}

impl Nacks {
    /// Takes note that `numbers`, above all before, were skipped. Returns false, and forgets all, when more than
    /// [`MAX_MISSING`] would be missing: then only a key frame helps.
    pub fn missing(&mut self, now: Instant, numbers: Range<u64>) -> bool {
        let count = numbers.end.saturating_sub(numbers.start) as usize;
        if count == 0 {
            return true;
        }
        if self.missing.len().saturating_add(count) > MAX_MISSING {
            self.clear();
            return false;
        }
        let due = now + PATIENCE;
        self.missing.extend(numbers.map(|number| Missing {
            number,
            due,
            asked: None,
            tries: 0,
            interval: Duration::ZERO,
        }));
        self.next = Some(self.next.map_or(due, |next| next.min(due)));
        true
    }

    /// Takes note that `numbers`, below all before, may have been sent and have not come.
    pub fn missing_before(&mut self, now: Instant, numbers: Range<u64>) {
        let due = now + PATIENCE;
        for number in numbers.rev() {
            let is_below = self.missing.front().is_none_or(|first| number < first.number);
            if is_below && self.missing.len() < MAX_MISSING {
                let missing = Missing { number, due, asked: None, tries: 0, interval: Duration::ZERO };
                self.missing.push_front(missing);
                self.next = Some(self.next.map_or(due, |next| next.min(due)));
            }
        }
    }

    /// Whether packet `number` is missing.
    pub fn is_missing(&self, number: u64) -> bool {
        self.missing.binary_search_by_key(&number, |missing| missing.number).is_ok()
    }

    /// Takes note that packet `number` came at `now`. If it was asked for: how long ago first. That is a round trip at
    /// least, and more if the first requests were lost.
    pub fn arrived(&mut self, now: Instant, number: u64) -> Option<Duration> {
        let index = self.missing.binary_search_by_key(&number, |missing| missing.number).ok()?;
        let missing = self.missing.remove(index)?;
        self.settle();
        Some(now.saturating_duration_since(missing.asked?))
    }

    /// Gives up what lies below `number`.
    pub fn forget_below(&mut self, number: u64) {
        while self.missing.front().is_some_and(|missing| missing.number < number) {
            self.missing.pop_front();
        }
        self.settle();
    }

    /// Gives up everything.
    pub fn clear(&mut self) {
        self.missing.clear();
        self.next = None;
    }

    /// Appends the numbers to be asked for at `now` to `numbers`, at most `limit` of them, and reckons with `rtt`
    /// when to ask again. What was asked for [`MAX_TRIES`] times is given up when it would be due again.
    pub fn take_due(&mut self, now: Instant, rtt: Duration, limit: usize, numbers: &mut Vec<u64>) {
        if self.next.is_none_or(|next| next > now) {
            return;
        }
        self.missing.retain(|missing| missing.due > now || missing.tries < MAX_TRIES);
        let first = rtt.max(SHORTEST_INTERVAL);
        for missing in self.missing.iter_mut().filter(|missing| missing.due <= now).take(limit) {
            missing.interval = match missing.tries {
                0..STEADY_TRIES => first + first / 4,
                _ => missing.interval * 3 / 2,
            };
            missing.tries += 1;
            missing.asked.get_or_insert(now);
            missing.due = now + missing.interval;
            numbers.push(missing.number);
        }
        self.next = self.missing.iter().map(|missing| missing.due).min();
    }

    /// When [`take_due`](Self::take_due) may have something.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next
    }

    fn settle(&mut self) {
        if self.missing.is_empty() {
            self.next = None;
        }
    }
}

/// How long the retransmissions of the last while took to come.
#[derive(Debug, Clone, Copy, Default)]
pub struct RepairTrips {
    /// The least since some instant, and the least of the while before.
    latest: Option<(Instant, Duration)>,
    before: Option<Duration>,
}

impl RepairTrips {
    /// Takes account of one that came at `now`, so long after it was first asked for.
    pub fn handle(&mut self, now: Instant, trip: Duration) {
        match &mut self.latest {
            Some((began, least)) if now < *began + MEMORY => *least = trip.min(*least),
            latest => {
                self.before = latest.replace((now, trip)).map(|(_, least)| least);
            }
        }
    }

    /// The least of them. It is a round trip: others had to wait for the pacer, or for a second request.
    pub fn round_trip(&self) -> Option<Duration> {
        self.latest.map(|(_, least)| least).into_iter().chain(self.before).min()
    }
}

/// The most packets of a source that are waited for.
pub const MAX_MISSING: usize = 512;

/// How often a packet is asked for.
const MAX_TRIES: u8 = 10;

/// So many requests follow each other after a round trip and a quarter; those after them back off.
const STEADY_TRIES: u8 = 3;

/// How long a skipped number is taken for reordered only.
const PATIENCE: Duration = Duration::from_millis(5);

/// Trips are remembered for so long, and up to twice as long.
const MEMORY: Duration = Duration::from_secs(10);

/// The shortest time between two requests for one packet, however short the round trip.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests;
