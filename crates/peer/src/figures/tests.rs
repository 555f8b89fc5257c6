//! Sums of what was reported.

use bytes::Bytes;
use peerless_rtp::codec::Format;

use super::*;

/// The one moment at which the time of these tests begins.
#[expect(
    clippy::disallowed_methods,
    reason = "an Instant has no other source; nothing depends on which it is"
)]
fn start() -> Instant {
    Instant::now()
}

fn sound(samples: u32, mean_square: f64, origin: SoundOrigin) -> SoundReport {
    SoundReport { samples, sample_rate: 48_000, mean_square, origin }
}

#[test]
fn energy_is_what_the_standards_example_says() {
    let mut figures = SoundFigures::default();
    figures.add(&sound(480, 0.25, SoundOrigin::Given));
    figures.add(&sound(480, 0.01, SoundOrigin::Given));
    assert!((figures.energy - 0.0026).abs() < 1e-12 && (figures.duration - 0.02).abs() < 1e-12);
    assert!(((figures.energy / figures.duration).sqrt() - 0.36).abs() < 0.001);
    assert_eq!(figures.level, None, "less than a tenth of a second");
    (0..10).for_each(|_| figures.add(&sound(480, 0.25, SoundOrigin::Given)));
    assert!((figures.level.unwrap() - 0.48).abs() < 0.01, "{figures:?}");
}

#[test]
fn sounds_made_up_in_a_row_are_one_event() {
    let mut figures = SoundFigures::default();
    for (origin, mean_square) in [
        (SoundOrigin::Given, 0.1),
        (SoundOrigin::Concealed, 0.1),
        (SoundOrigin::Concealed, 0.0),
        (SoundOrigin::Given, 0.1),
        (SoundOrigin::Concealed, 0.1),
    ] {
        figures.add(&sound(960, mean_square, origin));
    }
    let counted = (figures.samples, figures.concealed, figures.silent_concealed, figures.concealments);
    assert_eq!(counted, (4800, 2880, 960, 2));
}

fn picture(size: (u32, u32), bytes: usize, limitation: QualityLimitationReason) -> EncodingReport {
    EncodingReport {
        key: false,
        size: Some(size),
        bytes,
        sent: true,
        encode_time: Duration::from_millis(2),
        quantizer: Some(40),
        target_bitrate: Some(800_000),
        target_framerate: Some(25.0),
        limitation,
        implementation: "a test",
        power_efficient: false,
    }
}

#[test]
fn an_encoding_tells_how_long_what_limited_it_and_which_frames_were_huge() {
    use QualityLimitationReason::{Bandwidth, None as Unlimited};
    let (start, mut figures) = (start(), SendFigures::default());
    let at = |second: u64| start + Duration::from_secs(second);
    // 800 kbit/s and 25 a second are 4000 bytes a frame.
    figures.encoded(at(0), None, &picture((640, 480), 9_999, Unlimited));
    figures.encoded(at(3), None, &picture((320, 240), 10_000, Bandwidth));
    figures.encoded(at(4), None, &EncodingReport { sent: false, ..picture((320, 240), 20_000, Bandwidth) });
    figures.encoded(at(5), None, &picture((640, 480), 100, Unlimited));
    figures.encoded(at(6), Some(&Rid::new("q")), &picture((160, 120), 100, Unlimited));
    assert_eq!(figures.encodings.len(), 2);
    let of = &figures.encodings[0].1;
    assert_eq!((of.frames, of.huge_frames, of.quantizers, of.resolution_changes), (4, 1, Some(160), 2));
    assert_eq!(of.limitations(at(10)), [("none", 8.0), ("cpu", 0.0), ("bandwidth", 2.0), ("other", 0.0)]);
    assert_eq!((of.rate.at(at(5)), of.rate.at(at(6))), (1.0, 0.0));
    for number in 0..100 {
        figures.encoded(at(7), Some(&Rid::new(&number.to_string())), &picture((160, 120), 1, Unlimited));
    }
    assert_eq!(figures.encodings.len(), STREAM_LIMIT);
}

#[test]
fn a_source_begins_anew_with_each_track() {
    let (now, mut figures) = (start(), SendFigures::default());
    (0..3).for_each(|_| figures.source(now, 1).add(now, &SourceReport::Picture(320, 240)));
    assert_eq!(figures.source(now, 1).frames, 3);
    assert_eq!(figures.source(now, 2), &SourceFigures { began: Some(now), ..SourceFigures::default() });
}

#[test]
fn what_is_decoded_counts_for_the_source_it_came_from_and_from_its_first_packet_on() {
    let start = start();
    let after = |ms: u64| start + Duration::from_millis(ms);
    let mut figures = ReceiveFigures::default();
    let mut decode = |ssrc: u32, key: bool, decoded: Decoded| {
        let mut frame = Frame::new(Format::Vp8, 0, key, Bytes::new());
        (frame.ssrc, frame.began, frame.arrived) = (Some(Ssrc(ssrc)), Some(after(10)), Some(after(40)));
        let (decode_time, power_efficient) = (Duration::from_millis(3), false);
        let report = DecodingReport { decoded, decode_time, implementation: "a test", power_efficient };
        figures.decoded(after(110), &frame, &report);
    };
    let shown = Decoded::Picture { width: 320, height: 240, quantizer: None };
    decode(1, true, shown.clone());
    decode(1, false, shown);
    decode(1, false, Decoded::Broken);
    decode(1, false, Decoded::Nothing);
    decode(2, false, Decoded::Dropped);
    let [(Ssrc(1), one), (Ssrc(2), other)] = &figures.streams[..] else { panic!("{figures:?}") };
    assert_eq!((one.frames, one.key_frames, one.dropped, one.quantizers), (2, 1, 1, None));
    assert!((one.processing_delay - 0.2).abs() < 1e-9 && one.decode_time == Duration::from_millis(12));
    assert_eq!((other.frames, other.dropped), (0, 1));
}

#[test]
fn samples_that_a_player_makes_up_are_told_apart() {
    let mut figures = ReceiveFigures::default();
    for synthesized in [false, true, true, false, true] {
        let delay = Duration::from_millis(20);
        figures.played(PlayoutReport { samples: 480, sample_rate: 48_000, delay, synthesized });
    }
    let of = figures.playout.unwrap();
    assert_eq!((of.samples, of.synthesized_events), (2400, 2));
    assert!((of.duration - 0.05).abs() < 1e-9 && (of.synthesized - 0.03).abs() < 1e-9);
    assert!((of.delay - 48.0).abs() < 1e-9, "2400 samples of 20 ms");
}
