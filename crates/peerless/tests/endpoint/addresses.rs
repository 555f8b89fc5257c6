//! The addresses of an endpoint: those it is bound to, those that are chosen, and those by which it is seen.

use std::net::{IpAddr, SocketAddr};

use peerless::addresses::{Families, Loopback, PublicAddress, PublicKind};
use peerless::{Configuration, Endpoint, EndpointConfig, EndpointError, Error};

use crate::stage::{ANY_PORT, Pair, client};

fn endpoint(addresses: &[SocketAddr], change: impl FnOnce(&mut EndpointConfig)) -> Endpoint {
    let mut config = EndpointConfig::default();
    change(&mut config);
    Endpoint::bind(addresses.iter().copied(), config).unwrap()
}

/// Its candidates as they are signalled: protocol, address, port, kind and what follows.
async fn candidates(endpoint: &Endpoint, public: &str, local: IpAddr) -> Vec<String> {
    // The client reaches the endpoint as if a translator led there.
    let ends = [client(), endpoint.connection(Configuration::default()).unwrap()];
    let translate = |sdp: String| sdp.replace(&format!(" {public} "), &format!(" {local} "));
    let pair = Pair::by_way_of(ends, |sdp| sdp, translate).await;
    pair.talk("by the public address").await;
    let sdp = pair.ends[1].local_description().unwrap().sdp;
    let lines = sdp.lines().filter_map(|line| line.strip_prefix("a=candidate:"));
    lines
        .map(|line| {
            let words: Vec<_> = line.split(' ').collect();
            let rest = words[6..].join(" ").replace(" ufrag", "\0");
            format!(
                "{} {} {} {}",
                words[2].to_lowercase(),
                words[4],
                words[5],
                rest.split('\0').next().unwrap()
            )
        })
        .collect()
}

#[tokio::test]
async fn a_public_address_stands_for_the_local_one_by_udp_and_tcp() {
    for ice_lite in [false, true] {
        let endpoint = endpoint(&[ANY_PORT], |config| {
            (config.tcp, config.ice_lite) = (true, ice_lite);
            let public = "192.0.2.7".parse().unwrap();
            config.addresses.public = vec![PublicAddress { local: None, public, shown: PublicKind::Host }];
        });
        let port = endpoint.local_addresses()[0].port();
        let candidates = candidates(&endpoint, "192.0.2.7", ANY_PORT.ip()).await;
        let expected = [
            format!("udp 192.0.2.7 {port} typ host"),
            format!("tcp 192.0.2.7 {port} typ host tcptype passive"),
        ];
        assert_eq!(candidates, expected);
    }
}

#[tokio::test]
async fn or_it_stands_beside_it() {
    let endpoint = endpoint(&[ANY_PORT], |config| {
        config.tcp = true;
        let public = "192.0.2.7".parse().unwrap();
        let local = Some(ANY_PORT.ip());
        config.addresses.public = vec![PublicAddress { local, public, shown: PublicKind::ServerReflexive }];
    });
    let port = endpoint.local_addresses()[0].port();
    let mut candidates = candidates(&endpoint, "192.0.2.7", ANY_PORT.ip()).await;
    candidates.sort();
    let beside = format!("192.0.2.7 {port} typ srflx raddr 127.0.0.1 rport {port}");
    let expected = [
        format!("tcp 127.0.0.1 {port} typ host tcptype passive"),
        format!("tcp {beside} tcptype passive"),
        format!("udp 127.0.0.1 {port} typ host"),
        format!("udp {beside}"),
    ];
    assert_eq!(candidates, expected);
}

#[tokio::test]
async fn an_address_without_an_ip_stands_for_those_that_are_chosen() {
    let any: Vec<SocketAddr> = ["0.0.0.0:0", "[::]:0"].map(|text| text.parse().unwrap()).to_vec();
    let ips = |change: fn(&mut EndpointConfig)| {
        let endpoint = endpoint(&any, change);
        endpoint.local_addresses().iter().map(SocketAddr::ip).collect::<Vec<_>>()
    };
    let all = ips(|config| config.addresses.loopback = Loopback::Always);
    assert!(all.contains(&ANY_PORT.ip()), "{all:?}");
    let four = ips(|config| {
        config.addresses.loopback = Loopback::Always;
        config.addresses.families = Families::Ipv4;
    });
    assert!(four.iter().all(IpAddr::is_ipv4) && four.contains(&ANY_PORT.ip()), "{four:?}");
    let near = ips(|config| {
        config.addresses.loopback = Loopback::Always;
        config.addresses.only_interfaces = vec!["lo*".to_owned()];
    });
    // A loopback interface may have other addresses too, and no other interface has one of these.
    assert!(near.contains(&ANY_PORT.ip()) && near.iter().all(|ip| all.contains(ip)), "{near:?} of {all:?}");
    let mut none = EndpointConfig::default();
    none.addresses.only_interfaces = vec!["no such*".to_owned()];
    assert!(matches!(Endpoint::bind(any, none), Err(Error::Endpoint(EndpointError::NoAddress))));
}

#[tokio::test]
async fn it_may_be_reached_by_ipv6_alone() {
    let Ok(address) = std::net::UdpSocket::bind("[::1]:0").and_then(|socket| socket.local_addr()) else {
        return println!("no IPv6 here");
    };
    let endpoint = endpoint(&[SocketAddr::new(address.ip(), 0)], |config| config.tcp = true);
    let mut configuration = Configuration::default();
    configuration.interfaces = Some(vec![address.ip()]);
    let six = peerless::PeerConnection::new(configuration).unwrap();
    let pair = Pair::new(six, endpoint.connection(Configuration::default()).unwrap()).await;
    pair.talk("over IPv6").await;
}
