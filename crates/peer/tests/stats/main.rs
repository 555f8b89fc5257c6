//! getStats (webrtc-pc §8, webrtc-stats): the dictionaries beside the IDL, and what a report of a live connection holds.

mod idl;
mod names;
#[path = "../scene/mod.rs"]
mod scene;
mod check;
mod live;
