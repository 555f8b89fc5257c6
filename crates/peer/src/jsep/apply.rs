//! From a description to a plan of what it changes (RFC 9429 §5.9 to §5.11, webrtc-pc §4.4.1.5).

use std::collections::HashSet;
use std::sync::Arc;

use peerless_wire::rtp::{Mid, Ssrc};
use peerless_wire::sdp::{Attribute, Description, Direction, Media};

use crate::error::{DescriptionError, Error};
use crate::id::TransceiverId;
use crate::jsep::answer::is_possible;
use crate::jsep::bundle::{Part, mid_of, parts_of_answer, parts_of_offer, parts_of_ours};
use crate::jsep::carry;
use crate::jsep::check;
use crate::jsep::codecs::{agree, kind_of};
use crate::jsep::extensions;
use crate::jsep::plan::{
    DataChange, EncodingsChange, MediaPlan, Plan, ReceivePlan, SendPlan, Target, TrackChange, TransceiverPlan,
};
use crate::jsep::rollback::{self, RolledBack};
use crate::jsep::sctp;
use crate::jsep::section::{both_want, named};
use crate::jsep::signaling::{Source, next_state};
use crate::jsep::simulcast;
use crate::jsep::view::{RemoteTrack, TransceiverView, View};
use crate::state::{self, SdpType, SignalingState};

/// What setting this description changes. Nothing is changed by the call itself. For a rollback the description does
/// not count. A remote offer that meets our own unanswered one rolls ours back first (webrtc-pc §4.4.1.5).
///
/// # Errors
/// `Closed`; `WrongState`; `Description` with what is wrong in it.
pub fn apply(view: &View, source: Source, kind: SdpType, description: &Description) -> Result<Plan, Error> {
    if view.signaling == SignalingState::Closed {
        return Err(Error::Closed);
    }
    if (source, kind, view.signaling) == (Source::Remote, SdpType::Offer, SignalingState::HaveLocalOffer) {
        let RolledBack { view, transceivers, removed } = rollback::roll_back(view);
        let mut plan = apply(&view, source, kind, description)?;
        rollback::merge(&mut plan, transceivers, removed);
        return Ok(plan);
    }
    let state = view.signaling;
    let signaling = next_state(state, source, kind).ok_or(Error::WrongState { kind, state })?;
    if kind == SdpType::Rollback {
        return Ok(rollback::plan(view));
    }
    check::check_shape(description)?;
    if view.ice_lite && source == Source::Remote && description.has(&Attribute::IceLite) {
        return Err(DescriptionError::BothLite.into());
    }
    let description = Arc::new(description.clone());
    let mut plan = match (source, kind) {
        (Source::Local, SdpType::Offer) => local_offer(view, &description)?,
        (Source::Remote, SdpType::Offer) => remote_offer(view, &description)?,
        (Source::Local, _) => {
            let Some(offer) = &view.descriptions.pending_remote else {
                return Err(Error::WrongState { kind, state });
            };
            local_answer(view, offer, &description, kind)?
        }
        (Source::Remote, _) => {
            // A provisional answer took the offer's place as pending local description only on our side.
            let Some(offer) = &view.descriptions.pending_local else {
                return Err(Error::WrongState { kind, state });
            };
            remote_answer(view, offer, &description, kind)?
        }
    };
    plan.signaling = signaling;
    plan.is_settled = kind == SdpType::Answer;
    keep(&mut plan, view, source, kind, description);
    Ok(plan)
}

/// Puts the description in its slot (webrtc-pc §4.4.1.5).
fn keep(plan: &mut Plan, view: &View, source: Source, kind: SdpType, description: Arc<Description>) {
    let mut slots = view.descriptions.clone();
    match (source, kind) {
        (Source::Local, SdpType::Answer) => {
            slots.current_local = Some(description);
            slots.current_remote = slots.pending_remote.take();
            slots.pending_local = None;
        }
        (Source::Remote, SdpType::Answer) => {
            slots.current_remote = Some(description);
            slots.current_local = slots.pending_local.take();
            slots.pending_remote = None;
        }
        (Source::Local, _) => slots.pending_local = Some(description),
        (Source::Remote, _) => slots.pending_remote = Some(description),
    }
    plan.descriptions = slots;
}

/// The first offer settles who controls ICE: its sender, but never a lite agent against a full one (RFC 8445 §6.1.1).
fn controlling(view: &View, is_ours: bool, offer: &Description) -> Option<bool> {
    let is_first = view.descriptions.current_local.is_none();
    is_first.then(|| is_ours || offer.has(&Attribute::IceLite))
}

fn local_offer(view: &View, offer: &Arc<Description>) -> Result<Plan, Error> {
    let mut plan = Plan::nothing(view);
    plan.routes = carry::routes_of_offer(view, offer)?;
    plan.controlling = controlling(view, true, offer);
    for (index, media) in offer.media.iter().enumerate() {
        let mid = mid_of(offer, index);
        if media.is_rejected() || owner(view, &mid).is_some() {
            continue;
        }
        let written_for = view.offered.get(index).copied().flatten();
        let is_meant = |one: &&TransceiverView| Some(one.id) == written_for && one.mid.is_none();
        let Some(transceiver) = view.transceivers.iter().find(is_meant) else { continue };
        plan.transceivers.push(TransceiverPlan::new(Target::Existing(transceiver.id), index, mid));
    }
    Ok(plan)
}

fn remote_offer(view: &View, offer: &Arc<Description>) -> Result<Plan, Error> {
    check::check_offer_continues(view, offer)?;
    let owner_at = |index: usize| owner(view, &mid_of(offer, index));
    let is_possible = |index: usize| is_possible(view, offer, index, owner_at(index));
    let parts = parts_of_offer(view, offer, is_possible);
    let shared = sections(&parts);
    if shared.is_empty() {
        return nothing_shared(view, offer);
    }
    let mut plan = Plan::nothing(view);
    plan.remote_restarts = carry::check_offer(view, offer, &parts)?;
    plan.controlling = controlling(view, false, offer);
    plan.routes = view.routes.settled();
    let mut taken: HashSet<_> = HashSet::new();
    for (index, media) in offer.media.iter().enumerate() {
        let (mid, theirs) = (mid_of(offer, index), offer.direction(media));
        let existing = owner(view, &mid);
        if let Some(change) =
            existing.filter(|_| media.is_rejected()).and_then(|one| stopped(one, index, &mid))
        {
            plan.transceivers.push(change);
            continue;
        }
        let Some(kind) = kind_of(media).filter(|_| existing.is_some() || shared.contains(&index)) else {
            continue;
        };
        let is_live = !media.is_rejected() && shared.contains(&index);
        // RFC 9429 §5.10: a transceiver that add_track made is taken where the remote would receive its track.
        let adopted = || {
            let mut free = view.transceivers.iter().filter(|one| {
                let is_free = one.by_add_track && one.mid.is_none() && one.kind == kind;
                is_free && one.direction != state::Direction::Stopped && !taken.contains(&one.id)
            });
            theirs.receives().then(|| free.next()).flatten()
        };
        let transceiver = existing.or_else(adopted);
        taken.extend(transceiver.map(|one| one.id));
        let target = transceiver.map_or(Target::New(kind), |one| Target::Existing(one.id));
        let mut change = TransceiverPlan::new(target, index, mid);
        change.remote_track = track_change(transceiver, media, is_live && theirs.sends());
        if is_live {
            change.encodings = simulcast::change_by_offer(transceiver, media);
        }
        let is_changed =
            change.remote_track != TrackChange::None || change.encodings != EncodingsChange::None;
        if existing.is_none() || is_changed {
            plan.transceivers.push(change);
        }
    }
    Ok(plan)
}

/// An offer of which we take no section: fine where none is on offer any more, else there is no sense in going on.
fn nothing_shared(view: &View, offer: &Description) -> Result<Plan, Error> {
    if offer.media.iter().any(|media| !media.is_rejected()) && view.descriptions.current_local.is_none() {
        return Err(DescriptionError::NothingCommon.into());
    }
    let mut plan = Plan::nothing(view);
    for (index, media) in offer.media.iter().enumerate() {
        let mid = mid_of(offer, index);
        let Some(transceiver) = owner(view, &mid) else { continue };
        if media.is_rejected() {
            plan.transceivers.extend(stopped(transceiver, index, &mid));
            continue;
        }
        let mut change = TransceiverPlan::new(Target::Existing(transceiver.id), index, mid);
        change.remote_track = track_change(Some(transceiver), media, false);
        if change.remote_track != TrackChange::None {
            plan.transceivers.push(change);
        }
    }
    Ok(plan)
}

/// The remote rejects the section of a transceiver: it is stopped, unless it is already (webrtc-pc §4.4.1.5).
fn stopped(transceiver: &TransceiverView, index: usize, mid: &Mid) -> Option<TransceiverPlan> {
    let mut change = TransceiverPlan::new(Target::Existing(transceiver.id), index, mid.clone());
    change.stop = true;
    change.remote_track =
        if transceiver.remote_track.is_some() { TrackChange::Muted } else { TrackChange::None };
    (!transceiver.is_stopped).then_some(change)
}

fn local_answer(
    view: &View,
    offer: &Arc<Description>,
    answer: &Arc<Description>,
    kind: SdpType,
) -> Result<Plan, Error> {
    check::check_answer_fits(offer, answer)?;
    let parts = parts_of_ours(view, answer, |index| is_taken(answer, index));
    let shared = sections(&parts);
    let mut plan = Plan::nothing(view);
    plan.transports = carry::settled_by_us(view, offer, &parts)?;
    plan.routes = carry::routes_of_answer(view, offer, &parts, kind);
    settle(&mut plan, view, Sides { local: answer, remote: offer, is_ours: true, kind }, &shared);
    Ok(plan)
}

fn remote_answer(
    view: &View,
    offer: &Arc<Description>,
    answer: &Arc<Description>,
    kind: SdpType,
) -> Result<Plan, Error> {
    check::check_answer_fits(offer, answer)?;
    let parts = parts_of_answer(view, offer, answer, |index| is_taken(answer, index));
    let shared = sections(&parts);
    for &index in &shared {
        if let (Some(offered), Some(answered)) = (offer.media.get(index), answer.media.get(index)) {
            check::check_answered_section(offered, answered, index)?;
        }
    }
    let mut plan = Plan::nothing(view);
    plan.transports = carry::settled_by_remote(view, (offer, answer), &parts)?;
    plan.routes = carry::routes_of_answer(view, offer, &parts, kind);
    settle(&mut plan, view, Sides { local: offer, remote: answer, is_ours: false, kind }, &shared);
    Ok(plan)
}

/// The sections of all parts.
fn sections(parts: &[Part]) -> Vec<usize> {
    parts.iter().flat_map(|part| part.sections.iter().copied()).collect()
}

fn is_taken(answer: &Description, index: usize) -> bool {
    answer.media.get(index).is_some_and(|media| !media.is_rejected())
}

/// The two descriptions of a finished exchange.
struct Sides<'a> {
    local: &'a Description,
    remote: &'a Description,
    /// Whether the answer is ours.
    is_ours: bool,
    kind: SdpType,
}

/// What an answer settles for each section (webrtc-pc §4.4.1.5).
fn settle(plan: &mut Plan, view: &View, sides: Sides<'_>, shared: &[usize]) {
    let offer = if sides.is_ours { sides.remote } else { sides.local };
    if sides.kind == SdpType::Answer {
        plan.removed.extend(without_section(view, offer));
    }
    for (index, (local, remote)) in sides.local.media.iter().zip(&sides.remote.media).enumerate() {
        let mid = mid_of(offer, index);
        let owner = owner(view, &mid);
        if !shared.contains(&index) {
            plan.rejected.push(index);
            if sides.kind == SdpType::Answer && is_for_data(view, local, index) {
                plan.data = DataChange::Refused;
            }
            if let Some(transceiver) = owner {
                // A provisional answer of ours may still become one that takes the section.
                if !sides.is_ours || sides.kind == SdpType::Answer {
                    plan.transceivers.extend(stopped(transceiver, index, &mid));
                }
                if sides.kind == SdpType::Answer {
                    plan.removed.push(transceiver.id);
                }
            }
            continue;
        }
        if let Some(port) = sctp::port(remote) {
            plan.data_transport = plan.routes.of(&mid);
            plan.data = DataChange::Negotiated {
                port,
                max_message_size: sctp::max_message_size(remote),
                max_packet_size: sctp::max_packet_size(remote),
            };
        }
        let Some(transceiver) = owner.filter(|one| !one.is_stopped) else { continue };
        let theirs = sides.remote.direction(remote);
        let direction = both_want(sides.local.direction(local), theirs.reversed());
        let mut change = TransceiverPlan::new(Target::Existing(transceiver.id), index, mid);
        change.current_direction = Some(named(direction));
        change.encodings =
            simulcast::change_by_answer(transceiver, (sides.local, local), (sides.remote, remote));
        change.remote_track = track_change(Some(transceiver), remote, direction.receives());
        change.media = Some(media_plan(transceiver, &sides, local, remote, direction));
        plan.transceivers.push(change);
    }
}

/// Those stopped that have no section, or whose place another offer used anew: when an exchange is finished there is
/// nothing to wait for.
fn without_section(view: &View, offer: &Description) -> impl Iterator<Item = TransceiverId> {
    let mids: HashSet<Mid> = (0..offer.media.len()).map(|index| mid_of(offer, index)).collect();
    let is_over = move |one: &&TransceiverView| {
        one.direction == state::Direction::Stopped && one.mid.as_ref().is_none_or(|mid| !mids.contains(mid))
    };
    view.transceivers.iter().filter(is_over).map(|one| one.id)
}

/// Whether a rejected section is, or would have been, that of our data channels.
fn is_for_data(view: &View, local: &Media, index: usize) -> bool {
    // Our offer has it, or it carried them until now.
    sctp::port(local).is_some() || sctp::negotiated(&view.descriptions) == Some(index)
}

fn media_plan(
    transceiver: &TransceiverView,
    sides: &Sides<'_>,
    local: &Media,
    remote: &Media,
    direction: Direction,
) -> MediaPlan {
    let agreed = agree(local, remote, if sides.is_ours { local } else { remote });
    let (to_send, to_receive) = extensions::agree((sides.local, local), (sides.remote, remote));
    let reduced_size = local.has(&Attribute::RtcpReducedSize) && remote.has(&Attribute::RtcpReducedSize);
    let has_rtx = agreed.send.iter().any(|codec| codec.rtx.is_some());
    let sends = direction.sends() && !agreed.send.is_empty();
    let receives = direction.receives() && !agreed.receive.is_empty();
    MediaPlan {
        send: sends.then(|| SendPlan {
            codecs: agreed.send,
            extensions: to_send,
            reduced_size,
            ssrc: transceiver.ssrc,
            rtx_ssrc: transceiver.rtx_ssrc.filter(|_| has_rtx),
            telephone_events: agreed.send_tones,
            is_named: simulcast::is_named(local, remote),
            paused: simulcast::paused(local, remote),
        }),
        receive: receives.then(|| ReceivePlan {
            codecs: agreed.receive,
            extensions: to_receive,
            reduced_size,
            ssrcs: sources(remote),
            telephone_events: agreed.receive_tones,
            rids: simulcast::received(local, remote),
            cname: cname(remote),
        }),
    }
}

fn owner<'a>(view: &'a View, mid: &Mid) -> Option<&'a TransceiverView> {
    view.transceivers.iter().find(|one| one.mid.as_ref() == Some(mid))
}

/// What becomes of the remote's track when it is sent, or not, from now on.
fn track_change(transceiver: Option<&TransceiverView>, media: &Media, is_sent: bool) -> TrackChange {
    let known = transceiver.and_then(|one| one.remote_track.as_ref());
    let is_live = transceiver.is_none_or(|one| one.direction != state::Direction::Stopped);
    match known {
        None if is_sent && !is_live => TrackChange::None,
        None if is_sent => TrackChange::Began(remote_track(media)),
        Some(known) if is_sent => {
            let now = remote_track(media);
            if now.stream_ids == known.stream_ids { TrackChange::None } else { TrackChange::Moved(now) }
        }
        Some(_) => TrackChange::Muted,
        None => TrackChange::None,
    }
}

/// The remote's track by `a=msid`, or where there is none by the `msid` of its source, as older stacks write it.
fn remote_track(media: &Media) -> RemoteTrack {
    let mut track = RemoteTrack { id: None, stream_ids: Vec::new() };
    let mut add = |stream: &str, id: Option<&str>| {
        let is_new = stream != "-" && track.stream_ids.iter().all(|known| known != stream);
        if is_new && track.stream_ids.len() < STREAM_LIMIT {
            track.stream_ids.push(stream.to_owned());
        }
        if track.id.is_none() {
            track.id = id.map(str::to_owned);
        }
    };
    let mut has_msid = false;
    for attribute in &media.attributes {
        if let Attribute::Msid(msid) = attribute {
            has_msid = true;
            add(&msid.stream, msid.track.as_deref());
        }
    }
    let of_source = media.find(|attribute| match attribute {
        Attribute::Ssrc(source) if &*source.name == "msid" => source.value.as_deref(),
        _ => None,
    });
    if let Some(value) = of_source.filter(|_| !has_msid) {
        let (stream, id) = value.split_once(' ').unwrap_or((value, ""));
        add(stream, Some(id).filter(|id| !id.is_empty()));
    }
    track
}

/// The sources of a section, each with that of its retransmissions.
fn sources(media: &Media) -> Vec<(Ssrc, Option<Ssrc>)> {
    let mut pairs = Vec::new();
    for attribute in &media.attributes {
        if let Attribute::SsrcGroup(group) = attribute
            && &*group.semantics == "FID"
            && let [main, rtx] = group.ssrcs[..]
            && pairs.len() < SOURCE_LIMIT
        {
            pairs.push((main, Some(rtx)));
        }
    }
    for attribute in &media.attributes {
        let Attribute::Ssrc(source) = attribute else { continue };
        let is_known = pairs.iter().any(|(main, rtx)| *main == source.ssrc || *rtx == Some(source.ssrc));
        if !is_known && pairs.len() < SOURCE_LIMIT {
            pairs.push((source.ssrc, None));
        }
    }
    pairs
}

/// The canonical name of the sources of a section.
fn cname(media: &Media) -> Option<String> {
    media.find(|attribute| match attribute {
        Attribute::Ssrc(source) if &*source.name == "cname" => source.value.as_deref().map(str::to_owned),
        _ => None,
    })
}

/// The most streams a track is in, and sources a section has, as far as we follow.
const STREAM_LIMIT: usize = 64;
const SOURCE_LIMIT: usize = 64;
