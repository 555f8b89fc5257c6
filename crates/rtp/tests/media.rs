//! Media flows through loss, reordering and duplication: lost packets are asked for and sent again, what cannot be
//! mended is skipped, and nothing undecodable is handed on (RFC 4585, RFC 4588).

mod stage;

use bytes::BytesMut;
use peerless_netsim::{Link, Loss};
use peerless_rtp::config::Config;
use peerless_rtp::session::{Event, PacketKind, Session};
use stage::*;

#[test]
fn everything_arrives_over_a_clean_path() {
    let mut stage = Stage::new(1, Link { delay: 20 * MS, ..Link::default() });
    stage.run_until(10 * SECOND);
    stage.idle_until(11 * SECOND);
    assert_eq!(stage.b.numbers("v"), (0..250).collect::<Vec<_>>());
    assert_eq!(stage.b.numbers("a"), (0..500).collect::<Vec<_>>());
    stage.assert_decodable();
    let stats = stage.b.session.stats();
    assert!(stats.inbound.iter().all(|stream| stream.lost == 0 && stream.nacks == 0 && stream.plis == 0));
    assert_eq!((stats.malformed, stats.unroutable), (0, 0));
}

#[test]
fn loss_up_to_ten_percent_is_mended_by_retransmission() {
    for (seed, percent) in [(1, 1), (2, 2), (3, 5), (4, 10)] {
        let loss = Loss::Random(f64::from(percent) / 100.0);
        let mut stage = Stage::new(seed, Link { delay: 25 * MS, loss, ..Link::default() });
        stage.run_until(20 * SECOND);
        let (video, audio) = (stage.b.numbers("v").len(), stage.b.numbers("a").len());
        // A picture is six packets: at 10 % half of them would be lost.
        assert!(video >= 480, "{percent} %: {video} of 500 pictures");
        assert!(audio >= 1000 - 13 * percent as usize, "{percent} %: {audio} of 1000 sounds");
        stage.assert_decodable();
        let sent = &stage.a.session.stats().outbound[0];
        let expected = sent.packets * percent as u64 / 100;
        assert!(sent.retransmitted_packets > expected / 2, "{sent:?}");
        assert!(sent.retransmitted_packets < expected * 2 + 20, "{sent:?}");
        assert!(stage.a.media().iter().any(|(_, header, _)| header.ssrc == VIDEO_RTX));
        let received = stage.b.session.stats();
        let video = received.inbound.iter().find(|stream| stream.ssrc == VIDEO).unwrap();
        assert!(video.retransmitted_packets > 0 && video.lost > 0, "{video:?}");
    }
}

#[test]
fn any_path_of_many_carries_media() {
    for seed in 0..60_u32 {
        let loss = Loss::Random(f64::from(seed % 11) / 100.0);
        let link = Link {
            delay: seed * 37 % 200 * MS,
            jitter: seed * 7 % 30 * MS,
            loss,
            reorder: f64::from(seed % 5) / 50.0,
            duplicate: f64::from(seed % 3) / 50.0,
            ..Link::default()
        };
        let mut stage = Stage::new(u64::from(seed), link);
        stage.run_until(6 * SECOND);
        stage.assert_decodable();
        let (video, audio) = (stage.b.numbers("v").len(), stage.b.numbers("a").len());
        // Six seconds in which a tenth of all packets, NACKs and reports too, is lost over a round trip of 400 ms are
        // little, a third of which the last pictures are still waited for; most paths keep nearly everything.
        let least = if seed % 11 > 3 && link.delay > 100 * MS { 60 } else { 120 };
        assert!(video >= least && audio > 230, "seed {seed}: {video} of 150 pictures, {audio} of 300 sounds");
    }
}

#[test]
fn without_a_source_of_their_own_retransmissions_repeat_the_packet() {
    let mut codec = vp8();
    codec.rtx = None;
    let start = start();
    let mut stage =
        Stage::empty(5, Link { delay: 25 * MS, loss: Loss::Random(0.05), ..Link::default() }, start);
    stage.a.session.set_sender(start, &mid("v"), Some(send_video(codec.clone())));
    stage.b.session.set_receiver(start, &mid("v"), Some(receive(codec)));
    while stage.pictures < 250 {
        stage.idle_until(40 * MS * stage.pictures);
        stage.give_picture();
    }
    stage.idle_until(11 * SECOND);
    assert!(stage.b.numbers("v").len() >= 240, "{}", stage.b.numbers("v").len());
    stage.assert_decodable();
    assert!(stage.a.media().iter().all(|(_, header, _)| header.ssrc == VIDEO));
    assert!(stage.a.session.stats().outbound[0].retransmitted_packets > 30);
}

#[test]
fn reordering_and_duplication_cost_no_frame() {
    let link =
        Link { delay: 30 * MS, reorder: 0.1, reorder_delay: 10 * MS, duplicate: 0.1, ..Link::default() };
    let mut stage = Stage::new(6, link);
    stage.run_until(10 * SECOND);
    stage.idle_until(11 * SECOND);
    assert_eq!(stage.b.numbers("v").len(), 250);
    assert_eq!(stage.b.numbers("a").len(), 500);
    stage.assert_decodable();
    let stats = stage.b.session.stats();
    assert!(stats.inbound.iter().map(|stream| stream.duplicates + stream.late).sum::<u64>() > 100);
}

#[test]
fn bursts_of_loss_end_in_a_key_frame() {
    let loss = Loss::Bursts { begin: 0.001, end: 0.002, loss: 0.95 };
    let mut stage = Stage::new(7, Link { delay: 25 * MS, loss, ..Link::default() });
    stage.run_until(30 * SECOND);
    stage.assert_decodable();
    assert!(stage.b.numbers("v").len() > 500, "{}", stage.b.numbers("v").len());
    let stats = stage.a.session.stats();
    assert!(stats.outbound[0].key_frames > 1, "{:?}", stats.outbound[0]);
}

#[test]
fn video_of_nothing_but_lost_retransmissions_is_given_up_and_begins_anew() {
    let mut stage = Stage::new(8, Link { delay: 25 * MS, ..Link::default() });
    stage.run_until(SECOND);
    stage.network.set_default_link(Link::cut());
    stage.run_until(3 * SECOND);
    stage.network.set_default_link(Link { delay: 25 * MS, ..Link::default() });
    stage.run_until(6 * SECOND);
    stage.assert_decodable();
    let (at, last, _) = stage.b.frames.last().unwrap();
    assert!(stage.now - *at < 100 * MS, "{last} stopped");
    let resumed = stage.b.numbers("v").into_iter().find(|number| *number >= 75).unwrap();
    assert!(resumed < 75 + 15, "resumed with {resumed}");
}

#[test]
fn a_large_frame_is_spread_over_time_and_sound_passes_it() {
    let mut stage = Stage::new(9, Link { delay: 10 * MS, ..Link::default() });
    stage.key_len = 100_000;
    stage.run_until(SECOND);
    let video: Vec<_> = stage.a.media().into_iter().filter(|(_, header, _)| header.ssrc == VIDEO).collect();
    let key: Vec<_> =
        video.iter().filter(|(_, header, _)| header.timestamp == video[0].1.timestamp).collect();
    let took = key.last().unwrap().0 - key[0].0;
    // 3 Mbit/s times 2.5: 100 kB take 107 ms.
    assert!((80..130).contains(&took.as_millis()), "{took:?}");
    let worst =
        key.iter().map(|(at, _, _)| key.iter().filter(|(other, _, _)| other == at).count()).max().unwrap();
    assert!(worst <= 8, "{worst} packets at once");
    for (at, _, frame) in stage.b.frames.iter().filter(|(_, section, _)| section.as_str() == "a") {
        let delay = *at - (stage.start + 20 * MS * number(&frame.payload));
        // 10 ms on the way, 10 in the jitter buffer.
        assert_eq!(delay, 20 * MS);
    }
}

#[test]
fn packets_of_a_frame_are_of_one_size_but_for_the_last_ones() {
    let mut stage = Stage::new(10, Link { delay: 10 * MS, ..Link::default() });
    stage.run_until(5 * SECOND);
    let video: Vec<_> = stage.a.media().into_iter().filter(|(_, header, _)| header.ssrc == VIDEO).collect();
    let late = video.iter().filter(|(at, _, _)| *at > stage.start + 2 * SECOND);
    let mut changes = 0;
    let mut frames = 0;
    let mut last: Option<(u32, usize)> = None;
    for (_, header, len) in late {
        match last {
            Some((timestamp, before)) if timestamp == header.timestamp => {
                changes += usize::from(before != *len)
            }
            _ => frames += 1,
        }
        last = Some((header.timestamp, *len));
    }
    assert!(frames > 70 && changes <= frames + 5, "{changes} changes of size in {frames} frames");
}

#[test]
fn the_media_section_is_told_until_the_remote_has_reported() {
    let mut stage = Stage::new(11, Link { delay: 10 * MS, ..Link::default() });
    stage.run_until(5 * SECOND);
    let with_mid = |from: std::time::Duration, to: std::time::Duration| {
        let packets =
            stage.a.sent.iter().filter(|(at, sent)| {
                sent.kind == PacketKind::Rtp && (from..to).contains(&(*at - stage.start))
            });
        let told = packets.clone().filter(|(_, sent)| {
            let packet = peerless_wire::rtp::Packet::parse(sent.bytes.clone(), &extensions()).unwrap();
            packet.header.extensions.mid.is_some()
        });
        (told.count(), packets.count())
    };
    let (told, all) = with_mid(std::time::Duration::ZERO, 50 * MS);
    assert!(all > 3 && told == all, "{told} of {all}");
    assert_eq!(with_mid(2 * SECOND, 5 * SECOND).0, 0);
}

#[test]
fn frames_are_dropped_up_to_a_key_frame_when_nothing_can_be_sent() {
    let start = start();
    let mut stage = Stage::empty(12, Link::default(), start);
    stage.a.session.set_sender(start, &mid("v"), Some(send_video(vp8())));
    // Nobody polls for packets, as while there is no route.
    for number in 0..100 {
        let frame = picture(number, number == 0, 6000, start);
        stage.a.session.send_frame(start + 40 * MS * number, &mid("v"), &frame).unwrap();
    }
    let stats = stage.a.session.stats().outbound[0].clone();
    assert_eq!(stats.frames_dropped, 100 - 26, "those after the first second");
    let requests = std::iter::from_fn(|| stage.a.session.poll_event());
    let requests = requests.filter(|event| *event == Event::KeyFrameRequested(mid("v"), None)).count();
    assert!((2..=4).contains(&requests), "{requests}");
    let now = start + 4 * SECOND;
    stage.a.session.send_frame(now, &mid("v"), &picture(100, true, 6000, now)).unwrap();
    let stats = stage.a.session.stats().outbound[0].clone();
    assert_eq!((stats.frames_dropped, stats.queued_packets), (100, 6));
}

#[test]
fn an_encoder_that_gives_more_than_was_assumed_is_not_held_back() {
    let start = start();
    let wall = std::time::SystemTime::UNIX_EPOCH;
    let mut session = Session::new(Config::new("end", [13; 32], (start, wall)));
    session.set_sender(start, &mid("v"), Some(send_video(vp8())));
    let (mut now, mut worst, mut out) = (start, std::time::Duration::ZERO, BytesMut::new());
    // 20 kB 25 times a second, 4 Mbit/s, where 1.5 Mbit/s is assumed.
    for number in 0..250 {
        let due = start + 40 * MS * number;
        while let Some(next) = session.poll_timeout().filter(|next| *next < due) {
            now = now.max(next);
            while let Some(kind) = session.poll_packet(now, &mut out) {
                if number > 25 && kind == PacketKind::Rtp {
                    worst = worst.max(now - (due - 40 * MS));
                }
            }
        }
        now = due;
        session.send_frame(now, &mid("v"), &picture(number, number == 0, 20_000, now)).unwrap();
        out.clear();
    }
    let stats = session.stats().outbound[0].clone();
    assert_eq!((stats.target_bitrate, stats.frames_dropped), (None, 0));
    assert!(stats.frames >= 249, "each has left before the next: {}", stats.frames);
    assert!((10 * MS..25 * MS).contains(&worst), "paced at 10 Mbit/s: {worst:?}");
}
