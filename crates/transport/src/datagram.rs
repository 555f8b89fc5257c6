//! What goes in and out of a transport: datagrams with their addresses.

use std::net::SocketAddr;

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
    /// TCP with RFC 4571 framing.
    Tcp,
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
