//! dcsctp, the engine of Google, with zero checksum as ours.

use std::time::{Duration, Instant};

use bytes::Bytes;
use dcsctp::api::{
    DcSctpSocket, Message, Options, PpId, SendOptions, SocketEvent, SocketState, SocketTime, StreamId,
    ZERO_CHECKSUM_ALTERNATE_ERROR_DETECTION_METHOD_LOWER_LAYER_DTLS,
};

use crate::engines::engine::{Engine, PACKET, Setting};

/// One end.
pub struct End {
    setting: Setting,
    socket: Box<dyn DcSctpSocket>,
    beginning: Instant,
    now: Instant,
}

impl End {
    /// An end that may connect or wait.
    pub fn new(now: Instant, setting: Setting) -> Self {
        let options = Options {
            mtu: PACKET,
            max_receiver_window_buffer_size: setting.buffer,
            max_send_buffer_size: setting.buffer,
            per_stream_send_queue_limit: setting.buffer,
            zero_checksum_alternate_error_detection_method:
                ZERO_CHECKSUM_ALTERNATE_ERROR_DETECTION_METHOD_LOWER_LAYER_DTLS,
            ..Options::default()
        };
        Self { setting, socket: dcsctp::new_socket("", &options), beginning: now, now }
    }

    fn advance(&mut self, now: Instant) {
        if self.now < now {
            self.now = now;
            self.socket.advance_time(SocketTime::zero() + (now - self.beginning));
        }
    }
}

impl Engine for End {
    fn connect(&mut self, now: Instant) {
        self.advance(now);
        self.socket.connect();
    }

    fn handle_packet(&mut self, now: Instant, packet: Bytes) {
        self.advance(now);
        self.socket.handle_input(&packet);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        let at = self.socket.poll_timeout();
        if at == SocketTime::infinite_future() {
            return None;
        }
        let since: Duration = at - SocketTime::zero();
        self.beginning.checked_add(since)
    }

    fn poll_packet(&mut self, now: Instant) -> Option<Bytes> {
        self.advance(now);
        loop {
            if let SocketEvent::SendPacket(packet) = self.socket.poll_event()? {
                return Some(packet.into());
            }
        }
    }

    fn send(&mut self, now: Instant, message: &Bytes) -> bool {
        self.advance(now);
        self.socket.state() == SocketState::Connected
            && self.socket.buffered_amount(StreamId(1)) + message.len() < self.setting.buffer
            && self
                .socket
                .send(Message::new(StreamId(1), PpId(53), message.to_vec()), &SendOptions::default())
                .is_ok()
    }

    fn receive(&mut self, _now: Instant) -> Option<usize> {
        self.socket.get_next_message().map(|message| message.payload.len())
    }
}
