//! Foreign SCTP engines and ours behind one face, so that any two of them can be put on a simulated network.
//!
//! All is in one process and in virtual time. The engines are only counterparts in tests: nothing of them is used by
//! Peerless itself.

mod engine;
mod ours;
mod google;
mod proto;
mod wire;

pub use engine::{Delivery, Engine, Received};
pub use google::Google;
pub use ours::Ours;
pub use proto::Proto;
pub use wire::Wire;
