//! DTLS 1.2 and 1.3 (RFC 6347, RFC 9147) with SRTP keying (RFC 5764), over the sans-IO crate dimpl.

pub mod version;
pub mod failure;
mod record;
// Seen for its fuzz target.
#[doc(hidden)]
pub mod chain;
mod keying;
pub mod endpoint;

pub use endpoint::Endpoint;
pub use failure::Failure;
pub use keying::Keys;
pub use version::{CipherSuite, Role, Version, Versions};
