//! STUN attributes, typed (RFC 8489 §14, RFC 8445 §16.1), with those of TURN that a client needs (RFC 8656 §18).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |         Type                  |            Length             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                 Value (variable), padded to 32 bits        ....
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::net::SocketAddr;

use bytes::{BufMut, BytesMut};

use crate::cursor::{Reader, Truncated};
use crate::stun::address::{self, Mask};
use crate::stun::code::ErrorCode;

/// The type of an attribute: below 0x8000 it must be understood (RFC 8489 §14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind(pub u16);

impl Kind {
    /// MAPPED-ADDRESS.
    pub const MAPPED_ADDRESS: Self = Self(0x0001);
    /// USERNAME.
    pub const USERNAME: Self = Self(0x0006);
    /// MESSAGE-INTEGRITY.
    pub const MESSAGE_INTEGRITY: Self = Self(0x0008);
    /// ERROR-CODE.
    pub const ERROR_CODE: Self = Self(0x0009);
    /// UNKNOWN-ATTRIBUTES.
    pub const UNKNOWN_ATTRIBUTES: Self = Self(0x000a);
    /// CHANNEL-NUMBER (RFC 8656).
    pub const CHANNEL_NUMBER: Self = Self(0x000c);
    /// LIFETIME (RFC 8656).
    pub const LIFETIME: Self = Self(0x000d);
    /// XOR-PEER-ADDRESS (RFC 8656).
    pub const XOR_PEER_ADDRESS: Self = Self(0x0012);
    /// DATA (RFC 8656).
    pub const DATA: Self = Self(0x0013);
    /// REALM.
    pub const REALM: Self = Self(0x0014);
    /// NONCE.
    pub const NONCE: Self = Self(0x0015);
    /// XOR-RELAYED-ADDRESS (RFC 8656).
    pub const XOR_RELAYED_ADDRESS: Self = Self(0x0016);
    /// REQUESTED-ADDRESS-FAMILY (RFC 8656).
    pub const REQUESTED_ADDRESS_FAMILY: Self = Self(0x0017);
    /// REQUESTED-TRANSPORT (RFC 8656).
    pub const REQUESTED_TRANSPORT: Self = Self(0x0019);
    /// MESSAGE-INTEGRITY-SHA256.
    pub const MESSAGE_INTEGRITY_SHA256: Self = Self(0x001c);
    /// PASSWORD-ALGORITHM.
    pub const PASSWORD_ALGORITHM: Self = Self(0x001d);
    /// USERHASH.
    pub const USERHASH: Self = Self(0x001e);
    /// XOR-MAPPED-ADDRESS.
    pub const XOR_MAPPED_ADDRESS: Self = Self(0x0020);
    /// PRIORITY (RFC 8445).
    pub const PRIORITY: Self = Self(0x0024);
    /// USE-CANDIDATE (RFC 8445).
    pub const USE_CANDIDATE: Self = Self(0x0025);
    /// ADDITIONAL-ADDRESS-FAMILY (RFC 8656).
    pub const ADDITIONAL_ADDRESS_FAMILY: Self = Self(0x8000);
    /// ADDRESS-ERROR-CODE (RFC 8656).
    pub const ADDRESS_ERROR_CODE: Self = Self(0x8001);
    /// PASSWORD-ALGORITHMS.
    pub const PASSWORD_ALGORITHMS: Self = Self(0x8002);
    /// ALTERNATE-DOMAIN.
    pub const ALTERNATE_DOMAIN: Self = Self(0x8003);
    /// SOFTWARE.
    pub const SOFTWARE: Self = Self(0x8022);
    /// ALTERNATE-SERVER.
    pub const ALTERNATE_SERVER: Self = Self(0x8023);
    /// FINGERPRINT.
    pub const FINGERPRINT: Self = Self(0x8028);
    /// ICE-CONTROLLED (RFC 8445).
    pub const ICE_CONTROLLED: Self = Self(0x8029);
    /// ICE-CONTROLLING (RFC 8445).
    pub const ICE_CONTROLLING: Self = Self(0x802a);
    /// NOMINATION (draft-thatcher-ice-renomination-01), by the number that libwebrtc gave it.
    pub const NOMINATION: Self = Self(0xc001);

    /// Whether a receiver that does not know this type must refuse the message (RFC 8489 §14).
    pub fn is_comprehension_required(self) -> bool {
        self.0 < 0x8000
    }
}

/// One attribute of a message. Texts and lists borrow from the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute<'a> {
    /// RFC 8489 §14.1: the sender's address as the server saw it, open to rewriting by NATs.
    MappedAddress(SocketAddr),
    /// RFC 8489 §14.2: the sender's address as the server saw it.
    XorMappedAddress(SocketAddr),
    /// RFC 8489 §14.3: at most 508 bytes; in ICE `receiver:sender` (RFC 8445 §7.2.2).
    Username(&'a str),
    /// RFC 8489 §14.4: SHA-256 of user name and realm.
    UserHash(&'a [u8; 32]),
    /// RFC 8489 §14.5: HMAC-SHA1 over all before it.
    MessageIntegrity(&'a [u8; 20]),
    /// RFC 8489 §14.6: HMAC-SHA256 over all before it, 16 to 32 bytes.
    MessageIntegritySha256(&'a [u8]),
    /// RFC 8489 §14.7: CRC-32 over all before it, combined with 0x5354554e.
    Fingerprint(u32),
    /// RFC 8489 §14.8: why a request was refused, with a phrase for people.
    ErrorCode(ErrorCode, &'a str),
    /// RFC 8489 §14.9.
    Realm(&'a str),
    /// RFC 8489 §14.10.
    Nonce(&'a str),
    /// RFC 8489 §14.11: kept as it came, a list of algorithm, length and parameters.
    PasswordAlgorithms(&'a [u8]),
    /// RFC 8489 §14.12: kept as it came.
    PasswordAlgorithm(&'a [u8]),
    /// RFC 8489 §14.13: the types of the attributes that were not understood, 16 bits each.
    UnknownAttributes(&'a [u8]),
    /// RFC 8489 §14.14: who made the sender, for people.
    Software(&'a str),
    /// RFC 8489 §14.15: the server to ask instead.
    AlternateServer(SocketAddr),
    /// RFC 8489 §14.16: its domain name.
    AlternateDomain(&'a str),
    /// RFC 8445 §16.1: the priority a peer-reflexive candidate learned from this check would get.
    Priority(u32),
    /// RFC 8445 §16.1: nominates the pair.
    UseCandidate,
    /// RFC 8445 §16.1: the sender is controlled; its tie-breaker.
    IceControlled(u64),
    /// RFC 8445 §16.1: the sender is controlling; its tie-breaker.
    IceControlling(u64),
    /// draft-thatcher-ice-renomination-01: nominates the pair in place of those with smaller numbers.
    Nomination(u32),
    /// RFC 8656 §18.1: the channel to bind.
    ChannelNumber(u16),
    /// RFC 8656 §18.2: how long an allocation lasts, seconds.
    Lifetime(u32),
    /// RFC 8656 §18.3: the peer as the server sees it.
    XorPeerAddress(SocketAddr),
    /// RFC 8656 §18.4: what goes to the peer or came from it.
    Data(&'a [u8]),
    /// RFC 8656 §18.5: the address that the server lends.
    XorRelayedAddress(SocketAddr),
    /// RFC 8656 §18.6: of which family that shall be.
    RequestedAddressFamily(Family),
    /// RFC 8656 §18.8: the protocol between server and peer, by its IP number: 17 is UDP.
    RequestedTransport(u8),
    /// RFC 8656 §18.11: an address of this family is wanted besides.
    AdditionalAddressFamily(Family),
    /// RFC 8656 §18.12: why there is none of this family.
    AddressErrorCode(Family, ErrorCode),
    /// Any other, or an optional one with a value of the wrong form.
    Unknown(Kind, &'a [u8]),
}

impl<'a> Attribute<'a> {
    /// Its type.
    pub fn kind(&self) -> Kind {
        match self {
            Self::MappedAddress(_) => Kind::MAPPED_ADDRESS,
            Self::XorMappedAddress(_) => Kind::XOR_MAPPED_ADDRESS,
            Self::Username(_) => Kind::USERNAME,
            Self::UserHash(_) => Kind::USERHASH,
            Self::MessageIntegrity(_) => Kind::MESSAGE_INTEGRITY,
            Self::MessageIntegritySha256(_) => Kind::MESSAGE_INTEGRITY_SHA256,
            Self::Fingerprint(_) => Kind::FINGERPRINT,
            Self::ErrorCode(..) => Kind::ERROR_CODE,
            Self::Realm(_) => Kind::REALM,
            Self::Nonce(_) => Kind::NONCE,
            Self::PasswordAlgorithms(_) => Kind::PASSWORD_ALGORITHMS,
            Self::PasswordAlgorithm(_) => Kind::PASSWORD_ALGORITHM,
            Self::UnknownAttributes(_) => Kind::UNKNOWN_ATTRIBUTES,
            Self::Software(_) => Kind::SOFTWARE,
            Self::AlternateServer(_) => Kind::ALTERNATE_SERVER,
            Self::AlternateDomain(_) => Kind::ALTERNATE_DOMAIN,
            Self::Priority(_) => Kind::PRIORITY,
            Self::UseCandidate => Kind::USE_CANDIDATE,
            Self::IceControlled(_) => Kind::ICE_CONTROLLED,
            Self::IceControlling(_) => Kind::ICE_CONTROLLING,
            Self::Nomination(_) => Kind::NOMINATION,
            Self::ChannelNumber(_) => Kind::CHANNEL_NUMBER,
            Self::Lifetime(_) => Kind::LIFETIME,
            Self::XorPeerAddress(_) => Kind::XOR_PEER_ADDRESS,
            Self::Data(_) => Kind::DATA,
            Self::XorRelayedAddress(_) => Kind::XOR_RELAYED_ADDRESS,
            Self::RequestedAddressFamily(_) => Kind::REQUESTED_ADDRESS_FAMILY,
            Self::RequestedTransport(_) => Kind::REQUESTED_TRANSPORT,
            Self::AdditionalAddressFamily(_) => Kind::ADDITIONAL_ADDRESS_FAMILY,
            Self::AddressErrorCode(..) => Kind::ADDRESS_ERROR_CODE,
            Self::Unknown(kind, _) => *kind,
        }
    }

    /// Types a value; `None` where a comprehension-required type has a value of the wrong form. Optional ones are
    /// then kept as [`Attribute::Unknown`], since their receiver is free to ignore them.
    pub(super) fn parse(kind: Kind, value: &'a [u8], mask: &Mask) -> Option<Self> {
        match Self::typed(kind, value, mask) {
            None if !kind.is_comprehension_required() => Some(Self::Unknown(kind, value)),
            typed => typed,
        }
    }

    fn typed(kind: Kind, value: &'a [u8], mask: &Mask) -> Option<Self> {
        Some(match kind {
            Kind::MAPPED_ADDRESS => Self::MappedAddress(address::parse(value, &address::PLAIN)?),
            Kind::XOR_MAPPED_ADDRESS => Self::XorMappedAddress(address::parse(value, mask)?),
            Kind::ALTERNATE_SERVER => Self::AlternateServer(address::parse(value, &address::PLAIN)?),
            Kind::USERNAME => Self::Username(text(value, 508)?),
            Kind::USERHASH => Self::UserHash(value.try_into().ok()?),
            Kind::MESSAGE_INTEGRITY => Self::MessageIntegrity(value.try_into().ok()?),
            Kind::MESSAGE_INTEGRITY_SHA256 => {
                ((16..=32).contains(&value.len()) && value.len().is_multiple_of(4)).then_some(())?;
                Self::MessageIntegritySha256(value)
            }
            Kind::FINGERPRINT => Self::Fingerprint(u32::from_be_bytes(value.try_into().ok()?)),
            Kind::ERROR_CODE => error_code(value)?,
            Kind::REALM => Self::Realm(text(value, 763)?),
            Kind::NONCE => Self::Nonce(text(value, 763)?),
            Kind::PASSWORD_ALGORITHMS => Self::PasswordAlgorithms(value),
            Kind::PASSWORD_ALGORITHM => Self::PasswordAlgorithm(value),
            Kind::UNKNOWN_ATTRIBUTES => {
                value.len().is_multiple_of(2).then_some(Self::UnknownAttributes(value))?
            }
            Kind::SOFTWARE => Self::Software(text(value, 763)?),
            Kind::ALTERNATE_DOMAIN => Self::AlternateDomain(text(value, 255)?),
            Kind::PRIORITY => Self::Priority(u32::from_be_bytes(value.try_into().ok()?)),
            Kind::USE_CANDIDATE => value.is_empty().then_some(Self::UseCandidate)?,
            Kind::ICE_CONTROLLED => Self::IceControlled(u64::from_be_bytes(value.try_into().ok()?)),
            Kind::ICE_CONTROLLING => Self::IceControlling(u64::from_be_bytes(value.try_into().ok()?)),
            Kind::NOMINATION => Self::Nomination(u32::from_be_bytes(value.try_into().ok()?)),
            Kind::CHANNEL_NUMBER => {
                let [high, low, _, _] = <[u8; 4]>::try_from(value).ok()?;
                Self::ChannelNumber(u16::from_be_bytes([high, low]))
            }
            Kind::LIFETIME => Self::Lifetime(u32::from_be_bytes(value.try_into().ok()?)),
            Kind::XOR_PEER_ADDRESS => Self::XorPeerAddress(address::parse(value, mask)?),
            Kind::DATA => Self::Data(value),
            Kind::XOR_RELAYED_ADDRESS => Self::XorRelayedAddress(address::parse(value, mask)?),
            Kind::REQUESTED_ADDRESS_FAMILY => Self::RequestedAddressFamily(family(value)?),
            Kind::REQUESTED_TRANSPORT => {
                let [protocol, _, _, _] = <[u8; 4]>::try_from(value).ok()?;
                Self::RequestedTransport(protocol)
            }
            Kind::ADDITIONAL_ADDRESS_FAMILY => Self::AdditionalAddressFamily(family(value)?),
            Kind::ADDRESS_ERROR_CODE => address_error(value)?,
            _ => Self::Unknown(kind, value),
        })
    }

    /// Appends the value, without header and padding.
    pub(super) fn write_value(&self, mask: &Mask, out: &mut BytesMut) {
        match *self {
            Self::MappedAddress(at) | Self::AlternateServer(at) => address::write(at, &address::PLAIN, out),
            Self::XorMappedAddress(at) | Self::XorPeerAddress(at) | Self::XorRelayedAddress(at) => {
                address::write(at, mask, out);
            }
            Self::Username(text)
            | Self::Realm(text)
            | Self::Nonce(text)
            | Self::Software(text)
            | Self::AlternateDomain(text) => out.put_slice(text.as_bytes()),
            Self::UserHash(hash) => out.put_slice(hash),
            Self::MessageIntegrity(mac) => out.put_slice(mac),
            Self::Fingerprint(crc) => out.put_u32(crc),
            Self::ErrorCode(code, reason) => {
                out.put_u16(0);
                out.put_u8((code.value() / 100) as u8);
                out.put_u8((code.value() % 100) as u8);
                out.put_slice(reason.as_bytes());
            }
            Self::MessageIntegritySha256(bytes)
            | Self::PasswordAlgorithms(bytes)
            | Self::PasswordAlgorithm(bytes)
            | Self::UnknownAttributes(bytes)
            | Self::Data(bytes)
            | Self::Unknown(_, bytes) => out.put_slice(bytes),
            Self::Priority(number) | Self::Nomination(number) => out.put_u32(number),
            Self::UseCandidate => {}
            Self::ChannelNumber(number) => out.put_u32(u32::from(number) << 16),
            Self::Lifetime(seconds) => out.put_u32(seconds),
            Self::RequestedAddressFamily(family) | Self::AdditionalAddressFamily(family) => {
                out.put_slice(&[family.value(), 0, 0, 0]);
            }
            Self::RequestedTransport(protocol) => out.put_slice(&[protocol, 0, 0, 0]),
            Self::AddressErrorCode(family, code) => {
                out.put_slice(&[family.value(), 0]);
                out.put_u8((code.value() / 100) as u8);
                out.put_u8((code.value() % 100) as u8);
            }
            Self::IceControlled(tie_breaker) | Self::IceControlling(tie_breaker) => out.put_u64(tie_breaker),
        }
    }
}

/// Of which family an address is (RFC 8656 §18.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    fn value(self) -> u8 {
        match self {
            Self::V4 => address::IPV4,
            Self::V6 => address::IPV6,
        }
    }

    fn parse(value: u8) -> Option<Self> {
        match value {
            address::IPV4 => Some(Self::V4),
            address::IPV6 => Some(Self::V6),
            _ => None,
        }
    }
}

/// Takes the next attribute's type and value, and skips its padding, whose bytes may be anything.
pub(super) fn take<'a>(reader: &mut Reader<'a>) -> Result<(Kind, &'a [u8]), Truncated> {
    let kind = Kind(reader.u16()?);
    let length = usize::from(reader.u16()?);
    let value = reader.take(length)?;
    reader.take(padding(length))?;
    Ok((kind, value))
}

/// How many bytes follow a value of `length` bytes up to the next 32-bit boundary.
pub(super) fn padding(length: usize) -> usize {
    length.next_multiple_of(4) - length
}

fn text(value: &[u8], limit: usize) -> Option<&str> {
    (value.len() <= limit).then(|| std::str::from_utf8(value).ok())?
}

fn family(value: &[u8]) -> Option<Family> {
    let [family, _, _, _] = <[u8; 4]>::try_from(value).ok()?;
    Family::parse(family)
}

/// The phrase for people that may follow is not kept.
fn address_error(value: &[u8]) -> Option<Attribute<'_>> {
    let mut reader = Reader::new(value);
    let family = Family::parse(reader.u8().ok()?)?;
    let _reserved = reader.u8().ok()?;
    let class = u16::from(reader.u8().ok()? & 7);
    let number = u16::from(reader.u8().ok()?);
    let code = (number < 100).then(|| ErrorCode::new(class * 100 + number))??;
    Some(Attribute::AddressErrorCode(family, code))
}

fn error_code(value: &[u8]) -> Option<Attribute<'_>> {
    let mut reader = Reader::new(value);
    let _reserved = reader.u16().ok()?;
    let class = u16::from(reader.u8().ok()? & 7);
    let number = u16::from(reader.u8().ok()?);
    let code = (number < 100).then(|| ErrorCode::new(class * 100 + number))??;
    Some(Attribute::ErrorCode(code, text(reader.remaining(), 763)?))
}
