//! Peerless signalling: how two sides hand each other their descriptions and candidates.
//!
//! WebRTC leaves this to the application. Here is one way that browsers' pages speak with a few lines of script, in the
//! shape that `JSON.stringify` gives: see `message` for the words, `websocket` for both ends of the wire, and `http` for the
//! shortest way: one request, one response. What is said when is either of two: an `exchange` has one side that offers
//! and one that answers, as a page and a server do; a `negotiator` is the W3C's perfect negotiation, where both sides
//! add, change and remove what they like at any time. A channel of your own needs only the trait in `channel`.

pub mod message;
pub mod channel;
pub mod step;
pub mod exchange;
pub mod negotiation;
pub mod negotiator;
pub mod websocket;
pub mod http;

pub use channel::Channel;
pub use exchange::{Exchange, Role};
pub use message::{Form, Message};
pub use negotiation::{Negotiation, Politeness};
pub use negotiator::Negotiator;
pub use step::{Ended, Rejection, Step};
