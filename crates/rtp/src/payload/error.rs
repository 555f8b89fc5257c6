//! Why a frame cannot be cut into packets, or packets not be put together to a frame.

use peerless_wire::cursor::Truncated;

/// Why a frame cannot be cut into packets, or packets not be put together to a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A frame or a payload has no bytes.
    #[error("there is nothing in it")]
    Empty,
    /// The frame is coded otherwise than the packetizer was made for.
    #[error("a frame of format {0}")]
    WrongFormat(&'static str),
    /// No payload of this size can hold more than the format's own header.
    #[error("payloads of {limit} bytes are too small for this format")]
    LimitTooSmall {
        /// The payload bytes a packet may have.
        limit: usize,
    },
    /// A part that the format does not allow to be cut is too large for a packet, or an assembled frame is larger
    /// than [`MAX_FRAME_LEN`](super::MAX_FRAME_LEN).
    #[error("{len} bytes, {limit} are the limit")]
    TooLarge {
        /// Its size in bytes.
        len: usize,
        /// What there is room for.
        limit: usize,
    },
    /// An H.264 frame that is not a stream of NAL units behind start codes (ITU-T H.264 Annex B).
    #[error("not an Annex B byte stream")]
    NotAnnexB,
    /// A payload ends before its format's header, or before a part whose length it tells.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// The payload is of a kind this format has but we do not take: the H.264 packet type.
    #[error("payload structure {0} is not supported")]
    Unsupported(u8),
    /// The first or last fragment of something is not there, or a fragment belongs to nothing.
    #[error("a fragment is missing")]
    MissingFragment,
    /// A second packet, where one packet is the whole frame.
    #[error("more than one packet for a frame of sound")]
    MorePackets,
    /// The bytes are no whole number of samples.
    #[error("{len} bytes are no whole number of samples")]
    BrokenSample {
        /// The size in bytes.
        len: usize,
    },
}
