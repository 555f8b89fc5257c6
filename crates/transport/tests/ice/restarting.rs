//! Restarts that are prepared, taken back, overtaken or not followed (RFC 8445 §9), and sockets that come and go.

use peerless_netsim::Link;
use peerless_transport::datagram::Base;
use peerless_transport::ice::Event;
use peerless_transport::state::{GatheringState, IceState};

use crate::world::{World, at, milliseconds, seconds};

fn connected() -> World {
    let mut world = World::simple(7, Link { delay: milliseconds(10), ..Link::default() });
    world.connect(None);
    assert!(world.run(seconds(1), |world| world.are(IceState::Completed)));
    world
}

/// Both sides restart, `first` before the other.
fn restart(world: &mut World, first: usize) {
    for side in [first, 1 - first] {
        let now = world.now;
        world.sides[side].restart(now);
        world.sides[side].gather(now, None);
    }
    world.introduce(1 - first);
    world.introduce(first);
    world.signal();
}

fn selections(world: &World, side: usize) -> usize {
    world.sides[side].events.iter().filter(|(_, event)| matches!(event, Event::Selected { .. })).count()
}

#[test]
fn a_restart_that_is_taken_back_leaves_the_credentials_of_before_in_force() {
    let mut world = connected();
    let before = world.sides[0].agent.local_credentials().clone();
    let now = world.now;
    world.sides[0].restart(now);
    let fresh = world.sides[0].agent.next_credentials().unwrap().clone();
    assert_ne!((&fresh.ufrag, &fresh.password), (&before.ufrag, &before.password));
    world.trickles = false;
    world.sides[0].gather(now, None);
    world.pass(seconds(40));
    let told = &world.sides[0].candidates;
    assert!(!told.is_empty() && told.iter().all(|one| one.ufrag.as_ref() == Some(&fresh.ufrag)));
    let in_force: Vec<_> = world.sides[0].agent.candidates_in_force().collect();
    assert!(in_force.iter().all(|one| one.ufrag.as_ref() == Some(&before.ufrag)));
    world.sides[0].agent.cancel_restart(world.now);
    assert_eq!(world.sides[0].agent.next_credentials(), None);
    assert_eq!(*world.sides[0].agent.local_credentials(), before);
    assert_eq!(world.sides[0].agent.gathering_state(), GatheringState::Complete);
    world.pass(seconds(60));
    assert!(world.are(IceState::Completed) && world.agrees());
    assert!(world.sides[0].states().iter().all(|state| *state != IceState::Disconnected));
}

#[test]
fn a_check_that_overtakes_the_answer_to_a_restart_is_answered() {
    let mut world = connected();
    world.trickles = false;
    let now = world.now;
    world.sides.iter_mut().for_each(|side| side.restart(now));
    world.sides.iter_mut().for_each(|side| side.gather(now, None));
    // The side that answers has both descriptions, the one that offers still waits.
    world.introduce(1);
    world.signal_from(0);
    assert!(world.run(seconds(2), |world| world.sides[1].agent.route().is_some()
        && world.sides[1].states().last() == Some(&IceState::Connected)));
    world.pass(seconds(40));
    assert!(world.sides[0].agent.route().is_some(), "all goes on by the generation before");
    world.introduce(0);
    world.signal();
    assert!(world.run(seconds(2), |world| selections(world, 0) == 2 && selections(world, 1) == 2));
    assert!(world.agrees());
}

#[test]
fn a_peer_that_does_not_change_its_credentials_keeps_its_candidates() {
    let mut world = connected();
    world.trickles = false;
    let now = world.now;
    world.sides[0].restart(now);
    world.sides[0].gather(now, None);
    world.introduce(1);
    world.introduce(0);
    world.signal_from(0);
    let is_done = |world: &World| selections(world, 0) == 2 && selections(world, 1) == 2;
    assert!(world.run(seconds(2), is_done));
    assert!(world.agrees());
    world.pass(seconds(60));
    assert!(world.sides.iter().all(|side| !side.states().contains(&IceState::Disconnected)));
}

#[test]
fn a_peer_that_takes_no_notice_of_a_restart_stays_connected() {
    let mut world = connected();
    world.trickles = false;
    let now = world.now;
    world.sides[0].restart(now);
    world.sides[0].gather(now, None);
    // It answers with what it had, and never learns of our new credentials.
    world.introduce(0);
    world.pass(seconds(120));
    assert!(world.agrees());
    let lost = [IceState::Disconnected, IceState::Failed];
    assert!(world.sides.iter().all(|side| side.states().iter().all(|state| !lost.contains(state))));
}

#[test]
fn what_is_not_connected_yet_goes_on_connecting_while_a_restart_waits() {
    let mut world = World::simple(3, Link { delay: milliseconds(400), ..Link::default() });
    world.connect(None);
    world.pass(milliseconds(500));
    assert!(world.are(IceState::Checking));
    let now = world.now;
    world.trickles = false;
    world.sides[0].restart(now);
    assert!(world.run(seconds(5), |world| world.agrees()));
    world.sides[0].gather(now, None);
    world.sides[1].restart(now);
    world.sides[1].gather(now, None);
    world.introduce(1);
    world.introduce(0);
    world.signal();
    assert!(world.run(seconds(10), |world| world.are(IceState::Completed)));
}

#[test]
fn roles_outlast_restarts_whoever_begins() {
    let mut world = connected();
    for round in 0..6 {
        restart(&mut world, round % 2);
        let wanted = 2 + round;
        let is_done = |world: &World| selections(world, 0) == wanted && selections(world, 1) == wanted;
        assert!(world.run(seconds(3), is_done), "round {round}");
        assert!(world.sides[0].agent.is_controlling() && !world.sides[1].agent.is_controlling());
        assert!(world.run(seconds(1), |world| world.are(IceState::Completed)));
    }
}

#[test]
fn a_socket_without_a_network_disconnects_at_once_and_comes_back_without_a_restart() {
    let mut world = connected();
    let address = at("10.0.0.1:1000");
    world.network.set_default_link(Link::cut());
    world.sides[0].agent.suspend_local_address(world.now, Base::udp(address));
    assert_eq!(world.sides[0].agent.state(), IceState::Disconnected);
    assert_eq!(world.sides[0].agent.route(), None);
    world.pass(seconds(15));
    assert!(world.are(IceState::Disconnected));
    world.network.set_default_link(Link::default());
    world.sides[0].agent.restore_local_address(world.now, Base::udp(address));
    assert!(world.run(milliseconds(100), |world| world.sides[0].agent.state() == IceState::Completed));
    assert!(world.run(seconds(10), |world| world.are(IceState::Completed)));
}

#[test]
fn a_socket_that_stays_without_a_network_fails_when_consent_ends() {
    let mut world = connected();
    world.network.set_default_link(Link::cut());
    world.sides[0].agent.suspend_local_address(world.now, Base::udp(at("10.0.0.1:1000")));
    world.pass(seconds(23));
    assert_eq!(world.sides[0].agent.state(), IceState::Disconnected);
    assert!(world.run(seconds(8), |world| world.sides[0].agent.state() == IceState::Failed));
}

#[test]
fn a_restart_leaves_out_the_socket_whose_network_is_gone() {
    let addresses = ["10.0.0.1:1000", "10.0.1.1:1000"];
    let mut world = World::new(5, Link::default(), &addresses, &["10.0.0.2:2000"]);
    world.connect(None);
    assert!(world.run(seconds(2), |world| world.are(IceState::Completed)));
    let used = world.sides[0].agent.route().unwrap().0.address;
    let other = at(addresses.into_iter().find(|one| at(one) != used).unwrap());
    world.sides[0].agent.suspend_local_address(world.now, Base::udp(used));
    world.sides[0].addresses.retain(|one| *one != used);
    restart(&mut world, 0);
    let told: Vec<_> = world.sides[0].agent.local_candidates().map(|one| one.address.ip()).collect();
    assert_eq!(told, [Some(other.ip())]);
    let is_over = |world: &World| world.sides[0].agent.route().is_some_and(|(base, _)| base.address == other);
    assert!(world.run(seconds(3), is_over));
    assert!(world.run(seconds(3), |world| world.are(IceState::Completed) && world.agrees()));
    world.sides[0].agent.remove_local_address(world.now, Base::udp(used));
    world.pass(seconds(60));
    assert!(world.are(IceState::Completed));
}

#[test]
fn a_server_that_cannot_be_reached_is_told_once() {
    let mut world = World::new(1, Link::default(), &["10.0.0.1:1000", "10.0.1.1:1000"], &["10.0.0.2:2000"]);
    let now = world.now;
    let agent = &mut world.sides[0].agent;
    agent.start_gathering(now);
    agent.add_local_address(now, Base::udp(at("10.0.0.1:1000")));
    agent.add_local_address(now, Base::udp(at("10.0.1.1:1000")));
    agent.add_stun_server(now, at("192.0.2.77:3478"), "stun:nobody.example");
    agent.add_stun_server(now, at("192.0.2.78:3478"), "stun:nobody.example");
    agent.add_stun_server(now, at("192.0.2.79:3478"), "stun:noone.example");
    agent.finish_local_addresses(now);
    world.pass(seconds(10));
    let errors = world.sides[0].events.iter().filter_map(|(_, event)| match event {
        Event::CandidateError(failure) => Some((&*failure.url, failure.code)),
        _ => None,
    });
    let errors: Vec<_> = errors.collect();
    assert_eq!(errors, [("stun:nobody.example", 701), ("stun:noone.example", 701)]);
    assert_eq!(world.sides[0].agent.gathering_state(), GatheringState::Complete);
}
