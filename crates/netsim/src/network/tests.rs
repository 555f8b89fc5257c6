//! Links, loss, queues and translators.

use std::time::Duration;

use super::*;
use crate::loss::Loss;
use crate::nat::{Filtering, Mapping};

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
