//! Compound RTCP packets: what was written once is written the same again.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use peerless_wire::rtcp::{Packet, check_compound, parse_compound};

fuzz_target!(|data: &[u8]| {
    let _ = (check_compound(data, true), check_compound(data, false));
    let packets: Vec<Packet> = parse_compound(data).flatten().collect();
    for packet in &packets {
        let _ = packet.summary();
        match packet {
            Packet::Nack(nack) => assert!(nack.lost().count() <= nack.pairs.len() * 17),
            Packet::TransportFeedback(feedback) => assert!(feedback.arrivals().count() <= data.len()),
            _ => {}
        }
    }
    let once = written(&packets);
    let again: Vec<Packet> =
        parse_compound(&once).collect::<Result<_, _>>().expect("what was written is RTCP");
    assert_eq!(written(&again), once);
});

fn written(packets: &[Packet]) -> BytesMut {
    let mut out = BytesMut::new();
    packets.iter().for_each(|packet| packet.write(&mut out));
    out
}
