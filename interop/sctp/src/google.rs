//! `dcsctp`, by the authors of the one in libwebrtc.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use dcsctp::api::{
    DcSctpSocket, Message, Options, PpId, SendOptions, SocketEvent, SocketState, SocketTime, StreamId,
};

use crate::engine::{Delivery, Engine, Received};

/// A socket of `dcsctp`.
pub struct Google {
    socket: Box<dyn DcSctpSocket>,
    begin: Instant,
    packets: VecDeque<Bytes>,
    resets_by_peer: VecDeque<u16>,
    resets_done: VecDeque<u16>,
    is_connected: bool,
    is_closed: bool,
}

impl Google {
    /// One with these options.
    pub fn new(now: Instant, options: &Options) -> Self {
        Self {
            socket: dcsctp::new_socket("foreign", options),
            begin: now,
            packets: VecDeque::new(),
            resets_by_peer: VecDeque::new(),
            resets_done: VecDeque::new(),
            is_connected: false,
            is_closed: false,
        }
    }

    fn drain(&mut self) {
        while let Some(event) = self.socket.poll_event() {
            match event {
                SocketEvent::SendPacket(packet) => self.packets.push_back(packet.into()),
                SocketEvent::OnConnected() => self.is_connected = true,
                SocketEvent::OnClosed() => self.is_closed = true,
                SocketEvent::OnAborted(kind, text) => panic!("it aborted: {kind:?} {text}"),
                SocketEvent::OnIncomingStreamReset(streams) => {
                    self.resets_by_peer.extend(streams.iter().map(|stream| stream.0));
                }
                SocketEvent::OnStreamsResetPerformed(streams) => {
                    self.resets_done.extend(streams.iter().map(|stream| stream.0));
                }
                SocketEvent::OnStreamsResetFailed(streams) => panic!("it did not reset {streams:?}"),
                _ => {}
            }
        }
    }
}

impl Engine for Google {
    fn connect(&mut self, _now: Instant) {
        self.socket.connect();
        self.drain();
    }

    fn is_connected(&self) -> bool {
        self.is_connected && self.socket.state() == SocketState::Connected
    }

    fn is_closed(&self) -> bool {
        self.is_closed
    }

    fn send(&mut self, _now: Instant, stream: u16, payload: &Bytes, delivery: Delivery) -> bool {
        let message = Message::new(StreamId(stream), PpId(53), payload.to_vec());
        let options = SendOptions {
            unordered: delivery.unordered,
            lifetime: delivery.lifetime,
            max_retransmissions: delivery.retransmissions,
            ..SendOptions::default()
        };
        let is_sent = self.socket.send(message, &options).is_ok();
        self.drain();
        is_sent
    }

    fn reset(&mut self, _now: Instant, stream: u16) {
        self.socket.reset_streams(&[StreamId(stream)]).expect("resets are supported");
        self.drain();
    }

    fn poll_reset_by_peer(&mut self) -> Option<u16> {
        self.resets_by_peer.pop_front()
    }

    fn poll_reset_done(&mut self) -> Option<u16> {
        self.resets_done.pop_front()
    }

    fn shutdown(&mut self, _now: Instant) {
        self.socket.shutdown();
        self.drain();
    }

    fn handle_packet(&mut self, now: Instant, packet: Bytes) {
        self.handle_timeout(now);
        self.socket.handle_input(&packet);
        self.drain();
    }

    fn poll_packet(&mut self, _now: Instant) -> Option<Bytes> {
        self.packets.pop_front()
    }

    fn poll_message(&mut self, _now: Instant) -> Option<Received> {
        let message = self.socket.get_next_message()?;
        self.drain();
        Some(Received { stream: message.stream_id.0, payload: message.payload.into() })
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let at = self.socket.poll_timeout();
        (at < SocketTime::infinite_future()).then(|| self.begin + (at - SocketTime::zero()))
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.socket.advance_time(SocketTime::zero() + (now - self.begin));
        self.drain();
    }

    fn is_interleaving(&self) -> bool {
        self.socket.get_metrics().is_some_and(|metrics| metrics.uses_message_interleaving)
    }

    fn is_without_checksum(&self) -> bool {
        self.socket.get_metrics().is_some_and(|metrics| metrics.uses_zero_checksum)
    }
}
