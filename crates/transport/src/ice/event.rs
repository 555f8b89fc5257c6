//! What an agent tells its owner.

use std::net::SocketAddr;
use std::sync::Arc;

use peerless_wire::sdp::{Candidate, CandidateKind};

use crate::datagram::{Base, StreamId};
use crate::state::{GatheringState, IceState};
use crate::turn::server::Alternate;

/// Why a STUN or TURN server gave no candidate (webrtc-pc §4.8.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateFailure {
    /// The local address that asked.
    pub local: SocketAddr,
    /// Whether no candidate shows that address, because only relayed ones are told.
    pub is_hidden: bool,
    /// The server, as its user calls it.
    pub url: Arc<str>,
    /// STUN's error code (300 to 699); or 701 where none of its addresses answered any local address, which is told
    /// once for each URL and gathering.
    pub code: u16,
    /// The server's own words, or ours.
    pub reason: String,
}

/// Something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The connection state changed.
    State(IceState),
    /// The gathering state changed.
    Gathering(GatheringState),
    /// A local candidate was found and can be signalled.
    Candidate(Candidate),
    /// A STUN server gave no candidate.
    CandidateError(CandidateFailure),
    /// A pair was selected, or another one.
    Selected {
        /// The local address (of the socket).
        local: Base,
        /// The remote address.
        remote: SocketAddr,
        /// What the local and the remote candidate are.
        kinds: (CandidateKind, CandidateKind),
    },
    /// This connection is of no use any more.
    CloseStream(StreamId),
    /// A TURN server that is reached by a connection has another in its place: to be known before anything is sent there.
    FollowServer(Alternate),
    /// Gathering is continual, but no other pair takes the place of the one in use: only an ICE restart helps.
    Stranded,
    /// A STUN message went by; only with [`Config::diagnostics`](crate::ice::Config).
    Stun {
        /// Whether we sent it.
        sent: bool,
        /// The other side.
        remote: SocketAddr,
        /// One line for people, without secrets.
        summary: String,
    },
}
