//! The ICE agent (RFC 8445) with trickle (RFC 8838) and consent freshness (RFC 7675), sans-IO.

mod config;
mod event;
mod candidate;
mod consent;
pub mod stats;
mod pair;
mod checklist;
mod role;
mod transaction;
mod message;
mod request;
mod early;
mod kept;
mod next;
mod nomination;
mod gather;
mod connectivity;
mod restart;
mod agent;
mod snapshot;

pub use agent::Agent;
pub use candidate::CandidateError;
pub use config::{Config, Credentials};
pub use event::{CandidateFailure, Event};
