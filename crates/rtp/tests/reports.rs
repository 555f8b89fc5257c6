//! Reports: when they are sent, what stands in them, and what is learnt from them (RFC 3550 §6, RFC 3611, RFC 5506,
//! RFC 8108).

mod stage;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use peerless_netsim::{Link, Loss};
use peerless_rtp::config::SendConfig;
use peerless_rtp::session::{Event, PacketKind};
use peerless_wire::rtcp::{
    ExtendedReport, Packet, ReceiverReport, ReportBlock, SenderReport, XrBlock, parse_compound,
};
use peerless_wire::rtp::{Header, Ssrc};
use stage::*;

/// The NTP time of `since` after the start, by A's clock.
fn ntp(since: Duration) -> u64 {
    let seconds = 2_208_988_800 + 1_700_000_000 + since.as_secs();
    (seconds << 32) | ((u64::from(since.subsec_nanos()) << 32) / 1_000_000_000)
}

fn sender_reports(stage: &Stage, ssrc: Ssrc) -> Vec<(std::time::Instant, SenderReport)> {
    let reports = stage.a.control().into_iter().filter_map(|(at, packet)| match packet {
        Packet::SenderReport(report) if report.ssrc == ssrc => Some((at, report)),
        _ => None,
    });
    reports.collect()
}

#[test]
fn sender_reports_tell_the_time_of_the_rtp_clock_at_the_moment_of_the_report() {
    let mut stage = Stage::new(1, Link { delay: 10 * MS, ..Link::default() });
    stage.run_until(10 * SECOND);
    let first = &stage.a.media().into_iter().find(|(_, header, _)| header.ssrc == VIDEO).unwrap();
    let offset = first.1.timestamp;
    let reports = sender_reports(&stage, VIDEO);
    assert!((8..=14).contains(&reports.len()), "{}", reports.len());
    for (at, report) in &reports {
        let since = *at - stage.start;
        assert_eq!(report.ntp, ntp(since));
        // Frames are captured at their timestamp: the clock runs evenly from the first.
        let expected = offset.wrapping_add((since.as_nanos() * 90_000 / 1_000_000_000) as u32);
        assert!(
            report.rtp_timestamp.wrapping_sub(expected).cast_signed().abs() <= 1,
            "{report:?}, {expected}"
        );
    }
    assert!(reports[0].0 - stage.start < 200 * MS, "the first comes early");
}

#[test]
fn sender_reports_count_packets_and_payload_bytes() {
    let mut stage = Stage::new(2, Link { delay: 10 * MS, loss: Loss::Random(0.05), ..Link::default() });
    stage.run_until(10 * SECOND);
    for ssrc in [VIDEO, AUDIO, VIDEO_RTX] {
        let (at, last) = sender_reports(&stage, ssrc).pop().unwrap();
        let mut packets = 0;
        let mut octets = 0;
        for (_, sent) in stage.a.sent.iter().filter(|(when, sent)| *when < at && sent.kind == PacketKind::Rtp)
        {
            let packet = peerless_wire::rtp::Packet::parse(sent.bytes.clone(), &extensions()).unwrap();
            if packet.header.ssrc == ssrc {
                packets += 1;
                octets += packet.payload.len() as u32;
            }
        }
        assert!(
            packets > 0 && (last.packets, last.octets) == (packets, octets),
            "{last:?}: {packets}, {octets}"
        );
    }
}

#[test]
fn all_that_came_of_a_source_counts_as_received_repairs_and_duplicates_too() {
    let link = Link { delay: 10 * MS, loss: Loss::Random(0.05), duplicate: 0.05, ..Link::default() };
    let mut stage = Stage::new(6, link);
    stage.run_until(10 * SECOND);
    for (mid, sources) in [("v", [VIDEO, VIDEO_RTX]), ("a", [AUDIO, AUDIO])] {
        let (mut packets, mut bytes, mut header_bytes) = (0, 0, 0);
        for sent in stage.b.received.iter().filter(|sent| sent.kind == PacketKind::Rtp) {
            let packet = peerless_wire::rtp::Packet::parse(sent.bytes.clone(), &extensions()).unwrap();
            if sources.contains(&packet.header.ssrc) {
                packets += 1;
                bytes += packet.payload.len() as u64;
                header_bytes += (sent.bytes.len() - packet.payload.len()) as u64;
            }
        }
        let counted = stage.b.inbound(mid);
        assert_eq!((counted.packets, counted.bytes, counted.header_bytes), (packets, bytes, header_bytes));
        assert!(counted.duplicates > 0 && counted.retransmitted_packets < packets, "{counted:?}");
    }
}

#[test]
fn every_compound_begins_with_a_report_and_names_all_its_sources() {
    let mut stage = Stage::new(3, Link { delay: 10 * MS, ..Link::default() });
    stage.run_until(10 * SECOND);
    let mut with_all = 0;
    for (_, sent) in stage.a.sent.iter().filter(|(_, sent)| sent.kind == PacketKind::Rtcp) {
        let packets: Vec<_> = parse_compound(&sent.bytes).map(Result::unwrap).collect();
        assert!(matches!(packets[0], Packet::SenderReport(_) | Packet::ReceiverReport(_)));
        let sdes = packets.iter().find_map(|packet| match packet {
            Packet::SourceDescription(sdes) => Some(sdes),
            _ => None,
        });
        let reports = packets.iter().filter_map(|packet| match packet {
            Packet::SenderReport(report) => Some(report.ssrc),
            _ => None,
        });
        let sources: Vec<_> = reports.collect();
        for source in &sources {
            assert_eq!(sdes.unwrap().cname(*source).as_deref(), Some("end-3"));
        }
        with_all += usize::from(sources == [VIDEO, AUDIO]);
    }
    assert!(with_all >= 7, "{with_all}");
}

#[test]
fn round_trip_is_right_within_a_millisecond() {
    for delay in [0, 5, 40, 150, 400] {
        let mut stage = Stage::new(4, Link { delay: delay * MS, ..Link::default() });
        stage.run_until(8 * SECOND);
        let stats = stage.a.session.stats();
        for stream in &stats.outbound {
            let remote = stream.remote.as_ref().unwrap();
            let rtt = remote.rtt.unwrap();
            assert!(rtt.abs_diff(2 * delay * MS) < MS, "{rtt:?} for {delay} ms each way");
            assert!(remote.rtt_measurements >= 2);
            // Nothing is lost here: what was not yet reported on is on its way.
            assert!((stream.packets / 2..=stream.packets).contains(&remote.packets), "{stream:?}");
            assert!(stream.send_delay < SECOND * stream.packets as u32, "{stream:?}");
            assert!(remote.total_rtt.abs_diff(rtt * remote.rtt_measurements as u32) < 10 * MS);
        }
        assert!(stats.rtt.unwrap().abs_diff(2 * delay * MS) < MS);
    }
}

#[test]
fn receiver_reports_tell_loss_as_it_was() {
    let mut stage = Stage::new(5, Link { delay: 10 * MS, ..Link::default() });
    stage.run_until(SECOND);
    // From here on by hand: what A sends of sound is dropped as we say.
    let mut arrived = Vec::new();
    let audio = |sent: &(std::time::Instant, Sent)| {
        sent.1.kind == PacketKind::Rtp && Header::parse(&sent.1.bytes).unwrap().0.ssrc == AUDIO
    };
    let sent: Vec<_> = stage.a.sent.iter().filter(|sent| audio(sent)).cloned().collect();
    let mut other = Stage::empty(6, Link::default(), stage.start);
    let mut config = receive(opus());
    config.ssrcs = vec![(AUDIO, None)];
    other.b.session.set_receiver(other.start, &mid("a"), Some(config));
    for (index, (at, sent)) in sent.iter().take(40).enumerate() {
        if index % 8 == 3 {
            continue;
        }
        other.idle_until(*at - stage.start);
        other.b.session.handle_rtp(other.now, sent.bytes.clone());
        arrived.push((other.now, Header::parse(&sent.bytes).unwrap().0.sequence.0));
    }
    other.idle_until(5 * SECOND);
    let blocks = other.b.control().into_iter().filter_map(|(at, packet)| match packet {
        Packet::ReceiverReport(report) => report.blocks.first().map(|block| (at, *block)),
        _ => None,
    });
    let blocks: Vec<_> = blocks.collect();
    assert!(!blocks.is_empty());
    let (mut before, mut lost_before) = (0, 0);
    let first = arrived[0].1;
    for (at, block) in &blocks {
        let heard: Vec<_> =
            arrived.iter().filter(|(when, _)| when <= at).map(|(_, sequence)| *sequence).collect();
        let highest = *heard.last().unwrap();
        let expected = u32::from(highest.wrapping_sub(first)) + 1;
        let lost = expected - heard.len() as u32;
        assert_eq!(
            (block.ssrc, block.lost as u32, block.highest_sequence),
            (AUDIO, lost, u32::from(highest))
        );
        assert_eq!(u32::from(block.fraction_lost), (lost - lost_before) * 256 / (expected - before));
        assert_eq!((block.last_report, block.delay_since_last_report), (0, 0));
        (before, lost_before) = (expected, lost);
    }
    assert_eq!(lost_before, 5);
}

#[test]
fn jitter_is_that_of_the_path() {
    // Uniform jitter of 0 to 20 ms: two delays differ by a third of that on average.
    let mut stage = Stage::new(7, Link { delay: 10 * MS, jitter: 20 * MS, ..Link::default() });
    stage.run_until(20 * SECOND);
    let stats = stage.b.session.stats();
    let audio = stats.inbound.iter().find(|stream| stream.ssrc == AUDIO).unwrap();
    assert!((3500..9500).contains(&audio.jitter.as_micros()), "{:?}", audio.jitter);
    // The remote learns of it in units of time, whatever the clock.
    let sent = stage.a.session.stats();
    let remote = sent.outbound.iter().find(|stream| stream.ssrc == AUDIO).unwrap().remote.clone().unwrap();
    assert!((3500..9500).contains(&remote.jitter.as_micros()), "{:?}", remote.jitter);
    let clean = Stage::new(7, Link { delay: 10 * MS, ..Link::default() });
    let mut clean = clean;
    clean.run_until(5 * SECOND);
    let stats = clean.b.session.stats();
    let audio = stats.inbound.iter().find(|stream| stream.ssrc == AUDIO).unwrap();
    assert_eq!(audio.jitter, Duration::ZERO);
}

#[test]
fn a_report_block_gives_the_stats_of_the_remote() {
    let mut stage = Stage::new(8, Link::default());
    stage.run_until(SECOND);
    let block = ReportBlock {
        ssrc: VIDEO,
        fraction_lost: 64,
        lost: -3,
        highest_sequence: 0x0001_0002,
        jitter: 450,
        // The report was sent 500 ms ago and lay 300 ms at the remote.
        last_report: (ntp(500 * MS) >> 16) as u32,
        delay_since_last_report: 65_536 * 3 / 10,
    };
    let mut bytes = BytesMut::new();
    ReceiverReport { ssrc: Ssrc(5), blocks: vec![block], extension: vec![] }.write(&mut bytes);
    stage.a.session.handle_rtcp(stage.now, bytes.freeze());
    let stats = stage.a.session.stats();
    let remote = stats.outbound[0].remote.clone().unwrap();
    assert_eq!((remote.fraction_lost, remote.lost, remote.highest_sequence), (0.25, -3, 0x0001_0002));
    assert_eq!((remote.jitter, remote.reported), (5 * MS, stage.now));
    assert!(remote.rtt.unwrap().abs_diff(200 * MS) < MS / 10, "{:?}", remote.rtt);
}

#[test]
fn streams_of_one_remote_can_be_synchronised() {
    let mut stage = Stage::new(9, Link { delay: 30 * MS, ..Link::default() });
    stage.run_until(5 * SECOND);
    let stats = stage.b.session.stats();
    for stream in &stats.inbound {
        let frames = stage.b.frames.iter().filter(|(_, section, _)| *section == stream.mid);
        let (_, _, last) = frames.last().unwrap();
        let step = if stream.ssrc == VIDEO { 40 * MS } else { 20 * MS };
        let captured = ntp(step * number(&last.payload));
        let off = stream.last_frame_ntp.unwrap().wrapping_sub(captured).cast_signed();
        assert!(off.unsigned_abs() < (1 << 32) / 1000, "{off}");
    }
}

#[test]
fn one_that_only_receives_learns_the_round_trip_by_reference_times() {
    let start = start();
    let mut stage = Stage::new(10, Link { delay: 35 * MS, ..Link::default() });
    for (section, codec) in [("v", vp8()), ("a", opus())] {
        let mut config = receive(codec);
        config.reference_time = true;
        stage.b.session.set_receiver(start, &mid(section), Some(config));
    }
    stage.run_until(5 * SECOND);
    let rtt = stage.b.session.stats().rtt.unwrap();
    assert!(rtt.abs_diff(70 * MS) < MS, "{rtt:?}");
    // The answers come from one of the sources, and count for that one.
    let inbound = stage.b.session.stats().inbound;
    let trips: Vec<_> =
        inbound.iter().filter_map(|stream| stream.remote.as_ref()).map(|remote| remote.round_trips).collect();
    let answered: Vec<_> = trips.iter().filter(|trips| trips.measurements > 0).collect();
    assert_eq!((trips.len(), answered.len()), (2, 1), "{trips:?}");
    assert!(answered[0].measurements > 1 && answered[0].last.unwrap().abs_diff(70 * MS) < MS);
    assert!(answered[0].total >= 69 * MS * answered[0].measurements as u32);
    assert!(stage.a.control().iter().any(|(_, packet)| matches!(packet,
        Packet::ExtendedReport(ExtendedReport { blocks, .. }) if matches!(blocks[0], XrBlock::Dlrr(_)))));
}

#[test]
fn many_sources_are_reported_in_packets_that_fit() {
    let start = start();
    let mut stage = Stage::empty(11, Link { delay: 5 * MS, ..Link::default() }, start);
    for index in 0..60 {
        let section = mid(&format!("a{index}"));
        let mut config = SendConfig::new(opus(), Ssrc(100 + index));
        config.extensions = extensions();
        stage.a.session.set_sender(start, &section, Some(config));
        stage.b.session.set_receiver(start, &section, Some(receive(opus())));
    }
    for tick in 0..150 {
        stage.idle_until(20 * MS * tick);
        for index in 0..60 {
            let frame = sound(tick, stage.now);
            stage.a.session.send_frame(stage.now, &mid(&format!("a{index}")), &frame).unwrap();
        }
    }
    stage.idle_until(4 * SECOND);
    let stats = stage.a.session.stats();
    assert!(
        stats.outbound.iter().all(|stream| stream.remote.as_ref().is_some_and(|remote| remote.rtt.is_some()))
    );
    let largest = stage.a.sent.iter().filter(|(_, sent)| sent.kind == PacketKind::Rtcp);
    assert!(largest.map(|(_, sent)| sent.bytes.len()).max().unwrap() > 1000);
}

#[test]
fn feedback_goes_alone_only_where_all_agreed() {
    for agreed in [true, false] {
        let mut stage = Stage::new(12, Link { delay: 20 * MS, loss: Loss::Random(0.05), ..Link::default() });
        let mut config = receive(opus());
        config.reduced_size = agreed;
        stage.b.session.set_receiver(stage.start, &mid("a"), Some(config));
        stage.run_until(5 * SECOND);
        let first = |bytes: &Bytes| parse_compound(bytes).next().unwrap().unwrap();
        let compounds = stage.b.sent.iter().filter(|(_, sent)| sent.kind == PacketKind::Rtcp);
        let alone = compounds
            .filter(|(_, sent)| {
                !matches!(first(&sent.bytes), Packet::SenderReport(_) | Packet::ReceiverReport(_))
            })
            .count();
        assert_eq!(alone > 0, agreed);
        assert!(stage.a.session.stats().outbound[0].nacks > 0);
    }
}

#[test]
fn control_packets_are_told_with_diagnostics_only() {
    let start = start();
    let quiet = Stage::new(13, Link::default());
    let mut quiet = quiet;
    quiet.run_until(2 * SECOND);
    assert!(!quiet.b.events.iter().any(|event| matches!(event, Event::Rtcp { .. })));
    let wall = std::time::SystemTime::UNIX_EPOCH;
    let mut config = peerless_rtp::config::Config::new("x", [1; 32], (start, wall));
    config.diagnostics = true;
    let mut stage = Stage::new(13, Link::default());
    stage.b.session = peerless_rtp::session::Session::new(config);
    stage.b.session.set_receiver(start, &mid("v"), Some(receive(vp8())));
    stage.run_until(2 * SECOND);
    for direction in [true, false] {
        let told = |event: &&Event| matches!(event, Event::Rtcp { sent, summary } if *sent == direction && !summary.is_empty());
        assert!(stage.b.events.iter().filter(told).count() > 0, "sent: {direction}");
    }
}
