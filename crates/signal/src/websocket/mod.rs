//! Signalling over WebSocket (RFC 6455), one JSON message per text frame, no sub-protocol.
//!
//! - `server`: a route for axum. The server offers when a client comes; with `?role=offer` in the address the client
//!   offers. When the socket closes the connection is closed, and the other way round.
//! - `client`: the other end, for peers that are no browsers.

pub mod server;
pub mod client;

pub use client::{ClientSocket, ConnectError, connect};
pub use server::{RoleQuery, ServerSocket, accept, route};
