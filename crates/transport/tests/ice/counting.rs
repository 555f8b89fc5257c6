//! What is counted of checks and traffic, and how candidates and pairs are shown (webrtc-stats §8.18, §8.19).

use bytes::BytesMut;
use peerless_netsim::{Filtering, Link, Mapping, Nat};
use peerless_transport::datagram::{Base, Protocol, Transmit};
use peerless_transport::ice::stats::{PairStateStats, PairStats, Stats};
use peerless_transport::state::IceState;
use peerless_wire::sdp::CandidateKind;

use crate::world::{SERVER, World, at, milliseconds, seconds};

fn connected() -> World {
    let mut world = World::simple(9, Link { delay: milliseconds(10), ..Link::default() });
    world.connect(None);
    assert!(world.run(seconds(1), |world| world.are(IceState::Completed)));
    world
}

fn selected(stats: &Stats) -> &PairStats {
    let number = stats.selected.expect("a pair is selected");
    let pair = stats.pairs.iter().find(|pair| pair.number == number).unwrap();
    assert!(stats.locals.iter().any(|local| local.key == pair.local), "{pair:?}");
    assert!(stats.remotes.iter().any(|remote| remote.key == pair.remote), "{pair:?}");
    pair
}

#[test]
fn checks_answers_and_consent_are_counted_alike_on_both_sides() {
    let mut world = connected();
    world.pass(seconds(60));
    let both = [0, 1].map(|side| world.sides[side].agent.stats());
    for (ours, theirs) in [(&both[0], &both[1]), (&both[1], &both[0])] {
        let (pair, other) = (selected(ours), selected(theirs));
        assert_eq!((pair.state, pair.is_nominated), (PairStateStats::Succeeded, true));
        let counts = &pair.counts;
        assert!(counts.requests_sent >= 1 && counts.consent_requests_sent > 8, "{counts:?}");
        let asked = counts.requests_sent + counts.consent_requests_sent;
        assert!(other.counts.requests_received >= asked - 1, "{counts:?}, {:?}", other.counts);
        assert_eq!(other.counts.responses_sent, other.counts.requests_received);
        assert!(counts.responses_received >= asked - 1 && counts.responses_received <= asked);
        assert_eq!(counts.round_trip, Some(milliseconds(20)));
        let measured = u64::try_from(counts.total_round_trip.as_millis()).unwrap();
        assert!(measured.is_multiple_of(20) && measured <= 20 * counts.responses_received, "{counts:?}");
        assert_eq!((counts.packets_sent, counts.packets_received), (0, 0), "checks are no traffic");
        assert_eq!(ours.selected_changes, 1);
    }
}

#[test]
fn traffic_is_counted_for_the_pair_it_goes_by() {
    let mut world = connected();
    let now = world.now;
    let (ours, theirs) = (at("10.0.0.1:1000"), at("10.0.0.2:2000"));
    let agent = &mut world.sides[0].agent;
    agent.count_sent(3, 3000);
    agent.count_received(now, theirs, Base::udp(ours), 500);
    agent.count_received(now, at("10.0.0.3:1"), Base::udp(ours), 500);
    let lost = Transmit {
        source: ours,
        destination: theirs,
        protocol: Protocol::Udp,
        ecn: None,
        size: 2500,
        segment_size: Some(1000),
    };
    agent.count_discarded(&lost);
    let stats = agent.stats();
    let counts = selected(&stats).counts;
    assert_eq!((counts.packets_sent, counts.bytes_sent), (3, 3000));
    assert_eq!((counts.packets_received, counts.bytes_received), (1, 500));
    assert_eq!((counts.packets_discarded, counts.bytes_discarded), (3, 2500));
    assert_eq!((counts.last_sent, counts.last_received), (Some(now), Some(now)));
}

#[test]
fn a_pair_of_before_a_restart_keeps_its_candidates_until_another_is_selected() {
    let mut world = connected();
    let before = world.sides[0].agent.stats();
    let old = selected(&before).clone();
    let now = world.now;
    for side in [0, 1] {
        world.sides[side].restart(now);
        world.sides[side].gather(now, None);
    }
    world.introduce(0);
    world.introduce(1);
    // The new generation has not signalled its candidates yet: the old pair is in use.
    let between = world.sides[0].agent.stats();
    assert_eq!(selected(&between).number, old.number);
    assert!(between.locals.len() > 1, "{between:?}");
    world.signal();
    assert!(world.run(seconds(2), |world| {
        world.sides.iter().all(|side| side.agent.stats().selected_changes == 2)
    }));
    let after = world.sides[0].agent.stats();
    let new = selected(&after);
    assert!(new.number != old.number && new.local != old.local && new.remote != old.remote);
    world.sides[0].agent.close();
    let mut rest = BytesMut::new();
    assert!(world.sides[0].agent.poll_transmit(world.now, &mut rest).is_none());
    let closed = world.sides[0].agent.stats();
    assert_eq!((closed.selected, closed.selected_changes), (None, 3));
}

#[test]
fn candidates_are_shown_with_what_is_behind_them() {
    let mut world = World::simple(3, Link { delay: milliseconds(5), ..Link::default() });
    world.network.add_nat(Nat::new(
        at("203.0.113.1:0").ip(),
        [at("10.0.0.1:0").ip()],
        Mapping::EndpointIndependent,
        Filtering::AddressDependent,
    ));
    world.connect(Some(SERVER));
    assert!(world.run(seconds(5), |world| world.are(IceState::Completed)));
    let stats = world.sides[0].agent.stats();
    let reflexive = stats.locals.iter().find(|local| local.kind == CandidateKind::ServerReflexive).unwrap();
    assert_eq!(reflexive.url.as_deref(), Some("stun:server"));
    assert_eq!(reflexive.related, Some(("10.0.0.1".to_owned(), 1000)));
    let ufrag = world.sides[0].agent.local_credentials().ufrag.clone();
    assert!(stats.locals.iter().all(|local| local.ufrag.as_ref() == Some(&ufrag)), "{:?}", stats.locals);
    let theirs = world.sides[1].agent.stats();
    let signalled =
        theirs.remotes.iter().find(|remote| remote.kind == CandidateKind::ServerReflexive).unwrap();
    assert_eq!((&signalled.related, signalled.address), (&reflexive.related, reflexive.address));
    assert_eq!((&signalled.foundation, &signalled.url), (&reflexive.foundation, &None));
}
