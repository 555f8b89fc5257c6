//! What random walks of negotiation found: one rule each.

use std::collections::BTreeMap;

use peerless_peer::config::CodecCapability;
use peerless_peer::jsep::Source;
use peerless_peer::state::{Direction, MediaKind, SdpType};
use peerless_rtp::codec::Format;
use peerless_wire::sdp::Attribute;

use crate::scene::{Party, exchange};

/// RFC 9429 §5.3.1: by the transceiver's direction. Negotiation-needed looks for it (webrtc-pc §4.7.3): without it two
/// sides, each of which would send what the other does not take, would offer in turns for ever.
#[test]
fn an_answer_names_the_streams_also_where_the_offer_lets_nothing_be_sent() {
    let (mut offerer, mut answerer) = (Party::new(1), Party::new(2));
    offerer.add_transceiver(MediaKind::Audio, Direction::Inactive);
    let offer = offerer.create_offer();
    answerer.set(Source::Remote, SdpType::Offer, &offer).unwrap();
    answerer.view.transceivers[0].direction = Direction::SendRecv;
    answerer.view.transceivers[0].stream_ids = vec!["stream".to_owned()];
    let answer = answerer.create_answer();
    let section = &answer.media[0];
    assert_eq!(answer.direction(section), peerless_wire::sdp::Direction::Inactive);
    let streams: Vec<_> = section
        .attributes
        .iter()
        .filter_map(|one| match one {
            Attribute::Msid(msid) => Some(&*msid.stream),
            _ => None,
        })
        .collect();
    assert_eq!(streams, ["stream"]);
    let has_sources = section.attributes.iter().any(|one| matches!(one, Attribute::Ssrc(_)));
    assert!(!has_sources, "nothing is sent");
}

/// RFC 3264 §8.3.2, RFC 9143 §10.1.2: a rejected section has no parameters any more, so that its H.264 looks like another.
#[test]
fn a_rejected_section_lends_no_payload_types() {
    let is_h264 = |codec: &CodecCapability| matches!(codec.format, Format::H264 { .. });
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    let mode = |codec: &CodecCapability| match codec.format {
        Format::H264 { packetization_mode, .. } => packetization_mode,
        _ => 0,
    };
    for party in [&mut ours, &mut theirs] {
        party.view.codecs.retain(is_h264);
        party.view.codecs.sort_by_key(|codec| std::cmp::Reverse(mode(codec)));
    }
    ours.add_transceiver(MediaKind::Video, Direction::SendRecv);
    ours.add_transceiver(MediaKind::Video, Direction::SendRecv);
    ours.view.transceivers[1].codec_preferences =
        ours.view.codecs.iter().filter(|codec| mode(codec) == 1).cloned().collect();
    exchange(&mut ours, &mut theirs);
    let mut meanings = BTreeMap::new();
    let mut note = |party: &Party| {
        let local = party.view.descriptions.current_local.clone().unwrap();
        for section in local.media.iter().filter(|section| !section.is_rejected()) {
            for attribute in &section.attributes {
                if let Attribute::Fmtp(fmtp) = attribute {
                    let known = meanings.entry(fmtp.payload_type).or_insert_with(|| fmtp.to_string());
                    assert_eq!(*known, fmtp.to_string(), "one payload type means two things");
                }
            }
        }
    };
    note(&ours);
    // The first is stopped, and one more comes in its place, which takes whatever we can.
    ours.view.transceivers[0].direction = Direction::Stopped;
    exchange(&mut ours, &mut theirs);
    ours.view.transceivers.remove(0);
    theirs.view.transceivers.remove(0);
    note(&ours);
    ours.add_transceiver(MediaKind::Video, Direction::SendRecv);
    exchange(&mut ours, &mut theirs);
    note(&ours);
    assert!(ours.view.descriptions.current_local.as_ref().unwrap().media.len() == 2);
}

/// A session of which all sections were rejected goes on with new ones, over the association that stands.
#[test]
fn when_all_was_rejected_the_next_offer_is_taken() {
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    ours.add_transceiver(MediaKind::Audio, Direction::SendRecv);
    exchange(&mut ours, &mut theirs);
    ours.view.transceivers[0].direction = Direction::Stopped;
    exchange(&mut ours, &mut theirs);
    ours.view.transceivers.clear();
    theirs.view.transceivers.clear();
    ours.add_transceiver(MediaKind::Video, Direction::SendRecv);
    exchange(&mut ours, &mut theirs);
    assert_eq!(theirs.view.transceivers[0].current_direction, Some(Direction::RecvOnly));
}
