//! Data channels at work (webrtc-pc §6): channels over the streams of an association (RFC 8831), made known to the
//! remote by DCEP (RFC 8832).

mod payload;
mod ids;
pub mod stats;
mod channel;
mod channels;
mod opening;
mod ending;

pub(crate) use channels::Channels;
