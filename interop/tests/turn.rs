//! TURN with coturn: every transport to the server, calls of relays only between two of ours and with Chromium and Firefox in
//! both roles, credentials that are wrong or have expired, short lifetimes, and a server that is killed and comes back.
//! Needs a namespace with an interface at 10.88.0.1: `cargo xtask test` makes it.

#[path = "lab/authority.rs"]
mod authority;
#[path = "lab/turn.rs"]
mod coturn;
mod lab;
#[path = "lab/obstacles.rs"]
mod obstacles;
#[path = "lab/pair.rs"]
mod pair;

use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use coturn::{ADDRESS, Coturn, PASSWORD, USER, rest_password};
use lab::serve;
use obstacles::{OWN, Obstacles};
use pair::{connect, talk, watch};
use peerless::{
    Configuration, DataChannelInit, Event, IceCandidateError, IceConnectionState, IceGatheringState,
    IceServer, IceTransportPolicy, LocalTrack, MediaKind, PeerConnection,
};
use peerless_interop::browser::{Browser, Kind};
use peerless_interop::process::PATIENCE;
use peerless_interop::program::{self, Program};
use peerless_media::pump::Pump;
use peerless_media::source::pattern::TestPattern;
use peerless_signal::{Role, exchange};
use serde_json::Value;
use tokio::sync::mpsc;

const LONG_TERM: &str = "lt-cred-mech\nuser=user:pass";

/// URLs and what the stats call their transports.
const TRANSPORTS: [(&str, &str); 4] = [
    ("turn:10.88.0.1", "udp"),
    ("turn:10.88.0.1?transport=tcp", "tcp"),
    ("turns:10.88.0.1", "tls"),
    (DTLS, "udp"),
];
const DTLS: &str = "turns:10.88.0.1?transport=udp";

#[tokio::test(flavor = "multi_thread")]
async fn every_transport_carries_a_call_between_two_relays() {
    let server = Coturn::start(LONG_TERM).await;
    for (url, protocol) in TRANSPORTS {
        let [first, second] = [0, 1].map(|_| Ours::new(relays_only(&server, url)));
        connect(&first.connection, &second.connection);
        for ours in [&first, &second] {
            ours.until("pictures and messages", |ours| ours.frames() > 30 && ours.messages() > 20).await;
            let local = ours.local_candidate();
            assert_eq!(
                (&local["candidateType"], &local["relayProtocol"]),
                (&"relay".into(), &protocol.into())
            );
            assert_eq!(local["url"], url);
            let description = ours.connection.local_description().unwrap().sdp;
            let told = description.lines().filter(|line| line.starts_with("a=candidate:"));
            assert!(told.clone().count() > 0);
            assert!(
                told.clone().all(|line| line.contains(" typ relay raddr 0.0.0.0 rport 0")),
                "{description}"
            );
        }
        println!("{protocol}: {} frames, {} messages", first.frames(), first.messages());
        first.connection.close();
        second.connection.close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_reaches_us_by_our_relay_whoever_offers() {
    let server = Coturn::start(LONG_TERM).await;
    for role in [Role::Offer, Role::Answer] {
        with_browser(&server, Kind::Chromium, role).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn firefox_reaches_us_by_our_relay_whoever_offers() {
    let server = Coturn::start(LONG_TERM).await;
    for role in [Role::Offer, Role::Answer] {
        with_browser(&server, Kind::Firefox, role).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_are_wrong_or_have_expired_are_told_by_401() {
    let server = Coturn::start("use-auth-secret\nstatic-auth-secret=secret").await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let (valid, expired) = (format!("{}:us", now + 600), format!("{}:us", now - 600));
    let refused = [(valid.clone(), "wrong".to_owned()), (expired.clone(), rest_password("secret", &expired))];
    for (username, credential) in refused {
        for (url, _) in TRANSPORTS {
            let (errors, candidates) = gathered(&server, IceServer::turn(url, &username, &credential)).await;
            let codes: Vec<u16> = errors.iter().map(|error| error.error_code).collect();
            assert_eq!((codes, candidates), (vec![401], 0), "{url}: {errors:?}");
            assert!(errors[0].url == url && errors[0].address.is_none());
        }
    }
    let credential = rest_password("secret", &valid);
    for (url, _) in TRANSPORTS {
        let (errors, candidates) = gathered(&server, IceServer::turn(url, &valid, &credential)).await;
        assert!(errors.is_empty() && candidates > 0, "{url}: {errors:?}");
    }
}

/// The certificate is for one of the server's addresses, not for the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_no_authority_we_know_or_of_another_name_is_told_by_701() {
    let server = Coturn::start(&format!("{LONG_TERM}\nlistening-ip=127.0.0.1")).await;
    for query in ["tcp", "udp"] {
        for (host, roots, reason) in
            [(ADDRESS, Vec::new(), "UnknownIssuer"), ("127.0.0.1", vec![server.root()], "not valid for")]
        {
            let mut configuration = relays_only(&server, &format!("turns:{host}?transport={query}"));
            configuration.tls_roots = roots;
            let (errors, candidates) = gather(configuration).await;
            assert_eq!((errors.len(), candidates), (1, 0), "{errors:?}");
            assert_eq!(errors[0].error_code, 701);
            assert!(errors[0].error_text.contains(reason), "{query}: {}", errors[0].error_text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_names_another_is_followed_by_every_transport() {
    let second = Coturn::start_at([3480, 5350], LONG_TERM).await;
    let lines = format!("{LONG_TERM}\nalternate-server={ADDRESS}:3480\ntls-alternate-server={ADDRESS}:5350");
    let first = Coturn::start(&lines).await;
    for (url, _) in TRANSPORTS {
        let mut configuration = relays_only(&first, url);
        configuration.tls_roots.push(second.root());
        let (errors, candidates) = gather(configuration).await;
        assert!(errors.is_empty() && candidates > 0, "{url}: {errors:?}\n{}", first.log());
    }
    assert_eq!(first.log().matches("ALLOCATE processed, success").count(), 0);
    assert_eq!(second.log().matches("ALLOCATE processed, success").count(), TRANSPORTS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn our_probe_reaches_our_echo_by_relays_only() {
    let server = Coturn::start(LONG_TERM).await;
    for (url, _) in &TRANSPORTS[..2] {
        let flags =
            ["--interface", ADDRESS, "--turn", url, "--user", USER, "--password", PASSWORD, "--relay-only"];
        let echo = Program::start("echo", &flags).await.unwrap();
        let address = format!("{}/offer", echo.url);
        let words = ["probe", "-s", &address, "-t", "1", "--json", "--timeout", "30"];
        let mut probe = program::run(&[&words[..], &flags].concat()).unwrap();
        let report = probe.wait_line("a report", |line| serde_json::from_str::<Value>(line).ok()).await;
        let report = report.unwrap_or_else(|error| panic!("{error}\n{}", echo.process.said()));
        assert_eq!(report["passed"], true, "{report}\n{}", echo.process.said());
        assert!(probe.wait().await.unwrap().success());
    }
    assert!(server.log().matches("CREATE_PERMISSION processed, success").count() >= 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn gather_tells_what_failed_and_why() {
    let server = Coturn::start(&format!("{LONG_TERM}\nuser-quota=1\nlistening-ip=127.0.0.1")).await;
    let route = ["route", "replace", "unreachable", "10.99.0.1/32"];
    assert!(Command::new("ip").args(route).status().unwrap().success());
    let root = server.root_file();
    // The one address that its user may have.
    let first = PeerConnection::new(relays_only(&server, "turn:10.88.0.1")).unwrap();
    first.create_data_channel("any", DataChannelInit::default()).unwrap();
    let mut events = first.events();
    first.set_local_description(None).unwrap();
    let lent = async { while !matches!(events.next().await, Some(Event::IceCandidate(_))) {} };
    tokio::time::timeout(PATIENCE, lent).await.expect("an address");
    for (url, password, root, code, reason) in [
        ("turn:10.88.0.1", "wrong", None, 401, "Unauthorized"),
        ("turn:10.88.0.1", PASSWORD, None, 486, "Allocation Quota Reached"),
        ("turns:10.88.0.1", PASSWORD, None, 701, "UnknownIssuer"),
        ("turns:127.0.0.1", PASSWORD, Some(&root), 701, "not valid for"),
        ("turns:127.0.0.1?transport=udp", PASSWORD, Some(&root), 701, "not valid for"),
        ("turn:nobody.invalid", PASSWORD, None, 701, "lookup"),
        ("turn:10.99.0.1?transport=tcp", PASSWORD, None, 701, "No route to host"),
        ("turn:10.88.0.1:9?transport=tcp", PASSWORD, None, 701, "Connection refused"),
    ] {
        let words = ["gather", "--interface", ADDRESS, "--turn", url, "--user", USER, "--password", password];
        for is_json in [false, true] {
            let mut command = Command::new(program::binary());
            command.args(words).args(is_json.then_some("--json"));
            command.envs(root.map(|root| ("SSL_CERT_FILE", root)));
            let output = command.output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert_eq!(output.status.code(), Some(1), "{url}: {text}");
            assert_eq!(
                String::from_utf8_lossy(&output.stderr),
                "",
                "{url}: it is told where it is asked for"
            );
            let is_told = |line: &&str| line.contains(if is_json { "\"failure\"" } else { "  failed  " });
            let told: Vec<_> = text.lines().filter(is_told).collect();
            assert!(told.len() == 1 && told[0].contains(reason), "{url}: {text}");
            let number = if is_json { format!("\"code\":{code},") } else { format!(" ({code})") };
            assert!(told[0].contains(&number) && told[0].contains(url), "{}", told[0]);
            println!("{}", told[0]);
        }
    }
}

/// Ends of the network of `obstacles`, and what is told of a STUN server there.
const SILENT: [(&str, &str); 19] = [
    ("10.91.0.2", ": port unreachable, says 10.91.0.2"),
    ("10.91.0.9", ": host unreachable, says 10.91.0.1"),
    ("10.92.0.1", ": host unreachable, says 10.91.0.2"),
    ("10.92.0.2", ": administratively prohibited, says 10.91.0.2"),
    ("10.92.0.3", ": network unreachable, says 10.91.0.2"),
    ("10.92.0.4", ""),
    ("10.93.0.1", ": no route to it"),
    ("10.93.0.2", ": a route of this machine drops it"),
    ("10.93.0.3", ": this machine forbids it"),
    ("10.93.0.4", ": this machine forbids it"),
    ("[fd00:91::2]", ": port unreachable, says fd00:91::2"),
    ("[fd00:92::1]", ": host unreachable, says fd00:91::2"),
    ("[fd00:92::2]", ": administratively prohibited, says fd00:91::2"),
    ("[fd00:92::3]", ": network unreachable, says fd00:91::2"),
    ("[fd00:92::4]", ""),
    ("[fd00:93::2]", ": a route of this machine drops it"),
    ("[fd00:93::3]", ": this machine forbids it"),
    ("[fd00:93::4]", ": this machine forbids it"),
    ("[fd00:94::1]", ": no route to it"),
];
/// Of TURN servers there, by every transport.
const BEHIND: [(&str, &str); 16] = [
    ("turn:10.91.0.2", "the server did not answer: port unreachable, says 10.91.0.2"),
    ("turn:[fd00:92::2]", "the server did not answer: administratively prohibited, says fd00:91::2"),
    ("turn:10.92.0.4", "the server did not answer"),
    ("turn:10.91.0.2?transport=tcp", "Connection refused (os error 111)"),
    ("turns:[fd00:91::2]", "Connection refused (os error 111)"),
    ("turns:10.92.0.1", "No route to host (os error 113)"),
    ("turn:10.92.0.3?transport=tcp", "Network is unreachable (os error 101)"),
    ("turn:10.92.0.4?transport=tcp", "no connection to the server came about"),
    ("turn:10.93.0.2?transport=tcp", "a route of this machine drops it"),
    ("turns:10.93.0.3", "this machine forbids it"),
    ("turns:10.91.0.2?transport=udp", "port unreachable"),
    ("turns:10.92.0.1?transport=udp", "host unreachable"),
    ("turns:[fd00:92::2]?transport=udp", "administratively prohibited"),
    ("turns:10.92.0.4?transport=udp", "no connection to the server came about"),
    ("turns:10.93.0.1?transport=udp", "no route to it"),
    ("turns:10.93.0.4?transport=udp", "this machine forbids it"),
];

/// What hears of the network has a few seconds for it: where this machine is too busy for that, it is asked again.
#[test]
fn gather_tells_what_stands_before_each_server_that_is_silent() {
    let _network = Obstacles::build();
    let stun =
        SILENT.map(|(host, said)| (format!("stun:{host}"), format!("the server did not answer{said}")));
    let turn = BEHIND.map(|(url, said)| (url.to_owned(), said.to_owned()));
    let mut words = vec!["gather", "--json", "--user", USER, "--password", PASSWORD];
    words.extend(OWN.iter().flat_map(|own| ["--interface", own]));
    words.extend(stun.iter().flat_map(|(url, _)| ["--stun", url]));
    words.extend(turn.iter().flat_map(|(url, _)| ["--turn", url]));
    let mut expected: Vec<_> = stun.iter().chain(&turn).cloned().collect();
    expected.sort();
    let begun = Instant::now();
    loop {
        let output = Command::new(program::binary()).args(&words).output().unwrap();
        let (text, complaint) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!((output.status.code(), complaint.as_ref()), (Some(1), ""), "{text}");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let failures = lines.iter().filter(|line| line["event"] == "failure");
        let mut told: Vec<_> = failures
            .map(|line| {
                assert_eq!(line["code"], 701, "{line}");
                (line["server"].as_str().unwrap().to_owned(), line["reason"].as_str().unwrap().to_owned())
            })
            .collect();
        told.sort();
        println!("{text}");
        if told == expected {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{:#?}", told.iter().filter(|one| !expected.contains(one)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_outlives_short_lifetimes_and_a_restart_brings_it_back_after_a_crash() {
    let lines = format!("{LONG_TERM}\nmax-allocate-lifetime=8\nstale-nonce=2");
    let mut server = Coturn::start(&lines).await;
    let [first, second] = [0, 1].map(|_| Ours::new(relays_only(&server, "turn:10.88.0.1")));
    connect(&first.connection, &second.connection);
    first.flows().await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    first.flows().await;
    second.flows().await;
    // coturn lends eight seconds, then as long as it likes; the nonce of before is stale by then.
    let log = server.log();
    assert!(log.contains("error 438") && log.contains("REFRESH processed, success"), "{log}");
    server.kill();
    first.until("the silence", |ours| ours.is(IceConnectionState::Disconnected)).await;
    server.restart(&lines).await;
    first.connection.restart_ice();
    first.flows().await;
    second.flows().await;
    println!("back after a crash, {} frames", first.frames());
}

async fn with_browser(server: &Coturn, kind: Kind, role: Role) {
    let (sockets, mut arrived) = mpsc::unbounded_channel();
    let mut url = serve(include_str!("../pages/tcp.html"), sockets).await;
    if role == Role::Answer {
        url.push_str("/?role=offer");
    }
    let mut browser = Browser::start(kind).await.unwrap();
    let tab = browser.open(&url).await.unwrap();
    let socket = tokio::time::timeout(PATIENCE, arrived.recv()).await.expect("the page's socket").unwrap();
    let ours = Ours::new(relays_only(server, "turn:10.88.0.1"));
    tokio::spawn(exchange::run(socket, ours.connection.clone(), role));
    let flows = "const f = await lab.figures(); return f.frames > 30 && f.messages > 10 && f;";
    let figures = match browser.until(&tab, "pictures and messages", flows).await {
        Ok(figures) => figures,
        Err(error) => {
            let last = browser.run(&tab, "return await lab.figures();").await;
            panic!("{error}: the page has {last:?}, we {:?}\n{}", ours.stats(), server.log());
        }
    };
    println!("{kind:?}, we {role:?}: {figures}");
    ours.until("its pictures", |ours| ours.frames() > 30).await;
    assert_eq!(ours.local_candidate()["candidateType"], "relay");
    ours.connection.close();
}

fn relays_only(server: &Coturn, url: &str) -> Configuration {
    let mut configuration = Configuration::default();
    configuration.ice_servers = vec![IceServer::turn(url, USER, PASSWORD)];
    configuration.ice_transport_policy = IceTransportPolicy::Relay;
    configuration.tls_roots = vec![server.root()];
    configuration.interfaces = Some(vec![ADDRESS.parse().unwrap()]);
    configuration
}

/// What a gathering with this server tells: errors, and how many candidates.
async fn gathered(server: &Coturn, ice_server: IceServer) -> (Vec<IceCandidateError>, usize) {
    let mut configuration = relays_only(server, "turn:10.88.0.1");
    configuration.ice_servers = vec![ice_server];
    gather(configuration).await
}

async fn gather(configuration: Configuration) -> (Vec<IceCandidateError>, usize) {
    let connection = PeerConnection::new(configuration).unwrap();
    connection.create_data_channel("any", DataChannelInit::default()).unwrap();
    let mut events = connection.events();
    connection.set_local_description(None).unwrap();
    let (mut errors, mut candidates) = (Vec::new(), 0);
    let gathers = async {
        while let Some(event) = events.next().await {
            match event {
                Event::IceCandidate(candidate) => candidates += usize::from(!candidate.candidate.is_empty()),
                Event::IceCandidateError(error) => errors.push(error),
                Event::IceGatheringState(IceGatheringState::Complete) => break,
                _ => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, gathers).await.expect("gathering ends");
    connection.close();
    (errors, candidates)
}

/// Our side: sends a picture and messages, and counts those that come.
struct Ours {
    connection: PeerConnection,
    frames: Arc<AtomicU64>,
    messages: Arc<AtomicU64>,
    errors: Arc<Mutex<Vec<IceCandidateError>>>,
    _pump: Pump,
}

impl Ours {
    fn new(configuration: Configuration) -> Self {
        let connection = PeerConnection::new(configuration).unwrap();
        let track = LocalTrack::new(MediaKind::Video, "picture", "stream");
        connection.add_track(&track).unwrap();
        let pump = Pump::video(track, TestPattern::new(320, 240, 25).unwrap(), 25, 500_000).unwrap();
        let mut init = DataChannelInit::default();
        init.negotiated = true;
        init.id = Some(0);
        let channel = connection.create_data_channel("echo", init).unwrap();
        let (frames, messages) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let errors = Arc::<Mutex<Vec<IceCandidateError>>>::default();
        tokio::spawn(talk(channel, messages.clone()));
        let (mut events, counted, told) = (connection.events(), frames.clone(), errors.clone());
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                match event {
                    Event::Track(track) => drop(tokio::spawn(watch(track, counted.clone()))),
                    Event::IceCandidateError(error) => told.lock().unwrap().push(error),
                    _ => {}
                }
            }
        });
        Self { connection, frames, messages, errors, _pump: pump }
    }

    fn frames(&self) -> u64 {
        self.frames.load(Relaxed)
    }

    fn messages(&self) -> u64 {
        self.messages.load(Relaxed)
    }

    fn is(&self, state: IceConnectionState) -> bool {
        self.connection.ice_connection_state() == state
    }

    fn stats(&self) -> Value {
        serde_json::from_str(&self.connection.get_stats().to_json()).unwrap()
    }

    /// Our candidate of the pair in use.
    fn local_candidate(&self) -> Value {
        let stats = self.stats();
        let transport = stats.as_object().unwrap().values().find(|one| one["type"] == "transport").unwrap();
        let pair = &stats[transport["selectedCandidatePairId"].as_str().expect("a pair in use")];
        stats[pair["localCandidateId"].as_str().unwrap()].clone()
    }

    /// Pictures and messages, from now on.
    async fn flows(&self) {
        let (frames, messages) = (self.frames(), self.messages());
        let more = |ours: &Self| ours.frames() > frames + 20 && ours.messages() > messages + 20;
        self.until("pictures and messages", more).await;
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let waits = async {
            while !is_so(self) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waits).await.is_err() {
            let state = self.connection.ice_connection_state();
            let errors = self.errors.lock().unwrap();
            panic!("never: {what}; {state} {} {} {errors:?}", self.frames(), self.messages());
        }
    }
}
