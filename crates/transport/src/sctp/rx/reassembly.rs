//! Chunks → messages, in order where they are to be, up to a window (RFC 9260 §6.2, §6.6, §6.9; RFC 8260 §2.2.3).
//!
//! A chunk that is a whole message by itself goes straight through to those that can be read; its payload stays the
//! slice of the packet that it was. Fragments wait in `runs` or `partials` and are copied once, when all are there.

use std::collections::VecDeque;

use bytes::Bytes;
use peerless_wire::sctp::{
    Chunk, Data, DataFlags, ForwardTsn, InterleavedData, InterleavedForwardTsn, StreamId, Tsn,
};

use crate::sctp::message::Message;
use crate::sctp::rx::order::Order;
use crate::sctp::rx::ordered::Inbox;
use crate::sctp::rx::partials::Partials;
use crate::sctp::rx::runs::Runs;
use crate::sctp::rx::violation::Violation;
use crate::sctp::rx::window::{OVERHEAD, Window, charge};

/// Whether a chunk that is new can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// It can.
    Yes,
    /// Not now: it is to be dropped as if it had not come.
    No,
    /// Never, as nothing that is held can ever be read: [`Violation::Stuck`].
    Never,
}

/// What came and was not read yet.
#[derive(Debug)]
pub(crate) struct Reassembly {
    interleaving: bool,
    largest: usize,
    streams: u16,
    window: Window,
    inbox: Inbox,
    runs: Runs,
    partials: Partials,
    /// The number of the chunk before, extended, to extend others by.
    reference: Option<u64>,
    deferred: Option<Deferred>,
}

/// A reset of streams that waits for the last number before it (RFC 6525 §5.2.2): what comes on these streams from
/// behind it waits too.
#[derive(Debug)]
struct Deferred {
    last: Tsn,
    /// Sorted; none means all.
    streams: Vec<StreamId>,
    chunks: VecDeque<Chunk>,
}

impl Reassembly {
    /// For chunks of one kind, messages of up to `largest` bytes, a window of up to `limit` bytes and streams 0 up to
    /// `streams`, without that.
    pub(crate) fn new(interleaving: bool, largest: usize, limit: usize, streams: u16) -> Self {
        Self {
            interleaving,
            largest,
            streams,
            window: Window::new(limit, largest),
            inbox: Inbox::default(),
            runs: Runs::default(),
            partials: Partials::default(),
            reference: None,
            deferred: None,
        }
    }

    /// Whether a payload of `len` bytes can be taken. The one that `is_next` in number is taken even when the window is
    /// full but nothing can be read: only it can let go what waits. So up to one message more than the window is held.
    pub(crate) fn room(&self, len: usize, is_next: bool) -> Room {
        let needed = charge(len);
        if self.window.has_room(needed, 0) {
            return Room::Yes;
        }
        if !is_next || !self.inbox.is_read() {
            return Room::No;
        }
        if self.window.has_room(needed, self.largest + OVERHEAD) { Room::Yes } else { Room::Never }
    }

    /// Lets the window grow where it is full of pieces and nothing can be read.
    pub(crate) fn make_room_for_pieces(&mut self) {
        if self.inbox.is_read() {
            self.window.handle_pieces();
        }
    }

    /// Takes a DATA chunk that is new.
    pub(crate) fn handle_data(&mut self, mut data: Data) -> Result<(), Violation> {
        self.check(data.tsn, data.stream, &data.payload, false)?;
        data.payload = kept(data.payload);
        self.window.hold(charge(data.payload.len()));
        match self.deferring(data.stream, data.tsn) {
            Some(chunks) => chunks.push_back(Chunk::Data(data)),
            None => self.take_data(data)?,
        }
        Ok(())
    }

    /// Takes an I-DATA chunk that is new.
    pub(crate) fn handle_interleaved(&mut self, mut data: InterleavedData) -> Result<(), Violation> {
        self.check(data.tsn, data.stream, &data.payload, true)?;
        data.payload = kept(data.payload);
        self.window.hold(charge(data.payload.len()));
        match self.deferring(data.stream, data.tsn) {
            Some(chunks) => chunks.push_back(Chunk::InterleavedData(data)),
            None => self.take_interleaved(data)?,
        }
        Ok(())
    }

    /// Messages were given up (RFC 3758 §3.6); to be called where the tracker has moved.
    pub(crate) fn handle_forward(&mut self, forward: &ForwardTsn) {
        for skipped in &forward.skipped {
            if skipped.stream.0 < self.streams {
                self.inbox.skip(skipped.stream, Order::Ssn(skipped.ssn));
            }
        }
        let Some(reference) = self.reference else { return };
        let inbox = &self.inbox;
        self.runs.forward(forward.cumulative.near(reference), &mut self.window, |stream, ssn| {
            inbox.place(stream, Order::Ssn(ssn)).is_none()
        });
    }

    /// Messages were given up (RFC 8260 §2.3.1); to be called where the tracker has moved.
    pub(crate) fn handle_interleaved_forward(&mut self, forward: &InterleavedForwardTsn) {
        for skipped in &forward.skipped {
            if skipped.stream.0 >= self.streams {
                continue;
            }
            if skipped.unordered {
                self.partials.skip_unordered(skipped.stream, skipped.message, &mut self.window);
            } else if let Some(last) = self.inbox.skip(skipped.stream, Order::Message(skipped.message)) {
                self.partials.skip_ordered(skipped.stream, last, &mut self.window);
            }
        }
    }

    /// All up to `cumulative` has arrived or was given up.
    pub(crate) fn handle_cumulative(&mut self, cumulative: Tsn) {
        if let Some(reference) = self.reference {
            let cumulative = cumulative.near(reference);
            self.runs.settle(cumulative, &mut self.window);
            self.partials.settle(cumulative, &mut self.window);
            for (stream, last) in self.inbox.settle(cumulative) {
                self.partials.skip_ordered(stream, last, &mut self.window);
            }
        }
    }

    /// From now on what comes on `streams` (none means all) with a number beyond `last` waits for their reset
    /// (RFC 6525 §5.2.2). Takes the place of what was told before.
    pub(crate) fn defer(&mut self, last: Tsn, streams: &[StreamId]) {
        let mut streams = streams.to_vec();
        streams.sort_unstable();
        let chunks = self.deferred.take().map(|before| before.chunks).unwrap_or_default();
        self.deferred = Some(Deferred { last, streams, chunks });
    }

    /// The peer's `streams` (none means all) begin again; what waited for that is taken. What can be read stays.
    pub(crate) fn reset(&mut self, streams: &[StreamId]) -> Result<(), Violation> {
        let mut named = streams.to_vec();
        named.sort_unstable();
        let is_meant = |stream: StreamId| named.is_empty() || named.binary_search(&stream).is_ok();
        self.runs.reset(is_meant, &mut self.window);
        self.partials.reset(is_meant, &mut self.window);
        let used = if named.is_empty() { self.inbox.used() } else { Vec::new() };
        for stream in named.iter().chain(&used) {
            self.inbox.reset(*stream, &mut self.window);
        }
        for chunk in self.deferred.take().into_iter().flat_map(|deferred| deferred.chunks) {
            match chunk {
                Chunk::Data(data) => self.take_data(data)?,
                Chunk::InterleavedData(data) => self.take_interleaved(data)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The next message, the streams in turn.
    pub(crate) fn poll_message(&mut self) -> Option<Message> {
        self.inbox.poll(&mut self.window)
    }

    /// The next message of one stream.
    pub(crate) fn poll_stream_message(&mut self, stream: StreamId) -> Option<Message> {
        self.inbox.poll_stream(stream, &mut self.window)
    }

    /// A round trip is over: the window grows where the user keeps up.
    pub(crate) fn handle_round(&mut self) {
        self.window.handle_round();
    }

    /// The window.
    pub(crate) fn window(&self) -> &Window {
        &self.window
    }

    fn check(&self, tsn: Tsn, stream: StreamId, payload: &Bytes, interleaved: bool) -> Result<(), Violation> {
        if interleaved != self.interleaving {
            Err(Violation::WrongKind)
        } else if payload.is_empty() {
            Err(Violation::NoUserData(tsn))
        } else if stream.0 >= self.streams {
            Err(Violation::InvalidStream(stream))
        } else if payload.len() > self.largest {
            Err(Violation::TooLarge { limit: self.largest })
        } else {
            Ok(())
        }
    }

    fn deferring(&mut self, stream: StreamId, tsn: Tsn) -> Option<&mut VecDeque<Chunk>> {
        let deferred = self.deferred.as_mut()?;
        let is_affected = deferred.streams.is_empty() || deferred.streams.binary_search(&stream).is_ok();
        (is_affected && tsn.is_newer_than(deferred.last)).then_some(&mut deferred.chunks)
    }

    fn take_data(&mut self, data: Data) -> Result<(), Violation> {
        let number = self.extend(data.tsn);
        let (message, order, first) = if is_whole(data.flags) {
            let Data { stream, ssn, ppid, payload, .. } = data;
            let unordered = data.flags.unordered;
            let order = if unordered { Order::Unordered } else { Order::Ssn(ssn) };
            (Message { stream, ppid, payload, unordered }, order, number)
        } else {
            match self.runs.add(number, data, self.largest, &mut self.window)? {
                Some(whole) => whole,
                None => return Ok(()),
            }
        };
        self.inbox.add(message, order, first, &mut self.window);
        Ok(())
    }

    fn extend(&mut self, tsn: Tsn) -> u64 {
        let number = tsn.near(self.reference.unwrap_or(Tsn::FIRST_TURN + u64::from(tsn.0)));
        self.reference = Some(number);
        number
    }

    fn take_interleaved(&mut self, data: InterleavedData) -> Result<(), Violation> {
        let chunk = self.extend(data.tsn);
        let unordered = data.flags.unordered;
        let order = if unordered { Order::Unordered } else { Order::Message(data.message) };
        if data.flags.beginning {
            self.partials.handle_beginning(data.stream, chunk);
        }
        if is_whole(data.flags) {
            let InterleavedData { stream, ppid, payload, .. } = data;
            self.inbox.add(Message { stream, ppid, payload, unordered }, order, chunk, &mut self.window);
            return Ok(());
        }
        let number = match order {
            Order::Unordered if self.partials.is_skipped(data.stream, data.message) => None,
            Order::Unordered => Some(u64::from(data.message.0)),
            order => self.inbox.place(data.stream, order),
        };
        let Some(number) = number else {
            self.window.release(charge(data.payload.len()));
            return Ok(());
        };
        if let Some((message, first)) =
            self.partials.add(number, chunk, data, self.largest, &mut self.window)?
        {
            self.inbox.add(message, order, first, &mut self.window);
        }
        Ok(())
    }
}

fn is_whole(flags: DataFlags) -> bool {
    flags.beginning && flags.end
}

/// A payload to keep: a small one is copied, so that it does not hold a whole packet.
fn kept(payload: Bytes) -> Bytes {
    if payload.len() < COPIED_BELOW { Bytes::copy_from_slice(&payload) } else { payload }
}

const COPIED_BELOW: usize = 256;

#[cfg(test)]
mod tests;
