//! SRTP master keys from what DTLS exports (RFC 5764 §4.2).
//!
//! ```text
//! | client's key | server's key | client's salt | server's salt |
//! ```

use crate::dtls::version::Role;
use crate::srtp::{MasterKey, Profile};

/// The master keys of both directions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// For what we send.
    pub send: MasterKey,
    /// For what we receive.
    pub receive: MasterKey,
}

/// Splits the exported `material`; `None` where it is not as long as `profile` wants.
pub(crate) fn split(profile: Profile, role: Role, material: &[u8]) -> Option<Keys> {
    let (key, salt) = (profile.key_length(), profile.salt_length());
    if material.len() != 2 * (key + salt) {
        return None;
    }
    let (keys, salts) = material.split_at(2 * key);
    let (client_key, server_key) = keys.split_at(key);
    let (client_salt, server_salt) = salts.split_at(salt);
    let client = MasterKey::new(profile, client_key, client_salt)?;
    let server = MasterKey::new(profile, server_key, server_salt)?;
    Some(match role {
        Role::Client => Keys { send: client, receive: server },
        Role::Server => Keys { send: server, receive: client },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_each_side_the_keys_of_its_role() {
        for profile in Profile::ALL {
            let (key, salt) = (profile.key_length(), profile.salt_length());
            let material: Vec<u8> = (0..2 * (key + salt) as u8).collect();
            let client = split(profile, Role::Client, &material).unwrap();
            let server = split(profile, Role::Server, &material).unwrap();
            assert_eq!((&client.send, &client.receive), (&server.receive, &server.send));
            assert_eq!(client.send.key(), &material[..key]);
            assert_eq!(client.receive.key(), &material[key..2 * key]);
            assert_eq!(client.send.salt(), &material[2 * key..2 * key + salt]);
            assert_eq!(split(profile, Role::Client, &material[1..]), None);
        }
    }
}
