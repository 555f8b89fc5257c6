//! Receiving: from packets to frames (RFC 3550 §6.4, RFC 4585, RFC 4588).

mod loss;
mod nack;
mod arrival;
mod clock;
mod flow;
mod delay;
mod playout;
mod jitter;
mod keyframe;
mod tones;
mod sources;
mod stream;
mod receiver;
mod sync;

pub use arrival::Arrivals;
pub use playout::Bounds;
pub use receiver::{Arrived, Patience, Receiver, Refused};
pub use stream::ASSUMED_RTT;
pub use sync::LipSync;
