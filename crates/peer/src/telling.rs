//! What the machines of a peer have to say, as events: candidates, and the states of the transports as the W3C joins them
//! (webrtc-pc §4.3, §4.4.1.3).

use std::net::SocketAddr;

use peerless_rtp::session;
use peerless_transport::datagram::Base;
use peerless_transport::srtp::Profile;
use peerless_transport::state::GatheringState;
use peerless_transport::{ice, transport};
use peerless_wire::rtp::Mid;
use peerless_wire::sdp::{Candidate, CandidateKind};

use crate::connectivity;
use crate::description::IceCandidateInit;
use crate::engine::Engine;
use crate::event::{Diagnostic, Event, IceCandidateError, Secured, SelectedPair};
use crate::id::TransportId;
use crate::jsep::candidates::Gathered;
use crate::link::Link;
use crate::media::sending_section;
use crate::state::{ConnectionState, IceConnectionState, IceGatheringState, MediaKind};

impl Engine {
    /// Takes in what transports and sessions have to say, and tells what changed by it.
    pub(crate) fn settle(&mut self) {
        let mut senders_change = false;
        for index in 0..self.links.len() {
            while let Some((id, event)) = self.links.nth_mut(index).and_then(next_transport_event) {
                if !self.is_closed {
                    self.take_transport_event(id, event);
                }
            }
            while let Some((id, event)) = self.links.nth_mut(index).and_then(next_session_event) {
                if !self.is_closed {
                    self.take_session_event(id, event);
                }
            }
            let Some(link) = self.links.nth_mut(index) else { continue };
            let can_send = link.transport.can_send_media();
            senders_change |= can_send != link.could_send;
            link.could_send = can_send;
        }
        if self.is_closed {
            return;
        }
        self.tell_candidates();
        self.tell_gathering();
        self.tell_states();
        if senders_change {
            self.tell_senders();
        }
    }

    fn take_transport_event(&mut self, id: TransportId, event: transport::Event) {
        match event {
            transport::Event::Ice(event) => self.take_ice_event(id, event),
            transport::Event::Dtls(state) => {
                if let Some(link) = self.links.get_mut(id) {
                    link.connectivity.dtls = state;
                }
                self.tell(Event::DtlsState(id, state));
            }
            transport::Event::Secured(secured) => {
                let secured = Secured {
                    version: secured.version.as_str(),
                    cipher: secured.cipher.as_str(),
                    srtp_profile: secured.srtp_profile.map(Profile::as_str),
                };
                if let Some(link) = self.links.get_mut(id) {
                    link.connectivity.secured = Some(secured);
                }
                self.tell(Event::Secured(id, secured));
            }
            transport::Event::Sctp(event) => self.channels.handle_event(event),
            transport::Event::Failed(failure) => self.tell(Event::DtlsFailed(id, failure)),
            transport::Event::CloseStream(stream) => self.tell(Event::CloseStream(id, stream)),
            transport::Event::FollowServer(alternate) => self.tell(Event::FollowServer(alternate)),
            transport::Event::Dropped { source, reason } => {
                let dropped =
                    Diagnostic::Dropped { remote: Some(source.ip()), mid: None, reason: reason.to_string() };
                self.tell(Event::Diagnostic(dropped));
            }
            _ => {}
        }
    }

    fn take_ice_event(&mut self, id: TransportId, event: ice::Event) {
        let Some(link) = self.links.get_mut(id) else { return };
        match event {
            ice::Event::State(state) => {
                link.connectivity.set_ice(state);
                self.tell(Event::IceTransportState(id, state));
            }
            // A restart takes the agent back to new; the W3C's state waits for the gathering that follows.
            ice::Event::Gathering(GatheringState::New) => {}
            ice::Event::Gathering(state) => {
                link.connectivity.set_gathering(state);
                self.tell_candidates();
                self.tell_gathering();
            }
            ice::Event::Candidate(candidate) => link.connectivity.untold.push_back(candidate),
            // webrtc-pc §4.8.3: no address that no candidate of ours shows.
            ice::Event::CandidateError(failure) => self.tell(Event::IceCandidateError(IceCandidateError {
                address: (!failure.is_hidden).then(|| failure.local.ip()),
                port: (!failure.is_hidden).then(|| failure.local.port()),
                url: failure.url.as_ref().to_owned(),
                error_code: failure.code,
                error_text: failure.reason,
            })),
            ice::Event::Stranded => self.is_stranded = true,
            ice::Event::Selected { local, remote, kinds } => self.take_selected(id, local, remote, kinds),
            ice::Event::Stun { sent, remote, summary } => {
                self.tell(Event::Diagnostic(Diagnostic::Stun { sent, remote, summary }));
            }
            _ => {}
        }
    }

    fn take_selected(
        &mut self,
        id: TransportId,
        local: Base,
        remote: SocketAddr,
        kinds: (CandidateKind, CandidateKind),
    ) {
        let (local_kind, remote_kind) = (kinds.0.as_str(), kinds.1.as_str());
        let pair = SelectedPair { local: local.address, remote, local_kind, remote_kind };
        if let Some(link) = self.links.get_mut(id) {
            link.connectivity.selected = Some(pair);
        }
        self.tell(Event::SelectedPair(id, pair));
    }

    fn take_session_event(&mut self, link: TransportId, event: session::Event) {
        match event {
            session::Event::KeyFrameRequested(mid, rid) => {
                if let Some(id) = self.transceivers.of_section(&mid).map(|one| one.id) {
                    self.tell(Event::KeyFrameRequested(id, rid));
                }
            }
            session::Event::Tone { mid, tone, .. } => {
                if let Some(id) = self.transceivers.of_section(&mid).map(|one| one.id) {
                    self.tell(Event::ToneReceived(id, tone));
                }
            }
            session::Event::TargetBitrate(_) => {
                let links = &self.links;
                let is_here = |mid: &Mid| links.of(mid).id == link;
                let video = |one: &&crate::transceiver::Transceiver| {
                    one.kind == MediaKind::Video && one.sender.able && one.mid.as_ref().is_some_and(is_here)
                };
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

    /// The sections that local candidates of each transport are for from now on.
    pub(crate) fn set_local_sections(&mut self, sections: &[(TransportId, Mid, usize)]) {
        let ids: Vec<TransportId> = self.links.iter().map(|link| link.id).collect();
        for id in ids {
            let section = sections.iter().find(|(known, _, _)| *known == id);
            self.set_local_section(id, section.map(|(_, mid, index)| (mid.clone(), *index)));
        }
    }

    /// Local candidates of a transport are for `section` from now on. Where they were told for another, which the answer
    /// rejected, they are told again: the remote has dropped them with it.
    fn set_local_section(&mut self, id: TransportId, section: Option<(Mid, usize)>) {
        let Some(link) = self.links.get_mut(id) else { return };
        let before = std::mem::replace(&mut link.local_section, section);
        if before.is_some() && link.local_section.is_none() {
            // Our offer was taken back: with the next one all begins anew.
            link.connectivity.untold = link.transport.ice().local_candidates().collect();
            link.connectivity.told_gathering = GatheringState::New;
        }
        if before.is_none() || link.local_section.is_none() || before == link.local_section {
            return;
        }
        link.connectivity.untold.clear();
        let again: Vec<Candidate> = link.transport.ice().local_candidates().collect();
        let mut told: Vec<Event> = again.iter().map(|one| candidate_event(link, Some(one))).collect();
        if link.connectivity.told_gathering == GatheringState::Complete && !link.is_continual {
            told.push(candidate_event(link, None));
        }
        told.into_iter().for_each(|event| self.tell(event));
    }

    /// Tells of local candidates, once our description says which section they belong to (webrtc-pc §4.8.2).
    fn tell_candidates(&mut self) {
        for index in 0..self.links.len() {
            while let Some(event) = self.links.nth_mut(index).and_then(next_candidate) {
                self.tell(event);
            }
        }
    }

    /// The end of a transport's candidates comes after the last of them, and before the states (webrtc-pc §4.4.1.3).
    fn tell_gathering(&mut self) {
        for index in 0..self.links.len() {
            let Some(link) = self.links.nth_mut(index) else { continue };
            let (id, state) = (link.id, link.connectivity.gathering());
            if state == link.connectivity.told_gathering || link.local_section.is_none() {
                continue;
            }
            link.connectivity.told_gathering = state;
            let is_end = state == GatheringState::Complete && !link.is_continual;
            let end = is_end.then(|| candidate_event(link, None));
            if let Some(end) = end {
                self.tell(end);
            }
            self.tell(Event::IceTransportGathering(id, state));
        }
        let gathering = self.gathering_state();
        if gathering != self.told.gathering {
            self.told.gathering = gathering;
            self.tell(Event::IceGatheringState(gathering));
        }
    }

    fn tell_states(&mut self) {
        let ice = self.ice_connection_state();
        if ice != self.told.ice {
            self.told.ice = ice;
            self.tell(Event::IceConnectionState(ice));
        }
        let connection = self.connection_state();
        if connection != self.told.connection {
            self.told.connection = connection;
            self.tell(Event::ConnectionState(connection));
        }
    }

    /// `iceGatheringState` over all transports in use.
    pub(crate) fn gathering_state(&self) -> IceGatheringState {
        let used = self.links.iter().filter(|link| link.local_section.is_some());
        connectivity::gathering_of(used.map(|link| link.connectivity.told_gathering))
    }

    /// `iceConnectionState` over all transports in use, but for the closed peer.
    pub(crate) fn ice_connection_state(&self) -> IceConnectionState {
        connectivity::ice_connection_of(self.links.used().map(|link| link.connectivity.ice()))
    }

    /// `connectionState` over all transports in use, but for the closed peer.
    pub(crate) fn connection_state(&self) -> ConnectionState {
        let states = |link: &Link| (link.connectivity.ice(), link.connectivity.dtls);
        connectivity::connection_of(self.links.used().map(states))
    }

    /// The candidates of ours so far.
    pub(crate) fn gathered(&self) -> Vec<Gathered> {
        self.links.iter().flat_map(Link::gathered).collect()
    }

    /// Tells which senders began or ceased to be able to send. One that begins starts with a key frame.
    pub(crate) fn tell_senders(&mut self) {
        let links = &self.links;
        let mut changed = Vec::new();
        for transceiver in self.transceivers.iter_mut() {
            let able = sending_section(transceiver).is_ok_and(|mid| links.of(mid).transport.can_send_media());
            if able != transceiver.sender.able {
                transceiver.sender.able = able;
                changed.push((transceiver.id, able && transceiver.kind == MediaKind::Video));
            }
        }
        for (id, wants_key) in changed {
            self.tell(Event::SenderChanged(id));
            if wants_key {
                self.tell(Event::KeyFrameRequested(id, None));
            }
        }
    }
}

fn next_transport_event(link: &mut Link) -> Option<(TransportId, transport::Event)> {
    link.transport.poll_event().map(|event| (link.id, event))
}

fn next_session_event(link: &mut Link) -> Option<(TransportId, session::Event)> {
    link.media.poll_event().map(|event| (link.id, event))
}

fn next_candidate(link: &mut Link) -> Option<Event> {
    link.local_section.as_ref()?;
    let untold = &mut link.connectivity.untold;
    let Some(candidate) = untold.pop_front() else {
        untold.shrink_to_fit();
        return None;
    };
    Some(candidate_event(link, Some(&candidate)))
}

/// `None` is the end of candidates.
fn candidate_event(link: &Link, candidate: Option<&Candidate>) -> Event {
    let (mid, section) = match &link.local_section {
        Some((mid, section)) => (Some(mid.as_str().to_owned()), u16::try_from(*section).ok()),
        None => (None, None),
    };
    Event::IceCandidate(IceCandidateInit {
        candidate: candidate.map(Candidate::to_string).unwrap_or_default(),
        sdp_mid: mid,
        sdp_m_line_index: section,
        username_fragment: Some(generation_of(link, candidate)),
    })
}

/// The username fragment of a local candidate; of those being gathered for the end of them.
fn generation_of(link: &Link, candidate: Option<&Candidate>) -> String {
    let agent = link.transport.ice();
    let newest = || agent.next_credentials().unwrap_or(agent.local_credentials()).ufrag.clone();
    candidate.and_then(|candidate| candidate.ufrag.clone()).unwrap_or_else(newest)
}
