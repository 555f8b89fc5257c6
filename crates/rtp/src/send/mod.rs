//! Sending: from frames to packets (RFC 3550 §5, §6.4.1), what waits for the pacer, and what is kept to be sent
//! again (RFC 4585 §6.2.1, RFC 4588). Tones in place of sound (RFC 4733).

mod record;
mod queue;
mod history;
mod keyframe;
mod rate;
mod allowance;
mod limit;
mod counts;
mod tones;
mod sender;

pub use sender::{Numbers, Sender, Stamp};
#[cfg(test)]
pub use tones::{Clocks, Tones};
