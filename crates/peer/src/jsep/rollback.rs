//! Back to the last stable state (RFC 9429 §4.1.10.2, webrtc-pc §4.4.1.5).

use peerless_wire::rtp::Mid;

use crate::id::TransceiverId;
use crate::jsep::plan::{Plan, Target, TrackChange, TransceiverPlan};
use crate::jsep::view::{Descriptions, View};
use crate::state::SignalingState;

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
        // A track that only the offer began ends; one that it took away comes back with the next offer.
        let was_receiving = one.current_direction.is_some_and(|direction| {
            matches!(direction, crate::state::Direction::SendRecv | crate::state::Direction::RecvOnly)
        });
        if was_remote && one.remote_track.is_some() && !was_receiving {
            change.remote_track = TrackChange::Muted;
            one.remote_track = None;
        }
        if !is_settled || change.remote_track != TrackChange::None {
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

fn is_named(descriptions: &Descriptions, mid: &Mid) -> bool {
    let both = [&descriptions.current_local, &descriptions.current_remote];
    both.into_iter().flatten().any(|description| description.section(mid).is_some())
}
