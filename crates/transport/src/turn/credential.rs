//! Long-term credentials (RFC 8489 §9.2): what a server asks for in its first refusal, and how requests and responses
//! are proved after that.

use peerless_wire::stun::{Attribute, Message, Writer};

use crate::crypto::long_term;
use crate::crypto::mac::{hmac_sha1, hmac_sha256, is_hmac_sha1, is_hmac_sha256_of};

/// A nonce that begins so tells in the four characters after it what the server can do (RFC 8489 §9.2).
const COOKIE: &str = "obMatJos2";
/// The first of those 24 bits: PASSWORD-ALGORITHMS (RFC 8489 §18.1).
const PASSWORD_ALGORITHMS: u32 = 1 << 23;
/// The second: USERHASH.
const USERNAME_ANONYMITY: u32 = 1 << 22;

/// Numbers of password algorithms (RFC 8489 §18.5), without parameters.
const MD5: [u8; 4] = [0, 1, 0, 0];
const SHA256: [u8; 4] = [0, 2, 0, 0];

/// The longest list of algorithms that is sent back as it came.
const LONGEST_LIST: usize = 64;

/// Who we are to one server.
pub(crate) struct Credential {
    username: String,
    password: String,
    session: Option<Session>,
}

/// What the server told, and what follows from it.
struct Session {
    realm: String,
    nonce: String,
    key: Vec<u8>,
    /// The server's list and the one that was chosen of it: then all is proved by SHA-256 (RFC 8489 §9.2.5).
    algorithms: Option<(Vec<u8>, [u8; 4])>,
    user_hash: Option<[u8; 32]>,
}

impl Credential {
    pub(crate) fn new(username: &str, password: &str) -> Self {
        Self { username: username.to_owned(), password: password.to_owned(), session: None }
    }

    /// Whether requests are proved already.
    pub(crate) fn is_ready(&self) -> bool {
        self.session.is_some()
    }

    /// Another server is asked, which has told nothing yet.
    pub(crate) fn forget(&mut self) {
        self.session = None;
    }

    /// Takes realm and nonce of a 401 or 438; whether the request can be tried again with them. `false` also where the
    /// nonce says that there are algorithms and none are listed, or the other way round: somebody between may want us
    /// to use a weaker one (RFC 8489 §9.2.5).
    pub(crate) fn challenge(&mut self, message: &Message<'_>) -> bool {
        let (mut realm, mut nonce, mut algorithms) = (None, None, None);
        for attribute in message.attributes() {
            match attribute {
                Attribute::Realm(text) => realm = realm.or(Some(text)),
                Attribute::Nonce(text) => nonce = nonce.or(Some(text)),
                Attribute::PasswordAlgorithms(list) => algorithms = algorithms.or(Some(list)),
                _ => {}
            }
        }
        let Some(nonce) = nonce else { return false };
        let before = self.session.as_ref();
        let Some(realm) = realm.or_else(|| before.map(|session| session.realm.as_str())) else {
            return false;
        };
        let features = features(nonce);
        let has_algorithms = features & PASSWORD_ALGORITHMS != 0;
        if has_algorithms != algorithms.is_some() {
            return false;
        }
        let chosen = match algorithms.map(choose) {
            Some(None) => return false,
            Some(Some(chosen)) => Some((algorithms.unwrap_or_default().to_vec(), chosen)),
            None => None,
        };
        let is_sha256 = chosen.as_ref().is_some_and(|(_, chosen)| *chosen == SHA256);
        let key = match is_sha256 {
            true => long_term::sha256_key(&self.username, realm, &self.password),
            false => long_term::md5_key(&self.username, realm, &self.password).to_vec(),
        };
        let user_hash = (features & USERNAME_ANONYMITY != 0)
            .then(|| long_term::user_hash(&self.username, realm).try_into().ok())
            .flatten();
        self.session = Some(Session {
            realm: realm.to_owned(),
            nonce: nonce.to_owned(),
            key,
            algorithms: chosen,
            user_hash,
        });
        true
    }

    /// Appends what names us, and the proof over all before it; nothing before the first refusal.
    pub(crate) fn seal(&self, writer: &mut Writer<'_>) {
        let Some(session) = &self.session else { return };
        match &session.user_hash {
            Some(hash) => writer.attribute(Attribute::UserHash(hash)),
            None => writer.attribute(Attribute::Username(&self.username)),
        }
        writer.attribute(Attribute::Realm(&session.realm));
        writer.attribute(Attribute::Nonce(&session.nonce));
        match &session.algorithms {
            Some((list, chosen)) => {
                writer.attribute(Attribute::PasswordAlgorithms(list));
                writer.attribute(Attribute::PasswordAlgorithm(chosen));
                writer.integrity_sha256(|covered| hmac_sha256(&session.key, covered));
            }
            None => writer.integrity(|covered| hmac_sha1(&session.key, &[covered])),
        }
    }

    /// Whether a response proves that the server knows our password, in the way that was agreed on.
    pub(crate) fn is_authentic(&self, message: &Message<'_>) -> bool {
        let Some(session) = &self.session else { return false };
        match &session.algorithms {
            Some(_) => message.integrity_sha256().is_some_and(|integrity| {
                is_hmac_sha256_of(&session.key, &integrity.parts(), integrity.mac())
            }),
            None => message
                .integrity()
                .is_some_and(|integrity| is_hmac_sha1(&session.key, &integrity.parts(), integrity.mac())),
        }
    }
}

/// Names and secrets are not shown.
impl std::fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Credential").field("is_ready", &self.is_ready()).finish_non_exhaustive()
    }
}

/// The strongest algorithm of a server's list that we know (RFC 8489 §14.11): ours have no parameters.
fn choose(list: &[u8]) -> Option<[u8; 4]> {
    let mut rest = list.get(..list.len().min(LONGEST_LIST)).filter(|short| short.len() == list.len())?;
    let mut has_md5 = false;
    while let Some((head, tail)) = rest.split_first_chunk::<4>() {
        match *head {
            SHA256 => return Some(SHA256),
            MD5 => has_md5 = true,
            _ => {}
        }
        let [_, _, high, low] = *head;
        let length = usize::from(u16::from_be_bytes([high, low])).next_multiple_of(4);
        rest = tail.get(length..)?;
    }
    has_md5.then_some(MD5)
}

/// The 24 bits that a nonce tells of, in base64; none where it does not begin as such nonces do.
fn features(nonce: &str) -> u32 {
    let Some(told) = nonce.strip_prefix(COOKIE).and_then(|rest| rest.as_bytes().first_chunk::<4>()) else {
        return 0;
    };
    let digit = |byte: &u8| match byte {
        b'A'..=b'Z' => Some(u32::from(byte - b'A')),
        b'a'..=b'z' => Some(u32::from(byte - b'a') + 26),
        b'0'..=b'9' => Some(u32::from(byte - b'0') + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    told.iter().try_fold(0, |bits, byte| Some(bits << 6 | digit(byte)?)).unwrap_or(0)
}

#[cfg(test)]
mod tests;
