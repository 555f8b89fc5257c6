//! Whole connections over the loopback interface, with real sockets.

mod stage;
/// The example, run as it is.
#[allow(dead_code, reason = "its main is for the command line")]
#[path = "../../examples/send_file.rs"]
mod send_file;

mod channels;
mod connecting;
mod chain;
mod gathering;
mod options;
mod refusing;
mod objects;
mod renegotiation;
mod tcp;
mod tracks;
mod transports;
