//! Connections that last: networks and addresses come and go for ever, and leave nothing behind that would keep out others.

use peerless_netsim::Link;
use peerless_transport::datagram::Base;
use peerless_transport::ice::CandidateError;
use peerless_transport::ice::stats::Stats;
use peerless_wire::sdp::{Address, Candidate, CandidateKind, TransportProtocol};
use peerless_wire::stun::{Attribute, Class, TransactionId};

use crate::words;
use crate::world::{World, at, milliseconds, seconds};

/// Which side's network comes and goes.
const FLAPPING: [&str; 2] = ["10.2.0.1", "10.2.0.2"];

fn assert_bounded(stats: &Stats) {
    let counts = (stats.locals.len(), stats.remotes.len(), stats.pairs.len());
    assert!(counts.0 <= 100 && counts.1 <= 150 && counts.2 <= 104, "{counts:?}");
}

/// Gives a side one address more, and has the other told of it.
fn join(world: &mut World, side: usize, address: &str) -> Base {
    let (now, base) = (world.now, Base::udp(at(address)));
    world.sides[side].addresses.push(base.address);
    world.sides[side].agent.add_local_address(now, base);
    base
}

/// Takes an address away, as when it has been missing for too long.
fn leave(world: &mut World, side: usize, base: Base) {
    let now = world.now;
    world.sides[side].addresses.retain(|address| *address != base.address);
    world.sides[side].agent.suspend_local_address(now, base);
    world.pass(milliseconds(300));
    let now = world.now;
    world.sides[side].agent.remove_local_address(now, base);
}

#[test]
fn a_network_that_comes_and_goes_ten_thousand_times_leaves_nothing_behind() {
    let link = Link { delay: milliseconds(20), ..Link::default() };
    let (first, second) = (["10.1.0.1:1000"], ["10.1.0.2:2000"]);
    let mut world = World::with_policies(5, link, (&first, true), (&second, true));
    world.media = Some(milliseconds(200));
    world.connect(None);
    assert!(world.run(seconds(5), |world| world.is_selected() && world.agrees()));
    for round in 0..10_000_u32 {
        let side = (round % 2) as usize;
        let address = format!("{}:{}", FLAPPING[side], 1025 + round);
        let base = join(&mut world, side, &address);
        world.pass(milliseconds(1000));
        let stats = world.sides[side].agent.stats();
        let candidate = stats.locals.iter().find(|local| local.address == base.address).expect("a candidate");
        let is_its = |pair: &&peerless_transport::ice::stats::PairStats| pair.local == candidate.key;
        assert!(stats.pairs.iter().any(|pair| is_its(&pair)), "round {round}: pairs with it");
        let theirs = world.sides[1 - side].agent.stats();
        let is_known = theirs.remotes.iter().any(|remote| remote.address == base.address);
        assert!(is_known, "round {round}: the peer keeps it");
        leave(&mut world, side, base);
        for side in &mut world.sides {
            assert_bounded(&side.agent.stats());
            side.events.clear();
        }
        if round % 100 == 0 {
            world.pass(seconds(3));
            assert!(
                world.agrees(),
                "round {round}: {:?}",
                world.sides.each_ref().map(|one| one.agent.route())
            );
            let carried = world.sides.each_ref().map(|side| side.carried.len());
            world.pass(seconds(2));
            assert!((0..2).all(|side| world.sides[side].carried.len() > carried[side] + 5), "round {round}");
            world.sides.iter_mut().for_each(|side| side.carried.clear());
        }
    }
    // There is room for what comes last, and the call moves there.
    join(&mut world, 0, "10.3.0.1:1000");
    join(&mut world, 1, "10.3.0.2:2000");
    world.pass(seconds(3));
    for (side, address) in [(0, first[0]), (1, second[0])] {
        leave(&mut world, side, Base::udp(at(address)));
    }
    let is_there = |world: &World| {
        world.sides[0]
            .agent
            .route()
            .is_some_and(|route| route == (Base::udp(at("10.3.0.1:1000")), at("10.3.0.2:2000")))
    };
    let has_moved = world.run(seconds(5), |world| is_there(world) && world.agrees());
    let routes = world.sides.each_ref().map(|side| (side.agent.state(), side.agent.route()));
    assert!(has_moved, "{routes:?}");
}

#[test]
fn checks_from_many_ports_do_not_keep_out_what_is_signalled() {
    let mut world = World::simple(1, Link::default());
    world.trickles = false;
    let now = world.now;
    world.sides.iter_mut().for_each(|side| side.gather(now, None));
    world.introduce(0);
    let ours = world.sides[0].agent.local_credentials().clone();
    let theirs = world.sides[1].agent.local_credentials().ufrag.clone();
    let name = format!("{}:{theirs}", ours.ufrag);
    // All of these are authentic, and none of them answers.
    for port in 0..1000_u16 {
        let mut id = [0; 12];
        id[..2].copy_from_slice(&port.to_be_bytes());
        // As good as they can be, so that they come before all others.
        let attributes =
            [Attribute::Username(&name), Attribute::Priority(u32::MAX / 2), Attribute::IceControlled(1)];
        let check = words::write(Class::Request, TransactionId(id), &attributes, Some(&ours.password));
        let source = at(&format!("203.0.113.66:{}", 1025 + port));
        world.sides[0].agent.handle_stun(world.now, source, Base::udp(at("10.0.0.1:1000")), &check);
    }
    assert_bounded(&world.sides[0].agent.stats());
    world.introduce(1);
    world.signal();
    let is_known = |world: &World| {
        world.sides[0].agent.stats().remotes.iter().any(|one| one.address == at("10.0.0.2:2000"))
    };
    assert!(is_known(&world));
    assert!(world.run(seconds(10), |world| world.is_selected() && world.agrees()));
    assert_eq!(world.sides[0].agent.route(), Some((Base::udp(at("10.0.0.1:1000")), at("10.0.0.2:2000"))));
    assert_bounded(&world.sides[0].agent.stats());
}

fn signalled(port: u16) -> Candidate {
    Candidate {
        foundation: port.to_string(),
        component: 1,
        transport: TransportProtocol::Udp,
        priority: u32::from(port),
        address: Address::Ip([10, 9, 9, 9].into()),
        port,
        kind: CandidateKind::Relay,
        related: None,
        tcp_type: None,
        ufrag: None,
        extensions: Vec::new(),
    }
}

#[test]
fn signalled_candidates_that_may_still_work_are_kept_and_failed_ones_give_way() {
    let mut world =
        World::with_policies(1, Link::default(), (&["10.0.0.1:1"], true), (&["10.0.0.2:2"], true));
    world.trickles = false;
    world.connect(None);
    assert!(world.run(seconds(5), |world| world.is_selected() && world.agrees()));
    let tell = |world: &mut World, numbers: std::ops::RangeInclusive<u16>| {
        let (now, agent) = (world.now, &mut world.sides[0].agent);
        numbers.map(|number| agent.add_remote_candidate(now, &signalled(number))).collect::<Vec<_>>()
    };
    assert!(tell(&mut world, 1..=99).iter().all(Result::is_ok));
    let refused = [Err(CandidateError::TooMany { limit: 100 })];
    assert_eq!(tell(&mut world, 100..=100), refused, "all of them are still to be checked");
    world.pass(seconds(60));
    assert!(tell(&mut world, 101..=199).iter().all(Result::is_ok), "none of the others has answered");
    assert_eq!(tell(&mut world, 200..=200), refused);
    let stats = world.sides[0].agent.stats();
    let ports: Vec<u16> = stats.remotes.iter().map(|remote| remote.address.port()).collect();
    assert!(ports.contains(&2) && ports.contains(&199) && !ports.contains(&1), "{ports:?}");
    assert_bounded(&stats);
    world.pass(seconds(60));
    assert!(world.agrees());
}
