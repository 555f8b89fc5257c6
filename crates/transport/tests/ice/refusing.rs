//! What must change nothing: strangers, forgeries, noise; and what is refused how.

use bytes::{Bytes, BytesMut};
use peerless_netsim::Link;
use peerless_transport::datagram::Base;
use peerless_transport::ice::{Agent, Credentials};
use peerless_transport::state::IceState;
use peerless_wire::stun::{Attribute, Class, ErrorCode, Kind, Message, TransactionId};
use proptest::prelude::*;

use crate::words::{self, check};
use crate::world::{World, at, milliseconds, seconds};

const STRANGER: &str = "203.0.113.66:6666";

fn connected() -> World {
    let mut world = World::simple(9, Link { delay: milliseconds(10), ..Link::default() });
    world.connect(None);
    assert!(world.run(seconds(1), |world| world.are(IceState::Completed)));
    world
}

const NOMINATES: &[Attribute<'static>] = &[Attribute::UseCandidate];

/// Hands a request in, gives the answer.
fn ask(world: &mut World, source: &str, request: &[u8]) -> Option<Bytes> {
    let agent = &mut world.sides[0].agent;
    agent.handle_stun(world.now, at(source), Base::udp(at("10.0.0.1:1000")), request);
    answer(agent, world.now)
}

fn answer(agent: &mut Agent, now: std::time::Instant) -> Option<Bytes> {
    let mut out = BytesMut::new();
    agent.poll_transmit(now, &mut out).map(|_| out.freeze())
}

fn code(answer: Option<Bytes>) -> Option<ErrorCode> {
    Message::parse(&answer?).unwrap().error_code()
}

/// What a stranger could change.
fn snapshot(world: &World) -> impl PartialEq + Clone + std::fmt::Debug + use<> {
    let agent = &world.sides[0].agent;
    let known = agent.is_known(at(STRANGER), Base::udp(at("10.0.0.1:1000")));
    (agent.state(), agent.route(), agent.is_controlling(), known, agent.local_candidates().count())
}

#[test]
fn a_wrong_password_never_connects() {
    let mut world = World::simple(1, Link::default());
    world.trickles = false;
    let now = world.now;
    world.sides.iter_mut().for_each(|side| side.gather(now, None));
    for to in [0, 1] {
        let mut credentials = world.sides[1 - to].agent.local_credentials().clone();
        credentials.password.push('x');
        world.sides[to].agent.set_remote(now, credentials, false);
    }
    world.signal();
    assert!(world.run(seconds(60), |world| world.are(IceState::Failed)));
    assert!(!world.sides[0].agent.is_known(at("10.0.0.2:2000"), Base::udp(at("10.0.0.1:1000"))));
}

#[test]
fn refuses_by_the_codes_of_the_rfcs_and_changes_nothing() {
    let mut world = connected();
    let before = snapshot(&world);
    let ours = world.sides[0].agent.local_credentials().clone();
    let theirs = world.sides[1].agent.local_credentials().ufrag.clone();
    let plain = words::binding(TransactionId([1; 12]));
    assert_eq!(code(ask(&mut world, STRANGER, &plain)), Some(ErrorCode::BAD_REQUEST));
    let wrong_password = Credentials { password: "wrong".to_owned(), ..ours.clone() };
    let wrong_ufrag = Credentials { ufrag: "none".to_owned(), ..ours.clone() };
    let forged = [
        check(2, &wrong_password, &theirs, NOMINATES),
        check(3, &wrong_ufrag, &theirs, NOMINATES),
        check(4, &ours, "else", NOMINATES),
    ];
    for request in forged {
        assert_eq!(code(ask(&mut world, STRANGER, &request)), Some(ErrorCode::UNAUTHENTICATED));
    }
    let without_fingerprint = check(5, &ours, &theirs, NOMINATES);
    let mut without_fingerprint = without_fingerprint[..without_fingerprint.len() - 8].to_vec();
    without_fingerprint[3] -= 8;
    assert_eq!(ask(&mut world, STRANGER, &without_fingerprint), None);
    assert_eq!(snapshot(&world), before);
}

#[test]
fn refuses_what_it_does_not_understand_and_a_conflicting_role() {
    let mut world = connected();
    let ours = world.sides[0].agent.local_credentials().clone();
    let name = format!("{}:{}", ours.ufrag, world.sides[1].agent.local_credentials().ufrag);
    let mut write = |id, extra: Attribute<'_>| {
        let attributes = [Attribute::Username(&name), Attribute::Priority(1), extra];
        let id = TransactionId([id; 12]);
        let request = words::write(Class::Request, id, &attributes, Some(&ours.password));
        ask(&mut world, STRANGER, &request)
    };
    let refusal = write(1, Attribute::Unknown(Kind(0x7ff0), b"?")).unwrap();
    let refusal = Message::parse(&refusal).unwrap();
    assert_eq!(refusal.error_code(), Some(ErrorCode::UNKNOWN_ATTRIBUTE));
    assert!(refusal.attributes().any(|found| found == Attribute::UnknownAttributes(&[0x7f, 0xf0])));
    assert!(words::is_authentic(&refusal, &ours.password));
    assert_eq!(code(write(2, Attribute::IceControlling(0))), Some(ErrorCode::ROLE_CONFLICT));
    let optional = write(3, Attribute::Unknown(Kind(0xc057), b"network")).unwrap();
    let optional = Message::parse(&optional).unwrap();
    assert_eq!(optional.class(), Class::Success, "an optional attribute does no harm");
    assert_eq!(optional.mapped_address(), Some(at(STRANGER)));
}

#[test]
fn a_forged_answer_does_not_end_a_check() {
    let mut world = World::simple(1, Link::default());
    let now = world.now;
    world.sides.iter_mut().for_each(|side| side.gather(now, None));
    world.introduce(0);
    world.signal();
    let agent = &mut world.sides[0].agent;
    let request = answer(agent, now).unwrap();
    let id = Message::parse(&request).unwrap().transaction();
    let (peer, us) = (at("10.0.0.2:2000"), at("10.0.0.1:1000"));
    let password = world.sides[1].agent.local_credentials().password.clone();
    let agent = &mut world.sides[0].agent;
    let forged = [
        words::success(id, us, Some("wrong password")),
        words::refusal(id, ErrorCode::ROLE_CONFLICT, None),
        words::refusal(id, ErrorCode::UNAUTHENTICATED, None),
        words::success(TransactionId([7; 12]), us, Some(&password)),
    ];
    for message in forged {
        agent.handle_stun(now, peer, Base::udp(us), &message);
        assert!(agent.route().is_none() && agent.is_controlling());
    }
    agent.handle_stun(now, peer, Base::udp(us), &words::success(id, us, Some(&password)));
    assert_eq!(agent.route(), Some((Base::udp(us), peer)));
    assert_eq!(agent.dropped(), 4);
}

#[test]
fn an_authentic_answer_by_another_way_fails_the_pair() {
    let mut world = World::simple(1, Link::default());
    let now = world.now;
    world.sides.iter_mut().for_each(|side| side.gather(now, None));
    world.introduce(0);
    world.signal();
    let password = world.sides[1].agent.local_credentials().password.clone();
    let agent = &mut world.sides[0].agent;
    let id = Message::parse(&answer(agent, now).unwrap()).unwrap().transaction();
    let us = at("10.0.0.1:1000");
    agent.handle_stun(now, at(STRANGER), Base::udp(us), &words::success(id, us, Some(&password)));
    assert_eq!(agent.route(), None);
    assert!(!agent.is_known(at(STRANGER), Base::udp(us)));
}

#[test]
fn of_several_pairs_an_aggressive_peer_nominates_the_best_is_used() {
    for order in [[0, 1], [1, 0]] {
        let mut world =
            World::new(1, Link::default(), &["10.0.0.1:1000", "10.1.0.1:1000"], &["10.0.0.2:2000"]);
        world.trickles = false;
        let now = world.now;
        world.sides.iter_mut().for_each(|side| side.gather(now, None));
        world.sides[0].agent.set_controlling(false);
        world.introduce(0);
        let ours = world.sides[0].agent.local_credentials().clone();
        let theirs = world.sides[1].agent.local_credentials().clone();
        let name = format!("{}:{}", ours.ufrag, theirs.ufrag);
        for which in order {
            let (us, peer) = (world.sides[0].addresses[which], at("10.0.0.2:2000"));
            let (priority, role) = (Attribute::Priority(1), Attribute::IceControlling(1));
            let nominating = [Attribute::Username(&name), priority, role, Attribute::UseCandidate];
            let id = TransactionId([which as u8; 12]);
            let request = words::write(Class::Request, id, &nominating, Some(&ours.password));
            let agent = &mut world.sides[0].agent;
            agent.handle_stun(world.now, peer, Base::udp(us), &request);
            assert_eq!(Message::parse(&answer(agent, world.now).unwrap()).unwrap().class(), Class::Success);
            world.now += milliseconds(50);
            let check = answer(agent, world.now).unwrap();
            let id = Message::parse(&check).unwrap().transaction();
            agent.handle_stun(
                world.now,
                peer,
                Base::udp(us),
                &words::success(id, us, Some(&theirs.password)),
            );
        }
        let route = world.sides[0].agent.route();
        assert_eq!(route, Some((Base::udp(at("10.0.0.1:1000")), at("10.0.0.2:2000"))), "{order:?}");
    }
}

#[test]
fn a_peer_with_a_thousand_ports_is_bounded() {
    let mut world = World::simple(1, Link::default());
    let now = world.now;
    world.sides.iter_mut().for_each(|side| side.gather(now, None));
    let ours = world.sides[0].agent.local_credentials().clone();
    let theirs = world.sides[1].agent.local_credentials().ufrag.clone();
    let request = check(1, &ours, &theirs, &[]);
    let known = |world: &World| {
        let is_known = |port| {
            world.sides[0].agent.is_known(at(&format!("10.0.0.7:{port}")), Base::udp(at("10.0.0.1:1000")))
        };
        (1..=1000).filter(|port| is_known(*port)).count()
    };
    for port in 1..=1000 {
        ask(&mut world, &format!("10.0.0.7:{port}"), &request);
    }
    assert_eq!(known(&world), 16, "before the credentials");
    world.introduce(0);
    for port in 1..=1000 {
        ask(&mut world, &format!("10.0.0.7:{port}"), &request);
    }
    assert_eq!(known(&world), 50);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn noise_changes_nothing(
        noise in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..120), 0..20),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..4),
    ) {
        let mut world = connected();
        let ours = world.sides[0].agent.local_credentials().clone();
        let theirs = world.sides[1].agent.local_credentials().ufrag.clone();
        let before = snapshot(&world);
        for bytes in noise {
            ask(&mut world, STRANGER, &bytes);
        }
        let good = check(1, &ours, &theirs, NOMINATES);
        for (at, byte) in damage {
            let mut bytes = good.to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= byte;
            ask(&mut world, STRANGER, &bytes);
            prop_assert_eq!(snapshot(&world), before.clone());
        }
        prop_assert_eq!(snapshot(&world), before);
    }
}
