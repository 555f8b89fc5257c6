//! Restarts in every state of ICE: before it is connected, while it is disconnected, after it has failed.

use std::time::Duration;

use peerless_netsim::Link;
use peerless_peer::event::Event;
use peerless_peer::state::{ConnectionState, IceConnectionState};
use peerless_transport::datagram::Base;

use crate::scene::{ALICE, BOB, Scene, Setting, delay};
use crate::words::{restart, selections};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn flows(scene: &mut Scene) {
    let since = scene.ends.each_ref().map(|end| end.arrivals.pictures);
    let flows = scene.run_until(seconds(5), |scene| {
        scene.ends.iter().zip(since).all(|(end, since)| end.arrivals.pictures > since + 10)
    });
    assert!(flows, "{}", scene.states());
}

#[test]
fn a_restart_before_it_is_connected_connects() {
    for (side, delay_ms) in [(ALICE, 200), (BOB, 200), (ALICE, 500), (BOB, 500)] {
        let mut scene = Scene::with(Setting { link: delay(delay_ms), ..Setting::default() });
        scene.add_all_sources();
        scene.negotiate(ALICE);
        scene.run_for(Duration::from_millis(30));
        assert!(!scene.is_connected());
        restart(&mut scene, side);
        scene.connect();
        flows(&mut scene);
    }
}

#[test]
fn a_restart_while_disconnected_or_failed_brings_it_back_whoever_starts_it() {
    for side in [ALICE, BOB] {
        for lost in [IceConnectionState::Disconnected, IceConnectionState::Failed] {
            let mut scene = Scene::call();
            flows(&mut scene);
            scene.network.set_default_link(Link::cut());
            let is_lost =
                |scene: &Scene| scene.ends.iter().all(|end| end.peer.ice_connection_state() == lost);
            assert!(scene.run_until(seconds(60), is_lost), "{}", scene.states());
            scene.network.set_default_link(delay(20));
            let before = scene.ends.each_ref().map(selections);
            restart(&mut scene, side);
            scene.connect();
            let anew =
                |scene: &Scene| scene.ends.iter().zip(before).all(|(end, before)| selections(end) > before);
            assert!(scene.run_until(seconds(5), anew), "{side} {lost}: {}", scene.states());
            flows(&mut scene);
        }
    }
}

#[test]
fn a_network_that_is_gone_is_told_at_once_and_one_that_is_back_needs_no_restart() {
    let mut scene = Scene::call();
    flows(&mut scene);
    let (now, address) = (scene.now, scene.ends[ALICE].address);
    scene.network.set_default_link(Link::cut());
    scene.peer(ALICE).suspend_local_address(now, Base::udp(address));
    scene.drain();
    let last = scene.ends[ALICE].events.iter().rev().find_map(|event| match event {
        Event::ConnectionState(state) => Some(*state),
        _ => None,
    });
    assert_eq!(last, Some(ConnectionState::Disconnected));
    scene.run_for(seconds(12));
    scene.network.set_default_link(delay(20));
    let now = scene.now;
    scene.peer(ALICE).restore_local_address(now, Base::udp(address));
    scene.connect();
    assert!(scene.ends.iter().all(|end| selections(end) == 1));
    flows(&mut scene);
}

#[test]
fn a_restart_that_waits_long_for_its_answer_keeps_consent_meanwhile() {
    let mut scene = Scene::call();
    flows(&mut scene);
    scene.signalling_delay = seconds(100);
    restart(&mut scene, ALICE);
    for _ in 0..9 {
        scene.run_for(seconds(10));
        assert!(scene.is_connected(), "{}", scene.states());
        flows(&mut scene);
    }
    scene.signalling_delay = Duration::from_millis(10);
    assert!(scene.run_until(seconds(120), |scene| scene.ends.iter().all(|end| selections(end) == 2)));
    flows(&mut scene);
}
