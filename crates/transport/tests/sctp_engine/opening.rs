//! The handshake.

use peerless_transport::sctp::{Closed, Event, State};

use crate::world::{Link, MS, World, config};

fn is_connected(events: &[Event]) -> bool {
    events.iter().filter(|event| matches!(event, Event::Connected { .. })).count() == 1
}

#[test]
fn one_end_opens() {
    let mut world = World::new(Link::default(), [config(1), config(2)]);
    world.ends[0].connect(world.now);
    world.run(100 * MS);
    assert!(is_connected(&world.events[0]) && is_connected(&world.events[1]));
    assert_eq!(world.ends[0].state(), State::Established);
    assert_eq!(world.ends[1].state(), State::Established);
    assert!(matches!(
        world.events[0][0],
        Event::Connected { interleaving: true, zero_checksum: true, outbound_streams: 65_535, .. }
    ));
}

#[test]
fn both_ends_open_at_once_and_it_becomes_one_association() {
    for wait in [0, 1, 9, 10, 11, 19, 20, 21, 30] {
        let mut world = World::new(Link::default(), [config(1), config(2)]);
        world.ends[0].connect(world.now);
        world.run(wait * MS);
        world.ends[1].connect(world.now);
        world.run(200 * MS);
        assert!(is_connected(&world.events[0]) && is_connected(&world.events[1]), "after {wait} ms");
        world.send(0, 0, "there", Default::default());
        world.send(1, 0, "and back", Default::default());
        world.run(200 * MS);
        assert_eq!(world.messages[1].pop_front().unwrap().payload, "there");
        assert_eq!(world.messages[0].pop_front().unwrap().payload, "and back");
    }
}

#[test]
fn the_handshake_survives_a_path_that_loses_half_of_everything() {
    let link = Link { loss: 500_000, ..Link::default() };
    let mut world = World::new(link, [config(1), config(2)]);
    for end in 0..2 {
        world.ends[end].connect(world.now);
    }
    let until = world.now + 60_000 * MS;
    let done = world.run_until(until, |world| world.events.iter().all(|events| is_connected(events)));
    assert!(done);
}

#[test]
fn a_peer_that_never_answers_ends_the_handshake() {
    let link = Link { loss: 1_000_000, ..Link::default() };
    let mut world = World::new(link, [config(1), config(2)]);
    world.ends[0].connect(world.now);
    world.run(120_000 * MS);
    assert_eq!(world.events[0], [Event::Closed(Closed::HandshakeTimeout)]);
    assert_eq!(world.sent[0], 9, "one INIT and eight more");
    assert_eq!(world.ends[0].poll_timeout(), None);
}

#[test]
fn a_shutdown_delivers_first_what_was_sent() {
    let mut world = World::open(Link { loss: 50_000, ..Link::default() }, [config(1), config(2)]);
    for _ in 0..100 {
        world.send(0, 1, vec![7; 5000], Default::default());
    }
    world.ends[0].shutdown(world.now);
    assert!(
        world.ends[0]
            .send(world.now, Default::default(), Default::default(), "x".into(), Default::default())
            .is_err()
    );
    world.run(60_000 * MS);
    assert_eq!(world.messages[1].len(), 100);
    for events in &world.events {
        assert_eq!(events.last(), Some(&Event::Closed(Closed::Shutdown)));
    }
}

#[test]
fn an_abort_tells_the_reason() {
    let mut world = World::open(Link::default(), [config(1), config(2)]);
    world.ends[0].abort(world.now, "enough");
    world.run(100 * MS);
    assert_eq!(world.events[0], [Event::Closed(Closed::Aborted)]);
    assert_eq!(
        world.events[1],
        [Event::Closed(Closed::PeerAborted { cause: Some(12), reason: "enough".into() })]
    );
    assert_eq!(world.ends[1].state(), State::Closed);
}
