//! Why a call was refused, under the name that the W3C gives it.

use std::io;

use crate::addresses::AddressReason;
use std::net::SocketAddr;

/// A refused call. What it named stays as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The connection refused: state, syntax, or something not supported.
    #[error(transparent)]
    Peer(#[from] peerless_peer::error::Error),
    /// An ICE server is not one we can use.
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
    /// An endpoint, or a connection of one, cannot be like that.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// `Configuration::addresses` holds what cannot be.
    #[error("addresses: {0}")]
    Addresses(#[from] AddressReason),
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
    /// There is none.
    #[error("there is no URL")]
    NoUrl,
    /// It begins with none of `stun:`, `turn:` and their like.
    #[error("neither a stun: nor a turn: URL")]
    Scheme,
    /// Host or port does not parse.
    #[error("host or port is malformed")]
    Host,
    /// What follows `?` is neither `transport=udp` nor `transport=tcp`.
    #[error("the transport is neither udp nor tcp")]
    Transport,
    /// A TURN server needs a user name and a credential.
    #[error("user name or credential is missing")]
    NoCredential,
    /// The user name is longer than the 508 bytes that STUN carries (RFC 8489 §14.3).
    #[error("the user name is too long")]
    Username,
    /// STUN over TLS (`stuns:`) is not spoken: refused rather than ignored.
    #[error("this kind of server is not supported yet")]
    NotSupported,
}

/// What an endpoint cannot do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// There is no address to bind to.
    #[error("an endpoint needs an address")]
    NoAddress,
    /// The same address was given twice.
    #[error("{0} is given twice")]
    Twice(SocketAddr),
    /// There must be 1 to 64 workers, and more than one only where the system spreads datagrams over several sockets of one
    /// address, which Linux does.
    #[error("an endpoint cannot have {0} workers here")]
    Workers(usize),
    /// All media sections of a connection share the endpoint's port: the bundle policy must be max-bundle.
    #[error("the connections of an endpoint have one transport each: the bundle policy must be max-bundle")]
    BundlePolicy,
    /// For the same reason the candidate pool has one transport at most.
    #[error("the connections of an endpoint have one transport each: the candidate pool is 1 at most")]
    CandidatePool,
    /// The addresses are the endpoint's.
    #[error("the connections of an endpoint have its addresses: none can be chosen for one of them")]
    Interfaces,
    /// For the same reason there is nothing to gather continually.
    #[error("the connections of an endpoint have its addresses: gathering ends with them")]
    Gathering,
    /// The endpoint takes streams for all its connections or for none ([`EndpointConfig::tcp`](crate::EndpointConfig::tcp)),
    /// and its port is no port to open them from.
    #[error("the connections of an endpoint have its passive candidates of TCP, and no simultaneous ones")]
    PassiveTcp,
    /// A lite agent opens nothing: it sends no checks (RFC 8445 §2.5).
    #[error("an ICE-lite endpoint has no active candidates of TCP")]
    LiteActiveTcp,
    /// No server is spoken to over TLS.
    #[error("the connections of an endpoint use no TURN server: roots of TLS serve nothing")]
    TlsRoots,
    /// A lite agent has host candidates only (RFC 8445 §5.2).
    #[error("an ICE-lite endpoint asks no servers")]
    LiteServers,
    /// An endpoint is bound to the addresses and ports that are given, and shows them as they are or by a public address.
    #[error("an endpoint has no range of ports, no names for its addresses, and no modes of RFC 8828")]
    AddressOptions,
    /// Interfaces, networks, families and loopback are chosen for addresses without an IP, and there is none.
    #[error("interfaces are chosen, and no address without an IP is there for which to choose")]
    Choice,
    /// No address of the endpoint is seen by this public one.
    #[error("no address of the endpoint is seen as {0}")]
    Public(std::net::IpAddr),
    /// A lite agent has host candidates only (RFC 8445 §5.2): its public addresses are shown in place of them.
    #[error("an ICE-lite endpoint has no server-reflexive candidates")]
    LitePublic,
    /// A TURN server tells its clients apart by their ports (RFC 8656 §3), and all connections of an endpoint have one.
    #[error("the connections of an endpoint share a port: no TURN server can serve them")]
    Turn,
    /// The endpoint was closed, or the runtime that it was made in has ended.
    #[error("the endpoint is closed")]
    Closed,
}

impl Error {
    /// The name of the DOMException that a browser would throw (`"InvalidStateError"`).
    pub fn name(&self) -> &'static str {
        match self {
            Self::Peer(error) => error.name(),
            Self::Addresses(AddressReason::ProxyOnly) => "NotSupportedError",
            Self::Addresses(_) => "InvalidAccessError",
            Self::IceServer { reason: IceServerReason::NotSupported, .. } => "NotSupportedError",
            Self::IceServer { reason: IceServerReason::NoCredential | IceServerReason::Username, .. } => {
                "InvalidAccessError"
            }
            Self::IceServer { .. } | Self::TlsRoot(_) => "SyntaxError",
            Self::Endpoint(EndpointError::Closed) => "InvalidStateError",
            Self::Endpoint(_) => "NotSupportedError",
            Self::Interface(_) | Self::NoRuntime | Self::Io(_) => "OperationError",
        }
    }
}
