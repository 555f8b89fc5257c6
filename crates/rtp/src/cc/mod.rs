//! What keeps sending within what the path carries: the pacer, and the account of transport-wide feedback
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01). The estimate of the bandwidth itself will stand here too.

mod share;
mod pacer;
mod feedback;

pub use feedback::SentPackets;
pub use pacer::{Pacer, pacing_rate};
pub use share::{Want, split};
