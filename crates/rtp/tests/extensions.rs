//! Header extensions: what is written into packets as they leave, and how encodings of one section and their
//! retransmissions are told apart (RFC 6464, RFC 8852, abs-send-time, abs-capture-time).

mod stage;

use bytes::{BufMut, Bytes, BytesMut};
use peerless_netsim::Link;
use peerless_rtp::session::PacketKind;
use peerless_wire::rtp::{
    AudioLevel, Csrcs, ExtensionKind, ExtensionMap, Extensions, Header, Packet, SequenceNumber, ShortText,
    Ssrc,
};
use stage::*;

/// The extensions of the packets A sent from `ssrc`, with the time of each.
fn sent(stage: &Stage, ssrc: Ssrc) -> Vec<(std::time::Instant, Packet)> {
    let media = stage.a.sent.iter().filter(|(_, sent)| sent.kind == PacketKind::Rtp);
    let packets = media.map(|(at, sent)| (*at, Packet::parse(sent.bytes.clone(), &extensions()).unwrap()));
    packets.filter(|(_, packet)| packet.header.ssrc == ssrc).collect()
}

#[test]
fn every_packet_tells_when_it_left() {
    let mut stage = Stage::new(1, Link::default());
    stage.run_until(SECOND);
    let packets = sent(&stage, VIDEO);
    let (start, first) = (packets[0].0, packets[0].1.header.extensions.abs_send_time.unwrap());
    for (at, packet) in &packets {
        let ticks = packet.header.extensions.abs_send_time.unwrap().wrapping_sub(first) & 0x00ff_ffff;
        let expected = (*at - start).as_nanos() * (1 << 18) / 1_000_000_000;
        assert!(u128::from(ticks).abs_diff(expected) <= 1, "{ticks}, {expected}");
    }
}

#[test]
fn the_capture_time_is_told_once_a_second_on_the_first_packet_of_a_frame() {
    let mut stage = Stage::new(2, Link::default());
    stage.run_until(5 * SECOND);
    let packets = sent(&stage, VIDEO);
    let told: Vec<_> =
        packets.iter().filter(|(_, packet)| packet.header.extensions.abs_capture_time.is_some()).collect();
    assert!((5..=6).contains(&told.len()), "{}", told.len());
    let first = told[0].1.header.timestamp;
    let ntp = |packet: &Packet| packet.header.extensions.abs_capture_time.unwrap().timestamp;
    for (_, packet) in &told {
        // Frames are captured at their timestamp.
        let ticks = u64::from(packet.header.timestamp.wrapping_sub(first));
        let expected = (ticks << 32) / 90_000;
        assert!(ntp(packet).wrapping_sub(ntp(&told[0].1)).abs_diff(expected) < 1 << 12);
        let earlier = packets.iter().filter(|(_, other)| other.header.timestamp == packet.header.timestamp);
        assert_eq!(earlier.map(|(_, other)| other.header.sequence).next(), Some(packet.header.sequence));
    }
}

#[test]
fn the_audio_level_goes_with_sound_while_it_is_told() {
    let mut stage = Stage::new(3, Link::default());
    stage.run_until(SECOND);
    let level = AudioLevel { voice: true, level: 23 };
    stage.a.session.set_audio_level(&mid("a"), Some(level));
    let from = stage.now;
    stage.run_until(2 * SECOND);
    stage.a.session.set_audio_level(&mid("a"), None);
    let to = stage.now;
    stage.run_until(3 * SECOND);
    for (at, packet) in sent(&stage, AUDIO).into_iter().filter(|(at, _)| *at != from && *at != to) {
        let expected = (from..to).contains(&at).then_some(level);
        assert_eq!(packet.header.extensions.audio_level, expected);
    }
    assert!(sent(&stage, VIDEO).iter().all(|(_, packet)| packet.header.extensions.audio_level.is_none()));
}

#[test]
fn a_silent_source_sends_no_sender_reports() {
    let mut stage = Stage::new(4, Link { delay: 10 * MS, ..Link::default() });
    stage.run_until(3 * SECOND);
    let silent = stage.now;
    stage.idle_until(13 * SECOND);
    let reports = stage.a.control().into_iter().filter(|(at, packet)| {
        *at > silent + 3 * SECOND && matches!(packet, peerless_wire::rtcp::Packet::SenderReport(_))
    });
    assert_eq!(reports.count(), 0);
}

/// A VP8 frame of two packets as one encoding of a simulcast sends it; `part` 0 or 1.
fn simulcast(map: &ExtensionMap, rid: &str, ssrc: u32, frame: u32, part: u16) -> (Header, Bytes) {
    let text = ShortText::new(rid);
    let extensions = Extensions { mid: ShortText::new("v"), rid: text, ..Extensions::default() };
    let header = Header {
        marker: part == 1,
        payload_type: payload_type(96),
        sequence: SequenceNumber(frame as u16 * 2 + part),
        timestamp: frame * 3600,
        ssrc: Ssrc(ssrc),
        csrcs: Csrcs::new(),
        extensions,
    };
    assert!(map.has(ExtensionKind::Rid));
    let mut payload = BytesMut::new();
    payload.put_u8(if part == 0 { 0x10 } else { 0 });
    if part == 0 {
        payload.put_u8(if frame == 0 { 0x10 } else { 0x11 });
        payload.put_u32(frame);
    }
    payload.put_bytes(rid.as_bytes()[0], 50);
    (header, payload.freeze())
}

fn written(map: &ExtensionMap, header: &Header, payload: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    header.write(map, &mut out);
    out.extend_from_slice(payload);
    out.freeze()
}

#[test]
fn retransmissions_find_the_encoding_they_repair() {
    let start = start();
    let mut stage = Stage::empty(5, Link::default(), start);
    let mut map = extensions();
    map.insert(8, ExtensionKind::Rid);
    map.insert(9, ExtensionKind::RepairedRid);
    let mut config = receive(vp8());
    config.extensions = map.clone();
    stage.b.session.set_receiver(start, &mid("v"), Some(config));
    for frame in 0..10 {
        for (ssrc, rid) in [(1, "hi"), (2, "lo")] {
            for part in 0..2 {
                let (mut header, payload) = simulcast(&map, rid, ssrc, frame, part);
                if frame == 5 && part == 1 {
                    // It comes on another source, that only says which encoding it repairs.
                    let original = header.sequence.0.to_be_bytes();
                    header.payload_type = payload_type(97);
                    (header.ssrc, header.sequence) = (Ssrc(ssrc + 10), SequenceNumber(1));
                    header.extensions.repaired_rid = header.extensions.rid.take();
                    let repair = [&original[..], &payload].concat();
                    let next = simulcast(&map, rid, ssrc, 6, 0);
                    stage.b.session.handle_rtp(stage.now, written(&map, &next.0, &next.1));
                    stage.b.session.handle_rtp(stage.now, written(&map, &header, &repair));
                } else if (frame, part) != (6, 0) {
                    stage.b.session.handle_rtp(stage.now, written(&map, &header, &payload));
                }
            }
        }
        stage.settle();
    }
    stage.idle_until(SECOND);
    let stats = stage.b.session.stats();
    assert_eq!(stats.inbound.len(), 2);
    for stream in &stats.inbound {
        assert_eq!((stream.frames, stream.retransmitted_packets), (10, 1), "{stream:?}");
        let expected = if stream.ssrc == Ssrc(1) { "hi" } else { "lo" };
        assert_eq!(stream.rid.as_ref().map(|rid| rid.as_str()), Some(expected));
    }
}
