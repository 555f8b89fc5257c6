//! SCTP packets: what was read can be written, is then read as the same, and written the same again.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use peerless_wire::sctp::{Checksum, Chunk, Header, Packet, Tag, Writer};

fuzz_target!(|data: &[u8]| {
    // No input would guess a CRC.
    let mut packet = data.to_vec();
    if let Some(field) = packet.get_mut(8..Header::LEN) {
        field.fill(0);
    }
    let _ = Packet::parse(Bytes::copy_from_slice(data), Checksum::Crc32c);
    let Ok(packet) = Packet::parse(packet.into(), Checksum::Zero) else { return };
    let chunks: Vec<Chunk> = packet.chunks.map_while(Result::ok).collect();
    for chunk in &chunks {
        let _ = chunk.unrecognized();
        match chunk {
            Chunk::Sack(sack) => {
                assert!(4 * (sack.gap_blocks().count() + sack.duplicates().count()) <= data.len());
            }
            Chunk::Init(init) | Chunk::InitAck(init) => {
                let _ = (init.cookie(), init.zero_checksum(), init.has_extension(130));
                assert!(4 * init.parameters.len() <= data.len());
            }
            _ => {}
        }
    }
    if chunks.is_empty() {
        return;
    }
    let once = written(&chunks);
    let again = Packet::parse(once.clone().freeze(), Checksum::Crc32c).expect("what was written is a packet");
    let again: Vec<Chunk> = again.chunks.collect::<Result<_, _>>().expect("of chunks");
    assert_eq!(again, chunks);
    assert_eq!(written(&again), once);
});

fn written(chunks: &[Chunk]) -> BytesMut {
    let mut out = BytesMut::new();
    let mut writer = Writer::new(&mut out, Header { source_port: 5000, destination_port: 5000, tag: Tag(1) });
    chunks.iter().for_each(|chunk| writer.chunk(chunk));
    writer.finish(Checksum::Crc32c);
    out
}
