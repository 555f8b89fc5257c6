//! Several encodings in offers and answers (RFC 8853, RFC 8851, RFC 9429 §5.2.1, §5.3.1; webrtc-pc §4.4.1.5).

use peerless_peer::id::TransceiverId;
use peerless_peer::jsep::plan::{EncodingsChange, MediaPlan, Plan};
use peerless_peer::jsep::{Source, create_answer};
use peerless_peer::state::{Direction, MediaKind, SdpType};
use peerless_wire::rtp::Rid;
use peerless_wire::sdp::Description;

use crate::scene::{Party, exchange, vector};

fn rids(names: &str) -> Vec<Rid> {
    names.split_whitespace().map(Rid::new).collect()
}

fn named(names: &str) -> Vec<Option<Rid>> {
    rids(names).into_iter().map(Some).collect()
}

/// One that sends these encodings.
fn sender(seed: u8, names: &str) -> (Party, TransceiverId) {
    let mut party = Party::new(seed).with_codecs(&["VP8"]);
    let id = party.add_transceiver(MediaKind::Video, Direction::SendOnly);
    party.transceiver(id).encodings = named(names);
    (party, id)
}

/// The lines of a text about encodings, without `a=`.
fn lines(description: &Description) -> Vec<String> {
    let text = description.to_string();
    let is_about = |line: &&str| ["a=rid:", "a=simulcast:"].iter().any(|start| line.starts_with(start));
    text.lines().filter(is_about).map(|line| line.trim_start_matches("a=").to_owned()).collect()
}

/// Those about how packets name encodings.
fn names(description: &Description) -> Vec<String> {
    let text = description.to_string();
    text.lines().filter(|line| line.contains("stream-id")).map(str::to_owned).collect()
}

fn media(plan: &Plan) -> &MediaPlan {
    plan.transceivers[0].media.as_ref().unwrap()
}

fn received(plan: &Plan) -> Vec<Rid> {
    media(plan).receive.as_ref().unwrap().rids.clone()
}

/// The offer's text with lines changed, set as the remote's.
fn changed(description: &Description, change: impl Fn(&str) -> Option<String>) -> Description {
    let text = description.to_string();
    let kept: Vec<String> = text.lines().filter_map(change).collect();
    Description::parse(&(kept.join("\r\n") + "\r\n")).unwrap()
}

/// Lets the offerer's offer be answered by a text that `change` made of our own answer.
fn answered_as(offerer: &mut Party, change: impl Fn(&str) -> Option<String>) -> Plan {
    let mut answerer = Party::new(9).with_codecs(&["VP8"]);
    let offer = offerer.create_offer();
    offerer.set(Source::Local, SdpType::Offer, &offer).unwrap();
    answerer.set(Source::Remote, SdpType::Offer, &offer).unwrap();
    let answer = changed(&answerer.create_answer(), change);
    offerer.set(Source::Remote, SdpType::Answer, &answer).unwrap()
}

#[test]
fn encodings_are_offered_in_their_order_without_limits_and_without_sources() {
    let (mut party, _) = sender(1, "q h f");
    let offer = party.create_offer();
    assert_eq!(
        names(&offer),
        [
            "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
            "a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
        ]
    );
    assert_eq!(lines(&offer), ["rid:q send", "rid:h send", "rid:f send", "simulcast:send q;h;f"]);
    assert!(!offer.to_string().contains("a=ssrc"), "{offer}");
}

#[test]
fn one_encoding_or_none_to_send_is_no_simulcast() {
    let (mut lone, _) = sender(1, "f");
    let (mut silent, id) = sender(2, "q h f");
    silent.transceiver(id).direction = Direction::RecvOnly;
    for party in [&mut lone, &mut silent] {
        let offer = party.create_offer();
        assert_eq!(lines(&offer), Vec::<String>::new());
        // But packets can name encodings, for there may be several later (RFC 9429 §5.2.1, §5.2.2).
        assert_eq!(names(&offer).len(), 2, "{offer}");
    }
    assert!(lone.create_offer().to_string().contains("a=ssrc"));
}

#[test]
fn two_of_ours_agree_on_all_that_is_offered() {
    let (mut offerer, id) = sender(1, "q h f");
    let mut answerer = Party::new(2);
    let (sent, taken) = exchange(&mut offerer, &mut answerer);
    assert_eq!(offerer.transceiver(id).encodings, named("q h f"));
    assert_eq!(sent.transceivers[0].encodings, EncodingsChange::None);
    assert_eq!(received(&taken), rids("q h f"));
    let extensions = &media(&sent).send.as_ref().unwrap().extensions;
    assert_eq!(extensions.iter().filter(|(_, kind)| kind.uri().contains("stream-id")).count(), 2);
    // Offers that follow, of either side, keep what was agreed on.
    let (again, _) = exchange(&mut answerer, &mut offerer);
    assert_eq!(received(&again), rids("q h f"));
    assert_eq!(offerer.transceiver(id).encodings, named("q h f"));
    let (_, again) = exchange(&mut offerer, &mut answerer);
    assert_eq!(received(&again), rids("q h f"));
}

#[test]
fn what_browsers_offer_to_send_is_received() {
    for name in ["chromium-offer-simulcast3.sdp", "firefox-offer-simulcast3.sdp"] {
        let mut party = Party::new(1);
        let offer = Description::parse(&vector(name)).unwrap();
        party.set(Source::Remote, SdpType::Offer, &offer).unwrap();
        let answer = party.create_answer();
        let lines = lines(&answer);
        assert_eq!(lines, ["rid:q recv", "rid:h recv", "rid:f recv", "simulcast:recv q;h;f"], "{name}");
        assert_eq!(names(&answer).len(), 2, "{name}: both header extensions");
        let plan = party.set(Source::Local, SdpType::Answer, &answer).unwrap();
        assert_eq!(received(&plan), rids("q h f"), "{name}");
    }
}

#[test]
fn of_alternatives_the_first_counts_and_of_repetitions_the_first() {
    let (mut offerer, _) = sender(1, "q h f");
    let offer = changed(&offerer.create_offer(), |line| Some(line.replace("send q;h;f", "send ~q,f;h;h;x")));
    let mut party = Party::new(2);
    party.set(Source::Remote, SdpType::Offer, &offer).unwrap();
    let answer = party.create_answer();
    assert_eq!(lines(&answer), ["rid:q recv", "rid:h recv", "simulcast:recv q;h"]);
    assert!(offer.to_string().contains("~q,f"));
}

#[test]
fn simulcast_that_packets_cannot_name_is_not_taken() {
    let (mut offerer, _) = sender(1, "q h f");
    let offer = offerer.create_offer();
    type Change = fn(&str) -> Option<String>;
    let cases: [(&str, Change); 3] = [
        ("without the header extension", |line| (!line.contains(":rtp-stream-id")).then(|| line.to_owned())),
        ("without a=rid", |line| (!line.starts_with("a=rid")).then(|| line.to_owned())),
        ("with names too long", |line| {
            Some(["q", "h", "f"].iter().fold(line.to_owned(), |line, name| {
                let long = name.repeat(17);
                line.replace(&format!("rid:{name} "), &format!("rid:{long} "))
                    .replace(&format!("send {name};"), &format!("send {long};"))
                    .replace(&format!(";{name}"), &format!(";{long}"))
            }))
        }),
    ];
    for (what, change) in cases {
        let mut party = Party::new(2);
        party.set(Source::Remote, SdpType::Offer, &changed(&offer, change)).unwrap();
        let answer = party.create_answer();
        assert_eq!(lines(&answer), Vec::<String>::new(), "{what}");
        let plan = party.set(Source::Local, SdpType::Answer, &answer).unwrap();
        assert_eq!(received(&plan), [], "{what}");
    }
}

#[test]
fn limits_are_answered_as_they_are_but_for_payload_types_that_are_not_taken() {
    let (mut offerer, _) = sender(1, "q h f");
    let offer = changed(&offerer.create_offer(), |line| {
        Some(match line {
            "a=rid:q send" => "a=rid:q send pt=96,98;max-width=320".to_owned(),
            "a=rid:h send" => "a=rid:h send pt=98".to_owned(),
            "a=rid:f send" => "a=rid:f send max-fps=30".to_owned(),
            other => other.to_owned(),
        })
    });
    let mut party = Party::new(2);
    party.set(Source::Remote, SdpType::Offer, &offer).unwrap();
    let answer = party.create_answer();
    assert_eq!(
        lines(&answer),
        ["rid:q recv pt=96;max-width=320", "rid:f recv max-fps=30", "simulcast:recv q;f"]
    );
}

#[test]
fn an_answer_without_simulcast_leaves_the_first_encoding() {
    let (mut offerer, id) = sender(1, "q h f");
    let plan = answered_as(&mut offerer, |line| {
        (!line.starts_with("a=rid") && !line.starts_with("a=simulcast")).then(|| line.to_owned())
    });
    assert_eq!(plan.transceivers[0].encodings, EncodingsChange::Reduced(Vec::new()));
    assert_eq!(offerer.transceiver(id).encodings, named("q"));
    // From then on it is an ordinary section.
    assert_eq!(lines(&offerer.create_offer()), Vec::<String>::new());
}

#[test]
fn an_answer_may_leave_encodings_out_and_pause_others() {
    let (mut offerer, id) = sender(1, "q h f");
    let plan = answered_as(&mut offerer, |line| match line {
        "a=rid:q recv" => None,
        "a=simulcast:recv q;h;f" => Some("a=simulcast:recv f;~h".to_owned()),
        other => Some(other.to_owned()),
    });
    assert_eq!(plan.transceivers[0].encodings, EncodingsChange::Reduced(rids("f h")));
    assert_eq!(offerer.transceiver(id).encodings, named("h f"), "in our order");
    assert_eq!(media(&plan).send.as_ref().unwrap().paused, rids("h"));
    let offer = offerer.create_offer();
    assert_eq!(lines(&offer), ["rid:h send", "rid:f send", "simulcast:send h;f"]);
}

#[test]
fn an_answer_to_an_offer_that_sends_nothing_takes_no_encodings_away() {
    let (mut offerer, id) = sender(1, "q h f");
    let mut answerer = Party::new(2).with_codecs(&["VP8"]);
    exchange(&mut offerer, &mut answerer);
    offerer.transceiver(id).direction = Direction::Inactive;
    exchange(&mut offerer, &mut answerer);
    assert_eq!(offerer.transceiver(id).encodings, named("q h f"));
    offerer.transceiver(id).direction = Direction::SendOnly;
    let (_, taken) = exchange(&mut offerer, &mut answerer);
    assert_eq!(received(&taken), rids("q h f"));
}

#[test]
fn a_hold_by_the_remote_takes_no_encodings_away() {
    // With and without a list of what would be received: no answerer has to give one (RFC 9429 §5.3.1).
    for is_listed in [true, false] {
        let (mut offerer, id) = sender(1, "q h f");
        let mut answerer = Party::new(2).with_codecs(&["VP8"]);
        exchange(&mut offerer, &mut answerer);
        let held = |line: &str| match line {
            "a=recvonly" => Some("a=inactive".to_owned()),
            line if line.starts_with("a=rid") || line.starts_with("a=simulcast") => {
                is_listed.then(|| line.to_owned())
            }
            other => Some(other.to_owned()),
        };
        let offer = offerer.create_offer();
        offerer.set(Source::Local, SdpType::Offer, &offer).unwrap();
        answerer.set(Source::Remote, SdpType::Offer, &offer).unwrap();
        let answer = changed(&answerer.create_answer(), held);
        answerer.set(Source::Local, SdpType::Answer, &answer).unwrap();
        let plan = offerer.set(Source::Remote, SdpType::Answer, &answer).unwrap();
        assert!(media(&plan).send.is_none());
        assert_eq!(plan.transceivers[0].encodings, EncodingsChange::None);
        assert_eq!(offerer.transceiver(id).encodings, named("q h f"));
        let (sent, taken) = exchange(&mut offerer, &mut answerer);
        assert_eq!(received(&taken), rids("q h f"));
        assert!(media(&sent).send.as_ref().unwrap().is_named);
    }
}

#[test]
fn a_hold_of_ours_goes_on_to_list_what_would_be_received() {
    let (mut offerer, id) = sender(1, "q h f");
    let mut answerer = Party::new(2).with_codecs(&["VP8"]);
    exchange(&mut offerer, &mut answerer);
    let list = ["rid:q recv", "rid:h recv", "rid:f recv", "simulcast:recv q;h;f"];
    let own = answerer.view.transceivers[0].id;
    answerer.transceiver(own).direction = Direction::Inactive;
    // By an offer, twice, and by an answer.
    for _ in 0..2 {
        let offer = answerer.create_offer();
        assert_eq!(lines(&offer), list);
        assert!(offer.to_string().contains("a=inactive"));
        let (held, _) = exchange(&mut answerer, &mut offerer);
        assert!(media(&held).receive.is_none());
    }
    let offer = offerer.create_offer();
    offerer.set(Source::Local, SdpType::Offer, &offer).unwrap();
    answerer.set(Source::Remote, SdpType::Offer, &offer).unwrap();
    let answer = answerer.create_answer();
    assert_eq!(lines(&answer), list);
    assert!(answer.to_string().contains("a=inactive"));
    answerer.set(Source::Local, SdpType::Answer, &answer).unwrap();
    offerer.set(Source::Remote, SdpType::Answer, &answer).unwrap();
    assert_eq!(offerer.transceiver(id).encodings, named("q h f"));
    // Either side may end it.
    answerer.transceiver(own).direction = Direction::RecvOnly;
    let (taken, _) = exchange(&mut answerer, &mut offerer);
    assert_eq!(received(&taken), rids("q h f"));
    assert_eq!(offerer.transceiver(id).encodings, named("q h f"));
}

#[test]
fn what_is_only_wished_for_is_not_listed_before_anything_may_be_received() {
    let mut party = receiver("a b");
    let id = party.view.transceivers[0].id;
    party.transceiver(id).direction = Direction::Inactive;
    assert_eq!(lines(&party.create_offer()), Vec::<String>::new());
}

/// One that asks for these, as a server does.
fn receiver(names: &str) -> Party {
    let mut party = Party::new(5).with_codecs(&["VP8"]);
    let id = party.add_transceiver(MediaKind::Video, Direction::RecvOnly);
    party.transceiver(id).receive_rids = rids(names);
    party
}

#[test]
fn an_offer_to_receive_several_gives_a_track_its_encodings() {
    let mut offerer = receiver("a b");
    let offer = offerer.create_offer();
    assert_eq!(lines(&offer), ["rid:a recv", "rid:b recv", "simulcast:recv a;b"]);
    let mut answerer = Party::new(2).with_codecs(&["VP8"]);
    let id = answerer.add_track(MediaKind::Video);
    let (taken, sent) = exchange(&mut offerer, &mut answerer);
    assert_eq!(answerer.transceiver(id).encodings, named("a b"));
    assert_eq!(sent.transceivers[0].encodings, EncodingsChange::None);
    assert_eq!(received(&taken), rids("a b"));
}

#[test]
fn of_what_an_offer_asks_for_the_answer_has_what_the_sender_has() {
    let mut offerer = receiver("a f q");
    let (mut answerer, id) = sender(2, "q h f");
    answerer.transceiver(id).by_add_track = true;
    let (taken, sent) = exchange(&mut offerer, &mut answerer);
    assert_eq!(received(&taken), rids("f q"));
    assert_eq!(sent.transceivers[0].encodings, EncodingsChange::Reduced(rids("f q")));
    assert_eq!(answerer.transceiver(id).encodings, named("q f"));
}

#[test]
fn an_offer_to_receive_one_only_leaves_the_first_of_the_senders() {
    let mut offerer = receiver("");
    let (mut answerer, id) = sender(2, "q h f");
    answerer.transceiver(id).by_add_track = true;
    let (taken, _) = exchange(&mut offerer, &mut answerer);
    assert_eq!((received(&taken), &answerer.transceiver(id).encodings), (vec![], &named("q")));
}

#[test]
fn a_rollback_takes_back_what_an_offer_proposed() {
    let mut offerer = receiver("a b");
    let offer = offerer.create_offer();
    let mut answerer = Party::new(2).with_codecs(&["VP8"]);
    let id = answerer.add_track(MediaKind::Video);
    answerer.set(Source::Remote, SdpType::Offer, &offer).unwrap();
    assert_eq!(answerer.transceiver(id).encodings, named("a b"));
    let plan = answerer.set(Source::Remote, SdpType::Rollback, &offer).unwrap();
    assert_eq!(plan.transceivers[0].encodings, EncodingsChange::Restored);
    assert_eq!(answerer.transceiver(id).encodings, [None]);
}

#[test]
fn a_transceiver_that_the_offer_makes_has_its_encodings_from_the_start() {
    let mut offerer = receiver("a b");
    let offer = offerer.create_offer();
    let mut answerer = Party::new(2).with_codecs(&["VP8"]);
    let plan = answerer.set(Source::Remote, SdpType::Offer, &offer).unwrap();
    assert_eq!(plan.transceivers[0].encodings, EncodingsChange::Proposed(rids("a b")));
    // It receives only, until the user says otherwise.
    let answer = create_answer(&answerer.view).unwrap();
    assert_eq!(lines(&answer), Vec::<String>::new());
}

#[test]
fn both_ways_at_once_need_different_names() {
    let (mut offerer, id) = sender(1, "q f");
    offerer.transceiver(id).direction = Direction::SendRecv;
    offerer.transceiver(id).receive_rids = rids("a b");
    let offer = offerer.create_offer();
    assert_eq!(
        lines(&offer),
        ["rid:q send", "rid:f send", "rid:a recv", "rid:b recv", "simulcast:send q;f recv a;b"]
    );
    let mut answerer = Party::new(2).with_codecs(&["VP8"]);
    let own = answerer.add_track(MediaKind::Video);
    let (sent, taken) = exchange(&mut offerer, &mut answerer);
    assert_eq!((received(&sent), received(&taken)), (rids("a b"), rids("q f")));
    assert_eq!(answerer.transceiver(own).encodings, named("a b"));
}
