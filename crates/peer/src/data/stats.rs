//! What data channels count (RTCDataChannelStats, RTCSctpTransportStats and RTCPeerConnectionStats of webrtc-stats).

use std::time::Duration;

use crate::id::ChannelId;
use crate::state::{DataChannelState, SctpState};

/// All data channels at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct DataStats {
    /// Channels that have opened since the beginning (`dataChannelsOpened`).
    pub opened: u64,
    /// Channels among them that have closed since (`dataChannelsClosed`).
    pub closed: u64,
    /// One for each channel that is not closed and read to its end, in the order of their making.
    pub channels: Vec<ChannelStats>,
    /// The association that carries them, once it is negotiated.
    pub association: Option<AssociationStats>,
}

/// One channel. The counters only grow.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelStats {
    /// Which channel.
    pub id: ChannelId,
    /// Its name.
    pub label: String,
    /// Its subprotocol.
    pub protocol: String,
    /// Its stream (`dataChannelIdentifier`).
    pub stream: Option<u16>,
    /// Where it stands.
    pub state: DataChannelState,
    /// What it carried.
    pub counts: Counts,
}

/// What a channel carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Messages given to it.
    pub messages_sent: u64,
    /// Their payload, bytes.
    pub bytes_sent: u64,
    /// Messages that arrived whole.
    pub messages_received: u64,
    /// Their payload, bytes.
    pub bytes_received: u64,
}

/// The association.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AssociationStats {
    /// Where it stands.
    pub state: SctpState,
    /// The smoothed round-trip time, once measured (`smoothedRoundTripTime`).
    pub round_trip_time: Option<Duration>,
    /// Bytes that may be on their way (`congestionWindow`).
    pub congestion_window: usize,
    /// Bytes that the remote has room for (`receiverWindow`).
    pub receiver_window: usize,
    /// The size of its packets, bytes (`mtu`).
    pub packet_size: usize,
    /// Bytes sent and neither acknowledged nor taken for lost.
    pub bytes_in_flight: usize,
    /// Packets sent.
    pub packets_sent: u64,
    /// Packets received.
    pub packets_received: u64,
    /// Chunks sent again.
    pub retransmissions: u64,
    /// Messages given up as their channels allow.
    pub messages_abandoned: u64,
}
