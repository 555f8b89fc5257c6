//! One RTP session, all streams of one BUNDLE group (RFC 3550, RFC 8108, RFC 9143 §9): what holds the senders and
//! receivers together.

mod event;
mod state;
mod control;
mod incoming;
mod outgoing;
mod machine;

pub use event::{Event, PacketKind, SendError};
pub use machine::Session;
