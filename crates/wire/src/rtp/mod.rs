//! RTP packets (RFC 3550 §5), their identifiers and header extensions (RFC 8285).

mod id;

pub use id::{Mid, PayloadType, Rid, Ssrc};
