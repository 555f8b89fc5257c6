//! Wrong words and a busy port: one clear message, the right exit code.

use std::net::{TcpListener, UdpSocket};

use crate::program::refused;

/// By way of a TURN server only.
const RELAYED: [&str; 7] = ["--turn", "turn:a", "--user", "me", "--password", "x", "--relay-only"];

#[test]
fn wrong_words_are_named_and_end_with_two() {
    for (words, expected) in [
        (&["--port", "80"][..], "--port"),
        (&["serve"], "serve"),
        (&["--size", "640"], "expected WIDTHxHEIGHT"),
        (&["demo", "--size", "641x480"], "641 is not an even number"),
        (&["--fps", "0"], "1..=120"),
        (&["--bitrate", "fast"], "expected a number of bits per second"),
        (&["--stun", "turn:192.0.2.1:3478"], "servers of TURN are given by --turn"),
        (&["--interface", "192.0.2.77"], "not an address of this machine"),
        (&["--video", "vp9"], "[possible values: vp8, h264, none]"),
        (&["--video", "none", "--audio", "none"], "nothing to send"),
        (&["receive", "--video", "none", "--audio", "none"], "nothing to receive"),
        (&["receive", "--video", "av1"], "[possible values: any, vp8, h264, none]"),
        (&["receive", "--for", "0"], "expected whole seconds"),
        (&["echo", "--limit", "0"], "1..=10000"),
        (&["echo", "--media-tcp"], "--media-port"),
        (&["demo", "--public-address", "192.0.2.7"], "--media-port"),
        (&["echo", "--video", "vp8"], "--video"),
        (
            &["echo", "--media-port", "0", "--turn", "turn:192.0.2.1", "--user", "me", "--password", "x"],
            "'--media-port <PORT>' cannot be used with '--turn <turn:HOST:PORT>'",
        ),
        (&[&["receive", "--media-port", "0"], &RELAYED[..]].concat(), "cannot be used with"),
        (
            &[&["gather"], &RELAYED[..], &["--stun", "stun:a"]].concat(),
            "'--relay-only' cannot be used with '--stun <stun:HOST:PORT>'",
        ),
        (&["demo", "--relay-only"], "--turn"),
        (&["echo", "--media-port", "65536"], "65536 is not in 0..=65535"),
        (&["probe"], "URL"),
        (&["probe", "http://192.0.2.1/offer", "-s", "http://192.0.2.1/offer"], "cannot be used with"),
        (
            &["probe", "-s", "http://192.0.2.1/offer", "-t", "2"],
            "[possible values: 0, 1, media, stress, reopen]",
        ),
        (&["probe", "-s", "http://192.0.2.1/offer", "--timeout", "0"], "expected whole seconds"),
        (&["gather", "--stun", "192.0.2.1"], "expected stun:HOST:PORT"),
        (&["gather", "--turn", "turn:192.0.2.1"], "--user"),
        (&["gather", "--user", "me", "--password", "secret"], "--turn"),
        (
            &["gather", "--turn", "stun:192.0.2.1", "--user", "me", "--password", "x"],
            "expected turn:HOST:PORT",
        ),
        (&["gather", "--dtls", "1.2"], "--dtls"),
        (&["gather", "--interface", "192.0.2.77"], "not an address of this machine"),
    ] {
        let output = refused(words);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {complaint}");
        assert!(complaint.contains(expected), "{words:?}: {complaint}");
        assert!(output.stdout.is_empty(), "{words:?}");
    }
}

#[test]
fn a_busy_port_is_told_in_one_line_and_ends_with_one() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    for command in ["demo", "receive", "echo"] {
        let output = refused(&[command, "--listen", &address]);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        assert!(complaint.contains(&address) && complaint.contains("in use"), "{complaint}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn what_the_port_of_media_cannot_be_is_told_in_one_line_and_ends_with_one() {
    let holder = UdpSocket::bind("127.0.0.1:0").unwrap();
    let busy = holder.local_addr().unwrap().port().to_string();
    for (words, expected) in [
        (&[busy.as_str()][..], "in use"),
        (&["0", "--interface", "127.0.0.1"], "127.0.0.1:0 is given twice"),
        (
            &["0", "--public-address", "192.0.2.7", "--public-address", "192.0.2.8"],
            "192.0.2.8 is the second public address",
        ),
        (&["0", "--public-address", "0.0.0.0"], "0.0.0.0 is not a public address"),
        (&["0", "--public-address", "2001:db8::1"], "no address of the endpoint is seen as 2001:db8::1"),
    ] {
        let begin = ["echo", "--listen", "127.0.0.1:0", "--interface", "127.0.0.1", "--media-port"];
        let output = refused(&[&begin[..], words].concat());
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        assert!(complaint.contains(expected) && output.stdout.is_empty(), "{words:?}: {complaint}");
    }
}

#[test]
fn help_and_version_end_with_nothing_wrong() {
    let help = refused(&["--help"]);
    let text = String::from_utf8_lossy(&help.stdout);
    assert!(help.status.success());
    for flag in
        ["--listen", "--video", "--audio", "--sound", "--size", "--fps", "--bitrate", "--stun", "--interface"]
    {
        assert!(text.contains(flag), "{flag}");
    }
    let version = refused(&["--version"]);
    assert_eq!(String::from_utf8_lossy(&version.stdout), format!("peerless {}\n", env!("CARGO_PKG_VERSION")));
}
