//! Browsers on one port of ours: ten pages of Chromium at once by UDP, and by TCP where no UDP gets through, and both browsers
//! against ICE-lite in both roles; networks that come later. Needs root, `ip` and `nft`.

#[path = "lab/dropped.rs"]
mod dropped;
#[path = "endpoint/interfaces.rs"]
mod interfaces;
mod lab;

use std::net::{IpAddr, SocketAddr};

use dropped::UdpDropped;
use lab::serve;
use peerless::{
    Configuration, DataChannel, DataChannelInit, Endpoint, EndpointConfig, IceState, Message, PeerConnection,
};
use peerless_interop::browser::{Browser, Kind, Tab};
use peerless_interop::process::in_time;
use peerless_signal::websocket::ServerSocket;
use peerless_signal::{Role, exchange};
use serde_json::Value;
use tokio::sync::mpsc;

/// An endpoint with a page before it.
struct Stage {
    endpoint: Endpoint,
    url: String,
    arrived: mpsc::UnboundedReceiver<ServerSocket>,
}

impl Stage {
    async fn new(ice_lite: bool, workers: usize) -> Self {
        let mut config = EndpointConfig::default();
        (config.ice_lite, config.workers, config.tcp) = (ice_lite, workers, true);
        // All addresses of the machine: browsers show their own, not the loopback interface's.
        let any = ["0.0.0.0", "::"].map(|ip| SocketAddr::new(ip.parse::<IpAddr>().unwrap(), 0));
        let endpoint = Endpoint::bind(any, config).unwrap();
        let (sockets, arrived) = mpsc::unbounded_channel();
        Self { endpoint, url: serve(include_str!("../pages/channels.html"), sockets).await, arrived }
    }

    /// One more page, its connection, and a channel that the page echoes. The role is ours.
    async fn open(&mut self, browser: &mut Browser, role: Role) -> (Tab, PeerConnection, DataChannel) {
        let query = if role == Role::Answer { "?role=offer" } else { "" };
        let tab = browser.open(&format!("{}/{query}", self.url)).await.unwrap();
        let socket = in_time("the page's socket", self.arrived.recv()).await.unwrap();
        let connection = self.endpoint.connection(Configuration::default()).unwrap();
        let mut init = DataChannelInit::default();
        (init.negotiated, init.id) = (true, Some(7));
        let channel = connection.create_data_channel("echo", init).unwrap();
        tokio::spawn(exchange::run(socket, connection.clone(), role));
        browser.until(&tab, "the page", "return window.lab?.ready;").await.unwrap();
        let create = "lab.create('echo', { negotiated: true, id: 7 }); return true;";
        browser.run(&tab, create).await.unwrap();
        if role == Role::Answer {
            browser.run(&tab, "lab.offer(); return true;").await.unwrap();
        }
        (tab, connection, channel)
    }
}

async fn echo(channel: &DataChannel, word: &str) {
    in_time("the channel", channel.opened()).await;
    in_time("a message taken", channel.send(word)).await.unwrap();
    let heard = in_time("its echo", channel.recv()).await;
    assert!(matches!(&heard, Some(Message::Text(heard)) if heard == word), "{heard:?}");
}

async fn until_left(endpoint: &Endpoint) {
    let left = async {
        while endpoint.stats().connections > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    in_time("the end of all", left).await;
    let stats = endpoint.stats();
    assert_eq!((stats.usernames, stats.paths, stats.transactions), (0, 0, 0), "{stats:?}");
}

async fn ten_pages(ice_lite: bool, workers: usize, protocol: &str) {
    let mut stage = Stage::new(ice_lite, workers).await;
    let mut browser = Browser::start(Kind::Chromium).await.unwrap();
    let mut pages = Vec::new();
    for _ in 0..10 {
        pages.push(stage.open(&mut browser, Role::Offer).await);
    }
    for round in 0..3 {
        for (number, (_, _, channel)) in pages.iter().enumerate() {
            echo(channel, &format!("page {number}, round {round}")).await;
        }
    }
    let stats = stage.endpoint.stats();
    assert_eq!(stats.connections, 10);
    println!("ten pages by {protocol}, lite: {ice_lite}, workers: {workers}: {stats:?}");
    if protocol == "tcp" {
        for (_, connection, _) in &pages {
            in_time("a pair", until_by_tcp(connection)).await;
        }
    }
    for (tab, connection, _) in pages {
        browser.run(&tab, "lab.pc.close(); return true;").await.unwrap();
        connection.close();
    }
    until_left(&stage.endpoint).await;
}

/// Waits until a pair is selected, and it is of TCP: messages may flow before that.
async fn until_by_tcp(connection: &PeerConnection) {
    loop {
        let stats: Value = serde_json::from_str(&connection.get_stats().to_json()).unwrap();
        let transport = stats.as_object().unwrap().values().find(|one| one["type"] == "transport").unwrap();
        if let Some(pair) = transport["selectedCandidatePairId"].as_str() {
            let local = stats[pair]["localCandidateId"].as_str().unwrap();
            return assert_eq!(stats[local]["protocol"], "tcp");
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// One after the other, for what is dropped is dropped for all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_pages_of_chromium_talk_over_one_port_by_udp_and_by_tcp() {
    ten_pages(false, 1, "udp").await;
    ten_pages(true, 2, "udp").await;
    let _dropped = UdpDropped::begin();
    ten_pages(false, 1, "tcp").await;
    ten_pages(true, 2, "tcp").await;
}

/// The page talks to a lite side, also after it has restarted ICE.
async fn against_lite(kind: Kind) {
    let mut stage = Stage::new(true, 1).await;
    let mut browser = Browser::start(kind).await.unwrap();
    for role in [Role::Offer, Role::Answer] {
        let (tab, connection, channel) = stage.open(&mut browser, role).await;
        echo(&channel, "before the restart").await;
        assert!(connection.local_description().unwrap().sdp.contains("a=ice-lite"));
        if role == Role::Answer {
            browser.run(&tab, "lab.pc.restartIce(); lab.offer(); return true;").await.unwrap();
            let is_answered = "return lab.pc.signalingState === 'stable' && lab.pc.iceConnectionState;";
            browser.until(&tab, "the answer", is_answered).await.unwrap();
            echo(&channel, "after the restart").await;
        }
        let ice = connection.transports()[0].ice_transport();
        assert!(matches!(ice.state(), IceState::Connected | IceState::Completed), "{}", ice.state());
        browser.run(&tab, "lab.pc.close(); return true;").await.unwrap();
        connection.close();
    }
    until_left(&stage.endpoint).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_talks_to_a_lite_endpoint_in_either_role() {
    against_lite(Kind::Chromium).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn firefox_talks_to_a_lite_endpoint_in_either_role() {
    against_lite(Kind::Firefox).await;
}
