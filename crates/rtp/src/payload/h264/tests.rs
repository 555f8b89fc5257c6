//! Behaviour of H.264's payload format.

use proptest::prelude::*;

use super::*;

const SPS: &[u8] = &[0x67, 0x42, 0xe0, 0x1f, 0xd9];
const PPS: &[u8] = &[0x68, 0xce, 0x3c, 0x80];

/// An IDR slice of `len` bytes without start codes in it.
fn idr(len: usize) -> Vec<u8> {
    let mut unit = vec![0x65, 0x88];
    unit.extend((2..len).map(|place| (place % 200 + 1) as u8));
    unit
}

fn annex_b(units: &[&[u8]]) -> Bytes {
    units.iter().flat_map(|unit| START_CODE.iter().chain(*unit)).copied().collect()
}

fn cut_with(packetizer: &mut Packetizer, frame: &Bytes, limit: usize) -> Result<Vec<Fragment>, Error> {
    let mut fragments = Vec::new();
    packetizer.packetize(frame, limit, &mut |fragment| fragments.push(fragment))?;
    Ok(fragments)
}

fn cut(frame: &Bytes, limit: usize) -> Vec<Fragment> {
    cut_with(&mut Packetizer::new(1), frame, limit).unwrap()
}

fn payloads(fragments: &[Fragment]) -> Vec<Bytes> {
    let payload = |fragment: &Fragment| {
        let mut out = BytesMut::new();
        fragment.write(&mut out);
        out.freeze()
    };
    fragments.iter().map(payload).collect()
}

fn assemble(packets: &[&[u8]]) -> Result<Bytes, Error> {
    let packets: Vec<_> = packets.iter().map(|packet| Bytes::copy_from_slice(packet)).collect();
    Depacketizer::default().assemble(&mut packets.iter())
}

#[test]
fn a_key_frame_is_parameter_sets_in_one_packet_and_the_picture_in_fragments() {
    let picture = idr(2501);
    let frame = annex_b(&[SPS, PPS, &picture]);
    let fragments = cut(&frame, 1002);
    let packets = payloads(&fragments);
    assert_eq!(packets[0], [&[0x78, 0, 5], SPS, &[0, 4], PPS].concat());
    let heads: Vec<_> = fragments[1..].iter().map(|fragment| fragment.prefix.as_slice().to_vec()).collect();
    assert_eq!(heads, [[0x7c, 0x85], [0x7c, 0x05], [0x7c, 0x45]]);
    let sizes: Vec<_> = fragments[1..].iter().map(|fragment| fragment.body.len()).collect();
    assert_eq!(sizes, [834, 833, 833]);
    let markers: Vec<_> = fragments.iter().map(|fragment| fragment.marker).collect();
    assert_eq!(markers, [false, false, false, true]);
    let assembled = Depacketizer::default().assemble(&mut packets.iter());
    assert_eq!(assembled, Ok(frame));
}

#[test]
fn slices_of_the_picture_are_not_copied() {
    let frame = annex_b(&[&idr(500), &idr(2000)]);
    let fragments = cut(&frame, 1000);
    assert_eq!(fragments[0].body.as_ptr(), frame[4..].as_ptr());
    assert_eq!(fragments[1].body.as_ptr(), frame[4 + 500 + 4 + 1..].as_ptr());
}

#[test]
fn parameter_sets_that_stay_the_same_are_not_copied_again() {
    let mut packetizer = Packetizer::new(1);
    let frame = annex_b(&[SPS, PPS, &idr(50)]);
    let mut first = || cut_with(&mut packetizer, &frame, 1000).unwrap().remove(0).body;
    assert_eq!(first().as_ptr(), first().as_ptr());
    let other = annex_b(&[SPS, &[0x68, 1], &idr(50)]);
    let changed = cut_with(&mut packetizer, &other, 1000).unwrap().remove(0).body;
    assert_eq!(changed, [&[0x78, 0, 5], SPS, &[0, 2, 0x68, 1]].concat());
}

#[test]
fn aggregates_take_only_what_fits() {
    let sei = [6; 30];
    let frame = annex_b(&[SPS, PPS, &sei, &idr(10)]);
    let packets = payloads(&cut(&frame, 20));
    assert_eq!(packets[0][0] & 31, 24);
    assert_eq!(packets[1][..2], [0x1c, 0x86]);
    assert!(packets.iter().all(|packet| packet.len() <= 20));
    let alone = payloads(&cut(&annex_b(&[SPS, &idr(10)]), 100));
    assert_eq!(alone[0], SPS);
}

#[test]
fn the_aggregate_is_as_important_as_its_most_important_unit() {
    let packets = payloads(&cut(&annex_b(&[&[0x06, 1], &[0x27, 2], &[0xe8, 3]]), 100));
    assert_eq!(packets[0][0], 0xf8);
}

#[test]
fn mode_0_sends_single_units_and_refuses_what_does_not_fit() {
    let frame = annex_b(&[SPS, PPS, &idr(100)]);
    let mut packetizer = Packetizer::new(0);
    let fragments = cut_with(&mut packetizer, &frame, 100).unwrap();
    assert_eq!(payloads(&fragments), [SPS, PPS, &idr(100)]);
    assert!(fragments[2].marker && !fragments[1].marker);
    assert_eq!(cut_with(&mut packetizer, &frame, 99), Err(Error::TooLarge { len: 100, limit: 99 }));
}

#[test]
fn takes_start_codes_of_three_bytes() {
    let frame = Bytes::from([&[0, 0, 1], SPS, &[0, 0, 1], PPS, &[0, 0, 0, 1], &idr(9)].concat());
    let packets = payloads(&cut(&frame, 100));
    assert_eq!(packets.len(), 2);
    assert_eq!(packets[1], idr(9));
    let assembled = Depacketizer::default().assemble(&mut packets.iter());
    assert_eq!(assembled, Ok(annex_b(&[SPS, PPS, &idr(9)])));
}

#[test]
fn refuses_frames_that_are_none() {
    let cut = |frame: &[u8], limit| cut_with(&mut Packetizer::new(1), &Bytes::copy_from_slice(frame), limit);
    assert_eq!(cut(&[], 1000), Err(Error::NotAnnexB));
    assert_eq!(cut(&[0, 0, 0, 5, 0x65, 1, 2, 3, 4], 1000), Err(Error::NotAnnexB));
    assert_eq!(cut(&[0, 0, 0, 1], 1000), Err(Error::Empty));
    assert_eq!(cut(&[0, 0, 0, 1, 0x65, 1], 2), Err(Error::LimitTooSmall { limit: 2 }));
}

#[test]
fn tells_where_frames_start_and_which_are_key() {
    let inspect = |payload: &[u8]| {
        let inspection = Depacketizer::inspect(payload).unwrap();
        (inspection.starts_frame, inspection.key)
    };
    assert_eq!(inspect(&[0x78, 0, 1, 0x67, 0, 1, 0x68]), (true, true));
    assert_eq!(inspect(&[0x65, 0x88]), (true, true));
    assert_eq!(inspect(&[0x65, 0x40]), (false, true));
    assert_eq!(inspect(&[0x41, 0x9a]), (true, false));
    assert_eq!(inspect(&[0x41, 0x12]), (false, false));
    assert_eq!(inspect(&[0x7c, 0x85, 0x88]), (true, true));
    assert_eq!(inspect(&[0x7c, 0x05, 0x88]), (false, true));
    assert_eq!(inspect(&[0x5c, 0x81, 0x88]), (true, false));
    assert_eq!(inspect(&[0x68, 1]), (true, false));
    assert_eq!(inspect(&[0x09, 0x10]), (true, false));
}

#[test]
fn refuses_hostile_payloads() {
    let table: [(&str, &[u8]); 9] = [
        ("nothing", &[]),
        ("type 0", &[0x60]),
        ("STAP-B", &[0x79, 0, 0, 0, 1, 0x67]),
        ("FU-B", &[0x7d, 0x85, 0, 0, 1]),
        ("type 31", &[0x7f, 1]),
        ("half a size in STAP-A", &[0x78, 0]),
        ("STAP-A with a unit beyond the end", &[0x78, 0, 9, 0x67]),
        ("STAP-A with an empty unit", &[0x78, 0, 0]),
        ("FU-A without header", &[0x7c]),
    ];
    for (name, payload) in table {
        assert!(Depacketizer::inspect(payload).is_err(), "{name}");
        assert!(assemble(&[payload]).is_err(), "{name}");
    }
    assert_eq!(assemble(&[&[0x78]]), Err(Error::Empty));
    assert_eq!(assemble(&[]), Err(Error::Empty));
}

#[test]
fn refuses_fragments_that_do_not_belong_together() {
    let (start, middle, end) = (&[0x7c, 0x85, 1][..], &[0x7c, 0x05, 2][..], &[0x7c, 0x45, 3][..]);
    assert_eq!(assemble(&[start, middle, end]), Ok(annex_b(&[&[0x65, 1, 2, 3]])));
    let table: [(&str, &[&[u8]]); 5] = [
        ("no start", &[middle, end]),
        ("no end", &[start, middle]),
        ("two starts", &[start, start, end]),
        ("a unit between", &[start, &[0x41, 1], end]),
        ("an end after the end", &[start, end, end]),
    ];
    for (name, packets) in table {
        assert_eq!(assemble(packets), Err(Error::MissingFragment), "{name}");
    }
}

#[test]
fn a_fragment_that_is_first_and_last_is_taken_as_a_whole_unit() {
    assert_eq!(assemble(&[&[0x7c, 0xc5, 1]]), Ok(annex_b(&[&[0x65, 1]])));
}

#[test]
fn a_failed_frame_leaves_nothing_for_the_next() {
    let mut depacketizer = Depacketizer::default();
    let [bad, good] = [&[0x7c, 0x85, 1][..], &[0x41, 2]].map(Bytes::copy_from_slice);
    assert_eq!(depacketizer.assemble(&mut [bad].iter()), Err(Error::MissingFragment));
    assert_eq!(depacketizer.assemble(&mut [good].iter()), Ok(annex_b(&[&[0x41, 2]])));
}

#[test]
fn a_frame_beyond_the_limit_is_refused() {
    let unit = [&[0x41], vec![1; 1 << 20].as_slice()].concat();
    let packets = vec![Bytes::from(unit); 8];
    let assembled = Depacketizer::default().assemble(&mut packets.iter());
    assert!(matches!(assembled, Err(Error::TooLarge { .. })), "{assembled:?}");
}

/// NAL units as an encoder makes them: no start codes inside, no zero at the end.
fn any_unit() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop_oneof![Just(1_u8), Just(5), Just(6), Just(7), Just(8), Just(9), 1_u8..24];
    let body = proptest::collection::vec(1_u8..=255, 0..400);
    (kind, 0_u8..4, body).prop_map(|(kind, importance, body)| [vec![importance << 5 | kind], body].concat())
}

proptest! {
    #[test]
    fn frames_go_there_and_back(units in proptest::collection::vec(any_unit(), 1..10), limit in 3_usize..300) {
        let units: Vec<_> = units.iter().map(Vec::as_slice).collect();
        let frame = annex_b(&units);
        let fragments = cut(&frame, limit);
        prop_assert!(fragments.iter().all(|fragment| fragment.len() <= limit));
        let markers: Vec<_> = fragments.iter().map(|fragment| fragment.marker).collect();
        prop_assert_eq!(markers.iter().position(|marker| *marker), Some(fragments.len() - 1));
        let packets = payloads(&fragments);
        for packet in &packets {
            prop_assert!(Depacketizer::inspect(packet).is_ok());
        }
        let assembled = Depacketizer::default().assemble(&mut packets.iter());
        prop_assert_eq!(assembled, Ok(frame));
    }

    #[test]
    fn any_packets_give_a_frame_or_an_error(
        packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..6),
    ) {
        let packets: Vec<_> = packets.into_iter().map(Bytes::from).collect();
        let mut depacketizer = Depacketizer::default();
        if let Ok(frame) = depacketizer.assemble(&mut packets.iter()) {
            prop_assert!(packets.iter().all(|packet| Depacketizer::inspect(packet).is_ok()));
            prop_assert!(frame.starts_with(&START_CODE));
        }
    }
}
