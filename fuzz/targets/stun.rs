//! STUN messages and TURN's channel data: what is read can be written, and is then read as the same.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use peerless_wire::stun::{ChannelData, Message};

fuzz_target!(|data: &[u8]| {
    if let Ok(read) = ChannelData::parse(data) {
        let header = ChannelData::header(read.channel, read.data.len() as u16);
        let written = [&header, read.data].concat();
        assert_eq!(ChannelData::parse(&written), Ok(read));
        assert!(data.starts_with(&written));
    }
    let Ok(message) = Message::parse(data) else { return };
    let _ = message.to_string();
    let _ = (message.integrity(), message.username(), message.mapped_address(), message.error_code());
    let mut once = BytesMut::new();
    message.write(&mut once);
    let again = Message::parse(&once).expect("what was written is a message");
    assert!(message.attributes().eq(again.attributes()) || message.has_fingerprint());
    let mut twice = BytesMut::new();
    again.write(&mut twice);
    assert_eq!(once, twice);
});
