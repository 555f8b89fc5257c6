//! Networks that go and come back: two hosts in two network namespaces, joined by one or two pairs of interfaces, each with
//! a connection of ours in a process of its own. Needs root and `ip`; `cargo xtask test` runs it in a namespace.
//!
//! Without a harness, for this program is also the far host: `network far` speaks over its standard streams.

#[path = "lab/heard.rs"]
mod heard;
#[path = "lab/lag.rs"]
mod lag;
#[path = "lab/pipe.rs"]
mod pipe;
#[path = "lab/wire.rs"]
mod wire;

use std::net::IpAddr;
use std::process::{ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use peerless::{
    Configuration, DataChannel, DataChannelInit, Event, Events, Format, Frame, GatheringPolicy,
    IceConnectionState, LocalTrack, MediaKind, PeerConnection, SelectedPair,
};
use peerless_signal::{Role, exchange};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::heard::{Heard, listen, locked};
use crate::lag::Lag;
use crate::pipe::{Pipe, lines, standard_lines, standard_writer, writer};
use crate::wire::{address, join, network_of, run, set_link};

/// Longer than consent lasts (RFC 7675 §5.1), and generous besides: a slow machine is not a fault.
const PATIENCE: Duration = Duration::from_secs(90);

#[tokio::main]
async fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("far") {
        let is_continual = std::env::args().nth(2).as_deref() == Some("continually");
        far(if is_continual { GatheringPolicy::Continually } else { GatheringPolicy::Once }).await;
        return ExitCode::SUCCESS;
    }
    let outcomes = [
        ("a_lost_network_is_left_for_the_other_by_a_restart", tokio::spawn(two_networks()).await.is_ok()),
        (
            "a_network_that_comes_back_needs_no_restart_while_consent_lasts",
            tokio::spawn(one_network()).await.is_ok(),
        ),
        (
            "a_call_over_two_networks_plays_on_when_one_is_lost_and_moves_back",
            tokio::spawn(moving_networks()).await.is_ok(),
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

async fn two_networks() {
    let near = Near::new(&[1, 2], GatheringPolicy::Once).await;
    near.flows().await;
    let before = near.selected();
    let lost = network_of(before.local.ip());
    near.set_link(lost, "down").await;
    near.until("the loss is noticed here", |near| near.is(IceConnectionState::Disconnected)).await;
    near.until("the loss is noticed there", |near| near.far_state() == "disconnected").await;
    near.connection.restart_ice();
    near.until("the other network is taken", |near| network_of(near.selected().local.ip()) != lost).await;
    near.until("it is connected again", Near::is_connected).await;
    near.flows().await;

    near.set_link(lost, "up").await;
    near.flows().await;
    // The far side starts this one; both networks are there for it.
    let told = near.selections();
    near.tell("restart").await;
    near.until("the restart ends", |near| near.selections() > told && near.is_connected()).await;
    let local = near.connection.local_description().unwrap().sdp;
    let has = |network: u8| local.contains(&format!(" {} ", address(network, 1)));
    assert!(has(1) && has(2), "both networks are offered again: {local}");
    near.flows().await;
    near.end().await;
}

async fn one_network() {
    let near = Near::new(&[3], GatheringPolicy::Once).await;
    near.flows().await;
    let told = near.selections();
    near.set_link(3, "down").await;
    near.until("the loss is noticed", |near| near.is(IceConnectionState::Disconnected)).await;
    near.set_link(3, "up").await;
    near.until("it comes back by itself", Near::is_connected).await;
    near.flows().await;
    assert_eq!(near.selections(), told, "without a restart");

    near.set_link(3, "down").await;
    near.until("consent ends", |near| near.is(IceConnectionState::Failed)).await;
    near.until("consent ends there", |near| near.far_state() == "failed").await;
    near.until("its sockets are closed", |_| sockets_at(address(3, 1)) == 0).await;
    near.set_link(3, "up").await;
    near.connection.restart_ice();
    near.until("a restart brings it back", |near| near.selections() > told && near.is_connected()).await;
    near.flows().await;
    near.end().await;
}

/// The longest silence when the network in use is taken down, at either end, beside what the machine took from the two
/// processes. A loss that nobody tells of is found after 1.8 s.
const LONGEST_GAP: Duration = Duration::from_millis(1500);

async fn moving_networks() {
    let near = Near::new(&[4, 5], GatheringPolicy::Continually).await;
    near.flows().await;
    // The paths beside the one in use are found meanwhile.
    near.flows().await;
    for far_loses in [false, true] {
        let used = network_of(near.selected().local.ip());
        near.mark().await;
        if far_loses {
            near.tell(&format!("down {used}")).await;
        } else {
            near.set_link(used, "down").await;
        }
        near.until("the other network is taken", |near| network_of(near.selected().local.ip()) != used).await;
        near.flows().await;
        let gaps = near.gaps().await;
        let who = if far_loses { "far" } else { "near" };
        println!("the {who} end lost its network: {gaps:?}");
        assert!(near.is_connected() && gaps.are_short(), "{gaps:?}");

        near.mark().await;
        if far_loses {
            near.tell(&format!("up {used}")).await;
        } else {
            near.set_link(used, "up").await;
        }
        near.until("it moves back", |near| network_of(near.selected().local.ip()) == used).await;
        near.flows().await;
        let gaps = near.gaps().await;
        println!("back again: {gaps:?}");
        assert!(gaps.are_short(), "{gaps:?}");
    }
    // A network that was not there before is taken up, and serves when the others are lost.
    near.join(6).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    near.mark().await;
    near.set_link(4, "down").await;
    near.set_link(5, "down").await;
    near.until("the new network is taken", |near| network_of(near.selected().local.ip()) == 6).await;
    near.flows().await;
    println!("the new one: {:?}", near.gaps().await);
    assert!(!near.connection.is_negotiation_needed(), "without a restart");
    near.end().await;
}

/// The longest silences, and how long the machine kept both processes waiting in all that time.
#[derive(Debug, Clone, Copy)]
struct Gaps {
    here: Duration,
    there: Duration,
    lag: Duration,
}

impl Gaps {
    fn are_short(&self) -> bool {
        self.here.max(self.there) <= LONGEST_GAP + self.lag
    }
}

/// What a host plays: sound each way, and a channel that the far one echoes.
struct Host {
    connection: PeerConnection,
    events: Events,
    heard: Arc<Heard>,
}

impl Host {
    fn new(interfaces: Option<Vec<IpAddr>>, gathering: GatheringPolicy) -> Self {
        let mut configuration = Configuration::default();
        configuration.interfaces = interfaces;
        configuration.gathering = gathering;
        let connection = PeerConnection::new(configuration).unwrap();
        let events = connection.events();
        let track = LocalTrack::new(MediaKind::Audio, "sound", "stream");
        connection.add_track(&track).unwrap();
        tokio::spawn(play(track));
        Self { connection, events, heard: Arc::default() }
    }
}

/// A sound every 20 ms, while it can be sent.
async fn play(track: LocalTrack) {
    let mut timer = tokio::time::interval(Duration::from_millis(20));
    for number in 0_u32.. {
        timer.tick().await;
        if track.is_ended() {
            break;
        }
        let sound = Bytes::from(vec![0xf8; 60]);
        let _ = track.write(&Frame::new(Format::Opus, number.wrapping_mul(960), true, sound));
    }
}

/// The host that the tests run on.
struct Near {
    connection: PeerConnection,
    heard: Arc<Heard>,
    echoed: Arc<AtomicU64>,
    selected: Arc<Mutex<Vec<SelectedPair>>>,
    /// The far host's state and what it has heard.
    report: Arc<Mutex<(String, u64)>>,
    lag: Arc<Lag>,
    /// The longest silence there and its lag, once they were asked for.
    far_silence: Arc<Mutex<Option<(Duration, Duration)>>>,
    to_far: mpsc::UnboundedSender<String>,
    far: Child,
}

impl Near {
    /// Both hosts with these networks between them, connected.
    async fn new(networks: &[u8], gathering: GatheringPolicy) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut far = Command::new("unshare");
        let word = if gathering == GatheringPolicy::Continually { "continually" } else { "once" };
        far.arg("--net").arg(program).args(["far", word]).kill_on_drop(true);
        let mut far = far.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = lines(far.stdout.take().unwrap());
        let hello = tokio::time::timeout(PATIENCE, lines.recv()).await.unwrap();
        assert_eq!(hello.as_deref(), Some("# hello"), "needs root, to make a network namespace");
        for network in networks {
            join(*network, far.id().unwrap()).await;
        }
        let addresses = networks.iter().map(|network| address(*network, 1)).collect();
        let interfaces = Some(addresses).filter(|_| gathering == GatheringPolicy::Once);
        let Host { connection, mut events, heard } = Host::new(interfaces, gathering);
        let (echoed, selected, report) = <(Arc<AtomicU64>, Arc<Mutex<Vec<_>>>, Arc<Mutex<_>>)>::default();
        let channel = connection.create_data_channel("echo", DataChannelInit::default()).unwrap();
        tokio::spawn(talk(channel, echoed.clone()));
        let (heard_too, selected_too) = (heard.clone(), selected.clone());
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                match event {
                    Event::Track(track) => drop(tokio::spawn(listen(track, heard_too.clone()))),
                    Event::SelectedPair(pair) => locked(&selected_too).push(pair),
                    _ => {}
                }
            }
        });
        let to_far = writer(far.stdin.take().unwrap());
        let (signals, incoming) = mpsc::unbounded_channel();
        let (noted, far_silence) = (report.clone(), Arc::<Mutex<Option<_>>>::default());
        let noted_silence = far_silence.clone();
        tokio::spawn(async move {
            while let Some(line) = lines.recv().await {
                match line.strip_prefix("# ") {
                    Some(words) if words.starts_with("silence ") => {
                        let numbers = words["silence ".len()..].split_once(' ').expect("two numbers");
                        let time = |text: &str| Duration::from_millis(text.parse().expect("a number"));
                        *locked(&noted_silence) = Some((time(numbers.0), time(numbers.1)));
                    }
                    Some(words) => *locked(&noted) = parse_report(words),
                    None => drop(signals.send(line)),
                }
            }
        });
        to_far.send("begin".to_owned()).unwrap();
        let pipe = Pipe { incoming, outgoing: to_far.clone() };
        tokio::spawn(exchange::run(pipe, connection.clone(), Role::Offer));
        let lag = Lag::watch();
        Self { connection, heard, echoed, selected, report, lag, far_silence, to_far, far }
    }

    fn is(&self, state: IceConnectionState) -> bool {
        self.connection.ice_connection_state() == state
    }

    fn is_connected(&self) -> bool {
        self.is(IceConnectionState::Connected) || self.is(IceConnectionState::Completed)
    }

    fn far_state(&self) -> String {
        locked(&self.report).0.clone()
    }

    fn selections(&self) -> usize {
        locked(&self.selected).len()
    }

    fn selected(&self) -> SelectedPair {
        *locked(&self.selected).last().expect("a pair was selected")
    }

    fn counts(&self) -> [u64; 3] {
        [self.heard.count.load(Relaxed), self.echoed.load(Relaxed), locked(&self.report).1]
    }

    /// Sound both ways and messages, from now on.
    async fn flows(&self) {
        let before = self.counts();
        let more = |near: &Self| near.counts().into_iter().zip(before).all(|(now, before)| now > before + 20);
        self.until("media and messages flow", more).await;
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !is_so(self) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            let state = (self.connection.ice_connection_state(), self.far_state(), self.counts());
            panic!("never: {what}; {state:?}, selected {:?}", locked(&self.selected));
        }
        println!("{what}");
    }

    /// Silences count from now on.
    async fn mark(&self) {
        self.gaps().await;
    }

    /// The longest silences since the last mark, here and there.
    async fn gaps(&self) -> Gaps {
        *locked(&self.far_silence) = None;
        self.tell("silence").await;
        self.until("the far end says its silence", |near| locked(&near.far_silence).is_some()).await;
        let (there, lag) = locked(&self.far_silence).unwrap();
        Gaps { here: self.heard.take_silence(), there, lag: lag + self.lag.take() }
    }

    /// Takes our end of a network down or up.
    async fn set_link(&self, network: u8, state: &str) {
        set_link(network, self.far.id().unwrap(), state).await;
    }

    /// One network more.
    async fn join(&self, network: u8) {
        join(network, self.far.id().unwrap()).await;
    }

    async fn tell(&self, word: &str) {
        self.to_far.send(word.to_owned()).unwrap();
    }

    async fn end(mut self) {
        self.connection.close();
        self.connection.closed().await;
        // With its namespace go the interfaces that lead there.
        self.far.kill().await.unwrap();
    }
}

/// Messages that come back.
async fn talk(channel: DataChannel, echoed: Arc<AtomicU64>) {
    channel.opened().await;
    loop {
        if channel.send("ping").await.is_err() || channel.recv().await.is_none() {
            break;
        }
        echoed.fetch_add(1, Relaxed);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The other host: answers, plays, echoes, and tells what it hears.
async fn far(gathering: GatheringPolicy) {
    println!("# hello");
    let mut lines = standard_lines();
    // Its networks are made meanwhile.
    while lines.recv().await.is_some_and(|line| line != "begin") {}
    let Host { connection, mut events, heard } = Host::new(None, gathering);
    let outgoing = standard_writer();
    let (signals, incoming) = mpsc::unbounded_channel();
    let pipe = Pipe { incoming, outgoing: outgoing.clone() };
    tokio::spawn(exchange::run(pipe, connection.clone(), Role::Answer));
    let mut timer = tokio::time::interval(Duration::from_millis(100));
    let lag = Lag::watch();
    loop {
        tokio::select! {
            line = lines.recv() => match line.as_deref() {
                Some("restart") => connection.restart_ice(),
                Some("silence") => {
                    let (silence, lag) = (heard.take_silence().as_millis(), lag.take().as_millis());
                    let _ = outgoing.send(format!("# silence {silence} {lag}"));
                }
                Some(line) if line.starts_with("down ") || line.starts_with("up ") => {
                    let (state, network) = line.split_once(' ').expect("which");
                    run(&format!("ip link set dev far{network} {state}")).await;
                }
                Some(line) => drop(signals.send(line.to_owned())),
                None => break,
            },
            event = events.next() => match event {
                Some(Event::Track(track)) => drop(tokio::spawn(listen(track, heard.clone()))),
                Some(Event::DataChannel(channel)) => drop(tokio::spawn(echo(channel))),
                _ => {}
            },
            _ = timer.tick() => {
                let words = format!("# {} {}", connection.ice_connection_state(), heard.count.load(Relaxed));
                let _ = outgoing.send(words);
            }
        }
    }
}

async fn echo(channel: DataChannel) {
    while let Some(message) = channel.recv().await {
        if channel.send(message).await.is_err() {
            break;
        }
    }
}

fn parse_report(words: &str) -> (String, u64) {
    let (state, heard) = words.split_once(' ').expect("state and count");
    (state.to_owned(), heard.parse().expect("a number"))
}

/// How many UDP sockets are bound to the address, as the system has it: hexadecimal, the bytes turned round.
fn sockets_at(address: IpAddr) -> usize {
    let IpAddr::V4(address) = address else { return 0 };
    let word = format!(" {:08X}:", u32::from_le_bytes(address.octets()));
    let table = std::fs::read_to_string("/proc/net/udp").unwrap();
    table.lines().filter(|line| line.contains(&word)).count()
}
