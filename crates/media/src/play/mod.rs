//! Takes the frames of a track, decodes them on a thread of its own and hands out pictures and sounds.
//!
//! A play makes the decoder for what comes, another one when that changes, asks for a key frame where the decoder lacks
//! one, and conceals what is lost. Frames come at their time from the track's jitter buffer, so what is decoded is there
//! to be shown and heard at once. It ends with its track or its handle.
//!
//! ```no_run
//! use peerless::{Event, MediaKind, PeerConnection};
//! use peerless_media::play::VideoPlay;
//!
//! # async fn example(connection: PeerConnection) -> Result<(), Box<dyn std::error::Error>> {
//! let mut events = connection.events();
//! while let Some(event) = events.next().await {
//!     let Event::Track(track) = event else { continue };
//!     if track.kind() == MediaKind::Video {
//!         let play = VideoPlay::new(track)?;
//!         let mut newest = play.pictures(1);
//!         while let Some(shown) = newest.next().await {
//!             println!("{}x{}, {:.0} fps", shown.picture.width(), shown.picture.height(), play.stats().frames_per_second);
//!         }
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Sound keeps the rate of its codec: there is no resampler here, as nothing in the house needs one.

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
