//! Handles by which the caller names the parts of a peer.

/// A transceiver: one media section, one sender, one receiver (webrtc-pc §5.4). Never used again within a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransceiverId(pub u32);

/// A data channel (webrtc-pc §6.2), whether or not it has a stream yet. Never used again within a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(pub u32);

/// A DTLS transport with its ICE transport (webrtc-pc §5.5, §5.6), over which one or more media sections go. Never used
/// again within a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransportId(pub u32);
