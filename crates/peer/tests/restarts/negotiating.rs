//! Who restarts when, and what the descriptions say of it.

use std::time::Duration;

use peerless_peer::description::{IceCandidateInit, OfferOptions, SessionDescription};
use peerless_peer::error::{CandidateError, Error};
use peerless_peer::event::Event;
use peerless_peer::state::{ConnectionState, SdpType, SignalingState};

use crate::scene::stage::Message;
use crate::scene::{ALICE, BOB, Scene};
use crate::words::{credentials, needs, offer_restart, ours, restart, rollback, selections};

const SECONDS: Duration = Duration::from_secs(3);

fn call() -> Scene {
    let mut scene = Scene::call();
    assert!(scene.run_until(SECONDS, |scene| scene.has_frames(10, 20)));
    scene
}

/// Both have selected a pair of this many generations.
fn is_selected(scene: &Scene, times: usize) -> bool {
    scene.ends.iter().all(|end| selections(end) == times)
}

/// Nothing but connected since the beginning, and media still flows.
fn goes_on(scene: &mut Scene) {
    let since = scene.ends.each_ref().map(|end| (end.arrivals.pictures, end.arrivals.sounds));
    let flows = scene.run_until(SECONDS, |scene| {
        let ends = scene.ends.iter().zip(since);
        ends.into_iter().all(|(end, (pictures, sounds))| {
            end.arrivals.pictures > pictures + 10 && end.arrivals.sounds > sounds + 20
        })
    });
    assert!(flows, "{}", scene.states());
    for end in &scene.ends {
        let mut states = end.events.iter().filter_map(|event| match event {
            Event::ConnectionState(state) => Some(*state),
            _ => None,
        });
        assert_eq!(states.next_back(), Some(ConnectionState::Connected));
        let lost = |event: &Event| {
            matches!(event, Event::ConnectionState(ConnectionState::Disconnected | ConnectionState::Failed))
        };
        assert_eq!(end.count(lost), 0);
    }
}

#[test]
fn the_next_offer_after_a_wish_to_restart_has_new_credentials_and_so_has_its_answer() {
    for side in [ALICE, BOB] {
        let mut scene = call();
        let before = [ours(&scene, ALICE), ours(&scene, BOB)];
        let asked = needs(&scene.ends[side]);
        scene.peer(side).restart_ice();
        scene.peer(side).restart_ice();
        scene.drain();
        assert_eq!(needs(&scene.ends[side]), asked + 1);
        scene.offer(side);
        let offered = ours(&scene, side);
        assert!(offered.0 != before[side].0 && offered.1 != before[side].1);
        assert!(scene.run_until(SECONDS, |scene| is_selected(scene, 2)));
        assert_eq!(ours(&scene, side), offered);
        assert_ne!(ours(&scene, 1 - side).0, before[1 - side].0);
        // It is done: nothing more is to be negotiated, and a later offer changes nothing.
        assert_eq!(needs(&scene.ends[side]), asked + 1);
        assert_eq!(credentials(&scene.peer(side).create_offer().unwrap()), offered);
        goes_on(&mut scene);
    }
}

#[test]
fn an_offer_with_the_option_restarts_once() {
    let mut scene = call();
    let (before, asked) = (ours(&scene, ALICE), needs(&scene.ends[ALICE]));
    offer_restart(&mut scene, ALICE);
    assert!(scene.run_until(SECONDS, |scene| is_selected(scene, 2)));
    assert_ne!(ours(&scene, ALICE), before);
    assert_eq!(needs(&scene.ends[ALICE]), asked);
    goes_on(&mut scene);
    scene.offer(ALICE);
    scene.run_for(SECONDS);
    assert!(is_selected(&scene, 2), "a plain offer restarts nothing");
}

#[test]
fn an_offer_that_was_created_with_the_option_is_the_one_that_is_set_without_words() {
    let mut scene = call();
    let offer = scene.peer(ALICE).create_offer_with(OfferOptions { ice_restart: true }).unwrap();
    scene.offer(ALICE);
    assert_eq!(ours(&scene, ALICE), credentials(&offer));
    assert!(scene.run_until(SECONDS, |scene| is_selected(scene, 2)));
    goes_on(&mut scene);
}

#[test]
fn before_the_first_description_there_is_nothing_to_restart() {
    let mut scene = Scene::new();
    scene.peer(ALICE).restart_ice();
    scene.drain();
    assert_eq!(needs(&scene.ends[ALICE]), 0);
    scene.add_all_sources();
    scene.negotiate(ALICE);
    scene.connect();
    assert_eq!(needs(&scene.ends[ALICE]), 1, "for its tracks");
}

#[test]
fn a_restart_asked_for_while_an_offer_is_open_is_owed_afterwards() {
    let mut scene = call();
    scene.offer(ALICE);
    let asked = needs(&scene.ends[ALICE]);
    scene.peer(ALICE).restart_ice();
    scene.drain();
    assert_eq!(needs(&scene.ends[ALICE]), asked, "not before it is answered");
    let before = ours(&scene, ALICE);
    assert!(scene.run_until(SECONDS, |scene| needs(&scene.ends[ALICE]) == asked + 1));
    assert_eq!(ours(&scene, ALICE), before);
    scene.offer(ALICE);
    assert!(scene.run_until(SECONDS, |scene| is_selected(scene, 2)));
    assert_ne!(ours(&scene, ALICE), before);
    goes_on(&mut scene);
}

#[test]
fn a_restart_that_is_rolled_back_leaves_the_old_credentials_and_is_still_owed() {
    let mut scene = call();
    let before = ours(&scene, ALICE);
    scene.trickles = false;
    scene.peer(ALICE).restart_ice();
    let now = scene.now;
    scene.peer(ALICE).set_local_description(now, None).unwrap();
    let offered = ours(&scene, ALICE);
    scene.run_for(Duration::from_secs(40));
    let asked = needs(&scene.ends[ALICE]);
    let now = scene.now;
    scene.peer(ALICE).set_local_description(now, rollback()).unwrap();
    assert_eq!(ours(&scene, ALICE), before);
    let local = scene.peer(ALICE).local_description().unwrap();
    assert!(local.sdp.contains("a=candidate:") && !local.sdp.contains(&offered.0));
    scene.drain();
    assert_eq!(needs(&scene.ends[ALICE]), asked + 1);
    scene.run_for(Duration::from_secs(40));
    assert!(is_selected(&scene, 1));
    goes_on(&mut scene);
    scene.trickles = true;
    scene.offer(ALICE);
    assert!(scene.run_until(SECONDS, |scene| is_selected(scene, 2)));
    assert_ne!(ours(&scene, ALICE), before);
    goes_on(&mut scene);
}

#[test]
fn a_restart_of_the_remote_that_is_rolled_back_leaves_ours_as_they_were() {
    let mut scene = call();
    let before = ours(&scene, BOB);
    scene.trickles = false;
    let now = scene.now;
    scene.peer(ALICE).restart_ice();
    scene.peer(ALICE).set_local_description(now, None).unwrap();
    let offer = scene.peer(ALICE).local_description().unwrap();
    scene.peer(BOB).set_remote_description(now, offer).unwrap();
    assert_ne!(credentials(&scene.peer(BOB).create_answer().unwrap()), before);
    let back = rollback().unwrap();
    scene.peer(BOB).set_remote_description(now, back).unwrap();
    scene.peer(ALICE).set_local_description(now, rollback()).unwrap();
    scene.run_for(Duration::from_secs(40));
    assert_eq!(ours(&scene, BOB), before);
    goes_on(&mut scene);
    scene.trickles = true;
    scene.offer(BOB);
    scene.run_for(SECONDS);
    assert_eq!(ours(&scene, BOB), before);
    assert!(is_selected(&scene, 1));
}

#[test]
fn both_at_once_need_one_restart() {
    let mut scene = call();
    let before = [ours(&scene, ALICE), ours(&scene, BOB)];
    let now = scene.now;
    for side in [ALICE, BOB] {
        scene.peer(side).restart_ice();
        scene.peer(side).set_local_description(now, None).unwrap();
    }
    let asked = scene.ends.each_ref().map(needs);
    // Bob gives way, and with his offer goes what he has told of it.
    scene.trickles = false;
    scene.drain();
    scene.trickles = true;
    scene.peer(BOB).set_local_description(now, rollback()).unwrap();
    let offer = scene.peer(ALICE).local_description().unwrap();
    scene.signal(ALICE, Message::Description(offer));
    assert!(scene.run_until(SECONDS, |scene| is_selected(scene, 2)));
    assert!([ALICE, BOB].iter().all(|side| ours(&scene, *side) != before[*side]));
    goes_on(&mut scene);
    let more = scene.ends.each_ref().map(needs);
    assert!(more[ALICE] <= asked[ALICE] + 1 && more[BOB] <= asked[BOB] + 2, "{asked:?} then {more:?}");
    assert_eq!(scene.peer(BOB).signaling_state(), SignalingState::Stable);
    let offer = scene.peer(BOB).create_offer().unwrap();
    assert_eq!(credentials(&offer), ours(&scene, BOB), "neither owes one any more");
}

#[test]
fn a_provisional_answer_restarts_and_the_final_one_keeps_it() {
    let mut scene = call();
    let before = ours(&scene, BOB);
    let now = scene.now;
    scene.peer(ALICE).restart_ice();
    scene.peer(ALICE).set_local_description(now, None).unwrap();
    let offer = scene.peer(ALICE).local_description().unwrap();
    scene.peer(BOB).set_remote_description(now, offer).unwrap();
    let answer = scene.peer(BOB).create_answer().unwrap();
    let provisional = SessionDescription { kind: SdpType::Pranswer, sdp: answer.sdp };
    scene.peer(BOB).set_local_description(now, Some(provisional.clone())).unwrap();
    scene.peer(ALICE).set_remote_description(now, provisional).unwrap();
    assert!(scene.run_until(SECONDS, |scene| is_selected(scene, 2)));
    let settled = ours(&scene, BOB);
    assert_ne!(settled, before);
    assert_eq!(scene.peer(ALICE).signaling_state(), SignalingState::HaveRemotePranswer);
    let now = scene.now;
    scene.peer(BOB).set_local_description(now, None).unwrap();
    let answer = scene.peer(BOB).local_description().unwrap();
    assert_eq!(credentials(&answer), settled);
    scene.peer(ALICE).set_remote_description(now, answer).unwrap();
    scene.run_for(SECONDS);
    assert!(is_selected(&scene, 2));
    goes_on(&mut scene);
}

#[test]
fn a_remote_that_answers_a_restart_with_its_old_credentials_stays_connected() {
    let mut scene = call();
    scene.trickles = false;
    let before = ours(&scene, ALICE);
    let now = scene.now;
    scene.peer(ALICE).restart_ice();
    scene.peer(ALICE).set_local_description(now, None).unwrap();
    let mut offer = scene.peer(ALICE).local_description().unwrap();
    let fresh = ours(&scene, ALICE);
    // An old stack that knows of no restarts: it never sees the new credentials.
    offer.sdp = offer.sdp.replace(&fresh.0, &before.0).replace(&fresh.1, &before.1);
    scene.peer(BOB).set_remote_description(now, offer).unwrap();
    scene.peer(BOB).set_local_description(now, None).unwrap();
    let answer = scene.peer(BOB).local_description().unwrap();
    scene.peer(ALICE).set_remote_description(now, answer).unwrap();
    scene.run_for(Duration::from_secs(120));
    goes_on(&mut scene);
}

#[test]
fn candidates_of_both_generations_are_told_apart_by_their_username_fragments() {
    let mut scene = call();
    scene.trickles = false;
    let before = ours(&scene, ALICE).0;
    let old = scene.ends[ALICE].candidates();
    let told = scene.ends[ALICE].events.len();
    let now = scene.now;
    scene.peer(ALICE).restart_ice();
    scene.peer(ALICE).set_local_description(now, None).unwrap();
    let fresh = ours(&scene, ALICE).0;
    scene.drain();
    let new = scene.ends[ALICE].events[told..].iter().filter_map(|event| match event {
        Event::IceCandidate(one) => Some(one.clone()),
        _ => None,
    });
    let new: Vec<IceCandidateInit> = new.collect();
    assert_eq!(new.len(), 2, "one, and the end");
    assert!(new.iter().all(|one| one.username_fragment.as_ref() == Some(&fresh)));
    assert!(new[0].candidate.contains(&format!("ufrag {fresh}")));
    let mut offer = scene.peer(ALICE).create_offer_with(OfferOptions::default()).unwrap();
    assert_ne!(credentials(&offer).0, before, "the wish to restart stands");
    offer = scene.peer(ALICE).local_description().unwrap();
    let lines = offer.sdp.split_inclusive('\n').filter(|line| !line.contains("candidate"));
    offer.sdp = lines.collect();
    scene.peer(BOB).set_remote_description(now, offer).unwrap();
    // One of each generation while the offer is open: each belongs where its fragment says.
    for one in old.iter().take(1).chain(&new) {
        scene.peer(BOB).add_ice_candidate(now, one).unwrap();
    }
    let remote = scene.peer(BOB).remote_description().unwrap();
    assert!(
        remote.sdp.contains(&format!("ufrag {fresh}")) && !remote.sdp.contains(&format!("ufrag {before}"))
    );
    scene.peer(BOB).set_local_description(now, None).unwrap();
    let answer = scene.peer(BOB).local_description().unwrap();
    scene.peer(ALICE).set_remote_description(now, answer).unwrap();
    let unknown = CandidateError::UnknownUsernameFragment(before);
    let refused = scene.peer(BOB).add_ice_candidate(now, &old[0]).unwrap_err();
    assert!(matches!(&refused, Error::Candidate(reason) if *reason == unknown), "{refused}");
    assert!(scene.run_until(SECONDS, |scene| is_selected(scene, 2)));
    goes_on(&mut scene);
}

#[test]
fn twenty_restarts_in_a_row_without_waiting_end_with_the_last() {
    let mut scene = call();
    for round in 0..20 {
        restart(&mut scene, round % 2);
        let stable = scene.run_until(SECONDS, |scene| {
            let is_stable = |side: usize| scene.ends[side].peer.signaling_state() == SignalingState::Stable;
            is_stable(ALICE) && is_stable(BOB)
        });
        assert!(stable, "round {round}");
    }
    let last = scene.ends.each_ref().map(selections);
    let is_over = |scene: &Scene| scene.ends.iter().zip(last).all(|(end, last)| selections(end) > last);
    assert!(scene.run_until(SECONDS, is_over), "{}", scene.states());
    goes_on(&mut scene);
}
