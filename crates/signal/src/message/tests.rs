//! Messages: the exact JSON both ways, and what bad JSON gets.

use peerless::{IceCandidateInit, SdpType, SessionDescription};

use crate::message::{Form, Message, MessageError};

fn description(kind: SdpType, sdp: &str) -> Message {
    Message::Description(SessionDescription { kind, sdp: sdp.to_owned() })
}

fn candidate(text: &str, mid: Option<&str>, index: Option<u16>, fragment: Option<&str>) -> Message {
    Message::Candidate(IceCandidateInit {
        candidate: text.to_owned(),
        sdp_mid: mid.map(str::to_owned),
        sdp_m_line_index: index,
        username_fragment: fragment.map(str::to_owned),
    })
}

#[test]
fn writes_the_bare_objects_a_browser_takes() {
    assert_eq!(description(SdpType::Offer, "v=0\r\n").write(), r#"{"type":"offer","sdp":"v=0\r\n"}"#);
    assert_eq!(
        candidate("candidate:1 1 udp 5 192.0.2.1 9 typ host", Some("0"), Some(0), Some("abcd")).write(),
        r#"{"candidate":"candidate:1 1 udp 5 192.0.2.1 9 typ host","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"abcd"}"#
    );
    assert_eq!(candidate("", Some("1"), None, None).write(), r#"{"candidate":"","sdpMid":"1"}"#);
}

#[test]
fn reads_back_what_it_writes() {
    for message in [
        description(SdpType::Answer, "v=0\r\na=\"quoted\" \u{1f600}\\\r\n"),
        description(SdpType::Pranswer, ""),
        candidate("candidate:x", Some("audio"), Some(65535), Some("u")),
        candidate("", None, Some(0), None),
        candidate("", None, None, None),
    ] {
        assert_eq!(Message::parse(&message.write()).unwrap(), message);
    }
}

#[test]
fn reads_what_browsers_stringify() {
    let chromium = r#"{"candidate":"candidate:1 1 udp 2113937151 c8a2.local 50032 typ host generation 0 ufrag oFCZ network-cost 999","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"oFCZ"}"#;
    let Message::Candidate(read) = Message::parse(chromium).unwrap() else { panic!("a candidate") };
    assert_eq!(read.username_fragment.as_deref(), Some("oFCZ"));
    let ended = r#"{"candidate":"","sdpMid":"0","sdpMLineIndex":null,"usernameFragment":null}"#;
    assert_eq!(Message::parse(ended).unwrap(), candidate("", Some("0"), None, None));
    assert_eq!(Message::parse(r#"{"candidate":null}"#).unwrap(), candidate("", None, None, None));
    assert_eq!(Message::parse(r#"{"type":"rollback"}"#).unwrap(), description(SdpType::Rollback, ""));
}

#[test]
fn reads_and_writes_the_form_of_the_example_of_perfect_negotiation() {
    let offer = description(SdpType::Offer, "v=0\r\n");
    let named = r#"{"description":{"type":"offer","sdp":"v=0\r\n"}}"#;
    assert_eq!(offer.write_as(Form::Named), named);
    assert_eq!(Message::read(named).unwrap(), (offer.clone(), Some(Form::Named)));
    assert_eq!(Message::read(&offer.write()).unwrap(), (offer, Some(Form::Bare)));
    let one = candidate("candidate:x", Some("0"), Some(0), Some("u"));
    let named =
        r#"{"candidate":{"candidate":"candidate:x","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"u"}}"#;
    assert_eq!(one.write_as(Form::Named), named);
    assert_eq!(Message::read(named).unwrap(), (one, Some(Form::Named)));
    let end = candidate("", Some("0"), None, None);
    assert_eq!(Message::read(&end.write_as(Form::Named)).unwrap(), (end, Some(Form::Named)));
    let all_ended = candidate("", None, None, None);
    assert_eq!(Message::read(r#"{"candidate":null}"#).unwrap(), (all_ended, None), "both forms have it");
    let text = r#"{"description":{"type":"offer"}}"#;
    assert!(matches!(Message::parse(text), Err(MessageError::SdpMissing(SdpType::Offer))));
    assert!(matches!(Message::parse(r#"{"description":{}}"#), Err(MessageError::Unknown)));
}

#[test]
fn passes_over_unknown_fields_and_takes_any_order() {
    let text = r#" {"sdp":"s","id":7,"nested":{"type":"x","candidate":[1]},"type":"offer"} "#;
    assert_eq!(Message::parse(text).unwrap(), description(SdpType::Offer, "s"));
}

#[test]
fn a_candidate_with_a_description_beside_it_is_a_candidate() {
    let text = r#"{"type":"offer","sdp":"s","candidate":"c","sdpMid":"0"}"#;
    assert_eq!(Message::parse(text).unwrap(), candidate("c", Some("0"), None, None));
}

#[test]
fn tells_what_is_wrong_with_a_bad_message() {
    let json: &[&str] = &[
        "",
        "garbage",
        "null",
        "7",
        "\"offer\"",
        "{",
        "{\"type\":\"offer\",\"sdp\":\"v=0",
        r#"{"type":7,"sdp":"s"}"#,
        r#"{"type":"offer","sdp":["s"]}"#,
        r#"{"candidate":["c"]}"#,
        r#"{"description":"offer"}"#,
        r#"{"candidate":"c","sdpMLineIndex":-1}"#,
        r#"{"candidate":"c","sdpMLineIndex":65536}"#,
        r#"{"type":"offer","type":"answer","sdp":"s"}"#,
        r#"{"type":"offer","sdp":"s"} trailing"#,
        "{\"sdp\":\"\u{1}\"}",
    ];
    for text in json {
        assert!(matches!(Message::parse(text), Err(MessageError::Json(_))), "{text}");
    }
    let deep = format!("{{\"x\":{}", "[".repeat(100_000));
    assert!(matches!(Message::parse(&deep), Err(MessageError::Json(_))));
    assert!(matches!(Message::parse("{}"), Err(MessageError::Unknown)));
    assert!(matches!(Message::parse(r#"["offer","s"]"#), Err(MessageError::Unknown)));
    assert!(matches!(Message::parse(r#"{"hello":1}"#), Err(MessageError::Unknown)));
    assert!(matches!(Message::parse(r#"{"sdp":"s"}"#), Err(MessageError::TypeMissing)));
    assert!(matches!(Message::parse(r#"{"type":"offer"}"#), Err(MessageError::SdpMissing(SdpType::Offer))));
    assert!(
        matches!(Message::parse(r#"{"type":"bye"}"#), Err(MessageError::UnknownType(word)) if word == "bye")
    );
    let long = format!("{{\"type\":\"{}\"}}", "x".repeat(1 << 20));
    assert!(Message::parse(&long).unwrap_err().to_string().len() < 100);
}
