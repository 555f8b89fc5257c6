//! Tones as they are sent, in virtual time: RFC 4733 §2.5.1.

use super::*;
use crate::moment::start;

const OPUS: Clocks = Clocks { timestamps: 48_000, lengths: 48_000 };
const MS: Duration = Duration::from_millis(1);

/// All packets of a tone that is played from `start`, with their times in ms after that.
fn played(start: Instant, tones: &mut Tones) -> Vec<(u128, TonePacket)> {
    let mut packets = Vec::new();
    while let Some(at) = tones.poll_timeout() {
        let packet = tones.take(at).unwrap();
        packets.push(((at - start).as_millis(), packet));
    }
    packets
}

#[test]
fn a_tone_grows_every_20_ms_and_ends_three_times() {
    let (start, mut tones) = (start(), Tones::default());
    let tone = Tone::from_char('5').unwrap();
    assert!(tones.play(start, 1000, tone, 90 * MS, OPUS));
    let packets = played(start, &mut tones);
    assert!(!tones.is_playing());
    assert!(packets.iter().all(|(_, packet)| packet.timestamp == 1000 && packet.report.event == 5));
    let told: Vec<_> = packets.iter().map(|(at, packet)| (*at, packet.report.duration)).collect();
    assert_eq!(
        told,
        [(20, 960), (40, 1920), (60, 2880), (80, 3840), (90, 4320), (110, 4320), (130, 4320)],
        "ticks of 48 kHz"
    );
    let markers: Vec<_> = packets.iter().map(|(_, packet)| packet.marker).collect();
    assert_eq!(markers, [true, false, false, false, false, false, false]);
    let ends: Vec<_> = packets.iter().map(|(_, packet)| packet.report.ends).collect();
    assert_eq!(ends, [false, false, false, false, true, true, true]);
}

#[test]
fn a_long_tone_goes_out_in_parts_with_timestamps_of_their_own() {
    let (start, mut tones) = (start(), Tones::default());
    let tone = Tone::from_char('#').unwrap();
    // 144 000 ticks: two parts of 65 535, and what is left.
    assert!(tones.play(start, u32::MAX - 9, tone, 3000 * MS, OPUS));
    let packets = played(start, &mut tones);
    let mut timestamps: Vec<u32> = packets.iter().map(|(_, packet)| packet.timestamp).collect();
    timestamps.sort_unstable_by_key(|timestamp| timestamp.wrapping_add(10));
    timestamps.dedup();
    assert_eq!(timestamps, [u32::MAX - 9, 65_525, 131_060]);
    assert_eq!(packets.iter().filter(|(_, packet)| packet.marker).count(), 1);
    for (part, timestamp, full, is_last) in
        [(0, u32::MAX - 9, 65_535, false), (1, 65_525, 65_535, false), (2, 131_060, 12_930, true)]
    {
        let of_part: Vec<_> = packets.iter().filter(|(_, packet)| packet.timestamp == timestamp).collect();
        let finals: Vec<_> = of_part.iter().filter(|(_, packet)| packet.report.duration == full).collect();
        assert_eq!(finals.len(), 3, "part {part}");
        assert!(
            of_part
                .iter()
                .all(|(_, packet)| packet.report.ends == (is_last && packet.report.duration == full))
        );
        assert!(of_part.is_sorted_by_key(|(_, packet)| packet.report.duration));
    }
    assert_eq!(packets.last().unwrap().0, 3040);
}

#[test]
fn the_clock_of_lengths_may_be_another_than_that_of_timestamps() {
    let (start, mut tones) = (start(), Tones::default());
    let clocks = Clocks { timestamps: 48_000, lengths: 8_000 };
    assert!(tones.play(start, 7, Tone::from_char('1').unwrap(), 100 * MS, clocks));
    let packets = played(start, &mut tones);
    assert_eq!(packets.last().unwrap().1.report.duration, 800);
    assert!(packets.iter().all(|(_, packet)| packet.timestamp == 7));
}

#[test]
fn what_waits_is_bounded_and_not_sent_when_it_is_stale() {
    let (start, mut tones) = (start(), Tones::default());
    let tone = Tone::from_char('0').unwrap();
    let taken = (0..100).filter(|_| tones.play(start, 0, tone, 40 * MS, OPUS)).count();
    assert_eq!(taken as u64, MAX_PARTS);
    assert_eq!(tones.take(start + 2 * STALE), None);
    assert!(!tones.is_playing());
    // One that was only late says at once how long it was.
    assert!(tones.play(start, 0, tone, 40 * MS, OPUS));
    let late = tones.take(start + STALE / 2).unwrap();
    assert!(late.marker && late.report.ends && late.report.duration == 1920);
}
