//! The echo: an offer is posted, and whatever comes over the connection goes back: media frame by frame, without being
//! decoded, and messages on the channel that brought them.

pub mod counters;
pub mod media;
pub mod channel;
pub mod client;
pub mod serve;
