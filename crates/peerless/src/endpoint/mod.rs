//! Many connections over one port.
//!
//! A `worker` is a task that has one socket on each local address and all connections that live with it: it receives for
//! all, gives each what is its own, turns those that have something to do (`driver/turn`), and sends for all from one
//! buffer, as much as the system takes in one call (`outlet`). The deadlines of all are in one ordered set, with one timer. Whoever wakes a connection (a call of its user, a
//! reader) rings the bell of its `member`, which puts it on the list of the worker it lives with.
//!
//! `routes` says whose a datagram is. A STUN request names the connection by the local half of its USERNAME (RFC 8445
//! §7.2.2), for which the fragments of an endpoint's connections are longer than usual; the answer to a check of ours bears
//! a transaction that was noted when the check left (RFC 8489 §6.3.1); all else belongs to the connection that has had an
//! authenticated STUN message from there. Only the connection itself can tell that, so a path is entered after the
//! connection took the datagram. What fits none is counted and dropped: nothing is kept of it, and no connection is woken.
//!
//! A stream is accepted by the `door`, which waits until its first datagram is a STUN request that names a connection, and
//! gives it to that. From then on the connection has it as one that has sockets of its own would (`driver/streams`): it is
//! polled when the connection has its turn, and rings the connection's bell.
//!
//! An endpoint on all of the machine's addresses has a `lookout`, which binds those that come and lets go of those that are
//! gone (`holding`), and tells the workers and the door of it.
//!
//! With several workers each has sockets of its own on the same addresses (SO_REUSEPORT), and the kernel spreads the
//! remotes over them by their addresses. A connection moves to the worker to which its authenticated checks come; what
//! comes to another is passed on.

mod config;
mod certificates;
mod path;
mod change;
mod member;
mod routes;
mod stats;
mod deadlines;
mod holding;
mod group;
mod door;
mod bind;
mod lookout;
mod streaming;
mod outlet;
mod worker;
mod handle;

pub use config::EndpointConfig;
pub use handle::Endpoint;
pub use stats::EndpointStats;
