//! Messages that open data channels: what was read can be written, and is then read as the same.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use peerless_wire::dcep::Message;

fuzz_target!(|data: &[u8]| {
    let Ok(message) = Message::parse(data) else { return };
    if let Message::Open(open) = &message {
        assert!(open.label.len() + open.protocol.len() <= data.len());
    }
    let mut once = BytesMut::new();
    message.write(&mut once);
    assert!(data.starts_with(&once));
    assert_eq!(Message::parse(&once), Ok(message));
});
