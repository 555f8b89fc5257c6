//! Data channels at work (webrtc-pc §6, RFC 8831, RFC 8832): which there are and where each stands.

use std::collections::BTreeMap;

use crate::channel::{ChannelView, DataChannelInit, Message, MessageError, NAME_LIMIT, STREAM_ID_MAX};
use crate::error::Error;
use crate::id::ChannelId;
use crate::state::DataChannelState;

/// All channels of a peer.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    channels: BTreeMap<ChannelId, ChannelView>,
    made: u32,
    /// One was made, and the remote did not refuse them since.
    is_wanted: bool,
}

impl Channels {
    /// Makes a channel, connecting still.
    pub(crate) fn create(&mut self, label: &str, init: DataChannelInit) -> Result<ChannelId, Error> {
        check(label, &init)?;
        if let Some(id) = init.id
            && self.channels.values().any(|one| one.id == Some(id))
        {
            return Err(Error::ChannelIdUnavailable(id));
        }
        let id = ChannelId(self.made);
        self.made += 1;
        self.is_wanted = true;
        self.channels.insert(id, view(label, init));
        Ok(id)
    }

    /// Whether descriptions shall have a section for channels.
    pub(crate) fn is_wanted(&self) -> bool {
        self.is_wanted
    }

    pub(crate) fn view(&self, id: ChannelId) -> Option<ChannelView> {
        self.channels.get(&id).cloned()
    }

    pub(crate) fn check_message(&mut self, id: ChannelId, _message: &Message) -> Result<(), MessageError> {
        let state = self.channels.get(&id).map_or(DataChannelState::Closed, |one| one.ready_state);
        Err(MessageError::NotOpen { state })
    }

    pub(crate) fn send(&mut self, id: ChannelId, message: Message) -> Result<(), MessageError> {
        self.check_message(id, &message)
    }

    pub(crate) fn set_threshold(&mut self, id: ChannelId, bytes: usize) {
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.buffered_amount_low_threshold = bytes;
        }
    }

    /// Closes a channel that is connecting: there is nobody to tell. Says whether it was.
    pub(crate) fn close(&mut self, id: ChannelId) -> bool {
        self.channels.remove(&id).is_some()
    }

    /// All channels end.
    pub(crate) fn clear(&mut self) {
        self.channels.clear();
    }
}

/// What `createDataChannel` refuses (webrtc-pc §6.1).
fn check(label: &str, init: &DataChannelInit) -> Result<(), Error> {
    if label.len() > NAME_LIMIT || init.protocol.len() > NAME_LIMIT {
        return Err(Error::Argument("label and protocol have 65535 bytes at most"));
    }
    if init.max_packet_life_time.is_some() && init.max_retransmits.is_some() {
        return Err(Error::Argument("max_packet_life_time and max_retransmits exclude each other"));
    }
    let is_whole = |life: std::time::Duration| {
        life.subsec_nanos().is_multiple_of(1_000_000) && life.as_millis() <= u128::from(u16::MAX)
    };
    if init.max_packet_life_time.is_some_and(|life| !is_whole(life)) {
        return Err(Error::Argument("max_packet_life_time is 0 to 65535 whole milliseconds"));
    }
    match init.id {
        None if init.negotiated => Err(Error::Argument("a negotiated channel needs an id")),
        Some(_) if !init.negotiated => Err(Error::Argument("only a negotiated channel has an id given")),
        Some(id) if id > STREAM_ID_MAX => Err(Error::Argument("the id is 65534 at most")),
        _ => Ok(()),
    }
}

fn view(label: &str, init: DataChannelInit) -> ChannelView {
    ChannelView {
        label: label.to_owned(),
        protocol: init.protocol,
        id: init.id,
        ordered: init.ordered,
        max_packet_life_time: init.max_packet_life_time,
        max_retransmits: init.max_retransmits,
        negotiated: init.negotiated,
        priority: init.priority,
        ready_state: DataChannelState::Connecting,
        buffered_amount: 0,
        buffered_amount_low_threshold: 0,
    }
}
