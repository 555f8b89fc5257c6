//! Messages that wait to be sent the first time, by stream: the only queue on the way out.
//!
//! Its bound is the send buffer: `Sender` refuses what would go beyond. Where messages are not interleaved, one that has
//! been begun is sent to its end before another begins.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::{Buf, Bytes};
use peerless_wire::sctp::{DataFlags, Ppid, StreamId};

use crate::sctp::index::StreamIndex;
use crate::sctp::message::{Reliability, SendOptions};
use crate::sctp::tx::fragment::{Form, Fragment, UNLIMITED};
use crate::sctp::tx::scheduler::Scheduler;

/// What a message that waits costs beside its bytes, so that many small ones do not fill the memory.
pub const MESSAGE_OVERHEAD: usize = 64;
/// What a chunk on its way costs at least, for the same reason.
pub const MIN_CHUNK_WEIGHT: usize = 128;
/// Fragments smaller than this are not cut to fill a packet up: the other end would have to keep them.
const MIN_FRAGMENT: usize = 128;
/// The priority of a stream that nobody has set (RFC 8831 §6.4: normal).
const NORMAL: u16 = 256;

/// All outgoing streams.
#[derive(Debug)]
pub struct Queue {
    index: StreamIndex,
    streams: Vec<Stream>,
    scheduler: Scheduler,
    /// The stream whose message has been begun and goes on to its end, where messages are not interleaved.
    begun: Option<usize>,
    /// The bytes of all messages that were begun and have not ended, as they were in all.
    unfinished: usize,
    /// How many bytes of messages may be unfinished at once. Their pieces lie in the peer's window until the last has
    /// come: were they to fill it, none could end.
    interleaved_limit: usize,
    messages: u64,
    weight: usize,
    form: Form,
    /// Whether the peer understands that messages are given up.
    partial: bool,
    /// Streams whose amount has fallen to the threshold.
    low: VecDeque<StreamId>,
    /// Messages given up before anything of them was sent.
    pub abandoned: u64,
}

#[derive(Debug)]
struct Stream {
    id: StreamId,
    messages: VecDeque<Waiting>,
    /// Bytes of payload that wait.
    amount: usize,
    threshold: usize,
    priority: u16,
    /// What the scheduler's clock says.
    reading: u64,
    is_scheduled: bool,
    /// The next number of an ordered and of an unordered message.
    ordered: u32,
    unordered: u32,
    is_resetting: bool,
}

#[derive(Debug)]
struct Waiting {
    payload: Bytes,
    expires: Option<Instant>,
    tries: u32,
    ppid: Ppid,
    ordered: bool,
    /// How long it was at first, bytes.
    len: usize,
    /// Once a part was sent: the message's number in all, in the stream, and the next fragment's place.
    begun: Option<(u64, u32, u32)>,
}

/// What comes next from the queue.
#[derive(Debug)]
pub enum Next {
    /// A fragment, to be sent now.
    Fragment(Fragment),
    /// The rest of this message will not be sent: its time is over. Some of it was.
    Expired {
        /// The message, as its fragments name it.
        message: u64,
        /// A fragment without payload that stands for the rest.
        end: Fragment,
    },
}

impl Queue {
    /// Nothing waits.
    pub fn new(form: Form) -> Self {
        Self {
            index: StreamIndex::default(),
            streams: Vec::new(),
            scheduler: Scheduler::default(),
            begun: None,
            unfinished: 0,
            interleaved_limit: usize::MAX,
            messages: 0,
            weight: 0,
            form,
            partial: true,
            low: VecDeque::new(),
            abandoned: 0,
        }
    }

    /// What was negotiated, before anything is sent: the form, whether messages may be given up, and the window that
    /// the peer has at least: messages may be interleaved as long as they take no more than half of it.
    pub fn set_form(&mut self, form: Form, partial: bool, peer_window: usize) {
        (self.form, self.partial) = (form, partial);
        self.interleaved_limit = peer_window / 2;
    }

    /// A message waits from now on.
    pub fn push(&mut self, now: Instant, stream: StreamId, ppid: Ppid, payload: Bytes, options: SendOptions) {
        let (expires, tries) = match options.reliability {
            Reliability::Reliable => (None, UNLIMITED),
            Reliability::Lifetime(time) => (now.checked_add(time), UNLIMITED),
            Reliability::Retransmissions(count) => (None, count.saturating_add(1)),
        };
        self.weight += payload.len() + MESSAGE_OVERHEAD;
        let place = self.place(stream);
        let stream = &mut self.streams[place];
        stream.amount += payload.len();
        stream.messages.push_back(Waiting {
            len: payload.len(),
            payload,
            expires,
            tries,
            ppid,
            ordered: options.ordered,
            begun: None,
        });
        if !stream.is_scheduled {
            stream.is_scheduled = true;
            self.scheduler.insert(place, stream.reading);
        }
    }

    /// The next fragment with at most `room` bytes of payload. `whole` is the room in a packet of its own: a message
    /// that fits there is not cut to fill another up. `None`: nothing waits, or nothing that fits and may be cut.
    pub fn poll(&mut self, now: Instant, room: usize, whole: usize, may_cut: bool) -> Option<Next> {
        loop {
            let place = match self.begun {
                Some(place) => place,
                None => self.scheduler.peek()?,
            };
            let partial = self.partial;
            let stream = &mut self.streams[place];
            let Some(message) = stream.messages.front_mut() else {
                self.begun = None;
                if std::mem::take(&mut stream.is_scheduled) {
                    stream.reading = self.scheduler.take(0, stream.priority);
                }
                continue;
            };
            if partial && message.expires.is_some_and(|at| at <= now) {
                match self.give_up_front(place) {
                    Some(next) => return Some(next),
                    None => continue,
                }
            }
            let left = message.payload.len();
            let size = left.min(room);
            if size < left
                && (!may_cut
                    || size == 0
                    || (size < MIN_FRAGMENT && room < whole)
                    || (message.begun.is_none() && left <= whole && room < whole))
            {
                return None;
            }
            return Some(Next::Fragment(self.cut(place, size)));
        }
    }

    /// Whether anything waits.
    pub fn is_empty(&self) -> bool {
        self.weight == 0
    }

    /// The bytes that wait, with what each message costs beside.
    pub fn weight(&self) -> usize {
        self.weight
    }

    /// Bytes of payload that wait on a stream.
    pub fn amount(&self, stream: StreamId) -> usize {
        self.index.find(stream).map_or(0, |place| self.streams[place].amount)
    }

    /// Sets the amount at which [`Queue::poll_low`] tells.
    pub fn set_threshold(&mut self, stream: StreamId, bytes: usize) {
        let place = self.place(stream);
        self.streams[place].threshold = bytes;
    }

    /// Sets the weight of the stream.
    pub fn set_priority(&mut self, stream: StreamId, priority: u16) {
        let place = self.place(stream);
        self.streams[place].priority = priority.max(1);
    }

    /// A stream whose amount has fallen to its threshold.
    pub fn poll_low(&mut self) -> Option<StreamId> {
        self.low.pop_front()
    }

    /// Nothing more is taken for this stream until [`Queue::restart`].
    pub fn set_resetting(&mut self, stream: StreamId) {
        let place = self.place(stream);
        self.streams[place].is_resetting = true;
    }

    /// Whether the stream is being reset.
    pub fn is_resetting(&self, stream: StreamId) -> bool {
        self.index.find(stream).is_some_and(|place| self.streams[place].is_resetting)
    }

    /// The stream begins again with its first number, or as it was where the reset was refused.
    pub fn restart(&mut self, stream: StreamId, is_reset: bool) {
        let place = self.place(stream);
        let stream = &mut self.streams[place];
        stream.is_resetting = false;
        if is_reset {
            (stream.ordered, stream.unordered) = (0, 0);
        }
    }

    /// All streams begin again: the peer has. Messages that were begun are sent from what is left of them no more.
    pub fn restart_all(&mut self) {
        for place in 0..self.streams.len() {
            let is_begun =
                self.streams[place].messages.front().is_some_and(|message| message.begun.is_some());
            if is_begun {
                self.drop_front(place);
                self.abandoned += 1;
            }
            let stream = &mut self.streams[place];
            (stream.ordered, stream.unordered, stream.is_resetting) = (0, 0, false);
        }
        self.begun = None;
    }

    /// Drops the rest of a message of which a fragment was given up; the fragment that stands for the rest, if there
    /// was any.
    pub fn give_up(&mut self, stream: StreamId, message: u64) -> Option<Fragment> {
        let place = self.index.find(stream)?;
        let front = self.streams[place].messages.front()?;
        front.begun.is_some_and(|(number, ..)| number == message).then_some(())?;
        match self.give_up_front(place) {
            Some(Next::Expired { end, .. }) => Some(end),
            _ => None,
        }
    }

    fn give_up_front(&mut self, place: usize) -> Option<Next> {
        let waiting = self.drop_front(place)?;
        if self.begun == Some(place) {
            self.begun = None;
        }
        let Some((message, sequence, fragment)) = waiting.begun else {
            self.abandoned += 1;
            return None;
        };
        let end = Fragment {
            payload: Bytes::new(),
            message,
            expires: waiting.expires,
            tries: waiting.tries,
            ppid: waiting.ppid,
            sequence,
            place: fragment,
            stream: self.streams[place].id,
            flags: DataFlags { unordered: !waiting.ordered, end: true, ..DataFlags::default() },
        };
        Some(Next::Expired { message, end })
    }

    fn drop_front(&mut self, place: usize) -> Option<Waiting> {
        let stream = &mut self.streams[place];
        let waiting = stream.messages.pop_front()?;
        self.weight -= waiting.payload.len() + MESSAGE_OVERHEAD;
        if waiting.begun.is_some() {
            self.unfinished -= waiting.len;
        }
        self.lower(place, waiting.payload.len());
        Some(waiting)
    }

    fn lower(&mut self, place: usize, bytes: usize) {
        let stream = &mut self.streams[place];
        let before = stream.amount;
        stream.amount -= bytes;
        if before > stream.threshold && stream.amount <= stream.threshold {
            self.low.push_back(stream.id);
        }
    }

    /// Cuts `size` bytes off the message that is next.
    fn cut(&mut self, place: usize, size: usize) -> Fragment {
        let stream = &mut self.streams[place];
        let messages = stream.messages.len();
        let message = stream.messages.front_mut().expect("the caller has seen it");
        let is_first = message.begun.is_none();
        let (number, sequence, fragment) = message.begun.unwrap_or_else(|| {
            self.messages += 1;
            // DATA numbers ordered messages only; I-DATA both, each for itself.
            let counter = if message.ordered { &mut stream.ordered } else { &mut stream.unordered };
            let sequence = *counter;
            *counter = counter.wrapping_add(1);
            (self.messages, sequence, 0)
        });
        message.begun = Some((number, sequence, fragment + 1));
        let is_last = size == message.payload.len();
        let is_too_much = is_first && !is_last && self.unfinished + message.len > self.interleaved_limit;
        match (is_first, is_last) {
            (true, false) => self.unfinished += message.len,
            (false, true) => self.unfinished -= message.len,
            _ => {}
        }
        let payload =
            if is_last { std::mem::take(&mut message.payload) } else { message.payload.split_to(size) };
        let cut = Fragment {
            payload,
            message: number,
            expires: message.expires,
            tries: message.tries,
            ppid: message.ppid,
            sequence,
            place: fragment,
            stream: stream.id,
            flags: DataFlags {
                immediate: is_last && messages == 1,
                unordered: !message.ordered,
                beginning: is_first,
                end: is_last,
            },
        };
        self.weight -= size;
        if is_last {
            stream.messages.pop_front();
            self.weight -= MESSAGE_OVERHEAD;
        }
        // Without interleaving the turn is for the whole message.
        let is_whole = !self.form.is_interleaved || is_too_much || self.begun == Some(place);
        self.take_turn(place, size, is_first || !is_whole, is_last, is_whole);
        self.lower(place, size);
        cut
    }

    fn take_turn(&mut self, place: usize, size: usize, is_turn: bool, is_last: bool, is_whole: bool) {
        let stream = &mut self.streams[place];
        if is_turn {
            let left =
                stream.messages.front().filter(|_| !is_last).map_or(0, |message| message.payload.remaining());
            let bytes = if is_whole { size + left } else { size };
            stream.reading = self.scheduler.take(bytes, stream.priority);
            stream.is_scheduled = false;
        }
        if is_whole {
            self.begun = (!is_last).then_some(place);
        }
        if !stream.is_scheduled && !stream.messages.is_empty() {
            stream.is_scheduled = true;
            self.scheduler.insert(place, stream.reading);
        }
    }

    fn place(&mut self, id: StreamId) -> usize {
        if let Some(place) = self.index.find(id) {
            return place;
        }
        let place = self.streams.len();
        self.index.insert(id, place);
        if place == 0 {
            // Many connections have one channel only.
            self.streams.reserve_exact(1);
        }
        self.streams.push(Stream {
            id,
            messages: VecDeque::new(),
            amount: 0,
            threshold: 0,
            priority: NORMAL,
            reading: 0,
            is_scheduled: false,
            ordered: 0,
            unordered: 0,
            is_resetting: false,
        });
        place
    }
}

#[cfg(test)]
mod tests;
