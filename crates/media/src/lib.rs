//! Peerless media: pictures and sounds to frames. (The way back, decoders, is still to come.)
//!
//! Sources make pictures and sounds, encoders turn them into frames, and a [`pump`] runs both on a thread of its own
//! and writes the frames to a [`LocalTrack`](peerless::LocalTrack), so that encoding never delays the network.
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `vp8` | yes | VP8 as a stream of key frames (libwebp, bundled) |
//! | `h264` | yes | H.264 constrained baseline (OpenH264, bundled) |
//! | `opus` | yes | Opus, in Rust |
//! | `libvpx` | no | VP8 by the system's libvpx: a fraction of the bits; taken instead of `vp8` |
//!
//! G.711, G.722, L16, the test pattern and the sounds are always there.

pub mod picture;
pub mod sound;
pub mod codec;
pub mod source;
mod signal;
pub mod pump;
pub mod play;
pub mod file;
