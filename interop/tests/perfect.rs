//! Perfect negotiation with Chromium and Firefox: a page that does as webrtc-pc §10.7 shows, and our negotiator, each of
//! them polite and impolite. Both sides change what they like at the same time, again and again; they end agreed, and
//! media flows both ways.

mod lab;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lab::serve;
use peerless::{
    Configuration, DataChannel, DataChannelInit, Direction, LocalTrack, MediaKind, PeerConnection,
    RemoteTrack, SignalingState, Transceiver,
};
use peerless_interop::browser::{Browser, Kind, Tab};
use peerless_interop::process::{PATIENCE, in_time};
use peerless_media::pump::Pump;
use peerless_media::source::pattern::TestPattern;
use peerless_signal::websocket::ServerSocket;
use peerless_signal::{Negotiator, Politeness, Rejection, Step};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// How often both sides act at once.
const ROUNDS: u32 = 25;

/// What our negotiator told.
#[derive(Debug, Default)]
struct Told {
    yielded: u32,
    passed_over: u32,
    rejected: Vec<String>,
}

/// The page with its tab, and our end.
struct Lab {
    browser: Browser,
    tab: Tab,
    told: Arc<Mutex<Told>>,
    ours: Ours,
}

/// Our end.
struct Ours {
    connection: PeerConnection,
    /// What we added, besides what stays.
    added: Vec<(Transceiver, Option<LocalTrack>)>,
    channels: Vec<DataChannel>,
    chance: u32,
}

impl Lab {
    async fn open(kind: Kind, ours: Politeness) -> Self {
        let (sockets, mut arrived) = mpsc::unbounded_channel();
        let url = serve(include_str!("../pages/perfect.html"), sockets).await;
        let mut browser = Browser::start(kind).await.unwrap();
        let page_is_polite = ours == Politeness::Impolite;
        let tab = browser.open(&format!("{url}/?polite={page_is_polite}")).await.unwrap();
        let socket = in_time("the page's socket", arrived.recv()).await.unwrap();
        let connection = PeerConnection::new(Configuration::default()).unwrap();
        let told = Arc::new(Mutex::new(Told::default()));
        tokio::spawn(watch(Negotiator::new(socket, connection.clone(), ours), told.clone()));
        browser.until(&tab, "the page", "return window.lab?.ready ?? false;").await.unwrap();
        let ours = Ours { connection, added: Vec::new(), channels: Vec::new(), chance: 1 };
        Self { browser, tab, told, ours }
    }

    /// Waits until both sides are stable and see the same, and gives what the page says.
    async fn agree(&mut self) -> Value {
        let begun = Instant::now();
        loop {
            let page = self.browser.run(&self.tab, "return lab.state();").await.unwrap();
            let (ours, theirs) = (self.ours.sections(), page_sections(&page));
            let stable =
                self.ours.connection.signaling_state() == SignalingState::Stable && page["stable"] == true;
            if stable && !self.ours.connection.is_negotiation_needed() && ours == theirs {
                return page;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "never agreed: {ours:#?}\n{page:#}\n{:?} {:?}",
                self.ours.connection.signaling_state(),
                self.told.lock().unwrap()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Ours {
    fn pick(&mut self, end: usize) -> usize {
        self.chance = self.chance.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        (self.chance >> 16) as usize % end
    }

    /// One wish of ours.
    fn act(&mut self, round: u32) {
        let kind = if self.pick(2) == 0 { MediaKind::Audio } else { MediaKind::Video };
        let directions = [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];
        let direction = directions[self.pick(4)];
        self.added.retain(|(transceiver, _)| !transceiver.is_stopped());
        let at = self.pick(self.added.len().max(1));
        match self.pick(5) {
            0 if !self.added.is_empty() => self.added.remove(at).0.stop().unwrap(),
            1 if !self.added.is_empty() => self.added[at].0.set_direction(direction).unwrap(),
            2 if self.added.len() < 6 => {
                let track = LocalTrack::new(kind, format!("round-{round}"), "rounds");
                self.added.push((self.connection.add_track(&track).unwrap(), Some(track)));
            }
            3 => {
                let channel =
                    self.connection.create_data_channel(&format!("{round}"), DataChannelInit::default());
                self.channels.push(channel.unwrap());
            }
            _ if self.added.len() < 6 => {
                self.added.push((self.connection.add_transceiver(kind, direction).unwrap(), None));
            }
            _ => {}
        }
    }

    /// Our media sections by their mids, as the page must see them: kind, and which way the page sends and receives.
    fn sections(&self) -> BTreeMap<String, (String, String)> {
        let live = self.connection.transceivers().into_iter().filter(|one| !one.is_stopped());
        let entries = live.enumerate().map(|(number, one)| {
            let mid = one.mid().map_or_else(|| format!("new {number}"), |mid| mid.to_string());
            let direction = match one.current_direction() {
                Some(Direction::SendOnly) => "recvonly",
                Some(Direction::RecvOnly) => "sendonly",
                Some(direction) => direction.as_str(),
                None => "none",
            };
            let kind = if one.kind() == Some(MediaKind::Audio) { "audio" } else { "video" };
            (mid, (kind.to_owned(), direction.to_owned()))
        });
        entries.collect()
    }
}

fn page_sections(page: &Value) -> BTreeMap<String, (String, String)> {
    let list = page["transceivers"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    list.iter().map(|one| (text(&one[0]), (text(&one[3]), text(&one[2])))).collect()
}

/// Pulls the steps and counts them.
async fn watch(mut negotiator: Negotiator<ServerSocket>, told: Arc<Mutex<Told>>) {
    while let Some(step) = negotiator.next().await {
        let mut told = told.lock().unwrap();
        match step {
            Step::Yielded => told.yielded += 1,
            Step::Rejected(Rejection::Collision) => told.passed_over += 1,
            Step::Rejected(rejection) => told.rejected.push(rejection.to_string()),
            Step::NoOffer(error) => told.rejected.push(format!("no offer: {error}")),
            _ => {}
        }
    }
}

/// The page's first track, which stays.
async fn page_track(connection: &PeerConnection) -> RemoteTrack {
    let coming = async {
        loop {
            let tracks = connection.receivers().into_iter().filter_map(|receiver| receiver.track());
            if let Some(track) = tracks.into_iter().find(|track| !track.is_muted()) {
                return track;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    in_time("the page's track", coming).await
}

async fn both_act_at_once(kind: Kind, ours: Politeness) {
    let mut lab = Lab::open(kind, ours).await;
    let camera = LocalTrack::new(MediaKind::Video, "camera", "ours");
    let _pump = Pump::video(camera.clone(), TestPattern::new(320, 240, 30).unwrap(), 30, 500_000).unwrap();
    // From the first moment on: both begin with an offer, and these meet. The page waits for ours before there is one.
    lab.browser.run(&lab.tab, "lab.meet(); return true;").await.unwrap();
    let start = lab.browser.run(&lab.tab, "lab.start(); return true;");
    let (started, transceiver) = tokio::join!(start, async { lab.ours.connection.add_track(&camera) });
    started.unwrap();
    let transceiver = transceiver.unwrap();
    lab.ours
        .channels
        .push(lab.ours.connection.create_data_channel("ours", DataChannelInit::default()).unwrap());
    lab.agree().await;
    for round in 0..ROUNDS {
        lab.ours.chance = round.wrapping_mul(2_654_435_761) | 1;
        let wishes = 1 + round % 3;
        let script = format!("lab.act({}, {wishes}); return true;", lab.ours.chance);
        // Ours goes out while the page's is under way, at another moment in each round.
        let moment = Duration::from_millis(u64::from(round % 8));
        let ours = &mut lab.ours;
        let (acted, ()) = tokio::join!(lab.browser.run(&lab.tab, &script), async {
            tokio::time::sleep(moment).await;
            ours.act(round);
        });
        acted.unwrap();
        // Now and then both go on before they have agreed.
        if round % 3 != 1 {
            lab.agree().await;
        }
    }
    let page = lab.agree().await;
    assert!(!transceiver.is_stopped() && page["errors"] == json!([]), "{page:#}");
    {
        let told = lab.told.lock().unwrap();
        println!("{kind:?}, we {ours:?}: {told:?}, the page collided {} times", page["collided"]);
        assert!(told.rejected.is_empty(), "{told:?}");
        let met = if ours == Politeness::Polite { told.yielded } else { told.passed_over };
        assert!(met > 0 && page["collided"].as_u64() > Some(0), "the first two did not meet: {page:#}");
    }
    media_flows(&mut lab).await;
    lab.ours.connection.close();
    in_time("the end", lab.ours.connection.closed()).await;
}

/// Pictures arrive on both sides, new ones.
async fn media_flows(lab: &mut Lab) {
    let before = lab.browser.run(&lab.tab, "return await lab.frames();").await.unwrap();
    let more = format!("const now = await lab.frames(); return now > {before} + 20 && now;");
    lab.browser.until(&lab.tab, "our pictures in the page", &more).await.unwrap();
    let theirs = page_track(&lab.ours.connection).await;
    for _ in 0..20 {
        in_time("the page's pictures", theirs.recv()).await.expect("they go on");
    }
    lab.browser.until(&lab.tab, "both channels open", "return lab.opened >= 2;").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn we_are_polite_to_chromium() {
    both_act_at_once(Kind::Chromium, Politeness::Polite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_is_polite_to_us() {
    both_act_at_once(Kind::Chromium, Politeness::Impolite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn we_are_polite_to_firefox() {
    both_act_at_once(Kind::Firefox, Politeness::Polite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn firefox_is_polite_to_us() {
    both_act_at_once(Kind::Firefox, Politeness::Impolite).await;
}
