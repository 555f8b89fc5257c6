//! The certificate by which a peer proves who it is (RFC 8827 §6.5): self-signed, ECDSA on P-256.

use std::fmt;
use std::time::{Duration, SystemTime};

use peerless_wire::cursor::Reader;

use crate::crypto::der::{
    self, BIT_STRING, INTEGER, OBJECT_IDENTIFIER, SEQUENCE, SET, UTF8_STRING, VERSION, expect, value,
};
use crate::crypto::fingerprint::{Fingerprint, HashAlgorithm};
use crate::crypto::provider::{self, EcdsaP256};

/// How long a generated certificate is valid (webrtc-pc §4.9.1 lets the implementation choose up to a year).
pub const LIFETIME: Duration = Duration::from_secs(30 * 86_400);
/// How long one may be valid: 365 days (webrtc-pc §4.9.1).
pub const LONGEST_LIFETIME: Duration = Duration::from_secs(365 * 86_400);
/// How far before its making a certificate is valid, for remotes whose clock is late.
const BACKDATED: Duration = Duration::from_secs(86_400);
/// What a generated certificate calls its subject: the same for all, so that it tells nothing (RFC 8827 §6.5).
const COMMON_NAME: &[u8] = b"WebRTC";

/// id-ecPublicKey, 1.2.840.10045.2.1
const EC_PUBLIC_KEY: [u8; 7] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// prime256v1, 1.2.840.10045.3.1.7
const PRIME256V1: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// ecdsa-with-SHA256, 1.2.840.10045.4.3.2
const ECDSA_WITH_SHA256: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
/// commonName, 2.5.4.3
const COMMON_NAME_TYPE: [u8; 3] = [0x55, 0x04, 0x03];

/// A self-signed certificate with its private key. Many peers may share one (in an `Arc`).
pub struct Certificate {
    der: Vec<u8>,
    private_key: Vec<u8>,
    expires: SystemTime,
}

/// Why there is no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The cryptographic library could not make or use a key.
    #[error("no key could be made")]
    KeyGeneration,
    /// The private key is no PKCS #8 of an ECDSA key on P-256.
    #[error("the private key is not a PKCS #8 key for ECDSA on P-256")]
    UnsupportedKey,
    /// The certificate is not X.509 in DER.
    #[error("the certificate is not X.509 in DER")]
    Malformed,
    /// The certificate is for another key.
    #[error("the certificate does not belong to the private key")]
    KeyMismatch,
}

impl Certificate {
    /// Makes a key with the operating system's generator and a certificate for it, valid for [`LIFETIME`] from `now`.
    /// Takes about 50 µs.
    pub fn generate(now: SystemTime) -> Result<Self, CertificateError> {
        Self::generate_for(now, LIFETIME)
    }

    /// The same, valid for `lifetime`, [`LONGEST_LIFETIME`] at most.
    pub fn generate_for(now: SystemTime, lifetime: Duration) -> Result<Self, CertificateError> {
        let key = EcdsaP256::generate().map_err(|_| CertificateError::KeyGeneration)?;
        let expires = now + lifetime.min(LONGEST_LIFETIME);
        let der = self_signed(&key, now - BACKDATED, expires).map_err(|_| CertificateError::KeyGeneration)?;
        let private_key = key.to_pkcs8().map_err(|_| CertificateError::KeyGeneration)?;
        Ok(Self { der, private_key, expires })
    }

    /// Takes a certificate that was made elsewhere: X.509 in DER, and its ECDSA key on P-256 as PKCS #8 in DER.
    pub fn from_der(certificate: Vec<u8>, private_key: Vec<u8>) -> Result<Self, CertificateError> {
        let key = EcdsaP256::from_pkcs8(&private_key).map_err(|_| CertificateError::UnsupportedKey)?;
        let (expires, public_key) = parse(&certificate).ok_or(CertificateError::Malformed)?;
        if public_key != key.public_key() {
            return Err(CertificateError::KeyMismatch);
        }
        Ok(Self { der: certificate, private_key, expires })
    }

    /// The certificate, X.509 in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The private key, PKCS #8 in DER. A secret: whoever has it can pose as this peer.
    pub fn private_key(&self) -> &[u8] {
        &self.private_key
    }

    /// When it ceases to be valid. A peer must not be made with an expired one (webrtc-pc §4.4.1.1).
    pub fn expires(&self) -> SystemTime {
        self.expires
    }

    /// `getFingerprints` (webrtc-pc §4.9.2): what our descriptions say of it, by SHA-256.
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        vec![self.fingerprint(HashAlgorithm::Sha256)]
    }

    /// What `a=fingerprint` says of it (RFC 8122 §5).
    pub fn fingerprint(&self, hash: HashAlgorithm) -> Fingerprint {
        Fingerprint::of(hash, &self.der)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fingerprint = self.fingerprint(HashAlgorithm::Sha256);
        formatter.debug_struct("Certificate").field("fingerprint", &fingerprint).finish_non_exhaustive()
    }
}

/// Writes and signs a certificate (RFC 5280 §4.1): version 3, no extensions.
fn self_signed(key: &EcdsaP256, from: SystemTime, until: SystemTime) -> Result<Vec<u8>, provider::Refused> {
    let identifier = |bytes: &[u8]| value(OBJECT_IDENTIFIER, &[bytes]);
    let algorithm = value(SEQUENCE, &[&identifier(&ECDSA_WITH_SHA256)]);
    let attribute = value(SEQUENCE, &[&identifier(&COMMON_NAME_TYPE), &value(UTF8_STRING, &[COMMON_NAME])]);
    let name = value(SEQUENCE, &[&value(SET, &[&attribute])]);
    let key_algorithm = value(SEQUENCE, &[&identifier(&EC_PUBLIC_KEY), &identifier(&PRIME256V1)]);
    let contents = value(
        SEQUENCE,
        &[
            &value(VERSION, &[&value(INTEGER, &[&[2]])]),
            &value(INTEGER, &[&serial_number(key.public_key())]),
            &algorithm,
            &name,
            &value(SEQUENCE, &[&der::time(from), &der::time(until)]),
            &name,
            &value(SEQUENCE, &[&key_algorithm, &value(BIT_STRING, &[&[0], key.public_key()])]),
        ],
    );
    let signature = key.sign(&contents)?;
    Ok(value(SEQUENCE, &[&contents, &algorithm, &value(BIT_STRING, &[&[0], &signature])]))
}

/// 16 bytes that no other key's certificate has (Firefox refuses a second certificate with the same issuer and
/// number), positive and without a leading zero as DER wants it.
fn serial_number(public_key: &[u8]) -> [u8; 16] {
    let mut number = [0; 16];
    number.iter_mut().zip(provider::sha256(public_key)).for_each(|(to, from)| *to = from);
    number[0] = number[0] & 0x3f | 0x40;
    number
}

/// Finds when a certificate expires and its public key, without its count of unused bits.
fn parse(certificate: &[u8]) -> Option<(SystemTime, &[u8])> {
    let mut outer = Reader::new(certificate);
    let mut whole = Reader::new(expect(&mut outer, SEQUENCE)?);
    if !outer.is_empty() {
        return None;
    }
    let mut contents = Reader::new(expect(&mut whole, SEQUENCE)?);
    let (first, _) = der::next(&mut contents)?;
    if first == VERSION {
        expect(&mut contents, INTEGER)?;
    }
    let _algorithm = expect(&mut contents, SEQUENCE)?;
    let _issuer = expect(&mut contents, SEQUENCE)?;
    let mut validity = Reader::new(expect(&mut contents, SEQUENCE)?);
    let _from = der::next(&mut validity)?;
    let (tag, until) = der::next(&mut validity)?;
    let expires = der::parse_time(tag, until)?;
    let _subject = expect(&mut contents, SEQUENCE)?;
    let mut key = Reader::new(expect(&mut contents, SEQUENCE)?);
    let _key_algorithm = expect(&mut key, SEQUENCE)?;
    let public_key = expect(&mut key, BIT_STRING)?.strip_prefix(&[0])?;
    Some((expires, public_key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_348_800)
    }

    #[test]
    fn is_valid_for_thirty_days_and_reads_back_the_same() {
        let made = Certificate::generate(noon()).unwrap();
        assert_eq!(made.expires(), noon() + LIFETIME);
        let read = Certificate::from_der(made.der().to_vec(), made.private_key().to_vec()).unwrap();
        assert_eq!(read.expires(), made.expires());
        assert_eq!(read.fingerprint(HashAlgorithm::Sha256), made.fingerprint(HashAlgorithm::Sha256));
    }

    #[test]
    fn no_two_are_alike() {
        let (one, other) = (Certificate::generate(noon()).unwrap(), Certificate::generate(noon()).unwrap());
        assert_ne!(one.fingerprint(HashAlgorithm::Sha256), other.fingerprint(HashAlgorithm::Sha256));
    }

    #[test]
    fn refuses_another_keys_certificate_and_garbage() {
        let (one, other) = (Certificate::generate(noon()).unwrap(), Certificate::generate(noon()).unwrap());
        let error = Certificate::from_der(one.der().to_vec(), other.private_key().to_vec()).unwrap_err();
        assert_eq!(error, CertificateError::KeyMismatch);
        let error = Certificate::from_der(one.der().to_vec(), vec![1, 2, 3]).unwrap_err();
        assert_eq!(error, CertificateError::UnsupportedKey);
        for length in 0..one.der().len() {
            let error = Certificate::from_der(one.der()[..length].to_vec(), one.private_key().to_vec());
            assert_eq!(error.unwrap_err(), CertificateError::Malformed);
        }
    }

    #[test]
    fn debug_output_keeps_the_key_secret() {
        let certificate = Certificate::generate(noon()).unwrap();
        assert!(!format!("{certificate:?}").contains("private"));
    }
}
