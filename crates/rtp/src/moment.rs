//! The instant at which tests begin: only differences to it matter.

use std::time::Instant;

/// Some instant, with room before it.
#[expect(
    clippy::disallowed_methods,
    reason = "instants can only be had from the clock; tests use differences"
)]
pub fn start() -> Instant {
    Instant::now()
}
