//! The first look at a datagram: what it is said to be is what its own parser would take.
#![no_main]

use libfuzzer_sys::fuzz_target;
use peerless_wire::demux::{Kind, kind};
use peerless_wire::rtcp::check_compound;
use peerless_wire::rtp::Header;
use peerless_wire::stun::{ChannelData, Message};

fuzz_target!(|data: &[u8]| {
    let kind = kind(data);
    // Methods beyond 0xff are STUN too, but RFC 7983 §7 leaves their first byte to others; none is assigned.
    if Message::parse(data).is_ok_and(|message| message.method().value() <= 0xff) {
        assert_eq!(kind, Some(Kind::Stun));
    }
    if ChannelData::parse(data).is_ok() {
        assert_eq!(kind, Some(Kind::ChannelData));
    }
    if Header::parse(data).is_ok() || check_compound(data, true).is_ok() {
        assert!(matches!(kind, Some(Kind::Rtp | Kind::Rtcp)));
    }
});
