//! Offers taken back, and provisional answers.

use crate::scene::{Party, exchange};
use peerless_peer::jsep::Source;
use peerless_peer::jsep::plan::TrackChange;
use peerless_peer::state::{Direction, MediaKind, SdpType, SignalingState};
use peerless_wire::sdp::Attribute;

#[test]
fn our_offer_taken_back_leaves_no_trace() {
    let mut party = Party::new(1);
    let id = party.add_track(MediaKind::Audio);
    let offer = party.create_offer();
    party.set(Source::Local, SdpType::Offer, &offer).unwrap();
    assert_eq!(party.transceiver(id).mid.as_ref().map(|mid| mid.as_str()), Some("0"));
    party.set(Source::Local, SdpType::Rollback, &offer).unwrap();
    assert_eq!(party.view.signaling, SignalingState::Stable);
    assert_eq!(party.transceiver(id).mid, None);
    assert!(party.view.descriptions.local().is_none());
    assert_eq!(party.create_offer().media, offer.media);
}

#[test]
fn a_remote_offer_taken_back_takes_its_transceivers_with_it() {
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    theirs.add_track(MediaKind::Audio);
    theirs.add_track(MediaKind::Video);
    let kept = ours.add_track(MediaKind::Audio);
    let offer = theirs.create_offer();
    ours.set(Source::Remote, SdpType::Offer, &offer).unwrap();
    assert_eq!(ours.view.transceivers.len(), 2);
    let plan = ours.set(Source::Remote, SdpType::Rollback, &offer).unwrap();
    assert_eq!(plan.removed.len(), 1);
    assert_eq!(plan.transceivers[0].remote_track, TrackChange::Muted);
    assert_eq!(ours.view.transceivers.len(), 1);
    assert_eq!(ours.transceiver(kept).mid, None);
    assert!(ours.view.descriptions.remote().is_none());
}

#[test]
fn what_was_agreed_before_outlives_a_rollback() {
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    let first = ours.add_track(MediaKind::Audio);
    exchange(&mut ours, &mut theirs);
    let second = ours.add_track(MediaKind::Video);
    let offer = ours.create_offer();
    ours.set(Source::Local, SdpType::Offer, &offer).unwrap();
    ours.set(Source::Local, SdpType::Rollback, &offer).unwrap();
    assert_eq!(ours.transceiver(first).mid.as_ref().map(|mid| mid.as_str()), Some("0"));
    assert_eq!(ours.transceiver(first).current_direction, Some(Direction::SendOnly));
    assert_eq!(ours.transceiver(second).mid, None);
    assert_eq!(ours.view.descriptions.local().unwrap().media.len(), 1);
}

#[test]
fn a_remote_offer_that_meets_ours_rolls_ours_back() {
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    let track = ours.add_track(MediaKind::Audio);
    ours.add_track(MediaKind::Video);
    theirs.add_track(MediaKind::Audio);
    let our_offer = ours.create_offer();
    ours.set(Source::Local, SdpType::Offer, &our_offer).unwrap();
    let offer = theirs.create_offer();
    theirs.set(Source::Local, SdpType::Offer, &offer).unwrap();
    let plan = ours.set(Source::Remote, SdpType::Offer, &offer).unwrap();
    assert_eq!(plan.signaling, SignalingState::HaveRemoteOffer);
    assert_eq!(plan.controlling, Some(false));
    assert!(ours.view.descriptions.pending_local.is_none());
    assert_eq!(ours.transceiver(track).mid.as_ref().map(|mid| mid.as_str()), Some("0"));
    assert_eq!(ours.view.transceivers.iter().filter(|one| one.mid.is_none()).count(), 1);
    let answer = ours.create_answer();
    ours.set(Source::Local, SdpType::Answer, &answer).unwrap();
    theirs.set(Source::Remote, SdpType::Answer, &answer).unwrap();
    // The video we wanted goes into the next offer.
    assert_eq!(ours.create_offer().media.len(), 2);
}

#[test]
fn an_offer_that_cannot_be_taken_does_not_roll_ours_back() {
    let mut ours = Party::new(1);
    ours.add_track(MediaKind::Audio);
    let offer = ours.create_offer();
    ours.set(Source::Local, SdpType::Offer, &offer).unwrap();
    let mut bad = offer;
    bad.media[0].attributes.retain(|one| !matches!(one, Attribute::IcePwd(_)));
    assert!(ours.set(Source::Remote, SdpType::Offer, &bad).is_err());
    assert_eq!(ours.view.signaling, SignalingState::HaveLocalOffer);
}

#[test]
fn a_provisional_answer_lets_media_flow_and_the_answer_settles_it() {
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    ours.add_track(MediaKind::Audio);
    theirs.add_track(MediaKind::Audio);
    let offer = ours.create_offer();
    ours.set(Source::Local, SdpType::Offer, &offer).unwrap();
    theirs.set(Source::Remote, SdpType::Offer, &offer).unwrap();
    for kind in [SdpType::Pranswer, SdpType::Pranswer, SdpType::Answer] {
        let answer = theirs.create_answer();
        theirs.set(Source::Local, kind, &answer).unwrap();
        let plan = ours.set(Source::Remote, kind, &answer).unwrap();
        assert!(!plan.transports.is_empty());
        assert!(plan.transceivers[0].media.as_ref().unwrap().send.is_some());
        let is_settled = kind == SdpType::Answer;
        assert_eq!(ours.view.descriptions.current_remote.is_some(), is_settled);
        assert_eq!(theirs.view.descriptions.current_local.is_some(), is_settled);
    }
    assert_eq!(ours.view.signaling, SignalingState::Stable);
    assert_eq!(theirs.view.signaling, SignalingState::Stable);
}
