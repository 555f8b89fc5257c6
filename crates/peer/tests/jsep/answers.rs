//! What we answer, and what comes of it.

use peerless_rtp::codec::Format;
use peerless_wire::sdp::{Attribute, Description, Media, Setup};

use crate::scene::{Party, codecs, exchange};
use peerless_peer::error::Error;
use peerless_peer::jsep::plan::{Plan, Target, TrackChange};
use peerless_peer::jsep::view::DtlsRole;
use peerless_peer::jsep::{Source, create_answer};
use peerless_peer::state::{Direction, MediaKind, SdpType};

/// An offer of one section with these lines in place of codecs, of a stranger.
fn offer(media: &str, lines: &str) -> Description {
    let text = format!(
        "v=0\r\no=- 7 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm={media}\r\nc=IN IP4 0.0.0.0\r\n\
         a=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 {}\r\n\
         a=setup:actpass\r\na=rtcp-mux\r\n{lines}",
        ["AA"; 32].join(":")
    );
    Description::parse(&text).unwrap()
}

fn answered(party: &mut Party, offer: &Description) -> (Description, Plan) {
    party.set(Source::Remote, SdpType::Offer, offer).unwrap();
    let answer = party.create_answer();
    let plan = party.set(Source::Local, SdpType::Answer, &answer).unwrap();
    (answer, plan)
}

fn fmtp_of(media: &Media) -> Vec<String> {
    let lines = media.attributes.iter().filter_map(|one| match one {
        Attribute::Fmtp(fmtp) => Some(fmtp.to_string()),
        _ => None,
    });
    lines.collect()
}

#[test]
fn directions_meet_as_rfc_3264_has_it() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    let cases = [
        (SendRecv, SendRecv, SendRecv),
        (SendRecv, SendOnly, RecvOnly),
        (SendRecv, RecvOnly, SendOnly),
        (SendRecv, Inactive, Inactive),
        (SendOnly, SendRecv, SendOnly),
        (SendOnly, SendOnly, Inactive),
        (SendOnly, RecvOnly, SendOnly),
        (RecvOnly, SendRecv, RecvOnly),
        (RecvOnly, RecvOnly, Inactive),
        (Inactive, SendRecv, Inactive),
    ];
    for (ours, theirs, expected) in cases {
        let (mut offerer, mut answerer) = (Party::new(1), Party::new(2));
        let offering = offerer.add_transceiver(MediaKind::Audio, theirs);
        let offer = offerer.create_offer();
        offerer.set(Source::Local, SdpType::Offer, &offer).unwrap();
        answerer.set(Source::Remote, SdpType::Offer, &offer).unwrap();
        answerer.view.transceivers[0].direction = ours;
        let answer = answerer.create_answer();
        answerer.set(Source::Local, SdpType::Answer, &answer).unwrap();
        offerer.set(Source::Remote, SdpType::Answer, &answer).unwrap();
        assert_eq!(answerer.view.transceivers[0].current_direction, Some(expected), "{ours} to {theirs}");
        let reversed = match expected {
            SendOnly => RecvOnly,
            RecvOnly => SendOnly,
            other => other,
        };
        assert_eq!(offerer.transceiver(offering).current_direction, Some(reversed), "{ours} to {theirs}");
    }
}

#[test]
fn rejects_h264_alone_where_we_only_have_vp8_and_goes_on_with_the_sound() {
    let (mut offerer, mut answerer) =
        (Party::new(1).with_codecs(&["H264", "opus"]), Party::new(2).with_codecs(&["VP8", "opus"]));
    offerer.add_track(MediaKind::Video);
    offerer.add_track(MediaKind::Audio);
    answerer.add_track(MediaKind::Video);
    answerer.add_track(MediaKind::Audio);
    let (offered, answered) = exchange(&mut offerer, &mut answerer);
    let answer = offerer.view.descriptions.current_remote.clone().unwrap();
    assert!(answer.media[0].is_rejected() && !answer.media[1].is_rejected());
    assert_eq!(
        answer.media[0].formats,
        offerer.view.descriptions.current_local.as_ref().unwrap().media[0].formats
    );
    assert_eq!((&offered.rejected[..], &answered.rejected[..]), (&[0][..], &[0][..]));
    assert_eq!(offered.transports[0].mid.as_str(), "1");
    // Our own track waits for a section that can take it: it is neither bound nor stopped.
    assert_eq!(answerer.view.transceivers[0].mid, None);
    assert_eq!(answerer.view.transceivers[0].direction, Direction::SendRecv);
}

#[test]
fn refuses_an_offer_with_no_codec_in_common_at_all() {
    let mut party = Party::new(1);
    let offer = offer("audio 9 UDP/TLS/RTP/SAVPF 97", "a=rtpmap:97 iLBC/8000\r\n");
    let error = party.set(Source::Remote, SdpType::Offer, &offer).unwrap_err();
    assert!(matches!(error, Error::Description(peerless_peer::error::DescriptionError::NothingCommon)));
}

#[test]
fn knows_static_payload_types_without_rtpmap() {
    let mut party = Party::new(1);
    party.add_track(MediaKind::Audio);
    let (answer, plan) = answered(&mut party, &offer("audio 9 UDP/TLS/RTP/SAVPF 18 8 0 9", ""));
    assert_eq!(&*answer.media[0].formats, "8 0 9");
    let media = plan.transceivers[0].media.as_ref().unwrap();
    assert_eq!(codecs(&media.send.as_ref().unwrap().codecs), "PCMA/8 PCMU/0 G722/9");
}

#[test]
fn levels_of_h264_are_each_ones_own_only_where_both_allow_it() {
    let level = |fmtp: &str| {
        let mut party = Party::new(1).with_codecs(&["H264"]);
        party.add_track(MediaKind::Video);
        let lines = format!("a=rtpmap:96 H264/90000\r\na=fmtp:96 {fmtp}\r\n");
        let (answer, plan) = answered(&mut party, &offer("video 9 UDP/TLS/RTP/SAVPF 96", &lines));
        let media = plan.transceivers[0].media.clone().unwrap();
        let send = media.send.unwrap().codecs[0].format;
        let receive = media.receive.map(|one| one.codecs[0].format);
        (fmtp_of(&answer.media[0])[0].clone(), send, receive)
    };
    let h264 = |profile_level_id| Format::H264 { packetization_mode: 1, profile_level_id };
    let (fmtp, send, receive) =
        level("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e034");
    assert_eq!(fmtp, "96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f");
    assert_eq!((send, receive), (h264(0x42e034), Some(h264(0x42e01f))));
    let (fmtp, send, receive) = level("packetization-mode=1;profile-level-id=42c00d");
    assert_eq!(fmtp, "96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e00d");
    assert_eq!((send, receive), (h264(0x42c00d), Some(h264(0x42e00d))));
}

#[test]
fn another_h264_profile_or_packetization_mode_is_another_codec() {
    for fmtp in
        ["packetization-mode=1;profile-level-id=64001f", "packetization-mode=2;profile-level-id=42e01f"]
    {
        let mut party = Party::new(1);
        let lines = format!("a=rtpmap:96 H264/90000\r\na=fmtp:96 {fmtp}\r\n");
        let offer = offer("video 9 UDP/TLS/RTP/SAVPF 96", &lines);
        assert!(party.set(Source::Remote, SdpType::Offer, &offer).is_err(), "{fmtp}");
    }
    let mut party = Party::new(1);
    // Nothing said means Baseline and single NAL units (RFC 6184 §8.1).
    let (answer, _) =
        answered(&mut party, &offer("video 9 UDP/TLS/RTP/SAVPF 96", "a=rtpmap:96 H264/90000\r\n"));
    assert_eq!(
        fmtp_of(&answer.media[0]),
        ["96 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42000a"]
    );
}

#[test]
fn opus_is_taken_with_two_channels_in_the_map_only() {
    let mut party = Party::new(1);
    let lines = "a=rtpmap:96 opus/48000\r\na=rtpmap:97 OPUS/48000/2\r\na=fmtp:97 stereo=1; usedtx=1\r\n";
    let (answer, plan) = answered(&mut party, &offer("audio 9 UDP/TLS/RTP/SAVPF 96 97", lines));
    assert_eq!(&*answer.media[0].formats, "97");
    assert_eq!(fmtp_of(&answer.media[0]), ["97 minptime=10;useinbandfec=1"]);
    let receive = plan.transceivers[0].media.as_ref().unwrap().receive.clone().unwrap();
    assert_eq!(receive.codecs[0].parameters, "stereo=1; usedtx=1");
}

#[test]
fn feedback_is_what_both_have_and_a_star_is_for_all() {
    let mut party = Party::new(1);
    let lines = "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:* nack\r\na=rtcp-fb:96 ccm fir\r\na=rtcp-fb:96 ccm tmmbr\r\n\
                 a=rtcp-fb:120 nack pli\r\n";
    let (answer, plan) = answered(&mut party, &offer("video 9 UDP/TLS/RTP/SAVPF 96", lines));
    let feedback = plan.transceivers[0].media.as_ref().unwrap().receive.as_ref().unwrap().codecs[0].feedback;
    assert!(feedback.nack && feedback.fir && !feedback.pli && !feedback.transport_cc && !feedback.remb);
    let written = answer.media[0].attributes.iter().filter(|one| matches!(one, Attribute::RtcpFeedback(_)));
    let written: Vec<_> = written.map(ToString::to_string).collect();
    assert_eq!(written, ["rtcp-fb:96 ccm fir", "rtcp-fb:96 nack"]);
}

#[test]
fn retransmission_belongs_to_its_apt_and_needs_nack() {
    let rtx = |lines: &str| {
        let mut party = Party::new(1);
        let lines = format!("a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\n{lines}");
        let (answer, _) = answered(&mut party, &offer("video 9 UDP/TLS/RTP/SAVPF 96 97", &lines));
        answer.media[0].formats.to_string()
    };
    assert_eq!(rtx("a=fmtp:97 apt=96\r\na=rtcp-fb:96 nack\r\n"), "96 97");
    assert_eq!(rtx("a=fmtp:97 apt=98\r\na=rtcp-fb:96 nack\r\n"), "96");
    assert_eq!(rtx("a=fmtp:97 apt=96\r\n"), "96");
}

#[test]
fn takes_the_dtls_role_that_is_left_and_keeps_it() {
    for (theirs, ours) in [("actpass", Setup::Active), ("active", Setup::Passive), ("passive", Setup::Active)]
    {
        let mut party = Party::new(1);
        let text = offer("audio 9 UDP/TLS/RTP/SAVPF 0", "").to_string();
        let offer = Description::parse(&text.replace("actpass", theirs)).unwrap();
        let (answer, plan) = answered(&mut party, &offer);
        assert_eq!(answer.setup(&answer.media[0]), Some(ours), "{theirs}");
        let role = if ours == Setup::Active { DtlsRole::Client } else { DtlsRole::Server };
        assert_eq!(plan.transports[0].role, role);
    }
    // We offered and became the server; when the other side offers we stay so.
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    ours.add_track(MediaKind::Audio);
    exchange(&mut ours, &mut theirs);
    assert_eq!(ours.view.transports[0].dtls_role, Some(DtlsRole::Server));
    exchange(&mut theirs, &mut ours);
    assert_eq!(ours.view.transports[0].dtls_role, Some(DtlsRole::Server));
}

#[test]
fn the_association_keeps_its_roles_whatever_a_later_answer_says() {
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    theirs.add_track(MediaKind::Audio);
    exchange(&mut theirs, &mut ours);
    assert_eq!(ours.view.transports[0].dtls_role, Some(DtlsRole::Client));
    // Firefox forgets that it is the server when ICE restarts.
    for ufrag in ["uf02", "newer"] {
        let offer = ours.create_offer();
        ours.set(Source::Local, SdpType::Offer, &offer).unwrap();
        theirs.set(Source::Remote, SdpType::Offer, &offer).unwrap();
        let answer = theirs.create_answer();
        theirs.set(Source::Local, SdpType::Answer, &answer).unwrap();
        let answer = answer.to_string().replace("setup:passive", "setup:active").replace("uf02", ufrag);
        let answer = Description::parse(&answer).unwrap();
        assert_eq!(answer.setup(&answer.media[0]), Some(Setup::Active));
        let plan = ours.set(Source::Remote, SdpType::Answer, &answer).unwrap();
        assert_eq!(plan.transports[0].role, DtlsRole::Client);
        assert_eq!(plan.transports[0].restarted, ufrag == "newer");
    }
}

#[test]
fn without_a_bundle_group_only_the_first_section_is_taken() {
    let mut party = Party::new(1);
    let (mut offerer, _) = (Party::new(2), ());
    offerer.add_track(MediaKind::Audio);
    offerer.add_track(MediaKind::Video);
    let mut offer = offerer.create_offer();
    offer.attributes.retain(|one| !matches!(one, Attribute::Group(_)));
    for media in &mut offer.media {
        media.port = 9;
        media.attributes.retain(|one| *one != Attribute::BundleOnly);
    }
    let (answer, plan) = answered(&mut party, &offer);
    assert_eq!(answer.bundle_groups().count(), 0);
    assert_eq!(plan.rejected, [1]);
    assert!(!answer.media[0].is_rejected() && answer.media[1].is_rejected());
}

#[test]
fn a_track_goes_to_an_offered_section_and_other_sections_get_new_transceivers() {
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    theirs.add_track(MediaKind::Audio);
    theirs.add_track(MediaKind::Audio);
    let waiting = ours.add_transceiver(MediaKind::Audio, Direction::SendRecv);
    let track = ours.add_track(MediaKind::Audio);
    let offer = theirs.create_offer();
    let plan = ours.set(Source::Remote, SdpType::Offer, &offer).unwrap();
    let targets: Vec<_> = plan.transceivers.iter().map(|one| one.target).collect();
    assert_eq!(targets, [Target::Existing(track), Target::New(MediaKind::Audio)]);
    assert_eq!(ours.transceiver(waiting).mid, None, "made by add_transceiver: not for offers to take");
}

#[test]
fn tracks_begin_move_and_end_as_the_remote_says() {
    let (mut ours, mut theirs) = (Party::new(1), Party::new(2));
    let id = theirs.add_track(MediaKind::Audio);
    let change = |ours: &mut Party, theirs: &mut Party| {
        let offer = theirs.create_offer();
        theirs.set(Source::Local, SdpType::Offer, &offer).unwrap();
        let plan = ours.set(Source::Remote, SdpType::Offer, &offer).unwrap();
        let answer = ours.create_answer();
        ours.set(Source::Local, SdpType::Answer, &answer).unwrap();
        theirs.set(Source::Remote, SdpType::Answer, &answer).unwrap();
        plan.transceivers.into_iter().next().map(|one| one.remote_track)
    };
    assert!(
        matches!(change(&mut ours, &mut theirs), Some(TrackChange::Began(track)) if track.stream_ids == ["stream"])
    );
    assert_eq!(change(&mut ours, &mut theirs), None);
    theirs.transceiver(id).stream_ids = vec!["other".to_owned()];
    assert!(
        matches!(change(&mut ours, &mut theirs), Some(TrackChange::Moved(track)) if track.stream_ids == ["other"])
    );
    theirs.transceiver(id).direction = Direction::RecvOnly;
    assert_eq!(change(&mut ours, &mut theirs), Some(TrackChange::Muted));
}

#[test]
fn answers_extensions_with_the_same_ids_and_directions_turned_round() {
    let mut party = Party::new(1);
    let lines = "a=extmap:3/sendonly urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
                 a=extmap:15 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n\
                 a=extmap:5 urn:example:unknown\r\n\
                 a=extmap:20 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time\r\n";
    let extensions = |answer: &Description| -> Vec<String> {
        let lines = answer.media[0].attributes.iter().filter(|one| matches!(one, Attribute::Extmap(_)));
        lines.map(ToString::to_string).collect()
    };
    let (answer, plan) = answered(&mut party, &offer("audio 9 UDP/TLS/RTP/SAVPF 0", lines));
    assert_eq!(extensions(&answer), ["extmap:3/recvonly urn:ietf:params:rtp-hdrext:sdes:mid"]);
    let media = plan.transceivers[0].media.as_ref().unwrap();
    assert_eq!(media.receive.as_ref().unwrap().extensions.iter().count(), 1);
    let mut party = Party::new(1);
    let lines = format!("{lines}a=extmap-allow-mixed\r\n");
    let (answer, _) = answered(&mut party, &offer("audio 9 UDP/TLS/RTP/SAVPF 0", &lines));
    assert_eq!(extensions(&answer).len(), 2, "ids above 14 only with mixed headers");
    assert!(answer.has(&Attribute::ExtmapAllowMixed));
}

#[test]
fn answers_only_where_an_offer_waits() {
    let party = Party::new(1);
    assert!(matches!(create_answer(&party.view), Err(Error::WrongState { .. })));
}

#[test]
fn the_answer_follows_the_preferences_of_its_transceiver() {
    let mut party = Party::new(1);
    party.set(Source::Remote, SdpType::Offer, &offer("audio 9 UDP/TLS/RTP/SAVPF 0 8 9", "")).unwrap();
    let all = party.view.codecs.clone();
    let codec = |name: &str| all.iter().find(|codec| codec.format.name() == name).unwrap().clone();
    party.view.transceivers[0].codec_preferences = vec![codec("G722"), codec("PCMU")];
    assert_eq!(&*party.create_answer().media[0].formats, "9 0");
}

#[test]
fn an_offer_without_mids_is_answered_without_mids() {
    let mut party = Party::new(1);
    let text = offer("audio 9 UDP/TLS/RTP/SAVPF 0", "").to_string();
    let text = text.replace("a=mid:0\r\n", "").replace("a=group:BUNDLE 0\r\n", "");
    let (answer, plan) = answered(&mut party, &Description::parse(&text).unwrap());
    assert_eq!(answer.media[0].mid(), None);
    assert!(!answer.media[0].is_rejected());
    assert!(plan.transceivers[0].media.is_some());
    // From then on the section has a name, for the offers we make.
    assert!(party.create_offer().media[0].mid().is_some());
}
