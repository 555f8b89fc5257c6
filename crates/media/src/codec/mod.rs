//! Encoders: pictures and sounds to the payload of RTP frames.
//!
//! Which one is told by negotiation; [`any`] picks it. Decoders come with the receiving side.

pub mod traits;
#[cfg(feature = "vp8")]
pub mod vp8;
#[cfg(feature = "libvpx")]
pub mod vpx;
#[cfg(feature = "h264")]
pub mod level;
#[cfg(feature = "h264")]
pub mod h264;
#[cfg(feature = "opus")]
pub mod opus;
pub mod g711;
pub mod g722;
pub mod l16;
pub mod any;
