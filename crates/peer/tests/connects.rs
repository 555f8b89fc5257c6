//! Two peers find each other, agree on keys and send frames both ways, whatever way their candidates travel.

mod scene;

use std::time::Duration;

use peerless_peer::config::{Config, DtlsVersions};
use peerless_peer::description::IceCandidateInit;
use peerless_peer::error::{CandidateError, Error};
use peerless_peer::event::Event;
use peerless_peer::media::SendError;
use peerless_peer::state::{
    ConnectionState, IceConnectionState, IceGatheringState, MediaKind, SdpType, SignalingState,
};
use peerless_rtp::frame::Frame;
use scene::media::{picture, sound};
use scene::{ALICE, Adjust, BOB, Message, Scene, Setting};

#[test]
fn sound_and_pictures_flow_both_ways() {
    let mut scene = Scene::call();
    assert!(scene.run_until(Duration::from_secs(5), |scene| scene.has_frames(50, 100)), "{}", scene.states());
    for end in &scene.ends {
        assert_eq!(end.arrivals.key_pictures, 1, "one key frame is enough where nothing is lost");
        assert!(end.sources.iter().all(|source| source.refused.is_empty()));
    }
}

#[test]
fn every_state_is_told_once_and_in_order() {
    let scene = Scene::call();
    let events = &scene.ends[ALICE].events;
    let connection: Vec<_> = events
        .iter()
        .filter_map(|event| if let Event::ConnectionState(state) = event { Some(*state) } else { None })
        .collect();
    assert_eq!(connection, [ConnectionState::Connecting, ConnectionState::Connected]);
    let signaling: Vec<_> = events
        .iter()
        .filter_map(|event| if let Event::SignalingState(state) = event { Some(*state) } else { None })
        .collect();
    assert_eq!(signaling, [SignalingState::HaveLocalOffer, SignalingState::Stable]);
    let gathering: Vec<_> = events
        .iter()
        .filter_map(|event| if let Event::IceGatheringState(state) = event { Some(*state) } else { None })
        .collect();
    assert_eq!(gathering, [IceGatheringState::Gathering, IceGatheringState::Complete]);
    let ice = scene.ends[ALICE]
        .count(|event| matches!(event, Event::IceConnectionState(IceConnectionState::Checking)));
    assert_eq!(ice, 1);
}

#[test]
fn tells_what_was_agreed_on() {
    let mut scene = Scene::call();
    scene.run_for(Duration::from_secs(1));
    for end in &scene.ends {
        assert_eq!(
            end.count(|event| matches!(event, Event::Secured(_, secured) if secured.srtp_profile.is_some())),
            1
        );
        assert!(end.count(|event| matches!(event, Event::SelectedPair(..))) >= 1);
        assert_eq!(end.count(|event| matches!(event, Event::Track(_))), 2);
        let sender = end.peer.sender(end.sources[1].id).unwrap();
        assert!(sender.can_send && sender.codec.is_some());
        assert_eq!(sender.target_bitrate, None, "the remote has told none");
        let sound = end.peer.sender(end.sources[0].id).unwrap();
        assert!(sound.can_send && sound.target_bitrate.is_none(), "sound has no target");
    }
}

#[test]
fn a_description_made_after_gathering_needs_no_trickle() {
    let mut scene = Scene::new();
    scene.trickles = false;
    scene.add_all_sources();
    let now = scene.now;
    scene.peer(ALICE).set_local_description(now, None).unwrap();
    scene.drain();
    let offer = scene.peer(ALICE).local_description().unwrap();
    assert!(offer.sdp.contains("a=candidate:") && offer.sdp.contains("a=end-of-candidates"), "{}", offer.sdp);
    assert!(offer.sdp.contains("10.0.0.1"), "the default address is the candidate's: {}", offer.sdp);
    scene.peer(BOB).set_remote_description(now, offer).unwrap();
    scene.peer(BOB).set_local_description(now, None).unwrap();
    scene.drain();
    let answer = scene.peer(BOB).local_description().unwrap();
    scene.peer(ALICE).set_remote_description(now, answer).unwrap();
    scene.connect();
    assert!(scene.run_until(Duration::from_secs(3), |scene| scene.has_frames(10, 20)));
}

#[test]
fn candidates_that_overtake_the_answer_are_refused_and_late_ones_are_taken() {
    let mut scene = Scene::new();
    scene.trickles = false;
    scene.add_all_sources();
    let now = scene.now;
    scene.peer(ALICE).set_local_description(now, None).unwrap();
    scene.drain();
    let candidates = scene.ends[ALICE].candidates();
    let early = scene.peer(BOB).add_ice_candidate(now, &candidates[0]);
    assert!(matches!(early, Err(Error::Candidate(CandidateError::NoRemoteDescription))), "{early:?}");
    scene.negotiate_plainly();
    scene.run_for(Duration::from_secs(3));
    assert_ne!(scene.peer(BOB).connection_state(), ConnectionState::Connected);
    for candidate in candidates {
        scene.signal(ALICE, Message::Candidate(candidate));
    }
    scene.connect();
}

#[test]
fn one_side_that_knows_no_candidates_is_found_by_the_checks_of_the_other() {
    let mut scene = Scene::new();
    scene.trickles = false;
    scene.add_all_sources();
    let now = scene.now;
    scene.peer(ALICE).set_local_description(now, None).unwrap();
    scene.drain();
    scene.negotiate_plainly();
    for candidate in scene.ends[BOB].candidates() {
        scene.signal(BOB, Message::Candidate(candidate));
    }
    scene.connect();
    assert!(scene.run_until(Duration::from_secs(3), |scene| scene.has_frames(10, 20)));
}

#[test]
fn a_candidate_for_an_unknown_section_is_named_as_such() {
    let mut scene = Scene::call();
    let now = scene.now;
    let mut candidate = scene.ends[BOB].candidates()[0].clone();
    let unknown = IceCandidateInit { sdp_mid: Some("nine".into()), ..candidate.clone() };
    let refused = scene.peer(ALICE).add_ice_candidate(now, &unknown);
    assert!(matches!(refused, Err(Error::Candidate(CandidateError::UnknownMid(mid))) if mid == "nine"));
    let unknown = IceCandidateInit { sdp_mid: None, sdp_m_line_index: Some(7), ..candidate.clone() };
    let refused = scene.peer(ALICE).add_ice_candidate(now, &unknown);
    assert!(matches!(refused, Err(Error::Candidate(CandidateError::UnknownIndex(7)))));
    let nowhere = IceCandidateInit { sdp_mid: None, sdp_m_line_index: None, ..candidate.clone() };
    let refused = scene.peer(ALICE).add_ice_candidate(now, &nowhere);
    assert!(matches!(refused, Err(Error::Candidate(CandidateError::NoSection))));
    candidate.candidate = "candidate:nonsense".into();
    let refused = scene.peer(ALICE).add_ice_candidate(now, &candidate);
    assert!(matches!(refused, Err(Error::Candidate(CandidateError::Syntax(_)))));
}

#[test]
fn frames_before_the_connection_are_refused_not_kept() {
    let mut scene = Scene::new();
    let id = scene.add_source(ALICE, MediaKind::Audio);
    let now = scene.now;
    assert_eq!(scene.peer(ALICE).send_frame(now, id, &sound(0, now)), Err(SendError::NotNegotiated));
    scene.negotiate(ALICE);
    let now = scene.now;
    assert_eq!(scene.peer(ALICE).send_frame(now, id, &sound(0, now)), Err(SendError::NotConnected));
    scene.connect();
    let now = scene.now;
    assert_eq!(scene.peer(ALICE).send_frame(now, id, &sound(0, now)), Ok(()));
    let wrong = picture(0, true, now);
    assert!(matches!(scene.peer(ALICE).send_frame(now, id, &wrong), Err(SendError::WrongFormat { .. })));
    let large = Frame { payload: vec![0xf8; 1500].into(), ..sound(1, now) };
    assert!(matches!(scene.peer(ALICE).send_frame(now, id, &large), Err(SendError::Payload(_))));
}

#[test]
fn frames_that_nobody_takes_are_dropped_not_kept() {
    let mut scene = Scene::call();
    let (now, id) = (scene.now, scene.ends[ALICE].sources[1].id);
    let first = scene.ends[ALICE].sources[1].sent;
    for number in 0..5_000 {
        let _ = scene.peer(ALICE).send_frame(now, id, &picture(first + number, true, now));
    }
    scene.ends[ALICE].sources[1].sent = first + 5_000;
    let stats = scene.peer(ALICE).stats();
    let dropped = stats.transceivers[1].outbound.as_ref().unwrap().frames_dropped;
    assert!(dropped > 4_000, "{dropped} of 5000 frames of 6000 bytes were dropped");
    let pictures = scene.ends[BOB].arrivals.pictures;
    let flows = |scene: &Scene| scene.ends[BOB].arrivals.pictures > pictures + 20;
    assert!(scene.run_until(Duration::from_secs(10), flows), "{}", scene.states());
}

#[test]
fn a_sender_that_becomes_able_is_asked_for_a_key_frame() {
    let scene = Scene::call();
    let id = scene.ends[ALICE].sources[1].id;
    let events = &scene.ends[ALICE].events;
    let able = events.iter().rposition(|event| *event == Event::SenderChanged(id)).unwrap();
    assert!(events[able..].contains(&Event::KeyFrameRequested(id, None)));
}

#[test]
fn a_wrong_fingerprint_fails_the_connection() {
    let mut scene = Scene::new();
    scene.add_all_sources();
    let now = scene.now;
    scene.peer(ALICE).set_local_description(now, None).unwrap();
    let mut offer = scene.peer(ALICE).local_description().unwrap();
    let at = offer.sdp.find("a=fingerprint:sha-256 ").unwrap() + "a=fingerprint:sha-256 ".len();
    let digit = if &offer.sdp[at..=at] == "0" { "1" } else { "0" };
    offer.sdp = offer
        .sdp
        .replace(&offer.sdp[at..at + 20].to_owned(), &format!("{digit}{}", &offer.sdp[at + 1..at + 20]));
    assert_eq!(offer.kind, SdpType::Offer);
    scene.signal(ALICE, Message::Description(offer));
    let failed = |scene: &Scene| scene.ends[BOB].peer.connection_state() == ConnectionState::Failed;
    assert!(scene.run_until(Duration::from_secs(30), failed), "{}", scene.states());
    assert_eq!(scene.ends[BOB].count(|event| matches!(event, Event::DtlsFailed(..))), 1);
    scene.run_for(Duration::from_secs(2));
    assert_eq!(scene.ends[BOB].arrivals.sounds, 0, "nothing flows from whom we do not know");
}

#[test]
fn both_versions_of_dtls_work_alone() {
    let only_12 = |_, config: &mut Config| config.dtls = DtlsVersions::Only12;
    let only_13 = |_, config: &mut Config| config.dtls = DtlsVersions::Only13;
    let settings: [(Adjust, &str); 2] = [(only_12, "DTLS 1.2"), (only_13, "DTLS 1.3")];
    for (adjust, version) in settings {
        let scene = Scene::call_with(Setting { adjust, ..Setting::default() });
        let secured = scene.ends[BOB].peer.stats().transport.secured.unwrap();
        assert_eq!(secured.version, version);
    }
}

#[test]
fn no_version_of_dtls_in_common_fails_the_connection_and_says_why() {
    let disjoint: [Adjust; 2] = [
        |side, config| config.dtls = [DtlsVersions::Only12, DtlsVersions::Only13][side],
        |side, config| config.dtls = [DtlsVersions::Only13, DtlsVersions::Only12][side],
    ];
    for adjust in disjoint {
        let mut scene = Scene::with(Setting { adjust, ..Setting::default() });
        scene.add_all_sources();
        scene.negotiate(ALICE);
        let failed = |scene: &Scene| {
            scene.ends.iter().all(|end| end.peer.connection_state() == ConnectionState::Failed)
        };
        assert!(scene.run_until(Duration::from_secs(60), failed), "{}", scene.states());
        for end in &scene.ends {
            assert_eq!(end.count(|event| matches!(event, Event::DtlsFailed(..))), 1);
            assert_eq!(end.arrivals.sounds, 0);
        }
    }
}
