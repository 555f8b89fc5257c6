//! Ours.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use peerless_transport::sctp::{Association, Config, Event, Reliability, SendOptions, State};
use peerless_wire::sctp::{Ppid, StreamId};

use crate::engine::{Delivery, Engine, Received};

/// An association of Peerless.
pub struct Ours {
    association: Association,
    resets_by_peer: VecDeque<u16>,
    resets_done: VecDeque<u16>,
    is_connected: bool,
    is_closed: bool,
    is_interleaving: bool,
    is_without_checksum: bool,
    out: BytesMut,
}

impl Ours {
    /// One with this configuration.
    pub fn new(now: Instant, config: Config) -> Self {
        Self {
            association: Association::new(now, config),
            resets_by_peer: VecDeque::new(),
            resets_done: VecDeque::new(),
            is_connected: false,
            is_closed: false,
            is_interleaving: false,
            is_without_checksum: false,
            out: BytesMut::new(),
        }
    }

    /// The association itself.
    pub fn association(&self) -> &Association {
        &self.association
    }

    fn drain(&mut self) {
        while let Some(event) = self.association.poll_event() {
            match event {
                Event::Connected { interleaving, zero_checksum, .. } => {
                    self.is_connected = true;
                    self.is_interleaving = interleaving;
                    self.is_without_checksum = zero_checksum;
                }
                Event::Closed(_) => self.is_closed = true,
                Event::StreamsReset(streams) => {
                    self.resets_by_peer.extend(streams.iter().map(|stream| stream.0))
                }
                Event::ResetDone(streams) => self.resets_done.extend(streams.iter().map(|stream| stream.0)),
                _ => {}
            }
        }
    }
}

impl Engine for Ours {
    fn connect(&mut self, now: Instant) {
        self.association.connect(now);
    }

    fn is_connected(&self) -> bool {
        self.is_connected && self.association.state() == State::Established
    }

    fn is_closed(&self) -> bool {
        self.is_closed
    }

    fn send(&mut self, now: Instant, stream: u16, payload: &Bytes, delivery: Delivery) -> bool {
        let reliability = match (delivery.retransmissions, delivery.lifetime) {
            (Some(most), _) => Reliability::Retransmissions(most.into()),
            (None, Some(time)) => Reliability::Lifetime(time),
            (None, None) => Reliability::Reliable,
        };
        let options = SendOptions { ordered: !delivery.unordered, reliability };
        self.association.send(now, StreamId(stream), Ppid::BINARY, payload.clone(), options).is_ok()
    }

    fn reset(&mut self, now: Instant, stream: u16) {
        self.association.reset_stream(now, StreamId(stream));
    }

    fn poll_reset_by_peer(&mut self) -> Option<u16> {
        self.drain();
        self.resets_by_peer.pop_front()
    }

    fn poll_reset_done(&mut self) -> Option<u16> {
        self.drain();
        self.resets_done.pop_front()
    }

    fn shutdown(&mut self, now: Instant) {
        self.association.shutdown(now);
    }

    fn handle_packet(&mut self, now: Instant, packet: Bytes) {
        self.association.handle_packet(now, packet);
        self.drain();
    }

    fn poll_packet(&mut self, now: Instant) -> Option<Bytes> {
        self.association.poll_transmit(now, &mut self.out)?;
        Some(self.out.split().freeze())
    }

    fn poll_message(&mut self, now: Instant) -> Option<Received> {
        let message = self.association.poll_message(now)?;
        Some(Received { stream: message.stream.0, payload: message.payload })
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.association.poll_timeout()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.association.handle_timeout(now);
        self.drain();
    }

    fn is_interleaving(&self) -> bool {
        self.is_interleaving
    }

    fn is_without_checksum(&self) -> bool {
        self.is_without_checksum
    }
}
