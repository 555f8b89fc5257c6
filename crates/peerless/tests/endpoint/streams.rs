//! Streams of TCP at an endpoint's port: connections that come by nothing else, and strangers.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};

use peerless::{Configuration, Endpoint, EndpointConfig, PeerConnection};
use tokio::time::timeout;

use crate::floods::{request, request_to};
use crate::stage::{ANY_PORT, PATIENCE, Pair, address, until};

fn endpoint(workers: usize, ice_lite: bool) -> Endpoint {
    let mut config = EndpointConfig::default();
    (config.workers, config.ice_lite, config.tcp) = (workers, ice_lite, true);
    Endpoint::bind([ANY_PORT], config).unwrap()
}

/// A connection with sockets of its own, at one address of the loopback's.
fn client(address: &str, passive: Option<u16>) -> PeerConnection {
    let mut configuration = Configuration::default();
    configuration.interfaces = Some(vec![address.parse().unwrap()]);
    configuration.ice_tcp.passive = passive;
    PeerConnection::new(configuration).unwrap()
}

/// Connects them with nothing told of UDP.
async fn by_tcp(ends: [PeerConnection; 2]) -> Pair {
    let without_udp = |sdp: String| {
        let is_udp = |line: &&str| {
            line.starts_with("a=candidate") && line.split(' ').nth(2).unwrap().eq_ignore_ascii_case("udp")
        };
        sdp.lines().filter(|line| !is_udp(line)).map(|line| format!("{line}\r\n")).collect()
    };
    Pair::by_way_of(ends, without_udp, without_udp).await
}

async fn they_talk(workers: usize, ice_lite: bool, count: usize) {
    let endpoint = endpoint(workers, ice_lite);
    let server = || endpoint.connection(Configuration::default()).unwrap();
    let mut pairs = Vec::new();
    for number in 0..count {
        pairs.push(match number % 2 {
            0 => by_tcp([server(), client("127.0.0.1", None)]).await,
            _ => by_tcp([client("127.0.0.1", None), server()]).await,
        });
    }
    let long = "a long word ".repeat(10_000);
    for (number, pair) in pairs.iter().enumerate() {
        pair.talk(&format!("pair {number}")).await;
        pair.talk(&long).await;
        assert!(pair.is_connected());
    }
    let stats = endpoint.stats();
    assert_eq!((stats.connections, stats.usernames), (count, count));
    assert!(stats.accepted_streams >= count as u64, "{stats:?}");
    assert_eq!((stats.paths, stats.unknown_streams, stats.overflowed), (0, 0, 0), "{stats:?}");
    drop(pairs);
    until("the end of all", || endpoint.stats().connections == 0).await;
    let stats = endpoint.stats();
    assert_eq!((stats.usernames, stats.paths, stats.transactions), (0, 0, 0), "{stats:?}");
}

#[tokio::test]
async fn connections_come_to_the_port_by_tcp() {
    they_talk(1, false, 10).await;
}

#[tokio::test]
async fn so_they_do_where_the_endpoint_is_lite() {
    they_talk(1, true, 10).await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn streams_find_the_worker_of_their_connection() {
    they_talk(4, false, 10).await;
    they_talk(4, true, 10).await;
}

#[tokio::test]
async fn connections_that_want_active_candidates_open_streams_themselves() {
    let endpoint = Endpoint::bind([ANY_PORT], EndpointConfig::default()).unwrap();
    let mut configuration = Configuration::default();
    configuration.ice_tcp.active = Some(true);
    for _ in 0..3 {
        let server = endpoint.connection(configuration.clone()).unwrap();
        let pair = by_tcp([server, client("127.0.0.1", Some(0))]).await;
        pair.talk("by a stream of its own").await;
        let sdp = pair.ends[0].local_description().unwrap().sdp;
        assert_eq!(sdp.matches("tcptype active").count(), 1, "{sdp}");
    }
    // By default there are none.
    let quiet = endpoint.connection(Configuration::default()).unwrap();
    let pair = Pair::new(quiet, client("127.0.0.1", None)).await;
    assert!(!pair.ends[0].local_description().unwrap().sdp.contains("tcptype"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_endpoint_frees_its_port_of_tcp_too() {
    let endpoint = endpoint(1, false);
    let address = address(&endpoint);
    let ends = [endpoint.connection(Configuration::default()).unwrap(), client("127.0.0.1", None)];
    let pair = by_tcp(ends).await;
    assert_eq!(TcpListener::bind(address).unwrap_err().kind(), ErrorKind::AddrInUse);
    endpoint.close();
    timeout(PATIENCE, endpoint.closed()).await.expect("never closed");
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    timeout(PATIENCE, pair.ends[0].closed()).await.expect("its connection was never closed");
}

/// What comes by a stream until the other side ends it.
fn until_ended(mut stream: TcpStream) -> Vec<u8> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (mut all, mut piece) = (Vec::new(), [0; 100]);
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return all,
            Ok(length) => all.extend_from_slice(&piece[..length]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return all,
            Err(error) => panic!("it was not ended: {error}"),
        }
    }
}

/// With the length before it (RFC 4571 §2).
fn framed(datagram: &[u8]) -> Vec<u8> {
    [&(datagram.len() as u16).to_be_bytes(), datagram].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_heard_for_a_moment_and_leave_nothing() {
    let endpoint = endpoint(1, false);
    let pair =
        by_tcp([client("127.0.0.1", None), endpoint.connection(Configuration::default()).unwrap()]).await;
    let before = endpoint.stats();
    let flood = vec![255; 8000];
    let words = [
        framed(&request(1)),
        framed(b"GET / HTTP/1.1\r\n\r\n"),
        framed(&[0, 1, 0, 9]),
        flood,
        framed(&[22; 99]),
    ];
    let count = words.len() as u64;
    let strangers: Vec<_> = words
        .into_iter()
        .map(|word| {
            let mut stream = TcpStream::connect(address(&endpoint)).unwrap();
            // The flood may be cut off while it is written.
            let _ = stream.write_all(&word);
            tokio::task::spawn_blocking(move || until_ended(stream))
        })
        .collect();
    for stranger in strangers {
        assert_eq!(stranger.await.unwrap(), [], "no answer");
    }
    until("all counted", || {
        let now = endpoint.stats();
        (now.unknown_streams, now.unrouted_streams) == (before.unknown_streams + count, 0)
    })
    .await;
    let after = endpoint.stats();
    assert_eq!((after.usernames, after.paths), (before.usernames, before.paths));
    pair.talk("afterwards").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_names_a_connection_and_cannot_prove_it_is_sent_away() {
    let endpoint = endpoint(1, false);
    let server = endpoint.connection(Configuration::default()).unwrap();
    let pair = by_tcp([client("127.0.0.1", None), server]).await;
    let sdp = pair.ends[1].local_description().unwrap().sdp;
    let name = sdp.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).unwrap();
    let mut streams = Vec::new();
    for number in 0..100 {
        let mut stream = TcpStream::connect(address(&endpoint)).unwrap();
        stream.write_all(&framed(&request_to(name, number))).unwrap();
        streams.push(stream);
    }
    for (number, stream) in streams.into_iter().enumerate() {
        tokio::task::spawn_blocking(move || until_ended(stream)).await.unwrap();
        if number % 10 == 0 {
            pair.talk("meanwhile").await;
        }
    }
    until("nobody at the door", || endpoint.stats().unrouted_streams == 0).await;
    pair.talk("afterwards").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_strangers_are_few_of_each_address_and_do_not_keep_others_out() {
    let endpoint = endpoint(1, true);
    let server = address(&endpoint);
    // So many come from one address that some must go at once; the others' time ends by itself.
    let silent: Vec<_> = (0..200).map(|_| TcpStream::connect(server).unwrap()).collect();
    until("all accepted", || endpoint.stats().accepted_streams == 200).await;
    let stats = endpoint.stats();
    assert!(stats.unrouted_streams <= 64, "{stats:?}");
    // Who comes from elsewhere is let in meanwhile.
    let other = client("127.0.0.2", None);
    let pair = by_tcp([other, endpoint.connection(Configuration::default()).unwrap()]).await;
    pair.talk("at once").await;
    // So many addresses that all places are taken: further ones wait, and are let in after a moment.
    let from = |address: IpAddr| {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(address, 0).into()).unwrap();
        socket.connect(&server.into()).unwrap();
        socket
    };
    let crowd: Vec<_> = (3..=20).flat_map(|last| (0..30).map(move |_| [127, 0, 0, last])).collect();
    let crowd: Vec<_> = crowd.into_iter().map(|address| from(address.into())).collect();
    let late =
        by_tcp([client("127.0.0.2", None), endpoint.connection(Configuration::default()).unwrap()]).await;
    late.talk("late").await;
    until("the end of their patience", || endpoint.stats().unrouted_streams == 0).await;
    let stats = endpoint.stats();
    assert_eq!(stats.unknown_streams, (silent.len() + crowd.len()) as u64, "{stats:?}");
    pair.talk("still here").await;
}
