//! Frames in and out: where transceivers meet the RTP session.

use peerless_rtp::codec::Format;

/// Why a frame was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The peer was closed.
    #[error("the connection is closed")]
    Closed,
    /// No transceiver has this id, or it was stopped.
    #[error("no such transceiver")]
    UnknownTransceiver,
    /// The transceiver has no track to send.
    #[error("the sender has no track")]
    NoTrack,
    /// The remote does not take media here (yet): not negotiated, or a direction without sending.
    #[error("sending is not negotiated")]
    NotNegotiated,
    /// ICE or DTLS is not there (yet), or connectivity is lost for the moment.
    #[error("not connected")]
    NotConnected,
    /// The frame is coded with something else than what was negotiated.
    #[error("the frame is {given:?}, negotiated is {negotiated:?}")]
    WrongFormat {
        /// What the frame is.
        given: Format,
        /// What it should be.
        negotiated: Format,
    },
    /// The frame does not hold what its format says, or is empty.
    #[error("the frame is malformed")]
    Malformed,
    /// Too much waits to be sent already: the frame was dropped.
    #[error("the sending queue is full")]
    Full,
}
