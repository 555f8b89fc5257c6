//! Which candidates are told, by the options for addresses: the modes of RFC 8828 §5.2, filters and ports, on two interfaces of
//! a real system behind a translator, with coturn as STUN server; and which IPv6 addresses are used (RFC 8445 §5.1.1.1,
//! RFC 8981, RFC 4862). Needs root, `ip` and `nft`; `cargo xtask test` runs it in a namespace.

#[path = "lab/authority.rs"]
mod authority;
#[allow(dead_code, reason = "only its STUN is asked here")]
#[path = "lab/turn.rs"]
mod turn;

use std::collections::BTreeSet;
use std::process::Command;

use peerless::addresses::{Families, IpHandling};
use peerless::{
    AddressOptions, Configuration, DataChannelInit, Event, IceGatheringState, IceServer, PeerConnection,
};
use peerless_interop::network::{must_be_own, nft};
use peerless_interop::process::in_time;
use turn::Coturn;

/// The interface of the default route, as `xtask` has made it, and its addresses.
const FIRST: [&str; 2] = ["10.88.0.1", "fd00:88::1"];
/// Those of the other one.
const SECOND: [&str; 2] = ["10.87.0.1", "fd00:87::1"];
/// How the translator shows the IPv4 address of either.
const SHOWN: [&str; 2] = ["10.99.0.1", "10.99.0.2"];

/// A second interface, a default route of IPv6, and a translator before the STUN server.
fn set_up() {
    must_be_own();
    let script = "ip link add dev second type veth peer name secondfar
        ip addr add 10.87.0.1/24 dev second
        ip addr add fd00:87::1/64 dev second nodad
        ip link set dev second up
        ip link set dev secondfar up
        ip -6 route add default via fd00:88::2 dev near
        ip route add local 10.99.0.0/24 dev lo";
    shell(script);
    nft("add table ip shown
        add chain ip shown leaving { type nat hook postrouting priority 100; }");
    translate();
}

fn translate() {
    nft("add rule ip shown leaving ip saddr 10.88.0.1 udp dport 3478 snat to 10.99.0.1
        add rule ip shown leaving ip saddr 10.87.0.1 udp dport 3478 snat to 10.99.0.2");
}

fn shell(script: &str) {
    let output = Command::new("sh").args(["-ec", script]).output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What a connection tells when it has gathered.
struct Told {
    connection: PeerConnection,
    sdp: String,
    /// Type, address and port of each candidate, and the address behind it.
    candidates: Vec<(String, String, u16, Option<String>)>,
    /// The addresses from which none comes.
    refused: Vec<String>,
}

async fn gather(change: impl FnOnce(&mut AddressOptions)) -> Told {
    let mut configuration = Configuration::default();
    configuration.ice_tcp.active = Some(false);
    configuration.ice_servers.push(IceServer::new(format!("stun:{}", turn::ADDRESS)));
    change(&mut configuration.addresses);
    let connection = PeerConnection::new(configuration).unwrap();
    connection.create_data_channel("none", DataChannelInit::default()).unwrap();
    let mut events = connection.events();
    connection.set_local_description(None).unwrap();
    let mut refused = Vec::new();
    let gathering = async {
        while let Some(event) = events.next().await {
            match event {
                Event::IceCandidateError(failure) => {
                    refused.extend(failure.address.map(|address| address.to_string()));
                }
                Event::IceGatheringState(IceGatheringState::Complete) => break,
                _ => {}
            }
        }
    };
    in_time("gathering", gathering).await;
    let sdp = connection.local_description().unwrap().sdp;
    let candidates = sdp.lines().filter_map(|line| parse(line.strip_prefix("a=candidate:")?)).collect();
    Told { connection, sdp, candidates, refused }
}

fn parse(line: &str) -> Option<(String, String, u16, Option<String>)> {
    let words: Vec<&str> = line.split(' ').collect();
    let behind = words.iter().position(|word| *word == "raddr").map(|at| words[at + 1].to_owned());
    Some((words[7].to_owned(), words[4].to_owned(), words[5].parse().ok()?, behind))
}

impl Told {
    /// The addresses of this type.
    fn addresses(&self, kind: &str) -> BTreeSet<&str> {
        self.candidates.iter().filter(|one| one.0 == kind).map(|one| one.1.as_str()).collect()
    }

    /// Nothing tells of this address, but of what servers see of it.
    fn conceals(&self, address: &str) {
        let stats = self.connection.get_stats().to_json();
        assert!(self.sdp.split_ascii_whitespace().all(|word| word != address), "{address} in {}", self.sdp);
        assert!(stats.split('"').all(|word| word != address), "{address} in {stats}");
    }
}

fn set<'a>(all: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    all.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mode_and_filter_tells_what_it_may() {
    set_up();
    let _server = Coturn::start("").await;
    modes().await;
    filters().await;
    ports().await;
    ipv6().await;
}

async fn modes() {
    let told = gather(|_| {}).await;
    assert_eq!(told.addresses("host"), set(FIRST.into_iter().chain(SECOND)), "{}", told.sdp);
    assert_eq!(told.addresses("srflx"), set(SHOWN), "{}", told.sdp);

    let told = gather(|options| options.ip_handling = IpHandling::DefaultRouteWithPrivate).await;
    assert_eq!(told.addresses("host"), set(FIRST), "{}", told.sdp);
    assert_eq!(told.addresses("srflx"), set([SHOWN[0]]), "{}", told.sdp);
    assert!(told.candidates.iter().any(|one| one.3.as_deref() == Some(FIRST[0])), "{}", told.sdp);
    SECOND.iter().chain([&SHOWN[1]]).for_each(|address| told.conceals(address));

    let told = gather(|options| options.ip_handling = IpHandling::DefaultRoute).await;
    assert_eq!(told.addresses("host"), set([]), "{}", told.sdp);
    assert_eq!(told.addresses("srflx"), set([SHOWN[0]]), "{}", told.sdp);
    assert!(told.candidates.iter().all(|one| one.3.as_deref() == Some("0.0.0.0")), "{}", told.sdp);
    FIRST.iter().chain(&SECOND).chain([&SHOWN[1]]).for_each(|address| told.conceals(address));

    // Where no translator stands before it, a server sees the address itself.
    nft("flush chain ip shown leaving");
    let told = gather(|options| options.ip_handling = IpHandling::DefaultRoute).await;
    assert_eq!(told.addresses("host"), set([]), "{}", told.sdp);
    assert_eq!(told.addresses("srflx"), set([FIRST[0]]), "{}", told.sdp);
    assert!(told.candidates.iter().all(|one| one.3.as_deref() == Some("0.0.0.0")), "{}", told.sdp);
    SECOND.iter().chain([&FIRST[1]]).for_each(|address| told.conceals(address));
    translate();
}

async fn filters() {
    let told = gather(|options| options.only_interfaces = vec!["sec*".to_owned()]).await;
    assert_eq!(told.addresses("host"), set(SECOND), "{}", told.sdp);
    assert_eq!(told.addresses("srflx"), set([SHOWN[1]]), "{}", told.sdp);
    let told = gather(|options| options.except_interfaces = vec!["second".to_owned()]).await;
    assert_eq!(told.addresses("host"), set(FIRST), "{}", told.sdp);
    let told = gather(|options| options.except_networks = vec![("10.0.0.0".parse().unwrap(), 8)]).await;
    assert_eq!(told.addresses("host"), set([FIRST[1], SECOND[1]]), "{}", told.sdp);
    assert_eq!(told.addresses("srflx"), set([]), "{}", told.sdp);
    let told = gather(|options| options.families = Families::Ipv4).await;
    assert_eq!(told.addresses("host"), set([FIRST[0], SECOND[0]]), "{}", told.sdp);
    // The filters count in all modes: where they leave out the default route there is nothing to tell.
    let told = gather(|options| {
        options.ip_handling = IpHandling::DefaultRouteWithPrivate;
        options.except_interfaces = vec!["near".to_owned()];
    })
    .await;
    assert_eq!(told.candidates, [], "{}", told.sdp);
}

async fn ports() {
    let within = |options: &mut AddressOptions| options.ports = Some(41_000..=41_001);
    let (one, other) = (gather(within).await, gather(within).await);
    for address in FIRST.into_iter().chain(SECOND) {
        let of = |told: &Told| {
            told.candidates.iter().find(|told| told.0 == "host" && told.1 == address).map(|told| told.2)
        };
        let both = BTreeSet::from([of(&one).unwrap(), of(&other).unwrap()]);
        assert_eq!(both, BTreeSet::from([41_000, 41_001]), "{address}");
    }
    let third = gather(within).await;
    assert_eq!(third.candidates, [], "no port is left");
    let refused: BTreeSet<&str> = third.refused.iter().map(String::as_str).collect();
    assert_eq!(refused, set(FIRST.into_iter().chain(SECOND)), "which is told");
    one.connection.close();
    in_time("the end", one.connection.closed()).await;
    let fourth = gather(within).await;
    assert_eq!(fourth.addresses("host").len(), 4, "ports are given back: {}", fourth.sdp);
}

async fn ipv6() {
    // A temporary address is made beside a lasting one, one is deprecated, and one waits to be known as ours alone. The kernel
    // makes the first when it has time: it is to be known before that wait begins.
    let script = "echo 2 > /proc/sys/net/ipv6/conf/second/use_tempaddr
        echo 0 > /proc/sys/net/ipv6/conf/second/accept_dad
        ip addr add fd00:91::1/64 dev second mngtmpaddr
        tries=900
        until ip -6 -o addr show dev second temporary | grep fd00:91: | grep -qv tentative; do
            tries=$((tries - 1)); test $tries -gt 0; sleep 0.1
        done
        ip addr add fd00:92::1/64 dev second nodad preferred_lft 0
        echo 1 > /proc/sys/net/ipv6/conf/second/accept_dad
        echo 600 > /proc/sys/net/ipv6/conf/second/dad_transmits
        ip addr add fd00:93::1/64 dev second";
    shell(script);
    let temporary = temporary_address();
    let told = gather(|options| options.only_interfaces = vec!["second".to_owned()]).await;
    let expected = set(SECOND.into_iter().chain([temporary.as_str()]));
    assert_eq!(told.addresses("host"), expected, "{}", told.sdp);
    // Its link-local address needs a scope, which no candidate can bear.
    assert!(!told.sdp.contains("fe80:"), "{}", told.sdp);
    ["fd00:91::1", "fd00:92::1", "fd00:93::1"].into_iter().for_each(|address| told.conceals(address));
}

/// What the system has made for the network of fd00:91::1.
fn temporary_address() -> String {
    let shown = Command::new("ip").args(["-6", "-o", "addr", "show", "dev", "second", "temporary"]).output();
    let shown = String::from_utf8(shown.unwrap().stdout).unwrap();
    let address = shown.split_ascii_whitespace().find_map(|word| word.strip_suffix("/64"));
    address.unwrap_or_else(|| panic!("no temporary address: {shown}")).to_owned()
}
