//! The calls of a peer about descriptions and candidates (webrtc-pc §4.4.2), which each are negotiation, then enact.

use std::time::Instant;

use peerless_wire::rtp::Mid;
use peerless_wire::sdp::{Address, Description};

use crate::description::{IceCandidateInit, OfferOptions, SessionDescription};
use crate::error::Error;
use crate::event::Event;
use crate::id::{TransceiverId, TransportId};
use crate::jsep::candidates::Added;
use crate::jsep::view::{Credentials, DataView, View};
use crate::jsep::{self, Source};
use crate::link::Link;
use crate::peer::Peer;
use crate::state::{SdpType, SignalingState};

impl Peer {
    /// `createOffer` (webrtc-pc §4.4.2, RFC 9429 §5.2).
    ///
    /// # Errors
    /// `Closed`; `WrongState` while the remote's offer is unanswered.
    pub fn create_offer(&mut self) -> Result<SessionDescription, Error> {
        self.create_offer_with(OfferOptions::default())
    }

    /// `createOffer` with options (webrtc-pc §4.2.6).
    ///
    /// # Errors
    /// As [`Peer::create_offer`].
    pub fn create_offer_with(&mut self, options: OfferOptions) -> Result<SessionDescription, Error> {
        let restarts = options.ice_restart || self.negotiation.offer_restarts();
        self.create(SdpType::Offer, restarts)
    }

    /// `restartIce` (webrtc-pc §4.4.2): offers have new ICE credentials from now on, until one is answered. Makes a
    /// negotiation needed. The path in use carries on until there is a new one. Without effect before the first
    /// description and after `close`.
    pub fn restart_ice(&mut self) {
        if !self.is_closed() {
            self.negotiation.restart_ice();
            self.finish_call();
        }
    }

    /// `createAnswer` (webrtc-pc §4.4.2, RFC 9429 §5.3).
    ///
    /// # Errors
    /// `Closed`; `WrongState` without a remote offer.
    pub fn create_answer(&mut self) -> Result<SessionDescription, Error> {
        self.create(SdpType::Answer, true)
    }

    /// `setLocalDescription` (webrtc-pc §4.4.2). With `None`, or an offer or answer without text, it is created and
    /// set.
    ///
    /// # Errors
    /// `Closed`, `WrongState`, `Modified` where the text is not what was created last. Nothing changes on error.
    pub fn set_local_description(
        &mut self,
        now: Instant,
        description: Option<SessionDescription>,
    ) -> Result<(), Error> {
        self.check_open()?;
        let (kind, text) = match description {
            Some(given) => (given.kind, given.sdp),
            None => (self.negotiation.implied_kind(), String::new()),
        };
        if kind == SdpType::Rollback {
            return self.apply(now, Source::Local, kind, &rollback());
        }
        let description = match text.is_empty() {
            true => self.implied(kind)?,
            false => self.negotiation.take_created(kind, &text)?,
        };
        self.apply(now, Source::Local, kind, &description)
    }

    /// `setRemoteDescription` (webrtc-pc §4.4.2). An offer that meets an unanswered offer of ours takes ours back first;
    /// where it is refused, ours stands.
    ///
    /// # Errors
    /// `Closed`, `WrongState`, `Syntax`, `Description`. Nothing changes on error.
    pub fn set_remote_description(
        &mut self,
        now: Instant,
        description: SessionDescription,
    ) -> Result<(), Error> {
        self.check_open()?;
        if description.kind == SdpType::Rollback {
            return self.apply(now, Source::Remote, description.kind, &rollback());
        }
        let meets_ours = self.negotiation.signaling() == SignalingState::HaveLocalOffer;
        if description.kind != SdpType::Offer || !meets_ours {
            self.check_state(Source::Remote, description.kind)?;
        }
        let parsed = Description::parse(&description.sdp)?;
        self.apply(now, Source::Remote, description.kind, &parsed)
    }

    /// `addIceCandidate` (webrtc-pc §4.4.2). An empty candidate is the end of candidates; one for the section of a stopped
    /// transceiver is passed over.
    ///
    /// # Errors
    /// `Closed`; `Candidate` with the reason.
    pub fn add_ice_candidate(&mut self, now: Instant, candidate: &IceCandidateInit) -> Result<(), Error> {
        self.check_open()?;
        let Some(added) = self.negotiation.add_candidate(candidate, &self.engine.transceivers)? else {
            return Ok(());
        };
        // What comes before the answer is in the description, and comes into force with it.
        let ids: Vec<TransportId> = match &added.mid {
            Some(mid) => vec![self.engine.links.of(mid).id],
            None => self.engine.links.used().map(|link| link.id).collect(),
        };
        for id in ids {
            self.take_candidate(now, id, &added);
        }
        self.finish_call();
        Ok(())
    }

    fn take_candidate(&mut self, now: Instant, id: TransportId, added: &Added) {
        let Some(link) = self.engine.links.get(id) else { return };
        let is_first = link.dtls_role.is_none();
        // A section that is bundled now may have been offered with a transport of its own, which is given up.
        let in_force = !is_first && link.is_in_force(added.ufrag.as_deref());
        match &added.candidate {
            Some(one) if in_force || (is_first && matches!(one.address, Address::Name(_))) => {
                let mut one = one.clone();
                one.ufrag = one.ufrag.or_else(|| added.ufrag.clone());
                self.engine.add_remote_candidate(now, id, one);
            }
            None if in_force => self.engine.end_remote_candidates(now, id),
            _ => {}
        }
    }

    /// `localDescription`: the pending one, else the current one, with the candidates gathered so far.
    pub fn local_description(&self) -> Option<SessionDescription> {
        self.pending_local_description().or_else(|| self.current_local_description())
    }

    /// `currentLocalDescription`: that of the last finished exchange, with the candidates gathered so far.
    pub fn current_local_description(&self) -> Option<SessionDescription> {
        self.negotiation.current_local(&self.engine.gathered())
    }

    /// `pendingLocalDescription`: an offer or provisional answer of ours, with the candidates gathered so far; `None`
    /// in the stable state.
    pub fn pending_local_description(&self) -> Option<SessionDescription> {
        self.negotiation.pending_local(&self.engine.gathered())
    }

    /// `remoteDescription`: the pending one, else the current one, with the candidates that were added.
    pub fn remote_description(&self) -> Option<SessionDescription> {
        self.pending_remote_description().or_else(|| self.current_remote_description())
    }

    /// `currentRemoteDescription`: that of the last finished exchange, with the candidates that were added.
    pub fn current_remote_description(&self) -> Option<SessionDescription> {
        self.negotiation.current_remote()
    }

    /// `pendingRemoteDescription`: an offer or provisional answer of the remote, with the candidates that were added;
    /// `None` in the stable state.
    pub fn pending_remote_description(&self) -> Option<SessionDescription> {
        self.negotiation.pending_remote()
    }

    /// `canTrickleIceCandidates` (webrtc-pc §4.4.2): whether the remote said that it takes candidates one by one;
    /// `None` before it gave a description.
    pub fn can_trickle_ice_candidates(&self) -> Option<bool> {
        self.negotiation.can_trickle()
    }

    /// Whether our description still has the media section that a candidate of ours is for, with the credentials it was
    /// gathered under: one of an offer that was rolled back since is of no use to the remote any more.
    pub fn is_current_candidate(&self, candidate: &IceCandidateInit) -> bool {
        self.negotiation.is_current_candidate(candidate)
    }

    fn create(&mut self, kind: SdpType, restarts: bool) -> Result<SessionDescription, Error> {
        self.check_open()?;
        let fresh = match (kind, restarts) {
            (_, false) => Vec::new(),
            _ => self.fresh_credentials(kind),
        };
        let (description, owners) = self.written(kind, &fresh)?;
        Ok(self.negotiation.created(kind, description, owners, &self.engine.gathered()))
    }

    /// What `setLocalDescription` sets where it is given no text: what was created last, or where that is out of date
    /// a new one.
    fn implied(&mut self, kind: SdpType) -> Result<Description, Error> {
        self.check_state(Source::Local, kind)?;
        if let Some(credentials) = self.negotiation.created_credentials(kind, &self.view()) {
            let (description, owners) = self.written(kind, &credentials)?;
            if let Some(created) = self.negotiation.still_created(kind, &description, &owners) {
                return Ok(created);
            }
        }
        let fresh = match kind {
            SdpType::Offer if !self.negotiation.offer_restarts() => Vec::new(),
            _ => self.fresh_credentials(kind),
        };
        let (description, owners) = self.written(kind, &fresh)?;
        self.negotiation.created(kind, description.clone(), owners, &self.engine.gathered());
        Ok(description)
    }

    /// Credentials that were never used, for the transports that the next description restarts: all in use for an offer,
    /// those that the remote restarts for an answer.
    fn fresh_credentials(&mut self, kind: SdpType) -> Vec<(TransportId, Credentials)> {
        let restarting = self.negotiation.answer_restarts();
        let links = self.engine.links.iter_mut().filter(|link| match kind {
            SdpType::Offer => link.is_used,
            _ => restarting.contains(&link.id),
        });
        links.map(|link| (link.id, link.fresh_credentials())).collect()
    }

    /// What `create_offer` or `create_answer` gives now, with these credentials for these transports, and the transceivers
    /// it is written for.
    fn written(
        &mut self,
        kind: SdpType,
        credentials: &[(TransportId, Credentials)],
    ) -> Result<(Description, Vec<Option<TransceiverId>>), Error> {
        let view = self.view_with(credentials);
        match jsep::transports_wanted(&view, kind) {
            0 => written(&view, kind),
            wanted => {
                self.engine.links.provide(wanted);
                written(&self.view_with(credentials), kind)
            }
        }
    }

    /// Each transport has the credentials of our description from now on (RFC 9429 §5.9).
    fn use_credentials(&mut self, now: Instant, sections: &[(TransportId, Mid, usize)]) {
        for link in self.engine.links.iter_mut() {
            let section = sections.iter().find(|(id, _, _)| *id == link.id);
            let wanted = section.and_then(|(_, _, index)| self.negotiation.local_credentials(*index));
            link.use_credentials(now, wanted);
        }
    }

    /// Makes the plan of a description and carries it out. All that can fail comes before the first change.
    fn apply(
        &mut self,
        now: Instant,
        source: Source,
        kind: SdpType,
        description: &Description,
    ) -> Result<(), Error> {
        let plan = jsep::apply(&self.view(), source, kind, description)?;
        let is_local = source == Source::Local;
        let before = self.negotiation.signaling();
        if before == SignalingState::Stable {
            self.engine.transceivers.note_stable();
        } else if kind == SdpType::Offer && before != plan.signaling {
            // An offer of ours was taken back for it.
            self.engine.tell(Event::SignalingState(SignalingState::Stable));
        }
        if self.negotiation.commit(&plan, is_local, kind) {
            self.engine.tell(Event::SignalingState(self.negotiation.signaling()));
        }
        let sections = self.negotiation.local_sections(&plan.routes);
        self.use_credentials(now, &sections);
        self.engine.set_local_sections(&sections);
        self.engine.enact(now, plan);
        self.engine.gather(now);
        self.finish_call();
        Ok(())
    }

    fn view(&self) -> View {
        let links = &self.engine.links;
        let transports = links.iter().map(Link::view).collect();
        let data = DataView {
            wanted: self.engine.channels.is_wanted(),
            max_message_size: self.config.max_message_size as u64,
            max_packet_size: self.config.max_packet_size as u64,
        };
        let carriers = (transports, links.routes.clone());
        self.negotiation.view(&self.config, carriers, &self.engine.transceivers, data)
    }

    /// A view in which these are the credentials to write.
    fn view_with(&self, credentials: &[(TransportId, Credentials)]) -> View {
        let mut view = self.view();
        for (id, credentials) in credentials {
            if let Some(transport) = view.transports.iter_mut().find(|one| one.id == *id) {
                transport.credentials = credentials.clone();
            }
        }
        view
    }

    fn check_state(&self, source: Source, kind: SdpType) -> Result<(), Error> {
        let state = self.negotiation.signaling();
        match jsep::next_state(state, source, kind) {
            Some(_) => Ok(()),
            None => Err(Error::WrongState { kind, state }),
        }
    }
}

/// An offer, or an answer, with whom its sections are for.
fn written(view: &View, kind: SdpType) -> Result<(Description, Vec<Option<TransceiverId>>), Error> {
    Ok(match kind {
        SdpType::Offer => (jsep::create_offer(view)?, jsep::owners(view)),
        _ => (jsep::create_answer(view)?, Vec::new()),
    })
}

/// A rollback has no text.
fn rollback() -> Description {
    Description::new(0, 0)
}
