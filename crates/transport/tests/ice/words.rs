//! STUN messages written by hand, right and wrong ones.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use peerless_transport::crypto::mac::{hmac_sha1, is_hmac_sha1};
use peerless_transport::ice::Credentials;
use peerless_wire::stun::{Attribute, Class, ErrorCode, Message, Method, TransactionId, Writer};

/// A request of STUN proper.
pub fn binding(id: TransactionId) -> Bytes {
    write(Class::Request, id, &[], None)
}

/// A check of a controlled agent with username fragment `theirs` to the agent with credentials `ours`.
pub fn check(id: u8, ours: &Credentials, theirs: &str, extra: &[Attribute<'_>]) -> Bytes {
    let username = format!("{}:{theirs}", ours.ufrag);
    let attributes = [Attribute::Username(&username), Attribute::Priority(1), Attribute::IceControlled(1)];
    let attributes = [&attributes, extra].concat();
    write(Class::Request, TransactionId([id; 12]), &attributes, Some(&ours.password))
}

/// An answer.
pub fn success(id: TransactionId, mapped: SocketAddr, password: Option<&str>) -> Bytes {
    write(Class::Success, id, &[Attribute::XorMappedAddress(mapped)], password)
}

/// A refusal.
pub fn refusal(id: TransactionId, code: ErrorCode, password: Option<&str>) -> Bytes {
    write(Class::Error, id, &[Attribute::ErrorCode(code, code.reason())], password)
}

/// Any binding message, sealed.
pub fn write(class: Class, id: TransactionId, attributes: &[Attribute<'_>], password: Option<&str>) -> Bytes {
    let mut out = BytesMut::new();
    let mut writer = Writer::new(&mut out, class, Method::BINDING, id);
    attributes.iter().for_each(|attribute| writer.attribute(*attribute));
    if let Some(password) = password {
        writer.integrity(|covered| hmac_sha1(password.as_bytes(), &[covered]));
    }
    writer.fingerprint();
    out.freeze()
}

/// Whether the message bears the MAC of this password.
pub fn is_authentic(message: &Message<'_>, password: &str) -> bool {
    let integrity = message.integrity();
    integrity.is_some_and(|found| is_hmac_sha1(password.as_bytes(), &found.parts(), found.mac()))
}
