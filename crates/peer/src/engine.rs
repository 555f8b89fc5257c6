//! What negotiation steers: the transceivers, the RTP session and the transport, with the events they give.
//!
//! Datagrams, frames and time move them; what they have to say is queued as [`Event`]s.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::BytesMut;
use peerless_rtp::frame::Frame;
use peerless_rtp::session;
use peerless_transport::datagram::{Datagram, Received, Transmit};
use peerless_transport::srtp::Profile;
use peerless_transport::state::GatheringState;
use peerless_transport::transport::Transport;
use peerless_transport::{ice, transport};
use peerless_wire::rtp::Mid;
use peerless_wire::sdp::Candidate;

use crate::connectivity::Connectivity;
use crate::data::Channels;
use crate::description::IceCandidateInit;
use crate::event::{Diagnostic, Event, Secured, SelectedPair};
use crate::id::TransceiverId;
use crate::jsep::view::DtlsRole;
use crate::media::{Media, SendError, sending_section};
use crate::negotiation::Gathered;
use crate::state::{ConnectionState, IceConnectionState, IceGatheringState, MediaKind};
use crate::transceiver::Transceivers;

/// How many events wait for the caller before those that tell nothing lasting are dropped.
const EVENT_LIMIT: usize = 1024;
/// How many datagrams may say goodbye.
const FAREWELL_LIMIT: usize = 16;

/// The machines of a peer.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) transceivers: Transceivers,
    pub(crate) media: Media,
    pub(crate) channels: Channels,
    pub(crate) transport: Transport,
    pub(crate) connectivity: Connectivity,
    /// Our DTLS role, once an answer settled it.
    pub(crate) dtls_role: Option<DtlsRole>,
    /// Whether the caller was asked to gather.
    pub(crate) has_gathered: bool,
    /// Whether the caller said that it has no more addresses and servers.
    pub(crate) has_all_addresses: bool,
    /// The section of our description that local candidates are for.
    pub(crate) local_section: Option<(Mid, usize)>,
    events: VecDeque<Event>,
    told: Told,
    /// Whether media could be sent when last looked at.
    could_send: bool,
    /// What is left to send after closing, protected already.
    farewell: VecDeque<(Transmit, BytesMut)>,
    is_closed: bool,
    max_segments: usize,
}

/// The states as they were told last.
#[derive(Debug)]
struct Told {
    gathering: IceGatheringState,
    ice: IceConnectionState,
    connection: ConnectionState,
}

impl Engine {
    pub(crate) fn new(
        transceivers: Transceivers,
        media: Media,
        transport: Transport,
        channels: Channels,
        max_segments: usize,
    ) -> Self {
        Self {
            transceivers,
            media,
            channels,
            transport,
            connectivity: Connectivity::new(),
            dtls_role: None,
            has_gathered: false,
            has_all_addresses: false,
            local_section: None,
            events: VecDeque::new(),
            told: Told {
                gathering: IceGatheringState::New,
                ice: IceConnectionState::New,
                connection: ConnectionState::New,
            },
            could_send: false,
            farewell: VecDeque::new(),
            is_closed: false,
            max_segments,
        }
    }

    pub(crate) fn handle_datagram(&mut self, now: Instant, datagram: Datagram) {
        if self.is_closed {
            return;
        }
        match self.transport.handle_datagram(now, datagram) {
            Some(Received::Rtp(packet)) => self.media.handle_rtp(now, packet),
            Some(Received::Rtcp(packet)) => self.media.handle_rtcp(now, packet),
            None => {}
        }
        self.settle();
        self.tend_channels(now);
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.transport.handle_timeout(now);
        self.media.handle_timeout(now);
        self.settle();
        self.tend_channels(now);
    }

    /// Carries the data channels on, and tells what came of it.
    pub(crate) fn tend_channels(&mut self, now: Instant) {
        if !self.is_closed {
            self.channels.advance(now, &mut self.transport);
        }
        self.tell_of_channels();
    }

    pub(crate) fn tell_of_channels(&mut self) {
        while let Some(event) = self.channels.poll_event() {
            self.tell(event);
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let media = || self.media.poll_timeout(&self.transport);
        if self.is_closed {
            return None;
        }
        [self.transport.poll_timeout(), media()].into_iter().flatten().min()
    }

    pub(crate) fn poll_transmit(&mut self, now: Instant, out: &mut BytesMut) -> Option<Transmit> {
        if let Some((transmit, bytes)) = self.farewell.pop_front() {
            out.extend_from_slice(&bytes);
            return Some(transmit);
        }
        let transmit = self.transport.poll_transmit(now, self.max_segments, out);
        if transmit.is_some() || self.is_closed {
            return transmit;
        }
        self.media.poll_transmit(now, &mut self.transport, self.max_segments, out)
    }

    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.settle();
        self.events.pop_front()
    }

    pub(crate) fn poll_frame(&mut self) -> Option<(TransceiverId, Frame)> {
        self.media.poll_frame()
    }

    pub(crate) fn send_frame(
        &mut self,
        now: Instant,
        id: TransceiverId,
        frame: &Frame,
    ) -> Result<(), SendError> {
        if self.is_closed {
            return Err(SendError::Closed);
        }
        let transceiver = self.transceivers.find(id).ok_or(SendError::UnknownTransceiver)?;
        self.media.send_frame(now, transceiver, &self.transport, frame)
    }

    /// Says BYE and close_notify, keeping both for `poll_transmit`.
    pub(crate) fn close(&mut self, now: Instant) {
        self.media.close(now);
        while self.farewell.len() < FAREWELL_LIMIT {
            let mut bytes = BytesMut::new();
            match self.media.poll_transmit(now, &mut self.transport, 1, &mut bytes) {
                Some(transmit) => self.farewell.push_back((transmit, bytes)),
                None => break,
            }
        }
        self.transport.close(now);
        self.channels.end(now, &mut self.transport);
        self.is_closed = true;
        self.settle();
    }

    /// Queues an event. When nobody polls, those that tell nothing lasting are dropped.
    pub(crate) fn tell(&mut self, event: Event) {
        let passing = matches!(event, Event::Diagnostic(_) | Event::KeyFrameRequested(_));
        if self.events.len() < EVENT_LIMIT || !passing {
            self.events.push_back(event);
        }
    }

    /// Takes in what transport and session have to say, and tells what changed by it.
    pub(crate) fn settle(&mut self) {
        while let Some(event) = self.transport.poll_event() {
            if !self.is_closed {
                self.take_transport_event(event);
            }
        }
        while let Some(event) = self.media.poll_event() {
            if !self.is_closed {
                self.take_session_event(event);
            }
        }
        if self.is_closed {
            return;
        }
        self.tell_candidates();
        self.tell_gathering();
        self.tell_states();
        let can_send = self.transport.can_send_media();
        if can_send != self.could_send {
            self.could_send = can_send;
            self.tell_senders();
        }
    }

    fn take_transport_event(&mut self, event: transport::Event) {
        match event {
            transport::Event::Ice(event) => self.take_ice_event(event),
            transport::Event::Dtls(state) => {
                self.connectivity.dtls = state;
                self.tell(Event::DtlsState(state));
            }
            transport::Event::Secured(secured) => {
                let secured = Secured {
                    version: secured.version.as_str(),
                    cipher: secured.cipher.as_str(),
                    srtp_profile: secured.srtp_profile.map(Profile::as_str),
                };
                self.connectivity.secured = Some(secured);
                self.tell(Event::Secured(secured));
            }
            transport::Event::Sctp(event) => self.channels.handle_event(event),
            transport::Event::Failed(failure) => self.tell(Event::DtlsFailed(failure)),
            transport::Event::Dropped { source, reason } => {
                let dropped =
                    Diagnostic::Dropped { remote: Some(source.ip()), mid: None, reason: reason.to_string() };
                self.tell(Event::Diagnostic(dropped));
            }
            _ => {}
        }
    }

    fn take_ice_event(&mut self, event: ice::Event) {
        match event {
            ice::Event::State(state) => self.connectivity.set_ice(state),
            // A restart takes the agent back to new; the W3C's state waits for the gathering that follows.
            ice::Event::Gathering(GatheringState::New) => {}
            ice::Event::Gathering(state) => {
                self.connectivity.set_gathering(state);
                self.tell_candidates();
                self.tell_gathering();
            }
            ice::Event::Candidate(candidate) => self.connectivity.untold.push_back(candidate),
            ice::Event::CandidateError { local, server, code } => {
                self.tell(Event::IceCandidateError {
                    local,
                    server,
                    code,
                    reason: candidate_error_reason(code).to_owned(),
                });
            }
            ice::Event::Selected { local, remote, kinds } => self.take_selected(local, remote, kinds),
            ice::Event::Stun { sent, remote, summary } => {
                self.tell(Event::Diagnostic(Diagnostic::Stun { sent, remote, summary }));
            }
            _ => {}
        }
    }

    fn take_selected(
        &mut self,
        local: SocketAddr,
        remote: SocketAddr,
        kinds: (peerless_wire::sdp::CandidateKind, peerless_wire::sdp::CandidateKind),
    ) {
        let (local_kind, remote_kind) = (kinds.0.as_str(), kinds.1.as_str());
        let pair = SelectedPair { local, remote, local_kind, remote_kind };
        self.connectivity.selected = Some(pair);
        self.tell(Event::SelectedPair(pair));
    }

    fn take_session_event(&mut self, event: session::Event) {
        match event {
            session::Event::KeyFrameRequested(mid) => {
                if let Some(id) = self.media.transceiver_of(&mid) {
                    self.tell(Event::KeyFrameRequested(id));
                }
            }
            session::Event::TargetBitrate(_) => {
                let video =
                    |one: &&crate::transceiver::Transceiver| one.kind == MediaKind::Video && one.sender.able;
                let ids: Vec<_> = self.transceivers.iter().filter(video).map(|one| one.id).collect();
                ids.into_iter().for_each(|id| self.tell(Event::SenderChanged(id)));
            }
            session::Event::Rtcp { sent, summary } => {
                self.tell(Event::Diagnostic(Diagnostic::Rtcp { sent, summary }));
            }
            session::Event::Collision { mid, ssrc } => {
                tracing::warn!(%mid, ?ssrc, "the remote sends with a source of ours");
            }
            session::Event::ReceiverStarted { mid, ssrc, .. } => {
                tracing::debug!(%mid, ?ssrc, "a source arrives");
                self.unmute(&mid);
            }
            session::Event::Bye { mid, ssrc } => {
                tracing::debug!(%mid, ?ssrc, "a source said goodbye");
                self.mute(&mid);
            }
            _ => {}
        }
    }

    /// Local candidates are for `section` from now on. Where they were told for another, which the answer rejected,
    /// they are told again: the remote has dropped them with it.
    pub(crate) fn set_local_section(&mut self, section: Option<(Mid, usize)>) {
        let before = std::mem::replace(&mut self.local_section, section);
        if before.is_none() || self.local_section.is_none() || before == self.local_section {
            return;
        }
        let again: Vec<Candidate> = self.transport.ice().local_candidates().collect();
        self.connectivity.untold.clear();
        for candidate in &again {
            self.tell_candidate(Some(candidate));
        }
        if self.told.gathering == IceGatheringState::Complete {
            self.tell_candidate(None);
        }
    }

    /// Tells of local candidates, once our description says which section they belong to (webrtc-pc §4.8.2).
    fn tell_candidates(&mut self) {
        if self.local_section.is_none() {
            return;
        }
        while let Some(candidate) = self.connectivity.untold.pop_front() {
            self.tell_candidate(Some(&candidate));
        }
    }

    /// `None` is the end of candidates.
    fn tell_candidate(&mut self, candidate: Option<&Candidate>) {
        let (mid, section) = match &self.local_section {
            Some((mid, section)) => (Some(mid.as_str().to_owned()), u16::try_from(*section).ok()),
            None => (None, None),
        };
        let init = IceCandidateInit {
            candidate: candidate.map(Candidate::to_string).unwrap_or_default(),
            sdp_mid: mid,
            sdp_m_line_index: section,
            username_fragment: Some(self.transport.ice().local_credentials().ufrag.clone()),
        };
        self.tell(Event::IceCandidate(init));
    }

    /// The end of candidates comes after the last of them, and before the state (webrtc-pc §4.4.1.3).
    fn tell_gathering(&mut self) {
        let gathering = self.connectivity.gathering_state();
        if gathering != self.told.gathering && self.local_section.is_some() {
            self.told.gathering = gathering;
            if gathering == IceGatheringState::Complete {
                self.tell_candidate(None);
            }
            self.tell(Event::IceGatheringState(gathering));
        }
    }

    fn tell_states(&mut self) {
        let ice = self.connectivity.ice_connection_state();
        if ice != self.told.ice {
            self.told.ice = ice;
            self.tell(Event::IceConnectionState(ice));
        }
        let connection = self.connectivity.connection_state();
        if connection != self.told.connection {
            self.told.connection = connection;
            self.tell(Event::ConnectionState(connection));
        }
    }

    /// Tells which senders began or ceased to be able to send. One that begins starts with a key frame.
    pub(crate) fn tell_senders(&mut self) {
        let connected = self.transport.can_send_media();
        let mut changed = Vec::new();
        for transceiver in self.transceivers.iter_mut() {
            let able = connected && sending_section(transceiver).is_ok();
            if able != transceiver.sender.able {
                transceiver.sender.able = able;
                changed.push((transceiver.id, able && transceiver.kind == MediaKind::Video));
            }
        }
        for (id, wants_key) in changed {
            self.tell(Event::SenderChanged(id));
            if wants_key {
                self.tell(Event::KeyFrameRequested(id));
            }
        }
    }

    /// The candidates of ours so far.
    pub(crate) fn gathered(&self) -> Gathered {
        Gathered {
            candidates: self.transport.ice().local_candidates().collect(),
            complete: self.connectivity.gathering_state() == IceGatheringState::Complete,
        }
    }
}

/// What a STUN error code means (RFC 8489 §14.8; 701 is webrtc-pc §4.8.3's).
fn candidate_error_reason(code: u16) -> &'static str {
    match code {
        300 => "try alternate",
        400 => "bad request",
        401 => "unauthenticated",
        420 => "unknown attribute",
        438 => "stale nonce",
        500 => "server error",
        701 => "the server did not answer",
        _ => "the server refused",
    }
}
