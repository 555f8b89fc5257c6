//! Certificates, fingerprints and the one seam to the cryptographic provider.

mod certificate;

pub use certificate::Certificate;
