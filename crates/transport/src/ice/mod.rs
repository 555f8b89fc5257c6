//! The ICE agent (RFC 8445) with trickle (RFC 8838) and consent freshness (RFC 7675), sans-IO.

mod config;
mod candidate;
mod event;
mod agent;

pub use agent::Agent;
pub use candidate::CandidateError;
pub use config::{Config, Credentials};
pub use event::Event;
