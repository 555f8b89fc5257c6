//! What is done for every packet does not allocate.

use bytes::{Bytes, BytesMut};
use peerless_wire::rtp::{
    AbsCaptureTime, AudioLevel, ExtensionKind, ExtensionMap, Extensions, Header, Packet, ShortText, Ssrc,
};
use peerless_wire::sctp::{
    Checksum, Chunk, Data, DataFlags, GapBlock, Header as SctpHeader, Packet as SctpPacket, Ppid, Sack, Ssn,
    StreamId, Tag, Tsn, Writer,
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

fn data() -> Data {
    let flags = DataFlags { beginning: true, end: true, ..DataFlags::default() };
    let (tsn, stream, ssn, ppid) = (Tsn(1), StreamId(2), Ssn(3), Ppid::BINARY);
    Data { tsn, stream, ssn, ppid, flags, payload: Bytes::from(vec![7; 500]) }
}

fn write_sctp(data: &Data, out: &mut BytesMut) {
    let mut writer = Writer::new(out, SctpHeader { source_port: 5000, destination_port: 5000, tag: Tag(1) });
    let blocks = [10, 20, 30, 40].map(|start| GapBlock { start, end: start + 3 });
    Sack::write_parts(writer.out(), Tsn(1), 2, blocks.into_iter(), [Tsn(1)].into_iter());
    data.write(writer.out());
    data.write(writer.out());
    writer.finish(Checksum::Crc32c);
}

#[test]
fn writing_and_reading_data_and_sacks_does_not_allocate() {
    let data = data();
    let mut block = BytesMut::with_capacity(4096);
    let counted = allocation_counter::measure(|| write_sctp(&data, &mut block));
    assert_eq!(counted.count_total, 0);
    let (packet, _rest) = (block.split().freeze(), block);
    let counted = allocation_counter::measure(|| {
        let mut chunks = SctpPacket::parse(packet, Checksum::Crc32c).unwrap().chunks;
        let Some(Ok(Chunk::Sack(sack))) = chunks.next() else { panic!("a sack") };
        assert_eq!((sack.gap_blocks().count(), sack.duplicates().count()), (4, 1));
        assert!(chunks.all(|chunk| matches!(chunk, Ok(Chunk::Data(read)) if read == data)));
    });
    assert_eq!(counted.count_total, 0);
}
