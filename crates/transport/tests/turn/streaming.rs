//! Servers that are reached by streams (RFC 8656 §2.1): the same, but for what is never sent again, and for streams that end.

use peerless_transport::datagram::{Carrier, Protocol, StreamId};
use peerless_transport::state::{GatheringState, IceState};
use peerless_transport::turn::Alternate;
use peerless_wire::stun::{ErrorCode, Method};

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

#[test]
fn another_server_is_followed_by_another_stream_and_no_circle() {
    let other = "192.0.2.8:3478";
    let is_complete = |world: &World| world.transports[0].ice().gathering_state() == GatheringState::Complete;
    for (times, errors) in [(1, vec![]), (9, vec![300])] {
        let mut servers = [Server::new(SERVER), Server::new(other)];
        for (server, alternate) in servers.iter_mut().zip([other, SERVER]) {
            server.alternate = Some(alternate.parse().unwrap());
        }
        servers[0].refusals.extend(vec![(Method::ALLOCATE, ErrorCode::TRY_ALTERNATE); times]);
        servers[1].refusals.extend(vec![(Method::ALLOCATE, ErrorCode::TRY_ALTERNATE); times - 1]);
        let [first, second] = servers;
        let mut world = World::new(first);
        world.servers.push(second);
        world.gather_by_stream();
        assert!(world.run(seconds(30), is_complete));
        assert_eq!(world.errors.iter().map(|error| error.code).collect::<Vec<_>>(), errors);
        let (local, remote) = (world.stream.unwrap(), SERVER.parse().unwrap());
        let instead_of = StreamId { protocol: Protocol::Tcp, local, remote };
        assert_eq!(world.followed, [Alternate { instead_of, address: other.parse().unwrap(), domain: None }]);
        let lent: Vec<_> = world.candidates[0].iter().map(|one| one.address.to_string()).collect();
        assert_eq!(lent, if errors.is_empty() { vec!["192.0.2.8"] } else { vec![] });
    }
}
