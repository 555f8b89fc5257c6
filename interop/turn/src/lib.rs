//! A TURN server that is not ours (turn-server-proto) at work in a simulated network, so that transports of ours can be
//! tested with it in virtual time.

mod relay;

pub use relay::{Relay, Sent};
