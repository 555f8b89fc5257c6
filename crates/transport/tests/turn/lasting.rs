//! What lasts and what does not (RFC 8656 §8, §9, §12): refreshing in time, restarts of ICE and of servers.

use peerless_transport::state::IceState;
use peerless_wire::sdp::CandidateKind;
use peerless_wire::stun::{ErrorCode, Method};

use crate::server::{PASSWORD, Server};
use crate::world::{SERVER, World, seconds, turn_server};

#[test]
fn an_hour_by_way_of_a_relay_outlives_allocation_permission_and_channel() {
    let mut world = World::new(Server::new(SERVER));
    world.connect();
    for _ in 0..60 {
        world.pass(seconds(60));
        world.message(0, 1000);
        world.message(1, 1000);
    }
    let server = &world.servers[0];
    assert!((6..=9).contains(&server.asked(Method::REFRESH)), "{}", server.asked(Method::REFRESH));
    assert!((14..=17).contains(&server.asked(Method::CHANNEL_BIND)));
    assert!(server.log.iter().all(|(_, refusal)| refusal.is_none_or(|code| code.value() == 401)));
}

#[test]
fn without_a_channel_permissions_are_renewed() {
    let mut server = Server::new(SERVER);
    server.refusals.extend([(Method::CHANNEL_BIND, ErrorCode::BAD_REQUEST); 100]);
    let mut world = World::new(server);
    world.connect();
    for _ in 0..30 {
        world.pass(seconds(60));
        world.message(0, 1000);
        world.message(1, 1000);
    }
    assert!((7..=10).contains(&world.servers[0].asked(Method::CREATE_PERMISSION)));
}

#[test]
fn short_lifetimes_and_nonces_that_change_are_kept_up_with() {
    let mut server = Server::new(SERVER);
    server.lifetime = 20;
    let mut world = World::new(server);
    world.connect();
    for round in 0..30 {
        world.servers[0].nonce = format!("nonce {round}");
        world.pass(seconds(10));
        world.message(0, 1000);
        world.message(1, 1000);
    }
    assert!(world.servers[0].log.contains(&(Method::REFRESH, Some(ErrorCode::STALE_NONCE))));
}

#[test]
fn a_refresh_that_is_refused_ends_the_relay_and_its_pair() {
    let mut server = Server::new(SERVER);
    server.lifetime = 20;
    let mut world = World::new(server);
    world.connect();
    world.servers[0].refusals.push_back((Method::REFRESH, ErrorCode::ALLOCATION_MISMATCH));
    let is_lost = world.run(seconds(15), |world| world.transports[0].route().is_none());
    assert!(is_lost);
    let candidates: Vec<_> = world.transports[0].ice().local_candidates().collect();
    assert!(candidates.is_empty(), "{candidates:?}");
}

#[test]
fn an_ice_restart_keeps_an_allocation_that_still_stands() {
    let mut world = World::new(Server::new(SERVER));
    world.connect();
    restart(&mut world);
    assert!(world.run(seconds(30), |world| world.transports[0].ice().state() == IceState::Completed));
    world.message(0, 10_000);
    world.message(1, 10_000);
    assert_eq!(world.servers[0].asked(Method::ALLOCATE), 2, "one refusal, one allocation");
    assert_eq!(world.candidates[0].len(), 2, "the same for either generation");
}

#[test]
fn a_server_that_was_restarted_lends_another_address_with_the_next_ice_restart() {
    let mut world = World::new(Server::new(SERVER));
    world.connect();
    world.servers[0].restart();
    assert!(world.run(seconds(60), |world| world.transports[0].ice().state() == IceState::Disconnected));
    restart(&mut world);
    let is_back = world.run(seconds(30), |world| {
        world
            .transports
            .iter()
            .all(|one| matches!(one.ice().state(), IceState::Connected | IceState::Completed))
    });
    assert!(is_back);
    world.message(0, 10_000);
    world.message(1, 10_000);
}

#[test]
fn an_ice_restart_with_other_servers_gives_the_old_ones_back() {
    let other = "192.0.2.8:3478";
    let mut world = World::new(Server::new(SERVER));
    world.servers.push(Server::new(other));
    world.connect();
    let now = world.now;
    for end in 0..2 {
        let credentials = world.transports[end].ice_mut().fresh_credentials();
        world.transports[end].ice_mut().restart(now, credentials);
    }
    world.gather(0, &[turn_server(other, PASSWORD)]);
    world.gather(1, &[]);
    world.introduce();
    assert!(world.run(seconds(60), |world| world.servers[0].allocations.is_empty()));
    world.message(0, 10_000);
    assert_eq!(world.servers[1].allocations.len(), 1);
}

#[test]
fn another_policy_counts_from_the_next_restart_on() {
    let mut world = World::with(Server::new(SERVER), false);
    world.connect();
    world.pass(seconds(1));
    assert!(world.candidates[0].iter().any(|one| one.kind == CandidateKind::Host));
    world.candidates[0].clear();
    world.transports[0].ice_mut().set_relay_only(true);
    world.message(0, 1000);
    restart(&mut world);
    assert!(world.run(seconds(30), |world| world.transports[0].ice().state() == IceState::Completed));
    assert!(world.candidates[0].iter().all(|one| one.kind == CandidateKind::Relay));
    world.pass(seconds(20));
    world.direct = 0;
    world.message(0, 1000);
    world.message(1, 1000);
    assert_eq!(world.direct, 0);
}

#[test]
fn an_answer_after_five_minutes_finds_the_relay_behind_a_translator_that_forgets() {
    let mut world = World::new(Server::new(SERVER));
    world.forget();
    world.gather(0, &[turn_server(SERVER, PASSWORD)]);
    world.gather(1, &[]);
    world.pass(seconds(300));
    let sent = world.batches.len();
    assert!(sent < 4 + 300 / 15, "{sent} datagrams to keep it");
    world.introduce();
    assert!(world.run(seconds(30), World::is_connected));
    world.message(0, 1000);
    world.message(1, 1000);
    assert_eq!(world.servers[0].asked(Method::ALLOCATE), 2, "one refusal, one allocation");
}

#[test]
fn an_allocation_beside_the_pair_in_use_outlives_a_translator_that_forgets() {
    let mut world = World::with(Server::new(SERVER), false);
    world.forget();
    world.connect();
    world.pass(seconds(600));
    world.cut();
    restart(&mut world);
    let is_back = world.run(seconds(30), |world| {
        world.transports.iter().all(|one| one.ice().state() == IceState::Completed)
    });
    assert!(is_back);
    world.message(0, 1000);
    world.message(1, 1000);
    assert_eq!(world.servers[0].asked(Method::ALLOCATE), 2, "one refusal, one allocation");
}

#[test]
fn a_relay_beside_the_pair_in_use_takes_its_place_after_ten_minutes() {
    let mut world = World::made(Server::new(SERVER), |_, config| config.is_continual = true);
    world.forget();
    world.connect();
    world.pass(seconds(600));
    world.cut();
    world.pass(seconds(5));
    world.message(0, 1000);
    world.message(1, 1000);
    assert_eq!(world.servers[0].asked(Method::ALLOCATE), 2, "one refusal, one allocation");
}

/// Both restart ICE, with the server of before.
fn restart(world: &mut World) {
    let now = world.now;
    for end in 0..2 {
        let credentials = world.transports[end].ice_mut().fresh_credentials();
        world.transports[end].ice_mut().restart(now, credentials);
    }
    world.gather(0, &[turn_server(SERVER, PASSWORD)]);
    world.gather(1, &[]);
    world.introduce();
}
