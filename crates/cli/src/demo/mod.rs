//! The demo: a page, signalling beside it, and for each client a connection with a picture and a sound of its own.

pub mod status;
pub mod client;
pub mod serve;
