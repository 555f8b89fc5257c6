//! Payload formats: the first byte chooses one. The rest is taken once as received payloads, each behind a byte that
//! tells its length, and once as a frame to be cut and put together again.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use peerless_rtp::codec::Format;
use peerless_rtp::frame::Frame;
use peerless_rtp::payload::{Depacketizer, Packetizer, Vp8Descriptor};

fuzz_target!(|data: &[u8]| {
    let [choice, limit, rest @ ..] = data else { return };
    let format = FORMATS[usize::from(*choice) % FORMATS.len()];
    receive(format, rest);
    send(format, usize::from(*limit), rest);
    if let Ok((descriptor, body)) = Vp8Descriptor::parse(rest) {
        let again = [descriptor.to_prefix().as_slice(), body].concat();
        assert_eq!(Vp8Descriptor::parse(&again), Ok((descriptor, body)));
    }
});

fn receive(format: Format, mut rest: &[u8]) {
    let mut packets = Vec::new();
    while let Some((len, tail)) = rest.split_first() {
        let (packet, tail) = tail.split_at(usize::from(*len).min(tail.len()));
        packets.push(Bytes::copy_from_slice(packet));
        rest = tail;
    }
    let mut depacketizer = Depacketizer::new(format);
    let is_bad = packets.iter().any(|packet| depacketizer.inspect(packet).is_err());
    let frame = depacketizer.assemble(&mut packets.iter());
    assert!(frame.is_err() || !is_bad, "a frame of bad packets");
}

fn send(format: Format, limit: usize, payload: &[u8]) {
    let payload = Bytes::copy_from_slice(payload);
    let frame = Frame::new(format, 0, true, payload);
    let mut packets = Vec::new();
    let mut markers = Vec::new();
    let cut = Packetizer::new(format, 7).packetize(&frame, limit, &mut |fragment| {
        packets.push(Bytes::from([fragment.prefix.as_slice(), &fragment.body].concat()));
        markers.push(fragment.marker);
    });
    if cut.is_err() {
        assert!(packets.is_empty());
        return;
    }
    assert!(packets.iter().all(|packet| (1..=limit).contains(&packet.len())));
    assert_eq!(markers.iter().position(|marker| *marker), Some(markers.len() - 1));
    let assembled = Depacketizer::new(format).assemble(&mut packets.iter());
    match (format, assembled) {
        // A byte stream may hold NAL units of types that RTP cannot carry as they are.
        (Format::H264 { .. }, _) => {}
        (_, assembled) => assert_eq!(assembled, Ok(frame.payload)),
    }
}

const FORMATS: [Format; 8] = [
    Format::Vp8,
    Format::H264 { packetization_mode: 0, profile_level_id: 0x42_e01f },
    Format::H264 { packetization_mode: 1, profile_level_id: 0x42_e01f },
    Format::Opus,
    Format::Pcmu,
    Format::Pcma,
    Format::G722,
    Format::L16,
];
