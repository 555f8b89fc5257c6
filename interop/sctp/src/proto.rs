//! `sctp-proto`, the engine of str0m and the ancestor of the one of webrtc-rs.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use sctp_proto::{
    Association, AssociationHandle, ClientConfig, DatagramEvent, Endpoint, EndpointConfig, Event, Payload,
    PayloadProtocolIdentifier, ReliabilityType, ServerConfig, StreamEvent, TransportConfig,
};

use crate::engine::{Delivery, Engine, Received};

/// An endpoint of `sctp-proto` with one association.
pub struct Proto {
    endpoint: Endpoint,
    association: Option<(AssociationHandle, Association)>,
    peer: SocketAddr,
    packets: VecDeque<Bytes>,
    resets_by_peer: VecDeque<u16>,
    resets_done: VecDeque<u16>,
    is_connected: bool,
    is_closed: bool,
}

impl Proto {
    /// One that waits to be opened, by itself or by its peer.
    pub fn new() -> Self {
        let mut server = ServerConfig::new();
        server.transport = Arc::new(config());
        Self {
            endpoint: Endpoint::new(Arc::new(EndpointConfig::new()), Some(Arc::new(server))),
            association: None,
            peer: SocketAddr::from(([10, 0, 0, 1], 5000)),
            packets: VecDeque::new(),
            resets_by_peer: VecDeque::new(),
            resets_done: VecDeque::new(),
            is_connected: false,
            is_closed: false,
        }
    }

    fn drain(&mut self, now: Instant) {
        let Some((handle, association)) = &mut self.association else { return };
        while let Some(event) = association.poll_endpoint_event() {
            if let Some(event) = self.endpoint.handle_event(*handle, event) {
                association.handle_event(event);
            }
        }
        while let Some(event) = association.poll() {
            match event {
                Event::Connected => self.is_connected = true,
                Event::HandshakeFailed { reason } => panic!("its handshake failed: {reason:?}"),
                Event::AssociationLost { .. } => self.is_closed = true,
                Event::Stream(StreamEvent::Finished { id }) => self.resets_by_peer.push_back(id),
                Event::Stream(StreamEvent::ResetComplete { id }) => self.resets_done.push_back(id),
                _ => {}
            }
        }
        while let Some(transmit) = association.poll_transmit(now).or_else(|| self.endpoint.poll_transmit()) {
            match transmit.payload {
                Payload::RawEncode(packets) => self.packets.extend(packets),
                Payload::PartialDecode(_) => {}
            }
        }
    }
}

impl Default for Proto {
    fn default() -> Self {
        Self::new()
    }
}

fn config() -> TransportConfig {
    TransportConfig::default()
        .with_max_send_message_size(262_144)
        .with_max_receive_message_size(262_144)
        .with_rto_initial_ms(500)
        .with_rto_min_ms(250)
        .with_rto_max_ms(10_000)
}

impl Engine for Proto {
    fn connect(&mut self, now: Instant) {
        let mut client = ClientConfig::new();
        client.transport = Arc::new(config());
        self.association = Some(self.endpoint.connect(client, self.peer).expect("it opens"));
        self.drain(now);
    }

    fn is_connected(&self) -> bool {
        self.is_connected && !self.is_closed
    }

    fn is_closed(&self) -> bool {
        self.is_closed || self.association.as_ref().is_some_and(|(_, association)| association.is_closed())
    }

    fn send(&mut self, now: Instant, stream: u16, payload: &Bytes, delivery: Delivery) -> bool {
        let Some((_, association)) = &mut self.association else { return false };
        if association.stream(stream).is_err()
            && association.open_stream(stream, PayloadProtocolIdentifier::Binary).is_err()
        {
            return false;
        }
        let Ok(mut stream) = association.stream(stream) else { return false };
        let (kind, value) = match (delivery.retransmissions, delivery.lifetime) {
            (Some(most), _) => (ReliabilityType::Rexmit, u32::from(most)),
            (None, Some(time)) => (ReliabilityType::Timed, time.as_millis() as u32),
            (None, None) => (ReliabilityType::Reliable, 0),
        };
        stream.set_reliability_params(delivery.unordered, kind, value).expect("an open stream");
        let is_sent = stream.write_with_ppi(payload, PayloadProtocolIdentifier::Binary).is_ok();
        self.drain(now);
        is_sent
    }

    fn reset(&mut self, now: Instant, stream: u16) {
        let Some((_, association)) = &mut self.association else { return };
        association.stream(stream).expect("an open stream").close().expect("it is closed");
        self.drain(now);
    }

    fn poll_reset_by_peer(&mut self) -> Option<u16> {
        self.resets_by_peer.pop_front()
    }

    fn poll_reset_done(&mut self) -> Option<u16> {
        self.resets_done.pop_front()
    }

    fn shutdown(&mut self, now: Instant) {
        if let Some((_, association)) = &mut self.association {
            association.shutdown().expect("it shuts down");
        }
        self.drain(now);
    }

    fn handle_packet(&mut self, now: Instant, packet: Bytes) {
        let event = self.endpoint.handle(now, self.peer, None, None, packet);
        match event {
            Some((handle, DatagramEvent::NewAssociation(association))) => {
                self.association = Some((handle, association));
            }
            Some((_, DatagramEvent::AssociationEvent(event))) => {
                if let Some((_, association)) = &mut self.association {
                    association.handle_event(event);
                }
            }
            None => {}
        }
        self.drain(now);
    }

    fn poll_packet(&mut self, now: Instant) -> Option<Bytes> {
        self.drain(now);
        self.packets.pop_front()
    }

    fn poll_message(&mut self, now: Instant) -> Option<Received> {
        let (_, association) = self.association.as_mut()?;
        let mut found = None;
        for id in association.stream_ids() {
            let Ok(mut stream) = association.stream(id) else { continue };
            if let Ok(Some(chunks)) = stream.read() {
                let mut payload = vec![0; chunks.len()];
                chunks.read(&mut payload).expect("it fits");
                found = Some(Received { stream: id, payload: payload.into() });
                break;
            }
        }
        self.drain(now);
        found
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.association.as_ref().and_then(|(_, association)| association.poll_timeout())
    }

    fn handle_timeout(&mut self, now: Instant) {
        if let Some((_, association)) = &mut self.association {
            association.handle_timeout(now);
        }
        self.drain(now);
    }

    fn is_interleaving(&self) -> bool {
        false
    }

    fn is_without_checksum(&self) -> bool {
        false
    }
}
