//! What goes (RFC 9260 §6, §7): messages → fragments → packets, again where they were lost (RFC 8985), given up where
//! that was asked for (RFC 3758), as fast as the path carries them (RFC 9438, RFC 9406).

pub mod counters;
pub mod rto;
pub mod path;
pub mod window;
pub mod newreno;
pub mod hystart;
pub mod cubic;
pub mod pacer;
pub mod scheduler;
pub mod fragment;
pub mod queue;
pub mod rack;
pub mod outstanding;
pub mod forward;
pub mod sender;
mod packing;
