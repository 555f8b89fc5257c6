//! What moves datagrams and time: one task per connection, over the system's UDP sockets and streams of TCP and TLS.

mod interfaces;
mod watch;
mod sockets;
mod framing;
mod tls;
mod stream;
mod streams;
mod mdns;
mod resolve;
mod turn;
mod run;

pub(crate) use run::{Plan, spawn};
pub(crate) use sockets::MAX_SEGMENTS;
