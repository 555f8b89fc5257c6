//! What moves datagrams and time: one task per connection, over the system's UDP sockets, streams of TCP and TLS, and
//! associations of DTLS.

pub(crate) mod alarm;
mod privacy;
pub(crate) mod interfaces;
pub(crate) mod watch;
pub(crate) mod sockets;
mod icmp;
pub(crate) mod witness;
mod framing;
mod tls;
mod dtls;
pub(crate) mod stream;
pub(crate) mod streams;
mod mdns;
pub(crate) mod showing;
pub(crate) mod resolve;
pub(crate) mod turn;
mod run;

pub(crate) use run::{Plan, spawn};
pub(crate) use sockets::MAX_SEGMENTS;
