//! Visits: every two kinds of streets, what was expected, and the table of what was found.

use std::time::Duration;

use peerless_interop::process::Process;
use tokio::sync::mpsc;

use crate::pipe;
use crate::street::{self, KINDS, Kind, Namespace, SERVER, SERVER_PORT, Street};

/// How long a pair of hosts may take in all: a slow machine is not a fault.
const PATIENCE: Duration = Duration::from_secs(60);

/// By what two hosts reach each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Direct,
    Relay,
}

/// What a visit found.
struct Meeting {
    pair: (String, String),
    /// From `PeerConnection::new` to an open channel.
    milliseconds: u64,
}

/// The way that is left (RFC 4787): where one mapping depends on the destination, the filter of the other must not look at
/// the port; where both do, there is none.
fn way(first: Kind, second: Kind) -> Way {
    let is_strict = |kind| matches!(kind, Kind::PortRestricted | Kind::Double | Kind::Symmetric);
    match (first, second) {
        (Kind::Blocked, _) | (_, Kind::Blocked) => Way::Relay,
        (Kind::Symmetric, other) | (other, Kind::Symmetric) if is_strict(other) => Way::Relay,
        _ => Way::Direct,
    }
}

pub async fn all() {
    street::open().await;
    let _server = turn_server().await;
    for (at, first) in KINDS.into_iter().enumerate() {
        for second in KINDS.into_iter().skip(at) {
            if way(first, second) == Way::Relay {
                continue;
            }
            let Meeting { pair, milliseconds } = visit(first, second).await;
            println!("{} - {}: {} - {}, {milliseconds} ms", first.name(), second.name(), pair.0, pair.1);
            let kind = |kind| if kind == Kind::Open { &["host"][..] } else { &["srflx", "prflx"] };
            assert!(kind(first).contains(&&*pair.0) && kind(second).contains(&&*pair.1), "{pair:?}");
        }
    }
}

async fn turn_server() -> Process {
    let address = SERVER.to_string();
    let words = [
        "--no-cli",
        "--no-tls",
        "--no-dtls",
        "--lt-cred-mech",
        "--user",
        "zoo:secret",
        "--realm",
        "zoo.example",
        "--log-file",
        "stdout",
        "--simple-log",
        "--listening-ip",
        &address,
        "--relay-ip",
        &address,
        "--listening-port",
        &SERVER_PORT.to_string(),
        "--pidfile",
        "",
        "-n",
    ]
    .map(str::to_owned);
    let mut server = Process::start("turnserver", &words).expect("coturn is installed");
    let is_ready = |line: &str| line.contains("(admin thread)").then_some(());
    server.wait_line("a listener", is_ready).await.expect("it listens");
    server
}

/// One host, which is told lines and says lines.
struct Host {
    namespace: Namespace,
    street: Street,
    to: mpsc::UnboundedSender<String>,
    from: mpsc::UnboundedReceiver<String>,
}

impl Host {
    async fn new(kind: Kind, number: u8, role: &str) -> Self {
        let program = std::env::current_exe().unwrap();
        let words = ["host", role, &format!("stun:{SERVER}:{SERVER_PORT}")].map(str::to_owned);
        let mut namespace = Namespace::spawn(program.to_str().unwrap(), &words);
        let mut from = pipe::lines(namespace.process.stdout.take().unwrap());
        let to = pipe::writer(namespace.process.stdin.take().unwrap());
        assert_eq!(from.recv().await.as_deref(), Some("# hello"));
        let street = Street::build(kind, number, &namespace).await;
        Self { namespace, street, to, from }
    }

    async fn end(mut self) {
        let _ = self.namespace.process.kill().await;
        self.street.end().await;
    }
}

async fn visit(first: Kind, second: Kind) -> Meeting {
    let (mut offerer, mut answerer) =
        (Host::new(first, 1, "offer").await, Host::new(second, 2, "answer").await);
    for host in [&offerer, &answerer] {
        host.to.send("begin".to_owned()).unwrap();
    }
    let (mut pair, mut milliseconds, mut said) = (None, None, Vec::new());
    let meeting = async {
        while pair.is_none() || milliseconds.is_none() {
            let (line, other) = tokio::select! {
                line = offerer.from.recv() => (line, Some(&answerer.to)),
                line = answerer.from.recv() => (line, None),
            };
            let line = line.expect("a host that runs");
            match line.strip_prefix("# ") {
                Some(words) => {
                    said.push(words.to_owned());
                    let is_offerer = other.is_some();
                    let mut parts = words.split(' ');
                    match (parts.next(), parts.next(), parts.next()) {
                        (Some("pair"), Some(local), Some(remote)) if is_offerer => {
                            pair = Some((local.to_owned(), remote.to_owned()));
                        }
                        (Some("talked"), Some(number), _) => milliseconds = number.parse().ok(),
                        _ => {}
                    }
                }
                None => drop(other.unwrap_or(&offerer.to).send(line)),
            }
        }
    };
    let is_met = tokio::time::timeout(PATIENCE, meeting).await.is_ok();
    assert!(is_met, "{} - {} never met: {said:?}", first.name(), second.name());
    offerer.end().await;
    answerer.end().await;
    Meeting { pair: pair.unwrap(), milliseconds: milliseconds.unwrap() }
}
