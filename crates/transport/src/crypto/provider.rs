//! The one seam to the cryptographic library, aws-lc-rs: keyed primitives and plain functions, no policy.
//!
//! Keys are expanded once, when the keyed value is made; what is called per packet does not allocate.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use aws_lc_rs::{constant_time, digest, hmac};

/// The library refused: a key or buffer of a length it does not take, a wrong tag, or a broken generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library refused")]
pub(crate) struct Refused;

/// AES in counter mode with one key (RFC 3711 §4.1.1), 128 or 256 bits.
pub(crate) struct Ctr(EncryptingKey);

impl Ctr {
    /// Expands `key`, 16 or 32 bytes.
    pub(crate) fn new(key: &[u8]) -> Result<Self, Refused> {
        let algorithm = if key.len() == 32 { &AES_256 } else { &AES_128 };
        let key = UnboundCipherKey::new(algorithm, key).map_err(|_| Refused)?;
        EncryptingKey::ctr(key).map(Self).map_err(|_| Refused)
    }

    /// Adds the key stream that starts at counter block `iv` to `data`: encrypts and decrypts alike.
    pub(crate) fn apply(&self, iv: [u8; 16], data: &mut [u8]) -> Result<(), Refused> {
        let context = EncryptionContext::Iv128(iv.into());
        self.0.less_safe_encrypt(data, context).map(|_| ()).map_err(|_| Refused)
    }
}

/// AES-GCM with one key (RFC 7714), 128 or 256 bits, 16 bytes of tag.
pub(crate) struct Gcm(LessSafeKey);

impl Gcm {
    /// Expands `key`, 16 or 32 bytes.
    pub(crate) fn new(key: &[u8]) -> Result<Self, Refused> {
        let algorithm = if key.len() == 32 { &AES_256_GCM } else { &AES_128_GCM };
        let key = UnboundKey::new(algorithm, key).map_err(|_| Refused)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Encrypts `data` in place and writes the tag over it and `aad` to `tag`, 16 bytes.
    pub(crate) fn seal(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        data: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), Refused> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0.seal_in_place_scatter(nonce, Aad::from(aad), data, &[], tag).map_err(|_| Refused)
    }

    /// Checks `tag` and decrypts `data` in place. Where the tag is wrong, `data` is garbage afterwards.
    pub(crate) fn open(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        data: &mut [u8],
        tag: &[u8],
    ) -> Result<(), Refused> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0.open_in_place_separate_tag(nonce, Aad::from(aad), tag, data).map(|_| ()).map_err(|_| Refused)
    }
}

/// HMAC-SHA1 with one key (RFC 3711 §4.2.1).
pub(crate) struct HmacSha1(hmac::Key);

impl HmacSha1 {
    /// Prepares `key`, of any length.
    pub(crate) fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key))
    }

    /// The MAC over `data`.
    pub(crate) fn sign(&self, data: &[u8]) -> Result<[u8; 20], Refused> {
        let mut tag = [0; 20];
        hmac::sign_to_buffer(&self.0, data, &mut tag).map_err(|_| Refused)?;
        Ok(tag)
    }
}

/// Whether two byte strings are the same, in time that depends on their length only.
pub(crate) fn is_equal(left: &[u8], right: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(left, right).is_ok()
}

/// SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

/// SHA-384 of `bytes`.
pub(crate) fn sha384(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA384, bytes).as_ref().to_vec()
}

/// SHA-512 of `bytes`.
pub(crate) fn sha512(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA512, bytes).as_ref().to_vec()
}

/// An ECDSA key on P-256 that signs with SHA-256.
pub(crate) struct EcdsaP256(EcdsaKeyPair);

impl EcdsaP256 {
    /// Makes a key with the operating system's generator.
    pub(crate) fn generate() -> Result<Self, Refused> {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map(Self).map_err(|_| Refused)
    }

    /// Reads a key from PKCS #8 (RFC 5958).
    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, Refused> {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der).map(Self).map_err(|_| Refused)
    }

    /// The private key as PKCS #8.
    pub(crate) fn to_pkcs8(&self) -> Result<Vec<u8>, Refused> {
        self.0.to_pkcs8v1().map(|der| der.as_ref().to_vec()).map_err(|_| Refused)
    }

    /// The public point, uncompressed: 65 bytes.
    pub(crate) fn public_key(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    /// The signature over `message`, an ASN.1 sequence of r and s.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Refused> {
        let digest = digest::digest(&digest::SHA256, message);
        self.0.sign_digest(&digest).map(|signature| signature.as_ref().to_vec()).map_err(|_| Refused)
    }
}
