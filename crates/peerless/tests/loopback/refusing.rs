//! What bad input gets: a typed error with the W3C's name, or a count, and nothing else changes.

use std::net::SocketAddr;

use peerless::error::Error;
use peerless::{
    CandidateError, Configuration, DescriptionError, Event, IceCandidateInit, IceConnectionState, LocalTrack,
    MediaKind, PeerConnection, PeerError, SdpType, SessionDescription, SignalingState,
};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::stage::{PATIENCE, connection, negotiate, remote_track, trickle, until, until_true, vp8_frame};

fn sender() -> (PeerConnection, LocalTrack) {
    let connection = connection();
    let camera = LocalTrack::new(MediaKind::Video, "camera", "stream");
    connection.add_track(&camera).unwrap();
    (connection, camera)
}

/// Malformed beginnings of every protocol that shares the socket (RFC 7983 §7), and of none.
const GARBAGE: [&[u8]; 12] = [
    // STUN: cut short; a length beyond the end; no magic cookie; an attribute beyond the end.
    &[0, 1, 0, 0, 0x21, 0x12, 0xa4],
    &[0, 1, 0x40, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    &[0, 1, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    &[0, 1, 0, 4, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 6, 0xff, 0xff],
    // DTLS: cut short; a record longer than its datagram.
    &[22, 0xfe, 0xfd],
    &[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1],
    // SRTP and SRTCP: cut short; not authentic.
    &[0x80, 96, 0, 1],
    &[0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18],
    &[0x80, 200],
    &[0x80, 200, 0, 6, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
    // ZRTP, and no protocol at all.
    &[16, 0, 0, 0],
    &[255, 255, 255, 255],
];

#[tokio::test]
async fn garbage_from_the_network_is_counted_and_disturbs_nothing() {
    let ((a, camera), b) = (sender(), connection());
    let (mut events_a, mut events_b) = (a.events(), b.events());
    trickle(&a, &b);
    trickle(&b, &a);
    negotiate(&a, &b);
    let screen = remote_track(&mut events_b).await;
    let host = |event| match event {
        Event::IceCandidate(candidate) if !candidate.candidate.is_empty() => Some(candidate.candidate),
        _ => None,
    };
    let candidate = until("a candidate", &mut events_a, host).await;
    let words: Vec<_> = candidate.split(' ').collect();
    let target = SocketAddr::new(words[4].parse().unwrap(), words[5].parse().unwrap());
    timeout(PATIENCE, camera.wait_codec()).await.unwrap().unwrap();
    camera.write(&vp8_frame(0, true)).unwrap();
    assert!(timeout(PATIENCE, screen.recv()).await.unwrap().is_some());

    until_true("all is settled", || a.ice_connection_state() == IceConnectionState::Completed).await;
    let mut later = a.events();
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let before = a.stats().transport.datagrams_dropped;
    for (sent, datagram) in (1..).zip(GARBAGE) {
        stranger.send_to(datagram, target).await.unwrap();
        until_true("garbage counted", || a.stats().transport.datagrams_dropped >= before + sent).await;
        assert_eq!(a.stats().transport.datagrams_dropped, before + sent, "{datagram:?}");
    }
    camera.write(&vp8_frame(1, false)).unwrap();
    assert!(timeout(PATIENCE, screen.recv()).await.unwrap().is_some());
    a.close();
    while let Some(event) = timeout(PATIENCE, later.next()).await.unwrap() {
        let quiet =
            matches!(event, Event::Negotiated { .. } | Event::IceCandidate(_) | Event::IceGatheringState(_));
        assert!(quiet, "{event:?}");
    }
}

/// The text without the lines that start so.
fn without(text: &str, start: &str) -> String {
    text.split_inclusive("\r\n").filter(|line| !line.starts_with(start)).collect()
}

#[tokio::test]
async fn descriptions_that_cannot_be_taken_are_named_and_change_nothing() {
    let (b, _camera) = sender();
    let good = b.create_offer().unwrap();
    let text = &good.sdp;
    let described = |error: &Error, wanted: fn(&DescriptionError) -> bool| matches!(error, Error::Peer(PeerError::Description(error)) if wanted(error));
    let is_syntax = |error: &Error| matches!(error, Error::Peer(PeerError::Syntax(_)));
    let mut other_codecs = text.replace(" VP8/", " VP9/").replace(" H264/", " H265/");
    other_codecs = other_codecs.replace(" rtx/", " red/");
    let twice = format!("{}{}", without(text, "a=group"), &text[text.find("m=video").unwrap()..]);
    let a = connection();
    let refuse = |sdp: String, expected: &dyn Fn(&Error) -> bool| {
        let is_content = |error: &DescriptionError| {
            matches!(
                error,
                DescriptionError::IceCredentialsMissing { .. } | DescriptionError::DuplicateMid { .. }
            )
        };
        let shown: String = sdp.chars().take(60).collect();
        let given = SessionDescription { kind: SdpType::Offer, sdp };
        let error = a.set_remote_description(given).expect_err(&shown);
        assert!(expected(&error), "{shown}: {error:?}");
        let name = if described(&error, is_content) { "InvalidAccessError" } else { "OperationError" };
        assert_eq!(error.name(), name);
        assert_eq!(a.signaling_state(), SignalingState::Stable);
        assert!(a.remote_description().is_none() && a.transceivers().is_empty());
    };
    refuse("no description".to_owned(), &is_syntax);
    refuse("garbage ".repeat((1 << 17) + 1), &is_syntax);
    refuse(format!("{text}{}", "a=x\r\n".repeat(1 << 18)), &is_syntax);
    refuse(without(text, "a=ice-ufrag"), &|error| {
        described(error, |error| *error == DescriptionError::IceCredentialsMissing { section: 0 })
    });
    refuse(text.replace("fingerprint:sha-256", "fingerprint:sha-1"), &|error| {
        described(
            error,
            |error| matches!(error, DescriptionError::FingerprintHashUnsupported { hash, .. } if hash == "sha-1"),
        )
    });
    refuse(other_codecs, &|error| described(error, |error| *error == DescriptionError::NothingCommon));
    refuse(twice, &|error| described(error, |error| matches!(error, DescriptionError::DuplicateMid { .. })));
    a.set_remote_description(good.clone()).expect("the good one is still taken");
    assert_eq!(a.transceivers().len(), 1);
}

#[tokio::test]
async fn of_offers_that_meet_the_one_that_is_set_counts_and_ours_is_taken_back() {
    let ((a, _camera), (b, _other)) = (sender(), sender());
    a.set_local_description(None).unwrap();
    b.set_local_description(None).unwrap();
    let mut bad = b.local_description().unwrap();
    bad.sdp = without(&bad.sdp, "a=fingerprint");
    let error = a.set_remote_description(bad).unwrap_err();
    assert_eq!((error.name(), a.signaling_state()), ("InvalidAccessError", SignalingState::HaveLocalOffer));
    a.set_remote_description(b.local_description().unwrap()).unwrap();
    assert_eq!(a.signaling_state(), SignalingState::HaveRemoteOffer);
    a.set_local_description(None).unwrap();
    b.set_remote_description(a.local_description().unwrap()).unwrap();
    assert_eq!((a.signaling_state(), b.signaling_state()), (SignalingState::Stable, SignalingState::Stable));
}

#[tokio::test]
async fn candidates_for_nothing_known_are_named_and_change_nothing() {
    let ((a, _camera), b) = (sender(), connection());
    let candidate = |text: &str, mid: &str| IceCandidateInit {
        candidate: text.to_owned(),
        sdp_mid: Some(mid.to_owned()),
        sdp_m_line_index: None,
        username_fragment: None,
    };
    let host = "candidate:1 1 udp 1 192.0.2.1 9 typ host";
    let early = b.add_ice_candidate(&candidate(host, "0")).unwrap_err();
    assert_eq!(early.name(), "InvalidStateError");
    negotiate(&a, &b);
    let before = b.remote_description().unwrap();
    let unknown = b.add_ice_candidate(&candidate(host, "nine")).unwrap_err();
    assert!(matches!(
        &unknown,
        Error::Peer(PeerError::Candidate(CandidateError::UnknownMid(mid))) if mid == "nine"
    ));
    assert_eq!(unknown.name(), "OperationError");
    for garbage in
        ["garbage", "candidate:1", "candidate:1 1 udp 1 192.0.2.1 99999 typ host", &"x".repeat(1 << 20)]
    {
        let error = b.add_ice_candidate(&candidate(garbage, "0")).unwrap_err();
        assert!(matches!(error, Error::Peer(PeerError::Candidate(CandidateError::Syntax(_)))), "{error:?}");
    }
    assert_eq!(b.remote_description().unwrap(), before);
    b.add_ice_candidate(&candidate(host, "0")).unwrap();
    assert_ne!(b.remote_description().unwrap(), before);
}

#[tokio::test]
async fn configurations_that_cannot_be_followed_are_refused() {
    let refused = |change: fn(&mut Configuration)| {
        let mut configuration = Configuration::default();
        change(&mut configuration);
        PeerConnection::new(configuration).expect_err("refused").name()
    };
    assert_eq!(refused(|config| config.mtu = 100), "TypeError");
    assert_eq!(refused(|config| config.mtu = 70_000), "TypeError");
    assert_eq!(refused(|config| config.max_packet_size = 1000), "TypeError");
    assert_eq!(refused(|config| config.max_packet_size = 20_000), "TypeError");
    const SECOND: std::time::Duration = std::time::Duration::from_secs(1);
    assert_eq!(refused(|config| config.jitter_buffer = SECOND * 2..=SECOND), "TypeError");
    assert_eq!(refused(|config| config.jitter_buffer = SECOND..=SECOND * 11), "TypeError");
    assert_eq!(
        refused(|config| config.ice_servers = vec![peerless::IceServer::new("http://x")]),
        "SyntaxError"
    );
}
