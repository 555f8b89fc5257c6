//! What is done for every packet does not allocate.

use bytes::{Bytes, BytesMut};
use peerless_wire::rtp::{
    AbsCaptureTime, AudioLevel, ExtensionKind, ExtensionMap, Extensions, Header, Packet, ShortText, Ssrc,
};

fn map() -> ExtensionMap {
    ExtensionMap::from_iter((1..).zip(ExtensionKind::ALL))
}

fn packet() -> Packet {
    let (mut header, _) = Header::parse(&[0x80, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]).unwrap();
    header.csrcs.push(Ssrc(7));
    header.extensions = Extensions {
        mid: ShortText::new("0"),
        rid: ShortText::new("high"),
        abs_send_time: Some(5),
        transport_sequence: Some(6),
        audio_level: Some(AudioLevel { voice: true, level: 7 }),
        abs_capture_time: Some(AbsCaptureTime { timestamp: 8, clock_offset: Some(-9) }),
        ..Extensions::default()
    };
    Packet { header, payload: Bytes::from(vec![7; 1100]), padding: 4 }
}

#[test]
fn writing_a_packet_into_room_does_not_allocate() {
    let (map, packet) = (map(), packet());
    let mut out = BytesMut::with_capacity(1500);
    let counted = allocation_counter::measure(|| packet.write(&map, &mut out));
    assert_eq!((counted.count_total, out.len() > 1100), (0, true));
}

#[test]
fn reading_a_received_packet_does_not_allocate() {
    let (map, packet) = (map(), packet());
    let mut block = BytesMut::with_capacity(4096);
    packet.write(&map, &mut block);
    // As the driver does: one block of several datagrams, split.
    let datagram = block.split().freeze();
    let mut read = None;
    let counted = allocation_counter::measure(|| read = Some(Packet::parse(datagram, &map)));
    assert_eq!((counted.count_total, read), (0, Some(Ok(packet))));
}
