//! The path from a frame to its packets allocates nothing once it has run for a while.

mod stage;

use allocation_counter::measure;
use bytes::BytesMut;
use peerless_netsim::Link;
use peerless_rtp::session::PacketKind;
use stage::*;

#[test]
fn sending_a_frame_allocates_nothing_in_steady_state() {
    let (start, section) = (start(), mid("v"));
    let mut stage = Stage::new(1, Link::default());
    let mut out = BytesMut::with_capacity(64 * 1024);
    let (mut media, mut counted, mut reports) = (0, 0, 0);
    for number in 0..400_u32 {
        let now = start + 40 * MS * number;
        let frame = picture(number, number == 0, 20_000, now);
        // The first clone of a frame's bytes makes them shared: one allocation a frame, its owner's.
        let _shared = frame.payload.clone();
        let info = measure(|| stage.a.session.send_frame(now, &section, &frame).unwrap());
        let is_steady = number >= 200;
        assert!(!is_steady || info.count_total == 0, "{info:?} for frame {number}");
        for millisecond in 0..40 {
            let now = now + millisecond * MS;
            loop {
                out.clear();
                let mut kind = None;
                let info = measure(|| kind = stage.a.session.poll_packet(now, &mut out));
                match kind {
                    Some(PacketKind::Rtp) if is_steady => {
                        assert_eq!(info.count_total, 0, "{info:?} for a packet of frame {number}");
                        counted += 1;
                    }
                    // Reports go out about once a second.
                    Some(_) => {
                        assert!(!is_steady || info.count_total == 0, "{info:?} for a report");
                        reports += usize::from(is_steady);
                    }
                    None => {
                        assert!(!is_steady || info.count_total == 0, "{info:?} for nothing");
                        break;
                    }
                }
                media += 1;
            }
        }
    }
    assert!(counted > 3000 && media > counted && reports > 4, "{counted} of {media}, {reports} reports");
}

#[test]
fn reports_and_feedback_of_what_was_heard_allocate_nothing_in_steady_state() {
    let (start, section) = (start(), mid("v"));
    let mut stage = Stage::new(2, Link::default());
    let (mut out, mut told) = (BytesMut::new(), BytesMut::with_capacity(64 * 1024));
    let (mut reports, mut feedback) = (0, 0);
    for number in 0..400_u32 {
        let now = start + 40 * MS * number;
        stage.a.session.send_frame(now, &section, &picture(number, number == 0, 5_000, now)).unwrap();
        for millisecond in 0..40 {
            let now = now + millisecond * MS;
            while let Some(kind) = stage.a.session.poll_packet(now, &mut out) {
                match kind {
                    PacketKind::Rtp => stage.b.session.handle_rtp(now, out.split().freeze()),
                    PacketKind::Rtcp => stage.b.session.handle_rtcp(now, out.split().freeze()),
                }
            }
            while stage.b.session.poll_frame().is_some() {}
            loop {
                told.clear();
                let mut kind = None;
                let info = measure(|| kind = stage.b.session.poll_packet(now, &mut told));
                if kind.is_none() {
                    break;
                }
                assert!(number < 200 || info.count_total == 0, "{info:?}");
                let is_report = peerless_wire::rtcp::parse_compound(&told).count() >= 2;
                reports += usize::from(number >= 200 && is_report);
                feedback += usize::from(number >= 200 && !is_report);
            }
        }
    }
    assert!(reports >= 3 && feedback > 80, "{reports} reports, {feedback} of arrivals");
}

#[test]
fn receiving_allocates_for_frames_and_not_for_packets() {
    let start = start();
    let mut stage = Stage::new(3, Link::default());
    let mut out = BytesMut::new();
    let (mut packets, mut frames) = (0, 0);
    for number in 0..400_u32 {
        let now = start + 40 * MS * number;
        stage.a.session.send_frame(now, &mid("v"), &picture(number, number == 0, 20_000, now)).unwrap();
        for millisecond in 0..40 {
            let now = now + millisecond * MS;
            if millisecond % 20 == 0 {
                let sound = sound(2 * number + millisecond / 20, now);
                stage.a.session.send_frame(now, &mid("a"), &sound).unwrap();
            }
            let is_steady = number >= 200;
            while let Some(kind) = stage.a.session.poll_packet(now, &mut out) {
                let packet = out.split().freeze();
                let info = measure(|| match kind {
                    PacketKind::Rtp => stage.b.session.handle_rtp(now, packet.clone()),
                    PacketKind::Rtcp => {}
                });
                assert!(!is_steady || info.count_total <= 2, "{info:?} for a packet of frame {number}");
                packets += u64::from(is_steady && kind == PacketKind::Rtp);
                frames += if is_steady { info.count_total } else { 0 };
            }
            let info = measure(|| stage.b.session.handle_timeout(now));
            frames += if is_steady { info.count_total } else { 0 };
            while stage.b.session.poll_frame().is_some() {}
            let mut told = BytesMut::with_capacity(1500);
            while stage.b.session.poll_packet(now, &mut told).is_some() {}
        }
    }
    // 200 pictures of 17 packets and 400 sounds: a picture is gathered into one piece, a sound is its packet.
    assert!(packets > 3500, "{packets}");
    assert!(frames <= 2 * 200, "{frames} allocations for {packets} packets");
}

#[test]
fn sending_a_packet_again_allocates_nothing() {
    let mut stage = Stage::new(2, Link::default());
    stage.run_until(2 * SECOND);
    let last = stage.a.media().into_iter().rfind(|(_, header, _)| header.ssrc == VIDEO).unwrap().1.sequence;
    let lost = (0..10).map(|back| peerless_wire::rtp::SequenceNumber(last.0.wrapping_sub(9 - back)));
    let nack = peerless_wire::rtcp::Nack::new(peerless_wire::rtp::Ssrc(9), VIDEO, lost);
    let mut bytes = BytesMut::new();
    nack.write(&mut bytes);
    stage.a.session.handle_rtcp(stage.now, bytes.freeze());
    let mut out = BytesMut::with_capacity(64 * 1024);
    let mut again = 0;
    for step in 0..50 {
        let now = stage.now + step * MS;
        let mut kind = None;
        let info = measure(|| kind = stage.a.session.poll_packet(now, &mut out));
        if kind == Some(PacketKind::Rtp) {
            assert_eq!(info.count_total, 0, "{info:?}");
            again += 1;
        }
    }
    assert!(again >= 10, "{again}");
}
