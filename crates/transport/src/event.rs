//! What a transport tells its owner.

use std::net::SocketAddr;

use crate::datagram::StreamId;
use crate::dtls::{CipherSuite, Failure, Version};
use crate::ice;
use crate::sctp;
use crate::srtp::Profile;
use crate::state::DtlsState;
use crate::stats::DropReason;
use crate::turn::server::Alternate;

/// What DTLS agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Secured {
    /// The version of DTLS.
    pub version: Version,
    /// The cipher suite of DTLS.
    pub cipher: CipherSuite,
    /// What protects media; `None` where the remote did not ask for SRTP.
    pub srtp_profile: Option<Profile>,
}

/// What a transport tells its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Something of ICE.
    Ice(ice::Event),
    /// The state of DTLS changed.
    Dtls(DtlsState),
    /// The handshake is done and the fingerprint is right: media flows from now on. Comes before the state.
    Secured(Secured),
    /// Why DTLS failed. Comes before the state.
    Failed(Failure),
    /// Something of the association.
    Sctp(sctp::Event),
    /// This stream is of no use any more: close it once what was sent by it has left.
    CloseStream(StreamId),
    /// A TURN server that is reached by a stream has another in its place: to be known before anything is sent there.
    FollowServer(Alternate),
    /// A datagram was dropped; only with [`diagnostics`](crate::config::Config::diagnostics).
    Dropped {
        /// Who sent it.
        source: SocketAddr,
        /// Why.
        reason: DropReason,
    },
}
