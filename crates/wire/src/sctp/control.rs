//! The small chunks: HEARTBEAT (RFC 9260 §3.3.5, §3.3.6), ABORT (§3.3.7), ERROR (§3.3.10), SHUTDOWN (§3.3.8). Those that
//! are nothing but a type (COOKIE ACK, SHUTDOWN ACK, SHUTDOWN COMPLETE) stand in `chunk`.

use bytes::{Bytes, BytesMut};

use crate::cursor::Reader;
use crate::sctp::cause::Cause;
use crate::sctp::error::Error;
use crate::sctp::number::Tsn;
use crate::sctp::tlv::{self, TlvWriter};

/// HEARTBEAT and HEARTBEAT ACK: bytes that come back as they went (RFC 9260 §3.3.5, §3.3.6). Types 4 and 5.
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |   type 4, 5   |  flags, 0     |            length             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |    heartbeat info type, 1     |         info length           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// :                     information of its sender                 :
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// What only its sender understands.
    pub info: Bytes,
}

/// ABORT: the association ends at once (RFC 9260 §3.3.7). Type 6.
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |    type 6     |  reserved   |T|            length             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// :                        error causes, or none                  :
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Abort {
    /// T: the packet's tag is the one its sender was sent, as it knows no other (RFC 9260 §8.5.1).
    pub reflected: bool,
    /// Why.
    pub causes: Vec<Cause>,
}

/// ERROR: something was wrong, the association goes on (RFC 9260 §3.3.10). Type 9.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Errors {
    /// What was wrong.
    pub causes: Vec<Cause>,
}

/// SHUTDOWN: its sender has nothing more to send (RFC 9260 §3.3.8). Type 7.
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |    type 7     |  flags, 0     |          length, 8            |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                      cumulative TSN ack                       |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shutdown {
    /// All up to this one have arrived.
    pub cumulative: Tsn,
}

impl Heartbeat {
    /// The chunk type of HEARTBEAT.
    pub const KIND: u8 = 4;
    /// The chunk type of HEARTBEAT ACK.
    pub const ACK_KIND: u8 = 5;
    /// What stands before the information, in bytes.
    pub const HEADER_LEN: usize = 8;

    /// Errs where the first parameter is no heartbeat information; others behind it are ignored.
    pub(crate) fn parse(mut value: Bytes) -> Result<Self, Error> {
        match tlv::take(&mut value)? {
            (INFO, info) => Ok(Self { info }),
            _ => Err(Error::Field("heartbeat information")),
        }
    }

    /// Appends it as a chunk of type `kind`: [`KIND`](Self::KIND) or [`ACK_KIND`](Self::ACK_KIND).
    pub(crate) fn write(&self, kind: u8, out: &mut BytesMut) {
        let mut writer = TlvWriter::chunk(out, kind, 0);
        let mut info = writer.inner(u16::from_be_bytes(INFO));
        info.bytes(&self.info);
        info.finish();
        writer.finish_chunk();
    }
}

impl Abort {
    /// The chunk type.
    pub const KIND: u8 = 6;

    pub(crate) fn parse(flags: u8, value: Bytes) -> Result<Self, Error> {
        Ok(Self { reflected: flags & REFLECTED != 0, causes: Cause::take_all(value)? })
    }

    /// Appends the chunk.
    pub fn write(&self, out: &mut BytesMut) {
        write_causes(out, Self::KIND, reflected_bit(self.reflected), &self.causes);
    }
}

impl Errors {
    /// The chunk type.
    pub const KIND: u8 = 9;

    pub(crate) fn parse(value: Bytes) -> Result<Self, Error> {
        Ok(Self { causes: Cause::take_all(value)? })
    }

    /// Appends the chunk.
    pub fn write(&self, out: &mut BytesMut) {
        write_causes(out, Self::KIND, 0, &self.causes);
    }
}

impl Shutdown {
    /// The chunk type.
    pub const KIND: u8 = 7;

    pub(crate) fn parse(value: &[u8]) -> Result<Self, Error> {
        Ok(Self { cumulative: Tsn(Reader::new(value).u32()?) })
    }

    /// Appends the chunk.
    pub fn write(&self, out: &mut BytesMut) {
        let mut writer = TlvWriter::chunk(out, Self::KIND, 0);
        writer.u32(self.cumulative.0);
        writer.finish_chunk();
    }
}

fn write_causes(out: &mut BytesMut, kind: u8, flags: u8, causes: &[Cause]) {
    let mut writer = TlvWriter::chunk(out, kind, flags);
    causes.iter().for_each(|cause| cause.write(&mut writer));
    writer.finish_chunk();
}

/// The T bit as chunk flags.
pub(crate) fn reflected_bit(reflected: bool) -> u8 {
    if reflected { REFLECTED } else { 0 }
}

/// T, in ABORT and SHUTDOWN COMPLETE (RFC 9260 §3.3.7, §3.3.13).
pub(crate) const REFLECTED: u8 = 1;
const INFO: [u8; 2] = [0, 1];
