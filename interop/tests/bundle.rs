//! Bundle policies with Chromium and Firefox (RFC 9143, webrtc-pc §4.2.4): every policy of ours beside every one of theirs,
//! either side offering, with sound, two pictures and data channels; and with the BUNDLE group lost on the way, as with a
//! remote that does not know it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use peerless::{
    BundlePolicy, Configuration, DataChannelInit, DtlsState, Event, IceGatheringState, LocalTrack, MediaKind,
    PeerConnection, SdpType, SessionDescription,
};
use peerless_interop::browser::{Browser, Kind, Tab};
use peerless_interop::process::{PATIENCE, in_time};
use peerless_media::pump::Pump;
use peerless_media::source::pattern::TestPattern;
use peerless_media::source::sounds::SoundKind;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

const POLICIES: [BundlePolicy; 3] =
    [BundlePolicy::Balanced, BundlePolicy::MaxCompat, BundlePolicy::MaxBundle];
/// Sound, two pictures, data.
const SECTIONS: usize = 4;

/// Whose offer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offerer {
    Us,
    Page,
}

/// Which descriptions lose their BUNDLE groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lost {
    None,
    /// The answerer does know groups: it put all into one.
    Answers,
    Both,
}

/// One call: both policies, who offers, and where the BUNDLE groups are lost.
#[derive(Debug, Clone, Copy)]
struct Setting {
    ours: BundlePolicy,
    theirs: BundlePolicy,
    offerer: Offerer,
    lost: Lost,
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_bundles_by_every_policy() {
    every_policy(Kind::Chromium).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn firefox_bundles_by_every_policy() {
    every_policy(Kind::Firefox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_does_without_bundle_groups() {
    without_groups(Kind::Chromium).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn firefox_does_without_bundle_groups() {
    without_groups(Kind::Firefox).await;
}

async fn every_policy(kind: Kind) {
    let mut lab = Lab::open(kind).await;
    for ours in POLICIES {
        for theirs in POLICIES {
            for offerer in [Offerer::Us, Offerer::Page] {
                let setting = Setting { ours, theirs, offerer, lost: Lost::None };
                let call = lab.call(setting).await.unwrap_or_else(|error| panic!("{setting:?}: {error}"));
                assert_eq!(call.flows(&mut lab, SECTIONS).await, 1, "{setting:?}: all over one transport");
                lab.close(call).await;
            }
        }
    }
}

async fn without_groups(kind: Kind) {
    let mut lab = Lab::open(kind).await;
    for ours in POLICIES {
        for theirs in POLICIES {
            for offerer in [Offerer::Us, Offerer::Page] {
                let setting = Setting { ours, theirs, offerer, lost: Lost::Both };
                match (lab.call(setting).await, without_bundle(kind, &setting)) {
                    (Ok(call), Ok(sections)) => {
                        assert_eq!(
                            call.flows(&mut lab, sections).await,
                            sections,
                            "{setting:?}: each its own"
                        );
                        lab.close(call).await;
                    }
                    (Err(error), Err(name)) => assert!(error.contains(name), "{setting:?}: {error}"),
                    (result, expected) => panic!("{setting:?}: {expected:?} but {:?}", result.err()),
                }
            }
        }
    }
    // An answerer that has put all over one transport and does not say so: only the first section is there.
    for (offerer, policy) in
        [(Offerer::Us, BundlePolicy::MaxBundle), (Offerer::Page, BundlePolicy::MaxCompat)]
    {
        let setting = Setting { ours: policy, theirs: policy, offerer, lost: Lost::Answers };
        let call = lab.call(setting).await.unwrap_or_else(|error| panic!("{setting:?}: {error}"));
        assert_eq!(call.flows(&mut lab, 1).await, 1, "{setting:?}: the first");
        lab.close(call).await;
    }
}

/// How many sections flow where neither side knows of groups: those that the offerer gives a transport of their own, as far
/// as the answerer takes them. Chromium refuses what its max-bundle cannot have.
fn without_bundle(kind: Kind, setting: &Setting) -> Result<usize, &'static str> {
    let (is_chromium, page_offers) = (kind == Kind::Chromium, setting.offerer == Offerer::Page);
    if is_chromium && setting.theirs == BundlePolicy::MaxBundle {
        return Err("InvalidAccessError");
    }
    let by_policy = |policy| match policy {
        BundlePolicy::MaxCompat => SECTIONS,
        BundlePolicy::Balanced => SECTIONS - 1,
        BundlePolicy::MaxBundle => 1,
    };
    let (ours, theirs) = (by_policy(setting.ours), by_policy(setting.theirs));
    Ok(match page_offers {
        // Neither of them heeds its policy in answers.
        false => ours,
        // Chromium offers by balanced as by max-compat.
        true if is_chromium => ours,
        true => ours.min(theirs),
    })
}

/// A browser's page, and the tracks that all calls send.
struct Lab {
    kind: Kind,
    browser: Browser,
    tab: Tab,
    calls: usize,
    tracks: Vec<LocalTrack>,
    _pumps: Vec<Pump>,
}

/// One connection with its number in the page.
struct Call {
    number: usize,
    setting: Setting,
    ours: PeerConnection,
    /// What came: the MIDs of sections that gave a frame, and whether the channel brought its message back.
    came: Arc<Mutex<Came>>,
}

#[derive(Debug, Default)]
struct Came {
    sections: Vec<String>,
    has_message: bool,
}

impl Lab {
    async fn open(kind: Kind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let page = get(|| async { Html(include_str!("../pages/bundle.html")) });
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/", page)).await });
        let mut browser = Browser::start_with(kind, true).await.unwrap();
        let tab = browser.open(&url).await.unwrap();
        browser.until(&tab, "the page", "return typeof begin === 'function';").await.unwrap();
        browser.run(&tab, "return await begin();").await.unwrap();
        let track = |kind, id: &str| LocalTrack::new(kind, id, "stream");
        let tracks = vec![
            track(MediaKind::Audio, "sound"),
            track(MediaKind::Video, "picture"),
            track(MediaKind::Video, "other"),
        ];
        let pattern = || TestPattern::new(160, 120, 10).unwrap();
        let pumps = vec![
            Pump::audio(tracks[0].clone(), SoundKind::Music.source()).unwrap(),
            Pump::video(tracks[1].clone(), pattern(), 10, 200_000).unwrap(),
            Pump::video(tracks[2].clone(), pattern(), 10, 200_000).unwrap(),
        ];
        Self { kind, browser, tab, calls: 0, tracks, _pumps: pumps }
    }

    async fn run(&mut self, script: String) -> Result<Value, String> {
        self.browser.run(&self.tab, &script).await.map_err(|error| error.to_string())
    }

    /// Makes a call; what either side refuses is the error.
    async fn call(&mut self, setting: Setting) -> Result<Call, String> {
        self.calls += 1;
        let number = self.calls;
        let mut configuration = Configuration::default();
        configuration.bundle_policy = setting.ours;
        let ours = PeerConnection::new(configuration).unwrap();
        let came = Arc::new(Mutex::new(Came::default()));
        tokio::spawn(watch(ours.clone(), came.clone()));
        for track in &self.tracks {
            ours.add_track(track).unwrap();
        }
        let policy = match setting.theirs {
            BundlePolicy::Balanced => "balanced",
            BundlePolicy::MaxCompat => "max-compat",
            BundlePolicy::MaxBundle => "max-bundle",
        };
        self.run(format!("return open({number}, '{policy}', {});", setting.offerer == Offerer::Page)).await?;
        let call = Call { number, setting, ours, came };
        match setting.offerer {
            Offerer::Us => {
                let channel = call.ours.create_data_channel("talk", DataChannelInit::default()).unwrap();
                tokio::spawn(talk(channel, call.came.clone()));
                let offer = call.described().await?;
                self.take(&call, &offer).await?;
                let sdp = self.describe(&call).await?;
                call.take(SdpType::Answer, sdp)?;
            }
            Offerer::Page => {
                let sdp = self.describe(&call).await?;
                call.take(SdpType::Offer, sdp)?;
                let answer = call.described().await?;
                self.take(&call, &answer).await?;
            }
        }
        Ok(call)
    }

    async fn describe(&mut self, call: &Call) -> Result<String, String> {
        let sdp = self.run(format!("return await describe({});", call.number)).await?;
        Ok(call.on_the_way(sdp.as_str().unwrap(), call.setting.offerer == Offerer::Us))
    }

    async fn take(&mut self, call: &Call, description: &SessionDescription) -> Result<(), String> {
        let sdp = call.on_the_way(&description.sdp, description.kind == SdpType::Answer);
        let description = json!({ "type": description.kind.as_str(), "sdp": sdp });
        self.run(format!("await take({}, {description}); return true;", call.number)).await.map(drop)
    }

    async fn close(&mut self, call: Call) {
        call.ours.close();
        self.run(format!("close({});", call.number)).await.unwrap();
    }
}

impl Call {
    /// A description as the other side gets it.
    fn on_the_way(&self, sdp: &str, is_answer: bool) -> String {
        let loses = match self.setting.lost {
            Lost::None => false,
            Lost::Answers => is_answer,
            Lost::Both => true,
        };
        let is_kept = |line: &&str| !(loses && line.starts_with("a=group:BUNDLE"));
        sdp.split_inclusive("\r\n").filter(is_kept).collect()
    }

    fn take(&self, kind: SdpType, sdp: String) -> Result<(), String> {
        let description = SessionDescription { kind, sdp };
        self.ours.set_remote_description(description).map_err(|error| error.to_string())
    }

    /// Our description, with all candidates.
    async fn described(&self) -> Result<SessionDescription, String> {
        let mut events = self.ours.events();
        self.ours.set_local_description(None).map_err(|error| error.to_string())?;
        while self.ours.ice_gathering_state() != IceGatheringState::Complete {
            in_time("gathering ends", events.next()).await;
        }
        Ok(self.ours.local_description().unwrap())
    }

    /// Waits until so many sections flow both ways, and gives how many connected transports carry them, of which both sides
    /// have as many.
    async fn flows(&self, lab: &mut Lab, sections: usize) -> usize {
        let begun = Instant::now();
        loop {
            let page = lab.run(format!("return await look({});", self.number)).await.unwrap();
            let came = self.came.lock().await;
            let messages = usize::from(came.has_message);
            let counts = [came.sections.len(), page["sections"].as_array().unwrap().len()];
            let transports = self.ours.transports();
            let connected = transports.iter().filter(|one| one.state() == DtlsState::Connected).count();
            let is_equal = page["connected"].as_u64() == Some(connected as u64);
            if counts.iter().all(|count| count + messages == sections) && is_equal {
                return connected;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{:?} {:?}: {came:?}, {connected} transports, the page has {page}",
                lab.kind,
                self.setting
            );
            drop(came);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Notes what comes.
async fn watch(ours: PeerConnection, came: Arc<Mutex<Came>>) {
    let mut events = ours.events();
    while let Some(event) = events.next().await {
        match event {
            Event::Track(track) => {
                let (ours, came) = (ours.clone(), came.clone());
                tokio::spawn(async move {
                    let transceiver = ours.transceiver(track.transceiver());
                    if track.recv().await.is_some()
                        && let Some(mid) = transceiver.and_then(|transceiver| transceiver.mid())
                    {
                        came.lock().await.sections.push(mid.to_string());
                    }
                });
            }
            Event::DataChannel(channel) => drop(tokio::spawn(talk(channel, came.clone()))),
            _ => {}
        }
    }
}

/// Sends a message, which the page sends back.
async fn talk(channel: peerless::DataChannel, came: Arc<Mutex<Came>>) {
    channel.opened().await;
    if channel.send("over its transport").await.is_ok() && channel.recv().await.is_some() {
        came.lock().await.has_message = true;
    }
}
