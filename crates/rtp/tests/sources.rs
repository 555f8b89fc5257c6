//! Sources come, go, change and collide (RFC 3550 §6.6, §8; RFC 9143 §9.2; RFC 8108).

mod stage;

use bytes::BytesMut;
use peerless_netsim::{Link, Loss};
use peerless_rtp::config::SendConfig;
use peerless_rtp::session::{Event, PacketKind, SendError};
use peerless_wire::rtcp::{Packet, parse_compound};
use peerless_wire::rtp::{AudioLevel, CsrcLevels, ExtensionKind, ExtensionMap, Header, SequenceNumber, Ssrc};
use stage::*;

fn byes(end: &End) -> Vec<Ssrc> {
    let goodbyes = end.control().into_iter().filter_map(|(_, packet)| match packet {
        Packet::Goodbye(goodbye) => Some(goodbye.ssrcs),
        _ => None,
    });
    goodbyes.flatten().collect()
}

#[test]
fn a_new_source_is_told_of_once() {
    let mut stage = Stage::new(1, Link { delay: 10 * MS, loss: Loss::Random(0.05), ..Link::default() });
    stage.run_until(3 * SECOND);
    let started =
        |ssrc, mid, number| Event::ReceiverStarted { mid, ssrc, payload_type: payload_type(number) };
    let events: Vec<_> =
        stage.b.events.iter().filter(|event| matches!(event, Event::ReceiverStarted { .. })).collect();
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events.contains(&&started(VIDEO, mid("v"), 96)));
    assert!(events.contains(&&started(AUDIO, mid("a"), 111)));
}

#[test]
fn a_sender_that_is_taken_away_says_goodbye() {
    let mut stage = Stage::new(2, Link { delay: 10 * MS, loss: Loss::None, ..Link::default() });
    stage.run_until(SECOND);
    stage.a.session.set_sender(stage.now, &mid("v"), None);
    stage.idle_until(1100 * MS);
    assert_eq!(byes(&stage.a), [VIDEO]);
    assert!(stage.b.events.contains(&Event::Bye { mid: mid("v"), ssrc: VIDEO }));
    assert!(stage.b.session.stats().inbound.iter().all(|stream| stream.ssrc != VIDEO));
    let error = stage.a.session.send_frame(stage.now, &mid("v"), &picture(0, true, 100, stage.now));
    assert_eq!(error, Err(SendError::NoSender(mid("v"))));
}

#[test]
fn one_that_never_sent_says_nothing() {
    let mut stage = Stage::new(3, Link::default());
    stage.a.session.set_sender(stage.now, &mid("v"), None);
    stage.a.session.close(stage.now);
    stage.idle_until(SECOND);
    assert!(stage.a.sent.is_empty());
    assert_eq!(stage.a.session.poll_timeout(), None);
}

#[test]
fn closing_says_goodbye_for_all_and_then_nothing_more() {
    let mut stage = Stage::new(4, Link { delay: 10 * MS, loss: Loss::Random(0.1), ..Link::default() });
    stage.run_until(2 * SECOND);
    stage.a.session.close(stage.now);
    let at_close = stage.a.sent.len();
    stage.idle_until(5 * SECOND);
    assert_eq!(stage.a.sent.len(), at_close + 1);
    let last = &stage.a.sent.last().unwrap().1;
    let packets: Vec<_> = parse_compound(&last.bytes).map(Result::unwrap).collect();
    assert!(matches!(packets[0], Packet::ReceiverReport(_)));
    assert!(matches!(packets[1], Packet::SourceDescription(_)));
    let mut gone = byes(&stage.a);
    gone.sort();
    assert_eq!(gone, [VIDEO, VIDEO_RTX, AUDIO]);
    assert_eq!(stage.a.session.poll_timeout(), None);
    // The receiver alone says goodbye in the name it reported with.
    stage.b.session.close(stage.now);
    stage.idle_until(6 * SECOND);
    assert_eq!(byes(&stage.b).len(), 1);
}

#[test]
fn overtaken_packets_do_not_bring_back_a_source_that_ended() {
    let mut stage = Stage::new(5, Link { delay: 10 * MS, ..Link::default() });
    stage.run_until(SECOND);
    let late: Vec<_> = stage
        .a
        .sent
        .iter()
        .rev()
        .find(|(_, sent)| sent.kind == PacketKind::Rtp)
        .cloned()
        .into_iter()
        .collect();
    stage.a.session.set_sender(stage.now, &mid("v"), None);
    stage.a.session.set_sender(stage.now, &mid("a"), None);
    stage.idle_until(1100 * MS);
    stage.b.events.clear();
    stage.b.session.handle_rtp(stage.now, late[0].1.bytes.clone());
    stage.settle();
    assert!(stage.b.events.is_empty(), "{:?}", stage.b.events);
}

#[test]
fn a_section_goes_on_with_a_new_source() {
    let mut stage = Stage::new(6, Link { delay: 10 * MS, loss: Loss::Random(0.02), ..Link::default() });
    stage.run_until(2 * SECOND);
    let mut config = send_video(vp8());
    (config.ssrc, config.rtx_ssrc) = (Ssrc(0x2222_0001), Some(Ssrc(0x2222_0002)));
    stage.a.session.set_sender(stage.now, &mid("v"), Some(config));
    // A new encoder: its first picture is a key frame.
    stage.a.events.push(Event::KeyFrameRequested(mid("v"), None));
    stage.run_until(4 * SECOND);
    let numbers = stage.b.numbers("v");
    assert!(grows(&numbers) && numbers.len() >= 97, "{}", numbers.len());
    let repaired = stage.b.session.stats();
    let new = repaired.inbound.iter().find(|stream| stream.ssrc == Ssrc(0x2222_0001)).unwrap();
    assert!(new.frames > 40 && new.retransmitted_packets > 0, "{new:?}");
}

#[test]
fn the_same_source_goes_on_where_it_was() {
    let mut stage = Stage::new(7, Link { delay: 10 * MS, ..Link::default() });
    stage.run_until(SECOND);
    stage.a.session.set_sender(stage.now, &mid("v"), Some(send_video(vp8())));
    stage.run_until(2 * SECOND);
    stage.idle_until(3 * SECOND);
    assert_eq!(stage.b.numbers("v"), (0..50).collect::<Vec<_>>());
    assert!(byes(&stage.a).is_empty());
    assert_eq!(stage.b.session.stats().inbound.iter().map(|stream| stream.lost).sum::<i64>(), 0);
}

#[test]
fn a_source_that_pauses_goes_on_with_its_numbers() {
    let mut stage = Stage::new(11, Link { delay: 10 * MS, ..Link::default() });
    stage.run_until(SECOND);
    stage.a.session.set_sender(stage.now, &mid("v"), None);
    stage.idle_until(1100 * MS);
    let before = stage.b.numbers("v").len();
    // Negotiated anew, on both sides, right after the goodbye.
    stage.a.session.set_sender(stage.now, &mid("v"), Some(send_video(vp8())));
    stage.b.session.set_receiver(stage.now, &mid("v"), Some(receive(vp8())));
    stage.a.events.push(Event::KeyFrameRequested(mid("v"), None));
    stage.run_until(2 * SECOND);
    stage.idle_until(3 * SECOND);
    let media = stage.a.media();
    let numbers: Vec<u16> =
        media.iter().filter(|one| one.1.ssrc == VIDEO).map(|one| one.1.sequence.0).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "{numbers:?}");
    let timestamps: Vec<u32> =
        media.iter().filter(|one| one.1.ssrc == VIDEO).map(|one| one.1.timestamp).collect();
    assert!(timestamps.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) < 90_000), "{timestamps:?}");
    let after = stage.b.numbers("v").len();
    assert!(after >= before + 20, "{before} pictures before the pause, {after} after it");
}

#[test]
fn a_goodbye_that_has_not_left_is_taken_back_by_a_new_beginning() {
    let mut stage = Stage::new(12, Link { delay: 10 * MS, ..Link::default() });
    stage.run_until(SECOND);
    let before = stage.b.numbers("v").len();
    stage.a.session.set_sender(stage.now, &mid("v"), None);
    stage.a.session.set_sender(stage.now, &mid("v"), Some(send_video(vp8())));
    stage.a.events.push(Event::KeyFrameRequested(mid("v"), None));
    stage.run_until(2 * SECOND);
    assert!(byes(&stage.a).is_empty());
    assert!(stage.b.numbers("v").len() >= before + 20);
}

#[test]
fn named_sources_need_no_mid() {
    let start = start();
    let mut stage = Stage::empty(8, Link { delay: 10 * MS, ..Link::default() }, start);
    // Two sections of video with the same payload types, told apart by what the description names.
    for (index, section) in ["x", "y"].into_iter().enumerate() {
        let ssrc = Ssrc(500 + index as u32);
        stage.a.session.set_sender(start, &mid(section), Some(SendConfig::new(vp8(), ssrc)));
        let mut config = receive(vp8());
        config.ssrcs = vec![(ssrc, None)];
        stage.b.session.set_receiver(start, &mid(section), Some(config));
    }
    for tick in 0..25 {
        stage.idle_until(40 * MS * tick);
        for section in ["x", "y"] {
            let frame = picture(tick, tick == 0, 3000, stage.now);
            stage.a.session.send_frame(stage.now, &mid(section), &frame).unwrap();
        }
    }
    stage.idle_until(2 * SECOND);
    assert_eq!((stage.b.numbers("x").len(), stage.b.numbers("y").len()), (25, 25));
}

#[test]
fn a_remote_that_uses_our_source_is_told_of_and_ignored() {
    let mut stage = Stage::new(9, Link { delay: 10 * MS, ..Link::default() });
    stage.a.session.set_receiver(stage.start, &mid("v"), Some(receive(vp8())));
    stage.run_until(SECOND);
    // Our own packets come back to us.
    let looped: Vec<_> = stage.a.sent.iter().map(|(_, sent)| sent.clone()).collect();
    for sent in looped {
        match sent.kind {
            PacketKind::Rtp => stage.a.session.handle_rtp(stage.now, sent.bytes),
            PacketKind::Rtcp => stage.a.session.handle_rtcp(stage.now, sent.bytes),
        }
    }
    stage.settle();
    let collisions = stage.a.events.iter().filter(|event| matches!(event, Event::Collision { .. })).count();
    assert_eq!(collisions, 2);
    assert!(stage.a.session.stats().collisions > 100);
    assert!(stage.a.session.stats().inbound.is_empty());
    assert!(stage.a.frames.is_empty());
}

#[test]
fn a_frame_of_another_codec_is_refused() {
    let mut stage = Stage::new(10, Link::default());
    let error = stage.a.session.send_frame(stage.now, &mid("v"), &sound(0, stage.now)).unwrap_err();
    assert!(matches!(error, SendError::Format { .. }), "{error}");
    let mut empty = picture(0, true, 100, stage.now);
    empty.payload = BytesMut::new().freeze();
    let error = stage.a.session.send_frame(stage.now, &mid("v"), &empty).unwrap_err();
    assert!(matches!(error, SendError::Payload(_)), "{error}");
}

#[test]
fn transport_wide_numbers_run_over_all_streams_and_are_reported_on() {
    let mut stage = Stage::new(11, Link { delay: 10 * MS, loss: Loss::Random(0.05), ..Link::default() });
    stage.run_until(10 * SECOND);
    let mut expected = 1;
    for (_, sent) in stage.a.sent.iter().filter(|(_, sent)| sent.kind == PacketKind::Rtp) {
        let packet = peerless_wire::rtp::Packet::parse(sent.bytes.clone(), &extensions()).unwrap();
        assert_eq!(packet.header.extensions.transport_sequence, Some(expected));
        expected += 1;
    }
    let stats = stage.a.session.stats();
    // Feedback is lost as well as what it tells of.
    let reported = stats.transport_reported;
    assert!(reported * 10 > u64::from(expected) * 9, "{reported} of {expected}");
    let lost = stats.transport_lost as f64 / stats.transport_reported as f64;
    assert!((0.03..0.07).contains(&lost), "{lost}");
    let feedback = stage.b.control();
    let count = feedback.iter().filter(|(_, packet)| matches!(packet, Packet::TransportFeedback(_))).count();
    assert!((150..=210).contains(&count), "{count} in 10 s");
    assert!(Header::parse(&stage.a.sent[0].1.bytes).is_ok());
}

/// Gives B, now, a packet of sound number `number` that a mixer made of `csrcs`, each with its loudness.
fn mixed(stage: &mut Stage, number: u32, csrcs: &[(u32, u8)]) {
    let frame = sound(number, stage.now);
    let levels: Vec<u8> = csrcs.iter().map(|(_, level)| *level).collect();
    let mut header = Header::parse(&[0x80, 111, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]).unwrap().0;
    header.sequence = SequenceNumber(number as u16);
    header.timestamp = number * 960;
    csrcs.iter().for_each(|(csrc, _)| assert!(header.csrcs.push(Ssrc(*csrc))));
    header.extensions.audio_level = Some(AudioLevel { voice: true, level: 20 });
    header.extensions.csrc_levels = CsrcLevels::new(&levels);
    let mut out = BytesMut::new();
    header.write(&with_levels(), &mut out);
    out.extend_from_slice(&frame.payload);
    stage.b.session.handle_rtp(stage.now, out.freeze());
}

fn with_levels() -> ExtensionMap {
    let mut map = extensions();
    map.insert(9, ExtensionKind::CsrcAudioLevel);
    map
}

#[test]
fn whom_a_section_has_heard_is_known_for_ten_seconds() {
    let start = start();
    let mut stage = Stage::empty(11, Link::default(), start);
    let mut config = receive(opus());
    config.extensions = with_levels();
    stage.b.session.set_receiver(start, &mid("a"), Some(config));
    for number in 0..10 {
        stage.idle_until(20 * MS * number);
        let csrcs = if number < 5 { &[(1, 0), (2, 40)][..] } else { &[(2, 127)][..] };
        mixed(&mut stage, number, csrcs);
    }
    stage.idle_until(SECOND);
    let now = stage.now;
    let section = mid("a");
    let heard = stage.b.session.synchronization_sources(now, &section);
    assert_eq!(heard.len(), 1);
    let (source, level) = (heard[0], heard[0].audio_level.unwrap());
    assert_eq!((source.source, source.rtp_timestamp), (Ssrc(9), 9 * 960));
    assert!((level - 0.1).abs() < 1e-9, "{level}");
    // Told when the frame is handed on.
    let last = stage.b.frames.last().unwrap();
    assert_eq!((source.timestamp, last.2.timestamp), (last.0, 9 * 960));

    let mixed = stage.b.session.contributing_sources(now, &section);
    let told: Vec<_> =
        mixed.iter().map(|one| (one.source, one.rtp_timestamp, one.audio_level.unwrap())).collect();
    assert_eq!(told, [(Ssrc(2), 9 * 960, 0.0), (Ssrc(1), 4 * 960, 1.0)], "the latest first");

    let between = source.timestamp + 10 * SECOND - 50 * MS;
    let left: Vec<_> =
        stage.b.session.contributing_sources(between, &section).iter().map(|one| one.source).collect();
    assert_eq!(left, [Ssrc(2)], "the other was last heard 100 ms before");
    let after = source.timestamp + 10 * SECOND + MS;
    assert_eq!(stage.b.session.synchronization_sources(after, &section), []);
    assert_eq!(stage.b.session.contributing_sources(after, &section), []);
    assert_eq!(stage.b.session.synchronization_sources(now, &mid("other")), []);
}

#[test]
fn a_flood_of_contributing_sources_is_bounded() {
    let start = start();
    let mut stage = Stage::empty(12, Link::default(), start);
    let mut config = receive(opus());
    config.extensions = with_levels();
    stage.b.session.set_receiver(start, &mid("a"), Some(config));
    for number in 0..400 {
        stage.idle_until(20 * MS * number);
        let csrcs: Vec<_> = (0..15).map(|index| (number * 15 + index, 1)).collect();
        mixed(&mut stage, number, &csrcs);
    }
    stage.idle_until(9 * SECOND);
    let heard = stage.b.session.contributing_sources(stage.now, &mid("a"));
    assert_eq!(heard.len(), 128);
    assert_eq!(heard[0].rtp_timestamp, 399 * 960, "the latest are known");
}
