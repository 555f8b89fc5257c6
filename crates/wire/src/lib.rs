//! Peerless wire: bytes to values and back.
//!
//! Every parser here is total: any bytes give a value or an error, never a panic, and what was parsed can be
//! written again. There is no clock, no chance, no logging and no cryptography in this crate.

pub mod cursor;
pub mod demux;
pub mod stun;
pub mod rtp;
pub mod rtcp;
pub mod sctp;
pub mod dcep;
pub mod sdp;
