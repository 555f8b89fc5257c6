//! A data channel as its user holds it (RTCDataChannel, webrtc-pc §6.2).

use std::sync::Arc;
use std::time::{Duration, Instant};

use peerless_peer::channel::{ChannelError, Message, MessageError, Priority};
use peerless_peer::state::DataChannelState;

use crate::mailbox::Mailbox;
use crate::shared::Shared;

/// How much is taken out of the connection at a time, bytes: so that its lock is not taken for each small message.
const BATCH: usize = 64 * 1024;
/// What a message counts besides its bytes.
const MESSAGE_COST: usize = 64;

/// One data channel. Cheap to clone; messages go to whichever clone asks first.
///
/// It does not keep the connection open, and outlives it: what had arrived before the end can still be read. When the
/// last clone is dropped the channel stays as it is until [`close`](Self::close) or the end of the connection; what was
/// sent is delivered still, what arrives is dropped, for nobody can read it any more.
#[derive(Debug, Clone)]
pub struct DataChannel {
    shared: Arc<Shared>,
    mailbox: Arc<Mailbox>,
}

impl DataChannel {
    pub(crate) fn new(shared: Arc<Shared>, mailbox: Arc<Mailbox>) -> Self {
        Self { shared, mailbox }
    }

    /// Sends a message; waits while the connection's send buffer is full
    /// ([`Configuration::send_buffer`](crate::Configuration::send_buffer)). Dropping the future before it is ready
    /// sends nothing.
    ///
    /// # Errors
    /// `NotOpen` before the channel is open and after it was closed, also while waiting; `TooLarge` where the remote
    /// takes no message of that length.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), MessageError> {
        // Mostly there is room: nobody need be told then.
        let mut message = match self.offer(message.into()) {
            Ok(result) => return result,
            Err(waiting) => waiting,
        };
        loop {
            let room = self.shared.room.notified();
            tokio::pin!(room);
            // From here on no notice is missed.
            room.as_mut().enable();
            match self.offer(message) {
                Ok(result) => return result,
                Err(waiting) => message = waiting,
            }
            room.await;
        }
    }

    /// Sends the message, or gives it back while there is no room for it.
    fn offer(&self, message: Message) -> Result<Result<(), MessageError>, Message> {
        let mut state = self.shared.lock();
        match state.peer.check_message(self.mailbox.id, &message) {
            Err(MessageError::Full { .. }) => Err(message),
            Err(error) => Ok(Err(error)),
            Ok(()) => Ok(state.peer.send_message(Instant::now(), self.mailbox.id, message)),
        }
    }

    /// Sends a message if there is room for it at once.
    ///
    /// # Errors
    /// `Full`, and as [`send`](Self::send).
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), MessageError> {
        self.shared.lock().peer.send_message(Instant::now(), self.mailbox.id, message.into())
    }

    /// Waits for the next message; `None` once the channel has closed and all was read. Nothing is dropped when nobody
    /// asks: the remote is held back instead, on all channels of the connection. Dropping the future loses no message.
    pub async fn recv(&self) -> Option<Message> {
        if let Some(message) = self.try_recv() {
            return Some(message);
        }
        loop {
            let arrived = self.mailbox.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            if let Some(message) = self.try_recv() {
                return Some(message);
            }
            if self.ready_state() == DataChannelState::Closed {
                // What came between the two looks.
                return self.try_recv();
            }
            arrived.await;
        }
    }

    /// The next message, if one has arrived.
    pub fn try_recv(&self) -> Option<Message> {
        let mut inbox = self.mailbox.inbox();
        if inbox.is_empty() {
            let mut state = self.shared.lock_quietly();
            let (now, mut taken) = (Instant::now(), 0);
            while taken < BATCH
                && let Some(message) = state.peer.poll_message(now, self.mailbox.id)
            {
                taken += message.len() + MESSAGE_COST;
                inbox.push_back(message);
            }
            // The remote may be told that there is room again.
            state.wakes = taken > 0;
        }
        inbox.pop_front()
    }

    /// Waits until the channel is open; says whether it opened: `false` where it closed before it could.
    pub async fn opened(&self) -> bool {
        self.wait(|| match self.ready_state() {
            DataChannelState::Connecting => None,
            DataChannelState::Open => Some(true),
            DataChannelState::Closing | DataChannelState::Closed => Some(false),
        })
        .await
    }

    /// Waits until the channel has closed: by either side, or with the connection. [`error`](Self::error) says whether
    /// something went wrong.
    pub async fn closed(&self) {
        self.wait(|| (self.ready_state() == DataChannelState::Closed).then_some(())).await;
    }

    /// `close`: what was sent is delivered still, then both sides see the end. Again changes nothing.
    pub fn close(&self) {
        self.shared.lock().peer.close_channel(Instant::now(), self.mailbox.id);
    }

    /// `readyState`.
    pub fn ready_state(&self) -> DataChannelState {
        self.mailbox.ready_state()
    }

    /// Why it ended, where it was not by being closed (`error` event).
    pub fn error(&self) -> Option<ChannelError> {
        self.mailbox.standing().error
    }

    /// `bufferedAmount`: bytes given to [`send`](Self::send) that have not left for the network yet.
    pub fn buffered_amount(&self) -> usize {
        match self.ready_state() {
            DataChannelState::Closed => self.mailbox.standing().unsent,
            _ => self.shared.look().peer.buffered_amount(self.mailbox.id),
        }
    }

    /// `bufferedAmountLowThreshold`, bytes. Default: 0.
    pub fn set_buffered_amount_low_threshold(&self, bytes: usize) {
        self.shared.lock().peer.set_buffered_amount_low_threshold(self.mailbox.id, bytes);
    }

    /// Waits until no more than the threshold is buffered (`bufferedamountlow`), or the channel has closed.
    pub async fn buffered_amount_low(&self) {
        self.wait(|| {
            let is_closed = self.ready_state() == DataChannelState::Closed;
            (is_closed || self.shared.look().peer.is_buffered_amount_low(self.mailbox.id)).then_some(())
        })
        .await;
    }

    /// `label`: its name, not necessarily unique.
    pub fn label(&self) -> &str {
        &self.mailbox.made.label
    }

    /// `protocol`: its subprotocol, empty for none.
    pub fn protocol(&self) -> &str {
        &self.mailbox.made.protocol
    }

    /// `id`: its stream; `None` before the two sides are connected, unless it was negotiated.
    pub fn id(&self) -> Option<u16> {
        let known = self.mailbox.standing().stream;
        known.or_else(|| self.shared.look().peer.channel(self.mailbox.id)?.id)
    }

    /// `ordered`: whether messages arrive in the order in which they were sent.
    pub fn ordered(&self) -> bool {
        self.mailbox.made.ordered
    }

    /// `maxPacketLifeTime`: for how long a lost message is sent again.
    pub fn max_packet_life_time(&self) -> Option<Duration> {
        self.mailbox.made.max_packet_life_time
    }

    /// `maxRetransmits`: how many times a lost message is sent again.
    pub fn max_retransmits(&self) -> Option<u16> {
        self.mailbox.made.max_retransmits
    }

    /// `negotiated`: whether both sides made it by themselves.
    pub fn negotiated(&self) -> bool {
        self.mailbox.made.negotiated
    }

    /// How it competes with other channels.
    pub fn priority(&self) -> Priority {
        self.mailbox.made.priority
    }

    /// Waits until `ready` gives a value; asked at once and after each change.
    async fn wait<T>(&self, mut ready: impl FnMut() -> Option<T>) -> T {
        loop {
            let changed = self.mailbox.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(value) = ready() {
                return value;
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever spawns a task that sends or receives needs this; it does not compile where it is not so.
    #[test]
    fn waiting_for_a_channel_may_move_between_threads() {
        fn is_send<T: Send>(_: impl FnOnce(DataChannel) -> T) {}
        is_send(|channel| async move { channel.send(Message::Text(String::new())).await });
        is_send(|channel| async move { channel.recv().await });
        is_send(|channel| async move { channel.opened().await });
        is_send(|channel| async move { channel.buffered_amount_low().await });
    }
}
