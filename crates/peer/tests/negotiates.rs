//! Descriptions and transceivers: what the signalling states allow, what a negotiation changes, and when one is
//! needed (webrtc-pc §4.4, §4.7.3, §5.1).

mod scene;

use std::time::Duration;

use peerless_peer::Peer;
use peerless_peer::config::CodecCapability;
use peerless_peer::description::SessionDescription;
use peerless_peer::error::{DescriptionError, Error};
use peerless_peer::event::Event;
use peerless_peer::media::SendError;
use peerless_peer::state::{Direction, MediaKind, SdpType, SignalingState};
use peerless_peer::transceiver::{TrackInit, TransceiverInit};
use peerless_rtp::codec::Format;
use scene::{ALICE, Adjust, BOB, Scene, Setting};

fn needed(scene: &Scene, side: usize) -> usize {
    scene.ends[side].count(|event| *event == Event::NegotiationNeeded)
}

#[test]
fn two_tracks_need_one_negotiation() {
    let mut scene = Scene::new();
    scene.add_all_sources();
    scene.drain();
    assert_eq!(needed(&scene, ALICE), 1);
    scene.negotiate(ALICE);
    assert_eq!((needed(&scene, ALICE), needed(&scene, BOB)), (1, 1), "and none once it is done");
}

#[test]
fn a_track_more_on_the_answering_side_needs_a_negotiation_of_its_own() {
    let mut scene = Scene::new();
    scene.add_source(ALICE, MediaKind::Audio);
    scene.negotiate(ALICE);
    assert_eq!(needed(&scene, BOB), 0);
    scene.add_source(BOB, MediaKind::Audio);
    scene.drain();
    assert_eq!(needed(&scene, BOB), 1);
    scene.negotiate(BOB);
    scene.connect();
    let done = |scene: &Scene| scene.ends.iter().all(|end| end.arrivals.sounds > 10);
    assert!(scene.run_until(Duration::from_secs(3), done));
    let transceivers = scene.peer(BOB).transceivers();
    assert_eq!(transceivers.len(), 1, "the track took the transceiver that the offer had made");
    assert_eq!(transceivers[0].current_direction, Some(Direction::SendRecv));
}

#[test]
fn an_offer_that_meets_ours_is_taken_and_media_flows() {
    let mut scene = Scene::new();
    scene.add_all_sources();
    let now = scene.now;
    scene.peer(ALICE).set_local_description(now, None).unwrap();
    // What Alice has gathered until then, Bob cannot take without her offer: it stands in her answer.
    scene.trickles = false;
    scene.drain();
    scene.trickles = true;
    scene.negotiate(BOB);
    assert_eq!(scene.peer(ALICE).signaling_state(), SignalingState::Stable);
    scene.connect();
    assert!(scene.run_until(Duration::from_secs(3), |scene| scene.has_frames(10, 20)));
}

#[test]
fn what_is_no_sdp_is_an_rtc_error_that_names_the_line() {
    let mut scene = Scene::new();
    scene.add_all_sources();
    let now = scene.now;
    let offer = scene.peer(BOB).create_offer().unwrap();
    let line = offer.sdp.lines().position(|line| line.starts_with("m=video")).unwrap() + 1;
    let bad = SessionDescription { sdp: offer.sdp.replace("m=video", "m=video x"), ..offer.clone() };
    let refused = scene.peer(ALICE).set_remote_description(now, bad).unwrap_err();
    assert_eq!((refused.name(), refused.detail()), ("OperationError", Some("sdp-syntax-error")));
    assert_eq!(refused.sdp_line_number(), Some(line));
    let invalid = SessionDescription { sdp: offer.sdp.replace("a=mid:1", "a=mid:0"), ..offer };
    let refused = scene.peer(ALICE).set_remote_description(now, invalid).unwrap_err();
    assert_eq!((refused.name(), refused.detail()), ("InvalidAccessError", None));
    assert_eq!(refused.sdp_line_number(), None);
}

#[test]
fn answers_without_offers_are_refused() {
    let mut scene = Scene::new();
    scene.add_all_sources();
    let now = scene.now;
    assert!(matches!(scene.peer(ALICE).create_answer(), Err(Error::WrongState { .. })));
    for kind in [SdpType::Answer, SdpType::Pranswer, SdpType::Rollback] {
        let sdp = scene.peer(BOB).create_offer().unwrap().sdp;
        let description = SessionDescription { kind, sdp };
        let refused = scene.peer(ALICE).set_remote_description(now, description.clone());
        assert!(matches!(refused, Err(Error::WrongState { .. })), "{kind}: {refused:?}");
        let refused = scene.peer(ALICE).set_local_description(now, Some(description));
        let is_modified = kind != SdpType::Rollback && matches!(refused, Err(Error::Modified));
        assert!(is_modified || matches!(refused, Err(Error::WrongState { .. })), "{kind}: {refused:?}");
    }
    assert!(scene.peer(ALICE).local_description().is_none());
}

#[test]
fn a_local_description_must_be_what_was_created() {
    let mut scene = Scene::new();
    scene.add_all_sources();
    let now = scene.now;
    let offer = scene.peer(ALICE).create_offer().unwrap();
    let munged =
        SessionDescription { sdp: offer.sdp.replace("useinbandfec=1", "useinbandfec=0"), ..offer.clone() };
    assert_ne!(munged, offer);
    assert!(matches!(scene.peer(ALICE).set_local_description(now, Some(munged)), Err(Error::Modified)));
    assert_eq!(scene.peer(ALICE).signaling_state(), SignalingState::Stable);
    scene.peer(ALICE).set_local_description(now, Some(offer)).unwrap();
    assert_eq!(scene.peer(ALICE).signaling_state(), SignalingState::HaveLocalOffer);
}

#[test]
fn garbage_is_refused_and_the_next_description_taken() {
    let mut scene = Scene::new();
    scene.add_all_sources();
    let now = scene.now;
    let offer = scene.peer(BOB).create_offer().unwrap();
    let without = |word: &str| -> String {
        offer.sdp.lines().filter(|line| !line.starts_with(word)).map(|line| format!("{line}\r\n")).collect()
    };
    let bad =
        ["".to_owned(), "hello".to_owned(), without("a=ice-ufrag"), without("a=fingerprint"), without("s=")];
    for sdp in bad {
        let given = SessionDescription { kind: SdpType::Offer, sdp };
        let refused = scene.peer(ALICE).set_remote_description(now, given);
        assert!(matches!(refused, Err(Error::Syntax(_) | Error::Description(_))), "{refused:?}");
    }
    assert_eq!(scene.peer(ALICE).signaling_state(), SignalingState::Stable);
    assert!(scene.peer(ALICE).remote_description().is_none());
    scene.negotiate(BOB);
    scene.connect();
}

#[test]
fn garbage_of_each_kind_is_named_and_a_call_goes_on() {
    // Of no codec in common see the next: a first offer is refused, a later one has its sections rejected.
    let mut scene = Scene::call();
    let mut party = Scene::new();
    party.add_all_sources();
    let text = party.peer(BOB).create_offer().unwrap().sdp;
    let hash = DescriptionError::FingerprintHashUnsupported { section: 0, hash: "sha-1".into() };
    let named = [
        (text.replace("a=ice-ufrag", "a=no-ufrag"), DescriptionError::IceCredentialsMissing { section: 0 }),
        (text.replace("fingerprint:sha-256", "fingerprint:sha-1"), hash),
        (text.replace("a=mid:1", "a=mid:0"), DescriptionError::DuplicateMid { mid: "0".into() }),
    ];
    let now = scene.now;
    let before = scene.peer(ALICE).remote_description();
    let events = scene.ends[ALICE].events.len();
    let mut refuse = |sdp: String| {
        let given = SessionDescription { kind: SdpType::Offer, sdp };
        let error = scene.peer(ALICE).set_remote_description(now, given).unwrap_err();
        assert_eq!(scene.peer(ALICE).signaling_state(), SignalingState::Stable, "{error:?}");
        assert_eq!(scene.peer(ALICE).remote_description(), before, "{error:?}");
        error
    };
    for (spoilt, expected) in named {
        let error = refuse(spoilt);
        assert!(matches!(&error, Error::Description(met) if *met == expected), "{error:?}, not {expected:?}");
    }
    let mebibyte = 1 << 20;
    for large in [
        "x".repeat(mebibyte),
        "a=x\r\n".repeat(mebibyte / 5),
        format!("{text}{}", "a=x\r\n".repeat(mebibyte / 5)),
        format!("{text}{}", "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n".repeat(mebibyte / 40)),
    ] {
        let error = refuse(large);
        assert!(matches!(error, Error::Syntax(_) | Error::Description(_)), "{error:?}");
    }
    scene.drain();
    let told =
        |event: &&Event| matches!(event, Event::SignalingState(_) | Event::Track(_) | Event::TrackEnded(_));
    assert_eq!(scene.ends[ALICE].events[events..].iter().filter(told).count(), 0);
    let counts = scene.ends.each_ref().map(|end| end.arrivals.pictures);
    let goes_on =
        |scene: &Scene| scene.ends.iter().zip(counts).all(|(end, count)| end.arrivals.pictures > count + 10);
    assert!(scene.run_until(Duration::from_secs(3), goes_on), "{}", scene.states());
}

#[test]
fn an_offer_without_a_codec_in_common_is_refused_at_first_and_rejected_in_a_call() {
    let adjust: Adjust =
        |side, config| config.codecs.retain(|codec| codec.format.is_video() == (side == ALICE));
    let mut scene = Scene::with(Setting { adjust, ..Setting::default() });
    scene.add_source(ALICE, MediaKind::Video);
    let now = scene.now;
    let offer = scene.peer(ALICE).create_offer().unwrap();
    let refused = scene.peer(BOB).set_remote_description(now, offer).unwrap_err();
    assert!(matches!(refused, Error::Description(DescriptionError::NothingCommon)), "{refused:?}");
    assert_eq!(refused.name(), "OperationError");
    assert_eq!(scene.peer(BOB).signaling_state(), SignalingState::Stable);
    assert!(scene.peer(BOB).remote_description().is_none() && scene.peer(BOB).transceivers().is_empty());

    let mut scene = Scene::call();
    let foreign = |text: String| {
        ["VP8/", "H264/", "opus/", "G722/", "PCMU/", "PCMA/", "L16/"]
            .iter()
            .fold(text, |text, name| text.replace(&format!(" {name}"), " other/"))
    };
    let now = scene.now;
    let offer = scene.peer(BOB).create_offer().unwrap();
    let offer = SessionDescription { sdp: foreign(offer.sdp), ..offer };
    scene.peer(ALICE).set_remote_description(now, offer).unwrap();
    scene.peer(ALICE).set_local_description(now, None).unwrap();
    let answer = scene.peer(ALICE).local_description().unwrap().sdp;
    assert!(answer.contains("m=audio 0 ") && answer.contains("m=video 0 "), "{answer}");
}

#[test]
fn a_rejected_section_goes_and_the_rest_goes_on() {
    let mut scene = Scene::new();
    scene.ends[BOB].peer = {
        let mut config = scene::config(1, BOB);
        config.codecs.retain(|codec| !codec.format.is_video());
        Peer::new(config).unwrap()
    };
    scene.add_source(ALICE, MediaKind::Audio);
    let video = scene.add_source(ALICE, MediaKind::Video);
    scene.negotiate(ALICE);
    let answer = scene.peer(BOB).local_description().unwrap();
    assert!(answer.sdp.contains("m=video 0 "), "{}", answer.sdp);
    assert!(scene.peer(ALICE).transceiver(video).is_none(), "its section was rejected");
    scene.connect();
    assert!(scene.run_until(Duration::from_secs(3), |scene| scene.ends[BOB].arrivals.sounds > 20));
    let now = scene.now;
    let refused = scene.peer(ALICE).send_frame(now, video, &scene::media::picture(0, true, now));
    assert_eq!(refused, Err(SendError::UnknownTransceiver));
    assert_eq!(scene.ends[BOB].arrivals.pictures, 0);
}

#[test]
fn candidates_move_on_when_the_section_they_were_for_is_rejected() {
    let mut scene = Scene::new();
    scene.ends[BOB].peer = {
        let mut config = scene::config(1, BOB);
        config.codecs.retain(|codec| !codec.format.is_video());
        Peer::new(config).unwrap()
    };
    scene.add_source(ALICE, MediaKind::Video);
    scene.add_source(ALICE, MediaKind::Audio);
    scene.negotiate(ALICE);
    scene.connect();
    let mids: Vec<_> = scene.ends[ALICE].candidates().into_iter().map(|one| one.sdp_mid.unwrap()).collect();
    assert!(mids.contains(&"0".into()) && mids.contains(&"1".into()), "{mids:?}");
    assert!(scene.run_until(Duration::from_secs(3), |scene| scene.ends[BOB].arrivals.sounds > 20));
}

#[test]
fn a_track_added_while_media_flows_flows_too() {
    let mut scene = Scene::new();
    let sound = scene.add_source(ALICE, MediaKind::Audio);
    scene.negotiate(ALICE);
    scene.connect();
    assert!(scene.run_until(Duration::from_secs(3), |scene| scene.ends[BOB].arrivals.sounds > 20));
    let picture = scene.add_source(ALICE, MediaKind::Video);
    scene.offer(ALICE);
    assert!(scene.run_until(Duration::from_secs(3), |scene| scene.ends[BOB].arrivals.pictures > 20));
    let stats = scene.peer(ALICE).stats();
    let sounds = stats.transceivers.iter().find(|one| one.id == sound).unwrap().outbound.clone().unwrap();
    let sent = scene.ends[ALICE].sources[0].sent;
    assert!(
        sounds.packets <= u64::from(sent) && sounds.packets + 5 > u64::from(sent),
        "sound went on unharmed"
    );
    assert!(scene.ends[ALICE].peer.sender(picture).unwrap().can_send);
    assert_eq!(scene.ends[BOB].count(|event| matches!(event, Event::Track(_))), 2);
}

#[test]
fn a_removed_track_ends_at_the_remote() {
    let mut scene = Scene::call();
    assert!(scene.run_until(Duration::from_secs(3), |scene| scene.has_frames(10, 20)));
    let now = scene.now;
    let id = scene.ends[ALICE].sources[1].id;
    scene.peer(ALICE).remove_track(now, id).unwrap();
    assert_eq!(scene.peer(ALICE).transceiver(id).unwrap().direction, Direction::RecvOnly);
    let refused = scene.peer(ALICE).send_frame(now, id, &scene::media::picture(0, true, now));
    assert_eq!(refused, Err(SendError::NoTrack));
    scene.negotiate(ALICE);
    assert_eq!(scene.ends[BOB].count(|event| matches!(event, Event::TrackMuted(_))), 1);
    let before = scene.ends[ALICE].arrivals.pictures;
    assert!(
        scene.run_until(Duration::from_secs(3), |scene| scene.ends[ALICE].arrivals.pictures > before + 10)
    );
}

#[test]
fn a_stopped_transceiver_leaves_its_section_to_the_next() {
    let mut scene = Scene::call();
    let now = scene.now;
    let id = scene.ends[ALICE].sources[1].id;
    let before = needed(&scene, ALICE);
    scene.peer(ALICE).stop(now, id).unwrap();
    assert!(matches!(
        scene.peer(ALICE).set_direction(id, Direction::SendRecv),
        Err(Error::UnknownTransceiver)
    ));
    assert_eq!(scene.peer(ALICE).transceiver(id).unwrap().direction, Direction::Stopped);
    scene.negotiate(ALICE);
    assert_eq!(needed(&scene, ALICE), before + 1);
    assert!(scene.peer(ALICE).transceiver(id).is_none());
    let sections = |description: &SessionDescription| description.sdp.matches("\r\nm=").count();
    assert!(scene.peer(ALICE).local_description().unwrap().sdp.contains("m=video 0 "));
    let added = scene.add_source(ALICE, MediaKind::Video);
    scene.negotiate(ALICE);
    assert_eq!(sections(&scene.peer(ALICE).local_description().unwrap()), 2, "the place was used again");
    let count = scene.ends[BOB].arrivals.pictures;
    assert!(scene.run_until(Duration::from_secs(3), |scene| scene.ends[BOB].arrivals.pictures > count + 10));
    assert!(scene.peer(ALICE).sender(added).unwrap().can_send);
}

#[test]
fn a_direction_is_negotiated_and_keeps_to_what_it_allows() {
    let mut scene = Scene::new();
    let track = TrackInit { id: "sound".into(), stream_ids: vec!["stream".into()] };
    let init =
        TransceiverInit { direction: Direction::SendOnly, track: Some(track), ..TransceiverInit::default() };
    let id = scene.peer(ALICE).add_transceiver(MediaKind::Audio, init).unwrap();
    scene.negotiate(ALICE);
    assert_eq!(scene.peer(ALICE).transceiver(id).unwrap().current_direction, Some(Direction::SendOnly));
    let theirs = scene.peer(BOB).transceivers()[0].clone();
    assert_eq!(
        (theirs.direction, theirs.current_direction),
        (Direction::RecvOnly, Some(Direction::RecvOnly))
    );
    scene.add_source(BOB, MediaKind::Audio);
    assert_eq!(scene.peer(BOB).transceivers()[0].direction, Direction::SendRecv);
    scene.negotiate(ALICE);
    assert_eq!(scene.peer(BOB).transceivers()[0].current_direction, Some(Direction::RecvOnly));
    assert!(scene.peer(BOB).sender(theirs.id).unwrap().codec.is_none());
    scene.peer(ALICE).set_direction(id, Direction::SendRecv).unwrap();
    scene.negotiate(ALICE);
    assert_eq!(scene.peer(BOB).transceivers()[0].current_direction, Some(Direction::SendRecv));
    assert!(scene.peer(BOB).sender(theirs.id).unwrap().codec.is_some());
}

#[test]
fn codec_preferences_decide_what_is_sent() {
    let mut scene = Scene::new();
    let id = scene.add_source(ALICE, MediaKind::Video);
    let h264: Vec<_> = CodecCapability::all()
        .into_iter()
        .filter(|codec| matches!(codec.format, Format::H264 { packetization_mode: 1, .. }))
        .collect();
    scene.peer(ALICE).set_codec_preferences(id, &h264).unwrap();
    let opus: Vec<_> =
        CodecCapability::all().into_iter().filter(|codec| codec.format == Format::Opus).collect();
    assert!(matches!(scene.peer(ALICE).set_codec_preferences(id, &opus), Err(Error::Modified)));
    scene.negotiate(ALICE);
    let codec = scene.peer(ALICE).sender(id).unwrap().codec.unwrap();
    assert!(matches!(codec.format, Format::H264 { packetization_mode: 1, .. }), "{codec:?}");
}

#[test]
fn the_same_track_is_sent_once_and_stopped_is_no_direction() {
    let mut scene = Scene::new();
    let track = TrackInit { id: "sound".into(), stream_ids: Vec::new() };
    let id = scene.peer(ALICE).add_track(MediaKind::Audio, track.clone()).unwrap();
    assert!(matches!(scene.peer(ALICE).add_track(MediaKind::Audio, track), Err(Error::TrackExists)));
    let stopped = TransceiverInit { direction: Direction::Stopped, ..TransceiverInit::default() };
    assert!(matches!(scene.peer(ALICE).add_transceiver(MediaKind::Audio, stopped), Err(Error::Argument(_))));
    assert!(matches!(scene.peer(ALICE).set_direction(id, Direction::Stopped), Err(Error::Argument(_))));
}

#[test]
fn an_offer_can_be_rolled_back() {
    let mut scene = Scene::new();
    scene.add_source(ALICE, MediaKind::Audio);
    scene.add_source(BOB, MediaKind::Video);
    let now = scene.now;
    let rollback = SessionDescription { kind: SdpType::Rollback, sdp: String::new() };
    scene.peer(ALICE).set_local_description(now, None).unwrap();
    assert!(scene.peer(ALICE).transceivers()[0].mid.is_some());
    scene.peer(ALICE).set_local_description(now, Some(rollback)).unwrap();
    assert_eq!(scene.peer(ALICE).signaling_state(), SignalingState::Stable);
    assert!(scene.peer(ALICE).transceivers()[0].mid.is_none());
    scene.negotiate(BOB);
    scene.connect();
    assert!(scene.run_until(Duration::from_secs(3), |scene| scene.ends[ALICE].arrivals.pictures > 10));
}

#[test]
fn a_provisional_answer_connects_and_the_answer_settles() {
    let mut scene = Scene::new();
    scene.add_all_sources();
    scene.trickles = false;
    let now = scene.now;
    scene.peer(ALICE).set_local_description(now, None).unwrap();
    scene.drain();
    let offer = scene.peer(ALICE).local_description().unwrap();
    scene.peer(BOB).set_remote_description(now, offer).unwrap();
    let provisional = SessionDescription { kind: SdpType::Pranswer, sdp: String::new() };
    scene.peer(BOB).set_local_description(now, Some(provisional)).unwrap();
    scene.drain();
    let provisional = scene.peer(BOB).local_description().unwrap();
    assert_eq!(provisional.kind, SdpType::Pranswer);
    scene.peer(ALICE).set_remote_description(now, provisional).unwrap();
    assert_eq!(scene.peer(ALICE).signaling_state(), SignalingState::HaveRemotePranswer);
    scene.connect();
    let now = scene.now;
    scene.peer(BOB).set_local_description(now, None).unwrap();
    let answer = scene.peer(BOB).local_description().unwrap();
    assert_eq!(answer.kind, SdpType::Answer);
    scene.peer(ALICE).set_remote_description(now, answer).unwrap();
    assert_eq!(scene.peer(ALICE).signaling_state(), SignalingState::Stable);
    assert!(scene.run_until(Duration::from_secs(3), |scene| scene.has_frames(10, 20)));
}

#[test]
fn neither_a_peer_nor_its_configuration_shows_a_secret() {
    let mut config = scene::config(1, ALICE);
    config.seed = [0xa7; 32];
    let mut peer = Peer::new(config.clone()).unwrap();
    peer.add_transceiver(MediaKind::Audio, TransceiverInit::default()).unwrap();
    peer.set_local_description(scene::stage::moment(), None).unwrap();
    let sdp = peer.local_description().unwrap().sdp;
    let password = sdp.lines().find_map(|line| line.strip_prefix("a=ice-pwd:")).unwrap();
    let shown = format!("{peer:?} {config:?}");
    assert!(!shown.contains(password) && !shown.contains("167, 167"), "{shown}");
    let session = peerless_rtp::config::Config::new("name", [0xa7; 32], config.epoch);
    assert!(!format!("{session:?}").contains("167, 167"));
}

/// webrtc-pc §5.2: what was negotiated lets a sender send, whichever track it has.
#[test]
fn a_track_that_replaces_a_removed_one_is_sent_at_once() {
    let mut scene = Scene::call();
    assert!(scene.run_until(Duration::from_secs(3), |scene| scene.has_frames(10, 20)));
    let now = scene.now;
    let id = scene.ends[ALICE].sources[0].id;
    scene.peer(ALICE).remove_track(now, id).unwrap();
    scene.run_for(Duration::from_millis(200));
    let before = scene.ends[BOB].arrivals.sounds;
    let track = TrackInit { id: "another".into(), stream_ids: Vec::new() };
    let now = scene.now;
    scene.peer(ALICE).replace_track(now, id, Some(track)).unwrap();
    assert_eq!(scene.peer(ALICE).transceiver(id).unwrap().direction, Direction::RecvOnly);
    let goes_on = |scene: &Scene| scene.ends[BOB].arrivals.sounds > before + 20;
    assert!(scene.run_until(Duration::from_secs(10), goes_on), "{}", scene.states());
}
