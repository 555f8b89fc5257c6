//! Long-term credentials against servers of either age, and against who wants the weaker way.

use bytes::BytesMut;
use peerless_wire::stun::{Class, ErrorCode, Method, TransactionId};

use super::*;

const ID: TransactionId = TransactionId([1; 12]);

fn refusal(nonce: &str, realm: Option<&str>, algorithms: Option<&[u8]>) -> BytesMut {
    let mut out = BytesMut::new();
    let mut writer = Writer::new(&mut out, Class::Error, Method::ALLOCATE, ID);
    writer.attribute(Attribute::ErrorCode(ErrorCode::UNAUTHENTICATED, ""));
    realm.into_iter().for_each(|realm| writer.attribute(Attribute::Realm(realm)));
    writer.attribute(Attribute::Nonce(nonce));
    algorithms.into_iter().for_each(|list| writer.attribute(Attribute::PasswordAlgorithms(list)));
    out
}

fn challenged(nonce: &str, algorithms: Option<&[u8]>) -> Option<Credential> {
    let mut credential = Credential::new("user", "pass");
    let bytes = refusal(nonce, Some("realm"), algorithms);
    credential.challenge(&Message::parse(&bytes).unwrap()).then_some(credential)
}

fn sealed(credential: &Credential) -> BytesMut {
    let mut out = BytesMut::new();
    let mut writer = Writer::new(&mut out, Class::Request, Method::ALLOCATE, ID);
    credential.seal(&mut writer);
    writer.fingerprint();
    out
}

#[test]
fn an_older_server_gets_the_user_name_and_a_proof_by_sha1() {
    let credential = challenged("nonce", None).unwrap();
    let bytes = sealed(&credential);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.username(), Some("user"));
    let key = long_term::md5_key("user", "realm", "pass");
    let integrity = message.integrity().unwrap();
    assert!(is_hmac_sha1(&key, &integrity.parts(), integrity.mac()));
    assert!(message.integrity_sha256().is_none());
    assert!(credential.is_authentic(&message));
}

#[test]
fn a_server_that_offers_sha256_and_anonymity_gets_both() {
    let list = [&MD5[..], &SHA256].concat();
    let credential = challenged("obMatJos2wAAAabc", Some(&list)).unwrap();
    let bytes = sealed(&credential);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.username(), None);
    let hash: [u8; 32] = long_term::user_hash("user", "realm").try_into().unwrap();
    let wanted = [
        Attribute::UserHash(&hash),
        Attribute::PasswordAlgorithms(&list),
        Attribute::PasswordAlgorithm(&SHA256),
    ];
    assert!(wanted.iter().all(|wanted| message.attributes().any(|found| found == *wanted)));
    assert!(message.integrity().is_none() && credential.is_authentic(&message));
}

#[test]
fn a_server_that_lists_only_md5_is_proved_by_sha256_over_its_key() {
    let credential = challenged("obMatJos2gAAA", Some(&MD5)).unwrap();
    let bytes = sealed(&credential);
    let message = Message::parse(&bytes).unwrap();
    let key = long_term::md5_key("user", "realm", "pass");
    let integrity = message.integrity_sha256().unwrap();
    assert!(is_hmac_sha256_of(&key, &integrity.parts(), integrity.mac()));
}

#[test]
fn who_takes_the_list_away_or_puts_one_there_gets_nothing() {
    assert!(challenged("obMatJos2gAAA", None).is_none(), "the list was taken away");
    assert!(challenged("obMatJos2AAAA", Some(&MD5)).is_none(), "the nonce tells of none");
    assert!(challenged("obMatJos2gAAA", Some(&[0, 9, 0, 0])).is_none(), "none that we know");
    assert!(challenged("obMatJos2gAAA", Some(&[0, 2, 0, 200])).is_none(), "cut short");
    assert!(challenged("obMatJos2gAAA", Some(&[0; 4096])).is_none(), "longer than any list");
}

#[test]
fn a_new_nonce_without_a_realm_keeps_the_realm() {
    let mut credential = challenged("nonce", None).unwrap();
    let bytes = refusal("newer", None, None);
    assert!(credential.challenge(&Message::parse(&bytes).unwrap()));
    let bytes = sealed(&credential);
    let message = Message::parse(&bytes).unwrap();
    assert!(message.attributes().any(|found| found == Attribute::Realm("realm")));
    assert!(message.attributes().any(|found| found == Attribute::Nonce("newer")));
    assert!(!Credential::new("user", "pass").challenge(&Message::parse(&refusal("n", None, None)).unwrap()));
}

#[test]
fn a_response_by_another_password_is_not_authentic() {
    let bytes = sealed(&challenged("nonce", None).unwrap());
    let mut other = Credential::new("user", "other");
    let refusal = refusal("nonce", Some("realm"), None);
    assert!(other.challenge(&Message::parse(&refusal).unwrap()));
    assert!(!other.is_authentic(&Message::parse(&bytes).unwrap()));
    assert!(!Credential::new("user", "pass").is_authentic(&Message::parse(&bytes).unwrap()));
}
