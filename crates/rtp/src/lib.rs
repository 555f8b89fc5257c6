//! Peerless rtp: packets to frames and back, sans-IO.
//!
//! One session per BUNDLE group: it sends frames as packets, answers NACKs, writes and reads reports, and gathers
//! arriving packets into frames. It knows no addresses and no keys.

#[cfg(test)]
mod moment;

pub mod codec;
pub mod tone;
pub mod source;
pub mod frame;
pub mod payload;
pub mod ntp;
pub mod config;
pub mod stats;
mod route;
mod report;
mod cc;
mod send;
mod recv;
pub mod session;
