//! What a browser sends us: its camera and its microphone, decoded, told about, and kept where that is wished.

pub mod meter;
pub mod reading;
pub mod recording;
pub mod stage;
pub mod client;
pub mod serve;
