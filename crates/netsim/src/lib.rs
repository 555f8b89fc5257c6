//! Peerless netsim: a network in virtual time, for tests.
//!
//! Machines are given `now`; the network says when its next datagram arrives, the test moves time there. All chance
//! comes from a seed, so that a run repeats exactly. It knows nothing of what it carries but its size.
//!
//! ```
//! use std::time::{Duration, Instant};
//! use peerless_netsim::{Link, Network};
//!
//! let now = Instant::now();
//! let mut network = Network::new(1, Link { delay: Duration::from_millis(20), ..Link::default() });
//! network.send(now, "10.0.0.1:1000".parse().unwrap(), "10.0.0.2:2000".parse().unwrap(), b"hello".to_vec());
//! let then = network.next_arrival().unwrap();
//! assert_eq!(then - now, Duration::from_millis(20));
//! let (from, to, payload) = network.receive(then).unwrap();
//! assert_eq!((from.port(), to.port(), &payload[..]), (1000, 2000, &b"hello"[..]));
//! ```

mod carrier;
mod chance;
pub mod seeds;
mod loss;
mod link;
mod nat;
mod firewall;
mod topology;
mod stream;
mod network;

pub use carrier::Carrier;
pub use firewall::{Datagrams, Firewall, Streams};
pub use link::Link;
pub use loss::Loss;
pub use nat::{Behaviour, Filtering, Mapping, Nat, Ports};
pub use network::{Arrival, Counts, Network};
