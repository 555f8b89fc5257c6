//! The descriptions of a peer: what was created, what was set, and whether to negotiate again
//! (webrtc-pc §4.4.1.5, §4.7.3; RFC 9429 §4.1).

use peerless_wire::rtp::{Mid, PayloadType, Ssrc};
use peerless_wire::sdp::{self, Attribute, Description, Media};

use crate::config::{Config, GatheringPolicy};
use crate::description::{IceCandidateInit, SessionDescription};
use crate::error::{CandidateError, Error};
use crate::id::{TransceiverId, TransportId};
use crate::jsep;
use crate::jsep::candidates::{self, Added, Gathered};
use crate::jsep::credentials;
use crate::jsep::plan::Plan;
use crate::jsep::routes::Routes;
use crate::jsep::sctp;
use crate::jsep::view::{
    Credentials, DataView, Descriptions, RemoteTrack, TransceiverView, TransportView, View,
};
use crate::state::{Direction, MediaKind, SdpType, SignalingState};
use crate::transceiver::{Transceiver, Transceivers, receives, sends};

/// The signalling side of a peer.
#[derive(Debug)]
pub(crate) struct Negotiation {
    signaling: SignalingState,
    descriptions: Descriptions,
    session_id: u64,
    session_version: u64,
    cname: String,
    /// `[[LastCreatedOffer]]`.
    offer: Option<Box<Created>>,
    /// `[[LastCreatedAnswer]]`.
    answer: Option<Box<Created>>,
    /// Whether the current local description answered the current remote one, or the other way round.
    answered_by_us: bool,
    /// `[[NegotiationNeeded]]`.
    needed: bool,
    /// `[[LocalIceCredentialsToReplace]]`: a restart was asked for, and is owed while our description has one of these.
    to_replace: Vec<Credentials>,
    /// The transports for which the remote's offer, which we have not answered yet, brings new credentials.
    remote_restarts: Vec<TransportId>,
}

/// What `create_offer` or `create_answer` gave last: the only thing `set_local_description` takes.
#[derive(Debug)]
struct Created {
    text: String,
    description: Description,
    /// For whom the sections of an offer were written.
    owners: Vec<Option<TransceiverId>>,
}

impl Negotiation {
    pub(crate) fn new(session_id: u64, cname: String) -> Self {
        Self {
            signaling: SignalingState::Stable,
            descriptions: Descriptions::default(),
            session_id,
            session_version: 0,
            cname,
            offer: None,
            answer: None,
            answered_by_us: false,
            needed: false,
            to_replace: Vec::new(),
            remote_restarts: Vec::new(),
        }
    }

    /// What jsep looks at.
    pub(crate) fn view(
        &self,
        config: &Config,
        (transports, routes): (Vec<TransportView>, Routes),
        transceivers: &Transceivers,
        data: DataView,
    ) -> View {
        View {
            signaling: self.signaling,
            session_id: self.session_id,
            session_version: self.session_version,
            cname: self.cname.clone(),
            ice_lite: config.ice_lite,
            bundle_policy: config.bundle_policy,
            renomination: config.gathering == GatheringPolicy::Continually,
            transports,
            routes,
            codecs: config.codecs.clone(),
            transceivers: transceivers.iter().map(transceiver_view).collect(),
            offered: self.offer.as_ref().map(|created| created.owners.clone()).unwrap_or_default(),
            data,
            descriptions: self.descriptions.clone(),
        }
    }

    /// Notes a description that was created, and gives its text with the candidates gathered so far
    /// (RFC 9429 §5.2.2).
    pub(crate) fn created(
        &mut self,
        kind: SdpType,
        description: Description,
        owners: Vec<Option<TransceiverId>>,
        gathered: &[Gathered],
    ) -> SessionDescription {
        self.session_version = description.origin.session_version;
        let text = candidates::gathered(&description, gathered).to_string();
        let created = Some(Box::new(Created { text: text.clone(), description, owners }));
        match kind {
            SdpType::Offer => self.offer = created,
            _ => self.answer = created,
        }
        SessionDescription { kind, sdp: text }
    }

    /// The description behind a text that was created here.
    ///
    /// # Errors
    /// `Modified` where it is another text than was created last (webrtc-pc §4.4.1.5).
    pub(crate) fn take_created(&self, kind: SdpType, text: &str) -> Result<Description, Error> {
        let created = if kind == SdpType::Offer { &self.offer } else { &self.answer };
        match created {
            Some(created) if created.text == text => Ok(created.description.clone()),
            _ => Err(Error::Modified),
        }
    }

    /// What was created last, where the same would be created now (webrtc-pc §4.4.2, `setLocalDescription`).
    pub(crate) fn still_created(
        &self,
        kind: SdpType,
        fresh: &Description,
        owners: &[Option<TransceiverId>],
    ) -> Option<Description> {
        let created = if kind == SdpType::Offer { &self.offer } else { &self.answer };
        let created = created.as_ref().filter(|created| created.owners == owners)?;
        let mut fresh = fresh.clone();
        fresh.origin = created.description.origin.clone();
        (fresh == created.description).then_some(fresh)
    }

    /// The `a=fmtp` that our description has for a payload type: how we want it coded.
    pub(crate) fn own_parameters(&self, mid: &Mid, payload_type: PayloadType) -> Option<&str> {
        let ours =
            self.descriptions.current_local.as_deref().or(self.descriptions.local().map(|one| &**one))?;
        let (_, section) = ours.section(mid)?;
        section.attributes.iter().find_map(|attribute| match attribute {
            Attribute::Fmtp(fmtp) if fmtp.payload_type == payload_type => Some(&*fmtp.parameters),
            _ => None,
        })
    }

    /// Whether the remote has described itself.
    pub(crate) fn has_remote(&self) -> bool {
        self.descriptions.remote().is_some()
    }

    /// What `setLocalDescription` without a description means (webrtc-pc §4.4.2).
    pub(crate) fn implied_kind(&self) -> SdpType {
        match self.signaling {
            SignalingState::HaveRemoteOffer | SignalingState::HaveLocalPranswer => SdpType::Answer,
            _ => SdpType::Offer,
        }
    }

    /// The states and descriptions after a plan. Says whether the signalling state changed.
    pub(crate) fn commit(&mut self, plan: &Plan, local: bool, kind: SdpType) -> bool {
        let changed = self.signaling != plan.signaling;
        self.signaling = plan.signaling;
        self.descriptions = plan.descriptions.clone();
        self.remote_restarts = match (local, kind) {
            (false, SdpType::Offer) => plan.remote_restarts.clone(),
            _ => Vec::new(),
        };
        if self.signaling == SignalingState::Stable {
            self.needed = false;
        }
        // A rollback leaves what was created: it may be set again (webrtc-pc §4.4.1.5).
        if kind == SdpType::Answer {
            self.answered_by_us = local;
            self.offer = None;
            self.answer = None;
            self.settle_restart();
        }
        changed
    }

    /// `restartIce` (webrtc-pc §4.4.2): all credentials of ours are to be replaced.
    pub(crate) fn restart_ice(&mut self) {
        let both = [&self.descriptions.current_local, &self.descriptions.pending_local];
        self.to_replace = both.into_iter().flatten().flat_map(|one| credentials::all(one)).collect();
    }

    /// Whether the next offer shall restart ICE though nobody says so.
    pub(crate) fn offer_restarts(&self) -> bool {
        !self.to_replace.is_empty()
    }

    /// The transports that the answer to the remote's offer restarts (RFC 9429 §5.3.1).
    pub(crate) fn answer_restarts(&self) -> &[TransportId] {
        &self.remote_restarts
    }

    /// The credentials in what was created last, by transport, where they will still do; `view` has those in force.
    pub(crate) fn created_credentials(
        &self,
        kind: SdpType,
        view: &View,
    ) -> Option<Vec<(TransportId, Credentials)>> {
        let created = if kind == SdpType::Offer { &self.offer } else { &self.answer };
        let written = jsep::carried(view, &created.as_ref()?.description);
        let will_do = |(id, credentials): &(TransportId, Credentials)| {
            let is_in_force =
                view.transports.iter().any(|one| one.id == *id && one.credentials == *credentials);
            match kind {
                // An offer may have been created with the option.
                SdpType::Offer if self.to_replace.is_empty() || !view.routes.is_used(*id) => true,
                SdpType::Offer => !is_in_force && !self.to_replace.contains(credentials),
                // An answer restarts where the offer does, and only there.
                _ => is_in_force != self.remote_restarts.contains(id),
            }
        };
        written.iter().all(will_do).then_some(written)
    }

    /// The ICE credentials that `localDescription` has in a section.
    pub(crate) fn local_credentials(&self, section: usize) -> Option<Credentials> {
        let description = self.descriptions.local()?;
        let media = description.media.get(section)?;
        let (ufrag, password) = (description.ice_ufrag(media)?, description.ice_pwd(media)?);
        Some(Credentials { ufrag: ufrag.to_owned(), password: password.to_owned() })
    }

    /// An answer came: a restart that was asked for is done where none of the old credentials is left
    /// (webrtc-pc §4.4.1.5).
    fn settle_restart(&mut self) {
        let current = self.descriptions.current_local.as_deref();
        let left = current.map(credentials::all).unwrap_or_default();
        if !self.to_replace.iter().any(|old| left.contains(old)) {
            self.to_replace.clear();
        }
    }

    pub(crate) fn close(&mut self) {
        self.signaling = SignalingState::Closed;
        self.offer = None;
        self.answer = None;
    }

    /// The canonical name of all our sources.
    pub(crate) fn cname(&self) -> &str {
        &self.cname
    }

    /// Whether a local description was ever set and not taken back.
    pub(crate) fn has_local(&self) -> bool {
        self.descriptions.local().is_some()
    }

    pub(crate) fn signaling(&self) -> SignalingState {
        self.signaling
    }

    /// `currentLocalDescription` with the candidates gathered so far.
    pub(crate) fn current_local(&self, gathered: &[Gathered]) -> Option<SessionDescription> {
        let kind = if self.answered_by_us { SdpType::Answer } else { SdpType::Offer };
        let sdp = candidates::gathered(self.descriptions.current_local.as_deref()?, gathered).to_string();
        Some(SessionDescription { kind, sdp })
    }

    /// `pendingLocalDescription` with the candidates gathered so far.
    pub(crate) fn pending_local(&self, gathered: &[Gathered]) -> Option<SessionDescription> {
        let kind = match self.signaling {
            SignalingState::HaveLocalPranswer => SdpType::Pranswer,
            _ => SdpType::Offer,
        };
        let sdp = candidates::gathered(self.descriptions.pending_local.as_deref()?, gathered).to_string();
        Some(SessionDescription { kind, sdp })
    }

    /// `currentRemoteDescription` with the candidates added since.
    pub(crate) fn current_remote(&self) -> Option<SessionDescription> {
        let kind = if self.answered_by_us { SdpType::Offer } else { SdpType::Answer };
        let sdp = self.descriptions.current_remote.as_deref()?.to_string();
        Some(SessionDescription { kind, sdp })
    }

    /// `pendingRemoteDescription` with the candidates added since.
    pub(crate) fn pending_remote(&self) -> Option<SessionDescription> {
        let kind = match self.signaling {
            SignalingState::HaveRemotePranswer => SdpType::Pranswer,
            _ => SdpType::Offer,
        };
        let sdp = self.descriptions.pending_remote.as_deref()?.to_string();
        Some(SessionDescription { kind, sdp })
    }

    pub(crate) fn is_current_candidate(&self, candidate: &IceCandidateInit) -> bool {
        let Some(mid) = candidate.sdp_mid.as_deref().map(Mid::new) else { return true };
        let ufrag = candidate.username_fragment.as_deref();
        self.descriptions.local().is_some_and(|description| {
            let section = description.section(&mid);
            section.is_some_and(|(_, media)| ufrag.is_none() || description.ice_ufrag(media) == ufrag)
        })
    }

    /// `canTrickleIceCandidates`: what the remote description says, `None` before there is one (RFC 9429 §4.1.17).
    pub(crate) fn can_trickle(&self) -> Option<bool> {
        let remote = self.descriptions.remote()?;
        let says = |one: &Attribute| match one {
            Attribute::IceOptions(options) => options.split_ascii_whitespace().any(|word| word == "trickle"),
            _ => false,
        };
        let sections = remote.media.iter().flat_map(|media| &media.attributes);
        Some(remote.attributes.iter().chain(sections).any(says))
    }

    /// Takes a remote candidate into the remote description, and says what it is; `None` where its section is that of a
    /// stopped transceiver.
    ///
    /// # Errors
    /// As `addIceCandidate` (webrtc-pc §4.4.2).
    pub(crate) fn add_candidate(
        &mut self,
        init: &IceCandidateInit,
        transceivers: &Transceivers,
    ) -> Result<Option<Added>, CandidateError> {
        let mid = candidates::mid_meant(&self.descriptions, init)?;
        if mid.is_some() && transceivers.iter().any(|one| one.stopped && one.mid == mid) {
            return Ok(None);
        }
        let added = candidates::add_remote(&self.descriptions, init)?;
        self.descriptions = added.descriptions.clone();
        Ok(Some(added))
    }

    /// The sections of our description that local candidates are for, each with its MID and index: one for each transport
    /// (RFC 9143 §7.2). An answer that rejects the first section of a transport moves them on to the next.
    pub(crate) fn local_sections(&self, routes: &Routes) -> Vec<(TransportId, Mid, usize)> {
        let Some(description) = self.descriptions.local() else { return Vec::new() };
        let is_stable = self.signaling == SignalingState::Stable;
        let is_offer =
            matches!(self.signaling, SignalingState::HaveLocalOffer | SignalingState::HaveRemotePranswer);
        let answered = self.descriptions.remote().filter(|_| is_stable);
        let bundled = description.bundle_groups().flat_map(|group| &group.mids);
        let mut sections: Vec<(TransportId, Mid, usize)> = Vec::new();
        for mid in bundled.chain(description.media.iter().filter_map(Media::mid)) {
            let Some((index, media)) = description.section(mid) else { continue };
            let theirs = answered.and_then(|remote| remote.section(mid));
            let is_rejected = media.is_rejected() || theirs.is_some_and(|(_, media)| media.is_rejected());
            let route = if is_offer { routes.offered(mid) } else { routes.standing(mid) };
            let Some(transport) = route.filter(|_| !is_rejected) else { continue };
            if sections.iter().all(|(known, _, _)| *known != transport) {
                sections.push((transport, mid.clone(), index));
            }
        }
        sections
    }

    /// To be asked at the end of each call: whether `negotiationneeded` is to be fired now (webrtc-pc §4.7.3, "update
    /// the negotiation-needed flag").
    pub(crate) fn became_needed(&mut self, transceivers: &Transceivers, wants_data: bool) -> bool {
        if self.signaling != SignalingState::Stable {
            return false;
        }
        let was_needed = self.needed;
        self.needed = !self.to_replace.is_empty()
            || (wants_data && sctp::negotiated(&self.descriptions).is_none())
            || transceivers.iter().any(|transceiver| self.needs_negotiation(transceiver));
        self.needed && !was_needed
    }

    /// Whether `negotiationneeded` still stands.
    pub(crate) fn is_needed(&self) -> bool {
        self.needed && self.signaling == SignalingState::Stable
    }

    /// webrtc-pc §4.7.3, "check if negotiation is needed", step 5.
    fn needs_negotiation(&self, transceiver: &Transceiver) -> bool {
        if transceiver.stopped {
            let current = [&self.descriptions.current_local, &self.descriptions.current_remote];
            let sections =
                || current.into_iter().flatten().filter_map(|one| one.section(transceiver.mid.as_ref()?));
            return sections().next().is_some() && !sections().any(|(_, section)| section.is_rejected());
        }
        if transceiver.stopping {
            return true;
        }
        let local = self.descriptions.current_local.as_deref();
        let Some((mid, local)) = transceiver.mid.as_ref().zip(local) else {
            return true;
        };
        let Some((_, section)) = local.section(mid) else {
            return true;
        };
        if sends(transceiver.direction) && !has_streams(section, &transceiver.sender.stream_ids) {
            return true;
        }
        let wanted = transceiver.direction;
        let ours = state_direction(local.direction(section));
        let theirs = self.descriptions.current_remote.as_deref().and_then(|remote| {
            let (_, section) = remote.section(mid)?;
            Some(state_direction(remote.direction(section).reversed()))
        });
        if self.answered_by_us {
            theirs.is_some_and(|offered| ours != intersected(wanted, offered))
        } else {
            ours != wanted && theirs != Some(wanted)
        }
    }
}

fn transceiver_view(transceiver: &Transceiver) -> TransceiverView {
    let receiver = &transceiver.receiver;
    let encodings = &transceiver.sender.encodings;
    let first = encodings.first();
    TransceiverView {
        id: transceiver.id,
        kind: transceiver.kind,
        mid: transceiver.mid.clone(),
        direction: if transceiver.stopping { Direction::Stopped } else { transceiver.direction },
        is_stopped: transceiver.stopped,
        current_direction: transceiver.current_direction,
        by_add_track: transceiver.by_add_track,
        by_remote_offer: transceiver.by_remote_offer,
        codec_preferences: transceiver.preferences.clone(),
        stream_ids: transceiver.sender.stream_ids.clone(),
        track_id: Some(transceiver.sender.track_id.clone()),
        ssrc: first.map_or(Ssrc(0), |first| first.ssrc),
        rtx_ssrc: first.filter(|_| transceiver.kind == MediaKind::Video).map(|first| first.rtx_ssrc),
        encodings: encodings.iter().map(|encoding| encoding.parameters.rid.clone()).collect(),
        encodings_by_offer: transceiver.sender.memory.ridless.is_some(),
        receive_rids: receiver.rids.clone(),
        remote_track: receiver.announced.then(|| RemoteTrack {
            id: Some(receiver.track_id.clone()),
            stream_ids: receiver.stream_ids.clone(),
        }),
        stable_stream_ids: receiver.stable_stream_ids.clone(),
    }
}

/// Whether the section's `a=msid` lines name exactly these streams.
fn has_streams(section: &Media, wanted: &[String]) -> bool {
    let lines = section.attributes.iter().filter_map(|attribute| match attribute {
        Attribute::Msid(msid) => Some(&*msid.stream),
        _ => None,
    });
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return false;
    }
    let mut named: Vec<&str> = lines.filter(|stream| *stream != "-").collect();
    let mut wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    named.sort_unstable();
    wanted.sort_unstable();
    named == wanted
}

fn state_direction(direction: sdp::Direction) -> Direction {
    match direction {
        sdp::Direction::SendRecv => Direction::SendRecv,
        sdp::Direction::SendOnly => Direction::SendOnly,
        sdp::Direction::RecvOnly => Direction::RecvOnly,
        sdp::Direction::Inactive => Direction::Inactive,
    }
}

/// What both directions allow (RFC 9429 §5.3.1).
fn intersected(one: Direction, other: Direction) -> Direction {
    match (sends(one) && sends(other), receives(one) && receives(other)) {
        (true, true) => Direction::SendRecv,
        (true, false) => Direction::SendOnly,
        (false, true) => Direction::RecvOnly,
        (false, false) => Direction::Inactive,
    }
}
