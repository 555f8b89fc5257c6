//! The identifiers by which RTP packets find their stream: SSRC and payload type (RFC 3550 §5.1), MID
//! (RFC 9143 §16) and RID (RFC 8851 §4).

use std::fmt;
use std::sync::Arc;

/// A synchronisation source: one stream of packets with one sequence number space (RFC 3550 §3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ssrc(pub u32);

/// What a packet's payload is, as negotiated: 0 to 127 (RFC 3550 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PayloadType(u8);

/// The name of a media section, carried in packets so that they find it (RFC 9143 §15). Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mid(Arc<str>);

/// The name of one encoding of a source, a stream of a simulcast (RFC 8851 §4). Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rid(Arc<str>);

impl PayloadType {
    /// `None` where `value` does not fit 7 bits.
    pub fn new(value: u8) -> Option<Self> {
        (value < 128).then_some(Self(value))
    }

    /// The low 7 bits of `byte`: how it stands in a packet, beside the marker.
    pub fn from_low_bits(byte: u8) -> Self {
        Self(byte & 0x7f)
    }

    /// The number on the wire.
    pub fn value(self) -> u8 {
        self.0
    }
}

impl Mid {
    /// The MID spelled `text`.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text as it stands in SDP and in packets.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Rid {
    /// The RID spelled `text`.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text as it stands in SDP and in packets.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Ssrc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Debug for Ssrc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Ssrc({:#010x})", self.0)
    }
}

impl fmt::Display for PayloadType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Display for Mid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Mid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Mid({})", self.0)
    }
}

impl fmt::Display for Rid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Rid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Rid({})", self.0)
    }
}
