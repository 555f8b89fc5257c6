//! The browsers' real offers answered, and their real answers applied.

use std::fs;

use peerless_wire::sdp::Description;

use crate::golden::{compare, describe};
use crate::scene::{Party, vector, vectors};
use peerless_peer::error::Error;
use peerless_peer::jsep::{Source, create_answer};
use peerless_peer::state::{Direction, MediaKind, SdpType};

/// A party that sends sound and pictures, as the demo does.
fn sender() -> Party {
    let mut party = Party::new(1);
    party.add_track(MediaKind::Audio);
    party.add_track(MediaKind::Video);
    party
}

#[test]
fn answers_every_offer_of_the_browsers() {
    let mut names: Vec<String> = fs::read_dir(vectors().join("sdp"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("offer"))
        .collect();
    names.sort();
    assert!(names.len() > 15);
    for name in names {
        let offer = Description::parse(&vector(&name)).unwrap();
        let mut party = sender();
        let text = match party.set(Source::Remote, SdpType::Offer, &offer) {
            Ok(plan) => {
                let answer = party.create_answer();
                let answered = party.set(Source::Local, SdpType::Answer, &answer).unwrap();
                format!("{answer}\n# offered\n{}\n# answered\n{}", describe(&plan), describe(&answered))
            }
            Err(error @ Error::Description(_)) => format!("refused: {error}\n"),
            Err(error) => panic!("{name}: {error:?}"),
        };
        compare(&format!("answer-to-{}", name.replace(".sdp", ".txt")), &text);
    }
}

#[test]
fn takes_the_real_answers_to_offers_of_their_like() {
    let whole = |name: &str| Description::parse(&vector(name)).unwrap();
    let pairs = [
        (whole("chromium-offer-av-dc.sdp"), "chromium-answer-av-dc.sdp"),
        (whole("firefox-offer-av-dc.sdp"), "firefox-answer-av-dc.sdp"),
        (whole("chromium-offer-av-dc.sdp"), "aiortc-answer-to-chromium-plain.sdp"),
        (whole("chromium-offer-dc.sdp"), "aiortc-answer-to-chromium-dc.sdp"),
        (whole("chromium-offer-dc.sdp"), "firefox-answer-to-chromium-dc.sdp"),
    ];
    for (offer, answer) in pairs {
        // The browser's offer stands in for ours: its payload types are what the answer is about.
        let mut party = Party::new(1);
        for media in &offer.media {
            if let Some(kind) = MediaKind::from_word(media.kind.as_str()) {
                let id = party.add_transceiver(kind, Direction::SendRecv);
                party.view.offered.push(Some(id));
            }
        }
        // Its sections go over transports of ours by their username fragments.
        for (media, transport) in offer.media.iter().zip(&mut party.view.transports) {
            transport.credentials.ufrag = offer.ice_ufrag(media).unwrap().to_owned();
        }
        party.set(Source::Local, SdpType::Offer, &offer).unwrap();
        let plan = party.set(Source::Remote, SdpType::Answer, &whole(answer)).unwrap();
        compare(&format!("plan-of-{}", answer.replace(".sdp", ".txt")), &describe(&plan));
    }
}

#[test]
fn goes_on_with_the_rest_when_chromium_stops_a_section_and_restarts_ice() {
    for (first, second) in [
        ("chromium-offer-av-dc.sdp", "chromium-reoffer-icerestart-stopped.sdp"),
        ("firefox-offer-av-dc.sdp", "firefox-reoffer-icerestart-stopped.sdp"),
    ] {
        let mut party = sender();
        let first = Description::parse(&vector(first)).unwrap();
        party.set(Source::Remote, SdpType::Offer, &first).unwrap();
        let answer = party.create_answer();
        party.set(Source::Local, SdpType::Answer, &answer).unwrap();
        // The two were captured from different runs: the certificate differs, all else goes together.
        let mut again = Description::parse(&vector(second)).unwrap();
        copy_fingerprints(&first, &mut again);
        let plan = party.set(Source::Remote, SdpType::Offer, &again).unwrap();
        assert!(!plan.remote_restarts.is_empty(), "{second}");
        assert!(plan.transceivers[0].stop && plan.removed.is_empty());
        let answer = create_answer(&party.view).unwrap();
        assert!(answer.media[0].is_rejected());
        assert!(!answer.media[1].is_rejected());
        let settled = party.set(Source::Local, SdpType::Answer, &answer).unwrap();
        assert_eq!(settled.rejected, [0]);
        assert_eq!(settled.removed.len(), 1);
        assert!(settled.transports[0].restarted);
    }
}

fn copy_fingerprints(from: &Description, to: &mut Description) {
    use peerless_wire::sdp::Attribute;
    let known = from.media.iter().flat_map(|media| from.fingerprints(media)).next().unwrap();
    let lists = to.media.iter_mut().map(|media| &mut media.attributes).chain([&mut to.attributes]);
    for attribute in lists.flatten() {
        if let Attribute::Fingerprint(fingerprint) = attribute {
            fingerprint.clone_from(known);
        }
    }
}

/// Captured by handing `vectors/jsep/offer-audio-video.txt` to the browsers.
#[test]
fn takes_the_answers_that_browsers_give_to_our_own_offer() {
    for browser in ["chromium", "firefox"] {
        let mut party = sender();
        let offer = party.create_offer();
        party.set(Source::Local, SdpType::Offer, &offer).unwrap();
        let path = vectors().join("jsep").join(format!("{browser}-answer-to-offer-audio-video.sdp"));
        let answer = Description::parse(&fs::read_to_string(path).unwrap()).unwrap();
        let plan = party.set(Source::Remote, SdpType::Answer, &answer).unwrap();
        assert_eq!(plan.rejected, [0; 0]);
        compare(&format!("plan-of-{browser}-answer-to-offer.txt"), &describe(&plan));
    }
}
