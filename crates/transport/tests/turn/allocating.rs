//! Servers lend addresses, which become candidates (RFC 8656 §7, RFC 8445 §5.1.1.2).

use peerless_transport::datagram::Base;
use peerless_wire::sdp::{Address, CandidateKind};
use peerless_wire::stun::{ErrorCode, Method};

use crate::server::{PASSWORD, Server};
use crate::world::{SERVER, World, seconds, turn_server};

#[test]
fn a_server_of_either_age_lends_an_address() {
    for server in [Server::new(SERVER), Server::modern(SERVER)] {
        let mut world = World::with(server, false);
        let took = world.gathered(&[turn_server(SERVER, PASSWORD)]);
        assert!(took < seconds(1), "{took:?}");
        let relayed: Vec<_> =
            world.candidates[0].iter().filter(|one| one.kind == CandidateKind::Relay).collect();
        assert_eq!(relayed.len(), 1);
        assert_eq!(relayed[0].address, Address::Ip("192.0.2.9".parse().unwrap()));
        assert_eq!(relayed[0].related, Some((Address::Ip("10.0.0.1".parse().unwrap()), 1000)));
        assert!(relayed[0].priority < 1 << 24, "after all others");
        let expected = [(Method::ALLOCATE, Some(ErrorCode::UNAUTHENTICATED)), (Method::ALLOCATE, None)];
        assert_eq!(world.servers[0].log, expected);
        let stats = world.transports[0].ice().stats();
        let told = stats.locals.iter().find(|one| one.kind == CandidateKind::Relay).unwrap();
        assert_eq!(told.url.as_deref(), Some("turn:192.0.2.9:3478"));
        assert_eq!(told.relay_protocol.unwrap().as_str(), "udp");
    }
}

#[test]
fn a_server_is_asked_by_its_own_protocol_only() {
    let mut world = World::new(Server::new(SERVER));
    world.transports[0].ice_mut().add_stream_base(world.now, "10.0.0.1:1".parse().unwrap());
    let took = world.gathered(&[turn_server(SERVER, PASSWORD)]);
    assert!(took < seconds(1), "where streams begin is no socket of UDP: {took:?}");
    assert_eq!(world.servers[0].allocations.len(), 1);
}

#[test]
fn one_allocation_gives_an_address_of_either_family() {
    let mut server = Server::new(SERVER);
    server.has_ipv6 = true;
    let mut world = World::new(server);
    world.gathered(&[turn_server(SERVER, PASSWORD)]);
    let addresses: Vec<String> = world.candidates[0].iter().map(|one| one.address.to_string()).collect();
    assert_eq!(addresses, ["192.0.2.9", "2001:db8::9"]);
    assert_eq!(world.servers[0].allocations.len(), 1);
}

#[test]
fn several_servers_lend_at_once() {
    let other = "192.0.2.8:3478";
    let mut world = World::new(Server::new(SERVER));
    world.servers.push(Server::modern(other));
    world.gathered(&[turn_server(SERVER, PASSWORD), turn_server(other, PASSWORD)]);
    assert_eq!(world.candidates[0].len(), 2);
}

#[test]
fn relays_only_tell_nothing_of_where_we_are() {
    let mut world = World::new(Server::new(SERVER));
    world.transports[0].ice_mut().add_stun_server(world.now, "192.0.2.7:3478".parse().unwrap(), "stun:x");
    world.connect();
    world.pass(seconds(60));
    for candidate in &world.candidates[0] {
        let text = candidate.to_string();
        assert!(text.contains("typ relay raddr 0.0.0.0 rport 0"), "{text}");
    }
    let agent = world.transports[0].ice();
    let shown = format!("{:?}", (agent.local_candidates().collect::<Vec<_>>(), agent.stats()));
    assert!(!shown.contains("10.0.0.1"), "{shown}");
    assert_eq!(world.direct, 0);
    assert_eq!(agent.stats().locals.len(), 1);
}

#[test]
fn checks_that_come_straight_are_not_answered_where_only_relays_are_told() {
    let mut world = World::new(Server::new(SERVER));
    world.gather(0, &[turn_server(SERVER, PASSWORD)]);
    world.gather(1, &[]);
    world.introduce();
    // Somebody has told the peer where we are.
    let candidate = "candidate:1 1 udp 2130706431 10.0.0.1 1000 typ host";
    let candidate = peerless_wire::sdp::Candidate::parse(candidate).unwrap();
    world.transports[1].ice_mut().add_remote_candidate(world.now, &candidate).unwrap();
    assert!(world.run(seconds(30), World::is_connected));
    assert!(world.direct > 0, "the peer has tried");
    let (base, remote) = world.transports[1].route().unwrap();
    assert_eq!((base.address, remote.ip()), (world.addresses[1], world.servers[0].address.ip()));
}

#[test]
fn a_base_whose_network_goes_takes_its_relays_along() {
    let mut world = World::new(Server::new(SERVER));
    world.connect();
    let base = Base::udp(world.addresses[0]);
    let now = world.now;
    world.transports[0].ice_mut().suspend_local_address(now, base);
    assert!(world.transports[0].route().is_none());
    world.transports[0].ice_mut().restore_local_address(now, base);
    assert!(world.transports[0].route().is_some());
    world.message(0, 100);
    let now = world.now;
    world.transports[0].ice_mut().remove_local_address(now, base);
    assert!(world.transports[0].route().is_none());
}
