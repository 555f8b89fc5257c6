//! What a server refuses, and what is done about it (RFC 8656 §7.4, §9, §12; RFC 8489 §9.2.5, §10).

use peerless_transport::datagram::Carrier;
use peerless_wire::sdp::CandidateKind;
use peerless_wire::stun::{ErrorCode, Method};

use crate::server::{PASSWORD, Server};
use crate::world::{SERVER, World, seconds, turn_server};

/// What is told where the server refuses an allocation so.
fn told(code: ErrorCode) -> Vec<u16> {
    let mut server = Server::new(SERVER);
    server.refusals.push_back((Method::ALLOCATE, code));
    let mut world = World::new(server);
    let took = world.gathered(&[turn_server(SERVER, PASSWORD)]);
    assert!(took < seconds(1));
    assert!(world.errors.iter().all(|error| error.is_hidden && &*error.url == "turn:192.0.2.9:3478"));
    world.errors.iter().map(|error| error.code).collect()
}

#[test]
fn what_the_server_refuses_for_good_is_told_with_its_code() {
    let codes = [
        ErrorCode::BAD_REQUEST,
        ErrorCode::FORBIDDEN,
        ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED,
        ErrorCode::WRONG_CREDENTIALS,
        ErrorCode::UNSUPPORTED_TRANSPORT,
        ErrorCode::ALLOCATION_QUOTA_REACHED,
        ErrorCode::SERVER_ERROR,
        ErrorCode::INSUFFICIENT_CAPACITY,
    ];
    for code in codes {
        assert_eq!(told(code), [code.value()]);
    }
}

#[test]
fn a_wrong_password_is_tried_once_and_told() {
    for server in [Server::new(SERVER), Server::modern(SERVER)] {
        let mut world = World::new(server);
        world.gathered(&[turn_server(SERVER, "wrong")]);
        assert_eq!(world.errors.iter().map(|error| error.code).collect::<Vec<_>>(), [401]);
        assert_eq!(world.servers[0].asked(Method::ALLOCATE), 2);
        assert!(world.candidates[0].is_empty());
    }
}

#[test]
fn a_server_without_an_answer_is_told_once_and_in_time() {
    let mut server = Server::new(SERVER);
    server.is_dead = true;
    let mut world = World::new(server);
    let took = world.gathered(&[turn_server(SERVER, PASSWORD)]);
    assert!(took <= seconds(6), "{took:?}");
    assert_eq!(world.errors.iter().map(|error| error.code).collect::<Vec<_>>(), [701]);
}

#[test]
fn what_the_network_says_of_a_silent_server_is_told_with_the_error() {
    let mut server = Server::new(SERVER);
    server.is_dead = true;
    let mut world = World::new(server);
    world.gather(0, &[turn_server(SERVER, PASSWORD)]);
    let address = SERVER.parse().unwrap();
    assert!(world.transports[0].ice().is_awaiting(address));
    world.transports[0].ice_mut().note_obstacle(address, "port unreachable, says 192.0.2.9");
    assert!(world.run(seconds(60), |world| !world.transports[0].ice().is_awaiting(address)));
    let reasons: Vec<_> = world.errors.iter().map(|error| error.reason.as_str()).collect();
    assert_eq!(reasons, ["the server did not answer: port unreachable, says 192.0.2.9"]);
}

#[test]
fn an_answer_without_the_servers_proof_changes_nothing() {
    for mut server in [Server::new(SERVER), Server::modern(SERVER)] {
        server.is_forged = true;
        let mut world = World::new(server);
        world.gathered(&[turn_server(SERVER, PASSWORD)]);
        assert!(world.candidates[0].is_empty());
        assert!(world.transports[0].stats().dropped.stun > 0);
        // It has said that it wants credentials, which anybody can; so it counts as reached.
        assert!(world.errors.iter().all(|error| error.code == 701));
    }
}

#[test]
fn a_nonce_that_is_stale_already_is_replaced() {
    let mut server = Server::new(SERVER);
    server.refusals.extend([(Method::ALLOCATE, ErrorCode::STALE_NONCE); 2]);
    let mut world = World::new(server);
    world.gathered(&[turn_server(SERVER, PASSWORD)]);
    assert_eq!((world.candidates[0].len(), world.errors.len()), (1, 0));
    let mut server = Server::new(SERVER);
    server.refusals.extend([(Method::ALLOCATE, ErrorCode::STALE_NONCE); 9]);
    let mut world = World::new(server);
    world.gathered(&[turn_server(SERVER, PASSWORD)]);
    assert_eq!(world.errors.iter().map(|error| error.code).collect::<Vec<_>>(), [438]);
    assert!(world.servers[0].asked(Method::ALLOCATE) < 6, "it is not asked for ever");
}

#[test]
fn an_allocation_of_before_is_ended_and_another_made() {
    let mut world = World::new(Server::new(SERVER));
    world.gathered(&[turn_server(SERVER, PASSWORD)]);
    let before = world.servers[0].allocations[&world.addresses[0]].relayed.clone();
    // Somebody else was here before us, by the same credentials and from the same address: we, before a crash.
    let server = world.servers.remove(0);
    let mut world = World::new(server);
    world.gathered(&[turn_server(SERVER, PASSWORD)]);
    let after = world.servers[0].allocations[&world.addresses[0]].relayed.clone();
    assert!(before != after && world.errors.is_empty());
    assert_eq!(world.candidates[0].len(), 1);
}

#[test]
fn another_server_is_asked_where_the_first_names_it_and_no_circle_is_followed() {
    let other = "192.0.2.8:3478";
    let mut first = Server::new(SERVER);
    first.alternate = Some(other.parse().unwrap());
    first.refusals.push_back((Method::ALLOCATE, ErrorCode::TRY_ALTERNATE));
    let mut world = World::new(first);
    world.servers.push(Server::new(other));
    world.gathered(&[turn_server(SERVER, PASSWORD)]);
    assert_eq!(world.candidates[0][0].address.to_string(), "192.0.2.8");
    assert!(world.errors.is_empty());

    let mut servers = [Server::new(SERVER), Server::new(other)];
    for (server, alternate) in servers.iter_mut().zip([other, SERVER]) {
        server.alternate = Some(alternate.parse().unwrap());
        server.refusals.extend([(Method::ALLOCATE, ErrorCode::TRY_ALTERNATE); 9]);
    }
    let [first, second] = servers;
    let mut world = World::new(first);
    world.servers.push(second);
    world.gathered(&[turn_server(SERVER, PASSWORD)]);
    assert_eq!(world.errors.iter().map(|error| error.code).collect::<Vec<_>>(), [300]);
}

#[test]
fn a_peer_that_the_server_forbids_fails_its_pair_and_not_the_allocation() {
    for code in [ErrorCode::FORBIDDEN, ErrorCode::PEER_ADDRESS_FAMILY_MISMATCH] {
        let mut server = Server::new(SERVER);
        server.refusals.push_back((Method::CREATE_PERMISSION, code));
        let mut world = World::with(server, false);
        world.gather(0, &[turn_server(SERVER, PASSWORD)]);
        world.gather(1, &[]);
        world.introduce();
        assert!(world.run(seconds(30), World::is_connected));
        world.pass(seconds(1));
        let (base, _) = world.transports[0].route().unwrap();
        assert_eq!(base.carrier, Carrier::Udp);
        let stats = world.transports[0].ice().stats();
        assert!(stats.locals.iter().any(|one| one.kind == CandidateKind::Relay));
        assert_eq!(world.servers[0].allocations.len(), 1);
    }
}

#[test]
fn without_a_channel_all_goes_in_indications() {
    let mut server = Server::new(SERVER);
    server.refusals.extend([(Method::CHANNEL_BIND, ErrorCode::BAD_REQUEST); 100]);
    let mut world = World::new(server);
    world.connect();
    world.message(0, 50_000);
    world.message(1, 50_000);
    assert_eq!(world.servers[0].channel_data, 0);
    assert!(world.servers[0].indications > 40);
    assert!(world.servers[0].asked(Method::CHANNEL_BIND) <= 2, "it is not asked again at once");
}
