//! Whole connections over the loopback interface, with real sockets.

mod stage;

mod channels;
mod connecting;
mod gathering;
mod options;
mod refusing;
