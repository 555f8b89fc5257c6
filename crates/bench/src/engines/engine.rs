//! What a bench asks of an SCTP engine: one end of an association, in memory, in virtual time.

use std::time::Instant;

use bytes::Bytes;

/// The size of SCTP packets that all use where nothing larger is looked for: what Google's engine takes.
pub const PACKET: usize = 1191;

/// One end.
pub trait Engine {
    /// Opens the association from this end.
    fn connect(&mut self, now: Instant);
    /// Takes a packet.
    fn handle_packet(&mut self, now: Instant, packet: Bytes);
    /// Lets due timers run out.
    fn handle_timeout(&mut self, now: Instant);
    /// When the next timer is due.
    fn poll_timeout(&mut self) -> Option<Instant>;
    /// The next packet to send.
    fn poll_packet(&mut self, now: Instant) -> Option<Bytes>;
    /// Sends a message on the one stream, reliable and in order; `false` while there is no room for it.
    fn send(&mut self, now: Instant, message: &Bytes) -> bool;
    /// Reads the next message into contiguous bytes, and gives its length.
    fn receive(&mut self, now: Instant) -> Option<usize>;
}

/// How an engine shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// How many bytes may wait to be sent and acknowledged, and how many to be read.
    pub buffer: usize,
    /// The largest SCTP packet that may be looked for, by those that look for any.
    pub largest: usize,
}

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Ours.
    Peerless,
    /// sctp-proto, of str0m.
    SctpProto,
    /// rtc-sctp, of webrtc-rs.
    RtcSctp,
    /// dcsctp, of Google.
    Dcsctp,
    /// quinn-proto: QUIC.
    Quinn,
}

impl Kind {
    /// Those of SCTP, ours first.
    pub const SCTP: [Self; 4] = [Self::Peerless, Self::SctpProto, Self::RtcSctp, Self::Dcsctp];
    /// All of them, ours first.
    pub const ALL: [Self; 5] = [Self::Peerless, Self::SctpProto, Self::RtcSctp, Self::Dcsctp, Self::Quinn];

    /// The name of its crate.
    pub fn name(self) -> &'static str {
        match self {
            Self::Peerless => "peerless",
            Self::SctpProto => "sctp-proto",
            Self::RtcSctp => "rtc-sctp",
            Self::Dcsctp => "dcsctp",
            Self::Quinn => "quinn-proto",
        }
    }
}
