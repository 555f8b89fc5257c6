//! Certificates (RFC 8827 §6.5), fingerprints (RFC 8122 §5) and the one seam to the cryptographic library.

pub(crate) mod provider;
pub mod mac;
pub mod long_term;
mod der;
pub mod fingerprint;
pub mod certificate;

pub use certificate::{Certificate, CertificateError, LIFETIME, LONGEST_LIFETIME};
pub use fingerprint::{Fingerprint, FingerprintError, HashAlgorithm};
