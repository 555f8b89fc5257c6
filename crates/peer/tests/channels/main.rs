//! Data channels between two peers over a simulated network, in virtual time (webrtc-pc §6, RFC 8831, RFC 8832).

#[path = "../scene/mod.rs"]
mod scene;
mod talk;
mod messages;
mod opening;
mod ending;
mod lost;
mod limits;
