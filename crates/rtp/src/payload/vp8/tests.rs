//! Behaviour of VP8's payload format.

use proptest::prelude::*;

use super::*;

fn cut(frame: &Bytes, limit: usize, picture_id: u16) -> Result<Vec<Fragment>, Error> {
    let mut fragments = Vec::new();
    Packetizer::new(picture_id).packetize(frame, limit, &mut |fragment| fragments.push(fragment))?;
    Ok(fragments)
}

fn payloads(fragments: &[Fragment]) -> Vec<Bytes> {
    let payload = |fragment: &Fragment| {
        let mut out = BytesMut::new();
        fragment.write(&mut out);
        out.freeze()
    };
    fragments.iter().map(payload).collect()
}

#[test]
fn cuts_a_frame_into_parts_of_equal_size_without_copying() {
    let frame = Bytes::from(vec![7; 2500]);
    let fragments = cut(&frame, 1004, 0x1234).unwrap();
    let sizes: Vec<_> = fragments.iter().map(|fragment| fragment.body.len()).collect();
    assert_eq!(sizes, [834, 833, 833]);
    let markers: Vec<_> = fragments.iter().map(|fragment| fragment.marker).collect();
    assert_eq!(markers, [false, false, true]);
    assert_eq!(fragments[0].prefix.as_slice(), [0x90, 0x80, 0x92, 0x34]);
    assert_eq!(fragments[1].prefix.as_slice(), [0x80, 0x80, 0x92, 0x34]);
    assert_eq!(fragments[1].body.as_ptr(), frame[834..].as_ptr());
}

#[test]
fn picture_ids_wrap_after_15_bits() {
    let mut packetizer = Packetizer::new(0xffff);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut sink = |fragment: Fragment| {
            let payload = payloads(&[fragment]);
            ids.push(Depacketizer::inspect(&payload[0]).unwrap().picture_id);
        };
        packetizer.packetize(&Bytes::from_static(&[0]), 100, &mut sink).unwrap();
    }
    assert_eq!(ids, [Some(0x7fff), Some(0)]);
}

#[test]
fn tells_where_a_key_frame_starts() {
    let first = |byte: u8| payloads(&cut(&Bytes::from(vec![byte; 10]), 9, 5).unwrap());
    let key = first(0x10);
    let inspection =
        Inspection { starts_frame: true, key: true, picture_id: Some(5), ..Inspection::default() };
    assert_eq!(Depacketizer::inspect(&key[0]), Ok(inspection));
    let rest = Inspection { starts_frame: false, key: false, ..inspection };
    assert_eq!(Depacketizer::inspect(&key[1]), Ok(rest));
    assert_eq!(Depacketizer::inspect(&first(0x11)[0]), Ok(Inspection { key: false, ..inspection }));
}

#[test]
fn reads_all_optional_fields() {
    let (descriptor, rest) = Descriptor::parse(&[0xb3, 0xf0, 0x7f, 9, 0xb1, 0xaa]).unwrap();
    let expected = Descriptor {
        non_reference: true,
        starts_partition: true,
        partition: 3,
        picture_id: Some(PictureId::Short(0x7f)),
        base_layer_index: Some(9),
        temporal: Some(Temporal { layer: 2, sync: true }),
        key_index: Some(0x11),
    };
    assert_eq!((descriptor, rest), (expected, &[0xaa][..]));
    assert_eq!(descriptor.to_prefix().as_slice(), [0xb3, 0xf0, 0x7f, 9, 0xb1]);
}

#[test]
fn a_start_of_a_later_partition_starts_no_frame() {
    let inspection = Depacketizer::inspect(&[0x11, 0]).unwrap();
    assert_eq!((inspection.starts_frame, inspection.key), (false, false));
}

#[test]
fn refuses_descriptors_that_are_cut_off() {
    let table: [(&str, &[u8]); 8] = [
        ("nothing", &[]),
        ("no payload", &[0x10]),
        ("no extension byte", &[0x90]),
        ("no picture id", &[0x90, 0x80]),
        ("half a picture id", &[0x90, 0x80, 0x80]),
        ("no base layer index", &[0x90, 0x40]),
        ("no temporal layer", &[0x90, 0x20]),
        ("no payload behind all fields", &[0xb0, 0xf0, 0xff, 0xff, 1, 2]),
    ];
    for (name, payload) in table {
        assert!(Depacketizer::inspect(payload).is_err(), "{name}");
        let packet = Bytes::copy_from_slice(payload);
        assert!(Depacketizer::default().assemble(&mut [packet].iter()).is_err(), "{name}");
    }
}

#[test]
fn a_frame_without_its_first_packet_is_refused() {
    let packets = payloads(&cut(&Bytes::from(vec![1; 30]), 14, 5).unwrap());
    let assembled = Depacketizer::default().assemble(&mut packets[1..].iter());
    assert_eq!(assembled, Err(Error::MissingFragment));
    assert_eq!(Depacketizer::default().assemble(&mut [].iter()), Err(Error::Empty));
}

#[test]
fn a_frame_beyond_the_limit_is_refused() {
    let first = Bytes::from([&[0x10], vec![0; 1 << 20].as_slice()].concat());
    let packets = vec![first; 9];
    let assembled = Depacketizer::default().assemble(&mut packets.iter());
    assert!(matches!(assembled, Err(Error::TooLarge { .. })), "{assembled:?}");
    assert!(Depacketizer::default().assemble(&mut packets[..8].iter()).is_ok());
}

#[test]
fn limits_without_room_for_payload_and_empty_frames_are_refused() {
    assert_eq!(cut(&Bytes::from_static(&[1]), 4, 0), Err(Error::LimitTooSmall { limit: 4 }));
    assert_eq!(cut(&Bytes::new(), 1200, 0), Err(Error::Empty));
}

#[test]
fn a_frame_of_one_packet_is_not_copied() {
    let packet = payloads(&cut(&Bytes::from_static(&[1, 2, 3]), 100, 5).unwrap()).remove(0);
    let frame = Depacketizer::default().assemble(&mut [packet.clone()].iter()).unwrap();
    assert_eq!(frame.as_ptr(), packet[4..].as_ptr());
}

proptest! {
    #[test]
    fn frames_go_there_and_back(
        frame in proptest::collection::vec(any::<u8>(), 1..5000), limit in 5_usize..1300, picture_id: u16,
    ) {
        let frame = Bytes::from(frame);
        let fragments = cut(&frame, limit, picture_id).unwrap();
        let sizes = fragments.iter().map(Fragment::len);
        prop_assert!(sizes.clone().all(|size| size <= limit));
        prop_assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1);
        prop_assert_eq!(fragments.len(), frame.len().div_ceil(limit - 4));
        let assembled = Depacketizer::default().assemble(&mut payloads(&fragments).iter());
        prop_assert_eq!(assembled, Ok(frame));
    }

    #[test]
    fn descriptors_go_there_and_back(payload in proptest::collection::vec(any::<u8>(), 0..10)) {
        if let Ok((descriptor, rest)) = Descriptor::parse(&payload) {
            let again = [descriptor.to_prefix().as_slice(), rest].concat();
            prop_assert_eq!(Descriptor::parse(&again), Ok((descriptor, rest)));
        }
    }
}
