//! Receiving: from packets to frames (RFC 3550 §6.4, RFC 4585, RFC 4588).

mod loss;
mod nack;
mod arrival;
mod clock;
mod jitter;
mod keyframe;
mod stream;
mod receiver;

pub use arrival::Arrivals;
pub use receiver::{Arrived, GiveUp, Receiver, Refused};
pub use stream::ASSUMED_RTT;
