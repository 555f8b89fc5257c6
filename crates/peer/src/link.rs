//! One transport with all that goes over it (webrtc-pc §5.5, §5.6): ICE and DTLS, their states, and the RTP session of
//! the media sections that share it.

use std::net::SocketAddr;
use std::time::Instant;

use bytes::BytesMut;
use peerless_transport::datagram::{Datagram, Received, Transmit};
use peerless_transport::state::GatheringState;
use peerless_transport::transport::Transport;
use peerless_wire::rtp::Mid;
use peerless_wire::sdp;

use crate::connectivity::Connectivity;
use crate::id::TransportId;
use crate::jsep::view::{Credentials, DtlsRole, TransportView};
use crate::media::Media;
use crate::negotiation::Gathered;

/// A transport and its RTP session.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) id: TransportId,
    pub(crate) transport: Transport,
    pub(crate) connectivity: Connectivity,
    pub(crate) media: Media,
    /// Our DTLS role, once an answer settled it.
    pub(crate) dtls_role: Option<DtlsRole>,
    /// Whether the caller was asked to gather.
    has_gathered: bool,
    /// Whether the caller said that it has no more addresses and servers.
    has_all_addresses: bool,
    /// The section of our description that local candidates are for.
    pub(crate) local_section: Option<(Mid, usize)>,
    /// Its sockets.
    addresses: Vec<SocketAddr>,
    /// Whether media could be sent when last looked at.
    pub(crate) could_send: bool,
}

impl Link {
    pub(crate) fn new(id: TransportId, transport: Transport, media: Media) -> Self {
        Self {
            id,
            transport,
            connectivity: Connectivity::new(),
            media,
            dtls_role: None,
            has_gathered: false,
            has_all_addresses: false,
            local_section: None,
            addresses: Vec::new(),
            could_send: false,
        }
    }

    /// Whether one of its sockets is bound there.
    pub(crate) fn has_address(&self, address: SocketAddr) -> bool {
        self.addresses.contains(&address)
    }

    pub(crate) fn add_local_address(&mut self, now: Instant, address: SocketAddr) {
        if !self.has_address(address) {
            self.addresses.push(address);
        }
        self.transport.ice_mut().add_local_address(now, address);
    }

    /// The caller has named all sockets and servers.
    pub(crate) fn finish_local_addresses(&mut self, now: Instant) {
        self.has_all_addresses = true;
        self.transport.ice_mut().finish_local_addresses(now);
    }

    /// Begins gathering; whether the caller must be asked for addresses. That happens once: a restart asks the same
    /// servers from the same sockets again.
    pub(crate) fn gather(&mut self, now: Instant) -> bool {
        if self.transport.ice().gathering_state() != GatheringState::New {
            return false;
        }
        self.transport.ice_mut().start_gathering(now);
        if self.has_all_addresses {
            self.transport.ice_mut().finish_local_addresses(now);
        }
        !std::mem::replace(&mut self.has_gathered, true)
    }

    /// New credentials of ours, because the remote has new ones (RFC 9429 §5.3.1).
    pub(crate) fn restart_ice(&mut self, now: Instant) {
        self.transport.ice_mut().restart(now);
        self.connectivity.restart();
    }

    pub(crate) fn handle_datagram(&mut self, now: Instant, datagram: Datagram) {
        match self.transport.handle_datagram(now, datagram) {
            Some(Received::Rtp(packet)) => self.media.handle_rtp(now, packet),
            Some(Received::Rtcp(packet)) => self.media.handle_rtcp(now, packet),
            None => {}
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.transport.handle_timeout(now);
        self.media.handle_timeout(now);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let media = self.media.poll_timeout(&self.transport);
        [self.transport.poll_timeout(), media].into_iter().flatten().min()
    }

    pub(crate) fn poll_transmit(
        &mut self,
        now: Instant,
        max_segments: usize,
        out: &mut BytesMut,
    ) -> Option<Transmit> {
        let transmit = self.transport.poll_transmit(now, max_segments, out);
        transmit.or_else(|| self.media.poll_transmit(now, &mut self.transport, max_segments, out))
    }

    /// The transport as jsep sees it.
    pub(crate) fn view(&self) -> TransportView {
        let credentials = self.transport.ice().local_credentials();
        let fingerprint = self.transport.local_fingerprint().to_string();
        TransportView {
            credentials: Credentials {
                ufrag: credentials.ufrag.clone(),
                password: credentials.password.clone(),
            },
            fingerprints: sdp::Fingerprint::parse(&fingerprint).into_iter().collect(),
            dtls_role: self.dtls_role,
        }
    }

    /// The candidates of ours so far.
    pub(crate) fn gathered(&self) -> Gathered {
        Gathered {
            candidates: self.transport.ice().local_candidates().collect(),
            complete: self.connectivity.gathering() == GatheringState::Complete,
        }
    }
}
