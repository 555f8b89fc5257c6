//! Peerless signalling: how two sides hand each other their descriptions and candidates.
//!
//! WebRTC leaves this to the application. Here is one way that browsers' pages speak with a few lines of script, in the
//! shape that `JSON.stringify` gives: see `message` for the words, `websocket` for both ends of the wire, `exchange` for
//! what is said when, and `http` for the shortest way: one request, one response. A channel of your own needs only the
//! trait in `channel`.

pub mod message;
pub mod channel;
pub mod exchange;
pub mod websocket;
pub mod http;

pub use channel::Channel;
pub use exchange::{Ended, Exchange, Rejection, Role, Step};
pub use message::Message;
