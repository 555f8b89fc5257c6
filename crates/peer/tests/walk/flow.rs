//! Media and messages flow where both sides agreed on it, and nowhere else.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use peerless_peer::channel::Message;
use peerless_peer::id::{ChannelId, TransceiverId};
use peerless_peer::state::{ConnectionState, DataChannelState, Direction};
use peerless_peer::transceiver::{EncodingView, TransceiverView};
use peerless_rtp::codec::{Codec, Format};
use peerless_rtp::frame::Frame;
use peerless_wire::rtp::{PayloadType, Rid};

use crate::scene::stage::moment;
use crate::text::{Text, receives, sends};
use crate::world::{Side, Which, World};

/// How long anything may take, in virtual time.
const PATIENCE: Duration = Duration::from_secs(30);

/// The frames on their way.
#[derive(Debug, Default)]
pub struct Flights {
    sent: u32,
    under_way: HashMap<u32, Flight>,
    /// Those that send all through the exchange that is under way.
    pub steady: Vec<Steady>,
}

/// What sends: a side, a sender of its, an encoding of that, and what it is coded with.
pub type Steady = (Which, TransceiverId, Option<Rid>, PayloadType);

#[derive(Debug)]
struct Flight {
    to: Which,
    mid: String,
    sender: TransceiverId,
    rid: Option<Rid>,
    /// It is one of several encodings.
    is_named: bool,
    /// It is the first encoding of its sender.
    is_first: bool,
    /// It must arrive.
    is_sure: bool,
    /// It was sent in the exchange that is under way.
    is_new: bool,
}

impl Flights {
    /// A frame arrived: it was sent to this side and this section, and it is here for the first time.
    /// Whether its section knows no names of encodings then is `is_plain`.
    pub fn land(&mut self, which: Which, mid: Option<&str>, frame: &Frame, is_plain: bool) {
        let number = number_of(&frame.payload);
        let Some(flight) = self.under_way.remove(&number) else {
            panic!("frame {number} arrived at side {which} in {mid:?}, but was not under way");
        };
        assert_eq!((flight.to, Some(&*flight.mid)), (which, mid), "frame {number} went astray: {flight:?}");
        // What is left of several has no name any more, also where it was sent when it had one.
        let is_left = flight.is_first && is_plain;
        let is_told = frame.rid.is_some() || flight.is_sure && flight.is_named && !is_left;
        assert!(!is_told || frame.rid == flight.rid, "frame {number} as {:?}: {flight:?}", frame.rid);
    }

    /// Whether all have arrived that must.
    fn are_here(&self) -> bool {
        self.under_way.values().all(|flight| !flight.is_sure)
    }

    /// A sender or receiver stopped: what it sent in this exchange may be lost.
    pub fn unsettle(&mut self, which: Which, id: TransceiverId) {
        self.steady.retain(|one| (one.0, one.1) != (which, id));
    }

    /// The exchange is over. What was sent in it by those that sent before it and send still must arrive.
    fn settle(&mut self) {
        for flight in self.under_way.values_mut() {
            flight.is_sure |= flight.is_new
                && self
                    .steady
                    .iter()
                    .any(|one| (one.0, one.1, &one.2) == (1 - flight.to, flight.sender, &flight.rid));
            flight.is_new = false;
        }
        self.steady.clear();
    }
}

impl World {
    /// Sends a frame on each transceiver that can. In a settled state those are just the ones that both sides agreed on.
    pub fn send_frames(&mut self, is_settled: bool) {
        // No two frames have one timestamp.
        self.run_for(Duration::from_millis(20));
        for which in [0, 1] {
            for view in self.sides[which].peer.transceivers() {
                let sender = self.sides[which].peer.sender(view.id).unwrap();
                let may = view.current_direction.is_some_and(|direction| sends(direction.as_str()))
                    && view.direction != Direction::Stopped
                    && sender.track.is_some();
                let layers = self.sides[which].layers(view.id);
                for (encoding, layer) in sender.encodings.iter().zip(&layers) {
                    if is_settled {
                        let may = may && layer.is_sent();
                        assert_eq!(encoding.can_send, may, "can_send of {view:?} with {sender:?}");
                        assert!(!may || encoding.codec.is_some(), "no codec though {view:?} sends");
                    }
                    self.send_frame(which, &view, encoding, (is_settled, sender.encodings.len() > 1));
                }
            }
        }
        self.drain();
    }

    /// Sends a frame of one encoding, where it can be.
    fn send_frame(
        &mut self,
        which: Which,
        view: &TransceiverView,
        encoding: &EncodingView,
        (is_settled, is_named): (bool, bool),
    ) {
        let number = self.flights.sent;
        self.flights.sent += 1;
        let mut frame = encoding.codec.as_ref().map_or_else(
            || Frame::new(Format::Opus, 0, true, payload(Format::Opus, number)),
            |codec| self.frame(codec, number),
        );
        frame.rid = encoding.parameters.rid.clone().filter(|_| is_named);
        let now = self.now;
        let result = self.sides[which].peer.send_frame(now, view.id, &frame);
        if !encoding.can_send {
            assert!(result.is_err(), "a frame was taken though {view:?} cannot send {encoding:?}");
            return;
        }
        result.unwrap_or_else(|error| panic!("{error:?} though {view:?} can send {encoding:?}"));
        let mid = view.mid.as_ref().unwrap().to_string();
        let is_taken = self.sides[1 - which].expects(&mid, is_named);
        let is_sure = is_settled && is_taken;
        let sender = self.sides[which].peer.sender(view.id).unwrap();
        let is_first =
            sender.encodings.first().is_some_and(|first| first.parameters.rid == encoding.parameters.rid);
        let (rid, format) = (encoding.parameters.rid.clone(), frame.format);
        self.note(format!("frame {number} to {} in {mid}: {format:?} {rid:?}, sure {is_sure}", 1 - which));
        let (to, is_new) = (1 - which, !is_settled);
        let flight = Flight { to, mid, sender: view.id, rid, is_named, is_first, is_sure, is_new };
        self.flights.under_way.insert(number, flight);
    }

    fn frame(&self, codec: &Codec, number: u32) -> Frame {
        let elapsed = (self.now - moment()).as_micros() as u64;
        let timestamp = (elapsed * u64::from(codec.clock_rate) / 1_000_000) as u32;
        let payload = payload(codec.format, number);
        Frame { captured: Some(self.now), ..Frame::new(codec.format, timestamp, true, payload) }
    }

    /// An exchange begins: notes who sends, and must go on to be heard where nothing about it changes.
    pub fn note_steady(&mut self) {
        self.flights.steady = self.steady();
    }

    /// Something was settled: leaves out those that send no more.
    pub fn keep_steady(&mut self) {
        let now = self.steady();
        self.flights.steady.retain(|one| now.contains(one));
    }

    /// All is over.
    pub fn settle_flights(&mut self) {
        self.keep_steady();
        self.flights.settle();
    }

    /// The senders that are heard.
    fn steady(&self) -> Vec<Steady> {
        let mut steady = Vec::new();
        for which in [0, 1] {
            for view in self.sides[which].peer.transceivers() {
                let sender = self.sides[which].peer.sender(view.id).unwrap();
                let Some(mid) = view.mid else { continue };
                let is_named = sender.encodings.len() > 1;
                let is_heard = self.sides[1 - which].expects(&mid.to_string(), is_named);
                for encoding in sender.encodings.into_iter().filter(|one| is_heard && one.can_send) {
                    let payload_type = encoding.codec.map(|codec| codec.payload_type);
                    let rid = encoding.parameters.rid;
                    steady.extend(payload_type.map(|payload_type| (which, view.id, rid, payload_type)));
                }
            }
        }
        steady
    }

    /// In a settled state: connected, and each frame and message arrives where it belongs.
    pub fn check_flow(&mut self) {
        let [has_sections, has_data] = [false, true].map(|is_data| {
            self.sides.iter().all(|side| {
                let text = side.slots.current_local.as_ref().map(|(_, text)| Text::outline(text));
                text.is_some_and(|text| text.live().any(|section| section.is_for_data() || !is_data))
            })
        });
        if !has_sections {
            return;
        }
        let is_up = self.run_until(PATIENCE, |world| {
            let mut sides = world.sides.iter();
            sides.all(|side| side.peer.connection_state() == ConnectionState::Connected)
        });
        assert!(is_up, "not connected");
        self.send_frames(true);
        let expected = if has_data { self.send_messages() } else { [Vec::new(), Vec::new()] };
        let is_all_here = self.run_until(PATIENCE, |world| {
            let has_all = |which: Which| world.sides[which].messages.len() >= expected[which].len();
            world.flights.are_here() && has_all(0) && has_all(1)
        });
        assert!(is_all_here, "under way still: {:?}", self.flights.under_way);
        for (side, mut expected) in self.sides.iter_mut().zip(expected) {
            let mut messages: Vec<_> = side.messages.drain(..).collect();
            let by_text = |(id, message): &(ChannelId, Message)| (*id, message.as_text().map(str::to_owned));
            messages.sort_by_key(by_text);
            expected.sort_by_key(by_text);
            assert_eq!(messages, expected, "messages");
        }
        self.check_unmuted();
    }

    /// Tracks that were heard are not muted.
    fn check_unmuted(&self) {
        for which in [0, 1] {
            for view in self.sides[which].peer.transceivers() {
                let other =
                    view.mid.as_ref().and_then(|mid| self.sides[1 - which].transceiver(&mid.to_string()));
                let is_sending = other.is_some_and(|other| {
                    let sender = self.sides[1 - which].peer.sender(other.id).unwrap();
                    let mid = other.mid.map(|mid| mid.to_string()).unwrap_or_default();
                    sender.can_send && self.sides[which].expects(&mid, sender.encodings.len() > 1)
                });
                let is_stopped = view.direction == Direction::Stopped;
                let receiver = self.sides[which].peer.receiver(view.id).unwrap();
                assert!(
                    !is_sending || is_stopped || !receiver.muted,
                    "{view:?} is muted, though it is heard"
                );
            }
        }
    }

    /// Waits until both sides have the same channels, all open, sends a message on each from either side, and gives what
    /// each must get.
    fn send_messages(&mut self) -> [Vec<(ChannelId, Message)>; 2] {
        let is_settled = self.run_until(PATIENCE, |world| {
            let labels = |which: Which| world.sides[which].channels.keys();
            let is_open = |which: Which| {
                let side = &world.sides[which];
                let mut views = side.channels.values().map(|id| side.peer.channel(*id));
                views.all(|view| view.is_some_and(|view| view.ready_state == DataChannelState::Open))
            };
            labels(0).eq(labels(1)) && is_open(0) && is_open(1)
        });
        assert!(is_settled, "channels: {:?}", self.sides.each_ref().map(|side| &side.channels));
        let mut expected = [Vec::new(), Vec::new()];
        let now = self.now;
        for which in [0, 1] {
            for (label, id) in self.sides[which].channels.clone() {
                let message = Message::Text(self.name(&format!("{label} from {which}: ")));
                self.sides[which].peer.send_message(now, id, message.clone()).unwrap();
                expected[1 - which].push((self.sides[1 - which].channels[&label], message));
            }
        }
        expected
    }
}

impl Side {
    /// Whether it receives what the other side sends of a section, as one of several encodings or as the only one. One that was
    /// left of several goes without its name: who expects names, because its answer was not understood so, may not know it.
    fn expects(&self, mid: &str, is_named: bool) -> bool {
        let knows = |view: &TransceiverView| {
            is_named || self.peer.receiver(view.id).is_some_and(|receiver| receiver.rids.is_empty())
        };
        self.transceiver(mid).filter(knows).is_some_and(is_receiving)
    }
}

/// Whether both sides agreed that it receives.
fn is_receiving(view: TransceiverView) -> bool {
    view.current_direction.map(Direction::as_str).is_some_and(receives)
        && view.direction != Direction::Stopped
}

const DIGITS: usize = 8;

/// What a payload format takes for a frame of its codec, with the number at its end.
fn payload(format: Format, number: u32) -> Bytes {
    let start: &[u8] = match format {
        // A key frame (RFC 6386 §9.1).
        Format::Vp8 => &[0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01],
        // SPS, PPS and an IDR slice, each after a start code.
        Format::H264 { .. } => {
            b"\0\0\0\x01\x67\x42\xe0\x1f\x8c\x8d\x40\0\0\0\x01\x68\xce\x3c\x80\0\0\0\x01\x65\x88\x84"
        }
        Format::Opus => &[0xf8],
        _ => &[],
    };
    let mut bytes = start.to_vec();
    bytes.extend_from_slice(format!("{number:0DIGITS$}").as_bytes());
    bytes.into()
}

fn number_of(payload: &[u8]) -> u32 {
    let digits = &payload[payload.len().checked_sub(DIGITS).expect("a frame has room for its number")..];
    std::str::from_utf8(digits).expect("digits").parse().expect("digits")
}
