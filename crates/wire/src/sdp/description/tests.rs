//! Descriptions against what browsers really send, and against garbage.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use crate::rtp::{Mid, PayloadType, Ssrc};
use crate::sdp::{
    Attribute, Description, Direction, Error, FeedbackKind, Kind, LIMIT, Reason, RtcpFeedback, Setup,
};

fn vectors() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/sdp");
    let mut vectors: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sdp"))
        .map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap()))
        .collect();
    vectors.sort();
    assert!(vectors.len() >= 27);
    vectors
}

fn vector(name: &str) -> Description {
    let (_, text) = vectors().into_iter().find(|(path, _)| path.ends_with(name)).unwrap();
    Description::parse(&text).unwrap()
}

const HEAD: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";

fn error_of(rest: &str) -> Error {
    Description::parse(&format!("{HEAD}{rest}")).unwrap_err()
}

#[test]
fn writes_every_browser_description_as_it_was_read() {
    for (path, text) in vectors() {
        let written = Description::parse(&text).unwrap().to_string();
        // The one liberty taken: the transport of a candidate is written in small letters.
        let expected: String = text
            .split_inclusive("\r\n")
            .map(|line| match line.strip_prefix("a=candidate:") {
                Some(_) => line.replace(" UDP ", " udp ").replace(" TCP ", " tcp "),
                None => line.to_owned(),
            })
            .collect();
        assert_eq!(written, expected, "{path}");
        assert_eq!(Description::parse(&written).unwrap().to_string(), written, "{path}");
    }
}

#[test]
fn types_all_that_browsers_say_and_we_act_on() {
    for (path, text) in vectors() {
        let description = Description::parse(&text).unwrap();
        let attributes = description.media.iter().flat_map(|media| &media.attributes);
        for attribute in attributes.chain(&description.attributes) {
            if let Attribute::Other { name, .. } = attribute {
                assert!(matches!(&**name, "msid-semantic" | "rtcp-xr"), "{path}: a={name}");
            }
        }
    }
}

#[test]
fn understands_an_offer_of_chromium() {
    let offer = vector("chromium-offer-av-dc.sdp");
    assert_eq!(offer.origin.session_id, 6_461_245_805_311_737_389);
    let group = offer.bundle_groups().next().unwrap();
    assert_eq!(group.mids, ["0", "1", "2"].map(Mid::new));
    let [audio, video, data] = &offer.media[..] else { panic!("three sections") };
    assert_eq!((&audio.kind, &video.kind, &data.kind), (&Kind::Audio, &Kind::Video, &Kind::Application));
    assert_eq!(audio.payload_types().next(), PayloadType::new(111));
    assert_eq!(video.payload_types().count(), 23);
    assert_eq!(data.payload_types().count(), 0);
    assert_eq!(offer.ice_ufrag(video), Some("cP6G"));
    assert_eq!(offer.setup(data), Some(Setup::ActPass));
    assert_eq!(offer.fingerprints(audio).filter(|print| print.is_sound()).count(), 1);
    assert_eq!(offer.direction(audio), Direction::SendRecv);
    let pli = RtcpFeedback { payload_type: PayloadType::new(96), kind: FeedbackKind::NackPli };
    assert!(video.has(&Attribute::RtcpFeedback(pli)));
    let fid =
        video.find(|one| if let Attribute::SsrcGroup(group) = one { Some(group) } else { None }).unwrap();
    assert_eq!(fid.ssrcs, [Ssrc(3_719_858_819), Ssrc(1_460_961_408)]);
    assert_eq!(audio.candidates().count(), 1);
    assert!(!audio.has_all_candidates());
}

#[test]
fn takes_from_the_session_what_firefox_says_there() {
    let offer = vector("firefox-offer-two-audio-two-video.sdp");
    assert!(offer.media.iter().all(|media| offer.fingerprints(media).count() == 1));
    let bundle_only: Vec<_> = offer.media.iter().map(|media| media.has(&Attribute::BundleOnly)).collect();
    assert_eq!(bundle_only, [false, false, true, true]);
    assert!(offer.media.iter().all(|media| !media.is_rejected()));
}

#[test]
fn takes_bare_line_feeds_blank_lines_and_a_missing_time() {
    let description =
        Description::parse("v=0\no=- 1 2 IN IP4 0.0.0.0\ns=-\n\nm=audio 9 RTP/AVP 0\na=mid:a").unwrap();
    assert_eq!(description.section(&Mid::new("a")).map(|(index, _)| index), Some(0));
}

#[test]
fn keeps_what_it_does_not_know() {
    let text =
        format!("{HEAD}a=x-new: 1 : 2\r\nm=image 9/2 udptl t38\r\nb=AS:5\r\na=flag\r\na=fmtp:t38 a=1\r\n");
    assert_eq!(Description::parse(&text).unwrap().to_string(), text);
}

#[test]
fn keeps_malformed_fingerprints_and_unknown_candidates_verbatim() {
    let text = format!("{HEAD}a=fingerprint:sha-256 XY:00\r\na=candidate:1 1 quic 1 ::1 1 typ host\r\n");
    let description = Description::parse(&text).unwrap();
    assert!(description.attributes.iter().all(|one| matches!(one, Attribute::Other { .. })));
    assert_eq!(description.to_string(), text);
}

#[test]
fn names_the_line_that_is_wrong() {
    let cases = [
        ("a=mid:\r\n", Reason::Field("mid")),
        ("a=ice-ufrag:abc\r\n", Reason::Field("ice-ufrag")),
        ("a=ice-pwd:tooshort\r\n", Reason::Field("ice-pwd")),
        ("a=setup:maybe\r\n", Reason::Field("setup")),
        ("a=rtpmap:200 VP8/90000\r\n", Reason::Field("rtpmap")),
        ("a=\r\n", Reason::Field("attribute")),
        ("m=audio x RTP/AVP 0\r\n", Reason::Field("media")),
        ("m=audio 65536 RTP/AVP 0\r\n", Reason::Field("media")),
        ("v=0\r\n", Reason::OutOfOrder('v')),
        ("q=0\r\n", Reason::OutOfOrder('q')),
        ("hello\r\n", Reason::NotALine),
        ("ä=1\r\n", Reason::NotALine),
    ];
    for (line, reason) in cases {
        assert_eq!(error_of(line), Error { line: 5, reason }, "{line}");
    }
    assert_eq!(
        error_of("m=audio 9 RTP/AVP 0\r\nt=0 0\r\n"),
        Error { line: 6, reason: Reason::OutOfOrder('t') }
    );
}

#[test]
fn names_what_is_missing_at_the_start() {
    let reason = |text| Description::parse(text).unwrap_err().reason;
    assert_eq!(reason(""), Reason::Missing('v'));
    assert_eq!(reason("v=1\r\n"), Reason::Field("version"));
    assert_eq!(reason("v=0\r\n"), Reason::Missing('o'));
    assert_eq!(reason("v=0\r\no=- x 2 IN IP4 0.0.0.0\r\n"), Reason::Field("origin"));
    assert_eq!(reason("v=0\r\ns=-\r\n"), Reason::OutOfOrder('s'));
    assert_eq!(reason("v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\n"), Reason::Missing('s'));
}

#[test]
fn takes_a_mebibyte_and_not_a_byte_more() {
    let mut text = HEAD.to_owned();
    while text.len() + 4 <= LIMIT {
        text.push_str("a=x\n");
    }
    assert!(Description::parse(&text).is_ok());
    text.push_str("a=y\na=y\n");
    let reason = Reason::TooLarge { len: text.len(), limit: LIMIT };
    assert_eq!(Description::parse(&text), Err(Error { line: 0, reason }));
}

/// Lines that look like SDP, with one part replaced by something else.
fn line() -> impl Strategy<Value = String> {
    let known = prop::sample::select(
        vectors().iter().flat_map(|(_, text)| text.lines().map(str::to_owned)).collect::<Vec<_>>(),
    );
    (known, 0_usize..60, "\\PC{0,6}").prop_map(|(mut line, cut, junk)| {
        let cut = (0..=cut.min(line.len())).rev().find(|&index| line.is_char_boundary(index)).unwrap_or(0);
        line.insert_str(cut, &junk);
        line
    })
}

proptest! {
    #[test]
    fn any_text_gives_a_value_or_an_error(text in "\\PC*") {
        let _ = Description::parse(&text);
        let _ = Description::parse(&format!("{HEAD}a={text}"));
    }

    #[test]
    fn what_was_read_is_written_and_read_again_as_the_same(lines in prop::collection::vec(line(), 0..12)) {
        let text = format!("{HEAD}m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n{}\r\n", lines.join("\r\n"));
        if let Ok(description) = Description::parse(&text) {
            let written = description.to_string();
            let again = Description::parse(&written).unwrap();
            prop_assert_eq!(&again, &description);
            prop_assert_eq!(again.to_string(), written);
        }
    }
}
