//! The ICE agent (RFC 8445) with trickle (RFC 8838), consent freshness (RFC 7675) and TCP (RFC 6544), sans-IO.

mod config;
mod event;
mod tcp;
mod candidate;
mod consent;
pub mod stats;
mod pair;
mod checklist;
mod role;
mod message;
mod request;
mod early;
mod kept;
mod next;
mod nomination;
mod standby;
mod gather;
mod hope;
mod shown;
mod connectivity;
mod room;
mod keeping;
mod lite;
mod restart;
mod agent;
mod sending;
mod relaying;
mod streams;
mod obstacle;
mod showing;
mod snapshot;

pub use agent::Agent;
pub use candidate::CandidateError;
pub use config::{Config, Credentials};
pub use event::{CandidateFailure, Event};
pub use shown::Shown;
