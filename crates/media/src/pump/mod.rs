//! Runs a source and its encoder on a thread of its own and writes the frames to a track.
//!
//! A pump follows what the connection wants: it rests while nothing was negotiated, makes the encoder that was, another
//! one when that changes, and keeps to the bitrate and the key frame wishes. It ends with its track or its handle.

mod schedule;
mod stats;
mod link;
mod scale;
mod layer;
mod video;
mod audio;
mod handle;

pub use handle::Pump;
pub use stats::PumpStats;
