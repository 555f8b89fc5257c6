//! What an agent tells its owner.

use std::net::SocketAddr;

use peerless_wire::sdp::{Candidate, CandidateKind};

use crate::state::{GatheringState, IceState};

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
    CandidateError {
        /// The local address that asked.
        local: SocketAddr,
        /// The server.
        server: SocketAddr,
        /// STUN's error code (300 to 699), or 701 where there was no answer (webrtc-pc §4.8.3).
        code: u16,
    },
    /// A pair was selected, or another one.
    Selected {
        /// The local address (of the socket).
        local: SocketAddr,
        /// The remote address.
        remote: SocketAddr,
        /// What the local and the remote candidate are.
        kinds: (CandidateKind, CandidateKind),
    },
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
