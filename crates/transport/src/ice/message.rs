//! The STUN messages of an agent (RFC 8445 §7.1, §7.3).

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use peerless_wire::stun::{Attribute, Class, ErrorCode, Kind, Message, Method, TransactionId, Writer};

use crate::crypto::mac::{hmac_sha1, is_hmac_sha1};
use crate::ice::role::Role;

/// What a check says.
pub(crate) struct Check<'a> {
    /// The peer's username fragment.
    pub(crate) remote_ufrag: &'a str,
    /// The peer's password.
    pub(crate) password: &'a str,
    /// Our username fragment.
    pub(crate) local_ufrag: &'a str,
    pub(crate) role: Role,
    pub(crate) priority: u32,
    /// The number of the nomination; 0 bears none.
    pub(crate) nominates: Option<u32>,
}

/// A connectivity check (RFC 8445 §7.1, §7.2.2).
pub(crate) fn check(id: TransactionId, check: &Check<'_>) -> Bytes {
    let username = format!("{}:{}", check.remote_ufrag, check.local_ufrag);
    let mut out = BytesMut::with_capacity(160);
    let mut writer = Writer::new(&mut out, Class::Request, Method::BINDING, id);
    writer.attribute(Attribute::Username(&username));
    writer.attribute(match check.role.is_controlling {
        true => Attribute::IceControlling(check.role.tie_breaker),
        false => Attribute::IceControlled(check.role.tie_breaker),
    });
    writer.attribute(Attribute::Priority(check.priority));
    if let Some(number) = check.nominates {
        writer.attribute(Attribute::UseCandidate);
        if number > 0 {
            writer.attribute(Attribute::Nomination(number));
        }
    }
    seal(writer, Some(check.password));
    out.freeze()
}

/// What is asked of a STUN server (RFC 8445 §5.1.1.2).
pub(crate) fn binding(id: TransactionId) -> Bytes {
    let mut out = BytesMut::with_capacity(32);
    Writer::new(&mut out, Class::Request, Method::BINDING, id).fingerprint();
    out.freeze()
}

/// The answer to a check that came from `mapped` (RFC 8445 §7.3.1.2).
pub(crate) fn success(id: TransactionId, mapped: SocketAddr, password: &str) -> Bytes {
    let mut out = BytesMut::with_capacity(80);
    let mut writer = Writer::new(&mut out, Class::Success, Method::BINDING, id);
    writer.attribute(Attribute::XorMappedAddress(mapped));
    seal(writer, Some(password));
    out.freeze()
}

/// The refusal of a request; with `password` where the request was authentic (RFC 8489 §9.1.3).
pub(crate) fn error(id: TransactionId, code: ErrorCode, unknown: &[Kind], password: Option<&str>) -> Bytes {
    let mut out = BytesMut::with_capacity(96);
    let mut writer = Writer::new(&mut out, Class::Error, Method::BINDING, id);
    writer.attribute(Attribute::ErrorCode(code, code.reason()));
    if !unknown.is_empty() {
        let kinds: Vec<u8> = unknown.iter().flat_map(|kind| kind.0.to_be_bytes()).collect();
        writer.attribute(Attribute::UnknownAttributes(&kinds));
    }
    seal(writer, password);
    out.freeze()
}

/// Whether MESSAGE-INTEGRITY is there and right.
pub(crate) fn is_authentic(message: &Message<'_>, password: &str) -> bool {
    message
        .integrity()
        .is_some_and(|integrity| is_hmac_sha1(password.as_bytes(), &integrity.parts(), integrity.mac()))
}

fn seal(mut writer: Writer<'_>, password: Option<&str>) {
    if let Some(password) = password {
        writer.integrity(|covered| hmac_sha1(password.as_bytes(), &[covered]));
    }
    writer.fingerprint();
}
