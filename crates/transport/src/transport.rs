//! One transport, as a BUNDLE group has it: ICE, DTLS, SRTP and SCTP over the same addresses.
//!
//! Datagrams are told apart by their first byte (RFC 7983 §7). STUN goes to the ICE agent; DTLS and SRTP are taken
//! from validated pairs only. DTLS starts as soon as ICE has a route and the role is known, runs over that route, and
//! lets no key out before the remote's certificate was compared with its fingerprint (RFC 8827 §6.5). The SCTP
//! association, if one is opened, begins when DTLS is connected and ends with it.
//!
//! What the network gets wrong is counted in [`Stats`], and with [`Config::diagnostics`] told as [`Event::Dropped`].

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use peerless_wire::demux::{self, Kind};

pub use crate::config::Config;
use crate::crypto::{Fingerprint, HashAlgorithm};
use crate::datagram::{Base, Datagram, Received, StreamId, Transmit};
use crate::dtls::{CipherSuite, Endpoint, Keys, Role, Version, endpoint};
use crate::envelope::Envelope;
pub use crate::event::{Event, Secured};
use crate::ice::{self, Agent};
use crate::sctp::{self, Association};
use crate::srtp::{self, Contexts, Profile};
use crate::state::DtlsState;
pub use crate::stats::{DropReason, Dropped, Stats, Traffic};
use crate::tunnel::Tunnel;

/// How many DTLS datagrams are kept that come before the remote's description: a ClientHello in two pieces, and its
/// first retransmissions.
const EARLY: usize = 8;
/// How many told drops wait to be taken; further ones are only counted.
const TOLD: usize = 64;

/// ICE, DTLS, SRTP and SCTP, joined.
#[derive(Debug)]
pub struct Transport {
    dtls: endpoint::Config,
    diagnostics: bool,
    agent: Agent,
    /// What the remote's description says, once it is there.
    remote: Option<(Vec<Fingerprint>, Role)>,
    endpoint: Option<Endpoint>,
    contexts: Option<Contexts>,
    secured: Option<Secured>,
    tunnel: Option<Tunnel>,
    /// The association's last datagrams, sealed before DTLS was closed.
    last_words: VecDeque<Bytes>,
    /// Datagrams of DTLS that came before the remote's description.
    early: VecDeque<BytesMut>,
    /// In what the last words go after ICE was closed.
    last_envelope: Option<Box<Envelope>>,
    is_closed: bool,
    events: VecDeque<Event>,
    told: usize,
    stats: Stats,
}

/// Which of the two is to be protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PacketKind {
    /// An RTP packet.
    Rtp,
    /// A compound RTCP packet.
    Rtcp,
}

impl Transport {
    /// A transport that waits for ICE to be set going through [`Transport::ice_mut`].
    pub fn new(_now: Instant, config: Config) -> Self {
        Self {
            agent: Agent::new(config.ice),
            dtls: config.dtls,
            diagnostics: config.diagnostics,
            remote: None,
            endpoint: None,
            contexts: None,
            secured: None,
            tunnel: None,
            last_words: VecDeque::new(),
            early: VecDeque::new(),
            last_envelope: None,
            is_closed: false,
            events: VecDeque::new(),
            told: 0,
            stats: Stats::default(),
        }
    }

    /// The remote's description is there: DTLS takes `role` (ours) and accepts a certificate of `fingerprints` only.
    /// The role cannot change afterwards; other fingerprints must vouch for the same certificate (RFC 8842 §4).
    pub fn set_remote_fingerprints(&mut self, now: Instant, fingerprints: Vec<Fingerprint>, role: Role) {
        match (&mut self.endpoint, &mut self.remote) {
            (Some(endpoint), _) => endpoint.set_fingerprints(fingerprints),
            (None, remote) => *remote = Some((fingerprints, role)),
        }
        self.advance(now);
    }

    /// Opens an association (RFC 8831 §6.1): it begins as soon as DTLS is connected, and takes messages at once. Its
    /// packets are made to fit in the datagrams that DTLS may send. One that stands already stays.
    pub fn open_association(&mut self, now: Instant, config: sctp::Config) {
        if self.tunnel.is_none() && !self.is_closed {
            self.tunnel = Some(Tunnel::new(now, config, self.dtls.mtu));
            self.settle(now);
        }
    }

    /// Takes a datagram, and gives out the plain packet in it, if it is media. What belongs to the association is
    /// handed to it; its messages come from [`Transport::poll_message`].
    pub fn handle_datagram(&mut self, now: Instant, datagram: Datagram) -> Option<Received> {
        let base = datagram.base();
        let Datagram { source, contents, .. } = datagram;
        let len = contents.len();
        self.stats.packets_received += 1;
        self.stats.bytes_received += contents.len() as u64;
        let Some((source, base, contents)) = self.agent.unwrap(now, source, base, contents) else {
            self.stats.checks_received.count(len);
            self.advance(now);
            return None;
        };
        let len = contents.len();
        let outcome = match demux::kind(&contents) {
            _ if self.is_closed => Err(DropReason::Closed),
            Some(Kind::Stun) => {
                self.stats.checks_received.count(contents.len());
                self.agent.handle_stun(now, source, base, &contents);
                self.advance(now);
                return None;
            }
            Some(Kind::Dtls | Kind::Rtp | Kind::Rtcp) if !self.agent.is_known(source, base) => {
                Err(DropReason::UnknownPair)
            }
            Some(Kind::Dtls) => self.handle_dtls(now, contents).map(|is_authentic| (None, is_authentic)),
            Some(Kind::Rtp) => self.open(PacketKind::Rtp, contents).map(|packet| (Some(packet), true)),
            Some(Kind::Rtcp) => self.open(PacketKind::Rtcp, contents).map(|packet| (Some(packet), true)),
            Some(Kind::Zrtp | Kind::ChannelData) | None => Err(DropReason::UnknownProtocol),
        };
        match outcome {
            Ok((received, is_authentic)) => {
                self.agent.count_received(now, source, base, len);
                if is_authentic {
                    self.agent.handle_traffic(now, source, base);
                }
                received
            }
            Err(reason) => {
                self.note_dropped(source, reason);
                None
            }
        }
    }

    /// A stream stands: one that was opened for a [`Transmit`], or one that was accepted, once [`Agent::is_known`] says
    /// that an authentic check came by it.
    pub fn stream_opened(&mut self, now: Instant, stream: StreamId) {
        self.agent.stream_opened(now, stream);
        self.advance(now);
    }

    /// A stream has ended, or could not be opened for this reason. What is sent by it from now on opens another.
    pub fn stream_closed(&mut self, now: Instant, stream: StreamId, reason: &str) {
        tracing::debug!(protocol = ?stream.protocol, reason, "a stream has ended");
        self.agent.stream_closed(now, stream, reason);
        self.advance(now);
    }

    /// Encrypts the packet `buffer[start..]` in place and appends its tag; [`srtp::Error::NotReady`] before the
    /// handshake is done. Where it errs, the packet must not be sent.
    pub fn protect(
        &mut self,
        kind: PacketKind,
        buffer: &mut BytesMut,
        start: usize,
    ) -> Result<(), srtp::Error> {
        let context = self.contexts.as_mut().ok_or(srtp::Error::NotReady)?.send()?;
        match kind {
            PacketKind::Rtp => context.protect_rtp(buffer, start)?,
            PacketKind::Rtcp => context.protect_rtcp(buffer, start)?,
        }
        self.note_sent(buffer.len() - start);
        self.agent.count_sent(1, (buffer.len() - start) as u64);
        Ok(())
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.agent.handle_timeout(now);
        if let Some(endpoint) = &mut self.endpoint
            && endpoint.poll_timeout().is_some_and(|at| at <= now)
        {
            endpoint.handle_timeout(now);
        }
        if let Some(tunnel) = &mut self.tunnel
            && tunnel.poll_timeout().is_some_and(|at| at <= now)
        {
            tunnel.association.handle_timeout(now);
        }
        self.advance(now);
    }

    /// Says goodbye (ABORT, RFC 9260 §9.1, and close_notify, RFC 5246 §7.2.1): poll what is left to send, then forget
    /// the transport. Messages that have arrived can still be taken.
    pub fn close(&mut self, now: Instant) {
        if self.is_closed {
            return;
        }
        self.last_envelope = self.agent.envelope().map(Box::new);
        self.agent.close();
        if let Some(endpoint) = &mut self.endpoint {
            if let Some(tunnel) = &mut self.tunnel {
                self.last_words.extend(tunnel.abort(now, endpoint));
            }
            endpoint.close(now);
        }
        self.settle(now);
        self.forget_keys();
        self.early.clear();
        self.is_closed = true;
    }

    /// When [`Transport::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let dtls = self.endpoint.as_ref().and_then(Endpoint::poll_timeout);
        let sctp = self.tunnel.as_ref().and_then(Tunnel::poll_timeout);
        // Without a route nothing of it can leave: its time stands still until ICE has one again.
        let sctp = sctp.filter(|_| self.is_connected() && self.agent.route().is_some());
        self.agent.poll_timeout().into_iter().chain(dtls).chain(sctp).min()
    }

    /// Appends one datagram of STUN or of the DTLS handshake to `out`, or up to `max_segments` of the association, all
    /// of one size but the last, which may be shorter.
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        max_segments: usize,
        out: &mut BytesMut,
    ) -> Option<Transmit> {
        if !self.is_closed {
            self.advance(now);
        }
        // What the peer shall hear goes out before the relay that it goes by is given back.
        let farewell = if self.is_closed { self.transmit_dtls(now, max_segments, out) } else { None };
        let check = if farewell.is_none() { self.agent.poll_transmit(now, out) } else { None };
        if let Some(check) = &check {
            self.stats.checks_sent.count(check.size);
        }
        let is_check = check.is_some();
        let transmit = farewell.or(check).or_else(|| self.transmit_dtls(now, max_segments, out))?;
        let packets = transmit.segment_size.map_or(1, |size| transmit.size.div_ceil(size)) as u64;
        if !is_check {
            self.agent.count_sent(packets, transmit.size as u64);
        }
        self.stats.packets_sent += packets;
        self.stats.bytes_sent += transmit.size as u64;
        Some(transmit)
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        let of_ice = |event| match event {
            ice::Event::CloseStream(stream) => Event::CloseStream(stream),
            ice::Event::FollowServer(alternate) => Event::FollowServer(alternate),
            event => Event::Ice(event),
        };
        let event = self.events.pop_front().or_else(|| self.agent.poll_event().map(of_ice));
        let event = event.or_else(|| self.tunnel.as_mut()?.association.poll_event().map(Event::Sctp));
        match &event {
            Some(Event::Dropped { .. }) => self.told -= 1,
            None => self.events.shrink_to_fit(),
            Some(_) => {}
        }
        event
    }

    /// The next whole message of the association. What is not taken closes the window that the peer sees.
    pub fn poll_message(&mut self, now: Instant) -> Option<sctp::Message> {
        self.tunnel.as_mut()?.association.poll_message(now)
    }

    /// The association, once one was opened; after its end too.
    pub fn association(&self) -> Option<&Association> {
        self.tunnel.as_ref().map(|tunnel| &tunnel.association)
    }

    /// The association, to send over it; poll what there is to transmit afterwards.
    pub fn association_mut(&mut self) -> Option<&mut Association> {
        self.tunnel.as_mut().map(|tunnel| &mut tunnel.association)
    }

    /// The ICE agent.
    pub fn ice(&self) -> &Agent {
        &self.agent
    }

    /// The ICE agent, to hand it what signalling brings.
    pub fn ice_mut(&mut self) -> &mut Agent {
        &mut self.agent
    }

    /// Where packets go: the base and the remote address of the pair in use, while there is one.
    pub fn route(&self) -> Option<(Base, SocketAddr)> {
        self.agent.route()
    }

    /// What a datagram to the peer is sent in, while there is a route.
    pub fn envelope(&self) -> Option<Envelope> {
        self.agent.envelope()
    }

    /// Whether there are keys and a route.
    pub fn can_send_media(&self) -> bool {
        self.contexts.is_some() && self.route().is_some()
    }

    /// By how many bytes protection makes a packet longer, once it is agreed on.
    pub fn srtp_profile(&self) -> Option<Profile> {
        self.contexts.as_ref().map(Contexts::profile)
    }

    /// What DTLS agreed on, once it did.
    pub fn secured(&self) -> Option<Secured> {
        self.secured
    }

    /// Where DTLS stands.
    pub fn dtls_state(&self) -> DtlsState {
        match &self.endpoint {
            Some(endpoint) => endpoint.state(),
            None if self.is_closed => DtlsState::Closed,
            None => DtlsState::New,
        }
    }

    /// What our description says of our certificate, by SHA-256.
    pub fn local_fingerprint(&self) -> Fingerprint {
        self.dtls.certificate.fingerprint(HashAlgorithm::Sha256)
    }

    /// The remote's certificate in DER, once its fingerprint was found right.
    pub fn remote_certificate(&self) -> Option<&[u8]> {
        self.endpoint.as_ref()?.remote_certificate()
    }

    /// What went through.
    pub fn stats(&self) -> Stats {
        let mut stats = self.stats;
        stats.dropped.stun = self.agent.dropped();
        stats.dropped.dtls = self.endpoint.as_ref().map_or(0, Endpoint::ignored);
        stats
    }

    /// Starts DTLS once it can, and takes what it has to tell. A server waits for no route: the ClientHello may come
    /// over a pair that is not selected yet.
    fn advance(&mut self, now: Instant) {
        if self.endpoint.is_none()
            && !self.is_closed
            && let Some((_, role)) = self.remote
            && (role == Role::Server || self.agent.route().is_some())
            && let Some((fingerprints, role)) = self.remote.take()
        {
            let mut endpoint = Endpoint::new(now, &self.dtls, role, fingerprints);
            for datagram in self.early.drain(..) {
                endpoint.handle_datagram(now, datagram);
            }
            self.endpoint = Some(endpoint);
        }
        self.settle(now);
    }

    /// Hands DTLS a datagram, and the association what was in it. Whether there was anything authentic.
    fn handle_dtls(&mut self, now: Instant, datagram: BytesMut) -> Result<bool, DropReason> {
        let Some(endpoint) = &mut self.endpoint else {
            if self.early.len() >= EARLY {
                return Err(DropReason::EarlyHandshake);
            }
            self.early.push_back(datagram);
            return Ok(false);
        };
        endpoint.handle_datagram(now, datagram);
        let mut outcome = Ok(false);
        while let Some(packet) = self.endpoint.as_mut().and_then(Endpoint::poll_application) {
            // The first packet of a peer may come in the same datagram as the last word of the handshake.
            self.settle(now);
            match &mut self.tunnel {
                Some(tunnel) => {
                    tunnel.association.handle_packet(now, packet);
                    outcome = Ok(true);
                }
                None => outcome = Err(DropReason::NoAssociation),
            }
        }
        self.settle(now);
        outcome
    }

    fn is_connected(&self) -> bool {
        self.endpoint.as_ref().is_some_and(|endpoint| endpoint.state() == DtlsState::Connected)
    }

    fn open(&mut self, kind: PacketKind, mut packet: BytesMut) -> Result<Received, DropReason> {
        let context = self.contexts.as_mut().ok_or(DropReason::EarlyMedia)?.receive()?;
        match kind {
            PacketKind::Rtp => {
                context.unprotect_rtp(&mut packet)?;
                Ok(Received::Rtp(packet.freeze()))
            }
            PacketKind::Rtcp => {
                context.unprotect_rtcp(&mut packet)?;
                Ok(Received::Rtcp(packet.freeze()))
            }
        }
    }

    fn transmit_dtls(&mut self, now: Instant, max_segments: usize, out: &mut BytesMut) -> Option<Transmit> {
        let envelope = match self.is_closed {
            true => *self.last_envelope.as_deref()?,
            false => self.envelope()?,
        };
        let transmit = envelope.transmit();
        let start = out.len();
        if let Some(datagram) = self.last_words.pop_front() {
            let begin = envelope.open(out);
            out.extend_from_slice(&datagram);
            envelope.close(out, begin);
            return Some(Transmit { size: out.len() - start, ..transmit });
        }
        let endpoint = self.endpoint.as_mut()?;
        let begin = envelope.open(out);
        if endpoint.poll_transmit(out).is_some() {
            envelope.close(out, begin);
            return Some(Transmit { size: out.len() - start, ..transmit });
        }
        envelope.cancel(out, begin);
        if endpoint.state() != DtlsState::Connected {
            return None;
        }
        let batch = self.tunnel.as_mut()?.poll_transmit(now, max_segments, &envelope, endpoint, out)?;
        Some(Transmit { size: batch.size, segment_size: batch.segment_size, ..transmit })
    }

    /// Takes what DTLS has to tell, and has the association begin or end with it.
    fn settle(&mut self, now: Instant) {
        self.take_events();
        if let (Some(endpoint), Some(tunnel)) = (&self.endpoint, &mut self.tunnel) {
            match endpoint.state() {
                DtlsState::Connected => tunnel.connect(now),
                DtlsState::Closed | DtlsState::Failed => tunnel.end(now),
                DtlsState::New | DtlsState::Connecting => {}
            }
        }
    }

    fn take_events(&mut self) {
        while let Some(event) = self.endpoint.as_mut().and_then(Endpoint::poll_event) {
            match event {
                endpoint::Event::Secured { version, cipher, keys } => {
                    self.take_keys(version, cipher, keys);
                }
                endpoint::Event::State(state) => {
                    if matches!(state, DtlsState::Closed | DtlsState::Failed) {
                        self.forget_keys();
                    }
                    tracing::info!(%state, "DTLS");
                    self.events.push_back(Event::Dtls(state));
                }
                endpoint::Event::Failed(failure) => {
                    tracing::warn!(%failure, "DTLS failed");
                    self.events.push_back(Event::Failed(failure));
                }
                // Fingerprints vouch for a peer.
                endpoint::Event::Chain(_) => {}
            }
        }
    }

    fn take_keys(&mut self, version: Version, cipher: CipherSuite, keys: Option<Keys>) {
        self.contexts = keys.map(|Keys { send, receive }| Contexts::new(send, receive));
        let srtp_profile = self.srtp_profile();
        let secured = Secured { version, cipher, srtp_profile };
        tracing::info!(%version, %cipher, srtp = srtp_profile.map(Profile::as_str), "secured");
        self.secured = Some(secured);
        self.events.push_back(Event::Secured(secured));
    }

    fn forget_keys(&mut self) {
        self.contexts = None;
    }

    fn note_sent(&mut self, bytes: usize) {
        self.stats.packets_sent += 1;
        self.stats.bytes_sent += bytes as u64;
    }

    fn note_dropped(&mut self, source: SocketAddr, reason: DropReason) {
        self.stats.dropped.count(reason);
        tracing::trace!(%reason, "dropped");
        if self.diagnostics && self.told < TOLD {
            self.told += 1;
            self.events.push_back(Event::Dropped { source, reason });
        }
    }
}
