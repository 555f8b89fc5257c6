//! Candidates whose address is an mDNS name (draft-ietf-mmusic-mdns-ice-candidates §3.2): the caller resolves them.

mod scene;

use std::time::Duration;

use peerless_peer::description::IceCandidateInit;
use peerless_peer::event::Event;
use peerless_peer::state::ConnectionState;
use scene::{ALICE, BOB, Message, Scene};

const NAME: &str = "5f2b7c1e-0a4d-4f7e-9a55-0d9f5a1c2b3d.local";

/// Alice and Bob have negotiated; Alice knows Bob by a name only, and Bob does not know Alice's address.
fn hidden() -> Scene {
    let mut scene = Scene::new();
    scene.trickles = false;
    scene.add_all_sources();
    let now = scene.now;
    scene.peer(ALICE).set_local_description(now, None).unwrap();
    scene.drain();
    scene.negotiate_plainly();
    for mut candidate in scene.ends[BOB].candidates() {
        candidate.candidate = candidate.candidate.replace("10.0.0.2", NAME);
        scene.signal(BOB, Message::Candidate(candidate.clone()));
        // The same candidate again does not make a second question.
        scene.signal(BOB, Message::Candidate(candidate));
    }
    scene.run_for(Duration::from_secs(1));
    assert_eq!(scene.ends[ALICE].count(|event| *event == Event::ResolveName(NAME.into())), 1);
    assert_ne!(scene.peer(ALICE).connection_state(), ConnectionState::Connected);
    scene
}

#[test]
fn a_name_is_asked_for_once_and_its_address_used() {
    let mut scene = hidden();
    let (now, address) = (scene.now, scene.ends[BOB].address.ip());
    scene.peer(ALICE).name_resolved(now, &NAME.to_uppercase().replace(".LOCAL", ".local"), Some(address));
    scene.connect();
    assert!(scene.run_until(Duration::from_secs(3), |scene| scene.has_frames(10, 20)));
}

#[test]
fn names_without_an_address_and_names_never_asked_for_do_no_harm() {
    let mut scene = hidden();
    let (now, address) = (scene.now, scene.ends[BOB].address.ip());
    scene.peer(ALICE).name_resolved(now, "other.local", Some(address));
    scene.peer(ALICE).name_resolved(now, NAME, None);
    scene.peer(ALICE).name_resolved(now, NAME, Some(address));
    scene.run_for(Duration::from_secs(3));
    assert_ne!(scene.peer(ALICE).connection_state(), ConnectionState::Connected);
    let template = scene.ends[BOB].candidates()[0].clone();
    scene.signal(BOB, Message::Candidate(template));
    scene.connect();
}

#[test]
fn a_name_in_the_description_is_asked_for_too() {
    let mut scene = Scene::new();
    scene.trickles = false;
    scene.add_all_sources();
    let now = scene.now;
    scene.peer(ALICE).set_local_description(now, None).unwrap();
    scene.drain();
    let mut offer = scene.peer(ALICE).local_description().unwrap();
    offer.sdp = offer.sdp.replace("10.0.0.1 5000 typ", &format!("{NAME} 5000 typ"));
    scene.peer(BOB).set_remote_description(now, offer).unwrap();
    scene.peer(BOB).set_local_description(now, None).unwrap();
    scene.drain();
    assert_eq!(scene.ends[BOB].count(|event| *event == Event::ResolveName(NAME.into())), 1);
    let answer = scene.peer(BOB).local_description().unwrap();
    scene.peer(ALICE).set_remote_description(now, answer).unwrap();
    scene.peer(BOB).name_resolved(now, NAME, Some("10.0.0.1".parse().unwrap()));
    scene.connect();
}

#[test]
fn a_remote_whose_networks_change_for_days_is_followed() {
    let mut scene = hidden();
    let template = scene.ends[BOB].candidates()[0].clone();
    for number in 0..200_u32 {
        let now = scene.now;
        let name = format!("{number:08x}-0a4d-4f7e-9a55-0d9f5a1c2b3d.local");
        let candidate = template.candidate.replace("10.0.0.2", &name);
        scene
            .peer(ALICE)
            .add_ice_candidate(now, &IceCandidateInit { candidate, ..template.clone() })
            .unwrap();
        scene.drain();
        assert_eq!(
            scene.ends[ALICE].count(|event| *event == Event::ResolveName(name.clone())),
            1,
            "{number}"
        );
        scene.peer(ALICE).name_resolved(now, &name, None);
        scene.now += Duration::from_secs(20);
    }
}
