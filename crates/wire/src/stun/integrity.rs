//! What MESSAGE-INTEGRITY, its form with SHA-256 and FINGERPRINT cover (RFC 8489 §14.5 to §14.7): the message up to the attribute, with the
//! length in the header as if the attribute were the last.

/// The size of a STUN header in bytes.
pub(super) const HEADER: usize = 20;

/// The size of MESSAGE-INTEGRITY with its header, in bytes.
pub(super) const INTEGRITY: usize = 24;

/// The size of MESSAGE-INTEGRITY-SHA256 in full length with its header, in bytes.
pub(super) const INTEGRITY_SHA256: usize = 36;

/// The size of FINGERPRINT with its header, in bytes.
pub(super) const FINGERPRINT: usize = 8;

/// A MESSAGE-INTEGRITY found in a message, and what it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Integrity<'a> {
    pub(super) header: [u8; HEADER],
    pub(super) body: &'a [u8],
    pub(super) mac: &'a [u8; 20],
}

impl<'a> Integrity<'a> {
    /// The MAC in the message: it must be HMAC-SHA1 of [`Integrity::parts`].
    pub fn mac(&self) -> &'a [u8; 20] {
        self.mac
    }

    /// What the MAC covers, in order: the header with its length adjusted, and the attributes before.
    pub fn parts(&self) -> [&[u8]; 2] {
        [&self.header, self.body]
    }
}

/// A MESSAGE-INTEGRITY-SHA256 found in a message, and what it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntegritySha256<'a> {
    pub(super) header: [u8; HEADER],
    pub(super) body: &'a [u8],
    pub(super) mac: &'a [u8],
}

impl<'a> IntegritySha256<'a> {
    /// The MAC in the message, 16 to 32 bytes: it must be the beginning of HMAC-SHA256 of [`IntegritySha256::parts`].
    pub fn mac(&self) -> &'a [u8] {
        self.mac
    }

    /// What the MAC covers, in order: the header with its length adjusted, and the attributes before.
    pub fn parts(&self) -> [&[u8]; 2] {
        [&self.header, self.body]
    }
}

/// The CRC-32 of ITU V.42 over `parts`, combined with "STUN", as FINGERPRINT carries it (RFC 8489 §14.7).
pub(super) fn fingerprint(parts: [&[u8]; 2]) -> u32 {
    let crc = parts.into_iter().flatten().fold(u32::MAX, |crc, byte| {
        let index = (crc as u8 ^ byte) as usize;
        (crc >> 8) ^ TABLE[index]
    });
    !crc ^ 0x5354_554e
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};
