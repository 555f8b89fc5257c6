//! Fingerprints of certificates, by which SDP vouches for DTLS (RFC 8122 §5).

use std::fmt;
use std::str::FromStr;

use crate::crypto::provider;

/// The hashes a fingerprint may use: no weaker one is taken (RFC 8122 §5). In order of strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HashAlgorithm {
    /// SHA-256, 32 bytes: the one we send.
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
    /// SHA-512, 64 bytes.
    Sha512,
}

/// The hash of a certificate's DER form.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    hash: HashAlgorithm,
    digest: Vec<u8>,
}

/// Why a text is no fingerprint we take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    /// The hash is none of sha-256, sha-384 and sha-512. Ignore the line: another may follow.
    #[error("hash function {0:?} is unknown or too weak")]
    UnknownHash(String),
    /// The digest is not made of pairs of hexadecimal digits with colons between.
    #[error("the digest is not colon-separated hexadecimal")]
    Malformed,
    /// The digest is too short or too long for its hash.
    #[error("a {hash} digest has {expected} bytes, not {found}")]
    WrongLength {
        /// The hash named.
        hash: HashAlgorithm,
        /// How many bytes it gives.
        expected: usize,
        /// How many there were.
        found: usize,
    },
}

impl HashAlgorithm {
    /// The name in SDP, in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    /// How many bytes a digest has.
    pub fn digest_length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => provider::sha256(bytes),
            Self::Sha384 => provider::sha384(bytes),
            Self::Sha512 => provider::sha512(bytes),
        }
    }
}

impl Fingerprint {
    /// A fingerprint received as bytes. Errs where their number does not fit the hash.
    pub fn new(hash: HashAlgorithm, digest: Vec<u8>) -> Result<Self, FingerprintError> {
        let (expected, found) = (hash.digest_length(), digest.len());
        if found != expected {
            return Err(FingerprintError::WrongLength { hash, expected, found });
        }
        Ok(Self { hash, digest })
    }

    /// The fingerprint of the certificate whose DER form is `der`.
    pub fn of(hash: HashAlgorithm, der: &[u8]) -> Self {
        Self { hash, digest: hash.digest(der) }
    }

    /// Which hash it uses.
    pub fn hash(&self) -> HashAlgorithm {
        self.hash
    }

    /// The hash's bytes.
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }
}

/// Whether the certificate `der` is one that `fingerprints` vouch for: among those with the strongest hash present,
/// one must be its own (RFC 8122 §5).
pub fn is_vouched(fingerprints: &[Fingerprint], der: &[u8]) -> bool {
    let Some(hash) = fingerprints.iter().map(Fingerprint::hash).max() else { return false };
    let actual = Fingerprint::of(hash, der);
    fingerprints.contains(&actual)
}

impl FromStr for HashAlgorithm {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        [Self::Sha256, Self::Sha384, Self::Sha512]
            .into_iter()
            .find(|hash| text.eq_ignore_ascii_case(hash.as_str()))
            .ok_or_else(|| FingerprintError::UnknownHash(text.chars().take(32).collect()))
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Reads the value of an `a=fingerprint` line: the hash, a space, the digest.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let (hash, digits) = text.trim().split_once(' ').ok_or(FingerprintError::Malformed)?;
        let hash: HashAlgorithm = hash.parse()?;
        let mut digest = Vec::with_capacity(hash.digest_length());
        for pair in digits.trim().split(':').take(hash.digest_length() + 1) {
            if pair.len() != 2 || !pair.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(FingerprintError::Malformed);
            }
            digest.push(u8::from_str_radix(pair, 16).map_err(|_| FingerprintError::Malformed)?);
        }
        Self::new(hash, digest)
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ", self.hash)?;
        for (place, byte) in self.digest.iter().enumerate() {
            write!(formatter, "{}{byte:02X}", if place == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Fingerprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_it_reads() {
        for hash in [HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512] {
            let fingerprint = Fingerprint::of(hash, b"certificate");
            assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        }
    }

    #[test]
    fn reads_hash_names_and_digits_in_any_case() {
        let fingerprint = Fingerprint::of(HashAlgorithm::Sha256, b"certificate");
        let text = fingerprint.to_string().to_lowercase().replace("sha", "SHA");
        assert_eq!(text.parse(), Ok(fingerprint));
    }

    #[test]
    fn refuses_weak_hashes_and_wrong_lengths() {
        let weak: Result<Fingerprint, _> = "sha-1 AA:BB".parse();
        assert_eq!(weak, Err(FingerprintError::UnknownHash("sha-1".into())));
        let short: Result<Fingerprint, _> = "sha-256 AA:BB".parse();
        assert!(matches!(short, Err(FingerprintError::WrongLength { expected: 32, found: 2, .. })));
        let long: Result<Fingerprint, _> = format!("sha-256 {}AA", "AA:".repeat(100_000)).parse();
        assert!(matches!(long, Err(FingerprintError::WrongLength { found: 33, .. })));
        for text in ["", "sha-256", "sha-256 +1:BB", "sha-256 A:BB", "sha-256 éé"] {
            assert_eq!(text.parse::<Fingerprint>(), Err(FingerprintError::Malformed), "{text}");
        }
    }

    #[test]
    fn judges_by_the_strongest_hash_only() {
        let right_weak = Fingerprint::of(HashAlgorithm::Sha256, b"certificate");
        let wrong_strong = Fingerprint::of(HashAlgorithm::Sha512, b"another");
        assert!(is_vouched(std::slice::from_ref(&right_weak), b"certificate"));
        assert!(!is_vouched(&[right_weak, wrong_strong.clone()], b"certificate"));
        let right_strong = Fingerprint::of(HashAlgorithm::Sha512, b"certificate");
        assert!(is_vouched(&[wrong_strong, right_strong], b"certificate"));
        assert!(!is_vouched(&[], b"certificate"));
    }
}
