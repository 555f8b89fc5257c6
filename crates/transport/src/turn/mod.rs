//! The TURN client (RFC 8656): addresses that servers lend, and what goes by way of them, sans-IO.
//!
//! `Relays` has a `Client` for each server and base; each holds one allocation, with
//! an address of either family where the server gives both. Nothing changes by an answer that is not authentic.

pub mod server;
pub(crate) mod timing;
mod credential;
pub(crate) mod message;
mod permission;
mod channel;
mod way;
pub(crate) mod client;
pub(crate) mod relays;

pub use server::{Alternate, TurnServer};
