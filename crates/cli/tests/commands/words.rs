//! Wrong words and a busy port: one clear message, the right exit code.

use std::net::TcpListener;

use crate::program::refused;

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
