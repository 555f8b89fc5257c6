//! Ours.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use peerless_transport::sctp::{Association, Config, SendOptions};
use peerless_wire::sctp::{Ppid, StreamId};

use crate::engines::engine::{Engine, PACKET, Setting};

/// Packets are written into blocks of this size.
const BLOCK: usize = 64 * 1024;

/// One end.
#[derive(Debug)]
pub struct End {
    association: Association,
    block: BytesMut,
}

impl End {
    /// An end that is open to neither side yet.
    pub fn new(now: Instant, seed: u8, setting: Setting) -> Self {
        let mut config = Config::new([seed; 32]);
        config.packet_size = PACKET;
        config.max_packet_size = setting.largest;
        config.send_buffer = setting.buffer;
        config.receive_window = setting.buffer;
        Self { association: Association::new(now, config), block: BytesMut::new() }
    }

    /// The association, for its statistics.
    pub fn association(&self) -> &Association {
        &self.association
    }
}

impl Engine for End {
    fn connect(&mut self, now: Instant) {
        self.association.connect(now);
    }

    fn handle_packet(&mut self, now: Instant, packet: Bytes) {
        self.association.handle_packet(now, packet);
        while self.association.poll_event().is_some() {}
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.association.handle_timeout(now);
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.association.poll_timeout()
    }

    fn poll_packet(&mut self, now: Instant) -> Option<Bytes> {
        if self.block.capacity() - self.block.len() < 2048 {
            self.block.reserve(BLOCK);
        }
        self.association.poll_transmit(now, &mut self.block)?;
        Some(self.block.split().freeze())
    }

    fn send(&mut self, now: Instant, message: &Bytes) -> bool {
        self.association.send(now, StreamId(1), Ppid::BINARY, message.clone(), SendOptions::default()).is_ok()
    }

    fn receive(&mut self, now: Instant) -> Option<usize> {
        self.association.poll_message(now).map(|message| message.payload.len())
    }
}
