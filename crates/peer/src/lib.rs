//! Peerless peer: the W3C RTCPeerConnection as a machine without sockets or clocks.
//!
//! A `Peer` takes datagrams, descriptions, candidates and frames with the time at which they came, and gives
//! datagrams, events and frames back. `jsep` beside it is pure: descriptions are computed from a view of the peer.

pub mod id;
pub mod state;
pub mod error;
pub mod description;
pub mod channel;
pub mod event;
pub mod config;
pub mod parameters;
pub mod jsep;
pub mod capabilities;
mod encodings;
pub mod transceiver;
mod setup;
mod dtmf;
mod connectivity;
pub mod media;
pub mod data;
mod negotiation;
mod link;
mod links;
pub mod figures;
mod engine;
mod receiving;
mod telling;
mod enact;
pub mod report;
pub mod peer;
mod tracks;
mod telephone;
mod sources;
mod sending;
pub mod configuration;
mod descriptions;
mod messaging;
mod reporting;
mod streams;
mod sharing;
pub mod transports;

pub use peer::Peer;
