//! The conductor: RTCPeerConnection (webrtc-pc §4.4) as a machine without sockets or clocks.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use peerless_rtp::frame::Frame;
use peerless_transport::crypto::Certificate;
use peerless_transport::datagram::{Base, Datagram, Transmit};
use peerless_transport::ice::Shown;
use peerless_transport::turn::TurnServer;
use rand_chacha::rand_core::Rng;

use crate::config::Config;
use crate::data::Channels;
use crate::engine::Engine;
use crate::error::Error;
use crate::event::Event;
use crate::id::{TransceiverId, TransportId};
use crate::links::{Links, Maker};
use crate::media::SendError;
use crate::negotiation::Negotiation;
use crate::report::counters::{self, Stats};
use crate::setup;
use crate::state::{ConnectionState, IceConnectionState, IceGatheringState, SignalingState};
use crate::transceiver::Transceivers;

/// One peer connection. It is driven from outside: whatever arrives is handed in with the time, and after each call
/// the outputs are polled, in any order and any number of times.
pub struct Peer {
    pub(crate) config: Arc<Config>,
    pub(crate) certificate: Arc<Certificate>,
    pub(crate) negotiation: Negotiation,
    pub(crate) engine: Engine,
}

impl Peer {
    /// A peer in its initial states.
    ///
    /// # Errors
    /// `Argument` for an `mtu` below 548 or above 65 507, for buffers, delays, packet and message sizes outside of what
    /// `Config` says, or where no certificate could be made; `CertificateExpired`; `NotSupported` for RTCP without
    /// multiplexing.
    pub fn new(config: Config) -> Result<Self, Error> {
        setup::check(&config)?;
        let config = Arc::new(config);
        let certificate = match config.certificates.first() {
            Some(certificate) => certificate.clone(),
            None => Arc::new(
                Certificate::generate(config.epoch.1)
                    .map_err(|_| Error::Argument("no certificate could be made"))?,
            ),
        };
        let mut chance = setup::fork(&config.seed, setup::PEER_STREAM);
        let cname = format!("{:016x}{:016x}", chance.next_u64(), chance.next_u64());
        let maker = Maker { config: config.clone(), certificate: certificate.clone(), cname: cname.clone() };
        let transceivers = Transceivers::new(setup::fork(&config.seed, setup::TRANSCEIVERS_STREAM));
        let negotiation = Negotiation::new(chance.next_u64() >> 1, cname);
        let channels = Channels::new(setup::sctp_config(&config));
        let engine = Engine::new(transceivers, Links::new(maker), channels, config.max_segments);
        let begins = config.epoch.0;
        let mut peer = Self { config, certificate, negotiation, engine };
        peer.fill_pool(begins);
        Ok(peer)
    }

    /// One bound UDP socket more for a transport: a host candidate. Asked for by `Event::Gather`. An address that another
    /// transport has already is not taken: datagrams find their transport by the address they came to.
    pub fn add_local_address(&mut self, now: Instant, transport: TransportId, address: SocketAddr) {
        let is_others = self.engine.links.at_mut(Base::udp(address)).is_some_and(|link| link.id != transport);
        if let Some(link) = self.engine.links.get_mut(transport).filter(|_| !is_others) {
            link.add_local_address(now, address);
        }
        self.engine.settle();
    }

    /// How the host candidates of a local address of a transport are shown from now on; to be said before it is added.
    pub fn show_local_address(&mut self, transport: TransportId, address: IpAddr, shown: Shown) {
        if let Some(link) = self.engine.links.get_mut(transport) {
            link.transport.ice_mut().show_local_address(address, shown);
        }
    }

    /// A translator is known to lead from `public` to the socket at `base`: a server-reflexive candidate.
    pub fn add_translated_address(
        &mut self,
        now: Instant,
        transport: TransportId,
        base: Base,
        public: SocketAddr,
    ) {
        if let Some(link) = self.engine.links.get_mut(transport) {
            link.transport.ice_mut().add_translated_address(now, base, public);
        }
        self.engine.settle();
    }

    /// The network of a local address is gone: where the pair in use goes by it the connection is disconnected at once,
    /// and failed when consent ends (RFC 7675 §5.1), unless it comes back or ICE is restarted over another.
    pub fn suspend_local_address(&mut self, now: Instant, base: Base) {
        if let Some(link) = self.engine.links.at_mut(base) {
            link.transport.ice_mut().suspend_local_address(now, base);
        }
        self.engine.settle();
    }

    /// The network of a suspended local address is there again, and its socket the same.
    pub fn restore_local_address(&mut self, now: Instant, base: Base) {
        if let Some(link) = self.engine.links.at_mut(base) {
            link.transport.ice_mut().restore_local_address(now, base);
        }
        self.engine.settle();
    }

    /// The socket at a local address was closed.
    pub fn remove_local_address(&mut self, now: Instant, base: Base) {
        if let Some(link) = self.engine.links.at_mut(base) {
            link.remove_local_address(now, base);
        }
        self.engine.settle();
    }

    /// One STUN server more for a transport, asked from each local address of its family. `url` names it in errors;
    /// several addresses of one URL are to be added at once.
    pub fn add_stun_server(&mut self, now: Instant, transport: TransportId, server: SocketAddr, url: &str) {
        if let Some(link) = self.engine.links.get_mut(transport) {
            link.transport.ice_mut().add_stun_server(now, server, url);
        }
        self.engine.settle();
    }

    /// Whether a transport has an address to ask this server from: one of its family.
    pub fn can_ask_server(&self, transport: TransportId, server: SocketAddr) -> bool {
        self.engine.links.get(transport).is_some_and(|link| link.transport.ice().can_ask(server))
    }

    /// Whether a transport asks this server over UDP and has had no answer.
    pub fn is_awaiting_server(&self, transport: TransportId, server: SocketAddr) -> bool {
        self.engine.links.get(transport).is_some_and(|link| link.transport.ice().is_awaiting(server))
    }

    /// What the network says of a server, told with the error should it never answer. It ends nothing: anybody may say so.
    pub fn note_obstacle(&mut self, transport: TransportId, server: SocketAddr, obstacle: &str) {
        if let Some(link) = self.engine.links.get_mut(transport) {
            link.transport.ice_mut().note_obstacle(server, obstacle);
        }
    }

    /// One TURN server more for a transport, asked from each local address of its family for an address to lend.
    pub fn add_turn_server(&mut self, now: Instant, transport: TransportId, server: TurnServer) {
        if let Some(link) = self.engine.links.get_mut(transport) {
            link.transport.ice_mut().add_turn_server(now, server);
        }
        self.engine.settle();
    }

    /// There are no more local addresses and servers for a transport.
    pub fn finish_local_addresses(&mut self, now: Instant, transport: TransportId) {
        if let Some(link) = self.engine.links.get_mut(transport) {
            link.transport.ice_mut().finish_local_addresses(now);
        }
        self.engine.settle();
    }

    /// What became of a name given by `Event::ResolveName`; `None` where it has no address.
    pub fn name_resolved(&mut self, now: Instant, name: &str, address: Option<IpAddr>) {
        self.engine.name_resolved(now, name, address);
        self.engine.settle();
    }

    /// Takes a datagram. Whatever is wrong with it is counted, and it is dropped.
    pub fn handle_datagram(&mut self, now: Instant, datagram: Datagram) {
        self.engine.handle_datagram(now, datagram);
    }

    /// Time went on: to be called when `poll_timeout`'s time has come; earlier or later does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.engine.handle_timeout(now);
        if std::mem::take(&mut self.engine.is_stranded) {
            self.restart_ice();
        }
    }

    /// When `handle_timeout` shall be called, and `poll_transmit` after it; `None` for not by itself.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.engine.poll_timeout()
    }

    /// Appends one datagram, or several of equal size up to `Config::max_segments`, to `out`. After `close` it still
    /// gives the last ones.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut BytesMut) -> Option<Transmit> {
        self.engine.poll_transmit(now, out)
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.engine.poll_event()
    }

    /// A received frame, whole and in order, with the transceiver it is for.
    pub fn poll_frame(&mut self) -> Option<(TransceiverId, Frame)> {
        self.engine.poll_frame()
    }

    /// Sends a frame: cut into packets at once, which wait in the pacer until `poll_transmit`.
    ///
    /// # Errors
    /// Why it was dropped. A frame is never kept for later.
    pub fn send_frame(&mut self, now: Instant, id: TransceiverId, frame: &Frame) -> Result<(), SendError> {
        self.engine.send_frame(now, id, frame)
    }

    /// `signalingState` (webrtc-pc §4.3.1).
    pub fn signaling_state(&self) -> SignalingState {
        self.negotiation.signaling()
    }

    /// Whether an offer is due: `[[NegotiationNeeded]]` (webrtc-pc §4.4) in the stable state.
    pub fn is_negotiation_needed(&self) -> bool {
        self.negotiation.is_needed()
    }

    /// `iceGatheringState` (webrtc-pc §4.3.2).
    pub fn ice_gathering_state(&self) -> IceGatheringState {
        self.engine.gathering_state()
    }

    /// `iceConnectionState` (webrtc-pc §4.3.4).
    pub fn ice_connection_state(&self) -> IceConnectionState {
        match self.is_closed() {
            true => IceConnectionState::Closed,
            false => self.engine.ice_connection_state(),
        }
    }

    /// `connectionState` (webrtc-pc §4.3.3).
    pub fn connection_state(&self) -> ConnectionState {
        match self.is_closed() {
            true => ConnectionState::Closed,
            false => self.engine.connection_state(),
        }
    }

    /// The certificate by which this peer proves who it is.
    pub fn certificate(&self) -> &Arc<Certificate> {
        &self.certificate
    }

    /// All counters.
    pub fn stats(&self) -> Stats {
        counters::collect(&self.engine)
    }

    /// `close` (webrtc-pc §4.4.1): BYE and close_notify are left for `poll_transmit`, all states go to closed, and no
    /// event is given for it.
    pub fn close(&mut self, now: Instant) {
        if !self.is_closed() {
            self.negotiation.close();
            self.engine.transceivers.stop_all();
            self.engine.close(now);
        }
    }

    /// Whether `close` was called.
    pub fn is_closed(&self) -> bool {
        self.negotiation.signaling() == SignalingState::Closed
    }

    pub(crate) fn check_open(&self) -> Result<(), Error> {
        if self.is_closed() { Err(Error::Closed) } else { Ok(()) }
    }

    /// What each call of the W3C interface ends with: the operations chain is empty, so negotiation-needed is decided.
    pub(crate) fn finish_call(&mut self) {
        self.engine.tell_senders();
        self.engine.settle();
        if self.negotiation.became_needed(&self.engine.transceivers, self.engine.channels.is_wanted()) {
            self.engine.tell(Event::NegotiationNeeded);
        }
    }
}

/// The states only: descriptions and configuration hold what must not be logged.
impl fmt::Debug for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Peer")
            .field("signaling", &self.signaling_state())
            .field("connection", &self.connection_state())
            .finish_non_exhaustive()
    }
}
