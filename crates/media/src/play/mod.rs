//! Takes the frames of a track, decodes them on a thread of its own and hands out pictures and sounds.
//!
//! A play makes the decoder for what comes, another one when that changes, asks for a key frame where the decoder lacks
//! one, and conceals what is lost. Frames come at their time from the track's jitter buffer, so what is decoded is there
//! to be shown and heard at once. It ends with its track or its handle.

mod meter;
mod rate;
mod stats;
mod outlet;
mod link;
mod video;
mod audio;
mod handle;

pub use handle::{AudioPlay, PlayError, VideoPlay};
pub use meter::Level;
pub use outlet::{DecodedPicture, DecodedSound, Origin, Pictures, Sounds};
pub use stats::{AudioPlayStats, VideoPlayStats};
