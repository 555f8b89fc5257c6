//! Descriptions that cannot be taken: each reason by its name, and nothing is changed by them.

use peerless_wire::sdp::Description;

use crate::scene::{Party, exchange, vector};
use peerless_peer::error::{DescriptionError, Error};
use peerless_peer::jsep::{Source, apply};
use peerless_peer::state::{MediaKind, SdpType, SignalingState};

/// A sound and picture offer of another party, as text to be spoiled.
fn offer() -> String {
    let mut party = Party::new(9);
    party.add_track(MediaKind::Audio);
    party.add_track(MediaKind::Video);
    party.create_offer().to_string()
}

fn refused_offer(text: &str) -> DescriptionError {
    Party::new(1).refusal(Source::Remote, SdpType::Offer, text)
}

/// A party that waits for an answer, and the answer it would take, as text to be spoiled.
fn waiting() -> (Party, String) {
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    ours.add_track(MediaKind::Audio);
    ours.add_track(MediaKind::Video);
    let offer = ours.create_offer();
    ours.set(Source::Local, SdpType::Offer, &offer).unwrap();
    theirs.set(Source::Remote, SdpType::Offer, &offer).unwrap();
    let answer = theirs.create_answer().to_string();
    (ours, answer)
}

fn refused_answer(spoil: impl Fn(&str) -> String) -> DescriptionError {
    let (party, answer) = waiting();
    let spoilt = spoil(&answer);
    assert_ne!(spoilt, answer);
    party.refusal(Source::Remote, SdpType::Answer, &spoilt)
}

/// The text without the lines that start so.
fn without(text: &str, start: &str) -> String {
    text.split_inclusive("\r\n").filter(|line| !line.starts_with(start)).collect()
}

#[test]
fn the_offer_and_the_answer_are_taken_unspoilt() {
    let mut party = Party::new(1);
    assert!(party.set(Source::Remote, SdpType::Offer, &Description::parse(&offer()).unwrap()).is_ok());
    let (mut party, answer) = waiting();
    assert!(party.set(Source::Remote, SdpType::Answer, &Description::parse(&answer).unwrap()).is_ok());
}

#[test]
fn ice_credentials_must_be_there() {
    let missing = DescriptionError::IceCredentialsMissing { section: 0 };
    assert_eq!(refused_offer(&without(&offer(), "a=ice-ufrag")), missing);
    assert_eq!(refused_offer(&without(&offer(), "a=ice-pwd")), missing);
    assert_eq!(refused_answer(|text| without(text, "a=ice-pwd")), missing);
}

#[test]
fn a_fingerprint_must_be_there_sound_and_of_an_accepted_hash() {
    let of = |from: &str, to: &str| refused_offer(&offer().replace(from, to));
    assert_eq!(
        refused_offer(&without(&offer(), "a=fingerprint")),
        DescriptionError::FingerprintMissing { section: 0 }
    );
    for hash in ["sha-1", "md5", "sha-224", "x"] {
        let hash_unsupported =
            DescriptionError::FingerprintHashUnsupported { section: 0, hash: hash.to_owned() };
        assert_eq!(of("fingerprint:sha-256 ", &format!("fingerprint:{hash} ")), hash_unsupported);
    }
    let invalid = DescriptionError::FingerprintInvalid { section: 0 };
    assert_eq!(of("fingerprint:sha-256 09:", "fingerprint:sha-256 "), invalid);
    assert_eq!(of("fingerprint:sha-256 09:", "fingerprint:sha-512 09:"), invalid);
    assert_eq!(of("fingerprint:sha-256 09:", "fingerprint:sha-256 XY:"), invalid);
    assert_eq!(of("fingerprint:sha-256 ", "fingerprint:"), invalid);
}

#[test]
fn one_good_fingerprint_beside_one_of_an_unknown_hash_is_enough() {
    let text = offer().replace("a=setup", "a=fingerprint:sha-1 00:11\r\na=setup");
    let mut party = Party::new(1);
    assert!(party.set(Source::Remote, SdpType::Offer, &Description::parse(&text).unwrap()).is_ok());
}

#[test]
fn bundled_sections_name_one_certificate() {
    let text = offer();
    let (first, second) = text.split_at(text.find("m=video").unwrap());
    let text = format!("{first}{}", second.replace("sha-256 09:", "sha-256 AA:"));
    assert_eq!(refused_offer(&text), DescriptionError::FingerprintConflict);
}

#[test]
fn the_certificate_stays_while_the_association_stands() {
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    theirs.add_track(MediaKind::Audio);
    exchange(&mut theirs, &mut ours);
    let again = theirs.create_offer().to_string();
    assert!(apply(&ours.view, Source::Remote, SdpType::Offer, &Description::parse(&again).unwrap()).is_ok());
    let other = again.replace("sha-256 02:", "sha-256 AA:");
    let error = ours.refusal(Source::Remote, SdpType::Offer, &other);
    assert_eq!(error, DescriptionError::FingerprintChanged);
}

#[test]
fn setup_must_leave_us_a_role() {
    let invalid = DescriptionError::SetupInvalid { section: 0 };
    assert_eq!(refused_offer(&offer().replace("setup:actpass", "setup:holdconn")), invalid);
    assert_eq!(refused_answer(|text| without(text, "a=setup")), invalid);
    assert_eq!(refused_answer(|text| text.replace("setup:active", "setup:actpass")), invalid);
    assert_eq!(refused_answer(|text| text.replace("setup:active", "setup:holdconn")), invalid);
    // On a standing association the roles stay: the answerer was the client.
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    ours.add_track(MediaKind::Audio);
    exchange(&mut ours, &mut theirs);
    let text = theirs.create_offer().to_string().replace("actpass", "passive");
    assert_eq!(ours.refusal(Source::Remote, SdpType::Offer, &text), invalid);
}

#[test]
fn an_answer_multiplexes_rtcp() {
    let error = refused_answer(|text| without(text, "a=rtcp-mux"));
    assert_eq!(error, DescriptionError::RtcpMuxMissing { section: 0 });
}

#[test]
fn an_accepted_section_has_a_codec_in_common() {
    let error = refused_answer(|text| text.replace("SAVPF 111 9 0 8 96", "SAVPF 13 18"));
    assert_eq!(error, DescriptionError::AudioIncompatible { section: 0 });
    let error = refused_answer(|text| {
        let video = text.find("m=video").unwrap();
        format!("{}{}", &text[..video], text[video..].replace("VP8/", "VP9/").replace("H264/", "H265/"))
    });
    assert_eq!(error, DescriptionError::VideoIncompatible { section: 1 });
}

#[test]
fn a_data_section_we_rejected_cannot_come_to_life_in_an_answer() {
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    theirs.add_track(MediaKind::Audio);
    let data = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:d\r\n";
    let offer = Description::parse(&format!("{}{data}", theirs.create_offer())).unwrap();
    ours.set(Source::Remote, SdpType::Offer, &offer).unwrap();
    let answer = ours.create_answer();
    ours.set(Source::Local, SdpType::Answer, &answer).unwrap();
    let again = ours.create_offer();
    assert!(again.media[1].is_rejected());
    ours.set(Source::Local, SdpType::Offer, &again).unwrap();
    let theirs = answer.to_string().replace("setup:active", "setup:passive");
    let theirs = theirs.replace("01:01", "09:09").replace("application 0", "application 9");
    let error = ours.refusal(Source::Remote, SdpType::Answer, &theirs);
    assert_eq!(error, DescriptionError::SectionMismatch { section: 1 });
}

#[test]
fn an_answer_to_data_channels_has_a_port_for_them() {
    let mut ours = Party::new(1);
    ours.view.data.wanted = true;
    let offer = ours.create_offer();
    ours.set(Source::Local, SdpType::Offer, &offer).unwrap();
    let answer = vector("firefox-answer-to-chromium-dc.sdp");
    for (from, to) in [("sctp-port:5000", "sctp-port:0"), ("webrtc-datachannel", "clue")] {
        let error = ours.refusal(Source::Remote, SdpType::Answer, &answer.replace(from, to));
        assert_eq!(error, DescriptionError::DataChannelIncompatible { section: 0 }, "{to}");
    }
}

#[test]
fn an_answer_has_the_sections_of_its_offer() {
    let error =
        refused_answer(|text| text[..text.find("m=video").unwrap()].replace("BUNDLE 0 1", "BUNDLE 0"));
    assert_eq!(error, DescriptionError::SectionCount { offered: 2, answered: 1 });
    let error = refused_answer(|text| text.replace("mid:1", "mid:7").replace("BUNDLE 0 1", "BUNDLE 0 7"));
    assert_eq!(error, DescriptionError::SectionMismatch { section: 1 });
    let error = refused_answer(|text| text.replace("m=video", "m=audio"));
    assert_eq!(error, DescriptionError::SectionMismatch { section: 1 });
}

#[test]
fn a_later_offer_keeps_the_sections_there_are() {
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    theirs.add_track(MediaKind::Audio);
    theirs.add_track(MediaKind::Video);
    exchange(&mut theirs, &mut ours);
    let again = theirs.create_offer().to_string();
    let fewer = again[..again.find("m=video").unwrap()].replace("BUNDLE 0 1", "BUNDLE 0");
    let error = ours.refusal(Source::Remote, SdpType::Offer, &fewer);
    assert_eq!(error, DescriptionError::SectionMismatch { section: 1 });
    let renamed = again.replace("mid:0", "mid:7").replace("BUNDLE 0 1", "BUNDLE 7 1");
    let error = ours.refusal(Source::Remote, SdpType::Offer, &renamed);
    assert_eq!(error, DescriptionError::SectionMismatch { section: 0 });
}

#[test]
fn mids_are_unique_and_groups_name_sections() {
    let twice = DescriptionError::DuplicateMid { mid: "0".to_owned() };
    assert_eq!(refused_offer(&offer().replace("mid:1", "mid:0")), twice);
    assert_eq!(refused_offer(&offer().replace("BUNDLE 0 1", "BUNDLE 0 0")), twice);
    let unknown = DescriptionError::BundleMidUnknown { mid: "2".to_owned() };
    assert_eq!(refused_offer(&offer().replace("BUNDLE 0 1", "BUNDLE 0 1 2")), unknown);
}

#[test]
fn an_offer_may_be_empty_but_has_not_too_many_sections() {
    let text = offer();
    let head = without(&text[..text.find("m=audio").unwrap()], "a=group");
    let empty = Description::parse(&head).unwrap();
    assert!(apply(&Party::new(2).view, Source::Remote, SdpType::Offer, &empty).is_ok());
    let many = format!("{head}{}", "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n".repeat(129));
    assert_eq!(refused_offer(&many), DescriptionError::TooManySections { count: 129, limit: 128 });
}

#[test]
fn an_application_that_is_no_data_channel_alone_is_nothing_we_can_use() {
    let offer = vector("chromium-offer-dc.sdp");
    for (from, to) in [
        ("UDP/DTLS/SCTP webrtc-datachannel", "UDP/BFCP *"),
        ("webrtc-datachannel", "clue"),
        ("UDP/DTLS/SCTP", "UDP/SCTP"),
        ("sctp-port:5000", "sctp-port:0"),
        ("UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5000"),
    ] {
        assert_eq!(refused_offer(&offer.replace(from, to)), DescriptionError::NothingCommon, "{to}");
    }
}

#[test]
fn descriptions_come_in_their_order() {
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    ours.add_track(MediaKind::Audio);
    let offer = ours.create_offer();
    let refused = |party: &Party, source, kind| match apply(&party.view, source, kind, &offer) {
        Err(Error::WrongState { kind: refused, state }) => {
            assert_eq!((refused, state), (kind, party.view.signaling))
        }
        other => panic!("{other:?}"),
    };
    refused(&ours, Source::Remote, SdpType::Answer);
    refused(&ours, Source::Local, SdpType::Answer);
    refused(&ours, Source::Local, SdpType::Rollback);
    theirs.set(Source::Remote, SdpType::Offer, &offer).unwrap();
    refused(&theirs, Source::Local, SdpType::Offer);
    refused(&theirs, Source::Remote, SdpType::Answer);
    theirs.view.signaling = SignalingState::Closed;
    assert!(matches!(apply(&theirs.view, Source::Remote, SdpType::Offer, &offer), Err(Error::Closed)));
}
