//! Reads STUN messages (RFC 8489 §5, §6.3).

use std::fmt;
use std::net::SocketAddr;

use bytes::BytesMut;

use crate::cursor::Reader;
use crate::stun::attribute::{self, Attribute, Kind};
use crate::stun::code::ErrorCode;
use crate::stun::error::Error;
use crate::stun::integrity::{self, FINGERPRINT, HEADER, INTEGRITY, Integrity, IntegritySha256};
use crate::stun::writer::{self, Class, Method, TransactionId, Writer};

/// A STUN message, a view of a datagram. Every attribute has been looked at: what needs a form has it, and the
/// fingerprint, if there is one, is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    class: Class,
    method: Method,
    transaction: TransactionId,
    header: &'a [u8; HEADER],
    body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads one datagram.
    ///
    /// # Errors
    /// Where RFC 8489 §6.3 or §14.7 says to drop it.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, Error> {
        let (header, body) = split_header(datagram)?;
        let mut reader = Reader::new(header);
        let kind = reader.u16()?;
        let stated = usize::from(reader.u16()?);
        if kind >= 0x4000 || reader.u32()? != writer::COOKIE {
            return Err(Error::NotStun);
        }
        if stated != body.len() || !stated.is_multiple_of(4) {
            return Err(Error::Length { stated, actual: body.len() });
        }
        let transaction = TransactionId(reader.array()?);
        let (class, method) = writer::split_type(kind);
        let message = Self { class, method, transaction, header, body };
        message.check()?;
        Ok(message)
    }

    /// Appends the message anew: padding becomes zeros, attributes that must be ignored are left out, FINGERPRINT is
    /// computed, MESSAGE-INTEGRITY stays as it was.
    pub fn write(&self, out: &mut BytesMut) {
        let mut writer = Writer::new(out, self.class, self.method, self.transaction);
        for attribute in self.attributes() {
            match attribute {
                Attribute::Fingerprint(_) => return writer.fingerprint(),
                attribute => writer.attribute(attribute),
            }
        }
    }

    /// What it is for.
    pub fn class(&self) -> Class {
        self.class
    }

    /// What is asked for.
    pub fn method(&self) -> Method {
        self.method
    }

    /// What joins request and response.
    pub fn transaction(&self) -> TransactionId {
        self.transaction
    }

    /// The attributes in order, without those that follow MESSAGE-INTEGRITY and are not protected by it, which a
    /// receiver must ignore (RFC 8489 §14.5). Where a type repeats, only the first counts.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let mask = writer::mask(self.transaction);
        let mut is_sealed = false;
        self.raw().filter_map(move |(_, kind, value)| {
            let is_seal = matches!(kind, Kind::MESSAGE_INTEGRITY | Kind::MESSAGE_INTEGRITY_SHA256);
            let is_ignored = is_sealed && !is_seal && kind != Kind::FINGERPRINT;
            is_sealed |= is_seal;
            if is_ignored { None } else { Attribute::parse(kind, value, &mask) }
        })
    }

    /// The first MESSAGE-INTEGRITY and what it covers.
    pub fn integrity(&self) -> Option<Integrity<'a>> {
        let (at, _, value) = self.raw().find(|(_, kind, _)| *kind == Kind::MESSAGE_INTEGRITY)?;
        let mac = value.try_into().ok()?;
        Some(Integrity { header: self.header_as_if(at + INTEGRITY), body: self.body.get(..at)?, mac })
    }

    /// The first MESSAGE-INTEGRITY-SHA256 and what it covers.
    pub fn integrity_sha256(&self) -> Option<IntegritySha256<'a>> {
        let (at, _, mac) = self.raw().find(|(_, kind, _)| *kind == Kind::MESSAGE_INTEGRITY_SHA256)?;
        let header = self.header_as_if(at + 4 + mac.len());
        Some(IntegritySha256 { header, body: self.body.get(..at)?, mac })
    }

    /// Whether it carries FINGERPRINT; a wrong one does not parse.
    pub fn has_fingerprint(&self) -> bool {
        self.raw().any(|(_, kind, _)| kind == Kind::FINGERPRINT)
    }

    /// The types of comprehension-required attributes that this crate does not know (RFC 8489 §6.3.1).
    pub fn unknown_required(&self) -> impl Iterator<Item = Kind> + use<'a> {
        self.attributes().filter_map(|attribute| match attribute {
            Attribute::Unknown(kind, _) if kind.is_comprehension_required() => Some(kind),
            _ => None,
        })
    }

    /// USERNAME.
    pub fn username(&self) -> Option<&'a str> {
        self.attributes().find_map(|attribute| match attribute {
            Attribute::Username(text) => Some(text),
            _ => None,
        })
    }

    /// XOR-MAPPED-ADDRESS, or MAPPED-ADDRESS where an old server sends only that (RFC 8489 §14.1).
    pub fn mapped_address(&self) -> Option<SocketAddr> {
        let xor = self.attributes().find_map(|attribute| match attribute {
            Attribute::XorMappedAddress(address) => Some(address),
            _ => None,
        });
        xor.or_else(|| {
            self.attributes().find_map(|attribute| match attribute {
                Attribute::MappedAddress(address) => Some(address),
                _ => None,
            })
        })
    }

    /// PRIORITY.
    pub fn priority(&self) -> Option<u32> {
        self.attributes().find_map(|attribute| match attribute {
            Attribute::Priority(priority) => Some(priority),
            _ => None,
        })
    }

    /// ERROR-CODE without its phrase.
    pub fn error_code(&self) -> Option<ErrorCode> {
        self.attributes().find_map(|attribute| match attribute {
            Attribute::ErrorCode(code, _) => Some(code),
            _ => None,
        })
    }

    /// Whether USE-CANDIDATE is there.
    pub fn has_use_candidate(&self) -> bool {
        self.attributes().any(|attribute| attribute == Attribute::UseCandidate)
    }

    /// NOMINATION (draft-thatcher-ice-renomination-01).
    pub fn nomination(&self) -> Option<u32> {
        self.attributes().find_map(|attribute| match attribute {
            Attribute::Nomination(number) => Some(number),
            _ => None,
        })
    }

    /// Each attribute with its offset in the body, its type and its value.
    fn raw(&self) -> impl Iterator<Item = (usize, Kind, &'a [u8])> + use<'a> {
        let mut reader = Reader::new(self.body);
        let length = self.body.len();
        std::iter::from_fn(move || {
            let at = length - reader.left();
            attribute::take(&mut reader).ok().map(|(kind, value)| (at, kind, value))
        })
    }

    fn check(&self) -> Result<(), Error> {
        let mask = writer::mask(self.transaction);
        let mut reader = Reader::new(self.body);
        let mut is_sealed = false;
        while !reader.is_empty() {
            let at = self.body.len() - reader.left();
            let (kind, value) = attribute::take(&mut reader)?;
            let is_seal = matches!(kind, Kind::MESSAGE_INTEGRITY | Kind::MESSAGE_INTEGRITY_SHA256);
            if (!is_sealed || is_seal) && Attribute::parse(kind, value, &mask).is_none() {
                return Err(Error::Attribute(kind.0));
            }
            is_sealed |= is_seal;
            if kind != Kind::FINGERPRINT {
                continue;
            }
            if !reader.is_empty() {
                return Err(Error::AfterFingerprint);
            }
            let covered = [&self.header_as_if(at + FINGERPRINT)[..], self.body.get(..at).unwrap_or_default()];
            if integrity::fingerprint(covered).to_be_bytes()[..] != *value {
                return Err(Error::Fingerprint);
            }
        }
        Ok(())
    }

    /// The header with another length.
    fn header_as_if(&self, length: usize) -> [u8; HEADER] {
        let mut header = *self.header;
        let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        header[2] = high;
        header[3] = low;
        header
    }
}

fn split_header(datagram: &[u8]) -> Result<(&[u8; HEADER], &[u8]), Error> {
    let mut reader = Reader::new(datagram);
    reader.take(HEADER)?;
    datagram.split_first_chunk::<HEADER>().ok_or(Error::NotStun)
}

impl fmt::Display for Message<'_> {
    /// One line for people: what it is, the end of its transaction id, and the attributes that say something. No
    /// secret is in it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.method {
            Method::BINDING => formatter.write_str("binding ")?,
            Method::ALLOCATE => formatter.write_str("allocate ")?,
            Method::REFRESH => formatter.write_str("refresh ")?,
            Method::SEND => formatter.write_str("send ")?,
            Method::DATA => formatter.write_str("data ")?,
            Method::CREATE_PERMISSION => formatter.write_str("create permission ")?,
            Method::CHANNEL_BIND => formatter.write_str("channel bind ")?,
            method => write!(formatter, "method {:#05x} ", method.value())?,
        }
        formatter.write_str(match self.class {
            Class::Request => "request",
            Class::Indication => "indication",
            Class::Success => "success",
            Class::Error => "error",
        })?;
        write!(formatter, " {:?}", self.transaction)?;
        self.attributes().try_for_each(|attribute| match attribute {
            Attribute::XorMappedAddress(at) | Attribute::MappedAddress(at) => {
                write!(formatter, " mapped={at}")
            }
            Attribute::Username(name) => write!(formatter, " username={name:?}"),
            Attribute::ErrorCode(code, reason) => write!(formatter, " error={code} {reason:?}"),
            Attribute::Software(name) => write!(formatter, " software={name:?}"),
            Attribute::AlternateServer(at) => write!(formatter, " alternate={at}"),
            Attribute::Priority(priority) => write!(formatter, " priority={priority}"),
            Attribute::UseCandidate => formatter.write_str(" use-candidate"),
            Attribute::Nomination(number) => write!(formatter, " nomination={number}"),
            Attribute::XorRelayedAddress(at) => write!(formatter, " relayed={at}"),
            Attribute::XorPeerAddress(at) => write!(formatter, " peer={at}"),
            Attribute::Lifetime(seconds) => write!(formatter, " lifetime={seconds}"),
            Attribute::ChannelNumber(number) => write!(formatter, " channel={number:#06x}"),
            Attribute::Data(data) => write!(formatter, " data[{}]", data.len()),
            Attribute::IceControlled(_) => formatter.write_str(" controlled"),
            Attribute::IceControlling(_) => formatter.write_str(" controlling"),
            Attribute::MessageIntegrity(_) => formatter.write_str(" integrity"),
            Attribute::Fingerprint(_) => formatter.write_str(" fingerprint"),
            Attribute::Unknown(kind, value) => write!(formatter, " {:#06x}[{}]", kind.0, value.len()),
            _ => Ok(()),
        })
    }
}

#[cfg(test)]
mod tests;
