//! Encoders and decoders: pictures and sounds to the payload of RTP frames, and back.
//!
//! Which one is told by negotiation; [`any`] picks it.

pub mod traits;
mod conceal;
pub(crate) mod quantizer;
#[cfg(any(feature = "vp8", feature = "libvpx"))]
pub mod vp8_decoder;
#[cfg(feature = "vp8")]
pub mod vp8;
#[cfg(feature = "libvpx")]
pub mod vpx;
#[cfg(feature = "h264")]
pub mod level;
#[cfg(feature = "h264")]
pub mod h264;
#[cfg(feature = "h264")]
pub mod h264_decoder;
#[cfg(feature = "opus")]
pub mod opus;
#[cfg(feature = "opus")]
pub mod opus_decoder;
pub mod g711;
pub mod g722;
pub mod l16;
pub mod any;
