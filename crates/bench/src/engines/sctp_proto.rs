//! sctp-proto, the engine of str0m.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use sctp_proto::{
    Association, AssociationHandle, ClientConfig, DatagramEvent, Endpoint, EndpointConfig, Event, Payload,
    PayloadProtocolIdentifier, ServerConfig, StreamEvent, TransportConfig,
};

use crate::engines::engine::{Engine, Setting};

const ADDRESS: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 5000));
const STREAM: u16 = 1;

/// One end.
pub struct End {
    setting: Setting,
    endpoint: Endpoint,
    association: Option<(AssociationHandle, Association)>,
    packets: VecDeque<Bytes>,
    is_open: bool,
    is_readable: bool,
    read: Vec<u8>,
}

fn transport(setting: Setting) -> TransportConfig {
    TransportConfig::default().with_max_receive_buffer_size(setting.buffer as u32)
}

impl End {
    /// An end that waits, or one that connects.
    pub fn new(serves: bool, setting: Setting) -> Self {
        let server = serves.then(|| {
            let mut config = ServerConfig::new();
            config.transport = Arc::new(transport(setting));
            Arc::new(config)
        });
        Self {
            setting,
            endpoint: Endpoint::new(Arc::new(EndpointConfig::new()), server),
            association: None,
            packets: VecDeque::new(),
            is_open: false,
            is_readable: false,
            read: vec![0; 1 << 18],
        }
    }

    /// Takes what the association has to say.
    fn settle(&mut self) {
        let Some((handle, association)) = &mut self.association else { return };
        while let Some(event) = association.poll() {
            match event {
                Event::Connected => {
                    self.is_open = association.open_stream(STREAM, PayloadProtocolIdentifier::Binary).is_ok();
                }
                Event::Stream(StreamEvent::Readable { .. }) => self.is_readable = true,
                _ => {}
            }
        }
        while let Some(event) = association.poll_endpoint_event() {
            if let Some(event) = self.endpoint.handle_event(*handle, event) {
                association.handle_event(event);
            }
        }
    }

    fn queue(packets: &mut VecDeque<Bytes>, payload: Payload) {
        if let Payload::RawEncode(parts) = payload {
            packets.extend(parts);
        }
    }
}

impl Engine for End {
    fn connect(&mut self, _now: Instant) {
        let mut config = ClientConfig::default();
        config.transport = Arc::new(transport(self.setting));
        self.association = self.endpoint.connect(config, ADDRESS).ok();
        self.settle();
    }

    fn handle_packet(&mut self, now: Instant, packet: Bytes) {
        match self.endpoint.handle(now, ADDRESS, None, None, packet) {
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
        self.settle();
    }

    fn handle_timeout(&mut self, now: Instant) {
        if let Some((_, association)) = &mut self.association {
            association.handle_timeout(now);
        }
        self.settle();
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.association.as_mut()?.1.poll_timeout()
    }

    fn poll_packet(&mut self, now: Instant) -> Option<Bytes> {
        if self.packets.is_empty() {
            while let Some(transmit) = self.endpoint.poll_transmit() {
                Self::queue(&mut self.packets, transmit.payload);
            }
            if let Some((_, association)) = &mut self.association
                && let Some(transmit) = association.poll_transmit(now)
            {
                Self::queue(&mut self.packets, transmit.payload);
            }
            self.settle();
        }
        self.packets.pop_front()
    }

    fn send(&mut self, _now: Instant, message: &Bytes) -> bool {
        let Some((_, association)) = self.association.as_mut().filter(|_| self.is_open) else { return false };
        let Ok(mut stream) = association.stream(STREAM) else { return false };
        stream.buffered_amount().is_ok_and(|amount| amount + message.len() <= self.setting.buffer)
            && stream.write_sctp(message, PayloadProtocolIdentifier::Binary).is_ok()
    }

    fn receive(&mut self, _now: Instant) -> Option<usize> {
        if !self.is_readable {
            return None;
        }
        let (_, association) = self.association.as_mut()?;
        let chunks = association.stream(STREAM).ok()?.read_sctp().ok()?;
        self.is_readable = chunks.is_some();
        chunks?.read(&mut self.read).ok()
    }
}
