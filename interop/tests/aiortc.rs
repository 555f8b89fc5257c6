//! aiortc as a foreign native peer: it receives and decodes the demo's media, in both signalling roles.

use peerless_interop::process::Process;
use peerless_interop::program::Program;
use serde_json::Value;

async fn receive(role: &str, arguments: &[&str]) -> Value {
    let demo = Program::start("demo", arguments).await.unwrap();
    let python = std::env::var("PEERLESS_PYTHON").unwrap_or_else(|_| "python3".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/aiortc/receive.py");
    let arguments = [script, &demo.socket_url(), role, "60"].map(str::to_owned);
    let mut process = Process::start(&python, &arguments).unwrap();
    let result = process
        .wait_line("RESULT", |line| {
            line.strip_prefix("RESULT ").and_then(|json| serde_json::from_str(json).ok())
        })
        .await;
    match result {
        Ok(result) => result,
        Err(error) => panic!("{error}\nthe demo said:\n{}", demo.process.said()),
    }
}

fn check(result: &Value) {
    println!("{result}");
    assert_eq!(result["video"]["size"], serde_json::json!([640, 480]), "{result}");
    assert!(result["audio"]["loudest"].as_i64().unwrap() > 1000, "{result}");
}

#[tokio::test]
async fn aiortc_answers_and_decodes_vp8_and_opus() {
    check(&receive("answer", &["--sound", "sine"]).await);
}

#[tokio::test]
async fn aiortc_offers_and_decodes_vp8_and_opus() {
    check(&receive("offer", &["--sound", "sine"]).await);
}

#[tokio::test]
async fn aiortc_answers_and_decodes_h264_and_pcmu() {
    check(&receive("answer", &["--video", "h264", "--audio", "pcmu", "--sound", "sine"]).await);
}
