//! One SCTP association as a machine (RFC 9260 §4): the calls, each handed to the room that it is for.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use peerless_wire::sctp::{Ppid, StreamId};

use crate::sctp::config::Config;
use crate::sctp::endpoint::Endpoint;
use crate::sctp::event::{Event, State, Stats};
use crate::sctp::handshake;
use crate::sctp::incoming;
use crate::sctp::message::{Message, SendError, SendOptions};
use crate::sctp::outgoing;
use crate::sctp::resetting;
use crate::sctp::teardown;
use crate::sctp::timeouts;

/// One end of an SCTP association, without sockets and clocks.
///
/// Packets go in by [`handle_packet`](Self::handle_packet) and come out by [`poll_transmit`](Self::poll_transmit), one
/// at a time. Hand in all packets of a burst before polling: then one SACK answers them all. After any call poll for
/// packets, events and messages until there are none, and ask [`poll_timeout`](Self::poll_timeout) when to come back.
#[derive(Debug)]
pub struct Association {
    endpoint: Box<Endpoint>,
}

impl Association {
    /// An association that does nothing before [`Association::connect`] or the peer's INIT.
    pub fn new(now: Instant, config: Config) -> Self {
        Self { endpoint: Box::new(Endpoint::new(now, config)) }
    }

    /// Opens it: INIT goes out. In WebRTC both ends do so (RFC 8831 §6.1), and it becomes one association. Nothing
    /// happens where it is open, or was.
    pub fn connect(&mut self, _now: Instant) {
        handshake::connect(&mut self.endpoint);
    }

    /// Takes one SCTP packet, as it came out of DTLS. What is no SCTP or not for us is counted and dropped.
    pub fn handle_packet(&mut self, now: Instant, packet: Bytes) {
        incoming::handle_packet(&mut self.endpoint, now, packet);
    }

    /// Lets due timers run out.
    pub fn handle_timeout(&mut self, now: Instant) {
        timeouts::handle(&mut self.endpoint, now);
    }

    /// When [`Association::handle_timeout`] is due next, with [`Association::poll_transmit`] after it.
    pub fn poll_timeout(&self) -> Option<Instant> {
        timeouts::poll(&self.endpoint)
    }

    /// Appends one SCTP packet to `out` and gives its length; `None` when there is none to send now.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut BytesMut) -> Option<usize> {
        outgoing::poll_transmit(&mut self.endpoint, now, out)
    }

    /// What has happened, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        if let Some(event) = self.endpoint.events.pop_front() {
            return Some(event);
        }
        self.endpoint.events.shrink_to_fit();
        if let Some(stream) = self.endpoint.sender.queue.poll_low() {
            return Some(Event::BufferedAmountLow(stream));
        }
        self.endpoint.sender.poll_writable().then_some(Event::Writable)
    }

    /// The next whole message. What is not read closes the peer's window. After the end, what has come can be read.
    pub fn poll_message(&mut self, now: Instant) -> Option<Message> {
        let message = self.endpoint.inbox.as_mut()?.poll_message(now, None)?;
        self.handle_read();
        Some(message)
    }

    /// The next whole message of one stream, whatever waits on others.
    pub fn poll_stream_message(&mut self, now: Instant, stream: StreamId) -> Option<Message> {
        let message = self.endpoint.inbox.as_mut()?.poll_message(now, Some(stream))?;
        self.handle_read();
        Some(message)
    }

    /// Something was read: the peer hears of it when the window was almost closed.
    fn handle_read(&mut self) {
        let has_opened = self.endpoint.inbox.as_ref().is_some_and(|inbox| inbox.has_opened());
        if has_opened && !self.endpoint.has_ended {
            self.endpoint.acks.set_urgent();
        }
    }

    /// Queues a message, before the handshake too.
    ///
    /// Errs without any change when the send buffer is full (one message of any size is taken while it is empty), the
    /// payload is empty, the stream is not negotiated or being reset, or the association shuts down or has ended.
    pub fn send(
        &mut self,
        now: Instant,
        stream: StreamId,
        ppid: Ppid,
        payload: Bytes,
        options: SendOptions,
    ) -> Result<(), SendError> {
        let endpoint = &mut *self.endpoint;
        if payload.is_empty() {
            return Err(SendError::Empty);
        }
        if endpoint.has_ended
            || !matches!(
                endpoint.state,
                State::Closed | State::CookieWait | State::CookieEchoed | State::Established
            )
        {
            return Err(SendError::Closed);
        }
        let negotiated = endpoint.agreed.map_or(endpoint.config.outbound_streams, |agreed| agreed.outbound);
        if stream.0 >= negotiated {
            return Err(SendError::NoSuchStream { stream: stream.0, negotiated });
        }
        endpoint.sender.send(now, stream, ppid, payload, options)
    }

    /// Whether [`Association::send`] has room for a message of `len` bytes now.
    pub fn has_room(&self, len: usize) -> bool {
        self.endpoint.sender.has_room(len)
    }

    /// How many bytes of payload wait on this stream without having been handed to the network once: W3C
    /// `bufferedAmount`.
    pub fn buffered_amount(&self, stream: StreamId) -> usize {
        self.endpoint.sender.queue.amount(stream)
    }

    /// How many bytes wait to be sent or acknowledged on all streams: what the send buffer limits. A message that waits
    /// counts 64 bytes more, a chunk on its way at least 128, so that small ones do not fill the memory.
    pub fn total_buffered(&self) -> usize {
        self.endpoint.sender.buffered()
    }

    /// Tells by [`Event::BufferedAmountLow`] when the amount of this stream falls to `bytes` from above. 0 at first.
    pub fn set_buffered_amount_low_threshold(&mut self, stream: StreamId, bytes: usize) {
        self.endpoint.sender.queue.set_threshold(stream, bytes);
    }

    /// Sets the weight of the stream against the others (RFC 8831 §6.4). 256 at first, and 1 at least.
    pub fn set_priority(&mut self, stream: StreamId, priority: u16) {
        self.endpoint.sender.queue.set_priority(stream, priority);
    }

    /// Resets our direction of the stream once all that waits on it has left (RFC 6525, RFC 8831 §6.7): the peer sees
    /// the reset after the last message. [`Event::ResetDone`] or [`Event::ResetDenied`] tells how it went; until then
    /// nothing can be sent on the stream.
    pub fn reset_stream(&mut self, now: Instant, stream: StreamId) {
        resetting::reset_stream(&mut self.endpoint, now, stream);
    }

    /// Ends it once all that waits has been delivered (RFC 9260 §9.2). Nothing more can be sent.
    pub fn shutdown(&mut self, now: Instant) {
        teardown::shutdown(&mut self.endpoint, now);
    }

    /// Ends it at once; the peer is told the first 128 characters of `reason` (RFC 9260 §9.1).
    pub fn abort(&mut self, _now: Instant, reason: &str) {
        teardown::abort(&mut self.endpoint, reason);
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.endpoint.state
    }

    /// Counters and estimates.
    pub fn stats(&self) -> Stats {
        let endpoint = &self.endpoint;
        let counters = endpoint.sender.counters();
        let (messages_received, receive_window, receive_buffered) =
            endpoint.inbox.as_ref().map_or((0, 0, 0), |inbox| inbox.facts());
        Stats {
            messages_sent: counters.messages,
            messages_received,
            messages_abandoned: counters.abandoned,
            retransmissions: counters.retransmissions,
            timeouts: counters.timeouts,
            spurious_retransmissions: counters.spurious,
            round_trip_time: endpoint.sender.rto().smoothed(),
            congestion_window: endpoint.sender.window(),
            bytes_in_flight: endpoint.sender.flight(),
            peer_window: endpoint.sender.peer_window(),
            receive_window,
            packet_size: endpoint.discovery.size(),
            send_buffered: endpoint.sender.buffered(),
            receive_buffered,
            ..endpoint.stats
        }
    }
}
