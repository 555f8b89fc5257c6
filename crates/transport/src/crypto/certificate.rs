//! The certificate by which a peer proves who it is (RFC 8827 §5.5).

/// A self-signed certificate with its private key.
#[derive(Debug)]
pub struct Certificate {}
