//! Fragments in I-DATA chunks → messages (RFC 8260 §2.2.3): each says of which message it is and the how-manieth.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use peerless_wire::sctp::{InterleavedData, MessageId, Ppid, StreamId};

use crate::sctp::message::Message;
use crate::sctp::rx::violation::Violation;
use crate::sctp::rx::window::{Window, charge};

/// Messages that are not whole.
#[derive(Debug, Default)]
pub(crate) struct Partials {
    partials: BTreeMap<Key, Partial>,
    /// The last unordered message of a stream that was given up: parts of it may come late.
    skipped: BTreeMap<StreamId, MessageId>,
    /// Chunks in which a message begins while another of the stream is not whole.
    overtaken: BTreeMap<u64, StreamId>,
}

/// Stream, unordered, number: extended where it is ordered, as it came where it is not.
type Key = (StreamId, bool, u64);

#[derive(Debug, Default)]
struct Partial {
    ppid: Ppid,
    /// The number of the last fragment, once that came.
    last: Option<u32>,
    /// In order of their numbers.
    fragments: VecDeque<(u32, Bytes)>,
    bytes: usize,
    /// The extended number of the first of its chunks.
    first: u64,
    /// The highest extended number of its chunks.
    newest: u64,
}

impl Partials {
    /// Takes a fragment that is not a message by itself; its charge is held by `window` already. `number` is that of
    /// the message, extended where it is ordered, and `chunk` that of the chunk. Gives the message that became whole by
    /// it, whose charge is then held in place of its fragments', and the number of its first chunk.
    pub(crate) fn add(
        &mut self,
        number: u64,
        chunk: u64,
        data: InterleavedData,
        largest: usize,
        window: &mut Window,
    ) -> Result<Option<(Message, u64)>, Violation> {
        let (stream, unordered) = (data.stream, data.flags.unordered);
        let key = (stream, unordered, number);
        let partial = self.partials.entry(key).or_default();
        if data.flags.beginning {
            partial.first = chunk;
        }
        partial.newest = partial.newest.max(chunk);
        partial.add(data)?;
        if partial.bytes > largest {
            return Err(Violation::TooLarge { limit: largest });
        }
        if !partial.is_whole() {
            return Ok(None);
        }
        let Some(partial) = self.partials.remove(&key) else { return Ok(None) };
        window.release(partial.charge());
        window.hold(charge(partial.bytes));
        let message = Message { stream, ppid: partial.ppid, payload: partial.gather(), unordered };
        Ok(Some((message, partial.first)))
    }

    /// A message begins in this chunk.
    pub(crate) fn handle_beginning(&mut self, stream: StreamId, chunk: u64) {
        if self.partials.range((stream, false, 0)..=(stream, true, u64::MAX)).next().is_some() {
            self.overtaken.insert(chunk, stream);
        }
    }

    /// All chunks up to `cumulative` have arrived or were given up. The messages of a stream are sent one after the
    /// other (RFC 8260 §2.2.2): parts from before the beginning of another, which is below, will never be whole.
    pub(crate) fn settle(&mut self, cumulative: u64, window: &mut Window) {
        while let Some(entry) = self.overtaken.first_entry().filter(|entry| *entry.key() <= cumulative) {
            let (beginning, stream) = entry.remove_entry();
            let of_stream = (stream, false, 0)..=(stream, true, u64::MAX);
            for (_, partial) in self.partials.extract_if(of_stream, |_, partial| partial.newest < beginning) {
                window.release(partial.charge());
            }
        }
    }

    /// The ordered messages of a stream up to the extended number `last` were given up (RFC 8260 §2.3.1).
    pub(crate) fn skip_ordered(&mut self, stream: StreamId, last: u64, window: &mut Window) {
        let skipped = (stream, false, 0)..=(stream, false, last);
        for (_, partial) in self.partials.extract_if(skipped, |_, _| true) {
            window.release(partial.charge());
        }
    }

    /// The unordered messages of a stream up to `last` were given up.
    pub(crate) fn skip_unordered(&mut self, stream: StreamId, last: MessageId, window: &mut Window) {
        self.skipped.insert(stream, last);
        let of_stream = (stream, true, 0)..=(stream, true, u64::MAX);
        let is_skipped = |key: &Key| MessageId(key.2 as u32).since(last) <= 0;
        for (_, partial) in self.partials.extract_if(of_stream, |key, _| is_skipped(key)) {
            window.release(partial.charge());
        }
    }

    /// Whether an unordered message was given up, as the last that was is this or a later one.
    pub(crate) fn is_skipped(&mut self, stream: StreamId, message: MessageId) -> bool {
        let Some(last) = self.skipped.get(&stream) else { return false };
        let ahead = message.since(*last);
        if ahead > FORGOTTEN {
            self.skipped.remove(&stream);
        }
        ahead <= 0
    }

    /// Streams begin again: parts of their messages are dropped.
    pub(crate) fn reset(&mut self, is_meant: impl Fn(StreamId) -> bool, window: &mut Window) {
        for (_, partial) in self.partials.extract_if(.., |key, _| is_meant(key.0)) {
            window.release(partial.charge());
        }
        self.skipped.retain(|stream, _| !is_meant(*stream));
    }
}

/// So many messages later it is forgotten which was given up, well before the numbers come round again.
const FORGOTTEN: i32 = 1 << 30;

impl Partial {
    fn add(&mut self, data: InterleavedData) -> Result<(), Violation> {
        let number = data.fragment;
        if data.flags.beginning {
            self.ppid = data.ppid;
        } else if number == 0 {
            return Err(Violation::Fragments("a first fragment is not marked as one"));
        }
        if self.last.is_some_and(|last| number >= last && !(number == last && data.flags.end)) {
            return Err(Violation::Fragments("a fragment follows the end of its message"));
        }
        let newest = self.fragments.back().map(|(newest, _)| *newest);
        if data.flags.end {
            if newest.is_some_and(|newest| newest >= number) {
                return Err(Violation::Fragments("a message ends before its last fragment"));
            }
            self.last = Some(number);
        }
        self.bytes += data.payload.len();
        if newest.is_none_or(|newest| newest < number) {
            self.fragments.push_back((number, data.payload));
            return Ok(());
        }
        match self.fragments.binary_search_by_key(&number, |(number, _)| *number) {
            Ok(_) => Err(Violation::Fragments("a fragment came twice")),
            Err(index) => {
                self.fragments.insert(index, (number, data.payload));
                Ok(())
            }
        }
    }

    /// The numbers are all different and none is above the last, so that counting them is enough.
    fn is_whole(&self) -> bool {
        self.last.is_some_and(|last| self.fragments.len() as u64 == u64::from(last) + 1)
    }

    fn charge(&self) -> usize {
        self.bytes + charge(0) * self.fragments.len()
    }

    fn gather(&self) -> Bytes {
        let mut payload = Vec::with_capacity(self.bytes);
        self.fragments.iter().for_each(|(_, fragment)| payload.extend_from_slice(fragment));
        payload.into()
    }
}
