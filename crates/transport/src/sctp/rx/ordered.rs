//! Whole messages of all streams: those that wait for an earlier one of their stream (RFC 9260 §6.6), and those that
//! wait to be read.

use std::collections::{BTreeMap, VecDeque};

use peerless_wire::sctp::StreamId;

use crate::sctp::message::Message;
use crate::sctp::rx::order::{FIRST, Order};
use crate::sctp::rx::window::{Window, charge};

/// The messages that are whole. What they take is charged to the window by whoever hands them in, and released here
/// when they are read or dropped; beside them there are some 60 bytes for each stream that was used.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    streams: BTreeMap<StreamId, Stream>,
    /// By stream and extended number, with the extended number of the first chunk.
    waiting: BTreeMap<(StreamId, u64), (u64, Message)>,
    /// The same by their first chunks.
    waiting_by_chunk: BTreeMap<u64, (StreamId, u64)>,
    /// Streams with something to read, each once, the one served longest ago first. Some may have been emptied since.
    readable: VecDeque<StreamId>,
    /// How many messages can be read.
    unread: usize,
}

#[derive(Debug)]
struct Stream {
    /// The number of the next ordered message, extended.
    next: u64,
    ready: VecDeque<Message>,
    /// It stands in `readable`.
    is_listed: bool,
}

impl Inbox {
    /// Takes a whole message, whose first chunk has the extended number `first`. One that is older than what was
    /// delivered on its stream is dropped.
    pub(crate) fn add(&mut self, message: Message, order: Order, first: u64, window: &mut Window) {
        let id = message.stream;
        let stream = self.streams.entry(id).or_default();
        match order.near(stream.next) {
            Some(number) if number < stream.next => window.release(charge(message.payload.len())),
            Some(number) if number > stream.next => {
                self.waiting_by_chunk.insert(first, (id, number));
                if let Some((first, twin)) = self.waiting.insert((id, number), (first, message)) {
                    self.waiting_by_chunk.remove(&first);
                    window.release(charge(twin.payload.len()));
                }
            }
            Some(_) => {
                stream.next += 1;
                self.make_ready(id, message);
                if !self.waiting.is_empty() {
                    self.catch_up(id);
                }
            }
            None => self.make_ready(id, message),
        }
    }

    /// The extended number of an ordered message on `stream`; `None` where it is older than what was delivered.
    pub(crate) fn place(&self, stream: StreamId, order: Order) -> Option<u64> {
        let next = self.streams.get(&stream).map_or(FIRST, |stream| stream.next);
        order.near(next).filter(|number| *number >= next)
    }

    /// All ordered messages of `id` up to the one at `order` that have not come are given up: those that wait are
    /// delivered (RFC 3758 §3.6). Gives the extended number of that one; `None` where that changes nothing.
    pub(crate) fn skip(&mut self, id: StreamId, order: Order) -> Option<u64> {
        let stream = self.streams.entry(id).or_default();
        let last = order.near(stream.next).filter(|last| *last >= stream.next)?;
        self.skip_to(id, last);
        Some(last)
    }

    /// All chunks up to `cumulative` have arrived or were given up. A message that waits though it begins there waits
    /// for one that will never be whole: the chunks of that one have lower numbers. Some senders give such a message up
    /// and tell nobody, as all of it that was sent has arrived. Gives the streams and up to which number they skipped.
    pub(crate) fn settle(&mut self, cumulative: u64) -> Vec<(StreamId, u64)> {
        let mut skipped = Vec::new();
        while let Some(entry) = self.waiting_by_chunk.first_entry().filter(|entry| *entry.key() <= cumulative)
        {
            let (id, number) = *entry.get();
            self.skip_to(id, number);
            skipped.push((id, number));
        }
        skipped
    }

    fn skip_to(&mut self, id: StreamId, last: u64) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        stream.next = last + 1;
        let ready: Vec<_> = self.waiting.extract_if((id, 0)..=(id, last), |_, _| true).collect();
        for (_, (first, message)) in ready {
            self.waiting_by_chunk.remove(&first);
            self.make_ready(id, message);
        }
        self.catch_up(id);
    }

    /// The stream begins again (RFC 6525 §5.2.2): what can be read stays, what waits for an earlier one is dropped.
    pub(crate) fn reset(&mut self, id: StreamId, window: &mut Window) {
        for (_, (first, message)) in self.waiting.extract_if((id, 0)..=(id, u64::MAX), |_, _| true) {
            self.waiting_by_chunk.remove(&first);
            window.release(charge(message.payload.len()));
        }
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.next = FIRST;
            if stream.ready.is_empty() && !stream.is_listed {
                self.streams.remove(&id);
            }
        }
    }

    /// The streams that were used.
    pub(crate) fn used(&self) -> Vec<StreamId> {
        self.streams.keys().copied().collect()
    }

    /// The next message of any stream, the streams in turn.
    pub(crate) fn poll(&mut self, window: &mut Window) -> Option<Message> {
        while let Some(id) = self.readable.pop_front() {
            let Some(stream) = self.streams.get_mut(&id) else { continue };
            let message = stream.pop();
            stream.is_listed = !stream.ready.is_empty();
            if stream.is_listed {
                self.readable.push_back(id);
            }
            if let Some(message) = message {
                self.unread -= 1;
                window.read(message.payload.len());
                return Some(message);
            }
        }
        None
    }

    /// The next message of one stream.
    pub(crate) fn poll_stream(&mut self, id: StreamId, window: &mut Window) -> Option<Message> {
        let message = self.streams.get_mut(&id)?.pop()?;
        self.unread -= 1;
        window.read(message.payload.len());
        Some(message)
    }

    /// Whether there is nothing to read.
    pub(crate) fn is_read(&self) -> bool {
        self.unread == 0
    }

    fn catch_up(&mut self, id: StreamId) {
        while let Some(stream) = self.streams.get_mut(&id)
            && let Some((first, message)) = self.waiting.remove(&(id, stream.next))
        {
            stream.next += 1;
            self.waiting_by_chunk.remove(&first);
            self.make_ready(id, message);
        }
    }

    fn make_ready(&mut self, id: StreamId, message: Message) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        stream.ready.push_back(message);
        self.unread += 1;
        if !std::mem::replace(&mut stream.is_listed, true) {
            self.readable.push_back(id);
        }
    }
}

impl Default for Stream {
    fn default() -> Self {
        Self { next: FIRST, ready: VecDeque::new(), is_listed: false }
    }
}

impl Stream {
    fn pop(&mut self) -> Option<Message> {
        let message = self.ready.pop_front();
        if self.ready.is_empty() && self.ready.capacity() > KEPT_CAPACITY {
            self.ready = VecDeque::new();
        }
        message
    }
}

/// A stream that was read empty keeps room for so many messages.
const KEPT_CAPACITY: usize = 256;
