//! The probe against our own echo, and against what is none: reports and exit codes.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Output;

use crate::program::{Running, refused};

fn probe(words: &[&str]) -> Output {
    let all: Vec<&str> = ["probe"].iter().chain(words).copied().collect();
    refused(&all)
}

#[test]
fn every_test_passes_on_our_own_echo() {
    let echo = Running::start("echo", &[]);
    let url = format!("http://{}/offer", echo.address);
    for test in ["0", "1", "reopen", "stress", "media"] {
        let output = probe(&["-s", &url, "-t", test, "--json", "--timeout", "20"]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(text.lines().count(), 1, "{text}");
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&report["passed"], &report["test"]), (&true.into(), &test.into()), "{report}");
        assert_eq!(output.status.code(), Some(0), "{report}");
        assert_eq!(report["connection"]["dtls"], "DTLS 1.3", "{report}");
        match test {
            "1" => assert!(report["channel"]["round_trip_ms"].as_f64().unwrap() > 0.0, "{report}"),
            "reopen" => assert_eq!(report["reopen"]["channels"], 200, "{report}"),
            "stress" => assert_eq!(report["stress"][1]["messages"], 1_000, "{report}"),
            "media" => assert_eq!(report["media"][1]["size"], serde_json::json!([320, 240]), "{report}"),
            _ => {}
        }
    }
}

#[test]
fn a_bare_address_is_enough_and_the_end_is_told_in_words() {
    let echo = Running::start("echo", &[]);
    let output = probe(&[&echo.address.to_string(), "-v"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("connection connected") && text.contains("DTLS 1.3"), "{text}");
    assert!(text.lines().last().unwrap().starts_with("test 0: passed"), "{text}");
}

#[test]
fn who_is_no_echo_is_named_and_the_exit_code_is_one() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let output = probe(&["-s", &nobody, "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &report["passed"]), (Some(1), &false.into()), "{report}");
    assert!(report["failure"].as_str().unwrap().contains("refused"), "{report}");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        for said in [
            "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nnone\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        ] {
            let (mut stream, _) = listener.accept().unwrap();
            // The head, and what of the body came along.
            let _ = stream.read(&mut [0; 65_536]);
            let _ = stream.write_all(said.as_bytes());
        }
    });
    for reason in ["the server says 404 Not Found: none", "no answer: neither a candidate nor a description"]
    {
        let output = probe(&[&address]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(reason), "{text}");
    }
    server.join().unwrap();
}
