//! The data channel calls of a peer (webrtc-pc §6).

use std::time::Instant;

use crate::channel::{ChannelView, DataChannelInit, Message, MessageError, SctpView};
use crate::error::Error;
use crate::id::ChannelId;
use crate::peer::Peer;

impl Peer {
    /// `createDataChannel` (webrtc-pc §6.1): a channel that opens once the association is there. The first one of a
    /// connection makes a negotiation needed.
    ///
    /// # Errors
    /// `Closed`; `Argument` where label or protocol is too long, where both limits of reliability are given, for a
    /// negotiated channel without id and an id without negotiated; `ChannelIdUnavailable`; `ChannelsExhausted`.
    pub fn create_data_channel(
        &mut self,
        now: Instant,
        label: &str,
        init: DataChannelInit,
    ) -> Result<ChannelId, Error> {
        self.check_open()?;
        let id = self.engine.channels.create(label, init)?;
        self.engine.tend_channels(now);
        self.finish_call();
        Ok(id)
    }

    /// One channel; `None` where there is none of this id, or it was closed and read to its end.
    pub fn channel(&self, id: ChannelId) -> Option<ChannelView> {
        self.engine.channels.view(id, &self.engine.links.data().transport)
    }

    /// `sctp`: what carries the channels; `None` before they are negotiated.
    pub fn sctp(&self) -> Option<SctpView> {
        self.engine.channels.sctp()
    }

    /// `send` (webrtc-pc §6.2). What is taken is delivered as the channel promises; nothing is dropped on the way there.
    ///
    /// # Errors
    /// `NotOpen`, `TooLarge`; `Full` where the send buffer has no room, with `Event::SendBufferFree` to come.
    pub fn send_message(
        &mut self,
        now: Instant,
        id: ChannelId,
        message: Message,
    ) -> Result<(), MessageError> {
        self.engine.channels.send(now, id, message, &mut self.engine.links.data_mut().transport)
    }

    /// What `send_message` would say to this message. Where that is `Full`, `Event::SendBufferFree` comes once there is
    /// room for it.
    ///
    /// # Errors
    /// As `send_message`.
    pub fn check_message(&mut self, id: ChannelId, message: &Message) -> Result<(), MessageError> {
        self.engine.channels.check(id, message.len(), &self.engine.links.data().transport)
    }

    /// The next message that arrived on a channel, also after it or the connection was closed. A message that is not
    /// asked for holds the remote back, on all channels.
    pub fn poll_message(&mut self, now: Instant, id: ChannelId) -> Option<Message> {
        let message = self.engine.channels.poll_message(now, id, &mut self.engine.links.data_mut().transport);
        self.engine.tell_of_channels();
        message
    }

    /// `close` of a channel (webrtc-pc §6.2): what was given to it is sent still. Again changes nothing.
    pub fn close_channel(&mut self, now: Instant, id: ChannelId) {
        self.engine.channels.close(now, id, &mut self.engine.links.data_mut().transport);
        self.engine.tell_of_channels();
    }

    /// Nobody will read the channel any more: what arrives on it is dropped, and once closed it is forgotten.
    pub fn abandon_channel(&mut self, now: Instant, id: ChannelId) {
        self.engine.channels.abandon(now, id, &mut self.engine.links.data_mut().transport);
        self.engine.tell_of_channels();
    }

    /// `bufferedAmount` (webrtc-pc §6.2), bytes; 0 where there is no such channel.
    pub fn buffered_amount(&self, id: ChannelId) -> usize {
        self.engine.channels.buffered_amount(id, &self.engine.links.data().transport)
    }

    /// Whether no more than its threshold is buffered on a channel.
    pub fn is_buffered_amount_low(&self, id: ChannelId) -> bool {
        let view = self.channel(id);
        view.is_none_or(|view| view.buffered_amount <= view.buffered_amount_low_threshold)
    }

    /// `bufferedAmountLowThreshold` (webrtc-pc §6.2), bytes.
    pub fn set_buffered_amount_low_threshold(&mut self, id: ChannelId, bytes: usize) {
        self.engine.channels.set_threshold(id, bytes, &mut self.engine.links.data_mut().transport);
    }
}
