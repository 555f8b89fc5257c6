//! Where pictures and sounds come from: the test pattern, and sounds of our own making.

pub mod traits;
pub mod blank;
pub mod font;
mod ring;
pub mod pattern;
pub mod random;
pub mod tone;
pub mod noise;
pub mod synth;
pub mod score;
pub mod music;
pub mod sounds;
