//! One SCTP association as a machine (RFC 9260 §4): the conductor of the rooms beside it.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use peerless_wire::sctp::{Ppid, StreamId};

use crate::sctp::config::Config;
use crate::sctp::event::{Event, State, Stats};
use crate::sctp::message::{Message, SendError, SendOptions};

/// One end of an SCTP association.
#[derive(Debug)]
pub struct Association {
    config: Config,
    state: State,
    stats: Stats,
}

impl Association {
    /// An association that does nothing before [`Association::connect`] or the peer's INIT.
    pub fn new(_now: Instant, config: Config) -> Self {
        Self { config: config.settled(), state: State::Closed, stats: Stats::default() }
    }

    /// Opens it: INIT goes out. In WebRTC both ends do so (RFC 8831 §6.1), and it becomes one association.
    pub fn connect(&mut self, _now: Instant) {
        self.state = State::CookieWait;
    }

    /// Takes one SCTP packet, as it came out of DTLS.
    pub fn handle_packet(&mut self, _now: Instant, packet: Bytes) {
        self.stats.packets_received += 1;
        self.stats.bytes_received += packet.len() as u64;
    }

    /// Lets due timers run out.
    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// When [`Association::handle_timeout`] is due next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Appends one SCTP packet to `out` and gives its length; `None` when there is none to send now.
    pub fn poll_transmit(&mut self, _now: Instant, _out: &mut BytesMut) -> Option<usize> {
        None
    }

    /// What has happened, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        None
    }

    /// The next whole message. What is not read closes the peer's window.
    pub fn poll_message(&mut self, _now: Instant) -> Option<Message> {
        None
    }

    /// Queues a message, before the handshake too.
    pub fn send(
        &mut self,
        _now: Instant,
        _stream: StreamId,
        _ppid: Ppid,
        payload: Bytes,
        _options: SendOptions,
    ) -> Result<(), SendError> {
        if payload.is_empty() {
            return Err(SendError::Empty);
        }
        Err(SendError::Full { buffered: 0, limit: self.config.send_buffer })
    }

    /// How many bytes of payload wait on this stream without having been handed to the network once: W3C
    /// `bufferedAmount`.
    pub fn buffered_amount(&self, _stream: StreamId) -> usize {
        0
    }

    /// How many bytes wait to be sent or acknowledged on all streams: what the send buffer limits.
    pub fn total_buffered(&self) -> usize {
        0
    }

    /// Tells by [`Event::BufferedAmountLow`] when the amount of this stream falls to `bytes` from above.
    pub fn set_buffered_amount_low_threshold(&mut self, _stream: StreamId, _bytes: usize) {}

    /// Sets the weight of the stream against the others (RFC 8831 §6.4). 256 at first.
    pub fn set_priority(&mut self, _stream: StreamId, _priority: u16) {}

    /// Resets our direction of the stream once all that waits on it has been delivered (RFC 6525, RFC 8831 §6.7).
    pub fn reset_stream(&mut self, _now: Instant, _stream: StreamId) {}

    /// Ends it once all that waits has been delivered (RFC 9260 §9.2). Nothing more can be sent.
    pub fn shutdown(&mut self, _now: Instant) {}

    /// Ends it at once; the peer is told `reason` (RFC 9260 §9.1).
    pub fn abort(&mut self, _now: Instant, _reason: &str) {
        self.state = State::Closed;
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Counters and estimates.
    pub fn stats(&self) -> Stats {
        self.stats
    }
}
