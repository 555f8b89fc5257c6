//! Consent, silence, failure, restart, lite peers.

use std::time::Duration;

use bytes::BytesMut;
use peerless_netsim::{Filtering, Link, Mapping, Nat, Network};
use peerless_transport::datagram::Base;
use peerless_transport::ice::{Agent, Config, Credentials};
use peerless_transport::state::IceState;
use peerless_wire::stun::{Class, Message};

use crate::words;
use crate::world::{SERVER, World, at, milliseconds, seconds, some_instant};

fn connected() -> World {
    let mut world = World::simple(7, Link { delay: milliseconds(10), ..Link::default() });
    world.connect(None);
    assert!(world.run(seconds(1), |world| world.are(IceState::Completed)));
    world
}

#[test]
fn consent_is_asked_for_every_four_to_six_seconds() {
    let mut world = connected();
    let before = world.sides[0].sent;
    world.pass(seconds(600));
    assert!(world.are(IceState::Completed));
    // Our own checks, and the answers to the peer's.
    let sent = world.sides[0].sent - before;
    assert!((200..=300).contains(&sent), "{sent} in ten minutes");
}

#[test]
fn without_answers_it_is_disconnected_then_failed_and_sends_nothing_more() {
    let mut world = connected();
    let cut = world.now;
    world.network.set_default_link(Link::cut());
    assert!(world.run(seconds(9), |world| world.are(IceState::Disconnected)));
    assert!(world.sides[0].agent.route().is_some(), "consent still holds");
    assert!(world.run(seconds(30), |world| world.are(IceState::Failed)));
    assert!(world.now - cut <= seconds(31) && world.now - cut >= seconds(24));
    let before = world.sides[0].sent;
    world.pass(seconds(60));
    assert_eq!(world.sides[0].sent, before);
    assert_eq!(world.sides[0].agent.route(), None);
    assert_eq!(world.sides[0].agent.poll_timeout(), None);
}

#[test]
fn a_short_silence_passes() {
    let mut world = connected();
    world.network.set_default_link(Link::cut());
    assert!(world.run(seconds(20), |world| world.are(IceState::Disconnected)));
    world.network.set_default_link(Link::default());
    assert!(world.run(seconds(7), |world| world.are(IceState::Completed)));
}

#[test]
fn media_is_a_sign_of_life_but_no_consent() {
    let mut world = connected();
    world.network.set_default_link(Link::cut());
    for _ in 0..28 {
        world.pass(seconds(1));
        if world.sides[0].agent.state() == IceState::Failed {
            break;
        }
        assert_eq!(world.sides[0].agent.state(), IceState::Completed);
        world.sides[0].agent.handle_traffic(world.now, at("10.0.0.2:2000"), Base::udp(at("10.0.0.1:1000")));
    }
    world.pass(seconds(5));
    assert_eq!(world.sides[0].agent.state(), IceState::Failed);
}

#[test]
fn with_no_way_through_it_fails_when_patience_ends() {
    let mut world = World::simple(1, Link::cut());
    world.connect(None);
    assert!(world.run(seconds(60), |world| world.are(IceState::Failed)));
    let after = world.sides[0].reached(IceState::Failed).unwrap();
    assert!((seconds(39)..=seconds(41)).contains(&after), "{after:?}");
    assert_eq!(world.sides[0].states(), [IceState::Checking, IceState::Failed]);
}

#[test]
fn a_candidate_that_comes_late_is_given_its_time() {
    let mut world = World::simple(1, Link::cut());
    world.trickles = false;
    let now = world.now;
    world.sides.iter_mut().for_each(|side| side.gather(now, None));
    world.introduce(0);
    world.introduce(1);
    world.pass(seconds(38));
    world.signal();
    world.pass(seconds(10));
    assert!(world.are(IceState::Checking), "twenty seconds from the first check");
    world.network = Network::new(1, Link::default());
    assert!(world.run(seconds(10), |world| world.are(IceState::Completed) && world.agrees()));
}

#[test]
fn a_late_candidate_is_not_hoped_for_without_end() {
    let mut world = World::simple(1, Link::cut());
    world.trickles = false;
    let now = world.now;
    world.sides.iter_mut().for_each(|side| side.gather(now, None));
    world.introduce(0);
    world.introduce(1);
    world.pass(seconds(38));
    world.signal();
    assert!(world.run(seconds(21), |world| world.are(IceState::Failed)));
    let after = world.sides[0].reached(IceState::Failed).unwrap();
    assert!((seconds(58)..=seconds(59)).contains(&after), "{after:?}");
}

#[test]
fn without_any_candidate_it_still_hopes_for_the_checks_of_the_peer() {
    let mut world = World::simple(1, Link::default());
    world.trickles = false;
    let now = world.now;
    world.sides.iter_mut().for_each(|side| side.gather(now, None));
    world.introduce(0);
    world.sides[0].agent.end_of_remote_candidates(now);
    world.pass(seconds(20));
    assert_eq!(world.sides[0].agent.state(), IceState::New);
    world.introduce(1);
    world.signal_from(0);
    assert!(world.run(seconds(1), |world| world.sides[0].agent.route().is_some() && world.agrees()));
}

#[test]
fn a_restart_keeps_the_path_until_the_new_one_works() {
    let mut world = connected();
    let before = world.sides[0].agent.local_credentials().clone();
    let route = world.sides[0].agent.route();
    for side in &mut world.sides {
        side.restart(world.now);
    }
    assert_eq!(*world.sides[0].agent.local_credentials(), before, "in force until the peer's come");
    assert!(world.are(IceState::Connected));
    world.trickles = false;
    world.pass(seconds(60));
    assert!(world.are(IceState::Connected), "the old pair keeps consent");
    assert_eq!(world.sides[0].agent.route(), route);
    world.sides.iter_mut().for_each(|side| side.events.clear());
    let now = world.now;
    world.sides.iter_mut().for_each(|side| side.gather(now, None));
    world.introduce(0);
    world.introduce(1);
    world.signal();
    assert!(world.run(seconds(1), |world| world.are(IceState::Completed) && world.is_selected()));
    assert_ne!(*world.sides[0].agent.local_credentials(), before);
    let states = world.sides[0].states();
    assert!(states.iter().all(|state| matches!(state, IceState::Completed)), "{states:?}");
}

#[test]
fn a_restart_after_failure_connects_again() {
    let mut world = connected();
    world.network.set_default_link(Link::cut());
    assert!(world.run(seconds(60), |world| world.are(IceState::Failed)));
    world.network.set_default_link(Link::default());
    for side in &mut world.sides {
        side.restart(world.now);
        side.gather(world.now, None);
    }
    world.introduce(0);
    world.introduce(1);
    world.signal();
    assert!(world.run(seconds(1), |world| world.are(IceState::Completed)));
}

#[test]
fn a_restart_asks_the_servers_again_and_keeps_consent_meanwhile() {
    let link = Link { delay: milliseconds(10), ..Link::default() };
    let mut world = World::new(3, link, &["192.168.1.2:1", "192.168.1.3:1"], &["203.0.113.2:2"]);
    let inside = ["192.168.1.2:0", "192.168.1.3:0"].map(|text| at(text).ip());
    let filtering = Filtering::AddressAndPortDependent;
    world.network.add_nat(Nat::new(
        at("198.51.100.1:0").ip(),
        inside,
        Mapping::EndpointIndependent,
        filtering,
    ));
    world.connect(Some(SERVER));
    assert!(world.run(seconds(5), |world| world.are(IceState::Completed)));
    let reflexive = |world: &World| world.sides[0].agent.local_candidates().count() - 2;
    assert_eq!(reflexive(&world), 2);
    world.trickles = false;
    let now = world.now;
    world.sides.iter_mut().for_each(|side| side.restart(now));
    assert_eq!(reflexive(&world), 0);
    world.pass(seconds(60));
    assert!(world.are(IceState::Connected));
    world.sides[0].agent.start_gathering(world.now);
    world.sides[0].agent.finish_local_addresses(world.now);
    world.pass(seconds(1));
    assert_eq!((reflexive(&world), world.sides[0].candidates.len()), (2, 4));
}

#[test]
fn closed_is_the_end() {
    let mut world = connected();
    world.sides[0].agent.close();
    assert_eq!(world.sides[0].agent.route(), None);
    assert_eq!(world.sides[0].agent.poll_timeout(), None);
    assert!(world.run(seconds(60), |world| world.sides[1].agent.state() == IceState::Failed));
    assert_eq!(world.sides[0].agent.state(), IceState::Closed);
}

/// A peer that only answers (RFC 8445 §2.5).
fn lite_answers(agent: &mut Agent, now: std::time::Instant, password: &str) -> u32 {
    let mut nominations = 0;
    let mut out = BytesMut::new();
    while let Some(transmit) = agent.poll_transmit(now, &mut out) {
        let contents = out.split();
        let request = Message::parse(&contents).unwrap();
        assert_eq!(request.class(), Class::Request);
        assert!(words::is_authentic(&request, password));
        nominations += u32::from(request.has_use_candidate());
        let answer = words::success(request.transaction(), transmit.source, Some(password));
        agent.handle_stun(now, transmit.destination, Base::udp(transmit.source), &answer);
    }
    nominations
}

#[test]
fn a_lite_peer_is_controlled_and_needs_no_checks_of_its_own() {
    let mut now = some_instant();
    let mut agent = Agent::new(Config::new([1; 32]));
    agent.set_controlling(false);
    agent.start_gathering(now);
    agent.add_local_address(now, Base::udp(at("10.0.0.1:1")));
    agent.finish_local_addresses(now);
    let password = "0123456789012345678901".to_owned();
    agent.set_remote(now, Credentials { ufrag: "lite".to_owned(), password: password.clone() }, true);
    assert!(agent.is_controlling());
    let mut candidate = agent.local_candidates().next().unwrap();
    candidate.port = 2;
    candidate.ufrag = None;
    agent.add_remote_candidate(now, &candidate).unwrap();
    agent.end_of_remote_candidates(now);
    let mut nominations = lite_answers(&mut agent, now, &password);
    assert_eq!(agent.state(), IceState::Connected);
    let end = now + Duration::from_secs(120);
    while now < end {
        now = now.max(agent.poll_timeout().unwrap());
        agent.handle_timeout(now);
        nominations += lite_answers(&mut agent, now, &password);
        assert_ne!(agent.state(), IceState::Failed);
    }
    assert_eq!((agent.state(), nominations), (IceState::Completed, 1));
}
