//! How close pictures and sounds came back, and what breaks them.
#![allow(dead_code, unused_imports, reason = "each test uses its own part")]

mod picture;
mod sound;
mod chance;

pub use chance::Chance;
pub use picture::{FPS, assert_bars, moment, psnr};
pub use sound::{channel, sine};
