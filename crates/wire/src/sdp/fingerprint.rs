//! Certificate fingerprints (RFC 8122 §5) and who opens the DTLS association (RFC 4145 §4, RFC 8842 §5).

use std::fmt;

use crate::sdp::line::word;

/// `a=fingerprint:sha-256 BF:6E:…`: the hash of the certificate that the sender will show.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    /// The name of the hash in lower case: `sha-256`.
    pub hash: String,
    /// The digest. Its length is not yet compared with what the hash gives: `is_sound` does that.
    pub digest: Vec<u8>,
}

/// `a=setup`: who opens the association.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Setup {
    /// The sender of this description opens it.
    Active,
    /// The sender waits for the other side to open it.
    Passive,
    /// The answerer chooses.
    ActPass,
    /// Nobody for the moment.
    HoldConn,
}

impl Fingerprint {
    /// Reads `sha-256 BF:6E:…`: hexadecimal octets between colons.
    pub fn parse(text: &str) -> Option<Self> {
        let (hash, digest) = text.split_once(' ')?;
        let octet = |octet: &str| match *octet.as_bytes() {
            [high, low] => Some(nibble(high)? << 4 | nibble(low)?),
            _ => None,
        };
        let digest = digest.trim_matches(' ').split(':').map(octet).collect::<Option<Vec<u8>>>()?;
        Some(Self { hash: word(hash)?.to_ascii_lowercase(), digest })
    }

    /// Whether we take this hash: sha-256, sha-384 and sha-512 (RFC 8122 §5 without its broken ones).
    pub fn is_accepted(&self) -> bool {
        self.expected_length().is_some()
    }

    /// Whether we take this hash and the digest is as long as it gives.
    pub fn is_sound(&self) -> bool {
        self.expected_length() == Some(self.digest.len())
    }

    fn expected_length(&self) -> Option<usize> {
        match self.hash.as_str() {
            "sha-256" => Some(32),
            "sha-384" => Some(48),
            "sha-512" => Some(64),
            _ => None,
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.hash)?;
        for (index, octet) in self.digest.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{octet:02X}")?;
        }
        Ok(())
    }
}

impl Setup {
    /// The word for it in SDP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::ActPass => "actpass",
            Self::HoldConn => "holdconn",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        match word {
            "active" => Some(Self::Active),
            "passive" => Some(Self::Passive),
            "actpass" => Some(Self::ActPass),
            "holdconn" => Some(Self::HoldConn),
            _ => None,
        }
    }
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_either_case_and_writes_capitals() {
        let fingerprint = Fingerprint::parse("SHA-256 bf:6E:00").unwrap();
        assert_eq!(fingerprint.to_string(), "sha-256 BF:6E:00");
        assert!(fingerprint.is_accepted());
        assert!(!fingerprint.is_sound());
    }

    #[test]
    fn refuses_what_is_not_hexadecimal() {
        for text in ["sha-256", "sha-256 ", "sha-256 BF6E", "sha-256 BF:", "sha-256 BG:00", " BF:00"] {
            assert_eq!(Fingerprint::parse(text), None, "{text}");
        }
    }
}
