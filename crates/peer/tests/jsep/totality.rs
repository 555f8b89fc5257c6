//! Whatever comes, there is a plan or an error, in bounded time; and what we write we can read.

use proptest::prelude::*;

use peerless_wire::sdp::{Description, LIMIT};

use crate::scene::{Party, vector};
use peerless_peer::jsep::{Source, apply, create_answer, create_offer};
use peerless_peer::state::{Direction, MediaKind, SdpType};

const FILES: [&str; 6] = [
    "chromium-offer-two-audio-two-video.sdp",
    "firefox-offer-av-dc.sdp",
    "firefox-offer-simulcast3.sdp",
    "chromium-answer-av-dc.sdp",
    "firefox-answer-av-dc.sdp",
    "aiortc-answer-to-chromium-plain.sdp",
];

/// A browser's description with lines dropped, doubled and moved about.
fn shuffled() -> impl Strategy<Value = String> {
    let edits =
        prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..3_u8), 0..12);
    (prop::sample::select(&FILES), edits).prop_map(|(file, edits)| {
        let text = vector(file);
        let mut lines: Vec<&str> = text.split_inclusive("\r\n").collect();
        for (from, to, edit) in edits {
            let line = lines[from.index(lines.len())];
            match edit {
                0 => {
                    lines.remove(from.index(lines.len()));
                }
                1 => lines.insert(to.index(lines.len()), line),
                _ => {
                    let (from, to) = (from.index(lines.len()), to.index(lines.len()));
                    lines.swap(from, to);
                }
            }
        }
        lines.concat()
    })
}

fn party() -> Party {
    let mut party = Party::new(1);
    party.add_track(MediaKind::Audio);
    party.add_transceiver(MediaKind::Video, Direction::SendOnly);
    party
}

/// Takes it as an offer, answers, and offers again.
fn survives_offer(description: &Description) {
    let mut party = party();
    if party.set(Source::Remote, SdpType::Offer, description).is_err() {
        return;
    }
    if let Ok(answer) = create_answer(&party.view) {
        assert_eq!(Description::parse(&answer.to_string()).as_ref(), Ok(&answer));
        assert_eq!(answer.media.len(), description.media.len());
        party.set(Source::Local, SdpType::Answer, &answer).unwrap();
        let offer = create_offer(&party.view).unwrap();
        assert!(offer.media.len() >= answer.media.len());
        assert_eq!(Description::parse(&offer.to_string()), Ok(offer.clone()));
        party.set(Source::Local, SdpType::Offer, &offer).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_offer_is_answered_or_refused(text in shuffled()) {
        if let Ok(description) = Description::parse(&text) {
            survives_offer(&description);
        }
    }

    #[test]
    fn a_damaged_answer_is_taken_or_refused(text in shuffled(), kind in 0..2_u8) {
        let mut party = party();
        let offer = party.create_offer();
        party.set(Source::Local, SdpType::Offer, &offer).unwrap();
        let kind = if kind == 0 { SdpType::Answer } else { SdpType::Pranswer };
        if let Ok(description) = Description::parse(&text) {
            let _ = apply(&party.view, Source::Remote, kind, &description);
        }
    }
}

#[test]
fn a_mebibyte_of_anything_is_dealt_with() {
    let offer = vector("chromium-offer-av-dc.sdp");
    let first_section = offer.find("m=video").unwrap();
    let fill = |line: &str, at: usize| {
        let count = (LIMIT - offer.len()) / line.len();
        format!("{}{}{}", &offer[..at], line.repeat(count), &offer[at..])
    };
    let lines = [
        "a=ssrc:1 cname:x\r\n",
        "a=ssrc-group:FID 1 2\r\n",
        "a=rtcp-fb:96 nack\r\n",
        "a=rtpmap:96 VP8/90000\r\n",
        "a=fmtp:97 apt=96\r\n",
        "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
        "a=msid:a b\r\n",
        "a=candidate:1 1 udp 1 ::1 1 typ host\r\n",
        "a=fingerprint:sha-1 00\r\n",
        "a=x\n",
        "b=AS:1\n",
    ];
    for line in lines {
        for at in [first_section, offer.len()] {
            survives_offer(&Description::parse(&fill(line, at)).unwrap());
        }
    }
    let group = offer.replace("BUNDLE 0 1 2", &format!("BUNDLE{}", " 0".repeat(400_000)));
    survives_offer(&Description::parse(&group).unwrap());
    let formats = offer.replace("SAVPF 111", &format!("SAVPF{} 111", " 96".repeat(300_000)));
    survives_offer(&Description::parse(&formats).unwrap());
    let sections = format!("{offer}{}", "m=audio 9 x 0\n".repeat(70_000));
    survives_offer(&Description::parse(&sections).unwrap());
}
