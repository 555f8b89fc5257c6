//! The two transforms, on one packet with a known index: counter mode with HMAC-SHA1 (RFC 3711 §4) and Galois
//! counter mode (RFC 7714 §8 to §9). Each for one direction of SRTP or SRTCP.
//!
//! ```text
//! SRTP:   | header, sources, extension | payload, encrypted | tag |
//! SRTCP:  | first 8 bytes | rest, encrypted |     E | index | tag |     counter mode
//! SRTCP:  | first 8 bytes | rest, encrypted | tag | E | index |         Galois counter mode
//! ```

use bytes::BytesMut;
use peerless_wire::rtp::Ssrc;

use crate::crypto::provider::{Ctr, Gcm, HmacSha1, Refused, is_equal};
use crate::srtp::kdf::{Label, derive};
use crate::srtp::packet::RTCP_CLEAR;
use crate::srtp::profile::{MasterKey, Profile};

/// Bytes of the tag of HMAC-SHA1 cut to 80 bits.
const MAC_TAG: usize = 10;
/// Bytes of the tag of Galois counter mode.
const GCM_TAG: usize = 16;
/// Bytes of the roll-over counter, or of E flag and SRTCP index.
const WORD: usize = 4;
/// The E flag: this SRTCP packet is encrypted (RFC 3711 §3.4).
const ENCRYPTED: u32 = 1 << 31;

/// The keys of one direction of SRTP or of SRTCP, ready to use.
pub(crate) enum Cipher {
    CounterMode(Box<CounterMode>),
    Galois { cipher: Gcm, salt: [u8; 12] },
}

/// The keys of counter mode with HMAC-SHA1: with both expanded, close to two kilobytes.
pub(crate) struct CounterMode {
    cipher: Ctr,
    salt: [u8; 14],
    mac: HmacSha1,
}

/// Which packets a cipher is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Rtp,
    Rtcp,
}

impl Cipher {
    /// Derives the session keys from `master`.
    pub(crate) fn new(master: &MasterKey, use_: Use) -> Result<Self, Refused> {
        let (encryption, authentication, salting) = match use_ {
            Use::Rtp => (Label::RtpEncryption, Label::RtpAuthentication, Label::RtpSalt),
            Use::Rtcp => (Label::RtcpEncryption, Label::RtcpAuthentication, Label::RtcpSalt),
        };
        let mut key = [0; 32];
        let key = &mut key[..master.profile().key_length()];
        derive(master, encryption, key)?;
        if master.profile() == Profile::Aes128CmHmacSha1_80 {
            let (mut salt, mut mac_key) = ([0; 14], [0; 20]);
            derive(master, salting, &mut salt)?;
            derive(master, authentication, &mut mac_key)?;
            Ok(Self::CounterMode(Box::new(CounterMode {
                cipher: Ctr::new(key)?,
                salt,
                mac: HmacSha1::new(&mac_key),
            })))
        } else {
            let mut salt = [0; 12];
            derive(master, salting, &mut salt)?;
            Ok(Self::Galois { cipher: Gcm::new(key)?, salt })
        }
    }

    /// Whether two different packets of one index would betray the key (RFC 7714 §8.1).
    pub(crate) fn is_broken_by_reuse(&self) -> bool {
        matches!(self, Self::Galois { .. })
    }

    /// Encrypts the RTP packet `buffer[start..]` behind its `header` bytes and appends the tag.
    pub(crate) fn seal_rtp(
        &self,
        buffer: &mut BytesMut,
        start: usize,
        header: usize,
        ssrc: Ssrc,
        index: u64,
    ) -> Result<(), Refused> {
        match self {
            Self::CounterMode(keys) => {
                let CounterMode { cipher, salt, mac } = &**keys;
                cipher.apply(initial_counter(salt, ssrc, index), &mut buffer[start + header..])?;
                buffer.extend_from_slice(&roll_over_counter(index));
                let tag = mac.sign(&buffer[start..])?;
                buffer.truncate(buffer.len() - WORD);
                buffer.extend_from_slice(&tag[..MAC_TAG]);
            }
            Self::Galois { cipher, salt } => {
                let mut tag = [0; GCM_TAG];
                let (clear, secret) = buffer[start..].split_at_mut(header);
                cipher.seal(nonce(salt, ssrc, index), clear, secret, &mut tag)?;
                buffer.extend_from_slice(&tag);
            }
        }
        Ok(())
    }

    /// Checks and decrypts an SRTP packet of which the first `header` bytes are clear, and cuts the tag off.
    pub(crate) fn open_rtp(
        &self,
        packet: &mut BytesMut,
        header: usize,
        ssrc: Ssrc,
        index: u64,
    ) -> Result<(), Refused> {
        match self {
            Self::CounterMode(keys) => {
                let CounterMode { cipher, salt, mac } = &**keys;
                let end = packet.len().checked_sub(MAC_TAG).filter(|end| *end >= header).ok_or(Refused)?;
                let tag: [u8; MAC_TAG] = *packet[end..].first_chunk().ok_or(Refused)?;
                packet[end..end + WORD].copy_from_slice(&roll_over_counter(index));
                let expected = mac.sign(&packet[..end + WORD])?;
                if !is_equal(&expected[..MAC_TAG], &tag) {
                    return Err(Refused);
                }
                packet.truncate(end);
                cipher.apply(initial_counter(salt, ssrc, index), &mut packet[header..])
            }
            Self::Galois { cipher, salt } => {
                let end = packet.len().checked_sub(GCM_TAG).filter(|end| *end >= header).ok_or(Refused)?;
                let (body, tag) = packet.split_at_mut(end);
                let (clear, secret) = body.split_at_mut(header);
                cipher.open(nonce(salt, ssrc, index), clear, secret, tag)?;
                packet.truncate(end);
                Ok(())
            }
        }
    }

    /// Encrypts the compound RTCP packet `buffer[start..]` and appends index and tag.
    pub(crate) fn seal_rtcp(
        &self,
        buffer: &mut BytesMut,
        start: usize,
        ssrc: Ssrc,
        index: u32,
    ) -> Result<(), Refused> {
        let word = (ENCRYPTED | index).to_be_bytes();
        match self {
            Self::CounterMode(keys) => {
                let CounterMode { cipher, salt, mac } = &**keys;
                let counter = initial_counter(salt, ssrc, index.into());
                cipher.apply(counter, &mut buffer[start + RTCP_CLEAR..])?;
                buffer.extend_from_slice(&word);
                let tag = mac.sign(&buffer[start..])?;
                buffer.extend_from_slice(&tag[..MAC_TAG]);
            }
            Self::Galois { cipher, salt } => {
                let mut tag = [0; GCM_TAG];
                let (clear, secret) = buffer[start..].split_at_mut(RTCP_CLEAR);
                let aad = clear_and_word(clear, word);
                cipher.seal(nonce(salt, ssrc, index.into()), &aad, secret, &mut tag)?;
                buffer.extend_from_slice(&tag);
                buffer.extend_from_slice(&word);
            }
        }
        Ok(())
    }

    /// Checks and decrypts an SRTCP packet and cuts index and tag off. One with the E flag clear is only checked.
    pub(crate) fn open_rtcp(&self, packet: &mut BytesMut, ssrc: Ssrc, word: u32) -> Result<(), Refused> {
        let index = u64::from(word & !ENCRYPTED);
        let end =
            packet.len().checked_sub(self.rtcp_trailer()).filter(|end| *end >= RTCP_CLEAR).ok_or(Refused)?;
        match self {
            Self::CounterMode(keys) => {
                let CounterMode { cipher, salt, mac } = &**keys;
                let (checked, tag) = packet.split_at(end + WORD);
                if !is_equal(&mac.sign(checked)?[..MAC_TAG], tag) {
                    return Err(Refused);
                }
                packet.truncate(end);
                if word & ENCRYPTED != 0 {
                    cipher.apply(initial_counter(salt, ssrc, index), &mut packet[RTCP_CLEAR..])?;
                }
            }
            Self::Galois { cipher, salt } if word & ENCRYPTED != 0 => {
                let (body, trailer) = packet.split_at_mut(end);
                let (clear, secret) = body.split_at_mut(RTCP_CLEAR);
                let aad = clear_and_word(clear, word.to_be_bytes());
                cipher.open(nonce(salt, ssrc, index), &aad, secret, &trailer[..GCM_TAG])?;
                packet.truncate(end);
            }
            Self::Galois { cipher, salt } => {
                // All is associated data: the packet and the word, which must be moved over the tag to follow it.
                let tag: [u8; GCM_TAG] = *packet[end..].first_chunk().ok_or(Refused)?;
                packet[end..end + WORD].copy_from_slice(&word.to_be_bytes());
                cipher.open(nonce(salt, ssrc, index), &packet[..end + WORD], &mut [], &tag)?;
                packet.truncate(end);
            }
        }
        Ok(())
    }

    /// The E flag and index of an SRTCP packet.
    pub(crate) fn rtcp_word(&self, packet: &[u8]) -> Option<u32> {
        let from_end = match self {
            Self::CounterMode(_) => MAC_TAG + WORD,
            Self::Galois { .. } => WORD,
        };
        let start = packet.len().checked_sub(from_end)?;
        packet.get(start..)?.first_chunk().map(|word| u32::from_be_bytes(*word))
    }

    fn rtcp_trailer(&self) -> usize {
        match self {
            Self::CounterMode(_) => MAC_TAG + WORD,
            Self::Galois { .. } => GCM_TAG + WORD,
        }
    }
}

/// The SRTCP index within the word that carries it.
pub(crate) fn rtcp_index(word: u32) -> u64 {
    u64::from(word & !ENCRYPTED)
}

/// The upper 32 bits of a 48-bit index (RFC 3711 §3.3.1).
fn roll_over_counter(index: u64) -> [u8; WORD] {
    ((index >> 16) as u32).to_be_bytes()
}

/// The first counter block: `salt · 2^16 ⊕ SSRC · 2^64 ⊕ index · 2^16` (RFC 3711 §4.1.1).
fn initial_counter(salt: &[u8; 14], ssrc: Ssrc, index: u64) -> [u8; 16] {
    let [s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13] = *salt;
    let salt = u128::from_be_bytes([s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, 0, 0]);
    (salt ^ (u128::from(ssrc.0) << 64) ^ (u128::from(index) << 16)).to_be_bytes()
}

/// The initialisation vector: `0^16 ‖ SSRC ‖ index (48 bits)`, with the salt added (RFC 7714 §8.1, §9.1).
fn nonce(salt: &[u8; 12], ssrc: Ssrc, index: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    let plain = (u128::from(ssrc.0) << 48 | u128::from(index)).to_be_bytes();
    nonce.iter_mut().zip(&plain[4..]).zip(salt).for_each(|((to, plain), salt)| *to = plain ^ salt);
    nonce
}

/// The associated data of an encrypted SRTCP packet (RFC 7714 §9.2).
fn clear_and_word(clear: &[u8], word: [u8; WORD]) -> [u8; RTCP_CLEAR + WORD] {
    let mut aad = [0; RTCP_CLEAR + WORD];
    aad.iter_mut().zip(clear.iter().chain(&word)).for_each(|(to, from)| *to = *from);
    aad
}

#[cfg(test)]
mod tests;
