//! Handles by which the caller names the parts of a peer.

/// A transceiver: one media section, one sender, one receiver (webrtc-pc §5.4). Never used again within a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransceiverId(pub u32);
