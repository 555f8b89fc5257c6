//! What an endpoint's connections cost: how many are set up in a second, how much memory and CPU one takes while idle, and
//! how long messages are on their way while strangers flood the port. The clients are ours too, in a process of their own,
//! each with a socket of its own; both processes share the machine.
//!
//! `cargo bench -p peerless --bench endpoint [-- CONNECTIONS] [lite] [workers=N] [packet=BYTES] [quiet] [busy]`
//!
//! `packet` is the largest packet that data channels look for (`Configuration::max_packet_size`); `quiet` leaves the floods
//! out; `busy` has all connections send at once instead, and tells what a message costs.

use std::collections::VecDeque;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use peerless::{
    Configuration, ConnectionState, DataChannel, DataChannelInit, DataChannelState, Endpoint, EndpointConfig,
    EndpointStats, IceGatheringState, Message, PeerConnection, SdpType, SessionDescription,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};

/// Says to the program that it is the clients.
const CLIENTS: &str = "PEERLESS_BENCH_CLIENTS";
/// How many connections are set up at the same time.
const AT_ONCE: usize = 32;
/// How long idleness, and each flood, is watched.
const WATCH: Duration = Duration::from_secs(10);
/// How many connections carry messages meanwhile, and how often.
const TALKING: usize = 20;
const WORD: Duration = Duration::from_millis(20);
/// How many datagrams a second a flood has.
const FLOOD: u32 = 50_000;

fn main() {
    if std::env::var_os(CLIENTS).is_some() {
        return runtime(1).block_on(clients());
    }
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let count = words.iter().find_map(|word| word.parse().ok()).unwrap_or(2000);
    let workers = words.iter().find_map(|word| word.strip_prefix("workers=")?.parse().ok()).unwrap_or(1);
    let has = |wanted: &str| words.iter().any(|word| word == wanted);
    let mut config = EndpointConfig::default();
    (config.workers, config.ice_lite) = (workers, has("lite"));
    let mut configuration = Configuration::default();
    let packet = words.iter().find_map(|word| word.strip_prefix("packet=")?.parse().ok());
    configuration.max_packet_size = packet.unwrap_or(configuration.max_packet_size);
    println!("{}", words.join(" "));
    runtime(workers).block_on(server(count, config, configuration, (has("quiet"), has("busy"))));
}

fn runtime(threads: usize) -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap()
}

fn negotiated() -> DataChannelInit {
    let mut init = DataChannelInit::default();
    (init.negotiated, init.id) = (true, Some(0));
    init
}

/// The side that is measured.
async fn server(
    count: usize,
    config: EndpointConfig,
    configuration: Configuration,
    (is_quiet, is_busy): (bool, bool),
) {
    let endpoint = Endpoint::bind([SocketAddr::from((Ipv4Addr::LOCALHOST, 0))], config).unwrap();
    let (mut child, mut clients) = Clients::start();
    clients.say(&format!("connect {count}")).await;
    let (memory, begun, used) = (resident(), Instant::now(), cpu());
    let mut held: Vec<(PeerConnection, DataChannel)> = Vec::new();
    let mut open = 0;
    while open < count {
        let line = clients.hear().await;
        let Some((number, sdp)) = line.strip_prefix("offer ").and_then(|rest| rest.split_once(' ')) else {
            assert!(line.starts_with("open"), "{line}");
            open += 1;
            continue;
        };
        let connection = endpoint.connection(configuration.clone()).unwrap();
        let channel = connection.create_data_channel("", negotiated()).unwrap();
        let answer = exchange(&connection, Some((SdpType::Offer, sdp))).await;
        clients.say(&format!("answer {number} {answer}")).await;
        held.push((connection, channel));
    }
    let (took, used) = (begun.elapsed(), cpu() - used);
    println!(
        "set up in {took:.1?}: {:.0} a second, {:.2?} of CPU each",
        count as f64 / took.as_secs_f64(),
        used / count as u32
    );
    sleep(Duration::from_secs(5)).await;
    println!("memory: {:.1} KB each", (resident() - memory) as f64 / 1000.0 / count as f64);
    let used = cpu();
    sleep(WATCH).await;
    for (number, (connection, channel)) in held.iter().enumerate() {
        let states = (connection.connection_state(), channel.ready_state());
        if states != (ConnectionState::Connected, DataChannelState::Open) {
            println!("connection {number}: {states:?}");
        }
    }
    println!("idle: {:.2} % of a core", 100.0 * (cpu() - used).as_secs_f64() / WATCH.as_secs_f64());
    if is_busy {
        busy(&held).await;
        clients.say("end").await;
        child.wait().await.unwrap();
        return;
    }
    let talking = &held[..TALKING.min(count)];
    report("quiet", talking, &endpoint).await;
    let elsewhere = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let aims = [
        ("the same flood at another port", "dtls", elsewhere.local_addr().unwrap()),
        ("STUN flood", "stun", endpoint.local_addresses()[0]),
        ("DTLS ClientHello flood", "dtls", endpoint.local_addresses()[0]),
    ];
    for (name, kind, aim) in aims.into_iter().filter(|_| !is_quiet) {
        clients.say(&format!("flood {kind} {aim}")).await;
        report(name, talking, &endpoint).await;
        let line = clients.hear().await;
        println!("  {line} by the other process");
    }
    clients.say("end").await;
    child.wait().await.unwrap();
}

/// All connections send a message each, and again when all answers are there; tells what one forth and back costs us.
async fn busy(held: &[(PeerConnection, DataChannel)]) {
    let (used, begun) = (cpu(), Instant::now());
    let mut rounds = 0;
    while begun.elapsed() < WATCH {
        for (_, channel) in held {
            channel.send("word").await.unwrap();
        }
        for (_, channel) in held {
            let answer = timeout(Duration::from_secs(30), channel.recv()).await.expect("no answer");
            assert!(matches!(answer, Some(Message::Text(_))), "a channel has ended");
        }
        rounds += 1;
    }
    let (count, used) = (rounds * held.len(), cpu() - used);
    println!("busy: {count} messages forth and back, {:.2?} of CPU each", used / count as u32);
}

/// Messages go forth and back meanwhile; tells how long they were on their way, and what the endpoint counted.
async fn report(name: &str, talking: &[(PeerConnection, DataChannel)], endpoint: &Endpoint) {
    let (before, used, begun) = (endpoint.stats(), cpu(), Instant::now());
    let mut round_trips = Vec::new();
    while begun.elapsed() < WATCH {
        for (_, channel) in talking {
            let asked = Instant::now();
            channel.send("word").await.unwrap();
            let answer = timeout(Duration::from_secs(30), channel.recv()).await.expect("no answer");
            assert!(matches!(answer, Some(Message::Text(_))));
            round_trips.push(asked.elapsed());
        }
        sleep(WORD).await;
    }
    round_trips.sort();
    let at = |part: usize| round_trips[(round_trips.len() - 1) * part / 1000];
    let (after, busy) = (endpoint.stats(), (cpu() - used).as_secs_f64() / begun.elapsed().as_secs_f64());
    println!(
        "{name}: {} round trips, median {:.0?}, 99 % {:.0?}, 99.9 % {:.0?}; CPU {:.1} %",
        round_trips.len(),
        at(500),
        at(990),
        at(999),
        100.0 * busy
    );
    let held = |stats: &EndpointStats| (stats.connections, stats.usernames, stats.paths, stats.transactions);
    assert_eq!(held(&before), held(&after), "state was created");
    println!(
        "  strangers: {} requests, {} DTLS; held before and after: {:?}",
        after.unknown_requests - before.unknown_requests,
        after.unknown_dtls - before.unknown_dtls,
        held(&after)
    );
}

/// Takes what the other side said, if anything, and gives what this side says then, with all its candidates.
async fn exchange(connection: &PeerConnection, heard: Option<(SdpType, &str)>) -> String {
    if let Some((kind, sdp)) = heard {
        connection
            .set_remote_description(SessionDescription { kind, sdp: sdp.replace('\u{1}', "\r\n") })
            .unwrap();
        if kind == SdpType::Answer {
            return String::new();
        }
    }
    connection.set_local_description(None).unwrap();
    while connection.ice_gathering_state() != IceGatheringState::Complete {
        tokio::task::yield_now().await;
    }
    connection.local_description().unwrap().sdp.replace("\r\n", "\u{1}")
}

/// The other process.
struct Clients {
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Clients {
    fn start() -> (Child, Self) {
        let program = std::env::current_exe().unwrap();
        let mut command = Command::new(program);
        let mut child =
            command.env(CLIENTS, "1").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        (child, Self { input, output: BufReader::new(output).lines() })
    }

    async fn say(&mut self, line: &str) {
        self.input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    async fn hear(&mut self) -> String {
        let line = timeout(Duration::from_secs(120), self.output.next_line()).await;
        line.expect("the clients are silent").unwrap().expect("the clients are gone")
    }
}

async fn clients() {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let (tell, mut told) = mpsc::unbounded_channel::<String>();
    std::thread::spawn(move || {
        while let Some(line) = told.blocking_recv() {
            println!("{line}");
        }
    });
    let mut answers: Vec<Option<tokio::sync::oneshot::Sender<String>>> = Vec::new();
    while let Ok(Some(line)) = lines.next_line().await {
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match word {
            "connect" => {
                let permits = Arc::new(Semaphore::new(AT_ONCE));
                let mut waiting = VecDeque::new();
                for number in 0..rest.parse().unwrap() {
                    let (answer, awaited) = tokio::sync::oneshot::channel();
                    answers.push(Some(answer));
                    waiting.push_back((number, awaited));
                }
                for (number, awaited) in waiting {
                    tokio::spawn(client(number, awaited, permits.clone(), tell.clone()));
                }
            }
            "answer" => {
                let (number, sdp) = rest.split_once(' ').unwrap();
                let awaiting = answers[number.parse::<usize>().unwrap()].take().unwrap();
                awaiting.send(sdp.to_owned()).unwrap();
            }
            "flood" => {
                let (kind, aim) = rest.split_once(' ').unwrap();
                let (kind, aim, tell) = (kind.to_owned(), aim.parse().unwrap(), tell.clone());
                std::thread::spawn(move || {
                    let sent = flood(&kind, aim);
                    tell.send(format!("{sent} datagrams were sent")).unwrap();
                });
            }
            _ => return,
        }
    }
}

/// One client: connects, and says again what it hears.
async fn client(
    number: usize,
    answer: tokio::sync::oneshot::Receiver<String>,
    permits: Arc<Semaphore>,
    tell: mpsc::UnboundedSender<String>,
) {
    let permit = permits.acquire().await.unwrap();
    let mut configuration = Configuration::default();
    configuration.interfaces = Some(vec![Ipv4Addr::LOCALHOST.into()]);
    let connection = PeerConnection::new(configuration).unwrap();
    let channel = connection.create_data_channel("", negotiated()).unwrap();
    let offer = exchange(&connection, None).await;
    tell.send(format!("offer {number} {offer}")).unwrap();
    exchange(&connection, Some((SdpType::Answer, &answer.await.unwrap()))).await;
    channel.opened().await;
    tell.send(format!("open {number}")).unwrap();
    drop(permit);
    while let Some(message) = channel.recv().await {
        channel.send(message).await.unwrap();
    }
}

/// Sends what a stranger would, each time from another of a thousand ports; how many.
fn flood(kind: &str, aim: SocketAddr) -> u64 {
    let sockets: Vec<UdpSocket> =
        (0..1000).map(|_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
    // A binding request with the USERNAME "nobody:them!" (RFC 8489 §5); the first record of a ClientHello (RFC 6347 §4.1).
    let mut stun = vec![0, 1, 0, 16, 0x21, 0x12, 0xa4, 0x42];
    stun.extend([0; 12]);
    stun.extend([0, 6, 0, 12]);
    stun.extend(b"nobody:them!");
    let mut hello = vec![22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 140, 1, 0, 0, 128];
    hello.resize(153, 0);
    let datagram = if kind == "stun" { &stun } else { &hello };
    let (begun, mut sent) = (Instant::now(), 0);
    while begun.elapsed() < WATCH {
        for _ in 0..FLOOD / 1000 {
            sent += u64::from(sockets[sent as usize % sockets.len()].send_to(datagram, aim).is_ok());
        }
        let due = begun + Duration::from_secs_f64(sent as f64 / f64::from(FLOOD));
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    sent
}

/// The memory of this process that is resident, bytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// The CPU time of this process, in steps of 10 ms.
fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields = behind_name.split_ascii_whitespace().skip(11).take(2);
    Duration::from_millis(10) * fields.filter_map(|ticks| ticks.parse::<u32>().ok()).sum()
}
