//! Host addresses behind names (draft-ietf-mmusic-mdns-ice-candidates): ours are hidden, and found by those in the same
//! network, by two of ours, by Chromium and by Firefox, which hide theirs. What is asked and answered by multicast DNS is listened
//! to. Needs root and `nft`; `cargo xtask test` runs it in a namespace.

mod lab;
#[path = "lab/multicast.rs"]
mod multicast;

use std::time::Duration;

use lab::serve;
use multicast::Listener;
use peerless::{Configuration, DataChannel, DataChannelInit, Event, Events, PeerConnection};
use peerless_interop::browser::{Browser, Kind};
use peerless_interop::network::nft;
use peerless_interop::process::{PATIENCE, in_time};
use peerless_signal::{Role, exchange};
use serde_json::Value;
use tokio::sync::mpsc;

fn hiding() -> PeerConnection {
    let mut configuration = Configuration::default();
    configuration.addresses.hides_host_addresses = true;
    configuration.ice_tcp.active = Some(false);
    PeerConnection::new(configuration).unwrap()
}

/// Neither our description nor what statistics tell of our host candidates has an address of this machine.
fn assert_hidden(connection: &PeerConnection) {
    let sdp = connection.local_description().unwrap().sdp;
    assert!(sdp.contains(".local "), "names stand for addresses: {sdp}");
    for address in ["10.88.0.1", "fd00:88::1"] {
        assert!(!sdp.contains(address), "{address} in {sdp}");
    }
    let ours = candidates(connection, "local-candidate");
    assert!(!ours.is_empty());
    for (kind, address) in ours.into_iter().filter(|(kind, _)| kind == "host") {
        assert!(address.ends_with(".local"), "{kind} {address}");
    }
}

/// Type and address of the candidates in the statistics.
fn candidates(connection: &PeerConnection, wanted: &str) -> Vec<(String, String)> {
    let stats: Value = serde_json::from_str(&connection.get_stats().to_json()).unwrap();
    let all: Vec<&Value> = match &stats {
        Value::Array(all) => all.iter().collect(),
        Value::Object(all) => all.values().collect(),
        _ => panic!("{stats}"),
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let meant = all.into_iter().filter(|one| one["type"] == wanted);
    meant.map(|one| (text(&one["candidateType"]), text(&one["address"]))).collect()
}

/// Candidates from one side to the other as they come.
async fn trickle(mut events: Events, to: PeerConnection) {
    while let Some(event) = events.next().await {
        if let Event::IceCandidate(candidate) = event {
            assert!(!candidate.candidate.contains("10.88.0.1"), "{}", candidate.candidate);
            to.add_ice_candidate(&candidate).unwrap();
        }
    }
}

async fn echoes(channel: &DataChannel) {
    let talking = async {
        channel.opened().await;
        channel.send("ping").await.unwrap();
        channel.recv().await.expect("the message comes back");
    };
    tokio::time::timeout(PATIENCE, talking).await.expect("a message that comes back");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_ours_find_each_other_by_name() {
    let (one, other) = (hiding(), hiding());
    let channel = one.create_data_channel("echo", DataChannelInit::default()).unwrap();
    let mut events = other.events();
    let (from_one, from_other) = (one.events(), other.events());
    one.set_local_description(None).unwrap();
    other.set_remote_description(one.local_description().unwrap()).unwrap();
    other.set_local_description(None).unwrap();
    one.set_remote_description(other.local_description().unwrap()).unwrap();
    tokio::spawn(trickle(from_one, other.clone()));
    tokio::spawn(trickle(from_other, one.clone()));
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            if let Event::DataChannel(channel) = event {
                while let Some(message) = channel.recv().await {
                    channel.send(message).await.unwrap();
                }
            }
        }
    });
    echoes(&channel).await;
    assert_hidden(&one);
    assert_hidden(&other);
}

async fn with_browser(kind: Kind) {
    let (sockets, mut arrived) = mpsc::unbounded_channel();
    let url = serve(include_str!("../pages/restart.html"), sockets).await;
    let mut browser = Browser::start(kind).await.unwrap();
    let tab = browser.open(&url).await.unwrap();
    let socket = tokio::time::timeout(PATIENCE, arrived.recv()).await.expect("the page's socket").unwrap();
    let connection = hiding();
    let channel = connection.create_data_channel("echo", DataChannelInit::default()).unwrap();
    tokio::spawn(exchange::run(socket, connection.clone(), Role::Offer));
    echoes(&channel).await;
    assert_hidden(&connection);
    let theirs = connection.remote_description().unwrap().sdp;
    println!("{kind:?} hides too: {}", theirs.contains(".local "));
    // Whether it asked for our name is not always to be seen: it may know us by our checks before it has an answer.
    let found = "const all = [...(await lab.pc.getStats()).values()]; \
         return all.some((s) => s.type === 'remote-candidate' && s.candidateType === 'host');";
    println!("{kind:?} has resolved our name: {}", browser.run(&tab, found).await.unwrap());
    if theirs.contains(".local ") {
        let is_found = || candidates(&connection, "remote-candidate").iter().any(|(kind, _)| kind == "host");
        let waiting = async {
            while !is_found() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("its name, resolved by us");
    }
    connection.close();
    connection.closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_connects_to_us_behind_names_and_we_find_its() {
    with_browser(Kind::Chromium).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn firefox_connects_to_us_behind_names() {
    with_browser(Kind::Firefox).await;
}

/// While it lives no datagram arrives but those of multicast DNS and of the loopback: nobody can be found by its checks.
struct ChecksDropped;

impl ChecksDropped {
    fn begin() -> Self {
        nft("add table inet unchecked
            add chain inet unchecked arriving { type filter hook input priority 0; }
            add rule inet unchecked arriving ip daddr != 127.0.0.1 udp dport != 5353 drop
            add rule inet unchecked arriving ip6 daddr != ::1 udp dport != 5353 drop");
        Self
    }
}

impl Drop for ChecksDropped {
    fn drop(&mut self) {
        nft("delete table inet unchecked");
    }
}

/// The names in a description or a candidate.
fn names(text: &str) -> Vec<String> {
    let names = text.split_ascii_whitespace().filter_map(|word| word.strip_suffix(".local"));
    names.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_asks_for_our_name_and_we_for_its_where_no_check_can_come_first() {
    let listener = Listener::open().unwrap();
    let dropped = ChecksDropped::begin();
    let (sockets, mut arrived) = mpsc::unbounded_channel();
    let url = serve(include_str!("../pages/restart.html"), sockets).await;
    let mut browser = Browser::start(Kind::Chromium).await.unwrap();
    let tab = browser.open(&url).await.unwrap();
    let socket = in_time("the page's socket", arrived.recv()).await.unwrap();
    let connection = hiding();
    let channel = connection.create_data_channel("echo", DataChannelInit::default()).unwrap();
    tokio::spawn(exchange::run(socket, connection.clone(), Role::Offer));
    let heard = async {
        loop {
            let ours = connection.local_description().map_or_else(Vec::new, |own| names(&own.sdp));
            let theirs = connection.remote_description().map_or_else(Vec::new, |own| names(&own.sdp));
            let is_found =
                |name: &String| listener.has_heard_question(name) && listener.has_heard_answer(name);
            if ours.iter().any(is_found) && theirs.iter().any(is_found) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    in_time("both names, asked for and told", heard).await;
    let candidates = candidates(&connection, "remote-candidate");
    assert!(candidates.iter().all(|(kind, _)| kind != "prflx"), "no check has come: {candidates:?}");
    drop(dropped);
    echoes(&channel).await;
    assert_hidden(&connection);
    let known = "const all = await lab.pc.getStats(); \
         return [...all.values()].filter((s) => s.type === 'remote-candidate').map((s) => s.candidateType);";
    println!("Chromium knows us as {}", browser.run(&tab, known).await.unwrap());
    connection.close();
    connection.closed().await;
}
