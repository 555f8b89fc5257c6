//! The command line: what is taken and what is refused.

use clap::error::ErrorKind;

use crate::args::demo::{Audio, DemoArgs, Sound, Video};
use crate::args::network::Dtls;
use crate::args::probe::Test;
use crate::args::receive;
use crate::args::top::{Command, read};
use crate::args::values::{Bitrate, Size};

fn demo(line: &str) -> Result<DemoArgs, ErrorKind> {
    let words = std::iter::once("peerless").chain(line.split_whitespace());
    match read(words) {
        Ok(Command::Demo(args)) => Ok(args),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.kind()),
    }
}

#[test]
fn no_words_mean_the_demo_with_its_defaults() {
    for line in ["", "demo"] {
        let args = demo(line).unwrap();
        assert_eq!(args.listen.to_string(), "127.0.0.1:8080");
        assert_eq!((args.video, args.audio, args.sound), (Video::Vp8, Audio::Opus, Sound::Music));
        assert_eq!((args.size, args.fps), (Size { width: 640, height: 480 }, 30));
        assert_eq!((args.bitrate, args.network.dtls), (Bitrate(1_500_000), Dtls::Any));
        assert!(args.network.interface.is_empty() && args.network.log.is_none());
        assert!(args.network.servers.stun.is_empty() && args.network.servers.turn.is_empty());
    }
}

#[test]
fn flags_mean_the_same_with_and_without_the_word_demo() {
    let flags = "--listen [::1]:0 --video h264 --audio g722 --sound pink-noise --size 1280x720 --fps 25 \
                 --bitrate 2.5M --stun stun:192.0.2.1:3478 --stun stun:[2001:db8::1]:3479 --interface 127.0.0.1 \
                 --interface ::1 --dtls 1.2 --log peerless=debug,warn";
    for line in [flags.to_owned(), format!("demo {flags}")] {
        let args = demo(&line).unwrap();
        assert_eq!(args.listen.to_string(), "[::1]:0");
        assert_eq!((args.video, args.audio, args.sound), (Video::H264, Audio::G722, Sound::PinkNoise));
        assert_eq!((args.size, args.fps), (Size { width: 1280, height: 720 }, 25));
        assert_eq!((args.bitrate, args.network.dtls), (Bitrate(2_500_000), Dtls::V12));
        assert_eq!(args.network.servers.stun, ["stun:192.0.2.1:3478", "stun:[2001:db8::1]:3479"]);
        assert_eq!(args.network.interface.len(), 2);
        assert_eq!(args.network.log.as_deref(), Some("peerless=debug,warn"));
    }
}

#[test]
fn refuses_to_send_nothing() {
    assert_eq!(demo("--video none --audio none").unwrap_err(), ErrorKind::ArgumentConflict);
    assert!(demo("--video none").is_ok() && demo("--audio none").is_ok());
}

#[test]
fn refuses_wrong_values() {
    for line in [
        "--listen 8080",
        "--listen example:80",
        "--size 640",
        "--size 640x",
        "--size x480",
        "--size 641x480",
        "--size 8x8",
        "--size 99999999999x480",
        "--size 640x480x2",
        "--fps 0",
        "--fps 121",
        "--fps 29.97",
        "--bitrate 0",
        "--bitrate k",
        "--bitrate 1e6",
        "--bitrate nan",
        "--bitrate 900M",
        "--stun 192.0.2.1:3478",
        "--stun stun:",
        "--stun stun:a:0",
        "--stun stun:a:99999",
        "--stun stun:[::1",
        "--stun turn:192.0.2.1:3478",
        "--turn stun:192.0.2.1:3478 --user me --password secret",
        "--interface eth0",
        "--interface 192.0.2.77",
        "--interface 0.0.0.0",
        "--log peerless=loud",
    ] {
        assert_eq!(demo(line).unwrap_err(), ErrorKind::ValueValidation, "{line}");
    }
    for line in ["--video vp9", "--audio mp3", "--sound noise", "--dtls 1.0"] {
        assert_eq!(demo(line).unwrap_err(), ErrorKind::InvalidValue, "{line}");
    }
    assert_eq!(demo("--port 80").unwrap_err(), ErrorKind::UnknownArgument);
    assert_eq!(demo("--video").unwrap_err(), ErrorKind::InvalidValue);
    assert!(demo("serve").is_err());
    assert!(demo("--fps 20 demo").is_err());
}

fn command(line: &str) -> Result<Command, ErrorKind> {
    let words = std::iter::once("peerless").chain(line.split_whitespace());
    read(words).map_err(|error| error.kind())
}

#[test]
fn a_probe_takes_its_address_bare_or_as_a_flag() {
    for (line, url, test) in [
        ("probe http://192.0.2.1:8080/offer", "http://192.0.2.1:8080/offer", Test::Connection),
        ("probe -s http://192.0.2.1:8080/offer -t 1", "http://192.0.2.1:8080/offer", Test::Channel),
        ("probe --server 192.0.2.1:8080 --test stress", "192.0.2.1:8080", Test::Stress),
        ("probe -t media 192.0.2.1:8080", "192.0.2.1:8080", Test::Media),
    ] {
        let Ok(Command::Probe(args)) = command(line) else { panic!("{line}") };
        assert_eq!((args.url(), args.test), (url, test), "{line}");
        assert_eq!((args.timeout.as_secs(), args.json, args.verbose), (10, false, false));
    }
    assert_eq!(command("probe").unwrap_err(), ErrorKind::MissingRequiredArgument);
    assert_eq!(command("probe -s a b").unwrap_err(), ErrorKind::ArgumentConflict);
    assert_eq!(command("probe a -t 2").unwrap_err(), ErrorKind::InvalidValue);
}

#[test]
fn echo_and_receive_have_defaults_that_work() {
    let Ok(Command::Echo(args)) = command("echo") else { panic!("an echo") };
    assert_eq!((args.listen.to_string().as_str(), args.limit), ("0.0.0.0:8080", 100));
    let Ok(Command::Receive(args)) = command("receive --for 5 --record here") else { panic!("a receiver") };
    assert_eq!((args.video, args.audio), (receive::Video::Any, receive::Audio::Any));
    assert_eq!(args.duration.map(|time| time.as_secs()), Some(5));
    assert_eq!(args.record.as_deref(), Some(std::path::Path::new("here")));
    assert_eq!(command("receive --video none --audio none").unwrap_err(), ErrorKind::ArgumentConflict);
    assert!(command("receive --video none").is_ok());
}

#[test]
fn every_command_takes_a_turn_server_with_who_we_are_there() {
    let flags = "--turn turn:192.0.2.1 --turn turns:a.example --user me --password secret --relay-only";
    for line in ["demo", "receive", "echo", "probe a", "gather"] {
        let servers = match command(&format!("{line} {flags}")) {
            Ok(Command::Demo(args)) => args.network.servers,
            Ok(Command::Receive(args)) => args.network.servers,
            Ok(Command::Echo(args)) => args.network.servers,
            Ok(Command::Probe(args)) => args.network.servers,
            Ok(Command::Gather(args)) => args.servers,
            Err(error) => panic!("{line}: {error}"),
        };
        let mut configuration = peerless::Configuration::default();
        servers.write_into(&mut configuration);
        assert_eq!(configuration.ice_transport_policy, peerless::IceTransportPolicy::Relay);
        let urls: Vec<_> = configuration.ice_servers.iter().flat_map(|server| server.urls.clone()).collect();
        assert_eq!(urls, ["turn:192.0.2.1", "turns:a.example"], "{line}");
        for part in ["--turn turn:a", "--turn turn:a --user me", "--user me", "--password a", "--relay-only"]
        {
            let error = command(&format!("{line} {part}")).unwrap_err();
            assert_eq!(error, ErrorKind::MissingRequiredArgument, "{line} {part}");
        }
    }
}
