//! Which numbers arrived, which are missing, which came twice (RFC 9260 §6.2, §6.7): what a SACK reports.

use std::collections::VecDeque;

use peerless_wire::sctp::{GapBlock, Tsn};

/// What a number means to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It is new.
    New {
        /// Whether, after it, some number below the highest is still missing.
        gap: bool,
    },
    /// It was there before; noted for the next report.
    Duplicate,
    /// It is too far ahead to be reported, or there are too many gaps: as if it had not come.
    Outside,
}

/// Keeps the numbers of the chunks that arrived: one, up to which all have, and the runs beyond it in order.
///
/// As long as nothing is missing, an arrival is a comparison and an addition. It is bounded: [`MOST_BLOCKS`] runs,
/// [`MOST_DUPLICATES`] duplicates, and nothing further ahead than a gap block can say.
#[derive(Debug)]
pub(crate) struct Tracker {
    /// All up to this one arrived; extended, so that it does not wrap.
    cumulative: u64,
    /// First and last number of each run that arrived beyond a gap, ascending, never touching each other.
    blocks: VecDeque<(u64, u64)>,
    duplicates: Vec<Tsn>,
}

/// How many runs are kept at most: a path that loses one in four and has 16,000 packets on the way.
pub(crate) const MOST_BLOCKS: usize = 4096;
/// How many duplicates are kept for a report at most.
pub(crate) const MOST_DUPLICATES: usize = 64;
/// How far ahead of the cumulative number a chunk may be: gap blocks count in 16 bits.
const FURTHEST: u64 = u16::MAX as u64;

impl Tracker {
    /// One that waits for `first`.
    pub(crate) fn new(first: Tsn) -> Self {
        let cumulative = Tsn::FIRST_TURN + u64::from(first.0) - 1;
        Self { cumulative, blocks: VecDeque::new(), duplicates: Vec::new() }
    }

    /// All up to this one arrived, or were given up by their sender.
    pub(crate) fn cumulative(&self) -> Tsn {
        Tsn::from(self.cumulative)
    }

    /// Whether `tsn` is the lowest that is missing.
    pub(crate) fn is_next(&self, tsn: Tsn) -> bool {
        tsn == self.cumulative().next()
    }

    /// Whether [`handle`](Self::handle) would find `tsn` new. Changes nothing.
    pub(crate) fn is_new(&self, tsn: Tsn) -> bool {
        let number = tsn.near(self.cumulative);
        if number <= self.cumulative || number > self.cumulative + FURTHEST {
            return false;
        }
        match self.place(number) {
            Place::Within => false,
            Place::Apart(_) => self.blocks.len() < MOST_BLOCKS || number == self.cumulative + 1,
            Place::Behind(_) | Place::Before(_) => true,
        }
    }

    /// Takes the number of a chunk that arrived.
    pub(crate) fn handle(&mut self, tsn: Tsn) -> Arrival {
        let number = tsn.near(self.cumulative);
        if number == self.cumulative + 1 {
            self.cumulative = number;
            self.swallow();
            return Arrival::New { gap: self.has_gaps() };
        }
        if number <= self.cumulative {
            return self.duplicate(tsn);
        }
        if number > self.cumulative + FURTHEST {
            return Arrival::Outside;
        }
        match self.place(number) {
            Place::Within => return self.duplicate(tsn),
            Place::Apart(_) if self.blocks.len() >= MOST_BLOCKS => return Arrival::Outside,
            Place::Apart(index) => self.blocks.insert(index, (number, number)),
            Place::Behind(index) => self.extend_behind(index, number),
            Place::Before(index) => {
                if let Some((first, _)) = self.blocks.get_mut(index) {
                    *first = number;
                }
            }
        }
        Arrival::New { gap: true }
    }

    /// Goes on as if all up to `cumulative` had arrived, as their sender gave up what is missing (RFC 3758 §3.6). Gives
    /// whether that changed anything. One further ahead than any chunk may be is not believed.
    pub(crate) fn handle_forward(&mut self, cumulative: Tsn) -> bool {
        let number = cumulative.near(self.cumulative);
        if number <= self.cumulative || number > self.cumulative + FURTHEST {
            return false;
        }
        self.cumulative = number;
        self.swallow();
        true
    }

    /// Whether some number below the highest is missing.
    pub(crate) fn has_gaps(&self) -> bool {
        !self.blocks.is_empty()
    }

    /// The runs beyond the gaps, ascending, as a SACK tells them.
    pub(crate) fn gaps(&self) -> impl ExactSizeIterator<Item = GapBlock> + '_ {
        // All are within FURTHEST, so the distances fit.
        self.blocks.iter().map(|&(first, last)| GapBlock {
            start: (first - self.cumulative) as u16,
            end: (last - self.cumulative) as u16,
        })
    }

    /// The numbers that came again since they were last cleared.
    pub(crate) fn duplicates(&self) -> &[Tsn] {
        &self.duplicates
    }

    /// They have been reported.
    pub(crate) fn clear_duplicates(&mut self) {
        self.duplicates.clear();
    }

    fn duplicate(&mut self, tsn: Tsn) -> Arrival {
        if self.duplicates.len() < MOST_DUPLICATES {
            self.duplicates.push(tsn);
        }
        Arrival::Duplicate
    }

    /// Where among the runs `number`, which is beyond the cumulative one, belongs. Most chunks are the newest.
    fn place(&self, number: u64) -> Place {
        let index = match self.blocks.back() {
            None => return Place::Apart(0),
            Some(&(first, _)) if number >= first => self.blocks.len(),
            Some(_) => self.blocks.partition_point(|&(first, _)| first <= number),
        };
        if let Some(&(_, last)) = index.checked_sub(1).and_then(|before| self.blocks.get(before)) {
            if number <= last {
                return Place::Within;
            }
            if number == last + 1 {
                return Place::Behind(index - 1);
            }
        }
        match self.blocks.get(index) {
            Some(&(first, _)) if number + 1 == first => Place::Before(index),
            _ => Place::Apart(index),
        }
    }

    /// Adds `number` to the run at `index`, and joins the next one where they meet now.
    fn extend_behind(&mut self, index: usize, number: u64) {
        let next = self.blocks.get(index + 1).copied().filter(|&(first, _)| first == number + 1);
        if next.is_some() {
            self.blocks.remove(index + 1);
        }
        if let Some((_, last)) = self.blocks.get_mut(index) {
            *last = next.map_or(number, |(_, end)| end);
        }
    }

    /// Takes the runs that the cumulative number has reached.
    fn swallow(&mut self) {
        while let Some(&(first, last)) = self.blocks.front()
            && first <= self.cumulative + 1
        {
            self.cumulative = self.cumulative.max(last);
            self.blocks.pop_front();
        }
    }
}

/// Where a number belongs among the runs.
enum Place {
    /// In one of them already.
    Within,
    /// Directly behind the one at this index.
    Behind(usize),
    /// Directly before the one at this index, and not behind another.
    Before(usize),
    /// By itself, at this index.
    Apart(usize),
}

#[cfg(test)]
mod tests;
