//! When `negotiationneeded` fires (webrtc-pc §4.7.3), and when it does not.

mod scene;

use peerless_peer::config::CodecCapability;
use peerless_peer::event::Event;
use peerless_peer::state::{Direction, MediaKind};
use peerless_peer::transceiver::{TrackInit, TransceiverInit};
use peerless_rtp::codec::Format;
use scene::{ALICE, BOB, Scene};

/// How often it fired since the last question.
fn fired(scene: &mut Scene, side: usize) -> usize {
    scene.drain();
    let events = std::mem::take(&mut scene.ends[side].events);
    events.iter().filter(|event| **event == Event::NegotiationNeeded).count()
}

/// Alice and Bob have negotiated sound both ways, and nothing is needed.
fn settled() -> (Scene, peerless_peer::id::TransceiverId) {
    let mut scene = Scene::new();
    let id = scene.add_source(ALICE, MediaKind::Audio);
    scene.add_source(BOB, MediaKind::Audio);
    scene.negotiate(ALICE);
    for side in [ALICE, BOB] {
        assert!(fired(&mut scene, side) <= 1, "once for the tracks");
        assert_eq!(fired(&mut scene, side), 0);
    }
    (scene, id)
}

#[test]
fn a_new_direction_needs_it_once_and_taken_back_no_more() {
    let (mut scene, id) = settled();
    scene.peer(ALICE).set_direction(id, Direction::RecvOnly).unwrap();
    assert_eq!(fired(&mut scene, ALICE), 1);
    scene.peer(ALICE).set_direction(id, Direction::Inactive).unwrap();
    assert_eq!(fired(&mut scene, ALICE), 0, "it was told already");
    scene.peer(ALICE).set_direction(id, Direction::SendRecv).unwrap();
    assert_eq!(fired(&mut scene, ALICE), 0, "nothing differs now");
    scene.peer(ALICE).set_direction(id, Direction::SendOnly).unwrap();
    assert_eq!(fired(&mut scene, ALICE), 1, "so it is news again");
    scene.negotiate(ALICE);
    assert_eq!(fired(&mut scene, ALICE), 0);
}

#[test]
fn a_change_while_an_offer_is_open_is_told_when_it_is_answered() {
    let (mut scene, id) = settled();
    let now = scene.now;
    scene.peer(ALICE).set_local_description(now, None).unwrap();
    scene.peer(ALICE).set_direction(id, Direction::RecvOnly).unwrap();
    assert_eq!(fired(&mut scene, ALICE), 0);
    scene.negotiate_plainly();
    assert_eq!(fired(&mut scene, ALICE), 1);
}

#[test]
fn an_answerer_that_wants_less_than_was_offered_needs_nothing() {
    let mut scene = Scene::new();
    scene.add_source(ALICE, MediaKind::Audio);
    scene.negotiate(ALICE);
    assert_eq!(fired(&mut scene, BOB), 0, "recvonly answers sendrecv");
    let init = TransceiverInit {
        direction: Direction::SendOnly,
        track: Some(TrackInit { id: "picture".to_owned(), ..TrackInit::default() }),
        ..TransceiverInit::default()
    };
    scene.peer(ALICE).add_transceiver(MediaKind::Video, init).unwrap();
    scene.negotiate(ALICE);
    assert_eq!(fired(&mut scene, BOB), 0, "recvonly answers sendonly");
    let theirs = scene.peer(BOB).transceivers()[1].id;
    scene.peer(BOB).set_direction(theirs, Direction::Inactive).unwrap();
    assert_eq!(fired(&mut scene, BOB), 1, "inactive differs from what was answered");
}

#[test]
fn a_track_removed_or_added_again_needs_it() {
    let (mut scene, id) = settled();
    let now = scene.now;
    scene.peer(ALICE).remove_track(now, id).unwrap();
    assert_eq!(fired(&mut scene, ALICE), 1);
    scene.negotiate(ALICE);
    assert_eq!(fired(&mut scene, ALICE), 0);
    let track = TrackInit { id: "another".into(), stream_ids: vec!["stream".into()] };
    let added = scene.peer(ALICE).add_track(MediaKind::Audio, track).unwrap();
    assert_ne!(added, id, "a sender that has sent is not taken again (webrtc-pc §5.1)");
    assert_eq!(fired(&mut scene, ALICE), 1);
}

#[test]
fn codec_preferences_do_not_need_it() {
    let (mut scene, id) = settled();
    let pcmu: Vec<_> =
        CodecCapability::all().into_iter().filter(|codec| codec.format == Format::Pcmu).collect();
    scene.peer(ALICE).set_codec_preferences(id, &pcmu).unwrap();
    assert_eq!(fired(&mut scene, ALICE), 0);
    scene.negotiate(ALICE);
    assert_eq!(scene.peer(ALICE).sender(id).unwrap().codec.unwrap().format, Format::Pcmu);
    assert_eq!(scene.peer(BOB).transceivers().len(), 1);
}

#[test]
fn a_transceiver_stopped_before_it_was_negotiated_is_in_no_offer_and_goes_with_the_next_exchange() {
    let (mut scene, _) = settled();
    let id = scene.peer(ALICE).add_transceiver(MediaKind::Video, TransceiverInit::default()).unwrap();
    assert_eq!(fired(&mut scene, ALICE), 1);
    let now = scene.now;
    scene.peer(ALICE).stop(now, id).unwrap();
    assert_eq!(fired(&mut scene, ALICE), 0, "it was told already");
    assert_eq!(scene.peer(ALICE).transceiver(id).unwrap().direction, Direction::Stopped);
    scene.negotiate(ALICE);
    assert!(scene.peer(ALICE).transceiver(id).is_none());
    assert_eq!(fired(&mut scene, ALICE), 0);
    assert_eq!(scene.peer(BOB).transceivers().len(), 1);
}

#[test]
fn an_offer_made_before_a_transceiver_was_stopped_can_still_be_set() {
    let (mut scene, _) = settled();
    let id = scene.add_source(ALICE, MediaKind::Video);
    let offer = scene.peer(ALICE).create_offer().unwrap();
    let now = scene.now;
    scene.peer(ALICE).stop(now, id).unwrap();
    // Its section has lost its transceiver: either it is refused and nothing changes, or all goes on without it.
    match scene.peer(ALICE).set_local_description(now, Some(offer)) {
        Ok(()) => scene.negotiate_plainly(),
        Err(error) => {
            assert_eq!(error.name(), "InvalidModificationError", "{error}");
            scene.negotiate(ALICE);
        }
    }
    scene.connect();
}
