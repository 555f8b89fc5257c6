//! A remote that restarts ICE (RFC 9429 §5.3.1, RFC 8839 §4.4.3): the answer has new credentials, candidates are told
//! again, and media goes on over the old path until there is a new one.

use std::time::Duration;

use peerless_peer::event::Event;
use peerless_peer::state::IceGatheringState;

use crate::scene::{ALICE, BOB, Scene};
use crate::words::value;

#[test]
fn new_credentials_are_answered_with_new_ones() {
    let mut scene = Scene::call();
    assert!(scene.run_until(Duration::from_secs(3), |scene| scene.has_frames(10, 20)));
    // Alice herself knows nothing of it: the offer is altered on its way.
    scene.trickles = false;
    let before = scene.peer(BOB).local_description().unwrap();
    let events = scene.ends[BOB].events.len();
    let mut offer = scene.peer(ALICE).create_offer().unwrap();
    let (ufrag, password) =
        (value(&offer, "a=ice-ufrag:").to_owned(), value(&offer, "a=ice-pwd:").to_owned());
    offer.sdp = offer.sdp.replace(&ufrag, "newU").replace(&password, "newPasswordOfTheSecondGeneration");
    let now = scene.now;
    scene.peer(BOB).set_remote_description(now, offer).unwrap();
    scene.peer(BOB).set_local_description(now, None).unwrap();
    let after = scene.peer(BOB).local_description().unwrap();
    assert_ne!(value(&before, "a=ice-ufrag:"), value(&after, "a=ice-ufrag:"));
    assert_ne!(value(&before, "a=ice-pwd:"), value(&after, "a=ice-pwd:"));
    assert_eq!(value(&before, "a=fingerprint:"), value(&after, "a=fingerprint:"));
    scene.drain();
    let told = scene.ends[BOB].events[events..].iter().filter(|event| match event {
        Event::IceCandidate(one) => {
            one.username_fragment.as_deref() == Some(value(&after, "a=ice-ufrag:"))
                && !one.candidate.is_empty()
        }
        _ => false,
    });
    assert_eq!(told.count(), 1, "the candidates of the new generation");
    let new = &scene.ends[BOB].events[events..];
    let ends = |event: &&Event| matches!(event, Event::IceCandidate(one) if one.candidate.is_empty());
    assert_eq!(new.iter().filter(ends).count(), 1, "and their end");
    let states: Vec<_> = new.iter().filter(|event| matches!(event, Event::IceGatheringState(_))).collect();
    let [gathering, complete] = [IceGatheringState::Gathering, IceGatheringState::Complete];
    assert_eq!(states, [&Event::IceGatheringState(gathering), &Event::IceGatheringState(complete)]);
    let pictures = scene.ends[ALICE].arrivals.pictures;
    assert!(
        scene.run_until(Duration::from_secs(3), |scene| scene.ends[ALICE].arrivals.pictures > pictures + 10)
    );
}
