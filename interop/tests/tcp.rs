//! ICE over TCP (RFC 6544) where every datagram of UDP is dropped, but those of the loopback: with Chromium and Firefox, either
//! side offering, and between two of ours. Pictures both ways and messages flow. Needs root and `nft`; `cargo xtask test`
//! runs it in a namespace.

mod lab;
#[path = "lab/dropped.rs"]
mod dropped;
#[path = "lab/pair.rs"]
mod pair;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use dropped::UdpDropped;
use lab::serve;
use pair::{connect, talk, watch};
use peerless::{Configuration, DataChannelInit, Event, LocalTrack, MediaKind, PeerConnection};
use peerless_interop::browser::{Browser, Kind};
use peerless_interop::process::PATIENCE;
use peerless_media::pump::Pump;
use peerless_media::source::pattern::TestPattern;
use peerless_signal::{Role, exchange};
use serde_json::Value;
use tokio::sync::mpsc;

#[tokio::test(flavor = "multi_thread")]
async fn chromium_connects_to_us_by_tcp_whoever_offers() {
    for role in [Role::Offer, Role::Answer] {
        with_browser(Kind::Chromium, role, Some(0)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn firefox_connects_to_us_by_tcp_whoever_offers() {
    for role in [Role::Offer, Role::Answer] {
        with_browser(Kind::Firefox, role, Some(0)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_ours_connect_by_tcp() {
    let _dropped = UdpDropped::begin();
    let (active, passive) = (Ours::new(None), Ours::new(Some(0)));
    connect(&active.connection, &passive.connection);
    for ours in [&active, &passive] {
        ours.until("pictures and messages", |ours| ours.frames() > 30 && ours.messages() > 20).await;
        assert!(ours.is_over_tcp());
    }
    active.connection.close();
    passive.connection.close();
}

async fn with_browser(kind: Kind, role: Role, passive: Option<u16>) {
    let _dropped = UdpDropped::begin();
    let (sockets, mut arrived) = mpsc::unbounded_channel();
    let mut url = serve(include_str!("../pages/tcp.html"), sockets).await;
    if role == Role::Answer {
        url.push_str("/?role=offer");
    }
    let mut browser = Browser::start(kind).await.unwrap();
    let tab = browser.open(&url).await.unwrap();
    let socket = tokio::time::timeout(PATIENCE, arrived.recv()).await.expect("the page's socket").unwrap();
    let ours = Ours::new(passive);
    tokio::spawn(exchange::run(socket, ours.connection.clone(), role));
    let flows = "const f = await lab.figures(); return f.frames > 30 && f.messages > 10 && f;";
    let figures = browser.until(&tab, "pictures and messages", flows).await;
    let figures = match figures {
        Ok(figures) => figures,
        Err(error) => {
            let last = browser.run(&tab, "return await lab.figures();").await;
            panic!("{error}: the page has {last:?}, we {:?}", ours.connection.local_description());
        }
    };
    println!("{kind:?}, we {role:?}: {figures}");
    assert_eq!((&figures["local"], &figures["remote"]), (&"tcp".into(), &"tcp".into()), "{figures}");
    ours.until("its pictures", |ours| ours.frames() > 30).await;
    assert!(ours.is_over_tcp());
    ours.connection.close();
}

/// Our side: sends a picture and messages, and counts those that come.
struct Ours {
    connection: PeerConnection,
    frames: Arc<AtomicU64>,
    messages: Arc<AtomicU64>,
    _pump: Pump,
}

impl Ours {
    fn new(passive: Option<u16>) -> Self {
        let mut configuration = Configuration::default();
        configuration.ice_tcp.passive = passive;
        let connection = PeerConnection::new(configuration).unwrap();
        let track = LocalTrack::new(MediaKind::Video, "picture", "stream");
        connection.add_track(&track).unwrap();
        let pump = Pump::video(track, TestPattern::new(320, 240, 25).unwrap(), 25, 500_000).unwrap();
        let mut init = DataChannelInit::default();
        init.negotiated = true;
        init.id = Some(0);
        let channel = connection.create_data_channel("echo", init).unwrap();
        let (frames, messages) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        tokio::spawn(talk(channel, messages.clone()));
        let (mut events, counted) = (connection.events(), frames.clone());
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                if let Event::Track(track) = event {
                    tokio::spawn(watch(track, counted.clone()));
                }
            }
        });
        Self { connection, frames, messages, _pump: pump }
    }

    fn frames(&self) -> u64 {
        self.frames.load(Relaxed)
    }

    fn messages(&self) -> u64 {
        self.messages.load(Relaxed)
    }

    /// As the stats tell it of both ends of the pair in use.
    fn is_over_tcp(&self) -> bool {
        let stats: Value = serde_json::from_str(&self.connection.get_stats().to_json()).unwrap();
        let all = stats.as_object().unwrap();
        let transport = all.values().find(|one| one["type"] == "transport").unwrap();
        let pair = &stats[transport["selectedCandidatePairId"].as_str().unwrap()];
        let is_tcp = |end: &str| stats[pair[end].as_str().unwrap()]["protocol"] == "tcp";
        is_tcp("localCandidateId") && is_tcp("remoteCandidateId")
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let waits = async {
            while !is_so(self) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waits).await.is_err() {
            panic!("never: {what}; {} frames, {} messages", self.frames(), self.messages());
        }
    }
}
