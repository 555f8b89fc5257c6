//! Many connections over one port, on the loopback interface, with real sockets.

mod stage;

mod addresses;
mod floods;
mod many;
mod refusing;
mod routing;
mod streams;
