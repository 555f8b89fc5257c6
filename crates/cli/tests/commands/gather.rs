//! Gathering, with a STUN server of a few lines: what is found, what failed and why, exit codes.

use std::net::{SocketAddr, UdpSocket};
use std::process::Output;

use serde_json::Value;

use crate::program::refused;

/// Runs it on loopback to its end, with the lines of JSON it wrote.
fn gather(words: &[&str]) -> (Output, Vec<Value>) {
    let all = [&["gather", "--interface", "127.0.0.1", "--json"], words].concat();
    let output = refused(&all);
    let lines = String::from_utf8_lossy(&output.stdout);
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output, lines)
}

/// A STUN server that answers every request with these attributes, as long as the test runs (RFC 8489 §5).
fn server(class: u16, attributes: &'static [u8]) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut request = [0; 1500];
        while let Ok((_, from)) = socket.recv_from(&mut request) {
            let mut answer = (class | 1).to_be_bytes().to_vec();
            answer.extend((attributes.len() as u16).to_be_bytes());
            answer.extend(&request[4..20]);
            answer.extend(attributes);
            let _ = socket.send_to(&answer, from);
        }
    });
    address
}

/// XOR-MAPPED-ADDRESS of 198.51.100.7:40001.
const MAPPED: &[u8] =
    &[0, 0x20, 0, 8, 0, 1, 0x9c ^ 0x21, 0x41 ^ 0x12, 198 ^ 0x21, 51 ^ 0x12, 100 ^ 0xa4, 7 ^ 0x42];
/// ERROR-CODE of 500.
const REFUSED: &[u8] = &[0, 9, 0, 8, 0, 0, 5, 0, b'f', b'u', b'l', b'l'];

#[test]
fn each_candidate_is_a_line_with_its_server() {
    let server = format!("stun:{}", server(0x100, MAPPED));
    let (output, lines) = gather(&["--stun", &server]);
    assert_eq!(output.status.code(), Some(0), "{lines:?}");
    // Beside these there is one from where TCP is opened.
    let is_told = |line: &&Value| line["protocol"] != "tcp";
    let [host, reflexive, end] = lines.iter().filter(is_told).collect::<Vec<_>>()[..] else {
        panic!("{lines:?}")
    };
    assert_eq!((&host["event"], &host["type"]), (&"candidate".into(), &"host".into()), "{host}");
    assert_eq!((&host["address"], &host["protocol"]), (&"127.0.0.1".into(), &"udp".into()), "{host}");
    assert_eq!((&reflexive["type"], &reflexive["server"]), (&"srflx".into(), &server.into()), "{reflexive}");
    assert_eq!(
        (&reflexive["address"], &reflexive["port"]),
        (&"198.51.100.7".into(), &40_001.into()),
        "{reflexive}"
    );
    assert_eq!(reflexive["related"]["port"], host["port"], "{reflexive}");
    assert!(reflexive["priority"].as_u64() < host["priority"].as_u64(), "{lines:?}");
    assert!(reflexive["at_ms"].as_f64() <= end["at_ms"].as_f64(), "{lines:?}");
    assert_eq!((&end["event"], &end["candidates"]), (&"complete".into(), &3.into()), "{end}");
}

#[test]
fn what_failed_is_told_with_its_reason_and_the_exit_code_is_one() {
    let full = format!("stun:{}", server(0x110, REFUSED));
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let silent = format!("stun:{}", silent.local_addr().unwrap());
    let unknown = "stun:nobody.invalid:3478".to_owned();
    for (server, code, reason) in [(full, 500, "full"), (silent, 701, "did not answer"), (unknown, 701, "")] {
        let (output, lines) = gather(&["--stun", &server]);
        assert_eq!(output.status.code(), Some(1), "{lines:?}");
        let failure = lines.iter().find(|line| line["event"] == "failure").unwrap();
        assert_eq!((&failure["server"], &failure["code"]), (&server.into(), &code.into()), "{failure}");
        assert!(failure["reason"].as_str().unwrap().contains(reason), "{failure}");
        assert_eq!(lines.last().unwrap()["failures"], 1, "{lines:?}");
    }
}

#[test]
fn a_server_that_no_address_of_ours_can_ask_is_told_at_once() {
    let credentials = ["--user", "me", "--password", "secret"];
    let servers =
        ["--stun", "stun:[2001:db8::1]", "--turn", "turns:[2001:db8::2]", "--turn", "turn:[2001:db8::3]"];
    let (output, lines) = gather(&[&servers[..], &credentials].concat());
    assert_eq!(output.status.code(), Some(1), "{lines:?}");
    let failures: Vec<_> = lines.iter().filter(|line| line["event"] == "failure").collect();
    assert_eq!(failures.len(), 3, "{lines:?}");
    for failure in failures {
        assert_eq!(failure["code"], 701, "{failure}");
        assert!(
            failure["reason"].as_str().unwrap().contains("no local address of the server's family"),
            "{failure}"
        );
    }
    assert_eq!(lines.last().unwrap()["failures"], 3, "{lines:?}");
}

#[test]
fn there_is_no_time_for_more_than_was_asked() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (output, lines) =
        gather(&["--stun", &format!("stun:{}", silent.local_addr().unwrap()), "--timeout", "1"]);
    assert_eq!(output.status.code(), Some(1), "{lines:?}");
    assert_eq!(lines.last().unwrap()["event"], "timed-out", "{lines:?}");
}

#[test]
fn people_get_lines() {
    let output = refused(&["gather", "--interface", "127.0.0.1"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains(" ms  host   udp  127.0.0.1:"), "{text}");
    assert!(text.contains(" ms  host   tcp active  127.0.0.1:9"), "{text}");
    assert!(text.lines().last().unwrap().ends_with("complete: 2 candidates, 0 failures"), "{text}");
}
