//! Visits: hosts in every two kinds of streets, and what is expected of them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use peerless_interop::process::Process;
use tokio::sync::mpsc;

use crate::authority::certify;
use crate::gather;
use crate::pipe;
use crate::street::{self, KINDS, Kind, Namespace, SERVER, SERVER_PORT, Street, TLS_PORT};
use crate::table::Table;

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
    /// What the candidates in use are, the offerer's first.
    pair: (String, String),
    /// From `PeerConnection::new` to an open channel.
    milliseconds: u64,
}

/// The way that is left (RFC 4787): where one mapping depends on the destination, the filter of the other must not look at
/// the port; where both do, there is none.
fn way(first: Kind, second: Kind) -> Way {
    let is_strict = |kind| matches!(kind, Kind::PortRestricted | Kind::Double | Kind::Symmetric);
    match (first, second) {
        (Kind::Blocked | Kind::OnlyTls, _) | (_, Kind::Blocked | Kind::OnlyTls) => Way::Relay,
        (Kind::Symmetric, other) | (other, Kind::Symmetric) if is_strict(other) => Way::Relay,
        _ => Way::Direct,
    }
}

/// Every two kinds, and two hosts behind one translator; the table of what was found is as the README has it.
pub async fn all() {
    street::open().await;
    let folder = certified();
    let _server = turn_server(&folder).await;
    let mut table = Table::default();
    for (at, first) in KINDS.into_iter().enumerate() {
        for second in KINDS.into_iter().skip(at) {
            let meeting = visit(&[first, second], &folder).await;
            let expected = match way(first, second) {
                Way::Relay => "relay".to_owned(),
                Way::Direct => format!("{} – {}", seen(first), seen(second)),
            };
            table.enter(first.name(), second.name(), meeting.check(&expected), meeting.milliseconds);
        }
    }
    for hairpins in [true, false] {
        let (name, expected) = match hairpins {
            true => ("behind one that hairpins", "srflx – srflx"),
            false => ("behind one that does not", "relay"),
        };
        let meeting = visit_neighbours(hairpins, &folder).await;
        table.enter(name, "", meeting.check(expected), meeting.milliseconds);
    }
    table.close();
    let _ = std::fs::remove_dir_all(&folder);
    gather::finds_what_there_is().await;
}

/// What a candidate is that is seen through a translator of this kind.
fn seen(kind: Kind) -> &'static str {
    match kind {
        Kind::Open => "host",
        Kind::Symmetric => "prflx",
        _ => "srflx",
    }
}

impl Meeting {
    /// What it was by, which must be as expected.
    fn check(&self, expected: &str) -> String {
        let (first, second) = (&*self.pair.0, &*self.pair.1);
        let found = match [first, second].contains(&"relay") {
            true => "relay".to_owned(),
            false => format!("{first} – {second}"),
        };
        // A check may be seen before the candidate that it comes from is told: then its kind is peer-reflexive.
        assert!(found == expected || found == expected.replace("srflx", "prflx"), "{found}, not {expected}");
        expected.to_owned()
    }
}

/// A folder with an authority's certificate for the server.
fn certified() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("peerless-zoo-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    certify(&folder, &SERVER.to_string());
    folder
}

async fn turn_server(folder: &Path) -> Process {
    let address = SERVER.to_string();
    let [leaf, key] = ["leaf.pem", "leaf.key"].map(|name| folder.join(name).display().to_string());
    let words = [
        "--no-cli",
        "--cert",
        &leaf,
        "--pkey",
        &key,
        "--tls-listening-port",
        &TLS_PORT.to_string(),
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
    to: mpsc::UnboundedSender<String>,
    from: mpsc::UnboundedReceiver<String>,
}

impl Host {
    async fn new(role: &str, folder: &Path) -> Self {
        let program = std::env::current_exe().unwrap();
        let words = [
            "host".to_owned(),
            role.to_owned(),
            folder.join("root.der").display().to_string(),
            format!("stun:{SERVER}:{SERVER_PORT}"),
            format!("turn:{SERVER}:{SERVER_PORT}|zoo|secret"),
            format!("turn:{SERVER}:{SERVER_PORT}?transport=tcp|zoo|secret"),
            format!("turns:{SERVER}:{TLS_PORT}|zoo|secret"),
        ];
        let mut namespace = Namespace::spawn(program.to_str().unwrap(), &words);
        let mut from = pipe::lines(namespace.process.stdout.take().unwrap());
        let to = pipe::writer(namespace.process.stdin.take().unwrap());
        assert_eq!(from.recv().await.as_deref(), Some("# hello"));
        Self { namespace, to, from }
    }
}

async fn visit(kinds: &[Kind; 2], folder: &Path) -> Meeting {
    let mut hosts = [Host::new("offer", folder).await, Host::new("answer", folder).await];
    let first = Street::build(kinds[0], 1, &hosts[0].namespace).await;
    let second = Street::build(kinds[1], 2, &hosts[1].namespace).await;
    let meeting = meet(&mut hosts, &kinds.map(Kind::name).join(" - ")).await;
    // Before the hosts: with them the interfaces that lead to them go.
    first.end().await;
    second.end().await;
    for mut host in hosts {
        let _ = host.namespace.process.kill().await;
    }
    meeting
}

async fn visit_neighbours(hairpins: bool, folder: &Path) -> Meeting {
    let mut hosts = [Host::new("offer", folder).await, Host::new("answer", folder).await];
    let street = Street::share(hairpins, hosts.each_ref().map(|host| &host.namespace)).await;
    let meeting = meet(&mut hosts, "neighbours").await;
    street.end().await;
    for mut host in hosts {
        let _ = host.namespace.process.kill().await;
    }
    meeting
}

/// Carries signalling between two hosts until they have met.
async fn meet([offerer, answerer]: &mut [Host; 2], name: &str) -> Meeting {
    for host in [&offerer, &answerer] {
        host.to.send("begin".to_owned()).unwrap();
    }
    let (mut pair, mut milliseconds, mut said) = (None, None, Vec::new());
    let meeting = async {
        while pair.is_none() || milliseconds.is_none() {
            let (line, is_offerer) = tokio::select! {
                line = offerer.from.recv() => (line, true),
                line = answerer.from.recv() => (line, false),
            };
            let line = line.expect("a host that runs");
            let Some(words) = line.strip_prefix("# ") else {
                let to = if is_offerer { &answerer.to } else { &offerer.to };
                let _ = to.send(line);
                continue;
            };
            said.push(format!("{} {words}", if is_offerer { "offerer" } else { "answerer" }));
            match words.split(' ').collect::<Vec<_>>()[..] {
                ["pair", local, remote] if is_offerer => pair = Some((local.to_owned(), remote.to_owned())),
                ["talked", number] => milliseconds = number.parse().ok(),
                _ => {}
            }
        }
    };
    let is_met = tokio::time::timeout(PATIENCE, meeting).await.is_ok();
    assert!(is_met, "{name} never met: {said:?}");
    Meeting { pair: pair.unwrap(), milliseconds: milliseconds.unwrap() }
}
