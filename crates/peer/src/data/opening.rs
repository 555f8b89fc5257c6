//! How channels begin: a stream, then word to the remote and from it (RFC 8832 §6, webrtc-pc §6.1).

use std::time::Instant;

use bytes::BytesMut;
use peerless_transport::sctp::{SendError, SendOptions};
use peerless_transport::transport::Transport;
use peerless_wire::dcep;
use peerless_wire::sctp::{Ppid, StreamId};

use crate::channel::ChannelError;
use crate::data::channel::Channel;
use crate::data::channels::{Channels, Resets};
use crate::event::Event;
use crate::id::ChannelId;
use crate::state::{DataChannelState, SctpState};

/// How many channels of the remote's making may be there at once; further ones are refused.
const REMOTE_CHANNEL_LIMIT: usize = 4096;
/// How much the labels and protocols of those may take, bytes.
const REMOTE_NAME_LIMIT: usize = 4 * 1024 * 1024;

impl Channels {
    /// Gives streams to channels that have none, and opens those that can.
    pub(super) fn open_channels(&mut self, now: Instant, transport: &mut Transport) {
        let state = self.link.map(|link| link.state);
        for id in std::mem::take(&mut self.connecting) {
            let Some(channel) = self.channels.get(&id) else { continue };
            if channel.view.ready_state != DataChannelState::Connecting {
                continue;
            }
            if state == Some(SctpState::Closed) {
                self.end_one(id, Some(&ChannelError::Sctp("it has ended before".to_owned())));
                continue;
            }
            let stream = match channel.view.id {
                None if self.ids.has_role() => self.take_stream(),
                stream => stream,
            };
            let is_too_high = stream.is_some_and(|stream| u32::from(stream) >= self.stream_count());
            match stream {
                None if !self.ids.has_role() => self.connecting.push(id),
                Some(stream) if !is_too_high => {
                    self.streams.insert(stream, id);
                    if let Some(channel) = self.channels.get_mut(&id) {
                        channel.view.id = Some(stream);
                    }
                    match state {
                        Some(SctpState::Connected) => self.open(now, id, stream, transport),
                        _ => self.connecting.push(id),
                    }
                }
                _ => self.end_one(id, Some(&ChannelError::NoStream)),
            }
        }
    }

    /// Opens a channel that has its stream: the remote is told where it does not know (RFC 8832 §6).
    pub(super) fn open(&mut self, _now: Instant, id: ChannelId, stream: u16, transport: &mut Transport) {
        let Some(channel) = self.channels.get_mut(&id) else { return };
        channel.has_opened = true;
        channel.view.ready_state = DataChannelState::Open;
        self.opened += 1;
        if let Some(association) = transport.association_mut() {
            association.set_priority(StreamId(stream), channel.view.priority.0);
            let threshold = channel.view.buffered_amount_low_threshold;
            association.set_buffered_amount_low_threshold(StreamId(stream), threshold);
        }
        let message = match (channel.is_remote, channel.view.negotiated) {
            (true, _) => Some(dcep::Message::Ack),
            (false, false) => Some(dcep::Message::Open(channel.open())),
            (false, true) => None,
        };
        if let Some(message) = message {
            let mut bytes = BytesMut::new();
            message.write(&mut bytes);
            self.control.push_back((stream, bytes.freeze()));
        }
        if channel.is_remote {
            self.events.push_back(Event::DataChannel(id));
        }
        self.events.push_back(Event::ChannelState(id, DataChannelState::Open));
    }

    /// Sends what opens channels, in order and reliably (RFC 8832 §4).
    pub(super) fn send_control(&mut self, now: Instant, transport: &mut Transport) {
        let Some(association) = transport.association_mut() else { return };
        while let Some((stream, bytes)) = self.control.front() {
            let sent =
                association.send(now, StreamId(*stream), Ppid::DCEP, bytes.clone(), SendOptions::default());
            if matches!(sent, Err(SendError::Full { .. })) {
                return;
            }
            self.control.pop_front();
        }
        self.control.shrink_to_fit();
    }

    /// A message of DCEP (RFC 8832 §5, §6).
    pub(super) fn take_control(
        &mut self,
        now: Instant,
        stream: u16,
        bytes: &[u8],
        transport: &mut Transport,
    ) {
        // A stream that is opened again has been reset before, even if that was not looked at yet.
        if let Some(place) = self.resets.iter().position(|&one| one == stream) {
            self.resets.remove(place);
            self.take_their_reset(now, stream, transport);
        }
        let known = self.streams.get(&stream).copied();
        match (dcep::Message::parse(bytes), known) {
            (Ok(dcep::Message::Ack), Some(id)) => {
                if let Some(channel) = self.channels.get_mut(&id) {
                    channel.is_known = true;
                }
            }
            (Ok(dcep::Message::Ack), None) => {}
            (Ok(dcep::Message::Open(open)), None) if self.may_open(stream, &open) => {
                let id = self.add(Channel::opened(stream, open));
                self.open(now, id, stream, transport);
                self.send_control(now, transport);
            }
            (_, Some(id)) => self.fail(now, id, ChannelError::Protocol, transport),
            (_, None) => self.refuse(now, stream, transport),
        }
    }

    /// Whether the remote may open a channel: on a stream of its parity that is free, within our limits.
    pub(super) fn may_open(&self, stream: u16, open: &dcep::Open) -> bool {
        let names = self.remote_names + open.label.len() + open.protocol.len();
        self.ids.is_the_remotes(stream)
            && !self.refused.contains_key(&stream)
            && self.remote_count < REMOTE_CHANNEL_LIMIT
            && names <= REMOTE_NAME_LIMIT
    }

    /// A stream that cannot be a channel: it is reset, which tells the remote (RFC 8832 §6).
    pub(super) fn refuse(&mut self, now: Instant, stream: u16, transport: &mut Transport) {
        tracing::debug!(stream, "a channel is refused");
        if self.refused.contains_key(&stream) {
            return;
        }
        self.refused.insert(stream, Resets::default());
        self.reset_refused(now, stream, transport);
    }
}
