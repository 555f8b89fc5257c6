//! Behaviour of transport-wide feedback.

use proptest::prelude::*;

use super::*;
use crate::rtcp::compound::{Packet, parse_compound};

const MS: fn(u64) -> Duration = Duration::from_millis;

fn told(arrivals: &[(u64, Duration)]) -> TransportFeedback {
    let (feedback, count) =
        TransportFeedback::from_arrivals(Ssrc(1), Ssrc(2), 7, arrivals[0].0, arrivals, 1200).unwrap();
    assert_eq!(count, arrivals.len());
    feedback
}

fn written(feedback: &TransportFeedback) -> BytesMut {
    let mut out = BytesMut::new();
    feedback.write(&mut out);
    out
}

fn read(bytes: &[u8]) -> Result<TransportFeedback, Error> {
    match parse_compound(bytes).next() {
        Some(Ok(Packet::TransportFeedback(feedback))) => Ok(feedback),
        Some(Err(error)) => Err(error),
        other => panic!("{other:?}"),
    }
}

/// A packet around the fields from the base sequence number on.
fn packet(fields: &[u8]) -> Vec<u8> {
    let words = (12 + fields.len()).div_ceil(4) - 1;
    let mut bytes = vec![0x8f, 205, 0, words as u8, 0, 0, 0, 1, 0, 0, 0, 2];
    bytes.extend_from_slice(fields);
    bytes.resize((words + 1) * 4, 0);
    bytes
}

#[test]
fn reads_a_packet_of_all_chunk_kinds() {
    let bytes = packet(&[
        0x00, 0x05, 0x00, 27, 0x00, 0x00, 0x02, 9, // base 5, 27 packets, 2 x 64 ms, number 9
        0x20, 0x03, // three with small deltas
        0xa0, 0x01, // 14 bits: the first and the last received
        0xd2, 0x00, // 7 x 2 bits: small, lost, large, lost ...
        0x00, 0x03, // three lost
        4, 0, 1, 2, 3, 8, 0xff, 0xfc,
    ]);
    let feedback = read(&bytes).unwrap();
    assert_eq!((feedback.base, feedback.status_count), (SequenceNumber(5), 27));
    assert_eq!((feedback.reference_time, feedback.feedback_count), (2, 9));
    let arrivals: Vec<_> = feedback.arrivals().map(|(number, time)| (number.0, time)).collect();
    let start = 128_000;
    assert_eq!(
        arrivals,
        [
            (5, start + 1000),
            (6, start + 1000),
            (7, start + 1250),
            (8, start + 1750),
            (21, start + 2500),
            (22, start + 4500),
            (24, start + 3500),
        ]
    );
    assert_eq!(written(&feedback), bytes.as_slice());
}

#[test]
fn a_last_word_filled_with_one_byte_of_padding_goes_there_and_back() {
    // Base 1, 5 packets, one run of 5 small deltas, 1 byte of padding, with the P bit: as libwebrtc writes it.
    let bytes = [0xaf, 205, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0, 5, 0, 0, 3, 0, 0x20, 5, 9, 8, 7, 6, 5, 1];
    let feedback = read(&bytes).unwrap();
    assert_eq!(feedback.arrivals().count(), 5);
    assert_eq!(written(&feedback), bytes.as_slice());
}

#[test]
fn tells_losses_between_and_before_the_arrivals() {
    let arrivals = [(70_003, MS(640)), (70_004, MS(641)), (70_006, MS(650))];
    let (feedback, count) =
        TransportFeedback::from_arrivals(Ssrc(1), Ssrc(2), 0, 70_000, &arrivals, 1200).unwrap();
    assert_eq!(count, 3);
    assert_eq!((feedback.base, feedback.status_count), (SequenceNumber::from(70_000), 7));
    let times: Vec<_> = feedback.arrivals().collect();
    let number = SequenceNumber::from;
    assert_eq!(times, [(number(70_003), 640_000), (number(70_004), 641_000), (number(70_006), 650_000)]);
}

#[test]
fn a_late_packet_gets_a_negative_delta() {
    let feedback = told(&[(10, MS(100)), (11, MS(90)), (12, MS(101))]);
    let times: Vec<_> = feedback.arrivals().map(|(_, time)| time).collect();
    assert_eq!(times, [100_000, 90_000, 101_000]);
    assert_eq!(read(&written(&feedback)), Ok(feedback));
}

#[test]
fn stops_where_a_delta_does_not_fit() {
    let arrivals = [(10, MS(0)), (11, MS(8_000)), (12, MS(17_000))];
    let first = TransportFeedback::from_arrivals(Ssrc(1), Ssrc(2), 0, 10, &arrivals, 1200).unwrap();
    assert_eq!(first.1, 2);
    let second = TransportFeedback::from_arrivals(Ssrc(1), Ssrc(2), 1, 12, &arrivals[2..], 1200).unwrap();
    assert_eq!(second.0.arrivals().next(), Some((SequenceNumber(12), 17_000_000)));
}

#[test]
fn keeps_to_the_limit_and_tells_the_rest_in_more_packets() {
    let arrivals: Vec<_> = (0..5000_u64).map(|n| (n, Duration::from_micros(n * 300_000 % 900_001))).collect();
    let (mut rest, mut base, mut seen) = (arrivals.as_slice(), 0, 0);
    while !rest.is_empty() {
        let (feedback, count) =
            TransportFeedback::from_arrivals(Ssrc(1), Ssrc(2), 0, base, rest, 600).unwrap();
        assert!(count > 0 && written(&feedback).len() <= 600);
        seen += feedback.arrivals().count();
        (base, rest) = (rest[count - 1].0 + 1, &rest[count..]);
    }
    assert_eq!(seen, 5000);
}

#[test]
fn a_gap_too_large_to_tell_is_left_out() {
    let far = [(1_000_000, MS(5))];
    let (feedback, _) = TransportFeedback::from_arrivals(Ssrc(1), Ssrc(2), 0, 3, &far, 1200).unwrap();
    assert_eq!(feedback.status_count, 1);
    let apart = [(1, MS(5)), (100_000, MS(6))];
    let (feedback, count) = TransportFeedback::from_arrivals(Ssrc(1), Ssrc(2), 0, 1, &apart, 1200).unwrap();
    assert_eq!((feedback.status_count, count), (1, 1));
}

#[test]
fn no_arrivals_make_no_packet() {
    assert_eq!(TransportFeedback::from_arrivals(Ssrc(1), Ssrc(2), 0, 0, &[], 1200), None);
}

#[test]
fn steady_arrivals_are_a_run() {
    let arrivals: Vec<_> = (0..200).map(|number| (number, MS(number * 10))).collect();
    assert_eq!(written(&told(&arrivals)).len(), 20 + 2 + 200 + 2);
}

#[test]
fn refuses_hostile_packets() {
    let table: [(&str, &[u8]); 8] = [
        ("no fields", &[]),
        ("statuses without chunks", &[0, 1, 0, 5, 0, 0, 0, 0]),
        ("a run of nothing", &[0, 1, 0, 5, 0, 0, 0, 0, 0x20, 0, 0x20, 0]),
        ("the reserved status in a run", &[0, 1, 0, 5, 0, 0, 0, 0, 0x60, 5, 1, 1, 1, 1, 1, 0]),
        ("the reserved status in a vector", &[0, 1, 0, 5, 0, 0, 0, 0, 0xc3, 0, 1, 1, 1, 1, 1, 0]),
        ("deltas missing", &[0, 1, 0, 5, 0, 0, 0, 0, 0x20, 5, 1, 1]),
        ("large deltas cut off", &[0, 1, 0, 3, 0, 0, 0, 0, 0x40, 3, 1, 1]),
        ("65535 arrived in two bytes", &[0, 1, 0xff, 0xff, 0, 0, 0, 0, 0x3f, 0xff, 0x3f, 0xff]),
    ];
    for (name, fields) in table {
        assert!(read(&packet(fields)).is_err(), "{name}");
    }
}

#[test]
fn the_reserved_status_beyond_the_count_does_not_matter() {
    assert!(read(&packet(&[0, 1, 0, 1, 0, 0, 0, 0, 0xd3, 0xff, 1, 0])).is_ok());
}

#[test]
fn tens_of_thousands_lost_in_few_bytes_cost_nothing() {
    let fields = [0, 1, 0xff, 0xff, 0, 0, 0, 0, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff];
    let bytes = packet(&[&fields[..], &[0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff]].concat());
    let feedback = read(&bytes).unwrap();
    assert_eq!((feedback.status_count, feedback.arrivals().count()), (65_535, 0));
}

proptest! {
    #[test]
    fn what_arrived_is_told_as_it_arrived(
        base in 0_u64..1 << 40,
        steps in proptest::collection::vec((1_u64..40, 0_u64..600_000), 1..300),
    ) {
        let (mut number, mut time) = (base, 0);
        let mut arrivals = Vec::new();
        for (ahead, later) in steps {
            (number, time) = (number + ahead, time + later);
            arrivals.push((number, Duration::from_micros(time * 250 / 97)));
        }
        let (feedback, count) =
            TransportFeedback::from_arrivals(Ssrc(1), Ssrc(2), 0, base, &arrivals, 1200).unwrap();
        let again = read(&written(&feedback)).unwrap();
        prop_assert_eq!(&again, &feedback);
        let told: Vec<_> = again.arrivals().collect();
        let expected: Vec<_> = arrivals[..count].iter().map(|(number, time)| {
            (SequenceNumber::from(*number), (time.as_micros() / 250 * 250) as i64)
        }).collect();
        prop_assert_eq!(told, expected);
    }
}
