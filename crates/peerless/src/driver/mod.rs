//! What moves datagrams and time: one task per connection, over the system's UDP sockets.

mod interfaces;
mod watch;
mod sockets;
mod mdns;
mod resolve;
mod turn;
mod run;

pub(crate) use run::{Plan, spawn};
pub(crate) use sockets::MAX_SEGMENTS;
