//! Why a call was refused, under the name that the W3C gives it.

use std::io;

/// A refused call. What it named stays as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The connection refused: state, syntax, or something not supported.
    #[error(transparent)]
    Peer(#[from] peerless_peer::error::Error),
    /// An ICE server's URL is not one we can use.
    #[error("ice server {url}: {reason}")]
    IceServer {
        /// The URL as given.
        url: String,
        /// What is wrong with it.
        reason: IceServerReason,
    },
    /// An address under `Configuration::interfaces` belongs to no interface of this machine.
    #[error("no interface has the address {0}")]
    Interface(std::net::IpAddr),
    /// The certificate at this place of `Configuration::tls_roots` cannot be read.
    #[error("tls_roots[{0}] is no certificate in DER")]
    TlsRoot(usize),
    /// The system refused something: no random numbers, no list of interfaces.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There is no tokio runtime to drive the connection.
    #[error("no tokio runtime is running here")]
    NoRuntime,
}

/// What is wrong with the URL of an ICE server (RFC 7064, RFC 7065).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IceServerReason {
    /// It does not begin with `stun:`.
    #[error("not a stun: URL")]
    Scheme,
    /// Host or port does not parse.
    #[error("host or port is malformed")]
    Host,
    /// TURN, and STUN over TLS, come in a later version: refused rather than ignored.
    #[error("this kind of server is not supported yet")]
    NotSupported,
}

impl Error {
    /// The name of the DOMException that a browser would throw (`"InvalidStateError"`).
    pub fn name(&self) -> &'static str {
        match self {
            Self::Peer(error) => error.name(),
            Self::IceServer { reason: IceServerReason::NotSupported, .. } => "NotSupportedError",
            Self::IceServer { .. } | Self::TlsRoot(_) => "SyntaxError",
            Self::Interface(_) | Self::NoRuntime | Self::Io(_) => "OperationError",
        }
    }
}
