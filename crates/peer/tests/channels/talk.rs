//! What two peers say to each other over data channels.

use std::time::Duration;

use peerless_peer::channel::{ChannelError, DataChannelInit, Message, MessageError};
use peerless_peer::event::Event;
use peerless_peer::id::ChannelId;
use peerless_peer::state::DataChannelState;

use crate::scene::{ALICE, Scene, Setting, Side};

/// Longer than anything here may take.
pub const LONG: Duration = Duration::from_secs(60);

/// Two peers, connected by a channel of Alice's, with Bob's end of it.
pub fn connected() -> (Scene, ChannelId, ChannelId) {
    connected_with(Setting::default(), DataChannelInit::default())
}

pub fn connected_with(setting: Setting, init: DataChannelInit) -> (Scene, ChannelId, ChannelId) {
    let mut scene = Scene::with(setting);
    let ours = scene.create(ALICE, "first", init);
    scene.negotiate(ALICE);
    let theirs = scene.opened(1 - ALICE, "first");
    (scene, ours, theirs)
}

/// A configuration of a channel, changed.
pub fn init(change: impl FnOnce(&mut DataChannelInit)) -> DataChannelInit {
    let mut init = DataChannelInit::default();
    change(&mut init);
    init
}

pub fn binary(len: usize) -> Message {
    // A pattern that shows pieces in the wrong place.
    let bytes: Vec<u8> = (0..len).map(|at| (at ^ (at >> 8) ^ len) as u8).collect();
    Message::from(bytes)
}

impl Scene {
    pub fn create(&mut self, side: Side, label: &str, init: DataChannelInit) -> ChannelId {
        let now = self.now;
        self.peer(side).create_data_channel(now, label, init).unwrap()
    }

    /// Runs until the remote's channel of this name was announced to `side`.
    pub fn opened(&mut self, side: Side, label: &str) -> ChannelId {
        assert!(self.run_until(LONG, |scene| scene.find(side, label).is_some()), "{}", self.states());
        self.find(side, label).unwrap()
    }

    /// The last channel of this name that the remote opened and that is not gone.
    pub fn find(&self, side: Side, label: &str) -> Option<ChannelId> {
        let end = &self.ends[side];
        let told = end.events.iter().rev().filter_map(|event| match event {
            Event::DataChannel(id) => Some(*id),
            _ => None,
        });
        told.into_iter().find(|id| end.peer.channel(*id).is_some_and(|view| view.label == label))
    }

    pub fn state(&self, side: Side, id: ChannelId) -> DataChannelState {
        self.ends[side].peer.channel(id).map_or(DataChannelState::Closed, |view| view.ready_state)
    }

    /// Runs until the channel is in this state.
    pub fn reach(&mut self, side: Side, id: ChannelId, state: DataChannelState) {
        assert!(
            self.run_until(LONG, |scene| scene.state(side, id) == state),
            "{} not {state}",
            self.state(side, id)
        );
    }

    pub fn send(&mut self, side: Side, id: ChannelId, message: Message) -> Result<(), MessageError> {
        let now = self.now;
        self.peer(side).send_message(now, id, message)
    }

    /// What has arrived and was not read.
    pub fn read(&mut self, side: Side, id: ChannelId) -> Vec<Message> {
        let now = self.now;
        std::iter::from_fn(|| self.peer(side).poll_message(now, id)).collect()
    }

    /// Runs until so many messages were read, and gives them.
    pub fn receive(&mut self, side: Side, id: ChannelId, count: usize) -> Vec<Message> {
        let mut messages = Vec::new();
        let end = self.now + LONG;
        while messages.len() < count && self.now < end {
            messages.extend(self.read(side, id));
            if messages.len() < count {
                let before = self.now;
                self.run_until(LONG, |scene| scene.now > before);
            }
        }
        assert_eq!(
            messages.len(),
            count,
            "{} {:?} {:?}",
            self.states(),
            self.peer(0).stats().data.association,
            self.peer(1).stats().data.association
        );
        messages
    }

    /// The states that were told of a channel, in order.
    pub fn told(&self, side: Side, id: ChannelId) -> Vec<DataChannelState> {
        let told = self.ends[side].events.iter().filter_map(|event| match event {
            Event::ChannelState(one, state) if *one == id => Some(*state),
            _ => None,
        });
        told.collect()
    }

    pub fn errors(&self, side: Side, id: ChannelId) -> Vec<ChannelError> {
        let told = self.ends[side].events.iter().filter_map(|event| match event {
            Event::ChannelError(one, error) if *one == id => Some(error.clone()),
            _ => None,
        });
        told.collect()
    }

    pub fn close_channel(&mut self, side: Side, id: ChannelId) {
        let now = self.now;
        self.peer(side).close_channel(now, id);
    }
}
