//! The TURN client's behaviour (RFC 8656): transports and a scripted server on a simulated network, in virtual time.

mod server;
mod world;
mod allocating;
mod refusing;
mod carrying;
mod lasting;
mod streaming;
