//! Certificates, fingerprints and the one seam to the cryptographic provider.

pub mod mac;
mod certificate;

pub use certificate::Certificate;
