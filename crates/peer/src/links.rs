//! All transports of a peer: which media section goes over which, and to which an arriving datagram belongs.

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use peerless_transport::crypto::Certificate;
use peerless_transport::datagram::{Base, Datagram, Transmit};
use peerless_transport::transport::Transport;
use peerless_wire::rtp::Mid;

use crate::config::{Config, GatheringPolicy, IceTransportPolicy};
use crate::id::TransportId;
use crate::jsep::routes::Routes;
use crate::link::Link;
use crate::media::Media;
use crate::setup;

/// The transports of a peer: those that sections go over, and free ones for sections to come. There is always one.
#[derive(Debug)]
pub(crate) struct Links {
    maker: Maker,
    /// How many were made.
    made: u32,
    first: Link,
    rest: Vec<Link>,
    /// Which transport each media section goes over.
    pub(crate) routes: Routes,
    /// Which carries the data channels, once one does.
    data: Option<TransportId>,
    /// Whether we control ICE, once the first offer settled it (RFC 8445 §6.1.1).
    controlling: Option<bool>,
    /// Whose turn it is to send, so that none starves.
    turn: usize,
}

/// What links are made with.
#[derive(Debug, Clone)]
pub(crate) struct Maker {
    pub(crate) config: Arc<Config>,
    pub(crate) certificate: Arc<Certificate>,
    pub(crate) cname: String,
}

impl Maker {
    fn make(&self, id: TransportId) -> Link {
        let config = setup::transport_config(&self.config, self.certificate.clone(), id);
        let transport = Transport::new(self.config.epoch.0, config);
        let media = Media::new(setup::session_config(&self.config, &self.cname, id));
        let mut link = Link::new(id, transport, media);
        link.is_continual = self.config.gathering == GatheringPolicy::Continually;
        link
    }
}

impl Links {
    pub(crate) fn new(maker: Maker) -> Self {
        Self {
            first: maker.make(TransportId(0)),
            maker,
            made: 1,
            rest: Vec::new(),
            routes: Routes::default(),
            data: None,
            controlling: None,
            turn: 0,
        }
    }

    fn make(&mut self) -> Link {
        let mut link = self.maker.make(TransportId(self.made));
        self.made += 1;
        if let Some(controlling) = self.controlling {
            link.transport.ice_mut().set_controlling(controlling);
        }
        link
    }

    /// Makes free ones until there are as many.
    pub(crate) fn provide(&mut self, wanted: usize) {
        let free = self.iter().filter(|link| !link.is_used).count();
        for _ in free..wanted {
            let link = self.make();
            self.rest.push(link);
        }
    }

    /// Has the first `size` free ones gather, and no other: gives those that begin, and takes out those that are too many.
    pub(crate) fn set_pool(&mut self, now: Instant, size: usize) -> (Vec<TransportId>, Vec<Link>) {
        self.provide(size);
        let free = self.iter().filter(|link| !link.is_used).map(|link| link.id);
        let pool: Vec<TransportId> = free.take(size).collect();
        let asking = self.iter_mut().filter(|link| pool.contains(&link.id));
        let asking = asking.filter_map(|link| link.gather(now).then_some(link.id)).collect();
        (asking, self.take(|link| !link.is_used && link.has_gathered() && !pool.contains(&link.id)))
    }

    /// Whether we control ICE (RFC 8445 §6.1.1), also for transports to come.
    pub(crate) fn set_controlling(&mut self, controlling: bool) {
        self.controlling = Some(controlling);
        self.iter_mut().for_each(|link| link.transport.ice_mut().set_controlling(controlling));
    }

    /// Which candidates are used from the next gathering on, also of transports to come.
    pub(crate) fn set_transport_policy(&mut self, policy: IceTransportPolicy) {
        Arc::make_mut(&mut self.maker.config).ice_transport_policy = policy;
        let is_relay_only = policy == IceTransportPolicy::Relay;
        self.iter_mut().for_each(|link| link.transport.ice_mut().set_relay_only(is_relay_only));
    }

    /// Has sections go otherwise. What a section that moves has elsewhere ends there.
    pub(crate) fn set_routes(&mut self, now: Instant, routes: Routes) {
        let before = std::mem::replace(&mut self.routes, routes);
        for mid in before.mids() {
            let (from, to) = (before.of(mid), self.routes.of(mid));
            if let Some(from) = from.filter(|_| from != to)
                && let Some(link) = self.get_mut(from)
            {
                link.media.forget(now, mid);
            }
        }
        let routes = &self.routes;
        let all = std::iter::once(&mut self.first).chain(&mut self.rest);
        all.for_each(|link| link.is_used = routes.is_used(link.id));
    }

    /// Takes out those that nothing goes over any more: those that were connected, and where an exchange is settled also
    /// those that only gathered. Those of an offer that was taken back stay, for the next.
    pub(crate) fn take_unused(&mut self, is_settled: bool) -> Vec<Link> {
        let unused = self
            .take(|link| !link.is_used && (link.dtls_role.is_some() || is_settled && link.has_gathered()));
        if self.data.is_some_and(|id| unused.iter().any(|link| link.id == id)) {
            self.data = None;
        }
        unused
    }

    /// Takes links out; where none is left there is a new one.
    fn take(&mut self, which: impl Fn(&Link) -> bool) -> Vec<Link> {
        let mut taken: Vec<Link> = self.rest.extract_if(.., |link| which(link)).collect();
        if which(&self.first) {
            let next = if self.rest.is_empty() { self.make() } else { self.rest.remove(0) };
            taken.push(std::mem::replace(&mut self.first, next));
        }
        taken
    }

    /// Those that sections go over, or would.
    pub(crate) fn used(&self) -> impl Iterator<Item = &Link> + Clone {
        self.iter().filter(|link| link.is_used)
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

    /// The oldest: the only one where all is bundled, and none waits.
    pub(crate) fn first(&self) -> &Link {
        &self.first
    }

    /// The one that a media section goes over.
    pub(crate) fn of(&self, mid: &Mid) -> &Link {
        self.routes.of(mid).and_then(|id| self.get(id)).unwrap_or(&self.first)
    }

    pub(crate) fn of_mut(&mut self, mid: &Mid) -> &mut Link {
        let id = self.of(mid).id;
        self.found_mut(id)
    }

    /// The data channels go over this one from now on.
    pub(crate) fn set_data(&mut self, id: TransportId) {
        self.data = Some(id);
    }

    /// Which carries the data channels, once one does.
    pub(crate) fn data_id(&self) -> Option<TransportId> {
        self.data
    }

    /// Whether we control ICE, where that is settled.
    pub(crate) fn controlling(&self) -> Option<bool> {
        self.controlling
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
        let base = datagram.base();
        let place = self.rest.iter_mut().find(|link| link.has_base(base));
        place.unwrap_or(&mut self.first).handle_datagram(now, datagram);
    }

    /// The one whose socket this is, or whose streams begin there.
    pub(crate) fn at_mut(&mut self, base: Base) -> Option<&mut Link> {
        self.iter_mut().find(|link| link.has_base(base))
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
