//! Whose turn it is (RFC 8260 §3.6, weighted fair queueing; RFC 8831 §6.4): streams share by their priorities.
//!
//! Each stream has a reading on a virtual clock that goes on with what it sends, the slower the higher its priority;
//! the stream with the least reading is next. Streams of equal priority so take turns.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// How far a clock goes per byte at priority 1.
const SCALE: u64 = 1 << 16;

/// The streams that have something to send.
#[derive(Debug, Default)]
pub struct Scheduler {
    heap: BinaryHeap<Reverse<(u64, u64, usize)>>,
    clock: u64,
    turn: u64,
}

impl Scheduler {
    /// A stream at `place` has something to send again; `reading` is what its clock said last.
    pub fn insert(&mut self, place: usize, reading: u64) {
        self.turn += 1;
        self.heap.push(Reverse((reading.max(self.clock), self.turn, place)));
    }

    /// Who is next, without taking its turn.
    pub fn peek(&self) -> Option<usize> {
        self.heap.peek().map(|Reverse((_, _, place))| *place)
    }

    /// Takes the turn of the one that is next: it sends `bytes` at `priority`. Gives its new reading, with which it is
    /// inserted again if it has more.
    pub fn take(&mut self, bytes: usize, priority: u16) -> u64 {
        let Some(Reverse((reading, _, _))) = self.heap.pop() else { return self.clock };
        self.clock = self.clock.max(reading);
        reading + (bytes as u64).saturating_mul(SCALE) / u64::from(priority.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(priorities: &[u16], turns: usize) -> Vec<usize> {
        let mut scheduler = Scheduler::default();
        let mut counts = vec![0; priorities.len()];
        for place in 0..priorities.len() {
            scheduler.insert(place, 0);
        }
        for _ in 0..turns {
            let place = scheduler.peek().expect("somebody");
            let reading = scheduler.take(1000, priorities[place]);
            counts[place] += 1;
            scheduler.insert(place, reading);
        }
        counts
    }

    #[test]
    fn equals_take_turns() {
        assert_eq!(shares(&[256, 256, 256], 300), [100, 100, 100]);
    }

    #[test]
    fn the_others_share_by_priority() {
        let counts = shares(&[128, 256, 512, 1024], 1500);
        for (count, wanted) in counts.iter().zip([100, 200, 400, 800]) {
            assert!(count.abs_diff(wanted) <= 1, "{counts:?}");
        }
    }

    #[test]
    fn who_was_silent_has_saved_nothing_up() {
        let mut scheduler = Scheduler::default();
        scheduler.insert(0, 0);
        for _ in 0..100 {
            let reading = scheduler.take(1000, 256);
            scheduler.insert(0, reading);
        }
        scheduler.insert(1, 0);
        let mut turns = [0; 2];
        for _ in 0..10 {
            let place = scheduler.peek().expect("somebody");
            turns[place] += 1;
            let reading = scheduler.take(1000, 256);
            scheduler.insert(place, reading);
        }
        assert_eq!(turns, [5, 5]);
    }
}
