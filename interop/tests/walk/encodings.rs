//! Several encodings of a picture, as steps of a walk (RFC 8853): either side opens senders of several, turns single ones off
//! and on, and loses them where the other does not take them.

use std::collections::BTreeSet;

use peerless_interop::browser::Kind;
use peerless_peer::parameters::EncodingParameters;
use peerless_peer::state::{Direction, MediaKind};
use peerless_peer::transceiver::TransceiverView;
use peerless_wire::rtp::Rid;
use serde_json::{Value, json};

use crate::steps::Walk;

/// What the encodings are called, and by how much their pictures are smaller.
const ENCODINGS: [(&str, u32); 3] = [("q", 4), ("h", 2), ("f", 1)];
/// The most that each takes, bit/s: as little as lets a browser send all of them from the start.
const BITRATE: u32 = 30_000;

impl Walk {
    /// What a new sender of ours has: of pictures three encodings at times, of which browsers take the first.
    pub fn encodings_of_ours(&mut self, kind: MediaKind) -> Vec<EncodingParameters> {
        let is_several = kind == MediaKind::Video && self.chance.one_in(2);
        let named = |(name, _): &(&str, u32)| EncodingParameters::named(name);
        if is_several { ENCODINGS.iter().map(named).collect() } else { Vec::new() }
    }

    /// What a new receiver of ours asks for: of pictures three encodings at times. Chromium is not asked: where it has a sender
    /// of one encoding already, that loses even this one.
    pub fn encodings_asked_for(&mut self, kind: MediaKind) -> Vec<Rid> {
        let can_take = self.page.kind == Kind::Firefox && kind == MediaKind::Video;
        let is_several = can_take && self.chance.one_in(3);
        let named = |(name, _): &(&str, u32)| Rid::new(name);
        if is_several { ENCODINGS.iter().map(named).collect() } else { Vec::new() }
    }

    /// The same of the page, all of which we take.
    pub fn encodings_of_page(&mut self, kind: MediaKind) -> Value {
        let is_several = kind == MediaKind::Video && self.chance.one_in(2);
        let all = ENCODINGS.map(
            |(name, scale)| json!({ "rid": name, "scaleResolutionDownBy": scale, "maxBitrate": BITRATE }),
        );
        if is_several { json!(all) } else { json!([]) }
    }

    /// Turns one encoding of ours off or on.
    pub fn activate_ours(&mut self, one: &TransceiverView) {
        let (which, active) = (self.chance.below(ENCODINGS.len()), self.chance.one_in(2));
        self.note(format!("ours: encoding {which} of {:?} is active: {active}", one.mid));
        self.ours.act(|ours, now| {
            let mut parameters = ours.peer.get_parameters(one.id).unwrap();
            if let Some(encoding) = parameters.encodings.get_mut(which) {
                encoding.active = active;
                ours.peer.set_parameters(now, one.id, parameters).unwrap();
            }
        });
    }

    /// At times the simulcast in an offer of the page's gets lost on the way, and so does from then on all of these sections:
    /// both ends have one encoding there. (It must not come back. What an answer took away is gone (webrtc-pc §4.4.1.5), but
    /// Chromium goes on to list it, in answers to offers without simulcast too, agrees to it anew, and does not send it.)
    pub fn lose_simulcast(&mut self, offer: &str) {
        let mut mid = "";
        let mut found = BTreeSet::new();
        for line in offer.lines() {
            mid = line.strip_prefix("a=mid:").unwrap_or(mid);
            if is_of_simulcast(line) && !self.reduced.contains(mid) {
                found.insert(mid.to_owned());
            }
        }
        if !found.is_empty() && self.chance.one_in(6) {
            self.note(format!("simulcast gets lost in {found:?}"));
            self.reduced.extend(found);
        }
    }

    /// A description as it arrives at the other end.
    pub fn carried(&self, description: &str) -> String {
        let mut mid = "";
        let kept = description.lines().filter(|line| {
            mid = line.strip_prefix("a=mid:").unwrap_or(mid);
            !(is_of_simulcast(line) && self.reduced.contains(mid))
        });
        kept.flat_map(|line| [line, "\r\n"]).collect()
    }

    /// Both ends have the same encodings wherever something may be sent.
    pub fn check_encodings(&self, look: &Value, views: &[TransceiverView]) {
        let theirs = look["transceivers"].as_array().unwrap();
        for view in views.iter().filter(|view| view.direction != Direction::Stopped) {
            let Some(current) = view.current_direction else { continue };
            let mid = view.mid.as_ref().unwrap().to_string();
            let other = theirs.iter().find(|one| one["mid"] == mid.as_str()).unwrap();
            let (sender, receiver) = self
                .ours
                .act(|ours, _| (ours.peer.sender(view.id).unwrap(), ours.peer.receiver(view.id).unwrap()));
            if matches!(current, Direction::SendRecv | Direction::SendOnly) {
                assert_eq!(sender.encodings.len(), 1, "browsers receive no simulcast: {mid}: {sender:?}");
            }
            if matches!(current, Direction::SendRecv | Direction::RecvOnly) {
                let sent: Vec<&Value> = other["encodings"].as_array().unwrap().iter().collect();
                let names: Vec<String> = receiver.rids.iter().map(ToString::to_string).collect();
                if names.is_empty() {
                    assert_eq!(sent.len(), 1, "{mid}: {other}");
                } else {
                    let sent: Vec<&str> = sent.iter().map(|one| one["rid"].as_str().unwrap()).collect();
                    assert_eq!(sent, names, "{mid}: {other}");
                }
            }
        }
    }
}

fn is_of_simulcast(line: &str) -> bool {
    line.starts_with("a=simulcast:") || line.starts_with("a=rid:")
}
