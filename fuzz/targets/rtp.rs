//! RTP packets: what is read can be written, and is then read as the same.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use peerless_wire::rtp::{ExtensionKind, ExtensionMap, Extensions, Header, Packet};

fuzz_target!(|data: &[u8]| {
    let map = ExtensionMap::from_iter((1..).zip(ExtensionKind::ALL));
    let header = Header::parse(data);
    let Ok(packet) = Packet::parse(Bytes::copy_from_slice(data), &map) else { return };
    let bare = Header { extensions: Extensions::default(), ..packet.header.clone() };
    assert_eq!(header.map(|(header, _)| header), Ok(bare));
    let mut out = BytesMut::new();
    packet.write(&map, &mut out);
    assert_eq!(Packet::parse(out.freeze(), &map), Ok(packet));
});
