//! Our own offers, first and later ones.

use std::collections::BTreeMap;

use peerless_wire::rtp::Mid;
use peerless_wire::sdp::{Attribute, Description, Media};

use crate::golden::{compare, describe};
use crate::scene::{Party, codecs, exchange, vector};
use peerless_peer::jsep::{Source, create_offer};
use peerless_peer::state::{Direction, MediaKind, SdpType, SignalingState};

fn mids(description: &Description) -> Vec<&str> {
    description.media.iter().map(|media| media.mid().map_or("", Mid::as_str)).collect()
}

fn bundled(description: &Description) -> Vec<&str> {
    description.bundle_groups().flat_map(|group| &group.mids).map(Mid::as_str).collect()
}

#[test]
fn offers_sound_and_pictures_over_one_transport() {
    let mut party = Party::new(1);
    party.add_track(MediaKind::Audio);
    party.add_track(MediaKind::Video);
    compare("offer-audio-video.txt", &party.create_offer().to_string());
}

#[test]
fn offers_to_receive_only_with_neither_msid_nor_source() {
    let mut party = Party::new(1).with_codecs(&["VP8", "opus"]);
    party.add_transceiver(MediaKind::Video, Direction::RecvOnly);
    party.add_transceiver(MediaKind::Audio, Direction::Inactive);
    compare("offer-recvonly-inactive.txt", &party.create_offer().to_string());
}

#[test]
fn an_offer_reads_back_as_it_was_written() {
    let mut party = Party::new(1);
    party.add_track(MediaKind::Video);
    party.add_track(MediaKind::Audio);
    let offer = party.create_offer();
    assert_eq!(Description::parse(&offer.to_string()), Ok(offer));
}

#[test]
fn two_of_us_agree_on_everything() {
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    for party in [&mut ours, &mut theirs] {
        party.add_track(MediaKind::Audio);
        party.add_track(MediaKind::Video);
    }
    let (offerer, answerer) = exchange(&mut ours, &mut theirs);
    compare("plan-of-offerer.txt", &describe(&offerer));
    compare("plan-of-answerer.txt", &describe(&answerer));
    // What one sends the other receives.
    for (a, b) in offerer.transceivers.iter().zip(&answerer.transceivers) {
        let (a, b) = (a.media.as_ref().unwrap(), b.media.as_ref().unwrap());
        assert_eq!(codecs(&a.send.as_ref().unwrap().codecs), codecs(&b.receive.as_ref().unwrap().codecs));
        assert_eq!(codecs(&b.send.as_ref().unwrap().codecs), codecs(&a.receive.as_ref().unwrap().codecs));
        assert_eq!(a.send.as_ref().unwrap().extensions, b.receive.as_ref().unwrap().extensions);
    }
}

#[test]
fn a_second_offer_keeps_mids_numbers_and_order_and_counts_its_version_up() {
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    ours.add_track(MediaKind::Audio);
    exchange(&mut ours, &mut theirs);
    let first = ours.view.descriptions.current_local.clone().unwrap();
    ours.add_track(MediaKind::Video);
    let second = ours.create_offer();
    assert_eq!(second.origin.session_id, first.origin.session_id);
    assert_eq!(second.origin.session_version, first.origin.session_version + 1);
    assert_eq!(mids(&second), ["0", "1"]);
    assert_eq!(second.media[0].formats, first.media[0].formats);
    assert!(!second.media[0].has(&Attribute::BundleOnly));
    assert!(second.media[1].has(&Attribute::BundleOnly));
    exchange(&mut ours, &mut theirs);
    let third = ours.create_offer();
    assert!(!third.media[1].has(&Attribute::BundleOnly), "bundled before: it shares the address now");
    assert_eq!(bundled(&third), ["0", "1"]);
}

#[test]
fn follows_the_numbers_of_the_remote_once_it_offered() {
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    theirs.add_track(MediaKind::Video);
    let offer = theirs.create_offer().to_string();
    let offer = offer.replace(":96 ", ":121 ").replace("SAVPF 96", "SAVPF 121").replace("apt=96", "apt=121");
    let offer = offer.replace("extmap:4 ", "extmap:9 ");
    let offer = Description::parse(&offer).unwrap();
    ours.set(Source::Remote, SdpType::Offer, &offer).unwrap();
    let answer = ours.create_answer();
    ours.set(Source::Local, SdpType::Answer, &answer).unwrap();
    ours.add_track(MediaKind::Video);
    let again = ours.create_offer();
    for media in &again.media {
        assert!(media.formats.starts_with("121 97 "), "{}", media.formats);
        let mid = media.find(|one| match one {
            Attribute::Extmap(extmap) if extmap.uri.ends_with("sdes:mid") => Some(extmap.id),
            _ => None,
        });
        assert_eq!(mid, Some(9));
    }
}

#[test]
fn what_both_know_has_the_id_that_chromium_gives_it() {
    let ids = |media: &Media| -> BTreeMap<String, u16> {
        let extmaps = media.attributes.iter().filter_map(|one| match one {
            Attribute::Extmap(extmap) => Some((extmap.uri.to_string(), extmap.id)),
            _ => None,
        });
        extmaps.collect()
    };
    let theirs = Description::parse(&vector("chromium-offer-two-audio-two-video.sdp")).unwrap();
    let mut ours = Party::new(1);
    ours.add_track(MediaKind::Audio);
    ours.add_track(MediaKind::Video);
    let offer = ours.create_offer();
    let all: BTreeMap<String, u16> = theirs.media.iter().flat_map(&ids).collect();
    let mut common = 0;
    for (uri, id) in offer.media.iter().flat_map(&ids) {
        common += usize::from(all.contains_key(&uri));
        let is_taken = all.values().any(|known| *known == id);
        assert!(all.get(&uri) == Some(&id) || !(all.contains_key(&uri) || is_taken), "{id} is {uri}");
    }
    assert_eq!(common, 9, "four of sound, five of pictures");
}

#[test]
fn what_the_remote_leaves_out_of_every_section_of_a_kind_is_not_offered_again_but_names_of_encodings() {
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    ours.add_track(MediaKind::Audio);
    ours.add_track(MediaKind::Video);
    let offer = ours.create_offer();
    ours.set(Source::Local, SdpType::Offer, &offer).unwrap();
    theirs.set(Source::Remote, SdpType::Offer, &offer).unwrap();
    let mut answer = theirs.create_answer();
    let is_left_out = |attribute: &Attribute| match attribute {
        Attribute::Extmap(one) => one.uri.contains("stream-id") || one.uri.contains("csrc-audio-level"),
        _ => false,
    };
    for media in &mut answer.media {
        media.attributes.retain(|attribute| !is_left_out(attribute));
    }
    ours.set(Source::Remote, SdpType::Answer, &answer).unwrap();
    ours.add_track(MediaKind::Audio);
    ours.add_track(MediaKind::Video);
    let again = ours.create_offer();
    let extensions = |media: &Media| -> Vec<(u32, String)> {
        let lines = media.attributes.iter().filter_map(|one| match one {
            Attribute::Extmap(one) => {
                Some((u32::from(one.id), one.uri.rsplit(':').next().unwrap().to_owned()))
            }
            _ => None,
        });
        lines.collect()
    };
    for (media, first) in again.media.iter().zip([0, 1, 0, 1]) {
        let mut expected = extensions(&offer.media[first]);
        assert!(expected.iter().any(|(id, _)| [9, 10].contains(id)), "{offer}");
        expected.retain(|(_, name)| name != "csrc-audio-level");
        assert_eq!(extensions(media), expected, "{again}");
    }
}

#[test]
fn a_stopped_section_goes_to_port_zero_and_its_place_is_used_again() {
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    let gone = ours.add_track(MediaKind::Audio);
    ours.add_track(MediaKind::Video);
    exchange(&mut ours, &mut theirs);
    ours.transceiver(gone).direction = Direction::Stopped;
    let (plan, theirs_plan) = exchange(&mut ours, &mut theirs);
    assert!(plan.transceivers[0].stop);
    assert_eq!((plan.removed.len(), theirs_plan.removed.len()), (1, 1));
    assert_eq!(plan.rejected, [0]);
    let current = ours.view.descriptions.current_local.clone().unwrap();
    assert!(current.media[0].is_rejected());
    assert_eq!(bundled(&current), ["1"]);
    ours.add_track(MediaKind::Video);
    let offer = ours.create_offer();
    assert_eq!(mids(&offer), ["2", "1"]);
    assert_eq!(offer.media[0].kind.as_str(), "video");
    let (plan, _) = exchange(&mut ours, &mut theirs);
    assert!(plan.rejected.is_empty());
}

#[test]
fn offers_only_what_the_preferences_say_in_their_order() {
    let mut party = Party::new(1);
    let id = party.add_track(MediaKind::Audio);
    let wanted = ["G722", "opus"];
    let all = party.view.codecs.clone();
    party.transceiver(id).codec_preferences = wanted
        .iter()
        .map(|name| all.iter().find(|codec| codec.format.name() == *name).unwrap().clone())
        .collect();
    assert_eq!(&*party.create_offer().media[0].formats, "9 111");
}

#[test]
fn offers_in_stable_and_have_local_offer_only() {
    let mut party = Party::new(1);
    party.add_track(MediaKind::Audio);
    for (state, is_allowed) in [
        (SignalingState::Stable, true),
        (SignalingState::HaveLocalOffer, true),
        (SignalingState::HaveRemoteOffer, false),
        (SignalingState::HaveLocalPranswer, false),
        (SignalingState::HaveRemotePranswer, false),
        (SignalingState::Closed, false),
    ] {
        party.view.signaling = state;
        assert_eq!(create_offer(&party.view).is_ok(), is_allowed, "{state}");
    }
}
