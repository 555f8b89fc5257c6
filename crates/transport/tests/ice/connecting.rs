//! From candidates to a selected pair.

use peerless_netsim::{Behaviour, Filtering, Link, Loss, Mapping, Nat};
use peerless_transport::datagram::Base;
use peerless_transport::ice::{Event, Shown};
use peerless_transport::state::{GatheringState, IceState};
use peerless_wire::sdp::CandidateKind;

use crate::world::{SERVER, World, at, milliseconds, seconds};

fn kinds(world: &World, side: usize) -> (CandidateKind, CandidateKind) {
    let selected = world.sides[side].events.iter().rev().find_map(|(_, event)| match event {
        Event::Selected { kinds, .. } => Some(*kinds),
        _ => None,
    });
    selected.unwrap()
}

#[test]
fn the_first_check_goes_out_at_once() {
    let mut world = World::simple(1, Link { delay: milliseconds(1), ..Link::default() });
    world.connect(None);
    assert!(world.run(milliseconds(2), |world| world.sides.iter().all(|side| side.agent.route().is_some())));
    assert!(world.run(seconds(1), |world| world.are(IceState::Completed)));
    assert!(world.agrees());
    for side in &world.sides {
        assert_eq!(side.states(), [IceState::Checking, IceState::Connected, IceState::Completed]);
        assert!(side.agent.round_trip() == Some(milliseconds(2)));
    }
}

#[test]
fn connects_through_loss_delay_reordering_and_duplication() {
    for seed in 0..200 {
        let link = Link {
            delay: milliseconds(seed),
            jitter: milliseconds(20),
            loss: Loss::Random(0.1),
            reorder: 0.1,
            duplicate: 0.1,
            ..Link::default()
        };
        let mut world = World::simple(seed, link);
        world.connect(None);
        assert!(world.run(seconds(30), |world| world.are(IceState::Completed)), "seed {seed}");
        assert!(world.agrees(), "seed {seed}");
    }
}

#[test]
fn connects_with_many_addresses_of_both_families() {
    let first = ["10.0.0.1:1", "[2001:db8::1]:1", "10.1.0.1:1", "[fe80::1]:1"];
    let second = ["10.0.0.2:2", "[2001:db8::2]:2", "10.1.0.2:2", "[fe80::2]:2"];
    let mut world = World::new(1, Link { delay: milliseconds(20), ..Link::default() }, &first, &second);
    world.connect(None);
    assert!(world.run(seconds(3), |world| world.are(IceState::Completed)));
    assert!(world.agrees());
    let best = (Base::udp(at("[2001:db8::1]:1")), at("[2001:db8::2]:2"));
    assert_eq!(world.sides[0].agent.route(), Some(best));
}

#[test]
fn a_role_conflict_ends_with_one_controlling() {
    for seed in 0..20 {
        for is_controlling in [true, false] {
            let mut world = World::simple(seed, Link { delay: milliseconds(30), ..Link::default() });
            world.sides.iter_mut().for_each(|side| side.agent.set_controlling(is_controlling));
            world.connect(None);
            assert!(world.run(seconds(5), |world| world.are(IceState::Completed)), "seed {seed}");
            let [first, second] = world.sides.each_ref().map(|side| side.agent.is_controlling());
            assert_ne!(first, second);
        }
    }
}

#[test]
fn a_check_that_overtakes_the_answer_is_answered_and_returned() {
    let mut world = World::simple(1, Link { delay: milliseconds(1), ..Link::default() });
    world.trickles = false;
    let now = world.now;
    world.sides.iter_mut().for_each(|side| side.gather(now, None));
    world.introduce(1);
    world.pass(milliseconds(0));
    world.signal_from(0);
    assert!(world.run(milliseconds(10), |world| world.sides[1].agent.route().is_some()));
    assert_eq!(world.sides[0].agent.route(), None);
    assert!(world.sides[0].agent.is_known(at("10.0.0.2:2000"), Base::udp(at("10.0.0.1:1000"))));
    assert_eq!(world.sides[0].agent.state(), IceState::New);
    world.introduce(0);
    assert!(world.run(milliseconds(3), |world| world.sides[0].agent.route().is_some()));
    assert!(world.run(seconds(1), |world| world.is_selected() && world.agrees()));
    assert_eq!(kinds(&world, 0).1, CandidateKind::PeerReflexive);
}

#[test]
fn candidates_may_come_before_or_long_after_the_credentials() {
    for wait in [0, 10_000, 30_000] {
        let mut world = World::simple(1, Link { delay: milliseconds(5), ..Link::default() });
        world.trickles = false;
        let now = world.now;
        world.sides.iter_mut().for_each(|side| side.gather(now, None));
        if wait == 0 {
            world.signal();
        }
        world.introduce(0);
        world.introduce(1);
        world.pass(milliseconds(wait));
        world.signal();
        assert!(world.run(seconds(1), |world| world.are(IceState::Completed)), "after {wait} ms");
    }
}

#[test]
fn finds_its_reflexive_candidates_behind_nats_that_filter() {
    let link = Link { delay: milliseconds(20), ..Link::default() };
    let mut world = World::new(1, link, &["192.168.1.2:1000"], &["192.168.2.2:2000"]);
    for (outside, inside) in [("198.51.100.1:0", "192.168.1.2:0"), ("198.51.100.2:0", "192.168.2.2:0")] {
        let filtering = Filtering::AddressAndPortDependent;
        let mapping = Mapping::EndpointIndependent;
        world.network.add_nat(Nat::new(at(outside).ip(), [at(inside).ip()], mapping, filtering));
    }
    world.connect(Some(SERVER));
    assert!(world.run(seconds(5), |world| world.are(IceState::Completed)));
    for side in [0, 1] {
        assert_eq!(kinds(&world, side), (CandidateKind::ServerReflexive, CandidateKind::ServerReflexive));
        let candidate = world.sides[side].agent.local_candidates().nth(1).unwrap();
        assert_eq!(candidate.kind, CandidateKind::ServerReflexive);
        assert!(candidate.related.is_some_and(|(_, port)| port == 1000 * (side as u16 + 1)));
    }
}

#[test]
fn a_symmetric_nat_shows_peer_reflexive_candidates_on_both_sides() {
    let link = Link { delay: milliseconds(20), ..Link::default() };
    let mut world = World::new(1, link, &["192.168.1.2:1000"], &["203.0.113.2:2000"]);
    let (mapping, filtering) = (Mapping::AddressAndPortDependent, Filtering::AddressAndPortDependent);
    world.network.add_nat(Nat::new(
        at("198.51.100.1:0").ip(),
        [at("192.168.1.2:0").ip()],
        mapping,
        filtering,
    ));
    world.connect(None);
    assert!(world.run(seconds(5), |world| world.are(IceState::Completed)));
    assert_eq!(kinds(&world, 0), (CandidateKind::PeerReflexive, CandidateKind::Host));
    assert_eq!(kinds(&world, 1), (CandidateKind::Host, CandidateKind::PeerReflexive));
}

#[test]
fn waits_a_little_for_the_better_pair_and_no_longer() {
    for (delay, expected) in [(100, "10.0.0.1:1000"), (2000, "10.1.0.1:1000")] {
        let first = ["10.0.0.1:1000", "10.1.0.1:1000"];
        let mut world = World::new(1, Link::default(), &first, &["10.0.0.2:2000"]);
        let slow = Link { delay: milliseconds(delay), ..Link::default() };
        let (from, to) = (at(first[0]).ip(), at("10.0.0.2:0").ip());
        world.network.set_link(from, to, slow);
        world.network.set_link(to, from, slow);
        world.connect(None);
        assert!(world.run(seconds(1), |world| world.is_selected() && world.agrees()));
        assert_eq!(world.sides[0].agent.route().unwrap().0, Base::udp(at(expected)));
    }
}

#[test]
fn gathering_ends_though_a_server_is_silent() {
    let mut world = World::simple(1, Link::default());
    world.trickles = false;
    let now = world.now;
    world.sides[0].gather(now, Some("192.0.2.200:3478"));
    world.sides[0].agent.add_stun_server(now, at("[2001:db8::9]:3478"), "stun:other");
    assert_eq!(world.sides[0].agent.gathering_state(), GatheringState::Gathering);
    world.pass(seconds(6));
    assert_eq!(world.sides[0].agent.gathering_state(), GatheringState::Complete);
    let told = world.sides[0].events.iter().find_map(|(_, event)| match event {
        Event::CandidateError(failure) => Some((failure.local, &*failure.url, failure.code)),
        _ => None,
    });
    assert_eq!(told, Some((at("10.0.0.1:1000"), "stun:server", 701)));
    assert_eq!(world.sides[0].candidates.len(), 1);
    assert_eq!(world.sides[0].agent.poll_timeout(), None);
}

#[test]
fn what_the_network_says_of_a_server_explains_its_silence_and_ends_nothing() {
    let said = "host unreachable, says 10.0.0.254";
    let mut world = World::simple(1, Link::default());
    let (now, dead) = (world.now, "192.0.2.200:3478");
    world.sides[0].gather(now, Some(dead));
    assert!(world.sides[0].agent.is_awaiting(at(dead)) && !world.sides[0].agent.is_awaiting(at(SERVER)));
    world.sides[0].agent.note_obstacle(at(dead), said);
    world.pass(seconds(4));
    assert_eq!(
        world.sides[0].agent.gathering_state(),
        GatheringState::Gathering,
        "it is asked as long as ever"
    );
    world.pass(seconds(2));
    let reasons = |world: &World| -> Vec<String> {
        let failures = world.sides[0].events.iter().filter_map(|(_, event)| match event {
            Event::CandidateError(failure) => Some(failure.reason.clone()),
            _ => None,
        });
        failures.collect()
    };
    assert_eq!(reasons(&world), ["the server did not answer: host unreachable, says 10.0.0.254"]);

    let mut world = World::simple(1, Link::default());
    let (own, server) = (at("10.0.0.1:0").ip(), at(SERVER).ip());
    world.network.set_link(own, server, Link { delay: seconds(3), ..Link::default() });
    world.sides[0].gather(now, Some(SERVER));
    world.sides[0].agent.note_obstacle(at(SERVER), said);
    assert!(world.sides[0].agent.is_awaiting(at(SERVER)));
    world.pass(milliseconds(3500));
    assert!(!world.sides[0].agent.is_awaiting(at(SERVER)), "it answers all the same");
    assert_eq!(world.sides[0].agent.gathering_state(), GatheringState::Complete);
    assert!(reasons(&world).is_empty());
}

#[test]
fn an_address_that_is_not_shown_is_told_as_servers_see_it_where_no_translator_stands_before_it() {
    for (shown, told) in [
        (None, vec!["host 10.0.0.1 1000 -"]),
        (Some(Shown::Hidden), vec!["srflx 10.0.0.1 1000 0.0.0.0"]),
        (Some(Shown::Name("a.local".into())), vec!["host a.local 1000 -", "srflx 10.0.0.1 1000 0.0.0.0"]),
        (Some(Shown::Public(at("198.51.100.7:0").ip())), vec!["host 198.51.100.7 1000 -"]),
    ] {
        let mut world = World::simple(1, Link::default());
        world.trickles = false;
        let (now, side) = (world.now, &mut world.sides[0]);
        if let Some(shown) = shown {
            side.agent.show_local_address(at("10.0.0.1:0").ip(), shown);
        }
        side.gather(now, Some(SERVER));
        world.pass(seconds(1));
        // What is told as it comes, and what stands in a description.
        let all: Vec<_> = world.sides[0].agent.local_candidates().collect();
        assert_eq!(all, world.sides[0].candidates);
        let candidates = all.iter().map(|candidate| {
            let behind = candidate.related.as_ref().map_or("-".to_owned(), |(ip, _)| ip.to_string());
            format!("{} {} {} {behind}", candidate.kind, candidate.address, candidate.port)
        });
        assert_eq!(candidates.collect::<Vec<_>>(), told);
    }
}

#[test]
fn new_transactions_are_fifty_milliseconds_apart() {
    let first = ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"];
    let mut world = World::new(1, Link::cut(), &first, &["10.0.1.1:2", "10.0.1.2:2"]);
    world.connect(Some(SERVER));
    // Before anything is repeated.
    world.pass(milliseconds(449));
    let sent =
        world.sides[0].events.iter().filter(|(_, event)| matches!(event, Event::Stun { sent: true, .. }));
    let times: Vec<_> = sent.map(|(time, _)| time.as_millis()).collect();
    assert_eq!(times, [0, 50, 100, 150, 200, 250, 300, 350, 400], "six checks, three questions");
}

/// The first is behind a translator, and has gathered.
fn behind_a_translator() -> World {
    let mut world = World::simple(1, Link::default());
    world.network.add_nat(Nat::new(
        at("198.51.100.1:0").ip(),
        [at("10.0.0.1:0").ip()],
        Mapping::EndpointIndependent,
        Filtering::EndpointIndependent,
    ));
    let now = world.now;
    world.sides[0].gather(now, Some(SERVER));
    world
}

/// How often it keeps alive in a minute what its server has shown.
fn refreshes(world: &mut World) -> usize {
    world.sides[0].events.clear();
    world.pass(seconds(60));
    let is_refresh = |event: &Event| {
        matches!(event, Event::Stun { sent: true, summary, remote }
            if *remote == at(SERVER) && summary.starts_with("binding indication"))
    };
    world.sides[0].events.iter().filter(|(_, event)| is_refresh(event)).count()
}

#[test]
fn a_reflexive_candidate_is_kept_alive_while_the_answer_is_awaited() {
    let mut world = behind_a_translator();
    world.pass(seconds(1));
    assert_eq!(refreshes(&mut world), 4, "one each 15 s");
    let now = world.now;
    world.sides[1].gather(now, None);
    world.introduce(0);
    world.introduce(1);
    world.pass(seconds(1));
    assert_eq!(refreshes(&mut world), 0, "the pair in use keeps itself");
    assert!(world.sides[0].agent.route().is_some());
}

#[test]
fn what_was_gathered_is_kept_alive_through_a_restart_that_is_taken_back_and_no_longer_than_hope() {
    let mut world = behind_a_translator();
    world.pass(seconds(1));
    let now = world.now;
    world.sides[0].restart(now);
    world.sides[0].agent.cancel_restart(now);
    assert_eq!(refreshes(&mut world), 4);
    world.network.set_default_link(Link::cut());
    world.introduce(0);
    assert!(world.run(seconds(60), |world| world.sides[0].agent.state() == IceState::Failed));
    assert_eq!(refreshes(&mut world), 0);
}

#[test]
fn an_answer_after_five_minutes_finds_reflexive_candidates_behind_translators_that_forget() {
    let mut world = World::simple(1, Link { delay: milliseconds(10), ..Link::default() });
    for (outside, inside) in [("198.51.100.1:0", "10.0.0.1:0"), ("198.51.100.2:0", "10.0.0.2:0")] {
        let behaviour = Behaviour { timeout: Some(seconds(30)), ..Behaviour::default() };
        world.network.add_nat(Nat::with(at(outside).ip(), [at(inside).ip()], behaviour));
    }
    let now = world.now;
    world.sides[0].gather(now, Some(SERVER));
    world.pass(seconds(300));
    let now = world.now;
    world.sides[1].gather(now, Some(SERVER));
    world.introduce(0);
    world.introduce(1);
    assert!(world.run(seconds(5), World::is_selected));
    let route = world.sides[1].agent.route().unwrap();
    let told = world.sides[0].events.iter().any(|(_, event)| {
        matches!(event, Event::Candidate(one) if (one.address.ip(), one.port) == (Some(route.1.ip()), route.1.port()))
    });
    assert!(told, "by the address that the server showed: {route:?}");
}

#[test]
fn tells_of_each_message_in_words_without_secrets() {
    let mut world = World::simple(1, Link::default());
    world.connect(None);
    world.run(seconds(1), World::is_selected);
    let password = world.sides[1].agent.local_credentials().password.clone();
    let summaries = world.sides[0].events.iter().filter_map(|(_, event)| match event {
        Event::Stun { sent, summary, .. } => Some((*sent, summary.as_str())),
        _ => None,
    });
    let summaries: Vec<_> = summaries.collect();
    let is_nomination = |text: &str| text.contains(" use-candidate") && text.contains(" controlling");
    assert!(summaries.iter().any(|(sent, text)| *sent && is_nomination(text)));
    assert!(summaries.iter().any(|(sent, text)| !*sent && text.starts_with("binding success")));
    assert!(summaries.iter().all(|(_, text)| !text.contains(&password)));
}
