//! SCTP engines behind one trait, and QUIC's for comparison.

pub mod engine;
pub mod ours;
pub mod sctp_proto;
pub mod rtc_sctp;
pub mod dcsctp;
pub mod quinn;
pub mod any;

pub use any::pair;
pub use engine::{Engine, Kind, PACKET, Setting};
