//! Whole connections over the loopback interface, with real sockets.

mod stage;

mod connecting;
mod gathering;
mod options;
mod refusing;
