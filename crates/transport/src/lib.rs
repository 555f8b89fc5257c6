//! Peerless transport: datagrams to plain packets and back, sans-IO.
//!
//! One [`Transport`](transport::Transport) per BUNDLE group joins ICE, DTLS, SRTP and SCTP. Time is handed in with every
//! call, chance once as a seed; nothing here opens a socket or asks a clock.

pub mod datagram;
pub mod state;
pub mod crypto;
mod transaction;
pub mod envelope;
pub mod turn;
pub mod ice;
pub mod srtp;
pub mod dtls;
pub mod sctp;
pub mod config;
pub mod stats;
pub mod event;
mod tunnel;
pub mod transport;
