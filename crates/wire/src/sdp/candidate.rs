//! The candidate attribute (RFC 8839 §5.1): one address at which a peer may be reached.

use std::net::IpAddr;

/// An ICE candidate as it travels in SDP and in trickled messages.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// Groups candidates of the same type, base and server (RFC 8445 §5.1.1.3): 1 to 32 ice-chars.
    pub foundation: String,
    /// 1 for RTP (and all else with rtcp-mux), 2 for RTCP.
    pub component: u16,
    /// What carries the packets.
    pub transport: TransportProtocol,
    /// Larger is better (RFC 8445 §5.1.2).
    pub priority: u32,
    /// Where: an IP address, or a name (mDNS) that must be resolved first.
    pub address: Address,
    /// The port; 9 for an active TCP candidate.
    pub port: u16,
    /// How the candidate came to be.
    pub kind: CandidateKind,
    /// The related address (`raddr`, `rport`), not for host candidates.
    pub related: Option<(Address, u16)>,
    /// Who opens the connection, TCP only (RFC 6544 §4.5).
    pub tcp_type: Option<TcpType>,
    /// The username fragment of the generation it belongs to (`ufrag`).
    pub ufrag: Option<String>,
    /// Other name-value pairs, in order: `generation 0`, `network-cost 999`.
    pub extensions: Vec<(String, String)>,
}

/// Where a candidate is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// A name, in WebRTC an mDNS name such as `8a0e….local`.
    Name(String),
}

/// How a candidate came to be (RFC 8445 §5.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CandidateKind {
    /// An address of the machine itself.
    Host,
    /// What a STUN server saw.
    ServerReflexive,
    /// What the peer saw in a check.
    PeerReflexive,
    /// An address on a TURN server.
    Relay,
}

/// What carries the packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransportProtocol {
    /// Datagrams.
    Udp,
    /// Framed in a stream (RFC 4571, RFC 6544).
    Tcp,
}

/// Who opens a TCP connection (RFC 6544 §4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TcpType {
    /// Opens outwards; its port is 9.
    Active,
    /// Listens.
    Passive,
    /// Simultaneous open.
    SimultaneousOpen,
}
