//! The optional parameters of INIT and INIT ACK (RFC 9260 §3.3.2.1, §3.3.3.1) and of the extensions we speak.

use bytes::{Buf, Bytes};

use crate::cursor::Reader;
use crate::sctp::error::Error;
use crate::sctp::tlv::{self, TlvWriter, Unrecognized};

/// One parameter of INIT or INIT ACK.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parameter {
    /// What the answerer wants to see again in COOKIE ECHO (RFC 9260 §3.3.3.1). Type 7.
    StateCookie(Bytes),
    /// A parameter of the INIT, whole, that the answerer does not know (RFC 9260 §3.3.3.1). Type 8.
    Unrecognized(Bytes),
    /// A wish for a longer life of the cookie, by so many milliseconds (RFC 9260 §3.3.2.1). Type 9.
    CookiePreservative(u32),
    /// Packets with a zero checksum are accepted, by this error detection method (RFC 9653 §4): 1 is DTLS
    /// (RFC 9653 §7). Type 0x8001.
    ZeroChecksum(u32),
    /// The chunk types beyond RFC 9260 that its sender knows, one byte each (RFC 5061 §4.2.7). Type 0x8008.
    SupportedExtensions(Bytes),
    /// Partial reliability is supported (RFC 3758 §3.1). Type 0xC000.
    ForwardTsn,
    /// Any other: addresses, HMAC parameters, and what is to come.
    Unknown {
        /// The parameter type.
        kind: u16,
        /// What follows type and length.
        value: Bytes,
    },
}

impl Parameter {
    /// Zero checksums because of DTLS below (RFC 9653 §7).
    pub const DTLS: u32 = 1;

    /// Takes one parameter off the front of `rest`.
    pub(crate) fn take(rest: &mut Bytes) -> Result<Self, Error> {
        let (kind, value) = tlv::take(rest)?;
        let mut reader = Reader::new(&value);
        Ok(match u16::from_be_bytes(kind) {
            STATE_COOKIE => Self::StateCookie(value),
            UNRECOGNIZED => Self::Unrecognized(value),
            COOKIE_PRESERVATIVE => Self::CookiePreservative(reader.u32()?),
            ZERO_CHECKSUM => Self::ZeroChecksum(reader.u32()?),
            SUPPORTED_EXTENSIONS => Self::SupportedExtensions(value),
            FORWARD_TSN => Self::ForwardTsn,
            kind => Self::Unknown { kind, value },
        })
    }

    /// Takes all parameters that there are; each takes four bytes at least.
    pub(crate) fn take_all(mut rest: Bytes) -> Result<Vec<Self>, Error> {
        let mut parameters = Vec::new();
        while rest.has_remaining() {
            parameters.push(Self::take(&mut rest)?);
        }
        Ok(parameters)
    }

    /// The parameter type.
    pub fn kind(&self) -> u16 {
        match self {
            Self::StateCookie(_) => STATE_COOKIE,
            Self::Unrecognized(_) => UNRECOGNIZED,
            Self::CookiePreservative(_) => COOKIE_PRESERVATIVE,
            Self::ZeroChecksum(_) => ZERO_CHECKSUM,
            Self::SupportedExtensions(_) => SUPPORTED_EXTENSIONS,
            Self::ForwardTsn => FORWARD_TSN,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    /// What is to be done with it if it is one of those that nobody here reads; `None` for those of RFC 9260 and of
    /// the extensions that may be ignored though they are known: addresses, host name, supported address types,
    /// ECN, random, chunk list, HMAC, padding.
    pub fn unrecognized(&self) -> Option<Unrecognized> {
        match self {
            Self::Unknown { kind: 5 | 6 | 11 | 12 | 0x8000 | 0x8002..=0x8005, .. } => None,
            Self::Unknown { kind, .. } => Some(Unrecognized::parameter(*kind)),
            _ => None,
        }
    }

    pub(crate) fn write(&self, chunk: &mut TlvWriter<'_>) {
        let mut writer = chunk.inner(self.kind());
        match self {
            Self::StateCookie(value)
            | Self::Unrecognized(value)
            | Self::SupportedExtensions(value)
            | Self::Unknown { value, .. } => writer.bytes(value),
            Self::CookiePreservative(value) | Self::ZeroChecksum(value) => writer.u32(*value),
            Self::ForwardTsn => {}
        }
        writer.finish();
    }
}

const STATE_COOKIE: u16 = 7;
const UNRECOGNIZED: u16 = 8;
const COOKIE_PRESERVATIVE: u16 = 9;
const ZERO_CHECKSUM: u16 = 0x8001;
const SUPPORTED_EXTENSIONS: u16 = 0x8008;
const FORWARD_TSN: u16 = 0xc000;
