//! The keys of long-term credentials (RFC 8489 §9.2.2, §18.5.1): a digest of user name, realm and password.

use md5::{Digest, Md5};

use crate::crypto::provider;

/// The key by MD5, the one every server knows. MD5 only mixes here: what protects messages is the HMAC.
pub fn md5_key(username: &str, realm: &str, password: &str) -> [u8; 16] {
    Md5::digest(joined(username, realm, password)).into()
}

/// The key by SHA-256, for servers that offer it.
pub fn sha256_key(username: &str, realm: &str, password: &str) -> Vec<u8> {
    provider::sha256(joined(username, realm, password).as_bytes())
}

/// What hides a user name in USERHASH (RFC 8489 §14.4).
pub fn user_hash(username: &str, realm: &str) -> Vec<u8> {
    provider::sha256(format!("{username}:{realm}").as_bytes())
}

fn joined(username: &str, realm: &str, password: &str) -> String {
    format!("{username}:{realm}:{password}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_rfc_5769_is_made_of_its_user_name_realm_and_password() {
        let expected = 0xe8ca_7ad5_9d5e_b051_8e31_2911_d2da_b2a9_u128.to_be_bytes();
        assert_eq!(md5_key("マトリックス", "example.org", "TheMatrIX"), expected);
    }

    #[test]
    fn the_keys_of_rfc_8489_are_those_of_its_example() {
        let expected = "8493fbc53ba582fb4c044c456bdc40eb";
        assert_eq!(hex(&md5_key("user", "realm", "pass")), expected);
        assert_eq!(sha256_key("user", "realm", "pass").len(), 32);
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
