//! Echo and probe, ours and aiortc's, in all four combinations.

use peerless_interop::process::Process;
use peerless_interop::program::{self, Program};
use serde_json::Value;

/// An echo to call.
enum Echo {
    Ours(Program),
    Aiortc(Process, String),
}

impl Echo {
    async fn ours() -> Self {
        Self::Ours(Program::start("echo", &[]).await.unwrap())
    }

    async fn aiortc() -> Self {
        let mut process = python("echo_server.py", &["0"]);
        let port = process.wait_line("LISTENING", |line| {
            line.strip_prefix("LISTENING ").and_then(|port| port.parse::<u16>().ok())
        });
        let url = format!("http://127.0.0.1:{}", port.await.unwrap());
        Self::Aiortc(process, url)
    }

    fn url(&self) -> String {
        match self {
            Self::Ours(program) => format!("{}/offer", program.url),
            Self::Aiortc(_, url) => format!("{url}/offer"),
        }
    }

    fn said(&self) -> String {
        match self {
            Self::Ours(program) => program.process.said(),
            Self::Aiortc(process, _) => process.said(),
        }
    }
}

fn python(script: &str, arguments: &[&str]) -> Process {
    let python = std::env::var("PEERLESS_PYTHON").unwrap_or_else(|_| "python3".into());
    let script = format!("{}/aiortc/{script}", env!("CARGO_MANIFEST_DIR"));
    let all: Vec<String> =
        std::iter::once(script).chain(arguments.iter().map(|argument| (*argument).to_owned())).collect();
    Process::start(&python, &all).unwrap()
}

/// Runs our probe to its end; its report.
async fn probe(echo: &Echo, arguments: &[&str]) -> Value {
    let url = echo.url();
    let all: Vec<&str> =
        ["probe", "-s", &url, "--json", "--timeout", "30"].iter().chain(arguments).copied().collect();
    let mut probe = program::run(&all).unwrap();
    let report: Value = probe
        .wait_line("a report", |line| serde_json::from_str(line).ok())
        .await
        .unwrap_or_else(|error| panic!("{error}\nthe echo said:\n{}", echo.said()));
    println!("{arguments:?}: {report}");
    assert_eq!(report["passed"], true, "{report}\nthe echo said:\n{}", echo.said());
    assert!(probe.wait().await.unwrap().success());
    report
}

/// Runs aiortc's client to its end; its result.
async fn aiortc(echo: &Echo, test: &str) -> Value {
    let mut client = python("echo_client.py", &[&echo.url(), test]);
    let result: Value = client
        .wait_line("RESULT", |line| serde_json::from_str(line.strip_prefix("RESULT ")?).ok())
        .await
        .unwrap_or_else(|error| panic!("{error}\nthe echo said:\n{}", echo.said()));
    println!("aiortc {test}: {result}");
    assert!(client.wait().await.unwrap().success(), "{result}\nthe echo said:\n{}", echo.said());
    result
}

#[tokio::test]
async fn our_probe_passes_all_tests_on_our_echo() {
    let echo = Echo::ours().await;
    let report = probe(&echo, &["-t", "0"]).await;
    assert_eq!(report["connection"]["dtls"], "DTLS 1.3", "{report}");
    probe(&echo, &["-t", "1"]).await;
    let report = probe(&echo, &["-t", "stress"]).await;
    for channel in report["stress"].as_array().unwrap() {
        assert_eq!((&channel["messages"], &channel["largest"]), (&1_000.into(), &262_144.into()), "{report}");
    }
    let report = probe(&echo, &["-t", "reopen"]).await;
    assert_eq!(report["reopen"]["channels"], 200, "{report}");
    let report = probe(&echo, &["-t", "media"]).await;
    assert_eq!(report["media"].as_array().unwrap().len(), 2, "{report}");
}

#[tokio::test]
async fn our_probe_passes_on_the_echo_of_aiortc() {
    let echo = Echo::aiortc().await;
    for test in ["0", "1", "media", "reopen"] {
        probe(&echo, &["-t", test]).await;
    }
}

#[tokio::test]
async fn aiortc_passes_on_our_echo() {
    let echo = Echo::ours().await;
    for test in ["0", "1", "media"] {
        aiortc(&echo, test).await;
    }
}

/// The harness itself: what aiortc cannot do with itself it need not do with us.
#[tokio::test]
async fn aiortc_passes_on_the_echo_of_aiortc() {
    let echo = Echo::aiortc().await;
    for test in ["0", "1", "media"] {
        aiortc(&echo, test).await;
    }
}
