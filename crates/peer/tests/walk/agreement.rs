//! What both sides must agree on when signalling is settled.

use std::collections::BTreeSet;

use peerless_peer::state::Direction;
use peerless_peer::transceiver::TransceiverView;

use crate::encodings::check_encodings;
use crate::text::{Section, Text, receives, reversed, sends};
use crate::world::{Side, World};

impl World {
    /// In a stable state of both: mids, kinds, directions, codecs, streams, rejected sections.
    pub fn check_agreement(&self) {
        let [alice, bob] = &self.sides;
        let texts =
            [alice, bob].map(|side| side.slots.current_local.as_ref().map(|(_, text)| Text::read(text)));
        let [Some(ours), Some(theirs)] = &texts else {
            assert!(texts.iter().all(Option::is_none), "only one side has a description");
            return;
        };
        assert_eq!(ours.sections.len(), theirs.sections.len(), "as many sections on both sides");
        let mut live = BTreeSet::new();
        for (one, other) in ours.sections.iter().zip(&theirs.sections) {
            assert_eq!((one.kind, one.mid), (other.kind, other.mid), "the same section on both sides");
            if !one.is_rejected() && !other.is_rejected() && !one.is_for_data() {
                live.insert(one.mid);
                for (side, mirrored, ours, theirs) in [(alice, bob, one, other), (bob, alice, other, one)] {
                    check_section(side, mirrored, ours, theirs);
                    check_encodings(side, mirrored, one.mid);
                }
            }
        }
        let transports = if self.losses.groups { ours.live_in(theirs) } else { ours.live_in(theirs).min(1) };
        for side in &self.sides {
            assert_eq!(side.peer.transports().len(), transports, "transports");
            for view in side.peer.transceivers() {
                let mid = view.mid.as_ref().map(ToString::to_string);
                let is_live = mid.is_none_or(|mid| live.contains(&*mid));
                assert!(is_live, "{view:?} is associated with a section that is not in use");
            }
            check_streams(side);
        }
    }
}

/// What is the same of a section seen from the one side and from the other.
fn check_section(side: &Side, other: &Side, ours: &Section<'_>, theirs: &Section<'_>) {
    let (Some(view), Some(mirrored)) = (side.transceiver(ours.mid), other.transceiver(ours.mid)) else {
        panic!("section {} has no transceiver on one side", ours.mid);
    };
    assert_eq!((view.kind.as_str(), mirrored.kind.as_str()), (ours.kind, ours.kind));
    let current = |view: &TransceiverView| view.current_direction.map_or("none", Direction::as_str);
    let is_stopped = |view: &TransceiverView| view.direction == Direction::Stopped;
    if is_stopped(&view) || is_stopped(&mirrored) {
        return;
    }
    assert_eq!(current(&view), reversed(current(&mirrored)), "directions of section {}", ours.mid);
    if !sends(current(&view)) {
        let sender = side.peer.sender(view.id).unwrap();
        assert!(sender.codec.is_none() && !sender.can_send, "{view:?} sends: {sender:?}");
        return;
    }
    let codec = side.peer.sender(view.id).unwrap().codec;
    let codec = codec.unwrap_or_else(|| panic!("no codec though {view:?} sends"));
    let receiver = other.peer.receiver(mirrored.id).unwrap();
    assert!(receiver.receptive, "{mirrored:?} is not receptive");
    let is_taken = receiver
        .codecs
        .iter()
        .any(|taken| (taken.payload_type, taken.clock_rate) == (codec.payload_type, codec.clock_rate));
    assert!(is_taken, "{codec:?} is not taken: {:?}", receiver.codecs);
    let mut streams = receiver.stream_ids.clone();
    streams.sort_unstable();
    assert_eq!(streams, ours.streams(), "streams of section {}", ours.mid);
    let number = codec.payload_type.to_string();
    assert!(theirs.formats.contains(&&*number), "payload type {number} is not in the other's section");
}

/// The receiver of each transceiver tells the remote's streams, where the remote sends.
fn check_streams(side: &Side) {
    for view in side.peer.transceivers() {
        let receiver = side.peer.receiver(view.id).unwrap();
        if view.direction != Direction::Stopped {
            let streams: BTreeSet<String> = receiver.stream_ids.into_iter().collect();
            let fired = side.fired.get(&view.id).cloned().unwrap_or_default();
            assert_eq!(streams, fired, "streams of {view:?}");
        }
        let is_receiving = view.current_direction.is_some_and(|direction| receives(direction.as_str()));
        assert!(is_receiving || receiver.muted, "{view:?} receives nothing, but is not muted");
    }
}
