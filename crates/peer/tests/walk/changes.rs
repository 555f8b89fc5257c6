//! What an application may do at any time: the calls about tracks, transceivers and channels (webrtc-pc §5, §6).

use peerless_peer::channel::DataChannelInit;
use peerless_peer::id::TransceiverId;
use peerless_peer::state::{DataChannelState, Direction, MediaKind};
use peerless_peer::transceiver::{TrackInit, TransceiverInit, TransceiverView};

use crate::text::{Text, receives, sends};
use crate::world::{Which, World, is_common, kind_of};

/// So many transceivers a side makes at most, and then more are stopped than made.
const TRANSCEIVERS: usize = 4;
const CHANNELS: usize = 4;
const DIRECTIONS: [Direction; 4] =
    [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];

impl World {
    /// One change on this side, in whatever state it is.
    pub fn change(&mut self, which: Which) {
        let before = self.sides[which].peer.signaling_state();
        let live: Vec<TransceiverView> = self.sides[which]
            .peer
            .transceivers()
            .into_iter()
            .filter(|one| one.direction != Direction::Stopped)
            .collect();
        let is_full = live.len() >= TRANSCEIVERS;
        let one = self.chance.pick(&live);
        match (self.chance.below(27), one) {
            (0..4, _) if !is_full => self.add_track(which),
            (4..6, _) if !is_full => self.add_transceiver(which),
            (6..9, Some(one)) => self.remove_track(which, &one),
            (9..14, Some(one)) => self.set_direction(which, &one),
            (14, Some(one)) => self.set_codec_preferences(which, &one),
            (15, Some(one)) => self.stop(which, &one),
            (16, Some(one)) if is_full => self.stop(which, &one),
            (17, _) => self.create_channel(which),
            (18, _) => self.close_channel(which),
            (19..21, Some(one)) => self.replace_track(which, &one),
            (21, Some(one)) => self.set_streams(which, &one),
            (22, _) => self.restart_ice(which),
            (23, _) => self.set_configuration(which),
            (24..26, Some(one)) => self.set_parameters(which, &one),
            _ => return,
        }
        self.check_told(which, before);
    }

    fn kind(&mut self) -> MediaKind {
        if self.chance.one_in(2) { MediaKind::Audio } else { MediaKind::Video }
    }

    fn track(&mut self) -> TrackInit {
        let streams = ["red", "green", "blue"].map(str::to_owned);
        let count = self.chance.below(3);
        let stream_ids = self.chance.some(&streams).into_iter().take(count).collect();
        TrackInit { id: self.name("track"), stream_ids }
    }

    /// The standard says which transceiver is used again (webrtc-pc §5.1, `addTrack` step 7).
    fn add_track(&mut self, which: Which) {
        let (kind, track) = (self.kind(), self.track());
        self.note(format!("{which}: add_track {kind} {track:?}"));
        let side = &mut self.sides[which];
        let views = side.peer.transceivers();
        let is_free = |one: &&TransceiverView| {
            let has_track = side.peer.sender(one.id).is_some_and(|sender| sender.track.is_some());
            one.kind == kind
                && one.direction != Direction::Stopped
                && !has_track
                && !side.used.contains(&one.id)
        };
        let reused = views.iter().find(is_free).cloned();
        let id = side.peer.add_track(kind, track.clone()).unwrap();
        let view = side.peer.transceiver(id).unwrap();
        side.streams.insert(id, track.stream_ids);
        side.had_track.insert(id);
        match reused {
            Some(before) => {
                assert_eq!(id, before.id, "add_track uses the first free transceiver");
                let wanted = match receives(before.direction.as_str()) {
                    true => Direction::SendRecv,
                    false => Direction::SendOnly,
                };
                assert_eq!(view, TransceiverView { direction: wanted, ..before });
            }
            None => {
                assert!(views.iter().all(|one| one.id != id), "add_track takes one that is not free");
                assert_eq!((view.direction, view.mid), (Direction::SendRecv, None));
                side.made_by_add_track.insert(id);
            }
        }
    }

    fn add_transceiver(&mut self, which: Which) {
        let kind = self.kind();
        let direction = self.chance.pick(&DIRECTIONS).unwrap();
        let track = if self.chance.one_in(2) { Some(self.track()) } else { None };
        let mut init = TransceiverInit { direction, track: track.clone(), ..TransceiverInit::default() };
        if kind == MediaKind::Video {
            self.draw_encodings(&mut init);
        }
        self.note(format!("{which}: add_transceiver {kind} {init:?}"));
        let encodings = init.send_encodings.clone();
        let side = &mut self.sides[which];
        let streams = track.as_ref().map(|track| track.stream_ids.clone()).unwrap_or_default();
        let id = side.peer.add_transceiver(kind, init).unwrap();
        side.streams.insert(id, streams);
        side.note_layers(id, kind, &encodings);
        let view = side.peer.transceiver(id).unwrap();
        assert_eq!((view.direction, view.current_direction, view.mid), (direction, None, None));
    }

    fn remove_track(&mut self, which: Which, one: &TransceiverView) {
        self.note(format!("{which}: remove_track {:?}", one.id));
        let now = self.now;
        let side = &mut self.sides[which];
        let had_track = side.peer.sender(one.id).unwrap().track.is_some();
        side.peer.remove_track(now, one.id).unwrap();
        let wanted = match (had_track, one.direction) {
            (true, Direction::SendRecv) => Direction::RecvOnly,
            (true, Direction::SendOnly) => Direction::Inactive,
            (_, same) => same,
        };
        assert_eq!(
            side.peer.transceiver(one.id).unwrap(),
            TransceiverView { direction: wanted, ..one.clone() }
        );
        self.flights.unsettle(which, one.id);
    }

    /// What is sent changes, and nothing else: no negotiation, no other direction, no other streams (webrtc-pc §5.2).
    fn replace_track(&mut self, which: Which, one: &TransceiverView) {
        let track = if self.chance.one_in(3) { None } else { Some(self.track()) };
        self.note(format!("{which}: replace_track {:?} {track:?}", one.id));
        let now = self.now;
        let side = &mut self.sides[which];
        side.peer.replace_track(now, one.id, track.clone()).unwrap();
        assert_eq!(side.peer.transceiver(one.id).as_ref(), Some(one));
        assert_eq!(side.peer.sender(one.id).unwrap().track.is_some(), track.is_some());
        self.flights.unsettle(which, one.id);
    }

    fn set_streams(&mut self, which: Which, one: &TransceiverView) {
        let streams = self.track().stream_ids;
        self.note(format!("{which}: set_streams {:?} {streams:?}", one.id));
        let side = &mut self.sides[which];
        side.peer.set_streams(one.id, streams.clone()).unwrap();
        side.streams.insert(one.id, streams);
    }

    /// The credentials there are now are to be replaced (webrtc-pc §4.4.2, `restartIce`).
    fn restart_ice(&mut self, which: Which) {
        self.note(format!("{which}: restart_ice"));
        let side = &mut self.sides[which];
        side.peer.restart_ice();
        let texts = [&side.slots.current_local, &side.slots.pending_local];
        let texts = texts.into_iter().flatten().map(|(_, text)| Text::outline(text));
        let live = texts.flat_map(|text| text.live().map(|one| one.ufrag.to_owned()).collect::<Vec<_>>());
        side.to_replace = live.collect();
    }

    fn set_direction(&mut self, which: Which, one: &TransceiverView) {
        let direction = self.chance.pick(&DIRECTIONS).unwrap();
        self.note(format!("{which}: set_direction {:?} {direction}", one.id));
        let side = &mut self.sides[which];
        side.peer.set_direction(one.id, direction).unwrap();
        assert_eq!(side.peer.transceiver(one.id).unwrap(), TransceiverView { direction, ..one.clone() });
    }

    fn set_codec_preferences(&mut self, which: Which, one: &TransceiverView) {
        let codecs = self.sides[which].codecs.iter().filter(|codec| kind_of(codec) == one.kind);
        let codecs: Vec<_> = codecs.cloned().collect();
        // Before the first exchange there must be something in common.
        let is_free = self.sides.iter().all(|side| side.slots.current_local.is_some());
        let chosen = match self.chance.below(4) {
            0 => Vec::new(),
            1..3 if is_free => self.chance.some(&codecs),
            _ => {
                let mut all = codecs.clone();
                all.reverse();
                all
            }
        };
        let names: Vec<_> = chosen.iter().map(|codec| codec.format.name()).collect();
        self.note(format!("{which}: set_codec_preferences {:?} {names:?}", one.id));
        let side = &mut self.sides[which];
        side.peer.set_codec_preferences(one.id, &chosen).unwrap();
        if !chosen.is_empty() && !chosen.iter().any(is_common) {
            side.picky.insert(one.id);
        }
    }

    fn stop(&mut self, which: Which, one: &TransceiverView) {
        self.note(format!("{which}: stop {:?}", one.id));
        let now = self.now;
        let side = &mut self.sides[which];
        side.peer.stop(now, one.id).unwrap();
        let after = side.peer.transceiver(one.id);
        let is_stopped = after.is_none_or(|after| after.direction == Direction::Stopped);
        assert!(is_stopped, "a stopped transceiver says so");
        assert!(side.peer.set_direction(one.id, Direction::SendRecv).is_err());
        self.unsettle_both(which, one);
    }

    /// Frames in either direction over this section may be lost.
    fn unsettle_both(&mut self, which: Which, one: &TransceiverView) {
        self.flights.unsettle(which, one.id);
        let mid = one.mid.as_ref().map(ToString::to_string);
        if let Some(other) = mid.and_then(|mid| self.sides[1 - which].transceiver(&mid)) {
            self.flights.unsettle(1 - which, other.id);
        }
    }

    fn create_channel(&mut self, which: Which) {
        if self.sides[which].channels.len() >= CHANNELS {
            return;
        }
        let label = self.name("channel");
        self.note(format!("{which}: create_data_channel {label}"));
        let now = self.now;
        let side = &mut self.sides[which];
        let id = side.peer.create_data_channel(now, &label, DataChannelInit::default()).unwrap();
        side.channels.insert(label, id);
        side.made_channel = true;
    }

    fn close_channel(&mut self, which: Which) {
        let labels: Vec<String> = self.sides[which].channels.keys().cloned().collect();
        let Some(label) = self.chance.pick(&labels) else { return };
        self.note(format!("{which}: close {label}"));
        let now = self.now;
        let side = &mut self.sides[which];
        let id = side.channels[&label];
        side.peer.close_channel(now, id);
        let state = side.peer.channel(id).map(|view| view.ready_state);
        assert!(
            matches!(state, None | Some(DataChannelState::Closing | DataChannelState::Closed)),
            "{state:?} after close"
        );
    }

    /// Notes which senders were negotiated to send, for `add_track` does not take those again.
    pub fn note_used(&mut self, which: Which) {
        let side = &mut self.sides[which];
        let is_sending =
            |one: &TransceiverView| one.current_direction.is_some_and(|direction| sends(direction.as_str()));
        let used: Vec<TransceiverId> =
            side.peer.transceivers().iter().filter(|one| is_sending(one)).map(|one| one.id).collect();
        side.used.extend(used);
    }
}
