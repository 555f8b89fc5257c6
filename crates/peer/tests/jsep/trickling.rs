//! Candidates that come after the description.

use peerless_wire::sdp::{Candidate, Description};

use crate::scene::Party;
use peerless_peer::description::IceCandidateInit;
use peerless_peer::error::CandidateError;
use peerless_peer::jsep::Source;
use peerless_peer::jsep::candidates::{Gathered, add_remote, gathered};
use peerless_peer::jsep::view::Descriptions;
use peerless_peer::state::{MediaKind, SdpType};

const HOST: &str = "candidate:1 1 udp 2113937151 8a0e2f4c-1.local 50000 typ host generation 0 ufrag uf02";

fn init(candidate: &str, mid: Option<&str>, index: Option<u16>) -> IceCandidateInit {
    IceCandidateInit {
        candidate: candidate.to_owned(),
        sdp_mid: mid.map(str::to_owned),
        sdp_m_line_index: index,
        username_fragment: None,
    }
}

/// We, having the offer of another with two sections.
fn offered() -> Party {
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    theirs.add_track(MediaKind::Audio);
    theirs.add_track(MediaKind::Video);
    let offer = theirs.create_offer();
    ours.set(Source::Remote, SdpType::Offer, &offer).unwrap();
    ours
}

#[test]
fn finds_its_section_by_mid_then_by_index() {
    let descriptions = offered().view.descriptions;
    let added = add_remote(&descriptions, &init(HOST, Some("1"), Some(0))).unwrap();
    assert_eq!((added.section, added.mid.as_ref().map(|mid| mid.as_str())), (Some(1), Some("1")));
    assert_eq!(added.candidate.as_ref().map(ToString::to_string).as_deref(), Some(HOST));
    assert!(added.is_pending);
    assert_eq!(added.descriptions.remote().unwrap().media[1].candidates().count(), 1);
    assert_eq!(descriptions.remote().unwrap().media[1].candidates().count(), 0, "the old ones are untouched");
    let added = add_remote(&descriptions, &init(HOST, None, Some(0))).unwrap();
    assert_eq!(added.section, Some(0));
}

#[test]
fn what_trickled_before_the_answer_is_in_its_plan() {
    let mut party = offered();
    for candidate in [HOST, HOST, ""] {
        let added = add_remote(&party.view.descriptions, &init(candidate, Some("0"), None)).unwrap();
        party.view.descriptions = added.descriptions;
    }
    let answer = party.create_answer();
    let transport = party.set(Source::Local, SdpType::Answer, &answer).unwrap().transports.remove(0);
    let lines: Vec<_> = transport.candidates.iter().map(ToString::to_string).collect();
    assert_eq!(lines, [HOST]);
    assert!(transport.end_of_candidates);
}

#[test]
fn names_what_is_wrong_with_a_candidate() {
    let descriptions = offered().view.descriptions;
    let error = |init: IceCandidateInit| add_remote(&descriptions, &init).unwrap_err();
    assert_eq!(
        add_remote(&Descriptions::default(), &init(HOST, Some("0"), None)).unwrap_err(),
        CandidateError::NoRemoteDescription
    );
    assert_eq!(error(init(HOST, None, None)), CandidateError::NoSection);
    assert_eq!(error(init(HOST, Some("7"), Some(0))), CandidateError::UnknownMid("7".to_owned()));
    assert_eq!(error(init(HOST, None, Some(2))), CandidateError::UnknownIndex(2));
    assert!(matches!(error(init("candidate:1 1 udp", Some("0"), None)), CandidateError::Syntax(_)));
    let stale = HOST.replace("uf02", "old1");
    assert_eq!(
        error(init(&stale, Some("0"), None)),
        CandidateError::UnknownUsernameFragment("old1".to_owned())
    );
    let mut other = init(HOST, Some("0"), None);
    other.username_fragment = Some("zzzz".to_owned());
    assert_eq!(error(other), CandidateError::UnknownUsernameFragment("zzzz".to_owned()));
}

#[test]
fn the_end_of_candidates_may_be_for_all_sections() {
    let descriptions = offered().view.descriptions;
    let added = add_remote(&descriptions, &init("", None, None)).unwrap();
    assert_eq!((added.section, added.candidate), (None, None));
    assert!(added.descriptions.remote().unwrap().media.iter().all(|media| media.has_all_candidates()));
}

#[test]
fn a_section_keeps_no_more_than_256_candidates() {
    let mut descriptions = offered().view.descriptions;
    for port in 1..=300 {
        let candidate = HOST.replace("50000", &port.to_string());
        descriptions = add_remote(&descriptions, &init(&candidate, Some("0"), None)).unwrap().descriptions;
    }
    descriptions = add_remote(&descriptions, &init("", Some("0"), None)).unwrap().descriptions;
    let section = &descriptions.remote().unwrap().media[0];
    assert_eq!(section.candidates().count(), 256);
    assert!(section.has_all_candidates());
}

/// What a party's first transport has gathered.
fn so_far(candidates: &[Candidate], is_complete: bool) -> Gathered {
    Gathered { ufrag: "uf01".to_owned(), candidates: candidates.to_vec(), is_complete }
}

#[test]
fn what_we_gathered_stands_in_our_description() {
    let mut party = Party::new(1);
    party.add_track(MediaKind::Audio);
    party.add_track(MediaKind::Video);
    let offer = party.create_offer();
    let candidates: Vec<Candidate> = [
        "candidate:1 1 udp 2113937151 2001:db8::1 50000 typ host",
        "candidate:2 1 udp 2113937150 10.0.0.2 50001 typ host",
        "candidate:3 1 udp 1686052607 203.0.113.9 61000 typ srflx raddr 10.0.0.2 rport 50001",
    ]
    .iter()
    .map(|line| Candidate::parse(line).unwrap())
    .collect();
    let part = gathered(&offer, &[so_far(&candidates[..2], false)]);
    assert!(part.media[0].to_string().starts_with("m=audio 50001 UDP/TLS/RTP/SAVPF 111 9 0 8 "));
    assert_eq!(&*part.media[0].lines[0].value, "IN IP4 10.0.0.2");
    let whole = gathered(&part, &[so_far(&candidates, true)]);
    assert_eq!(whole.media[0].port, 61000);
    assert_eq!(&*whole.media[0].lines[0].value, "IN IP4 203.0.113.9");
    assert_eq!(whole.media[0].candidates().count(), 3);
    assert!(whole.media[0].has_all_candidates());
    assert_eq!(whole.media[1], offer.media[1], "bundle-only: it has no address of its own");
    assert_eq!(Description::parse(&whole.to_string()), Ok(whole));
}
