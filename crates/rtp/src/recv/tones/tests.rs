//! Tones as they arrive, alone and disturbed: RFC 4733 §2.5.2.

use super::*;
use crate::moment::start;
use crate::send::{Clocks, Tones as Sending};

const MS: Duration = Duration::from_millis(1);

/// What arrives of packets `(timestamp, marker, event, ends, duration)`, each 20 ms after the other, at 48 kHz; and what is
/// told long after.
fn told(packets: &[(u32, bool, u8, bool, u16)]) -> Vec<(char, u128)> {
    let (mut tones, mut told) = (Tones::default(), Vec::new());
    let mut tell = |tone: ReceivedTone| told.push((tone.tone.as_char(), tone.duration.as_millis()));
    let mut now = start();
    for &(timestamp, marker, event, ends, duration) in packets {
        let payload = ToneReport { event, ends, volume: 10, duration }.write();
        let packet = TonePacket { marker, timestamp, payload: &payload, lengths: 48_000, timestamps: 48_000 };
        tones.handle_timeout(now, &mut tell);
        tones.handle(now, packet, &mut tell);
        now += 20 * MS;
    }
    tones.handle_timeout(now + LONGEST_SILENCE, &mut tell);
    assert_eq!(tones.poll_timeout(), None);
    told
}

/// The packets of a tone that our sender plays, all of them.
fn sent(timestamp: u32, key: char, length: Duration) -> Vec<(u32, bool, u8, bool, u16)> {
    let (start, mut sending) = (start(), Sending::default());
    let clocks = Clocks { timestamps: 48_000, lengths: 48_000 };
    assert!(sending.play(start, timestamp, Tone::from_char(key).unwrap(), length, clocks));
    let mut packets = Vec::new();
    while let Some(at) = sending.poll_timeout() {
        let packet = sending.take(at).unwrap();
        let report = packet.report;
        packets.push((packet.timestamp, packet.marker, report.event, report.ends, report.duration));
    }
    packets
}

#[test]
fn a_tone_is_told_once_however_often_its_end_is() {
    assert_eq!(told(&sent(100, '7', 100 * MS)), [('7', 100)]);
    let mut two = sent(100, '7', 100 * MS);
    two.extend(sent(100 + 48 * 170, '7', 60 * MS));
    assert_eq!(told(&two), [('7', 100), ('7', 60)]);
}

#[test]
fn any_one_packet_that_comes_tells_the_tone_and_twice_changes_nothing() {
    let all = sent(u32::MAX - 500, '*', 100 * MS);
    for packet in &all {
        let heard = told(&[*packet]);
        assert_eq!(heard.len(), 1);
        assert!(heard[0].0 == '*' && heard[0].1 <= 100);
    }
    let doubled: Vec<_> = all.iter().flat_map(|packet| [*packet, *packet]).collect();
    assert_eq!(told(&doubled), [('*', 100)]);
    let mut reversed = all;
    reversed.reverse();
    assert_eq!(told(&reversed), [('*', 100)]);
}

#[test]
fn the_next_tone_ends_one_whose_end_was_lost() {
    let mut packets = sent(0, '1', 100 * MS);
    packets.retain(|packet| !packet.3);
    packets.extend(sent(9000, '2', 40 * MS));
    assert_eq!(told(&packets), [('1', 80), ('2', 40)]);
    // The same key again is another tone by its marker, and by its place where that was lost.
    let mut packets = sent(0, '1', 100 * MS);
    packets.retain(|packet| !packet.3);
    packets.extend(sent(9000, '1', 60 * MS).into_iter().skip(1));
    assert_eq!(told(&packets), [('1', 80), ('1', 60)]);
}

#[test]
fn the_parts_of_a_long_tone_are_one_whatever_single_packet_is_lost() {
    let all = sent(77, '9', 6000 * MS);
    assert_eq!(told(&all), [('9', 6000)]);
    for lost in 0..all.len() {
        let mut packets = all.clone();
        packets.remove(lost);
        assert_eq!(told(&packets), [('9', 6000)], "without packet {lost}");
    }
    // The ends of all parts but the last.
    let mut packets = all;
    packets.retain(|packet| packet.4 < u16::MAX);
    assert_eq!(told(&packets), [('9', 6000)]);
}

#[test]
fn what_comes_late_of_an_earlier_tone_is_not_taken_for_a_new_one() {
    let (first, second) = (sent(0, '1', 60 * MS), sent(9000, '2', 60 * MS));
    let mut packets = vec![second[0], first[0], second[1], first[2]];
    packets.extend([second[3], first[3], second[4]]);
    assert_eq!(told(&packets), [('2', 60)]);
}

#[test]
fn several_reports_in_one_packet_are_tones_one_after_the_other() {
    let report = |event, duration| ToneReport { event, ends: true, volume: 10, duration }.write();
    let payload = [report(1, 4800), report(2, 9600), report(1, 4800)].concat();
    let mut told = Vec::new();
    let mut tones = Tones::default();
    for _ in 0..3 {
        let packet =
            TonePacket { marker: true, timestamp: 5, payload: &payload, lengths: 48_000, timestamps: 48_000 };
        tones
            .handle(start(), packet, &mut |tone| told.push((tone.tone.as_char(), tone.duration.as_millis())));
    }
    assert_eq!(told, [('1', 100), ('2', 200), ('1', 100)]);
}

#[test]
fn any_bytes_are_taken_and_tell_no_more_than_they_hold() {
    let (start, mut tones) = (start(), Tones::default());
    let mut count = 0;
    for seed in 0..5_000_u32 {
        let word = seed.wrapping_mul(0x9e37_79b1);
        let payload: Vec<u8> = word.to_be_bytes().into_iter().cycle().take(seed as usize % 40).collect();
        let packet = TonePacket {
            marker: seed % 3 == 0,
            timestamp: word,
            payload: &payload,
            lengths: seed % 4 * 8_000,
            timestamps: seed % 5 * 12_000,
        };
        let mut here = 0;
        tones.handle(start + seed * MS, packet, &mut |_| here += 1);
        assert!(here <= payload.len() / 4 + 1);
        count += here;
    }
    assert!(count > 0);
}
