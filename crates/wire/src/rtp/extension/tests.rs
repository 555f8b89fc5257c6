//! Behaviour of header extensions in both forms.

use proptest::prelude::*;
use std::time::Duration;

use super::*;

fn full() -> Extensions {
    Extensions {
        mid: ShortText::new("0"),
        rid: ShortText::new("high"),
        repaired_rid: ShortText::new("0123456789abcdef"),
        abs_send_time: Some(0xab_cdef),
        transport_sequence: Some(0x1234),
        audio_level: Some(AudioLevel { voice: true, level: 42 }),
        video_orientation: Some(VideoOrientation { back_camera: true, flipped: false, quarter_turns: 3 }),
        playout_delay: Some(PlayoutDelay { min_10ms: 2, max_10ms: 0xfff }),
        abs_capture_time: Some(AbsCaptureTime { timestamp: 0x0102_0304_0506_0708, clock_offset: Some(-2) }),
        csrc_levels: CsrcLevels::new(&[127, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]),
    }
}

#[test]
fn levels_of_contributing_sources_are_one_to_fifteen_of_seven_bits() {
    let map = ExtensionMap::from_iter([(3, ExtensionKind::CsrcAudioLevel)]);
    let read = |block: &[u8]| Extensions::parse(&map, ONE_BYTE, block).csrc_levels;
    assert_eq!(read(&[0x31, 0xff, 5, 0]).unwrap().as_slice(), [127, 5]);
    assert_eq!(read(&[0x30, 0, 0, 0]).unwrap().as_slice(), [0]);
    assert_eq!(read(&[[0x3f].as_slice(), &[1; 16]].concat()), None, "sixteen");
    assert_eq!(CsrcLevels::new(&[]), None);
}

fn ids_from(first: u8) -> ExtensionMap {
    ExtensionMap::from_iter((first..).zip(ExtensionKind::ALL))
}

/// Writes and reads back: the form that was written, and the values.
fn round_trip(map: &ExtensionMap, values: &Extensions) -> (u16, Extensions) {
    let mut out = BytesMut::new();
    assert!(values.write(map, &mut out));
    let mut reader = Reader::new(&out);
    let (profile, words) = (reader.u16().unwrap(), reader.u16().unwrap());
    assert_eq!(reader.left(), usize::from(words) * 4);
    (profile, Extensions::parse(map, profile, reader.remaining()))
}

#[test]
fn all_kinds_go_there_and_back_in_the_one_byte_form() {
    assert_eq!(round_trip(&ids_from(1), &full()), (0xbede, full()));
}

#[test]
fn all_kinds_go_there_and_back_in_the_two_byte_form() {
    assert_eq!(round_trip(&ids_from(200), &full()), (0x1000, full()));
}

#[test]
fn the_one_byte_form_is_as_in_the_rfc() {
    let values =
        Extensions { mid: ShortText::new("ab"), transport_sequence: Some(0x0102), ..Extensions::default() };
    let map = ExtensionMap::from_iter([(4, ExtensionKind::Mid), (3, ExtensionKind::TransportSequence)]);
    let mut out = BytesMut::new();
    values.write(&map, &mut out);
    assert_eq!(out, [0xbe, 0xde, 0, 2, 0x41, b'a', b'b', 0x31, 1, 2, 0, 0].as_slice());
}

#[test]
fn without_leave_to_mix_a_high_id_anywhere_makes_all_packets_two_byte() {
    let mut map = ExtensionMap::from_iter([(1, ExtensionKind::Mid), (20, ExtensionKind::AudioLevel)]);
    let values = Extensions { mid: ShortText::new("a"), ..Extensions::default() };
    assert_eq!(round_trip(&map, &values).0, 0x1000);
    map.mixed = true;
    assert_eq!(round_trip(&map, &values).0, 0xbede);
    let loud = Extensions { audio_level: Some(AudioLevel { voice: false, level: 0 }), ..values };
    assert_eq!(round_trip(&map, &loud), (0x1000, loud));
}

#[test]
fn nothing_is_written_where_nothing_is_mapped() {
    let mut out = BytesMut::new();
    assert!(!full().write(&ExtensionMap::new(), &mut out));
    assert!(!Extensions::default().write(&ids_from(1), &mut out));
    assert!(out.is_empty());
}

#[test]
fn the_low_bits_of_the_two_byte_profile_are_free() {
    let map = ExtensionMap::from_iter([(9, ExtensionKind::AudioLevel)]);
    let level = Some(AudioLevel { voice: false, level: 127 });
    assert_eq!(Extensions::parse(&map, 0x100f, &[9, 1, 0x7f, 0]).audio_level, level);
    assert_eq!(Extensions::parse(&map, 0x1010, &[9, 1, 0x7f, 0]), Extensions::default());
}

#[test]
fn hostile_blocks_give_what_stands_before_the_fault() {
    let map =
        ExtensionMap::from_iter([(1, ExtensionKind::AudioLevel), (2, ExtensionKind::TransportSequence)]);
    let (level, sequence) = (Some(AudioLevel { voice: false, level: 5 }), Some(0x0607));
    let table: [(&str, u16, &[u8], bool, bool); 12] = [
        ("padding between", 0xbede, &[0x10, 5, 0, 0, 0x21, 6, 7, 0], true, true),
        ("cut off", 0xbede, &[0x10, 5, 0x21, 6], true, false),
        ("a length beyond the end", 0xbede, &[0x10, 5, 0x2f, 6, 7], true, false),
        ("id 15 ends it", 0xbede, &[0x10, 5, 0xf0, 0, 0x21, 6, 7, 0], true, false),
        ("id 0 with a length ends it", 0xbede, &[0x10, 5, 0x01, 0, 0x21, 6, 7, 0], true, false),
        ("an unknown id", 0xbede, &[0x10, 5, 0x31, 9, 9, 0x21, 6, 7], true, true),
        ("a wrong length", 0xbede, &[0x11, 5, 5, 0x21, 6, 7], false, true),
        ("two bytes, length 0", 0x1000, &[1, 0, 2, 2, 6, 7, 0, 0], false, true),
        ("two bytes, cut off", 0x1000, &[1, 1, 5, 2, 2, 6], true, false),
        ("two bytes, no length", 0x1000, &[1, 1, 5, 2], true, false),
        ("two bytes, padding", 0x1000, &[0, 0, 1, 1, 5, 0, 2, 2, 6, 7], true, true),
        ("another profile", 0x1234, &[1, 1, 5, 0, 2, 2, 6, 7], false, false),
    ];
    for (name, profile, block, has_level, has_sequence) in table {
        let read = Extensions::parse(&map, profile, block);
        assert_eq!(read.audio_level, level.filter(|_| has_level), "{name}");
        assert_eq!(read.transport_sequence, sequence.filter(|_| has_sequence), "{name}");
    }
}

#[test]
fn names_too_long_or_no_text_are_passed_over() {
    let map = ExtensionMap::from_iter([(1, ExtensionKind::Mid)]);
    let long = [&[1, 17], [b'a'; 17].as_slice()].concat();
    assert_eq!(Extensions::parse(&map, 0x1000, &long).mid, None);
    assert_eq!(Extensions::parse(&map, 0x1000, &[1, 0]).mid, None);
    assert_eq!(Extensions::parse(&map, 0xbede, &[0x10, 0xff]).mid, None);
    assert_eq!(ShortText::new(""), None);
    assert_eq!(ShortText::new("0123456789abcdefg"), None);
}

#[test]
fn an_id_and_a_kind_have_one_partner_each() {
    let mut map = ExtensionMap::new();
    assert!(!map.insert(0, ExtensionKind::Mid));
    assert!(map.insert(3, ExtensionKind::Mid));
    assert!(map.insert(3, ExtensionKind::Rid));
    assert_eq!((map.id(ExtensionKind::Mid), map.kind(3)), (None, Some(ExtensionKind::Rid)));
    assert!(map.insert(77, ExtensionKind::Rid));
    assert_eq!((map.kind(3), map.kind(77)), (None, Some(ExtensionKind::Rid)));
    assert_eq!(map.iter().collect::<Vec<_>>(), [(77, ExtensionKind::Rid)]);
}

#[test]
fn every_uri_names_its_kind() {
    for kind in ExtensionKind::ALL {
        assert_eq!(ExtensionKind::from_uri(kind.uri()), Some(kind));
    }
    assert_eq!(ExtensionKind::from_uri("urn:ietf:params:rtp-hdrext:toffset"), None);
}

#[test]
fn delays_are_cut_to_what_travels() {
    let delay = PlayoutDelay::new(Duration::from_millis(19), Duration::from_secs(99));
    assert_eq!((delay.min(), delay.max()), (Duration::from_millis(10), Duration::from_millis(40_950)));
}

proptest! {
    #[test]
    fn what_is_read_is_written_and_read_as_the_same(
        profile in prop_oneof![Just(0xbede_u16), 0x1000_u16..0x1010],
        block in proptest::collection::vec(any::<u8>(), 0..80),
        first in 1_u8..20, mixed: bool,
    ) {
        let mut map = ids_from(first);
        map.mixed = mixed;
        let values = Extensions::parse(&map, profile, &block);
        let mut out = BytesMut::new();
        if values.write(&map, &mut out) {
            prop_assert_eq!(round_trip(&map, &values).1, values);
        } else {
            prop_assert_eq!(values, Extensions::default());
        }
    }
}
