//! How channels end: both directions of the stream are reset, then its id can be used again (RFC 8831 §6.7). What had
//! arrived can be read afterwards.

use std::time::Instant;

use peerless_transport::sctp;
use peerless_transport::state::DtlsState;
use peerless_transport::transport::Transport;
use peerless_wire::sctp::StreamId;

use crate::channel::ChannelError;
use crate::data::channels::{Channels, Resets};
use crate::event::Event;
use crate::id::ChannelId;
use crate::state::{DataChannelState, SctpState};

/// What a peer's ABORT says when its user has closed the connection (RFC 9260 §3.3.10.12).
const USER_INITIATED: u16 = 12;

impl Channels {
    /// Ends a channel; what was given to it is delivered still.
    pub(crate) fn close(&mut self, now: Instant, id: ChannelId, transport: &mut Transport) {
        let Some(channel) = self.channels.get_mut(&id) else { return };
        match channel.view.ready_state {
            DataChannelState::Connecting => {
                // Of one that both sides made the remote may have its end open already: it is told when it can be.
                let agreed = channel.view.id.filter(|_| channel.view.negotiated);
                self.finish(id, true);
                if let Some(stream) = agreed.filter(|_| self.link.is_some()) {
                    self.refused.insert(stream, Resets::default());
                    self.reset_refused(now, stream, transport);
                }
            }
            DataChannelState::Open => {
                channel.view.ready_state = DataChannelState::Closing;
                self.events.push_back(Event::ChannelState(id, DataChannelState::Closing));
                self.reset(now, id, transport);
            }
            DataChannelState::Closing | DataChannelState::Closed => {}
        }
    }

    /// The connection was closed: all channels end, and nothing is told of it. What arrived can be read.
    pub(crate) fn end(&mut self, now: Instant, transport: &mut Transport) {
        self.end_all(now, transport, None);
        self.events.clear();
    }

    /// A description has refused channels, or ended them.
    pub(crate) fn refused(&mut self, now: Instant, transport: &mut Transport) {
        self.is_wanted = false;
        if let Some(association) = transport.association_mut() {
            association.abort(now, "data channels were refused");
        }
        self.end_all(now, transport, Some(&ChannelError::Refused));
    }

    /// What went wrong, where it did: an end that a user wished is no error.
    pub(super) fn end_reason(&self, reason: &sctp::Closed, transport: &Transport) -> Option<ChannelError> {
        let has_dtls_failed = transport.dtls_state() == DtlsState::Failed;
        let text = match reason {
            sctp::Closed::Shutdown => return None,
            sctp::Closed::Aborted if !has_dtls_failed => return None,
            sctp::Closed::PeerAborted { cause: Some(USER_INITIATED), .. } => return None,
            sctp::Closed::Aborted => "DTLS failed".to_owned(),
            sctp::Closed::PeerAborted { cause: Some(cause), reason } => {
                format!("the remote aborted it, cause {cause}: {reason}")
            }
            sctp::Closed::PeerAborted { cause: None, .. } => "the remote aborted it".to_owned(),
            sctp::Closed::HandshakeTimeout => "the remote did not answer the handshake".to_owned(),
            sctp::Closed::Timeout => "the remote does not answer".to_owned(),
            sctp::Closed::Violation(what) => format!("the remote broke the protocol: {what}"),
            sctp::Closed::TooLarge => "the remote sent a message that is too large".to_owned(),
            other => format!("{other:?}"),
        };
        Some(ChannelError::Sctp(text))
    }

    /// The remote broke the rules on a channel: it is closed, the connection goes on.
    pub(super) fn fail(
        &mut self,
        now: Instant,
        id: ChannelId,
        error: ChannelError,
        transport: &mut Transport,
    ) {
        let Some(channel) = self.channels.get_mut(&id) else { return };
        if std::mem::replace(&mut channel.is_broken, true) {
            return;
        }
        self.events.push_back(Event::ChannelError(id, error));
        self.close(now, id, transport);
    }

    /// Asks for our direction of a channel's stream to be reset.
    pub(super) fn reset(&mut self, now: Instant, id: ChannelId, transport: &mut Transport) {
        let stream = self.channels.get(&id).and_then(|channel| channel.view.id);
        let Some((stream, association)) = stream.zip(transport.association_mut()) else { return };
        let is_unknown = self.control.iter().any(|(one, _)| *one == stream);
        if is_unknown && self.channels.get(&id).is_some_and(|channel| !channel.is_remote) {
            // Its opening never left: there is nothing to reset, and nobody who would answer.
            self.control.retain(|(one, _)| *one != stream);
            return self.finish(id, true);
        }
        association.reset_stream(now, StreamId(stream));
    }

    /// The remote has reset its direction: ours follows (RFC 8831 §6.7).
    pub(super) fn take_their_reset(&mut self, now: Instant, stream: u16, transport: &mut Transport) {
        if let Some(resets) = self.refused.get_mut(&stream) {
            resets.theirs = true;
            return self.release_refused(stream);
        }
        let Some(&id) = self.streams.get(&stream) else {
            // It has a channel that is none here: it waits for our direction all the same.
            self.refused.insert(stream, Resets { ours: false, theirs: true });
            return self.reset_refused(now, stream, transport);
        };
        let Some(channel) = self.channels.get_mut(&id) else { return };
        channel.is_reset_by_remote = true;
        self.close(now, id, transport);
        self.finish_if_reset(id);
    }

    /// The remote has said yes or no to the reset of our direction.
    pub(super) fn take_our_reset(&mut self, stream: u16, is_done: bool) {
        if let Some(resets) = self.refused.get_mut(&stream) {
            resets.ours = true;
            return self.release_refused(stream);
        }
        let Some(&id) = self.streams.get(&stream) else { return };
        let Some(channel) = self.channels.get_mut(&id) else { return };
        if is_done {
            channel.is_reset_by_us = true;
            self.finish_if_reset(id);
        } else {
            // The stream goes on as it is: nothing else can use it.
            self.finish(id, false);
        }
    }

    /// Asks for our direction of a stream to be reset that belongs to no channel.
    pub(super) fn reset_refused(&mut self, now: Instant, stream: u16, transport: &mut Transport) {
        if let Some(association) = transport.association_mut() {
            association.reset_stream(now, StreamId(stream));
        }
    }

    pub(super) fn release_refused(&mut self, stream: u16) {
        if self.refused.get(&stream).is_some_and(|resets| resets.ours && resets.theirs) {
            self.refused.remove(&stream);
        }
    }

    pub(super) fn finish_if_reset(&mut self, id: ChannelId) {
        let channel = self.channels.get(&id);
        if channel.is_some_and(|channel| channel.is_reset_by_us && channel.is_reset_by_remote) {
            self.finish(id, true);
        }
    }

    /// The channel is closed. What arrived can still be read. Its stream is free, unless it is spoilt.
    pub(super) fn finish(&mut self, id: ChannelId, frees: bool) {
        let Some(channel) = self.channels.get_mut(&id) else { return };
        if channel.view.ready_state == DataChannelState::Closed {
            return;
        }
        channel.view.ready_state = DataChannelState::Closed;
        if channel.has_opened {
            self.closed += 1;
        }
        let is_over = channel.inbox.is_empty() || channel.is_abandoned;
        if let Some(stream) = channel.view.id
            && frees
        {
            self.streams.remove(&stream);
            self.ids.free(stream);
        }
        self.events.push_back(Event::ChannelState(id, DataChannelState::Closed));
        if is_over {
            self.forget(id);
        }
    }

    /// Forgets a closed channel.
    pub(super) fn forget(&mut self, id: ChannelId) {
        if let Some(channel) = self.channels.remove(&id)
            && channel.is_remote
        {
            self.remote_count -= 1;
            self.remote_names -= channel.names();
        }
    }

    /// Ends a channel whose stream is gone.
    pub(super) fn end_one(&mut self, id: ChannelId, error: Option<&ChannelError>) {
        let Some(channel) = self.channels.get(&id) else { return };
        if channel.view.ready_state == DataChannelState::Closed {
            return;
        }
        if let Some(error) = error {
            self.events.push_back(Event::ChannelError(id, error.clone()));
        }
        self.finish(id, true);
    }

    /// The association is over. What it had received is kept for the readers, all of it: no more can come.
    pub(super) fn end_all(&mut self, now: Instant, transport: &mut Transport, error: Option<&ChannelError>) {
        while let Some(message) = self.link.and_then(|_| transport.poll_message(now)) {
            self.take_message(now, message, transport);
        }
        self.control.clear();
        self.resets.clear();
        for id in self.channels.keys().copied().collect::<Vec<_>>() {
            let amount = self.buffered_amount(id, transport);
            if let Some(channel) = self.channels.get_mut(&id) {
                channel.view.buffered_amount = amount;
            }
            self.end_one(id, error);
        }
        if let Some(link) = &mut self.link
            && link.state != SctpState::Closed
        {
            link.state = SctpState::Closed;
            self.events.push_back(Event::SctpState(SctpState::Closed));
        }
    }
}
