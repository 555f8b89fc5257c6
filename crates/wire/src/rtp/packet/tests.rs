//! Behaviour of RTP headers and packets.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::*;
use crate::rtp::known::{AudioLevel, ExtensionKind, ShortText};

/// Version 2, a marker, two CSRCs, a one-byte extension of one word (id 3, 3 bytes), payload "hello", 3 of padding.
const FULL: [u8; 36] = [
    0xb2, 0xe0, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 9, 0xbe, 0xde, 0, 1,
    0x32, 1, 2, 3, b'h', b'e', b'l', b'l', b'o', 0, 0, 3,
];

fn map() -> ExtensionMap {
    ExtensionMap::from_iter([(3, ExtensionKind::AbsSendTime), (4, ExtensionKind::Mid)])
}

#[test]
fn reads_every_field_of_a_packet() {
    let packet = Packet::parse(Bytes::from_static(&FULL), &map()).unwrap();
    assert!(packet.header.marker);
    assert_eq!(packet.header.payload_type.value(), 96);
    assert_eq!(packet.header.sequence, SequenceNumber(0x1234));
    assert_eq!(packet.header.timestamp, 0xdead_beef);
    assert_eq!(packet.header.ssrc, Ssrc(7));
    assert_eq!(packet.header.csrcs.as_slice(), [Ssrc(8), Ssrc(9)]);
    assert_eq!(packet.payload, b"hello".as_slice());
    assert_eq!(packet.padding, 3);
    assert_eq!(
        packet.header.extensions,
        Extensions { abs_send_time: Some(0x01_0203), ..Extensions::default() }
    );
}

#[test]
fn writes_the_bytes_that_were_read() {
    let packet = Packet::parse(Bytes::from_static(&FULL), &map()).unwrap();
    let mut out = BytesMut::new();
    packet.write(&map(), &mut out);
    assert_eq!(out, FULL.as_slice());
}

#[test]
fn the_header_alone_tells_its_length() {
    let (header, len) = Header::parse(&FULL).unwrap();
    assert_eq!(len, 28);
    assert_eq!(header.ssrc, Ssrc(7));
}

#[test]
fn a_packet_cut_off_in_its_header_is_refused_at_every_length() {
    for len in 0..28 {
        let cut = Header::parse(&FULL[..len]);
        assert!(matches!(cut, Err(Error::Truncated(_))), "{len}: {cut:?}");
    }
    assert!(Header::parse(&FULL[..28]).is_ok());
}

#[test]
fn refuses_hostile_headers() {
    let with = |change: &dyn Fn(&mut [u8; 36])| {
        let mut bytes = FULL;
        change(&mut bytes);
        Packet::parse(Bytes::copy_from_slice(&bytes), &map())
    };
    assert_eq!(with(&|bytes| bytes[0] = 0x32), Err(Error::Version(0)));
    assert_eq!(with(&|bytes| bytes[0] = 0xf2), Err(Error::Version(3)));
    assert!(matches!(with(&|bytes| bytes[0] = 0xbf), Err(Error::Truncated(_))), "15 csrcs");
    assert!(matches!(with(&|bytes| bytes[23] = 255), Err(Error::Truncated(_))), "a long extension");
    assert!(matches!(with(&|bytes| bytes[22] = 255), Err(Error::Truncated(_))), "a very long extension");
    assert_eq!(with(&|bytes| bytes[35] = 0), Err(Error::Padding { count: 0, left: 8 }));
    assert_eq!(with(&|bytes| bytes[35] = 9), Err(Error::Padding { count: 9, left: 8 }));
    assert_eq!(with(&|bytes| bytes[35] = 8).map(|packet| packet.payload), Ok(Bytes::new()));
}

#[test]
fn padding_of_nothing_is_refused() {
    let bytes = [0xa0, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
    assert_eq!(
        Packet::parse(Bytes::copy_from_slice(&bytes), &map()),
        Err(Error::Padding { count: 3, left: 0 })
    );
}

#[test]
fn the_payload_is_a_slice_of_the_datagram() {
    let datagram = Bytes::from(FULL.to_vec());
    let packet = Packet::parse(datagram.clone(), &map()).unwrap();
    assert_eq!(packet.payload.as_ptr(), datagram[28..].as_ptr());
}

#[test]
fn values_without_an_id_are_not_written() {
    let mut header = Header::parse(&FULL).unwrap().0;
    header.csrcs = Csrcs::new();
    header.extensions.audio_level = Some(AudioLevel { voice: true, level: 1 });
    let mut out = BytesMut::new();
    header.write(&map(), &mut out);
    assert_eq!(out.len(), 12);
    assert_eq!(out[0], 0x80);
}

#[test]
fn at_most_fifteen_contributing_sources() {
    let mut csrcs = Csrcs::new();
    assert_eq!((0..20).filter(|number| csrcs.push(Ssrc(*number))).count(), 15);
    assert_eq!(csrcs.as_slice().len(), 15);
}

prop_compose! {
    fn any_packet()(
        marker: bool, payload_type: u8, sequence: u16, timestamp: u32, ssrc: u32, padding: u8,
        csrcs in proptest::collection::vec(any::<u32>(), 0..=15),
        mid in proptest::option::of("[a-zA-Z0-9]{1,16}"),
        time in proptest::option::of(0_u32..1 << 24),
        payload in proptest::collection::vec(any::<u8>(), 0..50),
    ) -> Packet {
        let mut header = Header::parse(&[0x80; 12]).unwrap().0;
        header.marker = marker;
        header.payload_type = PayloadType::from_low_bits(payload_type);
        (header.sequence, header.timestamp, header.ssrc) = (SequenceNumber(sequence), timestamp, Ssrc(ssrc));
        for csrc in csrcs {
            header.csrcs.push(Ssrc(csrc));
        }
        header.extensions.mid = mid.and_then(|mid| ShortText::new(&mid));
        header.extensions.abs_send_time = time;
        Packet { header, payload: payload.into(), padding }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(packet in any_packet()) {
        let mut out = BytesMut::new();
        packet.write(&map(), &mut out);
        prop_assert_eq!(Packet::parse(out.freeze(), &map()), Ok(packet));
    }

    #[test]
    fn any_bytes_give_a_packet_or_an_error(mut bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        if let Some(first) = bytes.first_mut() {
            *first = *first & 0x3f | 0x80;
        }
        let header = Header::parse(&bytes);
        if Packet::parse(bytes.into(), &map()).is_ok() {
            prop_assert!(header.is_ok());
        }
    }
}
