//! What goes in and out of a transport: datagrams with their addresses.

use std::net::{IpAddr, SocketAddr};

use bytes::{Bytes, BytesMut};

/// One datagram that arrived. The contents are owned so that they can be decrypted in place.
#[derive(Debug)]
pub struct Datagram {
    /// Who sent it.
    pub source: SocketAddr,
    /// The local address (of the socket) at which it arrived.
    pub destination: SocketAddr,
    /// What carried it.
    pub protocol: Protocol,
    /// The congestion mark of its IP header.
    pub ecn: Option<Ecn>,
    /// The payload, without any segmentation: one datagram.
    pub contents: BytesMut,
}

/// One or several datagrams to send; their bytes were appended to the caller's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transmit {
    /// The local address (of the socket) to send from.
    pub source: SocketAddr,
    /// Where to.
    pub destination: SocketAddr,
    /// What carries it.
    pub protocol: Protocol,
    /// The congestion mark to set.
    pub ecn: Option<Ecn>,
    /// How many bytes were appended.
    pub size: usize,
    /// Where several datagrams were appended: the size of each but the last, which may be smaller (UDP GSO).
    pub segment_size: Option<usize>,
}

/// What carries a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// UDP.
    Udp,
    /// TCP: with RFC 4571 framing between peers, with that of STUN and ChannelData to a TURN server (RFC 8656 §12.5).
    Tcp,
    /// TLS over TCP, to a TURN server.
    Tls,
    /// DTLS over UDP, to a TURN server (RFC 7350).
    Dtls,
}

/// A connection: what carries it, and its ends. One to be opened leaves from a base whose port is only a name for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamId {
    /// TCP, TLS or DTLS.
    pub protocol: Protocol,
    /// Our base.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
}

/// Where packets of ours leave from and arrive: a socket of ours, or one that a server lends us. Two bases of one address
/// are two where other things carry their packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Base {
    /// Its address: of the socket, or of the relay.
    pub address: SocketAddr,
    /// What carries its packets.
    pub carrier: Carrier,
}

/// What carries the packets of a base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS over TCP, to a TURN server. No candidate has it.
    Tls,
    /// DTLS over UDP, to a TURN server. No candidate has it.
    Dtls,
    /// An allocation on a TURN server, UDP from there on (RFC 8656).
    Relay,
}

impl Base {
    /// A UDP socket bound to `address`.
    pub fn udp(address: SocketAddr) -> Self {
        Self { address, carrier: Carrier::Udp }
    }

    /// An address where streams begin or are taken.
    pub fn tcp(address: SocketAddr) -> Self {
        Self { address, carrier: Carrier::Tcp }
    }

    /// Whether its packets go by connections: streams, and DTLS on a socket of its own.
    pub fn is_stream(&self) -> bool {
        matches!(self.carrier, Carrier::Tcp | Carrier::Tls | Carrier::Dtls)
    }

    /// Its IP address.
    pub fn ip(&self) -> IpAddr {
        self.address.ip()
    }

    /// Whether that is IPv4.
    pub fn is_ipv4(&self) -> bool {
        self.address.is_ipv4()
    }
}

impl StreamId {
    /// The base that it leaves from.
    pub fn base(&self) -> Base {
        Base { address: self.local, carrier: self.protocol.into() }
    }
}

impl Protocol {
    /// Its name in reports (`relayProtocol`, webrtc-stats §8.18), which know no word for DTLS: it is UDP that carries it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp | Self::Dtls => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }

    /// Whether datagrams carry it: each arrives as a whole, or not at all.
    pub fn is_datagram(self) -> bool {
        matches!(self, Self::Udp | Self::Dtls)
    }
}

impl Datagram {
    /// Where it arrived.
    pub fn base(&self) -> Base {
        Base { address: self.destination, carrier: self.protocol.into() }
    }
}

impl From<Protocol> for Carrier {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Udp => Self::Udp,
            Protocol::Tcp => Self::Tcp,
            Protocol::Tls => Self::Tls,
            Protocol::Dtls => Self::Dtls,
        }
    }
}

impl Transmit {
    /// From where it leaves.
    pub fn base(&self) -> Base {
        Base { address: self.source, carrier: self.protocol.into() }
    }

    /// What leaves from a socket of ours; `None` for a relay, whose packets leave from the socket that speaks to its server.
    pub(crate) fn from_base(base: Base, destination: SocketAddr, size: usize) -> Option<Self> {
        let protocol = match base.carrier {
            Carrier::Udp => Protocol::Udp,
            Carrier::Tcp => Protocol::Tcp,
            Carrier::Tls => Protocol::Tls,
            Carrier::Dtls => Protocol::Dtls,
            Carrier::Relay => return None,
        };
        Some(Self { source: base.address, destination, protocol, ecn: None, size, segment_size: None })
    }
}

/// Explicit congestion notification (RFC 3168 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ecn {
    /// ECT(0).
    Ect0,
    /// ECT(1), L4S.
    Ect1,
    /// Congestion experienced.
    Ce,
}

/// What a datagram turned out to carry, decrypted and authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// One RTP packet, its authentication tag removed.
    Rtp(Bytes),
    /// One compound RTCP packet, its index and tag removed.
    Rtcp(Bytes),
}
