//! What the session tests are played with: codecs, configurations, pictures and sounds.

use std::time::{Duration, Instant, SystemTime};

use bytes::{BufMut, BytesMut};
use peerless_rtp::codec::{Codec, Feedback, Format};
use peerless_rtp::config::{Config, ReceiveConfig, SendConfig};
use peerless_rtp::frame::Frame;
use peerless_rtp::session::Session;
use peerless_wire::rtp::{ExtensionKind, ExtensionMap, Mid, PayloadType, Ssrc};

pub const MS: Duration = Duration::from_millis(1);
pub const SECOND: Duration = Duration::from_secs(1);

/// The sources that A sends from.
pub const VIDEO: Ssrc = Ssrc(0x1111_0001);
pub const VIDEO_RTX: Ssrc = Ssrc(0x1111_0002);
pub const AUDIO: Ssrc = Ssrc(0x1111_0003);

#[expect(
    clippy::disallowed_methods,
    reason = "instants can only be had from the clock; tests use differences"
)]
pub fn start() -> Instant {
    Instant::now()
}

pub fn mid(text: &str) -> Mid {
    Mid::new(text)
}

pub fn payload_type(number: u8) -> PayloadType {
    PayloadType::new(number).unwrap()
}

pub fn vp8() -> Codec {
    Codec {
        format: Format::Vp8,
        payload_type: payload_type(96),
        clock_rate: 90_000,
        channels: 1,
        parameters: String::new(),
        rtx: Some(payload_type(97)),
        feedback: Feedback { nack: true, pli: true, fir: true, transport_cc: true, remb: true },
    }
}

pub fn opus() -> Codec {
    Codec {
        format: Format::Opus,
        payload_type: payload_type(111),
        clock_rate: 48_000,
        channels: 2,
        parameters: String::new(),
        rtx: None,
        feedback: Feedback { transport_cc: true, ..Feedback::default() },
    }
}

pub fn extensions() -> ExtensionMap {
    let kinds = [
        ExtensionKind::Mid,
        ExtensionKind::AbsSendTime,
        ExtensionKind::TransportSequence,
        ExtensionKind::AudioLevel,
        ExtensionKind::AbsCaptureTime,
    ];
    (1..).zip(kinds).collect()
}

pub fn send_video(codec: Codec) -> SendConfig {
    let mut config = SendConfig::new(codec, VIDEO);
    config.rtx_ssrc = Some(VIDEO_RTX);
    config.extensions = extensions();
    config.reduced_size = true;
    config
}

pub fn receive(codec: Codec) -> ReceiveConfig {
    let mut config = ReceiveConfig::new(vec![codec]);
    config.extensions = extensions();
    config.reduced_size = true;
    config
}

/// A session whose wall clock is `offset` ahead.
pub fn session(seed: u8, start: Instant, offset: Duration) -> Session {
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000) + offset;
    let mut config = Config::new(format!("end-{seed}"), [seed; 32], (start, wall));
    config.assumed_bitrate = 3_000_000;
    Session::new(config)
}

/// A picture as VP8 would code it: the lowest bit of the first byte tells a key frame.
pub fn picture(number: u32, key: bool, len: usize, captured: Instant) -> Frame {
    let mut payload = BytesMut::with_capacity(len);
    payload.put_u8(if key { 0x10 } else { 0x11 });
    payload.put_u32(number);
    payload.resize(len, number as u8);
    let frame = Frame::new(Format::Vp8, number.wrapping_mul(3600), key, payload.freeze());
    Frame { captured: Some(captured), ..frame }
}

/// 20 ms of sound as Opus would code it (CELT, one frame).
pub fn sound(number: u32, captured: Instant) -> Frame {
    let mut payload = BytesMut::with_capacity(80);
    payload.put_u8(0xf8);
    payload.put_u32(number);
    payload.resize(80, number as u8);
    let frame = Frame::new(Format::Opus, number.wrapping_mul(960), true, payload.freeze());
    Frame { captured: Some(captured), ..frame }
}

/// The number that [`picture`] or [`sound`] put into a frame.
pub fn number(payload: &[u8]) -> u32 {
    u32::from_be_bytes(payload[1..5].try_into().unwrap())
}

/// Whether each number is larger than the one before.
pub fn grows(numbers: &[u32]) -> bool {
    numbers.windows(2).all(|pair| pair[0] < pair[1])
}
