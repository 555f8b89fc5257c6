//! Several encodings of a track (RFC 8853): what each sender must have by what was asked for, offered, answered and taken
//! back (webrtc-pc §4.4.1.5, §5.2), and the steps that change it.

use std::collections::BTreeSet;

use peerless_peer::error::Error;
use peerless_peer::id::TransceiverId;
use peerless_peer::parameters::EncodingParameters;
use peerless_peer::state::{Direction, MediaKind, SignalingState};
use peerless_peer::transceiver::{TransceiverInit, TransceiverView};
use peerless_wire::rtp::Rid;

use crate::text::{Section, Text, receives, sends};
use crate::world::{Side, Which, World};

/// The names there are: few, so that both sides often choose the same.
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// One encoding as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    pub name: Option<String>,
    pub is_active: bool,
    /// By the remote's last answer.
    pub is_paused: bool,
}

impl Layer {
    fn new(name: Option<&str>) -> Self {
        Self { name: name.map(str::to_owned), is_active: true, is_paused: false }
    }

    pub fn is_sent(&self) -> bool {
        self.is_active && !self.is_paused
    }
}

impl World {
    /// Encodings to send, encodings to ask for, both, or none of them.
    pub fn draw_encodings(&mut self, init: &mut TransceiverInit) {
        if self.chance.one_in(2) {
            let names = self.chance.some(&NAMES);
            init.send_encodings = names.into_iter().map(EncodingParameters::named).collect();
        }
        if self.chance.one_in(3) {
            init.receive_rids = self.chance.some(&NAMES).into_iter().map(Rid::new).collect();
        }
    }

    /// `setParameters`: encodings are turned off and on. Takes effect at once, and needs no negotiation (webrtc-pc §5.2).
    pub fn set_parameters(&mut self, which: Which, one: &TransceiverView) {
        let now = self.now;
        let mut parameters = self.sides[which].peer.get_parameters(one.id).unwrap();
        let stale = parameters.clone();
        let mut layers = self.sides[which].layers(one.id);
        for (layer, encoding) in layers.iter_mut().zip(&mut parameters.encodings) {
            layer.is_active = !self.chance.one_in(3);
            encoding.active = layer.is_active;
        }
        self.note(format!("{which}: set_parameters {:?} {layers:?}", one.id));
        let side = &mut self.sides[which];
        side.peer.set_parameters(now, one.id, parameters).unwrap();
        let again = side.peer.set_parameters(now, one.id, stale).unwrap_err();
        assert!(matches!(again, Error::ParametersNotRead), "{again:?}");
        assert_eq!(side.peer.transceiver(one.id).as_ref(), Some(one), "nothing else changes");
        side.layers.insert(one.id, layers);
        side.check_layers();
        self.flights.unsettle(which, one.id);
    }
}

impl Side {
    /// What a sender must have; one without a name where nothing else came about.
    pub fn layers(&self, id: TransceiverId) -> Vec<Layer> {
        self.layers.get(&id).cloned().unwrap_or_else(|| vec![Layer::new(None)])
    }

    /// A transceiver was made with these: one alone has no name, and sound has one only.
    pub fn note_layers(&mut self, id: TransceiverId, kind: MediaKind, given: &[EncodingParameters]) {
        if kind == MediaKind::Video && given.len() > 1 {
            let names = given.iter().map(|one| Layer::new(one.rid.as_ref().map(Rid::as_str)));
            self.layers.insert(id, names.collect());
        }
    }

    /// A remote offer asks for several: where there is one without a name, they take its place, until a rollback.
    pub fn propose_layers(&mut self, before: &[TransceiverView], offer: &Text<'_>) {
        for section in offer.live().filter(|section| !section.takes.is_empty() && section.kind == "video") {
            let bound = self.transceiver(section.mid).filter(|one| one.direction != Direction::Stopped);
            let Some(id) = bound.map(|one| one.id).filter(|id| !self.picky.contains(id)) else { continue };
            let layers = self.layers(id);
            if matches!(&layers[..], [lone] if lone.name.is_none()) {
                if before.iter().any(|one| one.id == id) {
                    self.layers_before.insert(id, layers);
                }
                let asked = section.takes.iter().map(|name| Layer::new(Some(bare(name))));
                self.layers.insert(id, asked.collect());
            }
        }
    }

    /// An answer takes what is in both descriptions; where it takes none, the first stays, but for a hold, which says nothing
    /// of them. It says what is paused.
    pub fn settle_layers(&mut self, local: &Text<'_>, remote: &Text<'_>) {
        for (ours, theirs) in local.sections.iter().zip(&remote.sections) {
            let is_taken = !ours.is_rejected() && !theirs.is_rejected();
            let bound = self.transceiver(ours.mid).filter(|_| is_taken && ours.kind == "video");
            let Some(id) = bound.filter(|one| one.direction != Direction::Stopped).map(|one| one.id) else {
                continue;
            };
            let (agreed, paused) = agreed(ours, theirs);
            let mut layers = self.layers(id);
            let is_agreed = |layer: &Layer| layer.name.as_deref().is_some_and(|name| agreed.contains(name));
            if layers.len() > 1 && sends(ours.direction) {
                match agreed.is_empty() {
                    true if receives(theirs.direction) => layers.truncate(1),
                    true => {}
                    false => layers.retain(is_agreed),
                }
            }
            let is_sending = self.transceiver(ours.mid).and_then(|one| one.current_direction);
            let is_sending = is_sending.is_some_and(|direction| sends(direction.as_str()));
            for layer in &mut layers {
                let is_named = layer.name.as_deref().is_some_and(|name| paused.contains(name));
                layer.is_paused = is_sending && is_named;
            }
            self.layers.insert(id, layers);
        }
    }

    /// A rollback gives back what an offer took the place of.
    pub fn restore_layers(&mut self) {
        let before = std::mem::take(&mut self.layers_before);
        self.layers.extend(before);
    }

    /// A description was set: nothing is to be restored in a stable state.
    pub fn note_layers_after(&mut self) {
        if self.peer.signaling_state() == SignalingState::Stable {
            self.layers_before.clear();
        }
        self.check_layers();
    }

    /// Each sender has just the encodings it must have.
    pub fn check_layers(&mut self) {
        for view in self.peer.transceivers() {
            let encodings = self.peer.sender(view.id).unwrap().encodings;
            let parameters = encodings.iter().map(|one| &one.parameters);
            let name = |one: &EncodingParameters| one.rid.as_ref().map(|rid| rid.as_str().to_owned());
            let names: Vec<_> = parameters.map(|one| (name(one), one.active)).collect();
            let layers = self.layers(view.id);
            // Whether a section is taken that has no codec in common is not for this test to foresee.
            if view.direction == Direction::Stopped || self.picky.contains(&view.id) {
                let found = names.into_iter().zip(layers.iter().map(|one| one.is_paused).chain([false; 8]));
                let found = found.map(|((name, is_active), is_paused)| Layer { name, is_active, is_paused });
                self.layers.insert(view.id, found.collect());
                continue;
            }
            let expected: Vec<_> = layers.iter().map(|one| (one.name.clone(), one.is_active)).collect();
            assert_eq!(names, expected, "encodings of {view:?}");
        }
    }

    /// What a section of a description of ours must say of its encodings.
    pub fn check_layers_written(&self, view: &TransceiverView, section: &Section<'_>, is_offer: bool) {
        let layers = self.layers(view.id);
        let names: Vec<&str> = layers.iter().filter_map(|one| one.name.as_deref()).collect();
        if is_offer {
            let expected = if names.len() > 1 && sends(section.direction) { &names[..] } else { &[] };
            assert_eq!(section.sends, expected, "encodings in the offer of {view:?}");
        }
        assert!(section.sends.iter().all(|name| names.contains(name)), "{section:?} sends what is not there");
        assert!(
            section.takes.iter().all(|name| !section.sends.contains(name)),
            "a name both ways: {section:?}"
        );
    }
}

/// What we send by both sections, and what of it the remote wants paused.
fn agreed<'a>(ours: &Section<'a>, theirs: &Section<'a>) -> (BTreeSet<&'a str>, BTreeSet<&'a str>) {
    let is_ours = |name: &&str| ours.sends.contains(&bare(name));
    let taken = || theirs.takes.iter().copied().filter(is_ours);
    (taken().map(bare).collect(), taken().filter(|name| name.starts_with('~')).map(bare).collect())
}

/// The encodings that are received by both sections.
fn received<'a>(ours: &Section<'a>, theirs: &Section<'a>) -> BTreeSet<&'a str> {
    let names = theirs.sends.iter().map(|name| bare(name));
    names.filter(|name| ours.takes.contains(name)).collect()
}

/// The name alone.
fn bare(name: &str) -> &str {
    name.strip_prefix('~').unwrap_or(name)
}

/// In a settled state: what this side sends of a section, several encodings or one, is what the other receives.
pub fn check_encodings(side: &Side, other: &Side, mid: &str) {
    let (Some(view), Some(mirrored)) = (side.transceiver(mid), other.transceiver(mid)) else { return };
    let texts = |side: &Side| -> Option<[String; 2]> {
        let (local, remote) = (side.slots.current_local.as_ref()?, side.slots.current_remote.as_ref()?);
        Some([local.1.clone(), remote.1.clone()])
    };
    let Some([local, remote]) = texts(other) else { return };
    let (local, remote) = (Text::outline(&local), Text::outline(&remote));
    let Some((local, remote)) = local.section(mid).zip(remote.section(mid)) else { return };
    let receiver = other.peer.receiver(mirrored.id).unwrap();
    let rids: BTreeSet<&str> = receiver.rids.iter().map(Rid::as_str).collect();
    // In a hold the lists stand, and nothing is received; what is stopped may have been held or not.
    let is_received = mirrored.current_direction.is_some_and(|direction| receives(direction.as_str()));
    let expected = if is_received { received(local, remote) } else { BTreeSet::new() };
    let is_stopped = mirrored.current_direction == Some(Direction::Stopped);
    assert!(is_stopped || rids == expected, "{mirrored:?} receives {rids:?}, not {expected:?}");
    if !view.current_direction.is_some_and(|direction| sends(direction.as_str())) {
        return;
    }
    let sender = side.peer.sender(view.id).unwrap();
    let names = sender.encodings.iter().filter_map(|one| one.parameters.rid.as_ref().map(Rid::as_str));
    let sent: BTreeSet<&str> = names.collect();
    // One that was left of several has its name still, but is offered without. It may be left by a provisional answer that
    // receives nothing, before one that would take all.
    let is_alone = sent.len() == 1;
    assert!(is_alone || sent.is_subset(&rids), "{sent:?} are sent of {mid}, {rids:?} expected");
}
