//! Error causes: why an association ends, or what was wrong with a chunk (RFC 9260 §3.3.10). They stand in ABORT and
//! ERROR chunks, each framed as a parameter is.

use bytes::{Buf, Bytes};

use crate::cursor::Reader;
use crate::sctp::error::Error;
use crate::sctp::number::{StreamId, Tsn};
use crate::sctp::tlv::{self, TlvWriter};

/// One error cause.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// Data came on a stream that there is not (§3.3.10.1). Code 1.
    InvalidStream(StreamId),
    /// INIT or INIT ACK lacks these mandatory parameters (§3.3.10.2). Code 2.
    MissingParameters(Vec<u16>),
    /// The state cookie came too late, by so many microseconds (§3.3.10.3). Code 3.
    StaleCookie(u32),
    /// There is no room for an association (§3.3.10.4). Code 4.
    OutOfResource,
    /// This chunk, whole, has an unknown type (§3.3.10.6). Code 6.
    UnrecognizedChunk(Bytes),
    /// A mandatory parameter is invalid (§3.3.10.7). Code 7.
    InvalidMandatoryParameter,
    /// These parameters, whole, of an INIT ACK are unknown (§3.3.10.8). Code 8.
    UnrecognizedParameters(Bytes),
    /// The DATA chunk with this number was empty (§3.3.10.9). Code 9.
    NoUserData(Tsn),
    /// A cookie came while the association shuts down (§3.3.10.10). Code 10.
    CookieWhileShuttingDown,
    /// An INIT with new addresses would restart an association (§3.3.10.11). Code 11.
    Restart(Bytes),
    /// The user ended it, and says why: any bytes (§3.3.10.12). Code 12.
    UserInitiated(Bytes),
    /// What came is against the protocol; any bytes say how (§3.3.10.13). Code 13.
    ProtocolViolation(Bytes),
    /// Any other, unresolvable address (§3.3.10.5) among them.
    Unknown {
        /// The cause code.
        code: u16,
        /// What follows code and length.
        value: Bytes,
    },
}

impl Cause {
    /// Takes one cause off the front of `rest`.
    pub(crate) fn take(rest: &mut Bytes) -> Result<Self, Error> {
        let (code, value) = tlv::take(rest)?;
        let code = u16::from_be_bytes(code);
        let mut reader = Reader::new(&value);
        Ok(match code {
            1 => Self::InvalidStream(StreamId(reader.u16()?)),
            2 => {
                let count = reader.u32()? as usize;
                let mut listed = Reader::new(reader.take(count.saturating_mul(2))?);
                Self::MissingParameters(std::iter::from_fn(|| listed.u16().ok()).collect())
            }
            3 => Self::StaleCookie(reader.u32()?),
            4 => Self::OutOfResource,
            6 => Self::UnrecognizedChunk(value),
            7 => Self::InvalidMandatoryParameter,
            8 => Self::UnrecognizedParameters(value),
            9 => Self::NoUserData(Tsn(reader.u32()?)),
            10 => Self::CookieWhileShuttingDown,
            11 => Self::Restart(value),
            12 => Self::UserInitiated(value),
            13 => Self::ProtocolViolation(value),
            code => Self::Unknown { code, value },
        })
    }

    /// Takes all causes that there are; each takes four bytes at least.
    pub(crate) fn take_all(mut rest: Bytes) -> Result<Vec<Self>, Error> {
        let mut causes = Vec::new();
        while rest.has_remaining() {
            causes.push(Self::take(&mut rest)?);
        }
        Ok(causes)
    }

    /// The cause code (RFC 9260 §3.3.10).
    pub fn code(&self) -> u16 {
        match self {
            Self::InvalidStream(_) => 1,
            Self::MissingParameters(_) => 2,
            Self::StaleCookie(_) => 3,
            Self::OutOfResource => 4,
            Self::UnrecognizedChunk(_) => 6,
            Self::InvalidMandatoryParameter => 7,
            Self::UnrecognizedParameters(_) => 8,
            Self::NoUserData(_) => 9,
            Self::CookieWhileShuttingDown => 10,
            Self::Restart(_) => 11,
            Self::UserInitiated(_) => 12,
            Self::ProtocolViolation(_) => 13,
            Self::Unknown { code, .. } => *code,
        }
    }

    pub(crate) fn write(&self, chunk: &mut TlvWriter<'_>) {
        let mut writer = chunk.inner(self.code());
        match self {
            Self::InvalidStream(stream) => {
                writer.u16(stream.0);
                writer.u16(0);
            }
            Self::MissingParameters(kinds) => {
                writer.u32(kinds.len() as u32);
                kinds.iter().for_each(|kind| writer.u16(*kind));
            }
            Self::StaleCookie(late) => writer.u32(*late),
            Self::NoUserData(tsn) => writer.u32(tsn.0),
            Self::OutOfResource | Self::InvalidMandatoryParameter | Self::CookieWhileShuttingDown => {}
            Self::UnrecognizedChunk(value)
            | Self::UnrecognizedParameters(value)
            | Self::Restart(value)
            | Self::UserInitiated(value)
            | Self::ProtocolViolation(value)
            | Self::Unknown { value, .. } => writer.bytes(value),
        }
        writer.finish();
    }
}
