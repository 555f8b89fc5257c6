//! What comes (RFC 9260 §6, RFC 8260 §2): numbers → what is missing; chunks → messages, which wait here to be read.
//!
//! What the conductor asks of this room, once per chunk and in this order:
//! - `tracker::Tracker`: is it new? (`is_new`, changes nothing);
//! - `reassembly::Reassembly::room`: is there room? `No`: drop it; `Never`: end the association;
//! - `Tracker::handle`, then `Reassembly::handle_data` or `handle_interleaved`, whose `Violation` says what the peer is
//!   told and whether that is the end;
//! - for FORWARD TSN: `Tracker::handle_forward`, and where it moved, `Reassembly::handle_forward`;
//! - for resets: `sctp/reset.rs` beside this folder says when to `defer` and when to `reset`.

mod violation;
mod tracker;
mod window;
mod order;
mod ordered;
mod runs;
mod partials;
mod reassembly;

pub(crate) use reassembly::{Reassembly, Room};
pub(crate) use tracker::{Arrival, Tracker};
pub(crate) use violation::Violation;
