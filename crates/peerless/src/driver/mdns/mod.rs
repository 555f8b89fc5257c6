//! Multicast DNS (RFC 6762), as far as candidates need it: `query` asks for the addresses of others' names, `responder`
//! answers for ours.

mod message;
mod sockets;
mod query;
mod responder;

pub(crate) use query::resolve;
pub(crate) use responder::{Published, publish};
