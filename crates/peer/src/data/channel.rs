//! One data channel with the messages that wait to be read, and how far its end has come (RFC 8831 §6.7).

use std::collections::VecDeque;
use std::time::Duration;

use peerless_transport::sctp::{Reliability, SendOptions};
use peerless_wire::dcep::{ChannelType, Open};

use crate::channel::{ChannelView, DataChannelInit, Message, Priority};
use crate::data::payload::Reader;
use crate::data::stats::Counts;
use crate::state::DataChannelState;

/// What a waiting message costs besides its bytes.
const MESSAGE_COST: usize = 64;

/// One channel.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) view: ChannelView,
    pub(super) reader: Reader,
    pub(super) inbox: VecDeque<Message>,
    pub(super) counts: Counts,
    /// The remote knows of it: what is sent without order cannot come before it does (RFC 8832 §6).
    pub(super) is_known: bool,
    pub(super) has_opened: bool,
    /// The remote made it.
    pub(super) is_remote: bool,
    /// Nobody will read it.
    pub(super) is_abandoned: bool,
    /// It broke the rules: what still comes on it does not count.
    pub(super) is_broken: bool,
    /// Our direction of the stream is reset, and the remote has said so.
    pub(super) is_reset_by_us: bool,
    /// The remote's direction is.
    pub(super) is_reset_by_remote: bool,
}

impl Channel {
    fn with_view(view: ChannelView) -> Self {
        Self {
            is_known: view.negotiated,
            view,
            reader: Reader::default(),
            inbox: VecDeque::new(),
            counts: Counts::default(),
            has_opened: false,
            is_remote: false,
            is_abandoned: false,
            is_broken: false,
            is_reset_by_us: false,
            is_reset_by_remote: false,
        }
    }

    /// One of ours.
    pub(super) fn new(label: &str, init: DataChannelInit) -> Self {
        Self::with_view(ChannelView {
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
        })
    }

    /// One that the remote opened.
    pub(super) fn opened(stream: u16, open: Open) -> Self {
        let (retransmits, life_time) = match open.channel_type {
            ChannelType::Reliable | ChannelType::ReliableUnordered => (None, None),
            ChannelType::PartialReliableRexmit | ChannelType::PartialReliableRexmitUnordered => {
                (Some(u16::try_from(open.reliability).unwrap_or(u16::MAX)), None)
            }
            ChannelType::PartialReliableTimed | ChannelType::PartialReliableTimedUnordered => {
                (None, Some(Duration::from_millis(open.reliability.into())))
            }
        };
        let mut channel = Self::with_view(ChannelView {
            label: open.label,
            protocol: open.protocol,
            id: Some(stream),
            ordered: !open.channel_type.is_unordered(),
            max_packet_life_time: life_time,
            max_retransmits: retransmits,
            negotiated: false,
            priority: Priority(open.priority),
            ready_state: DataChannelState::Connecting,
            buffered_amount: 0,
            buffered_amount_low_threshold: 0,
        });
        channel.is_known = true;
        channel.is_remote = true;
        channel
    }

    /// What tells the remote of it (RFC 8832 §5.1).
    pub(super) fn open(&self) -> Open {
        let view = &self.view;
        let (channel_type, reliability) = match (view.max_retransmits, view.max_packet_life_time) {
            (Some(count), _) if view.ordered => (ChannelType::PartialReliableRexmit, count.into()),
            (Some(count), _) => (ChannelType::PartialReliableRexmitUnordered, count.into()),
            (None, Some(life)) => {
                let life = u32::try_from(life.as_millis()).unwrap_or(u32::MAX);
                let kind = match view.ordered {
                    true => ChannelType::PartialReliableTimed,
                    false => ChannelType::PartialReliableTimedUnordered,
                };
                (kind, life)
            }
            (None, None) if view.ordered => (ChannelType::Reliable, 0),
            (None, None) => (ChannelType::ReliableUnordered, 0),
        };
        let (label, protocol) = (view.label.clone(), view.protocol.clone());
        Open { channel_type, priority: view.priority.0, reliability, label, protocol }
    }

    /// How its messages are sent. In order until the remote has answered, for a message must not come before the one
    /// that opens the channel (RFC 8832 §6).
    pub(super) fn send_options(&self) -> SendOptions {
        let reliability = match (self.view.max_retransmits, self.view.max_packet_life_time) {
            (Some(count), _) => Reliability::Retransmissions(count.into()),
            (None, Some(life)) => Reliability::Lifetime(life),
            (None, None) => Reliability::Reliable,
        };
        SendOptions { ordered: self.view.ordered || !self.is_known, reliability }
    }

    /// Keeps a message for the reader; says what it costs, and whether it is the only one.
    pub(super) fn keep(&mut self, message: Message) -> (usize, bool) {
        let cost = cost(&message);
        let is_first = self.inbox.is_empty();
        self.inbox.push_back(message);
        (cost, is_first)
    }

    /// What its names take, bytes.
    pub(super) fn names(&self) -> usize {
        self.view.label.len() + self.view.protocol.len()
    }
}

/// What a waiting message takes, bytes.
pub(super) fn cost(message: &Message) -> usize {
    message.len() + MESSAGE_COST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_channel_is_to_the_remote_what_it_is_here() {
        for ordered in [true, false] {
            for (retransmits, life_time) in [(None, None), (Some(3), None), (None, Some(70))] {
                let init = DataChannelInit {
                    ordered,
                    max_retransmits: retransmits,
                    max_packet_life_time: life_time.map(Duration::from_millis),
                    protocol: "p".into(),
                    priority: Priority::HIGH,
                    ..DataChannelInit::default()
                };
                let ours = Channel::new("l", init);
                let theirs = Channel::opened(7, ours.open());
                assert_eq!(ChannelView { id: None, ..theirs.view.clone() }, ours.view);
                assert!(ours.send_options().ordered, "the remote does not know of it yet");
                assert_eq!(theirs.send_options().ordered, ordered);
            }
        }
    }
}
