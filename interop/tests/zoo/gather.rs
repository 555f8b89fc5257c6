//! `peerless gather` behind a translator, with coturn: what is found, and what is said of wrong credentials.

use std::process::Output;

use peerless_interop::program;
use serde_json::Value;

use crate::street::{Kind, Namespace, SERVER, SERVER_PORT, Street};

/// All three kinds of candidates of UDP, each with its server, and one of TCP; a wrong password is 401, and the exit code says that not all went
/// well.
pub async fn finds_what_there_is() {
    let host = Namespace::quiet().await;
    let street = Street::build(Kind::PortRestricted, 1, &host).await;
    let servers = [format!("stun:{SERVER}:{SERVER_PORT}"), format!("turn:{SERVER}:{SERVER_PORT}")];
    let words = |password: &str| {
        let [stun, turn] = &servers;
        ["gather", "--json", "--stun", stun, "--turn", turn, "--user", "zoo", "--password", password]
            .map(str::to_owned)
    };
    let program = program::binary();
    let program = program.to_str().unwrap();
    let (status, lines) = read(host.output(program, &words("secret")).await);
    assert_eq!(status, Some(0), "{lines:?}");
    let is_told = |line: &&Value| line["protocol"] != "tcp";
    let [first, reflexive, relay, end] = lines.iter().filter(is_told).collect::<Vec<_>>()[..] else {
        panic!("{lines:?}")
    };
    assert_eq!((&first["type"], &first["address"]), (&"host".into(), &"192.168.1.2".into()), "{lines:?}");
    assert_eq!((&reflexive["type"], &reflexive["server"]), (&"srflx".into(), &servers[0].clone().into()));
    assert_eq!(reflexive["address"], "10.90.1.2", "{lines:?}");
    assert_eq!((&relay["type"], &relay["server"]), (&"relay".into(), &servers[1].clone().into()));
    assert_eq!((&relay["address"], &relay["relay_protocol"]), (&"10.90.0.1".into(), &"udp".into()));
    assert_eq!((&end["event"], &end["candidates"]), (&"complete".into(), &4.into()), "{lines:?}");

    let (status, lines) = read(host.output(program, &words("wrong")).await);
    assert_eq!(status, Some(1), "{lines:?}");
    let failure = lines.iter().find(|line| line["event"] == "failure").expect("a failure");
    assert_eq!(
        (&failure["server"], &failure["code"]),
        (&servers[1].clone().into(), &401.into()),
        "{failure}"
    );
    street.end().await;
}

fn read(output: Output) -> (Option<i32>, Vec<Value>) {
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    (output.status.code(), lines)
}
