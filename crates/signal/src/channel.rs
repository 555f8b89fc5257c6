//! What carries messages: anything that can send a text and receive a text.
//!
//! The WebSockets of `websocket` are channels, a server's and a client's; a channel of your own (a message queue, a chat
//! room, two strings copied by hand) is this trait written for it, and `Exchange` runs over it.

use std::future::Future;

/// A two-way channel of texts, in order and without loss.
pub trait Channel: Send {
    /// Sends one text. Returns when it is on its way.
    ///
    /// # Errors
    /// When the channel is of no more use: see [`ChannelError`].
    fn send(&mut self, text: String) -> impl Future<Output = Result<(), ChannelError>> + Send;

    /// Waits for what the other side sends; `None` when it closed the channel.
    ///
    /// It may be dropped while it waits and called again, and nothing is lost by that.
    fn recv(&mut self) -> impl Future<Output = Result<Option<Incoming>, ChannelError>> + Send;

    /// Tells the other side that this was all. Waits a moment at most.
    fn close(&mut self) -> impl Future<Output = ()> + Send;
}

/// What came over a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A text: a message, or something that claims to be one.
    Text(String),
    /// Something that is no text, of this many bytes.
    Binary(usize),
}

/// Why a channel is of no more use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The other side does not take what we send.
    #[error("the other side does not read")]
    Stalled,
    /// What lies under the channel failed.
    #[error("{0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The largest text that the channels here take, in bytes; a bigger one ends the channel.
///
/// Far above any real description, so that an oversized one is still read and refused with a reason.
pub const MESSAGE_LIMIT: usize = 4 << 20;
