//! Links, loss, queues and translators.

use std::time::Duration;

use super::*;
use crate::firewall::{Datagrams, Streams};
use crate::loss::Loss;
use crate::nat::{Behaviour, Filtering, Mapping, Ports};

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// Sends `count` numbered datagrams 1 ms apart and gives arrival times and numbers.
fn run(seed: u64, link: Link, count: u32) -> (Vec<(Duration, u32)>, Counts) {
    let begin = Instant::now();
    let mut network = Network::new(seed, link);
    for number in 0..count {
        let now = begin + Duration::from_millis(1) * number;
        network.send(now, at("10.0.0.1:1"), at("10.0.0.2:2"), number.to_be_bytes());
    }
    let mut arrived = Vec::new();
    while let Some(now) = network.next_arrival() {
        while let Some((_, _, payload)) = network.receive(now) {
            arrived.push((now - begin, u32::from_be_bytes(payload)));
        }
    }
    (arrived, network.counts())
}

#[test]
fn jitter_spreads_arrivals_and_keeps_their_order() {
    let delay = Duration::from_millis(20);
    let link = Link { delay, jitter: Duration::from_millis(30), ..Link::default() };
    let (arrived, _) = run(1, link, 500);
    assert!(arrived.iter().map(|(_, number)| *number).eq(0..500));
    let travelled = |(at, number): &(Duration, u32)| *at - Duration::from_millis(1) * *number;
    assert!(arrived.iter().all(|packet| travelled(packet) >= delay));
    assert!(arrived.iter().any(|packet| travelled(packet) > delay + Duration::from_millis(20)));
}

#[test]
fn loses_the_share_that_was_asked_for() {
    let (arrived, counts) = run(2, Link { loss: Loss::Random(0.1), ..Link::default() }, 10_000);
    assert!((850..1150).contains(&counts.lost), "{counts:?}");
    assert_eq!(arrived.len() as u64 + counts.lost, 10_000);
}

#[test]
fn bursts_lose_neighbours_together() {
    let loss = Loss::Bursts { begin: 0.01, end: 0.2, loss: 1.0 };
    let (arrived, counts) = run(3, Link { loss, ..Link::default() }, 10_000);
    let gaps = arrived.windows(2).filter(|pair| pair[1].1 - pair[0].1 > 1).count() as u64;
    let average = counts.lost as f64 / gaps as f64;
    assert!((3.5..7.0).contains(&average), "bursts of {average}");
}

#[test]
fn a_limited_rate_delays_and_a_full_queue_drops() {
    // 4 bytes take 4 ms, one is sent each ms; the queue holds 10 of them.
    let link = Link { rate_bps: Some(8_000), queue_bytes: 40, ..Link::default() };
    let (arrived, counts) = run(4, link, 100);
    assert_eq!(arrived[0].0, Duration::from_millis(4));
    assert!(arrived.windows(2).all(|pair| pair[1].0 - pair[0].0 == Duration::from_millis(4)));
    assert!((60..70).contains(&counts.lost), "{counts:?}");
}

#[test]
fn reorders_duplicates_and_repeats_itself_by_seed() {
    let link = Link { reorder: 0.1, duplicate: 0.1, ..Link::default() };
    let (arrived, counts) = run(5, link, 1000);
    assert!(arrived.windows(2).any(|pair| pair[1].1 < pair[0].1));
    assert!((70..130).contains(&counts.duplicated));
    assert_eq!(run(5, link, 1000).0, arrived);
    assert_ne!(run(6, link, 1000).0, arrived);
}

#[test]
fn damages_by_the_hook_or_drops() {
    let mut network = Network::new(1, Link { corrupt: 1.0, ..Link::default() });
    let now = Instant::now();
    network.send(now, at("10.0.0.1:1"), at("10.0.0.2:2"), [0_u8]);
    assert_eq!(network.receive(now), None);
    network.set_corruption(|payload, _| payload[0] ^= 0xff);
    network.send(now, at("10.0.0.1:1"), at("10.0.0.2:2"), [0_u8]);
    assert_eq!(network.receive(now).unwrap().2, [0xff]);
    assert_eq!(network.counts().corrupted, 2);
}

#[test]
fn a_cone_nat_shows_one_port_and_lets_answers_back() {
    let (now, inside, server) = (Instant::now(), at("192.168.0.2:5000"), at("10.0.0.2:2"));
    let mut network = Network::new(1, Link::default());
    let filtering = Filtering::AddressAndPortDependent;
    network.add_nat(Nat::new(at("10.0.0.9:0").ip(), [inside.ip()], Mapping::EndpointIndependent, filtering));
    network.send(now, inside, server, [1]);
    let (seen, to, _) = network.receive(now).unwrap();
    assert_eq!((seen.ip(), to), (at("10.0.0.9:0").ip(), server));
    network.send(now, inside, at("10.0.0.3:3"), [1]);
    assert_eq!(network.receive(now).unwrap().0, seen);
    network.send(now, server, seen, [2]);
    assert_eq!(network.receive(now).unwrap(), (server, inside, [2]));
    network.send(now, at("10.0.0.4:4"), seen, [3]);
    network.send(now, server, inside, [3]);
    assert_eq!(network.receive(now), None);
    assert_eq!(network.counts().filtered, 2);
}

#[test]
fn a_symmetric_nat_shows_another_port_to_each() {
    let (now, inside) = (Instant::now(), at("192.168.0.2:5000"));
    let mut network = Network::new(1, Link::default());
    let (mapping, filtering) = (Mapping::AddressAndPortDependent, Filtering::EndpointIndependent);
    network.add_nat(Nat::new(at("10.0.0.9:0").ip(), [inside.ip()], mapping, filtering));
    network.send(now, inside, at("10.0.0.2:2"), [1]);
    network.send(now, inside, at("10.0.0.3:3"), [1]);
    let first = network.receive(now).unwrap().0;
    assert_ne!(first, network.receive(now).unwrap().0);
}

/// A network with one translator, 10.0.0.9, before 192.168.0.2 and 192.168.0.3.
fn behind(behaviour: Behaviour) -> Network<[u8; 1]> {
    let mut network = Network::new(1, Link::default());
    let inside = [at("192.168.0.2:0").ip(), at("192.168.0.3:0").ip()];
    network.add_nat(Nat::with(at("10.0.0.9:0").ip(), inside, behaviour));
    network
}

/// The address from which `to` sees `from`.
fn seen(network: &mut Network<[u8; 1]>, now: Instant, from: &str, to: &str) -> SocketAddr {
    network.send(now, at(from), at(to), [1]);
    let (seen, reached, _) = network.receive(now).unwrap();
    assert_eq!(reached, at(to));
    seen
}

#[test]
fn a_mapping_depends_on_what_it_says() {
    let destinations = ["10.0.0.2:2", "10.0.0.2:3", "10.0.0.3:2"];
    for (mapping, are_same) in [
        (Mapping::EndpointIndependent, [true, true]),
        (Mapping::AddressDependent, [true, false]),
        (Mapping::AddressAndPortDependent, [false, false]),
    ] {
        for ports in [Ports::Counted, Ports::Preserved, Ports::Random] {
            let mut network = behind(Behaviour { mapping, ports, ..Behaviour::default() });
            let seen = destinations.map(|to| seen(&mut network, Instant::now(), "192.168.0.2:5000", to));
            assert_eq!([seen[0] == seen[1], seen[0] == seen[2]], are_same, "{mapping:?} {ports:?}");
            assert!(ports != Ports::Preserved || seen[0].port() == 5000);
        }
    }
}

#[test]
fn a_port_is_preserved_for_the_first_who_has_it() {
    let (mut network, now) =
        (behind(Behaviour { ports: Ports::Preserved, ..Behaviour::default() }), Instant::now());
    let first = seen(&mut network, now, "192.168.0.2:5000", "10.0.0.2:2");
    let second = seen(&mut network, now, "192.168.0.3:5000", "10.0.0.2:2");
    assert_eq!(first.port(), 5000);
    assert_ne!(second.port(), 5000);
}

#[test]
fn a_filter_lets_in_whom_it_says() {
    let strangers = ["10.0.0.2:2", "10.0.0.2:9", "10.0.0.9:9"];
    for (filtering, passing) in [
        (Filtering::EndpointIndependent, [true, true, true]),
        (Filtering::AddressDependent, [true, true, false]),
        (Filtering::AddressAndPortDependent, [true, false, false]),
    ] {
        let (mut network, now) = (behind(Behaviour { filtering, ..Behaviour::default() }), Instant::now());
        let seen = seen(&mut network, now, "192.168.0.2:5000", "10.0.0.2:2");
        let passes = strangers.map(|from| {
            network.send(now, at(from), seen, [2]);
            network.receive(now).is_some()
        });
        assert_eq!(passes, passing, "{filtering:?}");
    }
}

#[test]
fn a_mapping_ends_when_nothing_leaves_by_it() {
    let timeout = Duration::from_secs(30);
    let mut network = behind(Behaviour { timeout: Some(timeout), ..Behaviour::default() });
    let begin = Instant::now();
    let first = seen(&mut network, begin, "192.168.0.2:5000", "10.0.0.2:2");
    let later = begin + timeout / 2;
    assert_eq!(seen(&mut network, later, "192.168.0.2:5000", "10.0.0.2:2"), first);
    network.send(later, at("10.0.0.2:2"), first, [2]);
    assert!(network.receive(later + timeout - Duration::from_millis(1)).is_some());
    // What comes in keeps nothing alive.
    network.send(later, at("10.0.0.2:2"), first, [2]);
    assert!(network.receive(later + timeout).is_none());
    assert_ne!(seen(&mut network, later + timeout, "192.168.0.2:5000", "10.0.0.2:2"), first);
}

#[test]
fn outside_addresses_lead_back_in_where_the_nat_hairpins() {
    for hairpins in [true, false] {
        let filtering = Filtering::EndpointIndependent;
        let (mut network, now) =
            (behind(Behaviour { hairpins, filtering, ..Behaviour::default() }), Instant::now());
        let first = seen(&mut network, now, "192.168.0.2:5000", "10.0.0.2:2");
        network.send(now, at("192.168.0.3:5000"), first, [2]);
        let (from, to, _) = match network.receive(now) {
            Some(arrival) => arrival,
            None => {
                assert!(!hairpins);
                continue;
            }
        };
        assert!(hairpins);
        assert_eq!((from.ip(), to), (at("10.0.0.9:0").ip(), at("192.168.0.2:5000")));
        assert_eq!(seen(&mut network, now, "192.168.0.2:5000", "192.168.0.3:9"), at("192.168.0.2:5000"));
    }
}

#[test]
fn translators_stand_behind_each_other() {
    let (mut network, now) = (Network::<[u8; 1]>::new(1, Link::default()), Instant::now());
    let home = |outside: &str, inside: &str| {
        let (mapping, filtering) = (Mapping::EndpointIndependent, Filtering::AddressAndPortDependent);
        Nat::new(at(outside).ip(), [at(inside).ip()], mapping, filtering)
    };
    network.add_nat(home("100.64.0.2:0", "192.168.2.2:0"));
    network.add_nat(home("100.64.0.3:0", "192.168.3.2:0"));
    let homes = [at("100.64.0.2:0").ip(), at("100.64.0.3:0").ip()];
    let (mapping, filtering) = (Mapping::EndpointIndependent, Filtering::EndpointIndependent);
    network.add_nat(Nat::new(at("10.0.0.9:0").ip(), homes, mapping, filtering));
    let (first, second, server) = ("192.168.2.2:5000", "192.168.3.2:5000", "10.0.0.2:2");
    let outer = [first, second].map(|inside| seen(&mut network, now, inside, server));
    assert!(outer.iter().all(|outer| outer.ip() == at("10.0.0.9:0").ip()) && outer[0] != outer[1]);
    network.send(now, at(server), outer[0], [2]);
    assert_eq!(network.receive(now).unwrap().1, at(first));
    // The outer one lets all in, the inner one does not.
    network.send(now, at("10.0.0.3:3"), outer[0], [2]);
    assert!(network.receive(now).is_none());
    // From home to home: out by both of one's own, and back in, once each has sent.
    network.send(now, at(first), outer[1], [3]);
    assert!(network.receive(now).is_none());
    network.send(now, at(second), outer[0], [3]);
    assert_eq!(network.receive(now).unwrap(), (outer[1], at(first), [3]));
}

#[test]
fn a_firewall_lets_answers_in_or_nothing_but_streams_out() {
    let (inside, server, now) = (at("10.0.1.2:5000"), at("10.0.0.2:443"), Instant::now());
    let mut network = Network::<[u8; 1]>::new(1, Link::default());
    network.add_firewall(Firewall::new([inside.ip()], Datagrams::Answers, Streams::None));
    network.send(now, server, inside, [1]);
    assert!(network.receive(now).is_none());
    network.send(now, inside, server, [1]);
    assert!(network.receive(now).is_some());
    network.send(now, server, inside, [1]);
    assert!(network.receive(now).is_some());
    assert!(!network.send_stream(now, inside, server, [1]));

    let mut network = Network::<[u8; 1]>::new(1, Link::default());
    network.add_firewall(Firewall::new([inside.ip()], Datagrams::None, Streams::OutgoingTo(443)));
    network.send(now, inside, server, [1]);
    assert!(network.receive(now).is_none());
    assert!(!network.send_stream(now, inside, at("10.0.0.2:3478"), [1]));
    network.send_stream(now, server, at("10.0.1.2:6000"), [1]);
    assert!(network.receive(now).is_none());
    assert!(network.send_stream(now, inside, server, [1]));
    let arrival = network.receive_any(now).unwrap();
    assert_eq!((arrival.carrier, arrival.to), (Carrier::Stream, server));
    network.send_stream(now, server, inside, [2]);
    assert_eq!(network.receive(now).unwrap().2, [2]);
}

#[test]
fn a_stream_takes_a_round_trip_to_begin_and_keeps_all_in_order() {
    let delay = Duration::from_millis(20);
    let (from, to, begin) = (at("192.168.0.2:5000"), at("10.0.0.2:443"), Instant::now());
    let mut network = Network::new(7, Link { delay, loss: Loss::Random(0.2), ..Link::default() });
    let filtering = Filtering::AddressAndPortDependent;
    network.add_nat(Nat::new(at("10.0.0.9:0").ip(), [from.ip()], Mapping::EndpointIndependent, filtering));
    for number in 0..200_u32 {
        assert!(network.send_stream(
            begin + Duration::from_millis(5) * number,
            from,
            to,
            number.to_be_bytes()
        ));
    }
    let first = network.next_arrival().unwrap();
    assert!(first >= begin + delay * 3);
    let mut numbers = Vec::new();
    let mut back = None;
    while let Some(now) = network.next_arrival() {
        let (seen, _, payload) = network.receive(now).unwrap();
        numbers.push(u32::from_be_bytes(payload));
        back = Some((now, seen));
    }
    assert!(numbers.into_iter().eq(0..200), "whole and in order");
    let (now, seen) = back.unwrap();
    assert!(network.send_stream(now, to, seen, [9; 4]));
    let arrival = network.next_arrival().unwrap();
    assert_eq!(network.receive_any(arrival).unwrap().to, from);

    network.set_default_link(Link::cut());
    assert!(!network.send_stream(now, from, to, [0; 4]), "it breaks down in the end");
}
