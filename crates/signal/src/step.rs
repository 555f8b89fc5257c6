//! What happens between two sides, told to who watches: the steps, what was refused, and how it ended. Plain data for
//! `exchange` and `negotiator`.

use std::time::Duration;

use peerless::{Error, SdpType};

use crate::channel::ChannelError;
use crate::message::MessageError;

/// One thing that happened between the two sides.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// We sent a description.
    Sent(SdpType),
    /// The other side's description was taken.
    Taken(SdpType),
    /// Something the other side sent was refused. Nothing was changed by it.
    Rejected(Rejection),
    /// Our offer met one of the other side's, and was taken back in favour of it. What we wished for is offered again.
    Yielded,
    /// We could not make an offer of our own. The first one ends an `Exchange` as well.
    NoOffer(Error),
    /// The exchange is over; the last step.
    Ended(Ended),
}

/// What was refused, and why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The text is no message.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// Not even a text.
    #[error("{0} bytes that are no text")]
    Binary(usize),
    /// The description could not be taken.
    #[error("{kind} refused: {error}")]
    Description {
        /// What it claimed to be.
        kind: SdpType,
        /// Why not.
        error: Error,
    },
    /// An offer came while ours waits for its answer, and ours stands.
    #[error("an offer while ours waits for its answer")]
    Collision,
    /// The candidate could not be taken.
    #[error("candidate refused: {0}")]
    Candidate(Error),
    /// More candidates than we keep came before their description.
    #[error("more than {EARLY_CANDIDATES} candidates before a description")]
    TooManyCandidates,
}

/// Why an exchange is over.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ended {
    /// The connection was closed. The channel was closed after it.
    ConnectionClosed,
    /// The other side closed the channel. The connection was left as it is.
    ChannelClosed,
    /// The channel failed. The connection was left as it is.
    ChannelFailed(ChannelError),
    /// There was nothing we could offer.
    NoOffer,
}

/// Candidates kept until their description comes. A browser finds far fewer.
pub(crate) const EARLY_CANDIDATES: usize = 100;

/// How long the other side may leave a message unread.
pub(crate) const SEND_LIMIT: Duration = Duration::from_secs(10);
