//! Peerless native: pictures to coded bytes by libraries written in C, and datagrams to the system, behind safe doors.
//!
//! The one crate of the house where `unsafe` is allowed. It holds nothing but thin wrappers: rate control, key frame
//! wishes and RTP's rules are the business of `peerless-media`, which is the only one to use the codecs.
//!
//! | feature | library | gives |
//! |---|---|---|
//! | `webp` (default) | libwebp, bundled | VP8 key frames (RFC 6386) |
//! | `h264` (default) | OpenH264, bundled | bitrate changes while the encoder runs |
//! | `libvpx` | the system's libvpx, 1.3 to 1.13 | VP8 and VP9 at constant bitrate in real time |
//! | | Linux | many datagrams in one system call, for `peerless` |

#[cfg(target_os = "linux")]
pub mod datagrams;
pub mod planes;
#[cfg(feature = "webp")]
pub mod webp;
#[cfg(feature = "h264")]
pub mod h264;
#[cfg(feature = "libvpx")]
pub mod vpx;
