//! How much of a request or a response is read.

/// The largest body, in bytes: far above any real description.
pub const BODY_LIMIT: usize = 256 << 10;
