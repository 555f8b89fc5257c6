//! Frames that look like VP8 and Opus to a payload format, and know their own number.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use peerless_peer::Peer;
use peerless_peer::id::TransceiverId;
use peerless_peer::media::SendError;
use peerless_peer::state::MediaKind;
use peerless_rtp::codec::Format;
use peerless_rtp::frame::Frame;
use peerless_wire::rtp::Rid;

/// A camera or microphone: gives frames at its rate from the moment the peer takes them.
pub struct Source {
    pub id: TransceiverId,
    pub kind: MediaKind,
    /// When the next frame is due; `None` before it may send.
    pub next: Option<Instant>,
    pub sent: u32,
    pub refused: Vec<SendError>,
    /// Sends nothing more.
    pub is_muted: bool,
    wants_key: bool,
}

/// What arrived, checked against what a source sends.
#[derive(Default)]
pub struct Arrivals {
    pub pictures: usize,
    pub key_pictures: usize,
    pub sounds: usize,
    /// How many frames came for each transceiver, and the number of the last.
    pub by_transceiver: HashMap<TransceiverId, (usize, u32)>,
    /// The frames of encodings that have a name; they count nowhere else.
    pub encodings: HashMap<Rid, Vec<Frame>>,
    /// Takes any frame, and counts nothing.
    pub takes_all: bool,
}

impl Source {
    pub fn new(id: TransceiverId, kind: MediaKind) -> Self {
        Self { id, kind, next: None, sent: 0, refused: Vec::new(), is_muted: false, wants_key: false }
    }

    pub fn request_key(&mut self) {
        self.wants_key = true;
    }

    pub fn interval(&self) -> Duration {
        match self.kind {
            MediaKind::Audio => Duration::from_millis(20),
            MediaKind::Video => Duration::from_millis(40),
        }
    }

    /// Sends the frames that are due.
    pub fn send_due(&mut self, now: Instant, peer: &mut Peer) {
        if self.is_muted || !peer.sender(self.id).is_some_and(|sender| sender.can_send) {
            self.next = None;
            return;
        }
        let due = *self.next.get_or_insert(now);
        if due > now {
            return;
        }
        let frame = self.frame(now);
        match peer.send_frame(now, self.id, &frame) {
            Ok(()) => {
                self.sent += 1;
                self.wants_key = false;
            }
            Err(error) => self.refused.push(error),
        }
        self.next = Some(due + self.interval());
    }

    fn frame(&self, now: Instant) -> Frame {
        match self.kind {
            MediaKind::Audio => sound(self.sent, now),
            MediaKind::Video => picture(self.sent, self.wants_key, now),
        }
    }
}

impl Arrivals {
    /// Notes a frame, and asserts that it is whole and newer than the last of its transceiver.
    pub fn take(&mut self, id: TransceiverId, frame: &Frame) {
        if self.takes_all {
            return;
        }
        if let Some(rid) = &frame.rid {
            return self.encodings.entry(rid.clone()).or_default().push(frame.clone());
        }
        let number = number_of(&frame.payload, frame.format);
        let expected = match frame.format {
            Format::Vp8 => payload(picture_size(frame.key), picture_start(frame.key), number),
            _ => payload(SOUND_SIZE, &[SOUND_START], number),
        };
        assert_eq!(frame.payload, expected, "frame {number} of {id:?} is not what was sent");
        let entry = self.by_transceiver.entry(id).or_insert((0, number));
        assert!(entry.0 == 0 || number > entry.1, "frame {number} of {id:?} after {}", entry.1);
        *entry = (entry.0 + 1, number);
        match frame.format {
            Format::Vp8 => {
                self.pictures += 1;
                self.key_pictures += usize::from(frame.key);
            }
            _ => self.sounds += 1,
        }
    }

    pub fn of(&self, id: TransceiverId) -> usize {
        self.by_transceiver.get(&id).map_or(0, |(count, _)| *count)
    }
}

/// A picture: begins as a VP8 frame does (RFC 6386 §9.1).
pub fn picture(number: u32, key: bool, now: Instant) -> Frame {
    let payload = payload(picture_size(key), picture_start(key), number);
    Frame { captured: Some(now), ..Frame::new(Format::Vp8, number.wrapping_mul(3600), key, payload) }
}

/// 20 ms of sound.
pub fn sound(number: u32, now: Instant) -> Frame {
    let payload = payload(SOUND_SIZE, &[SOUND_START], number);
    Frame { captured: Some(now), ..Frame::new(Format::Opus, number.wrapping_mul(960), true, payload) }
}

const SOUND_SIZE: usize = 120;
/// Opus: CELT, 20 ms, one frame (RFC 6716 §3.1).
const SOUND_START: u8 = 0xf8;

fn picture_size(key: bool) -> usize {
    if key { 6_000 } else { 2_500 }
}

fn picture_start(key: bool) -> &'static [u8] {
    if key { &[0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01] } else { &[0x11, 0, 0] }
}

fn number_of(payload: &[u8], format: Format) -> u32 {
    let is_key = payload.first().is_some_and(|first| first & 1 == 0);
    let start = if format == Format::Vp8 { picture_start(is_key).len() } else { 1 };
    let bytes = payload.get(start..start + 4).expect("a frame has room for its number");
    u32::from_be_bytes(bytes.try_into().unwrap())
}

fn payload(size: usize, start: &[u8], number: u32) -> Bytes {
    let mut bytes = Vec::with_capacity(size);
    bytes.extend_from_slice(start);
    bytes.extend_from_slice(&number.to_be_bytes());
    let mut state = number.wrapping_mul(0x9e37_79b9) | 1;
    while bytes.len() < size {
        state = state.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
        bytes.push((state >> 24) as u8);
    }
    bytes.into()
}
