//! How chunks get into packets (RFC 9260 §6.1, §6.10): what was given up, what was lost, what is new, and the probe of
//! the tail, in this order.

use std::time::Instant;

use bytes::BytesMut;
use peerless_wire::sctp::{Header, Tsn};

use crate::sctp::tx::forward;
use crate::sctp::tx::queue::Next;
use crate::sctp::tx::sender::Sender;

/// The common header, before any chunk.
const HEADER: usize = Header::LEN;

impl Sender {
    /// Appends what may be sent to the packet that begins at `start` in `out`, up to `size` bytes in all. Whether
    /// anything was.
    pub fn write(&mut self, now: Instant, start: usize, size: usize, out: &mut BytesMut) -> bool {
        let before = out.len();
        if self.forward_due {
            self.write_forward(now, size.saturating_sub(out.len() - start), out);
        }
        let forwarded = out.len();
        if self.outstanding.has_lost() && !self.is_holding {
            self.write_lost(now, start, size, out);
        }
        if (!self.outstanding.has_lost() || self.is_holding) && !self.queue.is_empty() {
            self.write_new(now, start, size, out);
        }
        if self.is_probing {
            self.is_probing = false;
            if out.len() == forwarded {
                self.write_probe(now, start, size, out);
            }
        }
        if out.len() > forwarded {
            let timeout = self.rto.timeout();
            self.timer.get_or_insert(now + timeout);
            self.arm_probe(now, timeout);
        }
        out.len() > before
    }

    fn write_forward(&mut self, now: Instant, left: usize, out: &mut BytesMut) {
        self.forward_due = false;
        if let Some(told) = forward::write(self.form, self.outstanding.abandoned(), left, out) {
            self.forwarded = Some((told, now));
        }
    }

    fn write_lost(&mut self, now: Instant, start: usize, size: usize, out: &mut BytesMut) {
        while let Some(number) = self.outstanding.first_lost() {
            if self.is_given_up(now, number) {
                self.abandon(now, number);
                continue;
            }
            if !self.resend(now, number, start, size, out) {
                return;
            }
        }
    }

    /// Sends a chunk again, where it fits and the windows let it.
    fn resend(&mut self, now: Instant, number: u64, start: usize, size: usize, out: &mut BytesMut) -> bool {
        let Some(sent) = self.outstanding.find(number) else { return false };
        let payload = sent.fragment.payload.len();
        let is_first = out.len() - start <= HEADER;
        // One that was cut for larger packets goes alone.
        let fits = out.len() - start + self.form.size(payload) <= size || is_first;
        if !fits || !(self.has_window() || self.is_probing) || !self.fits_peer(payload) {
            return false;
        }
        let Some(sent) = self.outstanding.handle_resent(now, number) else { return false };
        self.form.write(Tsn::from(number), &sent.fragment, out);
        self.mark_large(number, out.len() - start);
        self.counters.retransmissions += 1;
        if let Some(recovery) = &mut self.recovery {
            recovery.resent += 1;
        }
        true
    }

    fn write_probe(&mut self, now: Instant, start: usize, size: usize, out: &mut BytesMut) {
        if let Some(number) = self.outstanding.last_flying()
            && !self.is_given_up(now, number)
        {
            self.is_probing = true;
            self.begin_recovery();
            self.resend(now, number, start, size, out);
            self.is_probing = false;
        }
    }

    fn write_new(&mut self, now: Instant, start: usize, size: usize, out: &mut BytesMut) {
        let largest = self.form.room(self.largest_chunk.min(size.saturating_sub(HEADER)));
        loop {
            let flight = self.outstanding.flight();
            if flight > 0 && flight >= self.window.bytes() && !self.is_probing {
                self.limited.0 = true;
                return;
            }
            let left = self.form.room(size.saturating_sub(out.len() - start)).min(largest);
            let (room, may_cut) = self.peer_room(left);
            // What is cut to the peer's window is cut whatever packet it would fit into.
            let whole = if room < left { room } else { largest };
            match self.queue.poll(now, room, whole, may_cut) {
                None => return,
                Some(Next::Fragment(mut fragment)) => {
                    // Whoever waits for the window wants to hear at once (RFC 7053).
                    fragment.flags.immediate |= self.is_probing;
                    let number = self.outstanding.push(now, fragment);
                    if let Some(sent) = self.outstanding.find(number) {
                        self.form.write(Tsn::from(number), &sent.fragment, out);
                    }
                    self.mark_large(number, out.len() - start);
                }
                Some(Next::Expired { message, end }) => {
                    self.outstanding.push_abandoned(now, end);
                    let last = self.outstanding.next() - 1;
                    debug_assert!(
                        self.outstanding.find(last).is_some_and(|sent| sent.fragment.message == message)
                    );
                    self.abandon(now, last);
                }
            }
        }
    }

    fn mark_large(&mut self, number: u64, end: usize) {
        if end > self.base {
            self.outstanding.set_large(number);
        }
    }

    /// How much of `room` the peer has a place for, and whether a message may be cut to that: where its window is
    /// smaller only while nothing is on its way, so that no silly little chunks are sent (RFC 9260 §6.1 A). A whole
    /// chunk probes a closed window.
    fn peer_room(&self, room: usize) -> (usize, bool) {
        let left = self.peer_window.saturating_sub(self.outstanding.flight_payload());
        let is_alone = self.outstanding.flight() == 0;
        match left {
            left if left >= room => (room, true),
            0 if is_alone => (room, true),
            left => (left, is_alone),
        }
    }

    fn fits_peer(&self, payload: usize) -> bool {
        self.outstanding.flight() == 0 || payload + self.outstanding.flight_payload() <= self.peer_window
    }
}
