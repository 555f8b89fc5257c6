//! Peerless media: pictures and sounds to frames, and back.
//!
//! Sources make pictures and sounds, encoders turn them into frames, and a [`pump`] runs both on a thread of its own
//! and writes the frames to a [`LocalTrack`](peerless::LocalTrack), so that encoding never delays the network. The other
//! way, a [`play`] takes the frames of a [`RemoteTrack`](peerless::RemoteTrack), decodes them on a thread of its own and
//! hands out pictures and sounds, with what was lost concealed. Frames are kept in
//! [files](mod@file) and sent again as they are.
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `vp8` | yes | VP8, sent as a stream of key frames (libwebp, bundled), received in full (in Rust) |
//! | `h264` | yes | H.264, sent and received as constrained baseline (OpenH264, bundled) |
//! | `opus` | yes | Opus, in Rust |
//! | `png` | yes | pictures as PNG files, in Rust |
//! | `libvpx` | no | VP8 sent by the system's libvpx: a fraction of the bits; taken instead of `vp8`. Received as there |
//!
//! G.711, G.722, L16, the test pattern, the sounds and all kinds of files are always there.

pub mod picture;
mod rgb;
pub mod sound;
mod telling;
pub mod codec;
pub mod source;
mod signal;
pub mod pump;
pub mod play;
pub mod file;
