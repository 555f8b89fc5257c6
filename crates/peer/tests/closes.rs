//! How a call ends: by a goodbye, and without one.

mod scene;

use std::time::Duration;

use bytes::BytesMut;
use peerless_netsim::Link;
use peerless_peer::error::Error;
use peerless_peer::event::Event;
use peerless_peer::media::SendError;
use peerless_peer::state::{ConnectionState, IceConnectionState, MediaKind, SignalingState};
use peerless_transport::state::DtlsState;
use scene::{ALICE, Adjust, BOB, Scene, Setting};

#[test]
fn closing_says_goodbye_at_once() {
    let diagnostics: Adjust = |_, config| config.diagnostics = true;
    let mut scene = Scene::call_with(Setting { adjust: diagnostics, ..Setting::default() });
    assert!(scene.run_until(Duration::from_secs(3), |scene| scene.has_frames(5, 10)));
    let now = scene.now;
    let events = scene.ends[ALICE].events.len();
    scene.peer(ALICE).close(now);
    let closed = |scene: &Scene| {
        scene.ends[BOB].count(|event| matches!(event, Event::DtlsState(_, DtlsState::Closed))) == 1
    };
    assert!(scene.run_until(Duration::from_secs(1), closed), "close_notify came within a second");
    let is_bye = |event: &Event| format!("{event:?}").contains("BYE");
    assert!(scene.ends[BOB].count(is_bye) >= 1, "and BYE before it");
    assert_eq!(scene.ends[ALICE].events.len(), events, "closing gives no events (webrtc-pc §4.4.1)");
    let id = scene.ends[BOB].sources[0].id;
    let now = scene.now;
    let refused = scene.peer(BOB).send_frame(now, id, &scene::media::sound(9, now));
    assert_eq!(refused, Err(SendError::NotConnected));
}

#[test]
fn a_closed_peer_refuses_all_and_sends_no_more_than_its_goodbye() {
    let mut scene = Scene::call();
    let now = scene.now;
    let id = scene.ends[ALICE].sources[0].id;
    let peer = &mut scene.ends[ALICE].peer;
    peer.close(now);
    peer.close(now);
    assert!(peer.is_closed());
    assert_eq!(peer.signaling_state(), SignalingState::Closed);
    assert_eq!(peer.connection_state(), ConnectionState::Closed);
    assert_eq!(peer.ice_connection_state(), IceConnectionState::Closed);
    let mut out = BytesMut::new();
    let mut goodbyes = 0;
    while peer.poll_transmit(now, &mut out).is_some() {
        goodbyes += 1;
        assert!(goodbyes < 20);
    }
    assert!(goodbyes >= 2, "BYE and close_notify");
    assert!(peer.poll_timeout().is_none());
    assert!(matches!(peer.create_offer(), Err(Error::Closed)));
    assert!(matches!(peer.set_local_description(now, None), Err(Error::Closed)));
    assert!(matches!(peer.add_track(MediaKind::Audio, Default::default()), Err(Error::Closed)));
    assert_eq!(peer.send_frame(now, id, &scene::media::sound(1, now)), Err(SendError::Closed));
    assert!(!peer.sender(id).unwrap().can_send);
}

#[test]
fn a_peer_closed_before_it_connected_has_nothing_to_say() {
    let mut scene = Scene::new();
    scene.add_all_sources();
    scene.negotiate(ALICE);
    let now = scene.now;
    let peer = &mut scene.ends[BOB].peer;
    peer.close(now);
    assert!(peer.poll_transmit(now, &mut BytesMut::new()).is_none());
    assert!(peer.poll_event().is_none() || peer.is_closed());
}

#[test]
fn a_remote_that_falls_silent_is_disconnected_then_failed_and_frames_are_refused() {
    let mut scene = Scene::call();
    scene.run_for(Duration::from_secs(1));
    scene.network.set_default_link(Link::cut());
    let state = |scene: &Scene| scene.ends[ALICE].peer.connection_state();
    let disconnected = |scene: &Scene| state(scene) == ConnectionState::Disconnected;
    assert!(scene.run_until(Duration::from_secs(15), disconnected), "{}", scene.states());
    let failed = |scene: &Scene| state(scene) == ConnectionState::Failed;
    assert!(scene.run_until(Duration::from_secs(60), failed), "{}", scene.states());
    let (now, id) = (scene.now, scene.ends[ALICE].sources[0].id);
    let refused = scene.peer(ALICE).send_frame(now, id, &scene::media::sound(9, now));
    assert_eq!(refused, Err(SendError::NotConnected));
}

#[test]
fn a_remote_that_comes_back_goes_on_with_a_key_frame() {
    let mut scene = Scene::call();
    scene.run_for(Duration::from_secs(1));
    scene.network.set_default_link(Link::cut());
    let disconnected =
        |scene: &Scene| scene.ends[ALICE].peer.connection_state() == ConnectionState::Disconnected;
    assert!(scene.run_until(Duration::from_secs(15), disconnected), "{}", scene.states());
    scene.network.set_default_link(scene::delay(20));
    let keys = scene.ends[BOB].arrivals.key_pictures;
    scene.connect();
    let pictures = scene.ends[BOB].arrivals.pictures;
    let flows = |scene: &Scene| {
        let arrivals = &scene.ends[BOB].arrivals;
        arrivals.pictures > pictures + 10 && arrivals.key_pictures > keys
    };
    assert!(scene.run_until(Duration::from_secs(5), flows), "{}", scene.states());
}
