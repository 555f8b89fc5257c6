//! One transport with all that goes over it (webrtc-pc §5.5, §5.6): ICE and DTLS, their states, and the RTP session of
//! the media sections that share it.

use std::net::SocketAddr;
use std::time::Instant;

use bytes::BytesMut;
use peerless_transport::datagram::{Base, Datagram, Received, Transmit};
use peerless_transport::state::GatheringState;
use peerless_transport::transport::Transport;
use peerless_wire::rtp::Mid;
use peerless_wire::sdp::{self, TcpType};

use crate::connectivity::Connectivity;
use crate::id::TransportId;
use crate::jsep::candidates::Gathered;
use crate::jsep::view::{Credentials, DtlsRole, TransportView};
use crate::media::Media;

/// How many datagrams may say goodbye.
const FAREWELL_LIMIT: usize = 16;

/// A transport and its RTP session.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) id: TransportId,
    pub(crate) transport: Transport,
    pub(crate) connectivity: Connectivity,
    pub(crate) media: Media,
    /// Whether a section goes over it, or would by our offer. Else it is free.
    pub(crate) is_used: bool,
    /// Further candidates may always come: their end is never told (RFC 8838 §13).
    pub(crate) is_continual: bool,
    /// Our DTLS role, once an answer settled it.
    pub(crate) dtls_role: Option<DtlsRole>,
    /// The section of our description that local candidates are for.
    pub(crate) local_section: Option<(Mid, usize)>,
    /// Its sockets, and where its streams begin.
    bases: Vec<Base>,
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
            is_used: false,
            is_continual: false,
            dtls_role: None,
            local_section: None,
            bases: Vec::new(),
            could_send: false,
        }
    }

    /// Whether this is one of its sockets, or where one of its streams begins, be it of TCP or TLS.
    pub(crate) fn has_base(&self, base: Base) -> bool {
        let is_same = |known: &Base| known.address == base.address && known.is_stream() == base.is_stream();
        self.bases.iter().any(is_same)
    }

    pub(crate) fn add_local_address(&mut self, now: Instant, address: SocketAddr) {
        self.add_base(Base::udp(address));
        self.transport.ice_mut().add_local_address(now, Base::udp(address));
    }

    /// From here streams to servers may be opened.
    pub(crate) fn add_stream_base(&mut self, now: Instant, address: SocketAddr) {
        self.add_base(Base::tcp(address));
        self.transport.ice_mut().add_stream_base(now, address);
    }

    /// From here connections to the remote are opened, or here they are taken.
    pub(crate) fn add_tcp_address(&mut self, now: Instant, address: SocketAddr, tcp_type: TcpType) {
        self.add_base(Base::tcp(address));
        self.transport.ice_mut().add_tcp_address(now, address, tcp_type);
    }

    fn add_base(&mut self, base: Base) {
        if !self.has_base(base) {
            self.bases.reserve_exact(1);
            self.bases.push(base);
        }
    }

    /// A socket of its was closed.
    pub(crate) fn remove_local_address(&mut self, now: Instant, base: Base) {
        self.bases.retain(|known| *known != base);
        self.transport.ice_mut().remove_local_address(now, base);
    }

    /// Whether it has, or was to have, sockets.
    pub(crate) fn has_gathered(&self) -> bool {
        self.transport.ice().gathering_state() != GatheringState::New
    }

    /// Begins gathering; whether it did, and the caller must be asked for addresses and servers. A restart asks again,
    /// for they may be others now.
    pub(crate) fn gather(&mut self, now: Instant) -> bool {
        let begins = self.transport.ice().gathering_state() == GatheringState::New;
        if begins {
            self.transport.ice_mut().start_gathering(now);
        }
        begins
    }

    /// ICE credentials that were never used, for a restart.
    pub(crate) fn fresh_credentials(&mut self) -> Credentials {
        Credentials::of_ice(self.transport.ice_mut().fresh_credentials())
    }

    /// `localDescription` has these credentials from now on: others than those in force prepare a restart, which comes
    /// into force with the remote's (RFC 9429 §5.9); without, one that was prepared is taken back.
    pub(crate) fn use_credentials(&mut self, now: Instant, wanted: Option<Credentials>) {
        let agent = self.transport.ice_mut();
        let wanted = wanted.map(Credentials::into_ice);
        if wanted.as_ref().is_some_and(|wanted| agent.next_credentials() == Some(wanted)) {
            return;
        }
        match wanted.filter(|wanted| wanted != agent.local_credentials()) {
            Some(wanted) => agent.restart(now, wanted),
            None if agent.next_credentials().is_some() => agent.cancel_restart(now),
            None => return,
        }
        self.connectivity.untold.clear();
    }

    /// Whether the remote's credentials with this username fragment are in force.
    pub(crate) fn is_in_force(&self, ufrag: Option<&str>) -> bool {
        ufrag.is_none_or(|ufrag| self.transport.ice().remote_ufrag() == Some(ufrag))
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

    /// Ends it: what it has left to say, protected already.
    pub(crate) fn close(&mut self, now: Instant) -> Vec<(Transmit, BytesMut)> {
        let mut farewell = Vec::new();
        self.media.close(now);
        while farewell.len() < FAREWELL_LIMIT {
            let mut bytes = BytesMut::new();
            match self.media.poll_transmit(now, &mut self.transport, 1, &mut bytes) {
                Some(transmit) => farewell.push((transmit, bytes)),
                None => break,
            }
        }
        self.transport.close(now);
        while farewell.len() < FAREWELL_LIMIT {
            let mut bytes = BytesMut::new();
            match self.transport.poll_transmit(now, 1, &mut bytes) {
                Some(transmit) => farewell.push((transmit, bytes)),
                None => break,
            }
        }
        farewell
    }

    /// The transport as jsep sees it.
    pub(crate) fn view(&self) -> TransportView {
        let credentials = self.transport.ice().local_credentials();
        let fingerprint = self.transport.local_fingerprint().to_string();
        TransportView {
            id: self.id,
            credentials: Credentials {
                ufrag: credentials.ufrag.clone(),
                password: credentials.password.clone(),
            },
            fingerprints: sdp::Fingerprint::parse(&fingerprint).into_iter().collect(),
            dtls_role: self.dtls_role,
        }
    }

    /// The candidates of ours so far: of the generation in force, and of the restart that is prepared.
    pub(crate) fn gathered(&self) -> Vec<Gathered> {
        let agent = self.transport.ice();
        let in_force = Gathered {
            ufrag: agent.local_credentials().ufrag.clone(),
            candidates: agent.candidates_in_force().collect(),
            is_complete: agent.is_gathered_in_force() && !self.is_continual,
        };
        let next = agent.next_credentials().map(|next| Gathered {
            ufrag: next.ufrag.clone(),
            candidates: agent.local_candidates().collect(),
            is_complete: agent.gathering_state() == GatheringState::Complete && !self.is_continual,
        });
        next.into_iter().chain([in_force]).collect()
    }
}
