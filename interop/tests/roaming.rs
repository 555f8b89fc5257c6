//! Chromium over two networks: it lives in a network namespace of its own, joined to ours by two pairs of interfaces. When the
//! network in use is taken down, at either end, the call goes on by the other, and moves back when it is there again where
//! we control; who controls is tried both ways. Needs root, `ip` and `nft`; `cargo xtask test` runs it in a namespace.
//!
//! Without a harness, for this program is also the far host: `roaming far` drives the browser there, and speaks over its
//! standard streams.

#[path = "lab/heard.rs"]
mod heard;
mod lab;
#[path = "lab/pipe.rs"]
mod pipe;
#[path = "lab/wire.rs"]
mod wire;

use std::process::{ExitCode, Stdio};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lab::serve;
use peerless::{
    Configuration, Event, GatheringPolicy, IceConnectionState, LocalTrack, MediaKind, PeerConnection,
    SelectedPair,
};
use peerless_interop::browser::{Browser, Kind};
use peerless_interop::network::nft;
use peerless_interop::process::{PATIENCE, in_time};
use peerless_media::pump::Pump;
use peerless_media::source::sounds::SoundKind;
use peerless_signal::channel::{Channel, Incoming};
use peerless_signal::{Role, exchange};
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::heard::{Heard, listen, locked};
use crate::pipe::{Pipe, lines, standard_lines, standard_writer, writer};
use crate::wire::{address, join, network_of, run, set_link};

/// The networks between the two.
const NETWORKS: [u8; 2] = [7, 8];
/// The longest silence where we say by which way the call goes. What it was is told: tenths of a second, but for what a
/// loaded machine adds.
const LONGEST_GAP: Duration = Duration::from_secs(5);
/// And where Chromium says so, which takes three seconds to believe that a way is lost; far less than consent lasts
/// (RFC 7675 §5.1).
const LONGEST_GAP_OF_CHROMIUM: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("far") {
        far(std::env::args().nth(2).as_deref() == Some("offer")).await;
        return ExitCode::SUCCESS;
    }
    separate();
    let outcomes = [
        (
            "chromium_moves_with_us_where_we_control",
            tokio::spawn(chromium_moves_with_us_where_we_control()).await.is_ok(),
        ),
        (
            "we_move_with_chromium_where_it_controls",
            tokio::spawn(we_move_with_chromium_where_it_controls()).await.is_ok(),
        ),
    ];
    for (name, is_good) in outcomes {
        println!("test {name} ... {}", if is_good { "ok" } else { "FAILED" });
    }
    let passed = outcomes.iter().filter(|(_, is_good)| *is_good).count();
    let failed = outcomes.len() - passed;
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!("test result: {word}. {passed} passed; {failed} failed; 0 ignored");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Linux takes packets for any of its addresses on any interface, so that pairs across the networks work until one of these is
/// gone; and Chromium keeps of each of its networks one pair, which may be such. Between real hosts the networks are apart.
fn separate() {
    let rule = |network: u8| {
        let [ours, theirs] = [1, 2].map(|host| address(network, host));
        format!(
            "add rule inet apart arriving iifname near{network} ip daddr != {ours} drop
            add rule inet apart arriving iifname near{network} ip saddr != {theirs} drop"
        )
    };
    let [first, second] = NETWORKS.map(rule);
    let rules = format!(
        "add table inet apart
        add chain inet apart arriving {{ type filter hook input priority 0; }}
        {first}
        {second}"
    );
    nft(&rules);
}

async fn chromium_moves_with_us_where_we_control() {
    moves(Role::Offer).await;
}

async fn we_move_with_chromium_where_it_controls() {
    moves(Role::Answer).await;
}

async fn moves(role: Role) {
    let mut near = Near::new(role).await;
    near.flows().await;
    near.until("both networks are known to work", Near::has_both).await;
    near.mark().await;
    near.flows().await;
    println!("in calm: silence of {:?}", near.gaps().await);
    let is_ours = role == Role::Offer;
    let longest = if is_ours { LONGEST_GAP } else { LONGEST_GAP_OF_CHROMIUM };
    for far_loses in [false, true].into_iter().filter(|far_loses| is_ours || !far_loses) {
        let who = if far_loses { "Chromium" } else { "our end" };
        let used = near.network();
        near.mark().await;
        near.set(far_loses, used, "down").await;
        near.until("the other network is taken", |near| near.network() != used).await;
        near.flows().await;
        let gaps = near.gaps().await;
        println!("{role:?}: {who} lost its network: silence of {gaps:?} here and there");
        assert!(near.is_connected() && gaps.into_iter().all(|gap| gap < longest), "{gaps:?}");

        near.mark().await;
        near.set(far_loses, used, "up").await;
        // Chromium is content with either network and may stay.
        if is_ours {
            near.until("it moves back", |near| near.network() == used).await;
        }
        near.flows().await;
        let gaps = near.gaps().await;
        println!("{role:?}: {who} has it again: silence of {gaps:?} here and there");
        assert!(near.is_connected() && gaps.into_iter().all(|gap| gap < longest), "{gaps:?}");
    }
    near.end().await;
}

/// Our end, which plays music and hears the browser's microphone.
struct Near {
    connection: PeerConnection,
    heard: Arc<Heard>,
    selected: Arc<Mutex<Option<SelectedPair>>>,
    figures: mpsc::UnboundedReceiver<Value>,
    to_far: mpsc::UnboundedSender<String>,
    far: Child,
    _pump: Pump,
}

impl Near {
    async fn new(role: Role) -> Self {
        let mut far = Command::new("unshare");
        let word = if role == Role::Offer { "answer" } else { "offer" };
        far.arg("--net").arg(std::env::current_exe().unwrap()).args(["far", word]);
        let mut far = far.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = lines(far.stdout.take().unwrap());
        let hello = in_time("the far host", lines.recv()).await;
        assert_eq!(hello.as_deref(), Some("# hello"), "needs root, to make a network namespace");
        for network in NETWORKS {
            join(network, far.id().unwrap()).await;
        }
        let mut configuration = Configuration::default();
        configuration.gathering = GatheringPolicy::Continually;
        configuration.addresses.only_interfaces = NETWORKS.map(|network| format!("near{network}")).to_vec();
        configuration.ice_tcp.active = Some(false);
        let connection = PeerConnection::new(configuration).unwrap();
        let mut events = connection.events();
        let track = LocalTrack::new(MediaKind::Audio, "sound", "stream");
        connection.add_track(&track).unwrap();
        let pump = Pump::audio(track, SoundKind::Music.source()).unwrap();
        let (heard, selected) = (Arc::<Heard>::default(), Arc::<Mutex<Option<_>>>::default());
        let (heard_too, selected_too) = (heard.clone(), selected.clone());
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                match event {
                    Event::Track(track) if track.kind() == MediaKind::Audio => {
                        drop(tokio::spawn(listen(track, heard_too.clone())));
                    }
                    Event::SelectedPair(pair) => *locked(&selected_too) = Some(pair),
                    _ => {}
                }
            }
        });
        let to_far = writer(far.stdin.take().unwrap());
        let (signals, incoming) = mpsc::unbounded_channel();
        let (told, figures) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(line) = lines.recv().await {
                let sent = match line.strip_prefix("# ") {
                    Some(words) => told.send(serde_json::from_str(words).expect("JSON")).is_ok(),
                    None => signals.send(line).is_ok(),
                };
                if !sent {
                    break;
                }
            }
        });
        to_far.send("begin".to_owned()).unwrap();
        let pipe = Pipe { incoming, outgoing: to_far.clone() };
        tokio::spawn(exchange::run(pipe, connection.clone(), role));
        Self { connection, heard, selected, figures, to_far, far, _pump: pump }
    }

    fn is_connected(&self) -> bool {
        let state = self.connection.ice_connection_state();
        matches!(state, IceConnectionState::Connected | IceConnectionState::Completed)
    }

    /// The network in use; 0 where there is none.
    fn network(&self) -> u8 {
        locked(&self.selected).map_or(0, |pair| network_of(pair.local.ip()))
    }

    /// Whether a pair of each network has answered.
    fn has_both(&self) -> bool {
        let stats: Value = serde_json::from_str(&self.connection.get_stats().to_json()).unwrap();
        let all = stats.as_object().unwrap();
        let answers = |network: u8| {
            let is_it = |pair: &&Value| {
                let local = stats[pair["localCandidateId"].as_str().unwrap_or_default()]["address"].as_str();
                let local = local.and_then(|address| address.parse().ok());
                pair["type"] == "candidate-pair"
                    && pair["state"] == "succeeded"
                    && local.map(network_of) == Some(network)
            };
            all.values().any(|pair| is_it(&pair))
        };
        NETWORKS.into_iter().all(answers)
    }

    /// What the page has counted.
    async fn figures(&mut self) -> Value {
        self.to_far.send("figures".to_owned()).unwrap();
        in_time("the page's figures", self.figures.recv()).await.expect("the far host")
    }

    /// Silences count from now on.
    async fn mark(&mut self) {
        self.to_far.send("mark".to_owned()).unwrap();
        self.figures().await;
        self.heard.take_silence();
    }

    /// The longest silences since the last mark, here and there.
    async fn gaps(&mut self) -> [Duration; 2] {
        let there = self.figures().await["longest"].as_f64().unwrap();
        [self.heard.take_silence(), Duration::from_secs_f64(there / 1000.0)]
    }

    /// Media both ways, from now on.
    async fn flows(&mut self) {
        let here = self.heard.count.load(Relaxed);
        let there = self.figures().await["count"].as_u64();
        let flowing = async {
            while self.heard.count.load(Relaxed) <= here + 20
                || self.figures().await["count"].as_u64() <= there.map(|there| there + 20)
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        in_time("media flows", flowing).await;
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        let waiting = async {
            while !is_so(self) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            let state = (self.connection.ice_connection_state(), self.network());
            panic!("never: {what}; {state:?}, {}", self.connection.get_stats().to_json());
        }
        println!("{what}, after {:?}", begun.elapsed());
    }

    /// Takes a network down or up, at one end.
    async fn set(&self, is_far: bool, network: u8, state: &str) {
        if is_far {
            self.to_far.send(format!("{state} {network}")).unwrap();
        } else {
            set_link(network, self.far.id().unwrap(), state).await;
        }
    }

    async fn end(self) {
        let Self { connection, to_far, mut far, .. } = self;
        connection.close();
        connection.closed().await;
        to_far.send("end".to_owned()).unwrap();
        in_time("the far host's end", far.wait()).await.unwrap();
        // Its namespace may live on for a moment, with a process of the browser's.
        for network in NETWORKS {
            run(&format!("ip link del dev near{network}")).await;
        }
    }
}

/// The far host: a browser, whose page's messages go over the standard streams.
async fn far(offers: bool) {
    println!("# hello");
    let mut lines = standard_lines();
    // Its networks are made meanwhile.
    while lines.recv().await.is_some_and(|line| line != "begin") {}
    let (sockets, mut arrived) = mpsc::unbounded_channel();
    let mut url = serve(include_str!("../pages/roaming.html"), sockets).await;
    if offers {
        url.push_str("/?role=offer");
    }
    let mut browser = Browser::start_with(Kind::Chromium, true).await.unwrap();
    let tab = browser.open(&url).await.unwrap();
    let mut socket = in_time("the page's socket", arrived.recv()).await.unwrap();
    let outgoing = standard_writer();
    loop {
        tokio::select! {
            line = lines.recv() => match line.as_deref() {
                None | Some("end") => break,
                Some("mark") => drop(browser.run(&tab, "lab.mark();").await.unwrap()),
                Some("figures") => {
                    let figures = browser.run(&tab, "return lab.figures();").await.unwrap();
                    let _ = outgoing.send(format!("# {figures}"));
                }
                Some(line) if line.starts_with("down ") || line.starts_with("up ") => {
                    let (state, network) = line.split_once(' ').expect("which");
                    run(&format!("ip link set dev far{network} {state}")).await;
                }
                Some(line) => socket.send(line.to_owned()).await.unwrap(),
            },
            incoming = socket.recv() => match incoming {
                Ok(Some(Incoming::Text(text))) => drop(outgoing.send(text)),
                _ => break,
            },
        }
    }
}
