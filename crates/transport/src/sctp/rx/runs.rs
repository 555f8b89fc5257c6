//! Fragments in DATA chunks → messages (RFC 9260 §6.9): the fragments of a message have numbers in a row, from the one
//! marked as its beginning to the one marked as its end.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use peerless_wire::sctp::{Data, Ppid, Ssn, StreamId};

use crate::sctp::message::Message;
use crate::sctp::rx::order::Order;
use crate::sctp::rx::violation::Violation;
use crate::sctp::rx::window::{Window, charge};

/// Fragments of messages that are not whole, by the extended number of the first of each row.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    runs: BTreeMap<u64, Run>,
}

/// Fragments of one message with numbers in a row.
#[derive(Debug)]
struct Run {
    stream: StreamId,
    ssn: Ssn,
    unordered: bool,
    /// What the message is, by its first fragment that came.
    ppid: Ppid,
    fragments: VecDeque<Bytes>,
    bytes: usize,
    begins: bool,
    ends: bool,
}

/// What stands behind a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behind {
    /// Nothing that says anything about it.
    Nothing,
    /// More of its message.
    Same,
    /// The beginning of another message, though its own has not ended: that was given up.
    Another,
}

impl Runs {
    /// Takes a fragment that is not a message by itself; its charge is held by `window` already. Gives the message that
    /// became whole by it, whose charge is then held in place of its fragments', and the number of its first.
    pub(crate) fn add(
        &mut self,
        number: u64,
        data: Data,
        largest: usize,
        window: &mut Window,
    ) -> Result<Option<(Message, Order, u64)>, Violation> {
        let run = Run::new(data);
        let behind = self.behind(number, &run)?;
        let start = self.place(number, run, window)?;
        if behind == Behind::Another {
            self.drop_row(start, window);
            return Ok(None);
        }
        let goes_on = if behind == Behind::Same { self.runs.remove(&(number + 1)) } else { None };
        let Some(run) = self.runs.get_mut(&start) else { return Ok(None) };
        if let Some(goes_on) = goes_on {
            run.append(goes_on);
        }
        if run.bytes > largest {
            return Err(Violation::TooLarge { limit: largest });
        }
        if !(run.begins && run.ends) {
            return Ok(None);
        }
        Ok(self.runs.remove(&start).map(|run| {
            let (message, order) = run.gather(window);
            (message, order, start)
        }))
    }

    /// What is known of the number behind the fragment `number`.
    fn behind(&self, number: u64, run: &Run) -> Result<Behind, Violation> {
        let Some(behind) = self.runs.get(&(number + 1)) else { return Ok(Behind::Nothing) };
        match (run.ends, behind.begins) {
            (true, true) => Ok(Behind::Nothing),
            (false, true) => Ok(Behind::Another),
            (false, false) if run.is_of_message_of(behind) => Ok(Behind::Same),
            (true, false) => Err(NO_BEGINNING),
            (false, false) => Err(MIXED),
        }
    }

    /// Puts a fragment at the end of the row before it, or begins one. Gives where that row starts.
    fn place(&mut self, number: u64, run: Run, window: &mut Window) -> Result<u64, Violation> {
        let before = self.runs.range_mut(..number).next_back().map(|(start, before)| (*start, before));
        if let Some((start, before)) = before.filter(|(start, before)| start + before.count() == number) {
            match (before.ends, run.begins) {
                (false, false) if before.is_of_message_of(&run) => {
                    before.append(run);
                    return Ok(start);
                }
                (true, true) => {}
                // Its sender has given it up half-way, and told nothing yet.
                (false, true) => self.drop_row(start, window),
                (true, false) => return Err(NO_BEGINNING),
                (false, false) => return Err(MIXED),
            }
        }
        self.runs.insert(number, run);
        Ok(number)
    }

    fn drop_row(&mut self, start: u64, window: &mut Window) {
        if let Some(run) = self.runs.remove(&start) {
            window.release(run.charge());
        }
    }

    /// All numbers up to `cumulative` count as arrived (RFC 3758 §3.6): messages that can no longer become whole are
    /// dropped, and those that `is_skipped` says are given up.
    pub(crate) fn forward(
        &mut self,
        cumulative: u64,
        window: &mut Window,
        is_skipped: impl Fn(StreamId, Ssn) -> bool,
    ) {
        self.runs.retain(|start, run| {
            let end = start + run.count() - 1;
            let is_skipped = !run.unordered && is_skipped(run.stream, run.ssn);
            // One that reaches up to the number, with nothing missing before it, may go on behind it.
            let may_go_on = *start > cumulative || end >= cumulative && run.begins;
            let stays = may_go_on && !is_skipped;
            if !stays {
                window.release(run.charge());
            }
            stays
        });
    }

    /// All up to `cumulative` has arrived or was given up: rows that end below it, or begin below it without the
    /// beginning of their message, are dropped, as what they lack will not come. Looks at the first row only, unless
    /// that is one.
    pub(crate) fn settle(&mut self, cumulative: u64, window: &mut Window) {
        while let Some(first) = self.runs.first_entry() {
            let (start, run) = (*first.key(), first.get());
            if start > cumulative || run.begins && start + run.count() > cumulative {
                return;
            }
            window.release(first.remove().charge());
        }
    }

    /// Streams begin again: parts of their messages are dropped.
    pub(crate) fn reset(&mut self, is_meant: impl Fn(StreamId) -> bool, window: &mut Window) {
        for (_, run) in self.runs.extract_if(.., |_, run| is_meant(run.stream)) {
            window.release(run.charge());
        }
    }
}

impl Run {
    fn new(data: Data) -> Self {
        Self {
            stream: data.stream,
            ssn: data.ssn,
            unordered: data.flags.unordered,
            ppid: data.ppid,
            bytes: data.payload.len(),
            fragments: VecDeque::from([data.payload]),
            begins: data.flags.beginning,
            ends: data.flags.end,
        }
    }

    fn count(&self) -> u64 {
        self.fragments.len() as u64
    }

    fn charge(&self) -> usize {
        self.bytes + charge(0) * self.fragments.len()
    }

    /// The number of an unordered message has no meaning (RFC 9260 §6.6).
    fn is_of_message_of(&self, other: &Self) -> bool {
        self.stream == other.stream
            && self.unordered == other.unordered
            && (self.unordered || self.ssn == other.ssn)
    }

    /// Takes the fragments behind its own; the shorter list is moved.
    fn append(&mut self, mut behind: Self) {
        if behind.fragments.len() > self.fragments.len() {
            while let Some(fragment) = self.fragments.pop_back() {
                behind.fragments.push_front(fragment);
            }
            std::mem::swap(&mut self.fragments, &mut behind.fragments);
        } else {
            self.fragments.append(&mut behind.fragments);
        }
        self.bytes += behind.bytes;
        self.ends |= behind.ends;
    }

    /// The message, its fragments copied into one piece.
    fn gather(self, window: &mut Window) -> (Message, Order) {
        window.release(self.charge());
        window.hold(charge(self.bytes));
        let mut payload = Vec::with_capacity(self.bytes);
        self.fragments.iter().for_each(|fragment| payload.extend_from_slice(fragment));
        let order = if self.unordered { Order::Unordered } else { Order::Ssn(self.ssn) };
        let Self { stream, ppid, unordered, .. } = self;
        (Message { stream, ppid, payload: payload.into(), unordered }, order)
    }
}

const NO_BEGINNING: Violation = Violation::Fragments("a fragment follows the end of its message");
const MIXED: Violation = Violation::Fragments("fragments of two messages in one row");
