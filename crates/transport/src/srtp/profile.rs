//! Protection profiles and master keys (RFC 5764 §4.1.2, RFC 7714 §14.2).

use std::fmt;

/// Which cipher and which tag protect media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// AES-256 in Galois counter mode, 16 bytes of tag (RFC 7714).
    AeadAes256Gcm,
    /// AES-128 in Galois counter mode, 16 bytes of tag (RFC 7714).
    AeadAes128Gcm,
    /// AES-128 in counter mode with 10 bytes of HMAC-SHA1 (RFC 3711): what every WebRTC peer must have
    /// (RFC 8827 §6.5).
    Aes128CmHmacSha1_80,
}

/// A master key and its salt, from which session keys are derived (RFC 3711 §3.2.1). Prints nothing of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    profile: Profile,
    bytes: [u8; MasterKey::MAXIMUM],
}

impl Profile {
    /// All of them, best first: Galois counter mode costs a third of counter mode with HMAC.
    pub const ALL: [Self; 3] = [Self::AeadAes256Gcm, Self::AeadAes128Gcm, Self::Aes128CmHmacSha1_80];

    /// The name in the IANA registry of DTLS-SRTP protection profiles.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AeadAes256Gcm => "SRTP_AEAD_AES_256_GCM",
            Self::AeadAes128Gcm => "SRTP_AEAD_AES_128_GCM",
            Self::Aes128CmHmacSha1_80 => "SRTP_AES128_CM_HMAC_SHA1_80",
        }
    }

    /// Bytes of a master key, and of a session's encryption key.
    pub fn key_length(self) -> usize {
        match self {
            Self::AeadAes256Gcm => 32,
            Self::AeadAes128Gcm | Self::Aes128CmHmacSha1_80 => 16,
        }
    }

    /// Bytes of a master salt, and of a session's salt.
    pub fn salt_length(self) -> usize {
        match self {
            Self::AeadAes256Gcm | Self::AeadAes128Gcm => 12,
            Self::Aes128CmHmacSha1_80 => 14,
        }
    }

    /// By how many bytes an RTP packet grows when it is protected.
    pub fn rtp_overhead(self) -> usize {
        match self {
            Self::AeadAes256Gcm | Self::AeadAes128Gcm => 16,
            Self::Aes128CmHmacSha1_80 => 10,
        }
    }

    /// By how many bytes a compound RTCP packet grows when it is protected: the tag and the index.
    pub fn rtcp_overhead(self) -> usize {
        self.rtp_overhead() + 4
    }
}

impl MasterKey {
    const MAXIMUM: usize = 32 + 12;

    /// A master key for `profile`. `None` where `key` or `salt` are not as long as the profile wants.
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Option<Self> {
        if key.len() != profile.key_length() || salt.len() != profile.salt_length() {
            return None;
        }
        let mut bytes = [0; Self::MAXIMUM];
        bytes.iter_mut().zip(key.iter().chain(salt)).for_each(|(to, from)| *to = *from);
        Some(Self { profile, bytes })
    }

    /// What it is for.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    pub(crate) fn key(&self) -> &[u8] {
        &self.bytes[..self.profile.key_length()]
    }

    pub(crate) fn salt(&self) -> &[u8] {
        let start = self.profile.key_length();
        &self.bytes[start..start + self.profile.salt_length()]
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MasterKey").field("profile", &self.profile).finish_non_exhaustive()
    }
}
