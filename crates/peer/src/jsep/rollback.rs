//! Back to the last stable state (RFC 9429 §4.1.10.2, webrtc-pc §4.4.1.5).

use peerless_wire::rtp::Mid;
use peerless_wire::sdp::Description;

use crate::id::TransceiverId;
use crate::jsep::plan::{EncodingsChange, Plan, Target, TrackChange, TransceiverPlan};
use crate::jsep::view::{Descriptions, RemoteTrack, TransceiverView, View};
use crate::state::{Direction, SignalingState};

/// A view as it is after the rollback, with what becomes of the transceivers.
pub(super) struct RolledBack {
    pub(super) view: View,
    /// Those that lose what the offer gave them.
    pub(super) transceivers: Vec<TransceiverPlan>,
    /// Those that were made by the offer.
    pub(super) removed: Vec<TransceiverId>,
}

/// Takes back the pending offer.
pub(super) fn roll_back(view: &View) -> RolledBack {
    let mut after = view.clone();
    after.signaling = SignalingState::Stable;
    after.descriptions.pending_local = None;
    after.descriptions.pending_remote = None;
    after.routes = view.routes.settled();
    let was_remote = view.descriptions.pending_remote.is_some();
    let mut transceivers = Vec::new();
    let mut removed = Vec::new();
    after.transceivers.retain_mut(|one| {
        let is_settled = one.mid.as_ref().is_none_or(|mid| is_named(&after.descriptions, mid));
        if !is_settled && one.by_remote_offer {
            removed.push(one.id);
            return false;
        }
        let mut change = TransceiverPlan::unbound(Target::Existing(one.id));
        if is_settled {
            change.mid.clone_from(&one.mid);
        } else {
            one.mid = None;
        }
        if was_remote && !one.is_stopped {
            change.remote_track = track_before(one);
            one.remote_track = match &change.remote_track {
                TrackChange::None => one.remote_track.take(),
                TrackChange::Began(track) | TrackChange::Moved(track) => Some(track.clone()),
                TrackChange::Muted => None,
            };
        }
        if one.encodings_by_offer {
            change.encodings = EncodingsChange::Restored;
            one.encodings = vec![None];
            one.encodings_by_offer = false;
        }
        let is_restored = change.encodings != EncodingsChange::None;
        if !is_settled || is_restored || change.remote_track != TrackChange::None {
            transceivers.push(change);
        }
        true
    });
    RolledBack { view: after, transceivers, removed }
}

/// The plan of a plain rollback.
pub(super) fn plan(view: &View) -> Plan {
    let RolledBack { view, transceivers, removed } = roll_back(view);
    let mut plan = Plan::nothing(&view);
    plan.transceivers = transceivers;
    plan.removed = removed;
    plan
}

/// Puts what a rollback does in front of what the offer behind it does: a transceiver that the offer binds again is not
/// unbound first.
pub(super) fn merge(plan: &mut Plan, transceivers: Vec<TransceiverPlan>, removed: Vec<TransceiverId>) {
    let is_bound = |change: &TransceiverPlan| plan.transceivers.iter().any(|one| one.target == change.target);
    let mut all: Vec<_> = transceivers.into_iter().filter(|change| !is_bound(change)).collect();
    all.append(&mut plan.transceivers);
    plan.transceivers = all;
    plan.removed = removed;
}

/// What becomes of the remote's track: as it was in the last stable state (webrtc-pc §4.4.1.5, `process remote tracks`
/// with the current direction).
fn track_before(transceiver: &TransceiverView) -> TrackChange {
    let received = matches!(transceiver.current_direction, Some(Direction::SendRecv | Direction::RecvOnly));
    let before = || RemoteTrack { id: None, stream_ids: transceiver.stable_stream_ids.clone() };
    match &transceiver.remote_track {
        Some(_) if !received => TrackChange::Muted,
        Some(now) if now.stream_ids != transceiver.stable_stream_ids => TrackChange::Moved(before()),
        None if received && transceiver.direction != Direction::Stopped => TrackChange::Began(before()),
        _ => TrackChange::None,
    }
}

/// Whether the last exchange took a section of this name.
fn is_named(descriptions: &Descriptions, mid: &Mid) -> bool {
    let takes =
        |description: &Description| description.section(mid).is_some_and(|(_, media)| !media.is_rejected());
    let both = [&descriptions.current_local, &descriptions.current_remote];
    both.into_iter().all(|description| description.as_deref().is_some_and(takes))
}
