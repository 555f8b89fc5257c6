//! We as the lite agent (RFC 8445 §2.5), against a full one of ours.

use bytes::BytesMut;
use peerless_netsim::{Filtering, Link, Mapping, Nat};
use peerless_transport::datagram::Base;
use peerless_transport::ice::{Agent, Config, Event};
use peerless_transport::state::IceState;
use peerless_wire::stun::{Attribute, Class, ErrorCode, Message, TransactionId};

use crate::words;
use crate::world::{World, at, milliseconds, seconds, some_instant};

/// The second agent is lite; the first controls.
fn world(first: &[&str], second: &[&str]) -> World {
    let mut world = World::new(7, Link { delay: milliseconds(10), ..Link::default() }, first, second);
    let mut config = Config::new([9; 32]);
    (config.lite, config.diagnostics) = (true, true);
    world.sides[1].agent = Agent::new(config);
    world
}

fn connected() -> World {
    let mut world = world(&["10.0.0.1:1000"], &["10.0.0.2:2000"]);
    world.connect(None);
    assert!(world.run(seconds(2), |world| world.are(IceState::Completed)));
    world
}

#[test]
fn a_lite_agent_answers_and_sends_nothing_of_its_own() {
    let mut world = connected();
    assert!(world.agrees() && world.is_selected());
    let is_request = |event: &Event| matches!(event, Event::Stun { sent: true, summary, .. } if summary.contains("request"));
    let requests =
        |world: &World| world.sides[1].events.iter().filter(|(_, event)| is_request(event)).count();
    assert_eq!(requests(&world), 0);
    let before = world.sides[1].sent;
    world.pass(seconds(600));
    assert!(world.are(IceState::Completed));
    assert_eq!(requests(&world), 0);
    // The answers to the consent checks of the other, one each five seconds.
    let sent = world.sides[1].sent - before;
    assert!((100..=150).contains(&sent), "{sent} in ten minutes");
}

#[test]
fn it_needs_no_candidates_of_a_peer_behind_a_nat() {
    let mut world = world(&["10.0.0.1:1000"], &["192.0.2.2:2000"]);
    let outside = "192.0.2.1".parse().unwrap();
    world.network.add_nat(Nat::new(
        outside,
        ["10.0.0.1".parse().unwrap()],
        Mapping::AddressAndPortDependent,
        Filtering::AddressAndPortDependent,
    ));
    world.connect(None);
    assert!(world.run(seconds(2), |world| world.sides[1].agent.route().is_some()));
    assert_eq!(world.sides[1].agent.route().unwrap().1.ip(), outside);
    assert!(world.run(seconds(2), |world| world.sides[0].agent.route().is_some()));
}

#[test]
fn consent_ends_with_the_peers_checks() {
    let mut world = connected();
    let cut = world.now;
    world.network.set_default_link(Link::cut());
    assert!(world.run(seconds(9), |world| world.sides[1].agent.state() == IceState::Disconnected));
    assert!(world.sides[1].agent.route().is_some(), "consent still holds");
    assert!(world.run(seconds(30), |world| world.sides[1].agent.state() == IceState::Failed));
    assert!(world.now - cut >= seconds(24) && world.now - cut <= seconds(31));
    assert_eq!(world.sides[1].agent.route(), None);
}

#[test]
fn it_follows_the_pair_nominated_last() {
    let now = some_instant();
    let mut config = Config::new([9; 32]);
    config.lite = true;
    let mut lite = Agent::new(config);
    lite.start_gathering(now);
    lite.add_local_address(now, Base::udp(at("10.0.0.2:2000")));
    lite.finish_local_addresses(now);
    let full = Agent::new(Config::new([8; 32]));
    lite.set_remote(now, full.local_credentials().clone(), false);
    let names = (full.local_credentials().clone(), lite.local_credentials().clone());
    let mut out = BytesMut::new();
    let mut check = |from: &str, priority: u32, nominates: bool, is_controlling: bool| {
        let username = format!("{}:{}", names.1.ufrag, names.0.ufrag);
        let mut attributes = vec![Attribute::Username(&username), Attribute::Priority(priority)];
        attributes.push(if is_controlling {
            Attribute::IceControlling(1)
        } else {
            Attribute::IceControlled(1)
        });
        attributes.extend(nominates.then_some(Attribute::UseCandidate));
        let request =
            words::write(Class::Request, TransactionId([1; 12]), &attributes, Some(&names.1.password));
        lite.handle_stun(now, at(from), Base::udp(at("10.0.0.2:2000")), &request);
        out.clear();
        let transmit = lite.poll_transmit(now, &mut out).expect("an answer");
        assert_eq!(transmit.destination, at(from));
        assert_eq!(lite.poll_transmit(now, &mut BytesMut::new()), None, "and nothing else");
        assert!(!lite.is_controlling());
        let answer = Message::parse(&out).unwrap();
        (answer.class(), answer.error_code(), lite.route().map(|(_, remote)| remote))
    };
    let good = |route: Option<&str>| (Class::Success, None, route.map(at));
    assert_eq!(check("10.0.0.1:1", 900, false, true), good(None), "not before it is nominated");
    assert_eq!(check("10.0.0.1:1", 900, true, true), good(Some("10.0.0.1:1")));
    assert_eq!(check("10.0.0.1:2", 100, false, true), good(Some("10.0.0.1:1")));
    assert_eq!(check("10.0.0.1:2", 100, true, true), good(Some("10.0.0.1:2")), "though it is worse");
    let conflict = (Class::Error, Some(ErrorCode::ROLE_CONFLICT), Some(at("10.0.0.1:2")));
    assert_eq!(check("10.0.0.1:1", 900, true, false), conflict, "it is always controlled");
    lite.set_controlling(true);
    assert!(!lite.is_controlling());
}

#[test]
fn restarts_keep_it_connected_whoever_begins() {
    let mut world = connected();
    for round in 0..6 {
        let (first, second) = if round % 2 == 0 { (0, 1) } else { (1, 0) };
        for side in [first, second] {
            let now = world.now;
            world.sides[side].restart(now);
            world.sides[side].gather(now, None);
        }
        let [first, second] =
            [first, second].map(|side| world.sides[side].agent.next_credentials().unwrap().clone());
        let (ours, theirs) = if round % 2 == 0 { (first, second) } else { (second, first) };
        let now = world.now;
        world.sides[0].agent.set_remote(now, theirs, true);
        world.sides[1].agent.set_remote(now, ours, false);
        world.signal();
        world.pass(seconds(60));
        assert!(world.are(IceState::Completed), "round {round}");
        assert!(world.agrees());
    }
}
