//! Data channels' transport (RFC 8261): SCTP (RFC 9260) with partial reliability (RFC 3758), stream reset (RFC 6525),
//! interleaving (RFC 8260), zero checksum (RFC 9653) and path MTU discovery (RFC 8899), sans-IO.

mod config;
mod message;
mod event;
mod index;
mod rx;
mod reset;
mod tx;
mod acks;
mod heartbeat;
mod discovery;
mod agreed;
mod cookie;
mod inbox;
mod streams;
mod endpoint;
mod handshake;
mod teardown;
mod resetting;
mod incoming;
mod outgoing;
mod timeouts;
mod association;

pub use association::Association;
pub use config::{BASE_PACKET_SIZE, Config, Controller, MAX_PACKET_SIZE, Timers};
pub use event::{Closed, Event, State, Stats};
pub use message::{Message, Reliability, SendError, SendOptions};
