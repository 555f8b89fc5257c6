//! Reports of live connections: two peers over a simulated network.

use std::time::Duration;

use peerless_netsim::{Link, Loss};
use peerless_peer::channel::{DataChannelInit, Message};
use peerless_peer::figures::{
    Decoded, DecodingReport, EncodingReport, PlayoutReport, QualityLimitationReason, ReceiveFigures,
    SoundOrigin, SoundReport, SourceReport,
};
use peerless_peer::report::{Statistics, StatsReport, StatsSelector, StatsType};
use peerless_peer::state::{Direction, MediaKind};
use peerless_peer::transceiver::TransceiverInit;
use peerless_rtp::frame::Frame;

use crate::check::{check, number};
use crate::scene::{ALICE, BOB, Scene, Setting, Side, delay};

/// The wall time of a scene, milliseconds since the UNIX epoch.
fn now_ms(scene: &Scene) -> f64 {
    (Duration::from_secs(1_800_000_000) + scene.elapsed()).as_secs_f64() * 1e3
}

pub fn report(scene: &Scene, side: Side) -> StatsReport {
    let report = scene.ends[side].peer.get_stats(scene.now, StatsSelector::All).unwrap();
    check(&report, now_ms(scene));
    report
}

/// The ids of all objects of a type, with their kind and source.
fn streams(report: &StatsReport, of: StatsType) -> Vec<(String, MediaKind, u32)> {
    let found = report.of_type(of).map(|object| match &object.statistics {
        Statistics::InboundRtp(stream) => (object.id.clone(), stream.kind, stream.ssrc),
        Statistics::OutboundRtp(stream) => (object.id.clone(), stream.kind, stream.ssrc),
        Statistics::RemoteInboundRtp(stream) => (object.id.clone(), stream.kind, stream.ssrc),
        Statistics::RemoteOutboundRtp(stream) => (object.id.clone(), stream.kind, stream.ssrc),
        other => panic!("{other:?} is no stream"),
    });
    found.collect()
}

/// A call with a channel over which three messages went each way.
pub fn call(link: Link) -> Scene {
    let mut scene = Scene::with(Setting { link, ..Setting::default() });
    scene.add_all_sources();
    let now = scene.now;
    let mut init = DataChannelInit::default();
    (init.negotiated, init.id, init.protocol) = (true, Some(7), "words".into());
    let ours = scene.peer(ALICE).create_data_channel(now, "talk", init.clone()).unwrap();
    let theirs = scene.peer(BOB).create_data_channel(now, "talk", init).unwrap();
    scene.negotiate(ALICE);
    scene.connect();
    scene.run_for(Duration::from_secs(2));
    let now = scene.now;
    for text in ["a", "bc", "def"] {
        scene.peer(ALICE).send_message(now, ours, Message::from(text)).unwrap();
        scene.peer(BOB).send_message(now, theirs, Message::from(text)).unwrap();
    }
    scene.run_for(Duration::from_secs(8));
    scene
}

#[test]
fn both_ends_report_the_same_of_one_stream() {
    let mut scene = call(delay(30));
    // What is on its way arrives, and is reported on.
    scene.ends.iter_mut().for_each(|end| end.sources.clear());
    scene.run_for(Duration::from_secs(5));
    let (ours, theirs) = (report(&scene, ALICE), report(&scene, BOB));
    let sent = streams(&ours, StatsType::OutboundRtp);
    assert_eq!(sent.len(), 2);
    for (out, kind, ssrc) in sent {
        let find = |of| streams(&theirs, of).into_iter().find(|(_, _, found)| *found == ssrc).unwrap().0;
        let (arrived, told) = (find(StatsType::InboundRtp), find(StatsType::RemoteOutboundRtp));
        for (sent, received) in [
            ("packetsSent", "packetsReceived"),
            ("bytesSent", "bytesReceived"),
            ("headerBytesSent", "headerBytesReceived"),
            ("nackCount", "nackCount"),
        ] {
            assert_eq!(number(&ours, &out, sent), number(&theirs, &arrived, received), "{kind}: {sent}");
        }
        if kind == MediaKind::Video {
            assert_eq!(number(&ours, &out, "framesSent"), number(&theirs, &arrived, "framesReceived"));
            assert!(number(&ours, &out, "totalPacketSendDelay") > 0.0, "pictures are paced");
        }
        // Each end knows the other's last report: no more than there is, and nearly all of it.
        let remote = ours.get(&out).unwrap().member("remoteId").unwrap();
        let remote = remote.as_str().unwrap().to_owned();
        let all = number(&ours, &out, "packetsSent");
        let reported = number(&ours, &remote, "packetsReceived");
        assert!(reported <= all && reported > 0.9 * all, "{kind}: {reported} of {all}");
        assert_eq!(number(&ours, &remote, "packetsLost"), 0.0);
        assert!((number(&ours, &remote, "roundTripTime") - 0.06).abs() < 0.002);
        let (total, times) = (
            number(&ours, &remote, "totalRoundTripTime"),
            number(&ours, &remote, "roundTripTimeMeasurements"),
        );
        assert!(times > 3.0 && (total / times - 0.06).abs() < 0.002, "{total} s in {times}");
        assert!(number(&theirs, &told, "reportsSent") > 3.0);
        let sent_by_report = number(&theirs, &told, "packetsSent");
        assert!(sent_by_report <= all && sent_by_report > 0.9 * all);
        let remote_clock = number(&theirs, &told, "remoteTimestamp");
        let came = theirs.get(&told).unwrap().timestamp;
        assert!((came - remote_clock - 30.0).abs() < 1.0, "sent {remote_clock}, came {came}");
    }
    for report in [&ours, &theirs] {
        let channel = report.of_type(StatsType::DataChannel).next().unwrap();
        let Statistics::DataChannel(channel) = &channel.statistics else { panic!("{channel:?}") };
        assert_eq!((channel.label.as_deref(), channel.protocol.as_deref()), (Some("talk"), Some("words")));
        assert_eq!((channel.data_channel_identifier, channel.messages_sent), (Some(7), Some(3)));
        assert_eq!((channel.bytes_sent, channel.bytes_received), (Some(6), Some(6)));
        assert_eq!(number(report, "P", "dataChannelsOpened"), 1.0);
    }
}

#[test]
fn ids_stay_and_counters_grow_over_a_connection() {
    let mut scene = call(delay(20));
    let before = report(&scene, ALICE);
    scene.run_for(Duration::from_secs(3));
    scene.negotiate(BOB);
    scene.run_for(Duration::from_secs(3));
    let after = report(&scene, ALICE);
    for object in &before {
        let later = after.get(&object.id).unwrap_or_else(|| panic!("{} is gone", object.id));
        assert_eq!(later.stats_type(), object.stats_type());
        for (name, value) in object.members() {
            let grows =
                ["packets", "bytes", "frames", "total", "messages", "requests", "responses", "headerBytes"]
                    .iter()
                    .any(|start| name.starts_with(start) && !name.contains("PerSecond"));
            if let (true, Some(value)) = (grows, value.as_f64()) {
                assert!(number(&after, &object.id, name) >= value, "{}: {name} fell", object.id);
            }
        }
    }
}

#[test]
fn a_selector_gives_the_streams_of_one_sender_or_receiver_and_what_they_refer_to() {
    let scene = call(delay(20));
    let peer = &scene.ends[ALICE].peer;
    let video = peer.transceivers().into_iter().find(|one| one.kind == MediaKind::Video).unwrap().id;
    let select = |selector| {
        let report = peer.get_stats(scene.now, selector).unwrap();
        check(&report, now_ms(&scene));
        report
    };
    let (sent, received) = (select(StatsSelector::Sender(video)), select(StatsSelector::Receiver(video)));
    let count = |report: &StatsReport, of| report.of_type(of).count();
    for (report, here, not_here) in [
        (
            &sent,
            [StatsType::OutboundRtp, StatsType::RemoteInboundRtp],
            [StatsType::InboundRtp, StatsType::DataChannel],
        ),
        (
            &received,
            [StatsType::InboundRtp, StatsType::RemoteOutboundRtp],
            [StatsType::OutboundRtp, StatsType::MediaSource],
        ),
    ] {
        assert_eq!(here.map(|of| count(report, of)), [1, 1]);
        assert_eq!(not_here.map(|of| count(report, of)), [0, 0]);
        assert_eq!((count(report, StatsType::Codec), count(report, StatsType::Transport)), (1, 1));
        assert_eq!((count(report, StatsType::Certificate), count(report, StatsType::PeerConnection)), (2, 0));
    }
    assert_eq!(count(&sent, StatsType::MediaSource), 1);
    let unknown = peerless_peer::id::TransceiverId(99);
    assert_eq!(
        peer.get_stats(scene.now, StatsSelector::Sender(unknown)).unwrap_err().name(),
        "InvalidStateError"
    );
}

#[test]
fn a_source_that_is_given_again_is_another() {
    let mut scene = Scene::call();
    let id = scene.ends[ALICE].sources[1].id;
    let source = |scene: &Scene| {
        let report = report(scene, ALICE);
        report.of_type(StatsType::MediaSource).find_map(|object| match &object.statistics {
            Statistics::VideoSource(source) => Some((object.id.clone(), source.frames)),
            _ => None,
        })
    };
    let now = scene.now;
    (0..5).for_each(|_| scene.peer(ALICE).report_source(now, id, &SourceReport::Picture(64, 48)));
    let first = source(&scene).unwrap();
    assert_eq!(first.1, Some(5));
    let track = scene.ends[ALICE].peer.sender(id).unwrap().track;
    scene.peer(ALICE).replace_track(now, id, None).unwrap();
    assert_eq!(source(&scene), None);
    scene.peer(ALICE).replace_track(now, id, track).unwrap();
    let second = source(&scene).unwrap();
    assert!(second.0 != first.0 && second.1 == Some(0), "{second:?} after {first:?}");
}

/// Reports what a camera, encoders, decoders and a player would.
pub fn report_media(scene: &mut Scene, side: Side) {
    let now = scene.now;
    let sources: Vec<_> = scene.ends[side].sources.iter().map(|source| (source.id, source.kind)).collect();
    let sound =
        SoundReport { samples: 960, sample_rate: 48_000, mean_square: 0.25, origin: SoundOrigin::Given };
    for (id, kind) in sources {
        let (source, size) = match kind {
            MediaKind::Audio => (SourceReport::Sound(sound), None),
            MediaKind::Video => (SourceReport::Picture(640, 480), Some((320, 240))),
        };
        let encoded = EncodingReport {
            key: false,
            size,
            bytes: 1000,
            sent: true,
            encode_time: Duration::from_millis(5),
            quantizer: size.map(|_| 30),
            target_bitrate: Some(500_000),
            target_framerate: Some(25.0),
            limitation: QualityLimitationReason::Bandwidth,
            implementation: "a test's encoder",
            power_efficient: true,
        };
        for _ in 0..10 {
            scene.peer(side).report_source(now, id, &source);
            scene.peer(side).report_encoding(now, id, None, &encoded);
        }
    }
    let receivers: Vec<_> = scene.ends[side].peer.transceivers();
    let arrived: Vec<_> = streams(&report(scene, side), StatsType::InboundRtp);
    for one in receivers {
        let mut figures = ReceiveFigures::default();
        for (_, _, ssrc) in arrived.iter().filter(|(_, kind, _)| *kind == one.kind) {
            let decoded = match one.kind {
                MediaKind::Video => Decoded::Picture { width: 320, height: 240, quantizer: Some(44) },
                MediaKind::Audio => {
                    Decoded::Sounds(vec![SoundReport { origin: SoundOrigin::Concealed, ..sound }, sound])
                }
            };
            let format = peerless_rtp::codec::Format::Vp8;
            let mut frame = Frame::new(format, 0, true, bytes::Bytes::new());
            frame.ssrc = Some(peerless_wire::rtp::Ssrc(*ssrc));
            frame.began = Some(now - Duration::from_millis(50));
            let decoded = DecodingReport {
                decoded,
                decode_time: Duration::from_millis(4),
                implementation: "a test's decoder",
                power_efficient: true,
            };
            (0..10).for_each(|_| figures.decoded(now, &frame, &decoded));
        }
        if one.kind == MediaKind::Audio {
            let delay = Duration::from_millis(10);
            figures.played(PlayoutReport { samples: 960, sample_rate: 48_000, delay, synthesized: false });
        }
        scene.peer(side).set_receive_figures(one.id, figures);
    }
}

#[test]
fn what_is_reported_of_media_is_shown_with_its_stream() {
    let mut scene = call(delay(20));
    report_media(&mut scene, ALICE);
    scene.run_for(Duration::from_millis(500));
    let report = report(&scene, ALICE);
    let id = |of, kind| streams(&report, of).into_iter().find(|(_, found, _)| *found == kind).unwrap().0;
    let out = id(StatsType::OutboundRtp, MediaKind::Video);
    assert_eq!(
        ["framesEncoded", "qpSum", "targetBitrate", "frameWidth"].map(|name| number(&report, &out, name)),
        [10.0, 300.0, 500_000.0, 320.0]
    );
    let Statistics::OutboundRtp(stream) = &report.get(&out).unwrap().statistics else { panic!("{out}") };
    assert_eq!(stream.quality_limitation_reason, Some(QualityLimitationReason::Bandwidth));
    let limited = stream.quality_limitation_durations.as_ref().unwrap();
    assert!((limited.get("bandwidth").unwrap() - 0.5).abs() < 1e-6 && limited.0.len() == 4, "{limited:?}");
    let source = stream.media_source_id.clone().unwrap();
    assert_eq!(["frames", "width"].map(|name| number(&report, &source, name)), [10.0, 640.0]);
    let arriving = id(StatsType::InboundRtp, MediaKind::Video);
    let shown = ["framesDecoded", "qpSum", "frameHeight", "totalDecodeTime", "totalProcessingDelay"];
    let shown = shown.map(|name| number(&report, &arriving, name));
    assert!(
        shown[..3] == [10.0, 440.0, 240.0] && (shown[3] - 0.04).abs() < 1e-9 && (shown[4] - 0.5).abs() < 1e-9
    );
    let heard = id(StatsType::InboundRtp, MediaKind::Audio);
    let sums = ["totalSamplesReceived", "concealedSamples", "concealmentEvents"];
    assert_eq!(sums.map(|name| number(&report, &heard, name)), [19_200.0, 9_600.0, 10.0]);
    assert!((number(&report, &heard, "audioLevel") - 0.5).abs() < 1e-9);
    assert!((number(&report, &heard, "totalAudioEnergy") - 0.1).abs() < 1e-9);
}

#[test]
fn a_codec_is_told_as_the_descriptions_have_it() {
    let scene = call(delay(20));
    let report = report(&scene, ALICE);
    let local = scene.ends[ALICE].peer.local_description().unwrap().sdp;
    let codecs: Vec<_> = report.of_type(StatsType::Codec).collect();
    assert!(codecs.len() >= 2, "{codecs:?}");
    for object in codecs {
        let Statistics::Codec(codec) = &object.statistics else { panic!("{object:?}") };
        let (_, name) = codec.mime_type.split_once('/').unwrap();
        let line = format!("a=rtpmap:{} {name}/{}", codec.payload_type, codec.clock_rate.unwrap());
        assert!(local.contains(&line), "{line}");
        if let Some(parameters) = &codec.sdp_fmtp_line {
            assert!(
                local.contains(&format!("a=fmtp:{} {parameters}\r\n", codec.payload_type)),
                "{parameters}"
            );
        }
    }
}

/// One that only receives, and so asks for answers that tell the round trip.
pub fn one_way(link: Link) -> Scene {
    let mut scene = Scene::with(Setting { link, ..Setting::default() });
    scene.add_source(ALICE, MediaKind::Audio);
    scene.add_source(ALICE, MediaKind::Video);
    for kind in [MediaKind::Audio, MediaKind::Video] {
        let init = TransceiverInit { direction: Direction::RecvOnly, ..TransceiverInit::default() };
        scene.peer(BOB).add_transceiver(kind, init).unwrap();
    }
    scene.negotiate(ALICE);
    scene.connect();
    scene.run_for(Duration::from_secs(8));
    scene
}

#[test]
fn one_that_only_receives_reports_the_round_trip_by_answers() {
    let scene = one_way(Link { loss: Loss::Random(0.01), ..delay(45) });
    let report = report(&scene, BOB);
    let told = streams(&report, StatsType::RemoteOutboundRtp);
    let trips =
        told.iter().filter_map(|(id, _, _)| report.get(id).unwrap().member("roundTripTime")?.as_f64());
    let trips: Vec<_> = trips.collect();
    assert!(!trips.is_empty() && trips.iter().all(|trip| (trip - 0.09).abs() < 0.003), "{trips:?}");
}

/// A connection whose own candidates a server shows, and to which a remote's are signalled.
fn gathered() -> StatsReport {
    use peerless_peer::Peer;
    use peerless_peer::description::IceCandidateInit;
    use peerless_peer::event::Event;
    use peerless_wire::stun::{Attribute, Class, Message, Method, Writer};

    let (server, seen, base) = ("192.0.2.9:3478", "203.0.113.7:4444", "10.0.0.1:5000");
    let [server, seen, base] = [server, seen, base].map(|text| text.parse().unwrap());
    let scene = Scene::with(Setting::default());
    let (now, mut peer) = (scene.now, Peer::new(crate::scene::config(5, ALICE)).unwrap());
    let mut other = Peer::new(crate::scene::config(5, BOB)).unwrap();
    let track = peerless_peer::transceiver::TrackInit { id: "camera".into(), stream_ids: vec![] };
    peer.add_track(MediaKind::Video, track).unwrap();
    peer.set_local_description(now, None).unwrap();
    while let Some(event) = peer.poll_event() {
        if let Event::Gather(transport) = event {
            peer.add_local_address(now, transport, base);
            peer.add_stun_server(now, transport, server, "stun:stun.example.org");
            peer.finish_local_addresses(now, transport);
        }
    }
    let mut out = bytes::BytesMut::new();
    let sent = peer.poll_transmit(now, &mut out).expect("a question to the server");
    assert_eq!(sent.destination, server);
    let asked = Message::parse(&out).unwrap();
    let mut answer = bytes::BytesMut::new();
    let mut writer = Writer::new(&mut answer, Class::Success, Method::BINDING, asked.transaction());
    writer.attribute(Attribute::XorMappedAddress(seen));
    writer.fingerprint();
    let protocol = peerless_transport::datagram::Protocol::Udp;
    let (source, destination) = (server, base);
    let datagram =
        peerless_transport::datagram::Datagram { source, destination, protocol, ecn: None, contents: answer };
    peer.handle_datagram(now, datagram);
    other.set_remote_description(now, peer.local_description().unwrap()).unwrap();
    other.set_local_description(now, None).unwrap();
    peer.set_remote_description(now, other.local_description().unwrap()).unwrap();
    let candidate = IceCandidateInit {
        candidate: "candidate:7 1 udp 1677729535 198.51.100.3 4000 typ srflx raddr 10.1.1.1 rport 9".into(),
        sdp_mid: Some("0".into()),
        sdp_m_line_index: Some(0),
        username_fragment: None,
    };
    peer.add_ice_candidate(now, &candidate).unwrap();
    let report = peer.get_stats(now, StatsSelector::All).unwrap();
    check(&report, now_ms(&scene));
    report
}

#[test]
fn candidates_are_shown_as_they_were_found_and_signalled() {
    let report = gathered();
    let find = |of| {
        let candidates = report.of_type(of).filter_map(|object| match &object.statistics {
            Statistics::LocalCandidate(one) | Statistics::RemoteCandidate(one) => Some(one.clone()),
            _ => None,
        });
        candidates.into_iter().find(|one| one.candidate_type.as_str() == "srflx").unwrap()
    };
    let (ours, theirs) = (find(StatsType::LocalCandidate), find(StatsType::RemoteCandidate));
    assert_eq!((ours.address.0.as_deref(), ours.port), (Some("203.0.113.7"), Some(4444)));
    assert_eq!(ours.url.as_deref(), Some("stun:stun.example.org"));
    assert_eq!((ours.related_address.as_deref(), ours.related_port), (Some("10.0.0.1"), Some(5000)));
    assert_eq!((theirs.address.0.as_deref(), theirs.port), (Some("198.51.100.3"), Some(4000)));
    assert_eq!((theirs.related_address.as_deref(), theirs.related_port), (Some("10.1.1.1"), Some(9)));
    assert_eq!((theirs.foundation.as_deref(), theirs.priority), (Some("7"), Some(1_677_729_535)));
    assert_eq!(report.of_type(StatsType::CandidatePair).count(), 1, "pairs are pruned to sockets");
}

#[test]
fn the_path_of_a_call_is_told_alike_by_both_ends() {
    let mut scene = call(delay(25));
    scene.ends.iter_mut().for_each(|end| end.sources.clear());
    scene.run_for(Duration::from_secs(5));
    let reports = [report(&scene, ALICE), report(&scene, BOB)];
    let transport =
        |report: &StatsReport| match &report.of_type(StatsType::Transport).next().unwrap().statistics {
            Statistics::Transport(transport) => transport.clone(),
            other => panic!("{other:?}"),
        };
    let pair = |report: &StatsReport| {
        let id = transport(report).selected_candidate_pair_id.unwrap();
        match &report.get(&id).unwrap().statistics {
            Statistics::CandidatePair(pair) => pair.clone(),
            other => panic!("{other:?}"),
        }
    };
    for (ours, theirs) in [(&reports[0], &reports[1]), (&reports[1], &reports[0])] {
        let (sent, got) = (transport(ours), transport(theirs));
        assert_eq!((sent.packets_sent, sent.bytes_sent), (got.packets_received, got.bytes_received));
        assert_eq!((&sent.tls_version, &sent.dtls_cipher), (&got.tls_version, &got.dtls_cipher));
        assert!(sent.srtp_cipher.is_some() && sent.srtp_cipher == got.srtp_cipher);
        assert_ne!((sent.dtls_role, sent.ice_role), (got.dtls_role, got.ice_role));
        assert_eq!(sent.selected_candidate_pair_changes, Some(1));
        let certificate = |report: &StatsReport, id: &Option<String>| match &report
            .get(id.as_ref().unwrap())
            .unwrap()
            .statistics
        {
            Statistics::Certificate(certificate) => certificate.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            certificate(ours, &sent.local_certificate_id),
            certificate(theirs, &got.remote_certificate_id)
        );
        let (out, inbound) = (pair(ours), pair(theirs));
        assert_eq!((out.packets_sent, out.bytes_sent), (inbound.packets_received, inbound.bytes_received));
        assert_eq!(out.packets_sent, sent.packets_sent, "there was one pair only");
        let trip = out.current_round_trip_time.unwrap();
        assert!((trip - 0.05).abs() < 0.001, "{trip}");
        let (last, came) =
            (out.last_packet_sent_timestamp.unwrap(), inbound.last_packet_received_timestamp.unwrap());
        assert!((came - last - 25.0).abs() < 1.0, "sent {last}, came {came}");
        assert!(out.consent_requests_sent > Some(1) && out.requests_sent >= Some(1));
    }
}

#[test]
fn a_report_has_nearly_all_that_applies() {
    let mut coverage = crate::idl::Coverage::default();
    let mut lossy = call(Link { loss: Loss::Random(0.02), ..delay(20) });
    report_media(&mut lossy, ALICE);
    lossy.run_for(Duration::from_millis(1500));
    let one_way = one_way(delay(20));
    for report in [report(&lossy, ALICE), report(&one_way, BOB), gathered()] {
        for object in &report {
            let members = object.members();
            let present = members.iter().filter(|(_, value)| value.is_present()).map(|(name, _)| *name);
            coverage.add(object.stats_type().as_str(), present);
        }
    }
    let (share, table) = coverage.table();
    println!("{table}");
    assert!(share >= 0.95, "{table}");
}
