//! Servers that are reached by streams (RFC 8656 §2.1): the same, but for what is never sent again, and for streams that end.

use peerless_transport::datagram::Carrier;
use peerless_transport::state::{GatheringState, IceState};
use peerless_wire::stun::Method;

use crate::server::Server;
use crate::world::{World, seconds};

const SERVER: &str = crate::world::SERVER;

fn connected() -> World {
    let mut world = World::new(Server::new(SERVER));
    world.gather_by_stream();
    world.gather(1, &[]);
    world.introduce();
    assert!(world.run(seconds(30), World::is_connected));
    world
}

#[test]
fn a_stream_to_the_server_carries_all_there_is() {
    let mut world = connected();
    assert_eq!(world.transports[0].route().unwrap().0.carrier, Carrier::Relay);
    let stats = world.transports[0].ice().stats();
    assert_eq!(stats.locals[0].relay_protocol.unwrap().as_str(), "tcp");
    world.message(0, 100_000);
    world.message(1, 100_000);
    world.send_media(0, &[1000; 10]);
    world.pass(seconds(1));
    assert_eq!(world.received[1].len(), 10);
    assert_eq!(world.direct, 0);
}

#[test]
fn with_the_stream_goes_the_relay_and_a_restart_opens_another() {
    let mut world = connected();
    world.end_stream();
    assert!(world.transports[0].route().is_none());
    let now = world.now;
    for end in 0..2 {
        let credentials = world.transports[end].ice_mut().fresh_credentials();
        world.transports[end].ice_mut().restart(now, credentials);
    }
    world.gather_by_stream();
    world.gather(1, &[]);
    world.introduce();
    let is_back = |world: &World| {
        let state = world.transports[0].ice().state();
        matches!(state, IceState::Connected | IceState::Completed)
    };
    assert!(world.run(seconds(30), is_back));
    world.message(0, 10_000);
    world.message(1, 10_000);
}

#[test]
fn a_stream_that_cannot_be_opened_is_told_with_its_reason() {
    let mut server = Server::new(SERVER);
    server.is_dead = true;
    let mut world = World::new(server);
    world.gather_by_stream();
    world.pass(seconds(1));
    assert_eq!(world.servers[0].asked(Method::ALLOCATE), 0);
    world.end_stream();
    let is_complete = |world: &World| world.transports[0].ice().gathering_state() == GatheringState::Complete;
    assert!(world.run(seconds(1), is_complete));
    assert_eq!((world.errors[0].code, world.errors[0].reason.as_str()), (701, "connection reset"));
}
