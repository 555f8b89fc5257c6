//! Data channels in descriptions (RFC 8841): where their section stands, who takes it, what its size says.

use peerless_peer::jsep::plan::DataChange;
use peerless_peer::jsep::view::DtlsRole;
use peerless_peer::jsep::{Source, create_offer};
use peerless_peer::state::{MediaKind, SdpType};
use peerless_wire::sdp::{Attribute, Description, Kind, Media};

use crate::scene::{Party, exchange, vector};

/// A party that wants data channels.
fn party(seed: u8) -> Party {
    let mut party = Party::new(seed);
    party.view.data.wanted = true;
    party
}

/// What two of ours negotiate.
fn between_us(max_message_size: Option<u64>) -> DataChange {
    DataChange::Negotiated { port: 5000, max_message_size, max_packet_size: Some(16_384) }
}

/// What a browser negotiates.
fn negotiated(port: u16, max_message_size: Option<u64>) -> DataChange {
    DataChange::Negotiated { port, max_message_size, max_packet_size: None }
}

fn kinds(description: &Description) -> Vec<(&str, bool)> {
    description.media.iter().map(|media| (media.kind.as_str(), media.is_rejected())).collect()
}

#[test]
fn a_connection_may_have_data_channels_alone() {
    let (mut ours, mut theirs) = (party(1), Party::new(2));
    theirs.view.data.max_message_size = 1000;
    let (offered, answered) = exchange(&mut ours, &mut theirs);
    assert_eq!(offered.data, between_us(Some(1000)));
    assert_eq!(answered.data, between_us(Some(262_144)));
    assert_eq!(offered.transports[0].role, DtlsRole::Server);
    let offer = ours.view.descriptions.current_local.as_ref().unwrap();
    let lines: Vec<String> = offer.media[0].attributes.iter().map(ToString::to_string).collect();
    assert_eq!(offer.media[0].kind, Kind::Application);
    assert_eq!(&*offer.media[0].protocol, "UDP/DTLS/SCTP");
    assert_eq!(&*offer.media[0].formats, "webrtc-datachannel");
    let said = ["mid:0", "sctp-port:5000", "max-message-size:262144", "x-max-packet-size:16384"];
    assert_eq!(lines[4..], said);
}

#[test]
fn data_channels_come_last_and_go_over_the_transport_of_all() {
    let (mut ours, mut theirs) = (party(1), Party::new(2));
    ours.add_track(MediaKind::Audio);
    let (_, answered) = exchange(&mut ours, &mut theirs);
    assert_eq!(answered.data, between_us(Some(262_144)));
    let offer = ours.view.descriptions.current_local.clone().unwrap();
    assert_eq!(kinds(&offer), [("audio", false), ("application", false)]);
    assert!(offer.media[1].has(&Attribute::BundleOnly));
    let answer = ours.view.descriptions.current_remote.clone().unwrap();
    assert_eq!(answer.bundle_groups().next().unwrap().mids.len(), 2);
}

#[test]
fn a_section_is_added_to_media_and_media_to_a_section() {
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    ours.add_track(MediaKind::Audio);
    exchange(&mut ours, &mut theirs);
    ours.view.data.wanted = true;
    let (offered, _) = exchange(&mut ours, &mut theirs);
    assert_eq!(offered.data, between_us(Some(262_144)));
    // The other side adds pictures later: all keeps its place, and is offered for both.
    theirs.add_track(MediaKind::Video);
    let (offered, answered) = exchange(&mut theirs, &mut ours);
    assert_eq!((offered.data, answered.data), (between_us(Some(262_144)), between_us(Some(262_144))));
    let offer = theirs.view.descriptions.current_local.clone().unwrap();
    assert_eq!(kinds(&offer), [("audio", false), ("application", false), ("video", false)]);
    assert!(!offer.media[1].has(&Attribute::BundleOnly), "it is bundled already");
}

#[test]
fn sizes_of_messages_are_as_the_remote_says() {
    for (said, expected) in [
        ("a=max-message-size:100\r\n", Some(100)),
        ("a=max-message-size:0\r\n", None),
        ("", Some(65_536)),
        ("a=max-message-size:much\r\n", Some(65_536)),
    ] {
        let mut party = Party::new(1);
        let text = vector("chromium-offer-dc.sdp").replace("a=max-message-size:262144\r\n", said);
        party.set(Source::Remote, SdpType::Offer, &Description::parse(&text).unwrap()).unwrap();
        let answer = party.create_answer();
        let plan = party.set(Source::Local, SdpType::Answer, &answer).unwrap();
        assert_eq!(plan.data, negotiated(5000, expected), "{said}");
    }
}

#[test]
fn another_port_is_the_remotes_and_none_is_ours() {
    for (said, port) in [("a=sctp-port:6000\r\n", 6000), ("", 5000)] {
        let mut party = Party::new(1);
        let text = vector("chromium-offer-dc.sdp").replace("a=sctp-port:5000\r\n", said);
        party.set(Source::Remote, SdpType::Offer, &Description::parse(&text).unwrap()).unwrap();
        let answer = party.create_answer();
        assert!(answer.media[0].has(&Attribute::SctpPort(5000)));
        let plan = party.set(Source::Local, SdpType::Answer, &answer).unwrap();
        assert_eq!(plan.data, negotiated(port, Some(262_144)));
    }
}

#[test]
fn the_largest_packet_is_told_in_offers_and_to_those_who_tell_theirs() {
    let text = vector("chromium-offer-dc.sdp");
    let said = text.replace("a=sctp-port:5000\r\n", "a=sctp-port:5000\r\na=x-max-packet-size:9000\r\n");
    let wrong = text.replace("a=sctp-port:5000\r\n", "a=sctp-port:5000\r\na=x-max-packet-size:many\r\n");
    for (offer, theirs) in [(said, Some(9000)), (wrong, None), (text, None)] {
        let mut party = Party::new(1);
        party.set(Source::Remote, SdpType::Offer, &Description::parse(&offer).unwrap()).unwrap();
        let answer = party.create_answer();
        let ours = Attribute::other("x-max-packet-size", Some("16384"));
        assert_eq!(answer.media[0].has(&ours), theirs.is_some());
        let plan = party.set(Source::Local, SdpType::Answer, &answer).unwrap();
        let DataChange::Negotiated { max_packet_size, .. } = plan.data else { panic!("no channels") };
        assert_eq!(max_packet_size, theirs);
    }
}

#[test]
fn the_form_before_the_rfc_is_taken_and_answered_in_kind() {
    let mut party = Party::new(1);
    let text = vector("chromium-offer-dc.sdp")
        .replace("UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 6001")
        .replace("a=sctp-port:5000", "a=sctpmap:6001 webrtc-datachannel 1024");
    party.set(Source::Remote, SdpType::Offer, &Description::parse(&text).unwrap()).unwrap();
    let answer = party.create_answer();
    assert_eq!((&*answer.media[0].protocol, &*answer.media[0].formats), ("DTLS/SCTP", "5000"));
    let map = Attribute::other("sctpmap", Some("5000 webrtc-datachannel 65535"));
    assert!(answer.media[0].has(&map));
    let plan = party.set(Source::Local, SdpType::Answer, &answer).unwrap();
    assert_eq!(plan.data, negotiated(6001, Some(262_144)));
    // The offers we make keep to it.
    let again = party.create_offer();
    assert_eq!(&*again.media[0].protocol, "DTLS/SCTP");
}

#[test]
fn one_section_carries_all_channels_and_a_second_is_rejected() {
    let mut ours = Party::new(1);
    let mut offer = party(2).create_offer();
    let mut second: Media = offer.media[0].clone();
    second.attributes.retain(|one| !matches!(one, Attribute::Mid(_)));
    second.attributes.push(Attribute::Mid(peerless_wire::rtp::Mid::new("second")));
    offer.media.push(second);
    let text = offer.to_string().replace("BUNDLE 0", "BUNDLE 0 second");
    ours.set(Source::Remote, SdpType::Offer, &Description::parse(&text).unwrap()).unwrap();
    let answer = ours.create_answer();
    assert_eq!(kinds(&answer), [("application", false), ("application", true)]);
    let plan = ours.set(Source::Local, SdpType::Answer, &answer).unwrap();
    assert_eq!((plan.data, plan.rejected), (between_us(Some(262_144)), vec![1]));
}

#[test]
fn a_refused_section_ends_the_channels_and_its_place_is_used_again() {
    let (mut ours, mut theirs) = (party(1), Party::new(2));
    ours.add_track(MediaKind::Audio);
    let offer = ours.create_offer();
    ours.set(Source::Local, SdpType::Offer, &offer).unwrap();
    // The other side takes the sound only.
    let refusing = offer.to_string().replace("UDP/DTLS/SCTP", "UDP/SCTP");
    theirs.set(Source::Remote, SdpType::Offer, &Description::parse(&refusing).unwrap()).unwrap();
    let answer = theirs.create_answer().to_string().replace("UDP/SCTP", "UDP/DTLS/SCTP");
    let plan = ours.set(Source::Remote, SdpType::Answer, &Description::parse(&answer).unwrap()).unwrap();
    assert_eq!((plan.data, plan.rejected), (DataChange::Refused, vec![1]));
    ours.view.data.wanted = false;
    assert_eq!(kinds(&create_offer(&ours.view).unwrap()), [("audio", false), ("application", true)]);
    // A new channel asks for it anew, in the same place, under another name.
    ours.view.data.wanted = true;
    let again = create_offer(&ours.view).unwrap();
    assert_eq!(kinds(&again), [("audio", false), ("application", false)]);
    assert_ne!(again.media[1].mid(), offer.media[1].mid());
}

#[test]
fn an_offer_that_ends_the_section_ends_the_channels() {
    let (mut ours, mut theirs) = (Party::new(1), party(2));
    theirs.add_track(MediaKind::Audio);
    exchange(&mut theirs, &mut ours);
    let again = theirs.create_offer().to_string();
    let ending = again.replace("m=application 9", "m=application 0");
    ours.set(Source::Remote, SdpType::Offer, &Description::parse(&ending).unwrap()).unwrap();
    let answer = ours.create_answer();
    assert_eq!(kinds(&answer), [("audio", false), ("application", true)]);
    let plan = ours.set(Source::Local, SdpType::Answer, &answer).unwrap();
    assert_eq!(plan.data, DataChange::Refused);
}

#[test]
fn an_offer_taken_back_has_negotiated_nothing() {
    let mut ours = party(1);
    let offer = ours.create_offer();
    ours.set(Source::Local, SdpType::Offer, &offer).unwrap();
    let plan = ours.set(Source::Local, SdpType::Rollback, &Description::new(0, 0)).unwrap();
    assert_eq!(plan.data, DataChange::None);
    assert_eq!(kinds(&ours.create_offer()), [("application", false)]);
}
