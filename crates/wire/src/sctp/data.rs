//! DATA (RFC 9260 §3.3.1) and I-DATA (RFC 8260 §2.1): one fragment of a user message each.
//!
//! Both share flags: `I` asks for a SACK at once (RFC 7053), `U` for unordered delivery, `B` begins a message, `E` ends
//! one.

use bytes::{Buf, Bytes, BytesMut};

use crate::cursor::Reader;
use crate::sctp::error::Error;
use crate::sctp::number::{MessageId, Ppid, Ssn, StreamId, Tsn};
use crate::sctp::tlv::padded;

/// What the flags of DATA and I-DATA say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct DataFlags {
    /// Its sender waits for the SACK (RFC 7053).
    pub immediate: bool,
    /// The message is delivered as soon as it is whole.
    pub unordered: bool,
    /// It is the first fragment of its message.
    pub beginning: bool,
    /// It is the last fragment of its message.
    pub end: bool,
}

/// A DATA chunk (RFC 9260 §3.3.1). Type 0.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |    type 0     |  res  |I|U|B|E|            length             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                              TSN                              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |      stream identifier        |    stream sequence number     |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                  payload protocol identifier                  |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// :                           user data                           :
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// Its number.
    pub tsn: Tsn,
    /// Its stream.
    pub stream: StreamId,
    /// The number of its message in the stream; no meaning where it is unordered.
    pub ssn: Ssn,
    /// What the message is.
    pub ppid: Ppid,
    /// First, last, unordered, and whether its sender waits.
    pub flags: DataFlags,
    /// The fragment, a slice of the packet. Empty is an error of its sender (RFC 9260 §6.2) that the association judges.
    pub payload: Bytes,
}

/// An I-DATA chunk (RFC 8260 §2.1): fragments of many messages may come mixed. Type 64.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |    type 64    |  res  |I|U|B|E|            length             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                              TSN                              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |      stream identifier        |           reserved            |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                       message identifier                      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |  payload protocol identifier (B), or fragment sequence number |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// :                           user data                           :
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterleavedData {
    /// Its number.
    pub tsn: Tsn,
    /// Its stream.
    pub stream: StreamId,
    /// The number of its message in the stream, ordered and unordered apart.
    pub message: MessageId,
    /// What the message is, in the first fragment; 0 in the others.
    pub ppid: Ppid,
    /// Which fragment of the message it is: 0 in the first, then one more each.
    pub fragment: u32,
    /// First, last, unordered, and whether its sender waits.
    pub flags: DataFlags,
    /// The fragment, a slice of the packet. Empty is an error of its sender that the association judges.
    pub payload: Bytes,
}

impl DataFlags {
    /// As the low bits of the chunk flags.
    pub fn bits(self) -> u8 {
        u8::from(self.immediate) << 3
            | u8::from(self.unordered) << 2
            | u8::from(self.beginning) << 1
            | u8::from(self.end)
    }

    /// From the chunk flags; reserved bits are ignored.
    pub fn from_bits(bits: u8) -> Self {
        Self {
            immediate: bits & 8 != 0,
            unordered: bits & 4 != 0,
            beginning: bits & 2 != 0,
            end: bits & 1 != 0,
        }
    }
}

impl Data {
    /// The chunk type.
    pub const KIND: u8 = 0;
    /// What stands before the payload, in bytes.
    pub const HEADER_LEN: usize = 16;

    pub(crate) fn parse(flags: u8, mut value: Bytes) -> Result<Self, Error> {
        let mut reader = Reader::new(&value);
        let tsn = Tsn(reader.u32()?);
        let (stream, ssn) = (StreamId(reader.u16()?), Ssn(reader.u16()?));
        let ppid = Ppid(reader.u32()?);
        value.advance(Self::HEADER_LEN - 4);
        Ok(Self { tsn, stream, ssn, ppid, flags: DataFlags::from_bits(flags), payload: value })
    }

    /// Appends the chunk and its padding.
    pub fn write(&self, out: &mut BytesMut) {
        let first = first_word(Self::KIND, self.flags, Self::HEADER_LEN + self.payload.len());
        let place = u32::from(self.stream.0) << 16 | u32::from(self.ssn.0);
        append(out, [first, self.tsn.0, place, self.ppid.0], &self.payload);
    }
}

impl InterleavedData {
    /// The chunk type.
    pub const KIND: u8 = 64;
    /// What stands before the payload, in bytes.
    pub const HEADER_LEN: usize = 20;

    pub(crate) fn parse(flags: u8, mut value: Bytes) -> Result<Self, Error> {
        let flags = DataFlags::from_bits(flags);
        let mut reader = Reader::new(&value);
        let tsn = Tsn(reader.u32()?);
        let (stream, _reserved) = (StreamId(reader.u16()?), reader.u16()?);
        let message = MessageId(reader.u32()?);
        let last = reader.u32()?;
        let (ppid, fragment) = if flags.beginning { (last, 0) } else { (0, last) };
        value.advance(Self::HEADER_LEN - 4);
        Ok(Self { tsn, stream, message, ppid: Ppid(ppid), fragment, flags, payload: value })
    }

    /// Appends the chunk and its padding.
    pub fn write(&self, out: &mut BytesMut) {
        let first = first_word(Self::KIND, self.flags, Self::HEADER_LEN + self.payload.len());
        let place = u32::from(self.stream.0) << 16;
        let last = if self.flags.beginning { self.ppid.0 } else { self.fragment };
        append(out, [first, self.tsn.0, place, self.message.0, last], &self.payload);
    }
}

fn first_word(kind: u8, flags: DataFlags, len: usize) -> u32 {
    debug_assert!(len <= usize::from(u16::MAX), "the length field has 16 bits");
    let [high, low] = (len as u16).to_be_bytes();
    u32::from_be_bytes([kind, flags.bits(), high, low])
}

fn append<const WORDS: usize>(out: &mut BytesMut, header: [u32; WORDS], payload: &[u8]) {
    out.reserve(WORDS * 4 + padded(payload.len()));
    for word in header {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(payload);
    out.extend_from_slice(&[0; 3][..padded(payload.len()) - payload.len()]);
}
