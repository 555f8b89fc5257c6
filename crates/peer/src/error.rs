//! Why a call of the W3C interface was refused, with the name the standard gives the exception.

use peerless_wire::sdp;

use crate::state::{SdpType, SignalingState};

/// A refused call. Nothing was changed by it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The peer was closed.
    #[error("the connection is closed")]
    Closed,
    /// The description does not fit the signalling state: a second offer, an answer without an offer.
    #[error("{kind} not possible in state {state}")]
    WrongState {
        /// What was given.
        kind: SdpType,
        /// The state it met.
        state: SignalingState,
    },
    /// The text is not SDP.
    #[error("not a session description")]
    Syntax(#[from] sdp::Error),
    /// The SDP is well formed but cannot be taken.
    #[error(transparent)]
    Description(#[from] DescriptionError),
    /// The local description is not what `create_offer` or `create_answer` gave.
    #[error("the description was changed since it was created")]
    Modified,
    /// The candidate cannot be taken.
    #[error(transparent)]
    Candidate(#[from] CandidateError),
    /// No transceiver has this id, or it was stopped.
    #[error("no such transceiver")]
    UnknownTransceiver,
    /// There never was a transceiver of this id here: its sender is of another connection.
    #[error("the sender is of another connection")]
    ForeignSender,
    /// The track is being sent already.
    #[error("the track has a sender already")]
    TrackExists,
    /// No channel has this id, or it was closed and read.
    #[error("no such data channel")]
    UnknownChannel,
    /// Another channel has this stream, or the association has none of that number.
    #[error("no channel can have the id {0}")]
    ChannelIdUnavailable(u16),
    /// As many channels as there are streams are open.
    #[error("all streams have a channel already")]
    ChannelsExhausted,
    /// Tones cannot be sent: not connected, nothing sent, or the remote takes none.
    #[error("no tones can be sent")]
    CannotInsertDtmf,
    /// The character stands for no tone.
    #[error("{0:?} is no tone")]
    InvalidCharacter(char),
    /// An argument is out of its range.
    #[error("{0}")]
    Argument(&'static str),
    /// A number is out of its range.
    #[error("{0}")]
    Range(&'static str),
    /// Parameters that may not be changed are others than were read, or stand in another order.
    #[error("{0}")]
    Modification(&'static str),
    /// Parameters were set that had not been read since they were set or negotiated last.
    #[error("parameters must be read before they are set")]
    ParametersNotRead,
    /// An encoding shall have a codec that we do not have.
    #[error("no such codec for sending")]
    CodecUnavailable,
    /// A certificate is no longer valid.
    #[error("the certificate has expired")]
    CertificateExpired,
    /// The configuration cannot be changed so.
    #[error("{0} cannot change")]
    Fixed(&'static str),
    /// The option exists in the standard but not yet here.
    #[error("not supported: {0}")]
    NotSupported(&'static str),
}

/// What is wrong with a description that parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptionError {
    /// A media section has no `a=ice-ufrag` or `a=ice-pwd`.
    #[error("media section {section} has no ICE credentials")]
    IceCredentialsMissing {
        /// Index of the media section.
        section: usize,
    },
    /// A media section has no `a=fingerprint`.
    #[error("media section {section} has no fingerprint")]
    FingerprintMissing {
        /// Index of the media section.
        section: usize,
    },
    /// No fingerprint uses a hash we accept (sha-256, sha-384, sha-512).
    #[error("media section {section} has no fingerprint of an accepted hash, only {hash}")]
    FingerprintHashUnsupported {
        /// Index of the media section.
        section: usize,
        /// The hash it names.
        hash: String,
    },
    /// The fingerprint has another length than its hash, or is not hexadecimal.
    #[error("media section {section} has a malformed fingerprint")]
    FingerprintInvalid {
        /// Index of the media section.
        section: usize,
    },
    /// The fingerprint changed though the DTLS association stands.
    #[error("the fingerprint changed on a connected transport")]
    FingerprintChanged,
    /// Bundled sections name different fingerprints.
    #[error("bundled media sections name different fingerprints")]
    FingerprintConflict,
    /// `a=setup` is missing from an answer, or does not fit the offer.
    #[error("media section {section} has an impossible a=setup")]
    SetupInvalid {
        /// Index of the media section.
        section: usize,
    },
    /// The answer accepts a media section without `a=rtcp-mux`.
    #[error("media section {section} does not multiplex RTP and RTCP")]
    RtcpMuxMissing {
        /// Index of the media section.
        section: usize,
    },
    /// The answer accepts a section with none of the offered audio codecs.
    #[error("media section {section}: no audio codec in common")]
    AudioIncompatible {
        /// Index of the media section.
        section: usize,
    },
    /// The answer accepts a section with none of the offered video codecs.
    #[error("media section {section}: no video codec in common")]
    VideoIncompatible {
        /// Index of the media section.
        section: usize,
    },
    /// The answer accepts a data section in a way we cannot take.
    #[error("media section {section}: no data channel transport in common")]
    DataChannelIncompatible {
        /// Index of the media section.
        section: usize,
    },
    /// An answer has another number of media sections than the offer.
    #[error("the answer has {answered} media sections, the offer {offered}")]
    SectionCount {
        /// In the offer.
        offered: usize,
        /// In the answer.
        answered: usize,
    },
    /// A media section changed its kind or MID against the offer or the last description.
    #[error("media section {section} does not match what stood there before")]
    SectionMismatch {
        /// Index of the media section.
        section: usize,
    },
    /// Two media sections have the same MID.
    #[error("two media sections have the mid {mid}")]
    DuplicateMid {
        /// The MID.
        mid: String,
    },
    /// A BUNDLE group names a MID that no section has.
    #[error("the BUNDLE group names the unknown mid {mid}")]
    BundleMidUnknown {
        /// The MID.
        mid: String,
    },
    /// Both sides are ICE-lite: neither would check or choose (RFC 8445 §6.1.1), nor prove that it is who is meant.
    #[error("both sides are ICE-lite")]
    BothLite,
    /// No media section could be taken: nothing would flow.
    #[error("no media section can be used")]
    NothingCommon,
    /// More media sections than we take.
    #[error("{count} media sections, {limit} are the limit")]
    TooManySections {
        /// In the description.
        count: usize,
        /// Our limit.
        limit: usize,
    },
}

impl DescriptionError {
    /// Whether the description is valid, but more than we can do.
    fn is_ours(&self) -> bool {
        matches!(
            self,
            Self::FingerprintHashUnsupported { .. }
                | Self::NothingCommon
                | Self::TooManySections { .. }
                | Self::BothLite
        )
    }
}

/// What is wrong with a candidate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CandidateError {
    /// There is no remote description yet.
    #[error("there is no remote description yet")]
    NoRemoteDescription,
    /// Neither sdpMid nor sdpMLineIndex was given.
    #[error("neither sdpMid nor sdpMLineIndex is given")]
    NoSection,
    /// No media section has this MID.
    #[error("no media section has the mid {0}")]
    UnknownMid(String),
    /// No media section has this index.
    #[error("there is no media section {0}")]
    UnknownIndex(u16),
    /// The username fragment belongs to no known generation.
    #[error("the username fragment {0} is not the remote's")]
    UnknownUsernameFragment(String),
    /// The candidate line does not parse.
    #[error("not a candidate")]
    Syntax(#[source] sdp::Error),
}

impl Error {
    /// `errorDetail` where a browser would throw an RTCError (webrtc-pc §11.1): `sdp-syntax-error` for text that is no SDP.
    pub fn detail(&self) -> Option<&'static str> {
        matches!(self, Self::Syntax(_)).then_some("sdp-syntax-error")
    }

    /// `sdpLineNumber` (webrtc-pc §11.1): the line that is no SDP, 1 for the first.
    pub fn sdp_line_number(&self) -> Option<usize> {
        match self {
            Self::Syntax(error) => Some(error.line).filter(|line| *line > 0),
            _ => None,
        }
    }

    /// The name of the DOMException that a browser would throw.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Closed | Self::WrongState { .. } => "InvalidStateError",
            Self::UnknownTransceiver | Self::UnknownChannel => "InvalidStateError",
            Self::CannotInsertDtmf => "InvalidStateError",
            Self::InvalidCharacter(_) => "InvalidCharacterError",
            Self::Candidate(CandidateError::NoRemoteDescription) => "InvalidStateError",
            Self::Candidate(CandidateError::NoSection) | Self::Argument(_) => "TypeError",
            Self::Range(_) => "RangeError",
            Self::Modified | Self::Modification(_) => "InvalidModificationError",
            Self::ParametersNotRead => "InvalidStateError",
            Self::CodecUnavailable => "OperationError",
            Self::Fixed(_) => "InvalidModificationError",
            Self::CertificateExpired => "InvalidAccessError",
            Self::TrackExists | Self::ForeignSender => "InvalidAccessError",
            Self::NotSupported(_) => "NotSupportedError",
            Self::ChannelIdUnavailable(_) | Self::ChannelsExhausted => "OperationError",
            Self::Description(error) if error.is_ours() => "OperationError",
            Self::Description(_) => "InvalidAccessError",
            Self::Syntax(_) | Self::Candidate(_) => "OperationError",
        }
    }
}
