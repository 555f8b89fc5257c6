//! All transports of a peer: which media section goes over which, and to which an arriving datagram belongs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use peerless_transport::crypto::Certificate;
use peerless_transport::datagram::{Datagram, Transmit};
use peerless_transport::transport::Transport;
use peerless_wire::rtp::Mid;

use crate::config::Config;
use crate::id::TransportId;
use crate::link::Link;
use crate::media::Media;
use crate::setup;

/// The transports of a peer. There is always one.
#[derive(Debug)]
pub(crate) struct Links {
    first: Link,
    rest: Vec<Link>,
    /// Which transport each media section goes over.
    sections: Vec<(Mid, TransportId)>,
    /// Which carries the data channels, once one does.
    data: Option<TransportId>,
    /// Whose turn it is to send, so that none starves.
    turn: usize,
}

/// What links are made with.
#[derive(Debug, Clone)]
pub(crate) struct Maker {
    pub(crate) config: Config,
    pub(crate) certificate: Arc<Certificate>,
    pub(crate) cname: String,
}

impl Maker {
    pub(crate) fn make(&self, id: TransportId) -> Link {
        let config = setup::transport_config(&self.config, self.certificate.clone(), id);
        let transport = Transport::new(self.config.epoch.0, config);
        let media = Media::new(setup::session_config(&self.config, &self.cname, id));
        Link::new(id, transport, media)
    }
}

impl Links {
    pub(crate) fn new(maker: &Maker) -> Self {
        Self {
            first: maker.make(TransportId(0)),
            rest: Vec::new(),
            sections: Vec::new(),
            data: None,
            turn: 0,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Link> + Clone {
        std::iter::once(&self.first).chain(&self.rest)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Link> {
        std::iter::once(&mut self.first).chain(&mut self.rest)
    }

    pub(crate) fn len(&self) -> usize {
        self.rest.len() + 1
    }

    /// By its place in the order of their making.
    pub(crate) fn nth_mut(&mut self, index: usize) -> Option<&mut Link> {
        match index.checked_sub(1) {
            None => Some(&mut self.first),
            Some(index) => self.rest.get_mut(index),
        }
    }

    pub(crate) fn get(&self, id: TransportId) -> Option<&Link> {
        self.iter().find(|link| link.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: TransportId) -> Option<&mut Link> {
        self.iter_mut().find(|link| link.id == id)
    }

    /// The oldest: the only one where all is bundled.
    pub(crate) fn first(&self) -> &Link {
        &self.first
    }

    pub(crate) fn first_mut(&mut self) -> &mut Link {
        &mut self.first
    }

    /// The one that a media section goes over.
    pub(crate) fn of(&self, mid: &Mid) -> &Link {
        let id = self.sections.iter().find(|(known, _)| known == mid).map(|(_, id)| *id);
        id.and_then(|id| self.get(id)).unwrap_or(&self.first)
    }

    pub(crate) fn of_mut(&mut self, mid: &Mid) -> &mut Link {
        let id = self.of(mid).id;
        self.found_mut(id)
    }

    /// The one that carries the data channels.
    pub(crate) fn data(&self) -> &Link {
        self.data.and_then(|id| self.get(id)).unwrap_or(&self.first)
    }

    pub(crate) fn data_mut(&mut self) -> &mut Link {
        let id = self.data().id;
        self.found_mut(id)
    }

    fn found_mut(&mut self, id: TransportId) -> &mut Link {
        self.rest.iter_mut().find(|link| link.id == id).unwrap_or(&mut self.first)
    }

    /// Hands a datagram to the transport whose socket it came to.
    pub(crate) fn handle_datagram(&mut self, now: Instant, datagram: Datagram) {
        let place = self.rest.iter_mut().find(|link| link.has_address(datagram.destination));
        place.unwrap_or(&mut self.first).handle_datagram(now, datagram);
    }

    /// The one whose socket is bound there.
    pub(crate) fn at_mut(&mut self, address: SocketAddr) -> Option<&mut Link> {
        self.iter_mut().find(|link| link.has_address(address))
    }

    /// Whether a socket is bound there already.
    pub(crate) fn has_address(&self, address: SocketAddr) -> bool {
        self.iter().any(|link| link.has_address(address))
    }

    pub(crate) fn poll_transmit(
        &mut self,
        now: Instant,
        max_segments: usize,
        out: &mut BytesMut,
    ) -> Option<Transmit> {
        let count = self.len();
        (0..count).find_map(|step| {
            let place = (self.turn + step) % count;
            let transmit = self.nth_mut(place)?.poll_transmit(now, max_segments, out)?;
            self.turn = (place + 1) % count;
            Some(transmit)
        })
    }
}
