//! RTP header extensions: the first byte makes the map, the second chooses the form, the rest is the block.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use peerless_wire::rtp::{ExtensionKind, ExtensionMap, Extensions};

fuzz_target!(|data: &[u8]| {
    let [first, form, block @ ..] = data else { return };
    let mut map = ExtensionMap::from_iter((*first..=255).zip(ExtensionKind::ALL));
    map.mixed = form & 0x80 != 0;
    let profile = if form & 1 == 0 { 0xbede } else { 0x1000 | u16::from(form >> 3) };
    let values = Extensions::parse(&map, profile, block);
    let mut out = BytesMut::new();
    if !values.write(&map, &mut out) {
        assert_eq!(values, Extensions::default());
        return;
    }
    let ([a, b, c, d], written) = out.split_first_chunk().expect("a block has a head");
    assert_eq!(usize::from(u16::from_be_bytes([*c, *d])) * 4, written.len());
    assert_eq!(Extensions::parse(&map, u16::from_be_bytes([*a, *b]), written), values);
});
