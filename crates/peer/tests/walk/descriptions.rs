//! Setting descriptions, and what each must be like and must change (RFC 9429 §5.2 to §5.11, webrtc-pc §4.4.1.5).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use peerless_peer::description::SessionDescription;
use peerless_peer::id::TransceiverId;
use peerless_peer::state::{Direction, SdpType, SignalingState};
use peerless_peer::transceiver::TransceiverView;
use peerless_wire::sdp::Description;

use crate::text::{Section, Text, intersected, receives, reversed, sends, without_candidates};
use crate::world::{Side, Which, World};

impl World {
    /// `setLocalDescription`; gives what was set.
    pub fn set_local(&mut self, which: Which, given: Option<SessionDescription>) -> SessionDescription {
        let now = self.now;
        self.allow_all_candidates(which);
        let side = &mut self.sides[which];
        let before = side.begin();
        // A text that was created before the last changes shows the state before them.
        let is_fresh = given.as_ref().is_none_or(|given| given.sdp.is_empty());
        side.peer.set_local_description(now, given).unwrap();
        let set = side.peer.local_description().unwrap();
        let offer = side.slots.pending_remote.clone();
        let kept = Some((set.kind, set.sdp.clone()));
        side.check_written(&set, offer.as_ref().map(|(_, text)| &**text), is_fresh);
        match set.kind {
            SdpType::Answer => {
                side.slots.current_local = kept;
                side.slots.current_remote = side.slots.pending_remote.take();
                side.slots.pending_local = None;
            }
            _ => side.slots.pending_local = kept,
        }
        let mut told = Vec::new();
        if set.kind != SdpType::Offer {
            side.check_answered(&set, false);
            told = side.expect_tracks_by_answer(&set, offer.map(|(_, text)| text).as_deref());
        }
        self.end(which, before, &told);
        set
    }

    /// `setRemoteDescription` of anything but a rollback.
    pub fn set_remote(&mut self, which: Which, given: &SessionDescription) {
        // It does not come before the packets that left before it.
        self.run_for(Duration::from_millis(2));
        let given = &self.carried(given);
        let now = self.now;
        let side = &mut self.sides[which];
        let before = side.begin();
        let mut views = side.peer.transceivers();
        if before == SignalingState::HaveLocalOffer && given.kind == SdpType::Offer {
            // Ours is taken back first.
            views = side.rolled_back(&views, false);
            side.stable = views.clone();
            side.slots.pending_local = None;
        }
        side.peer.set_remote_description(now, given.clone()).unwrap();
        let kept = Some((given.kind, given.sdp.clone()));
        match given.kind {
            SdpType::Answer => {
                side.slots.current_remote = kept;
                side.slots.current_local = side.slots.pending_local.take();
                side.slots.pending_remote = None;
            }
            _ => side.slots.pending_remote = kept,
        }
        match given.kind {
            SdpType::Offer => {
                let text = Text::read(&given.sdp);
                side.check_offered(&views, &text);
                side.propose_layers(&views, &text);
            }
            _ => side.check_answered(given, true),
        }
        let told = side.expect_tracks(&Text::read(&given.sdp));
        self.end(which, before, &told);
    }

    /// A rollback, by either setter: all is as in the last stable state (RFC 9429 §4.1.10.2).
    pub fn roll_back(&mut self, which: Which) {
        let now = self.now;
        let is_local = self.chance.one_in(2);
        let side = &mut self.sides[which];
        let before = side.peer.signaling_state();
        let views = side.peer.transceivers();
        let rollback = SessionDescription { kind: SdpType::Rollback, sdp: String::new() };
        match is_local {
            true => side.peer.set_local_description(now, Some(rollback)).unwrap(),
            false => side.peer.set_remote_description(now, rollback).unwrap(),
        }
        side.slots.pending_local = None;
        side.slots.pending_remote = None;
        side.restore_layers();
        side.check_rolled_back(&views, before == SignalingState::HaveRemoteOffer);
        let told = side.expect_tracks_again(before == SignalingState::HaveRemoteOffer);
        self.end(which, before, &told);
    }

    fn end(&mut self, which: Which, before: SignalingState, tracks: &[TransceiverId]) {
        self.note_used(which);
        self.sides[which].note_layers_after();
        self.sides[which].note_credentials(before);
        self.check_told(which, before);
        let side = &mut self.sides[which];
        // A section that will be rejected for want of a codec is not told of, and of one that is stopped nobody asks.
        let is_stopped = |id: &TransceiverId| {
            side.peer.transceiver(*id).is_some_and(|one| one.direction == Direction::Stopped)
        };
        let is_sure = |id: &TransceiverId| !side.picky.contains(id) && !is_stopped(id);
        let kept = |all: &[TransceiverId]| all.iter().copied().filter(is_sure).collect::<Vec<_>>();
        assert_eq!(kept(&side.tracks_told), kept(tracks), "track events");
        side.tracks_told.clear();
        // Texts are dear to compare: now and then is enough.
        if !self.chance.one_in(8) {
            return;
        }
        let side = &self.sides[which];
        let same = |shown: Option<SessionDescription>, kept: Option<&(SdpType, String)>, what: &str| {
            let shown = shown.map(|shown| (shown.kind, without_candidates(&shown.sdp)));
            let kept = kept.map(|(kind, text)| (*kind, without_candidates(text)));
            if let (Some(shown), Some(kept)) = (&shown, &kept)
                && let Some(pair) = shown.1.lines().zip(kept.1.lines()).find(|pair| pair.0 != pair.1)
            {
                panic!("{what}: {pair:?}");
            }
            assert_eq!(shown, kept, "{what}");
        };
        let slots = &side.slots;
        let local = slots.pending_local.as_ref().or(slots.current_local.as_ref());
        same(side.peer.local_description(), local, "localDescription");
        let remote = slots.pending_remote.as_ref().or(slots.current_remote.as_ref());
        same(side.peer.remote_description(), remote, "remoteDescription");
    }
}

impl Side {
    /// Before a description is set: notes the transceivers of a stable state.
    fn begin(&mut self) -> SignalingState {
        let state = self.peer.signaling_state();
        if state == SignalingState::Stable {
            self.stable = self.peer.transceivers();
            self.fired_before = self.fired.clone();
        }
        state
    }

    /// An exchange was finished: what was to be replaced is, where none of it is left in our description.
    fn note_credentials(&mut self, before: SignalingState) {
        let is_answered = before != SignalingState::Stable && self.slots.pending_local.is_none();
        let is_stable = self.peer.signaling_state() == SignalingState::Stable;
        let Some((_, text)) = self.slots.current_local.as_ref().filter(|_| is_answered && is_stable) else {
            return;
        };
        let text = Text::outline(text);
        if !text.live().any(|section| self.to_replace.contains(section.ufrag)) {
            self.to_replace.clear();
        }
    }

    /// A description of ours.
    fn check_written(&mut self, set: &SessionDescription, offer: Option<&str>, is_fresh: bool) {
        let parsed = Description::parse(&set.sdp).unwrap();
        assert_eq!(parsed.to_string(), set.sdp, "what is parsed is written again as it was");
        let text = Text::read(&set.sdp);
        let (version, bare) = &self.written;
        let is_same = text.origin.1 == *version && *bare == without_candidates(&set.sdp);
        assert!(is_same || text.origin.1 > *version, "the session version rises with each change");
        self.written = (text.origin.1, without_candidates(&set.sdp));
        if let Some((_, current)) = &self.slots.current_local {
            assert_eq!(Text::outline(current).origin.0, text.origin.0, "the session id stays");
        }
        let mids: BTreeSet<&str> = text.sections.iter().map(|section| section.mid).collect();
        assert!(mids.len() == text.sections.len() && !mids.contains(""), "each section has a mid of its own");
        let live: BTreeSet<&str> = text.live().map(|section| section.mid).collect();
        let bundled: BTreeSet<&str> = text.bundle.iter().flatten().copied().collect();
        assert!(bundled.is_subset(&live), "{bundled:?} are bundled, {live:?} in use");
        assert!(!self.bundles || bundled == live, "all that is not rejected is bundled");
        self.check_continues(&text);
        self.check_numbers(&text);
        if is_fresh {
            self.check_directions(&text, offer.map(Text::read).as_ref());
        }
        match (set.kind, offer) {
            (SdpType::Offer, _) => {
                assert!(text.live().all(|section| section.setup == "actpass"), "offers say actpass");
            }
            (_, offer) => check_answer(&Text::read(offer.expect("an answer has an offer")), &text),
        }
    }

    /// No section goes, and none becomes another while it is in use (RFC 3264 §8, RFC 9429 §5.2.2).
    fn check_continues(&self, text: &Text<'_>) {
        let Some(((_, local), (_, remote))) =
            self.slots.current_local.as_ref().zip(self.slots.current_remote.as_ref())
        else {
            return;
        };
        let (local, remote) = (Text::outline(local), Text::outline(remote));
        assert!(text.sections.len() >= local.sections.len(), "a section has gone");
        for (index, (ours, theirs)) in local.sections.iter().zip(&remote.sections).enumerate() {
            if !ours.is_rejected() && !theirs.is_rejected() {
                let now = &text.sections[index];
                assert_eq!((now.kind, now.mid), (ours.kind, ours.mid), "section {index} became another");
            }
        }
    }

    /// Payload types and ids of extensions mean one thing in the whole bundle, and go on meaning it (RFC 9143 §10.1.2,
    /// RFC 8285 §5, RFC 3264 §8.3.2).
    fn check_numbers(&self, text: &Text<'_>) {
        let mut types: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
        let mut ids: BTreeMap<&str, &str> = BTreeMap::new();
        let before = self.slots.current_local.as_ref().map(|(_, text)| Text::read(text));
        let remote = self.slots.current_remote.as_ref().map(|(_, text)| Text::outline(text));
        let is_left = |one: &&Section<'_>| remote.as_ref().is_some_and(|remote| remote.has(one.mid));
        let sections = before.iter().flat_map(Text::live).filter(is_left).chain(text.live());
        for section in sections.filter(|section| !section.is_for_data()) {
            let unique: BTreeSet<&&str> = section.formats.iter().collect();
            assert_eq!(unique.len(), section.formats.len(), "a payload type twice: {:?}", section.formats);
            for &format in &section.formats {
                let meaning = section.meaning(format);
                assert_ne!(meaning.0, "", "payload type {format} without rtpmap");
                let known = *types.entry(format).or_insert(meaning);
                assert_eq!(meaning, known, "payload type {format} means two things");
            }
            for &(id, uri) in &section.extensions {
                assert_eq!(*ids.entry(id).or_insert(uri), uri, "extension {id} means two things");
            }
        }
    }

    /// Each transceiver has its section, with its direction and streams.
    fn check_directions(&self, text: &Text<'_>, offer: Option<&Text<'_>>) {
        for view in self.peer.transceivers() {
            let mid = view.mid.as_ref().map(ToString::to_string);
            if view.direction == Direction::Stopped {
                let is_live = mid.is_some_and(|mid| text.has(&mid));
                assert!(!is_live, "a stopped transceiver has a section still");
                continue;
            }
            let section = mid.as_ref().and_then(|mid| text.section(mid));
            let Some(section) = section else {
                assert!(offer.is_some(), "the offer has no section for {view:?}");
                continue;
            };
            assert_eq!(section.kind, view.kind.as_str());
            if section.is_rejected() {
                assert!(offer.is_some(), "the offer rejects {view:?}");
                continue;
            }
            let wanted = view.direction.as_str();
            let expected = match offer.and_then(|offer| offer.section(section.mid)) {
                Some(offered) => intersected(wanted, reversed(offered.direction)),
                None => wanted,
            };
            assert_eq!(section.direction, expected, "direction of {view:?}");
            self.check_layers_written(&view, section, offer.is_none());
            // By what it wants, also where the offer does not let it (RFC 9429 §5.3.1).
            assert_eq!(!section.msids.is_empty(), sends(wanted), "msid of {view:?}");
            if sends(wanted) {
                let mut streams = self.streams.get(&view.id).cloned().unwrap_or_default();
                streams.sort_unstable();
                assert_eq!(section.streams(), streams, "streams of {view:?}");
            }
        }
    }

    /// A remote offer binds and makes transceivers (RFC 9429 §5.10).
    fn check_offered(&mut self, before: &[TransceiverView], offer: &Text<'_>) {
        let mut taken: BTreeSet<TransceiverId> = BTreeSet::new();
        let after = self.peer.transceivers();
        let is_mid =
            |one: &TransceiverView, mid: &str| one.mid.as_ref().is_some_and(|own| own.to_string() == mid);
        for section in offer.live().filter(|section| !section.is_for_data()) {
            let Some(bound) = after.iter().find(|one| is_mid(one, section.mid)) else {
                assert!(!section.has_common(), "no transceiver for section {}", section.mid);
                continue;
            };
            assert_eq!(bound.kind.as_str(), section.kind);
            let may_be_adopted = |one: &&TransceiverView| {
                self.made_by_add_track.contains(&one.id)
                    && one.mid.is_none()
                    && one.kind.as_str() == section.kind
                    && one.direction != Direction::Stopped
                    && !taken.contains(&one.id)
            };
            let known = before.iter().find(|one| is_mid(one, section.mid));
            let adopted = || before.iter().filter(|_| receives(section.direction)).find(may_be_adopted);
            match known.or_else(adopted) {
                Some(known) => {
                    let same = TransceiverView { mid: bound.mid.clone(), ..known.clone() };
                    assert_eq!(bound, &same, "a remote offer changes nothing but the mid");
                    taken.insert(bound.id);
                }
                None => {
                    assert!(before.iter().all(|one| one.id != bound.id), "{bound:?} took another's section");
                    let (wanted, current) = (bound.direction, bound.current_direction);
                    assert_eq!(
                        (wanted, current),
                        (Direction::RecvOnly, None),
                        "{bound:?} was made by the remote"
                    );
                }
            }
        }
        let is_gone = |one: &&TransceiverView| after.iter().all(|after| after.id != one.id);
        assert_eq!(before.iter().find(is_gone), None, "a remote offer makes no transceiver vanish");
    }

    /// An answer settles the direction of each section, and takes those away that it rejects.
    fn check_answered(&mut self, set: &SessionDescription, is_remote: bool) {
        let text = Text::outline(&set.sdp);
        for section in text.sections.iter().filter(|section| !section.is_for_data()) {
            let bound = self.transceiver(section.mid);
            if section.is_rejected() {
                let is_gone = bound.is_none_or(|bound| bound.direction == Direction::Stopped);
                assert!(set.kind != SdpType::Answer || is_gone, "section {} was rejected", section.mid);
                continue;
            }
            let direction = if is_remote { reversed(section.direction) } else { section.direction };
            let bound = bound.unwrap_or_else(|| panic!("no transceiver for section {}", section.mid));
            // The answer may take what a provisional one had rejected: that is stopped by then, and stays so.
            if is_remote && bound.current_direction == Some(Direction::Stopped) {
                continue;
            }
            let current = bound.current_direction.map(Direction::as_str);
            assert_eq!(current, Some(direction), "currentDirection of {bound:?}");
        }
        let slots = self.slots.clone();
        let (local, remote) = match set.kind {
            SdpType::Answer => (slots.current_local, slots.current_remote),
            _ => (slots.pending_local, slots.pending_remote),
        };
        let (Some((_, local)), Some((_, remote))) = (local, remote) else { return };
        self.settle_layers(&Text::outline(&local), &Text::outline(&remote));
    }

    /// What the offer gave is gone, and what came after it stays (webrtc-pc §4.4.1.5).
    fn check_rolled_back(&mut self, before: &[TransceiverView], was_remote: bool) {
        let expected = self.rolled_back(before, was_remote);
        let after = self.peer.transceivers();
        let is_live = |one: &&TransceiverView| one.direction != Direction::Stopped;
        let live = |all: &[TransceiverView]| all.iter().filter(is_live).cloned().collect::<Vec<_>>();
        assert_eq!(live(&after), live(&expected), "all but the direction is as it was in the stable state");
    }

    /// The transceivers as a rollback must leave them.
    fn rolled_back(&self, before: &[TransceiverView], was_remote: bool) -> Vec<TransceiverView> {
        let mut left = Vec::new();
        for one in before {
            let stable = self.stable.iter().find(|stable| stable.id == one.id);
            let is_unmade = stable.is_none()
                && was_remote
                && one.mid.is_some()
                && !self.made_by_add_track.contains(&one.id)
                && !self.had_track.contains(&one.id);
            if !is_unmade {
                let (mid, current) =
                    stable.map_or((None, None), |one| (one.mid.clone(), one.current_direction));
                left.push(TransceiverView { mid, current_direction: current, ..one.clone() });
            }
        }
        left
    }
}

/// The `track` events, by the steps of the standard (webrtc-pc §5.1.1, "process remote tracks").
impl Side {
    fn process_track(
        &mut self,
        id: TransceiverId,
        streams: Option<BTreeSet<String>>,
    ) -> Option<TransceiverId> {
        let Some(streams) = streams else {
            self.fired.remove(&id);
            return None;
        };
        let before = self.fired.insert(id, streams.clone());
        before.is_none_or(|before| !streams.is_subset(&before)).then_some(id)
    }

    /// What a remote description fires.
    fn expect_tracks(&mut self, text: &Text<'_>) -> Vec<TransceiverId> {
        let mut told = Vec::new();
        for section in text.sections.iter().filter(|section| !section.is_for_data()) {
            let bound = self.transceiver(section.mid).filter(|one| one.direction != Direction::Stopped);
            let Some(bound) = bound else { continue };
            let is_sent = sends(section.direction) && !section.is_rejected();
            // There may be nothing in common with what the other side prefers.
            if !section.has_common() {
                self.picky.insert(bound.id);
            }
            let streams = section.streams().into_iter().map(str::to_owned).collect();
            told.extend(self.process_track(bound.id, is_sent.then_some(streams)));
        }
        told
    }

    /// What a rollback fires: a remote offer that is taken back gives tracks back that it took away.
    fn expect_tracks_again(&mut self, was_remote: bool) -> Vec<TransceiverId> {
        let mut told = Vec::new();
        for one in self.peer.transceivers() {
            if was_remote && one.direction != Direction::Stopped {
                let is_sent = one.current_direction.is_some_and(|direction| receives(direction.as_str()));
                let before = self.fired_before.get(&one.id).cloned();
                told.extend(self.process_track(one.id, before.filter(|_| is_sent)));
            }
        }
        told
    }

    /// What an answer of ours fires: nothing, but where a provisional one had taken away what it takes again.
    fn expect_tracks_by_answer(
        &mut self,
        set: &SessionDescription,
        offer: Option<&str>,
    ) -> Vec<TransceiverId> {
        let offer = Text::outline(offer.expect("an answer has an offer"));
        let text = Text::outline(&set.sdp);
        let mut told = Vec::new();
        for (section, offered) in text.sections.iter().zip(&offer.sections) {
            let bound = self.transceiver(section.mid).filter(|one| one.direction != Direction::Stopped);
            let Some(bound) = bound else { continue };
            let is_sent = receives(section.direction) && !section.is_rejected();
            let streams = offered.streams().into_iter().map(str::to_owned).collect();
            told.extend(self.process_track(bound.id, is_sent.then_some(streams)));
        }
        told
    }
}

/// An answer has the sections of its offer and nothing that was not offered (RFC 3264 §6, RFC 9429 §5.3.1).
fn check_answer(offer: &Text<'_>, answer: &Text<'_>) {
    assert_eq!(offer.sections.len(), answer.sections.len(), "as many sections as in the offer");
    for (offered, answered) in offer.sections.iter().zip(&answer.sections) {
        assert_eq!((offered.kind, offered.mid), (answered.kind, answered.mid), "the same section");
        if answered.is_rejected() {
            continue;
        }
        assert!(!offered.is_rejected(), "a rejected section is taken: {}", offered.mid);
        assert!(matches!(answered.setup, "active" | "passive"), "setup {} in an answer", answered.setup);
        let direction = intersected(answered.direction, reversed(offered.direction));
        assert_eq!(direction, answered.direction, "more ways than were offered");
        check_content(offered, answered);
    }
}

fn check_content(offered: &Section<'_>, answered: &Section<'_>) {
    for &format in &answered.formats {
        assert!(offered.formats.contains(&format), "{format} was not offered in {}", offered.mid);
        let meaning = |section: &Section<'_>| section.meaning(format).0.to_ascii_lowercase();
        assert_eq!(meaning(offered), meaning(answered), "payload type {format} means another codec");
    }
    for extension in &answered.extensions {
        let known = offered.extensions.iter().any(|offered| offered.1 == extension.1);
        assert!(known, "extension {extension:?} was not offered");
    }
}
