//! Reception and jitter against the arithmetic of RFC 3550.

use super::*;

fn feed(reception: &mut Reception, sequences: impl IntoIterator<Item = u16>) -> Vec<Place> {
    sequences.into_iter().map(|sequence| reception.handle(SequenceNumber(sequence), |_| false)).collect()
}

#[test]
fn counts_loss_and_the_highest_number_across_the_wrap() {
    let mut reception = Reception::default();
    feed(&mut reception, [65533, 65534, 65535, 0, 2, 3, 6]);
    // Expected 65533 to 6 = 10, received 7.
    assert_eq!(reception.lost(), 3);
    assert_eq!(reception.extended_highest(), 0x0001_0006);
    assert_eq!(reception.take_fraction_lost(), (3 * 256 / 10) as u8);
}

#[test]
fn fraction_lost_is_of_the_interval_and_never_negative() {
    let mut reception = Reception::default();
    feed(&mut reception, [10, 11, 12, 13]);
    assert_eq!(reception.take_fraction_lost(), 0);
    feed(&mut reception, [14, 17]);
    assert_eq!(reception.take_fraction_lost(), 128);
    feed(&mut reception, [15, 16, 18]);
    assert_eq!(reception.take_fraction_lost(), 0);
    assert_eq!(reception.lost(), 0);
    feed(&mut reception, [18, 18]);
    assert_eq!(reception.lost(), -2);
}

#[test]
fn names_the_numbers_that_were_skipped() {
    let mut reception = Reception::default();
    let places = feed(&mut reception, [100, 103, 101]);
    let turn = 1 << 16;
    assert_eq!(places[1], Place::Ahead { number: turn + 103, missing: turn + 101..turn + 103 });
    assert_eq!(places[2], Place::Behind { number: turn + 101 });
}

#[test]
fn one_stray_packet_changes_nothing_and_two_in_a_row_restart() {
    let mut reception = Reception::default();
    let places = feed(&mut reception, [100, 20_000, 101, 40_000, 40_001]);
    assert_eq!(places[1], Place::Stray);
    assert!(matches!(places[2], Place::Ahead { .. }));
    assert_eq!(places[3], Place::Stray);
    let Place::Restart { number } = places[4] else { panic!("{places:?}") };
    assert_eq!(number as u16, 40_001);
    assert!(number > (1 << 16) + 101);
    assert_eq!(reception.lost(), 0);
    assert_eq!(reception.extended_highest(), 40_001);
}

#[test]
fn packets_before_the_first_have_numbers() {
    let mut reception = Reception::default();
    let places = feed(&mut reception, [0, 65535]);
    assert_eq!(places[1], Place::Behind { number: (1 << 16) - 1 });
}

#[test]
fn jitter_is_that_of_the_rfcs_code() {
    // 20 ms of sound at 8 kHz, each second packet 5 ms late: |D| = 40 ticks each time.
    let mut jitter = Jitter::default();
    let mut expected = 0_i64;
    for packet in 0..50_u64 {
        let late = if packet % 2 == 1 { 5 } else { 0 };
        jitter.handle(Duration::from_millis(packet * 20 + late), 1000 + packet as u32 * 160, 8000);
        if packet > 0 {
            expected += 40 - ((expected + 8) >> 4);
        }
    }
    assert_eq!(jitter.ticks(), (expected >> 4) as u32);
    // It nears 40 ticks, 5 ms: 1 - (15/16)^49 of it.
    let duration = jitter.duration(8000);
    assert!(duration > Duration::from_micros(4500) && duration < Duration::from_micros(5000), "{duration:?}");
}

#[test]
fn evenly_spaced_packets_have_no_jitter_across_the_timestamp_wrap() {
    let mut jitter = Jitter::default();
    for packet in 0..100_u32 {
        let timestamp = (u32::MAX - 50 * 3000).wrapping_add(packet * 3000);
        jitter.handle(Duration::from_nanos(u64::from(packet) * 33_333_334), timestamp, 90_000);
        jitter.handle(Duration::from_nanos(u64::from(packet) * 33_333_334 + 9_000_000), timestamp, 90_000);
    }
    assert!(jitter.ticks() <= 1, "{}", jitter.ticks());
}

#[test]
fn a_jump_of_the_timestamps_is_no_jitter() {
    let mut jitter = Jitter::default();
    for packet in 0..20_u32 {
        let timestamp = if packet < 10 { packet * 3000 } else { 2_000_000_000 + packet * 3000 };
        jitter.handle(Duration::from_nanos(u64::from(packet) * 33_333_334), timestamp, 90_000);
    }
    assert!(jitter.ticks() <= 1, "{}", jitter.ticks());
}

#[test]
fn a_retransmission_may_be_far_behind_and_others_may_not() {
    let mut reception = Reception::default();
    feed(&mut reception, 1000..1500);
    let missed = (1 << 16) + 1100;
    assert_eq!(
        reception.handle(SequenceNumber(1100), |number| number == missed),
        Place::Behind { number: missed }
    );
    assert_eq!(reception.handle(SequenceNumber(1101), |number| number == missed), Place::Stray);
    assert_eq!(reception.handle(SequenceNumber(1450), |_| false), Place::Behind { number: (1 << 16) + 1450 });
    // One that was led astray by a wild number comes back.
    let places = feed(&mut reception, [4000, 1500, 1501, 1502]);
    assert_eq!(places[1], Place::Stray);
    assert!(matches!(places[2], Place::Restart { .. }));
    assert!(matches!(places[3], Place::Ahead { .. }));
}
