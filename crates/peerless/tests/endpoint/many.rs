//! Connections that share a port, from their beginning to their end.

use std::net::UdpSocket;

use peerless::{Configuration, ConnectionState, IceRole};
use tokio::time::timeout;

use crate::stage::{ANY_PORT, PATIENCE, Pair, address, client, endpoint, until};

/// Each of two in the endpoint's role and in the client's, full and lite, on one worker and on several.
async fn they_talk(workers: usize, ice_lite: bool, count: usize) {
    let endpoint = endpoint(workers, ice_lite);
    let server = || endpoint.connection(Configuration::default()).unwrap();
    let mut pairs = Vec::new();
    for number in 0..count {
        pairs.push(match number % 2 {
            0 => Pair::new(server(), client()).await,
            _ => Pair::new(client(), server()).await,
        });
    }
    for (number, pair) in pairs.iter().enumerate() {
        pair.talk(&format!("pair {number}")).await;
        let server = &pair.ends[number % 2];
        let candidates = server.local_description().unwrap().sdp;
        let port = format!(" {} typ host", address(&endpoint).port());
        assert_eq!(candidates.matches("a=candidate").count(), candidates.matches(&port).count());
        if ice_lite {
            assert!(candidates.contains("a=ice-lite"));
            assert_eq!(server.transports()[0].ice_transport().role(), IceRole::Controlled);
        }
    }
    let stats = endpoint.stats();
    assert_eq!((stats.connections, stats.usernames), (count, count));
    assert!(stats.paths >= count, "{stats:?}");
    assert_eq!((stats.unknown_requests, stats.malformed, stats.overflowed), (0, 0, 0), "{stats:?}");
    for pair in &pairs {
        assert!(pair.is_connected());
    }
    drop(pairs);
    until("the end of all", || endpoint.stats().connections == 0).await;
    let stats = endpoint.stats();
    assert_eq!((stats.usernames, stats.paths, stats.transactions), (0, 0, 0), "{stats:?}");
}

#[tokio::test]
async fn many_connections_talk_over_one_port_and_leave_nothing_behind() {
    they_talk(1, false, 20).await;
}

#[tokio::test]
async fn so_do_those_that_are_lite() {
    they_talk(1, true, 20).await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_several_workers_each_connection_lives_where_its_datagrams_come() {
    they_talk(4, false, 20).await;
    they_talk(4, true, 20).await;
}

#[tokio::test]
async fn a_closed_endpoint_closes_all_and_frees_its_port() {
    let endpoint = endpoint(1, false);
    let address = address(&endpoint);
    let pair = Pair::new(endpoint.connection(Configuration::default()).unwrap(), client()).await;
    assert!(UdpSocket::bind(address).is_err());
    endpoint.close();
    timeout(PATIENCE, endpoint.closed()).await.expect("never closed");
    assert_eq!(pair.ends[0].connection_state(), ConnectionState::Closed);
    timeout(PATIENCE, pair.ends[0].closed()).await.expect("its connection was never closed");
    assert_eq!(endpoint.stats().connections, 0);
    assert_eq!(endpoint.connection(Configuration::default()).unwrap_err().name(), "InvalidStateError");
    UdpSocket::bind(address).unwrap();
}

#[tokio::test]
async fn connections_outlive_the_handle_and_the_port_goes_with_the_last() {
    let endpoint = endpoint(1, false);
    let address = address(&endpoint);
    let pair = Pair::new(endpoint.connection(Configuration::default()).unwrap(), client()).await;
    drop(endpoint);
    pair.talk("still here").await;
    drop(pair);
    until("a free port", || UdpSocket::bind(address).is_ok()).await;
}

#[tokio::test]
async fn several_addresses_have_one_port() {
    let addresses = [ANY_PORT, "127.0.0.2:0".parse().unwrap()];
    let endpoint = peerless::Endpoint::bind(addresses, peerless::EndpointConfig::default()).unwrap();
    let [one, other] = endpoint.local_addresses()[..] else { panic!("two were given") };
    assert_eq!((one.port(), other.ip()), (other.port(), addresses[1].ip()));
    let pair = Pair::new(endpoint.connection(Configuration::default()).unwrap(), client()).await;
    pair.talk("over either").await;
    let description = pair.ends[0].local_description().unwrap().sdp;
    assert_eq!(description.matches("a=candidate").count(), 2);
}
