//! When reports are due, and how rounds of them fill compound packets.

use peerless_wire::rtcp::{Packet, parse_compound};

use super::*;
use crate::moment::start;

const VIDEO: Load = Load { has_video: true, bitrate: 2_000_000 };

fn report(ssrc: u32) -> SenderReport {
    let (ntp, rtp_timestamp, packets, octets) = (1, 2, 3, 4);
    SenderReport { ssrc: Ssrc(ssrc), ntp, rtp_timestamp, packets, octets, blocks: vec![], extension: vec![] }
}

fn block(ssrc: u32) -> ReportBlock {
    let (highest_sequence, last_report, delay_since_last_report) = (1, 2, 3);
    let (fraction_lost, lost, jitter) = (0, 0, 0);
    let ssrc = Ssrc(ssrc);
    ReportBlock { ssrc, fraction_lost, lost, highest_sequence, jitter, last_report, delay_since_last_report }
}

fn write(round: &mut Round, limit: usize) -> (Vec<Packet>, usize) {
    let (mut desk, mut out) = (Desk::new("a-canonical-name"), BytesMut::new());
    // What was written before leaves no trace.
    Round { reports: [7, 8].map(report).into(), blocks: [9].map(block).into() }.write(
        Ssrc(98),
        &mut desk,
        limit,
        &mut out,
    );
    out.clear();
    round.write(Ssrc(99), &mut desk, limit, &mut out);
    assert!(out.len() <= limit, "{}", out.len());
    (parse_compound(&out).map(Result::unwrap).collect(), out.len())
}

#[test]
fn the_first_report_is_early_and_those_after_it_a_second_apart_on_average() {
    let start = start();
    let mut schedule = Schedule::new([7; 32], 1);
    assert!(!schedule.take_due(start, VIDEO));
    schedule.hasten(start);
    let first = schedule.poll_timeout().unwrap() - start;
    assert!((50..=150).contains(&first.as_millis()), "{first:?}");
    let mut intervals = Vec::new();
    let mut now = schedule.poll_timeout().unwrap();
    for _ in 0..1000 {
        assert!(schedule.take_due(now, VIDEO));
        let next = schedule.poll_timeout().unwrap();
        intervals.push((next - now).as_secs_f64());
        now = next;
    }
    assert!(intervals.iter().all(|interval| (0.5..=1.5).contains(interval)));
    let mean = intervals.iter().sum::<f64>() / 1000.0;
    assert!((0.95..1.05).contains(&mean), "{mean}");
    assert!(
        intervals.iter().any(|interval| *interval < 0.6) && intervals.iter().any(|interval| *interval > 1.4)
    );
}

#[test]
fn large_reports_of_a_thin_session_are_rarer() {
    let mut schedule = Schedule::new([7; 32], 1);
    (0..100).for_each(|_| schedule.count(1172));
    schedule.hasten(start());
    let due = schedule.poll_timeout().unwrap();
    assert!(schedule.take_due(due, Load { has_video: false, bitrate: 0 }));
    // Two members' 1200 bytes within 400 byte/s: 6 s, varied by half.
    let interval = schedule.poll_timeout().unwrap() - due;
    assert!((2.8..9.1).contains(&interval.as_secs_f64()), "{interval:?}");
}

#[test]
fn one_compound_tells_of_all_senders_and_sources() {
    let mut round = Round { reports: [1, 2, 3].map(report).into(), blocks: [10, 11].map(block).into() };
    let (packets, _) = write(&mut round, 1200);
    assert!(round.is_empty());
    let Packet::SenderReport(first) = &packets[0] else { panic!("{packets:?}") };
    assert_eq!((first.ssrc, first.blocks.len()), (Ssrc(1), 2));
    let Packet::SourceDescription(sdes) = &packets[3] else { panic!("{packets:?}") };
    for ssrc in [1, 2, 3] {
        assert_eq!(sdes.cname(Ssrc(ssrc)).as_deref(), Some("a-canonical-name"));
    }
}

#[test]
fn one_that_only_receives_reports_as_a_receiver() {
    let mut round = Round { blocks: [block(10)].into(), ..Round::default() };
    let (packets, _) = write(&mut round, 1200);
    let Packet::ReceiverReport(report) = &packets[0] else { panic!("{packets:?}") };
    assert_eq!((report.ssrc, report.blocks.len()), (Ssrc(99), 1));
}

#[test]
fn what_does_not_fit_goes_into_further_compounds() {
    let mut round = Round { reports: (0..40).map(report).collect(), blocks: (100..180).map(block).collect() };
    let (mut senders, mut blocks) = (Vec::new(), Vec::new());
    while !round.is_empty() {
        let (packets, _) = write(&mut round, 600);
        let is_report =
            |packet: &Packet| matches!(packet, Packet::SenderReport(_) | Packet::ReceiverReport(_));
        assert!(is_report(&packets[0]));
        for packet in packets {
            match packet {
                Packet::SenderReport(report) => {
                    senders.push(report.ssrc.0);
                    blocks.extend(report.blocks);
                }
                Packet::ReceiverReport(report) => blocks.extend(report.blocks),
                _ => {}
            }
        }
    }
    assert_eq!(senders, (0..40).collect::<Vec<_>>());
    assert_eq!(blocks.iter().map(|block| block.ssrc.0).collect::<Vec<_>>(), (100..180).collect::<Vec<_>>());
}
