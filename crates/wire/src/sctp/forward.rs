//! FORWARD TSN (RFC 3758 §3.2) and I-FORWARD TSN (RFC 8260 §2.3.1): its sender has given messages up, and the receiver
//! goes on as if all up to a number had arrived.

use bytes::BytesMut;

use crate::cursor::Reader;
use crate::sctp::error::Error;
use crate::sctp::number::{MessageId, Ssn, StreamId, Tsn};
use crate::sctp::tlv::TlvWriter;

/// A FORWARD TSN chunk. Type 192.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |   type 192    |  flags, 0     |            length             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                      new cumulative TSN                       |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |         stream 1              |   stream sequence 1           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// :                             ...                               :
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardTsn {
    /// All up to this one count as arrived.
    pub cumulative: Tsn,
    /// The ordered messages given up, the last of each stream.
    pub skipped: Vec<SkippedStream>,
}

/// The last ordered message of a stream that was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SkippedStream {
    /// Which stream.
    pub stream: StreamId,
    /// The last message given up.
    pub ssn: Ssn,
}

/// An I-FORWARD TSN chunk. Type 194.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |   type 194    |  flags, 0     |            length             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                      new cumulative TSN                       |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |         stream 1              |        reserved             |U|
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                     message identifier 1                      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// :                             ...                               :
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterleavedForwardTsn {
    /// All up to this one count as arrived.
    pub cumulative: Tsn,
    /// The messages given up, the last of each stream, ordered and unordered apart.
    pub skipped: Vec<SkippedMessage>,
}

/// The last message of a stream, in order or not, that was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SkippedMessage {
    /// Which stream.
    pub stream: StreamId,
    /// Whether it is one of the unordered messages.
    pub unordered: bool,
    /// The last message given up.
    pub message: MessageId,
}

impl ForwardTsn {
    /// The chunk type.
    pub const KIND: u8 = 192;
    /// What stands before the list, in bytes.
    pub const HEADER_LEN: usize = 8;
    /// What each skipped stream takes, in bytes.
    pub const ENTRY_LEN: usize = 4;

    /// Errs where the list does not end with a whole entry.
    pub(crate) fn parse(value: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(value);
        let cumulative = Tsn(reader.u32()?);
        let mut skipped = Vec::with_capacity(reader.left() / Self::ENTRY_LEN);
        while !reader.is_empty() {
            skipped.push(SkippedStream { stream: StreamId(reader.u16()?), ssn: Ssn(reader.u16()?) });
        }
        Ok(Self { cumulative, skipped })
    }

    /// Appends the chunk.
    pub fn write(&self, out: &mut BytesMut) {
        let mut writer = TlvWriter::chunk(out, Self::KIND, 0);
        writer.u32(self.cumulative.0);
        for skipped in &self.skipped {
            writer.u16(skipped.stream.0);
            writer.u16(skipped.ssn.0);
        }
        writer.finish_chunk();
    }
}

impl InterleavedForwardTsn {
    /// The chunk type.
    pub const KIND: u8 = 194;
    /// What stands before the list, in bytes.
    pub const HEADER_LEN: usize = 8;
    /// What each skipped message takes, in bytes.
    pub const ENTRY_LEN: usize = 8;

    /// Errs where the list does not end with a whole entry.
    pub(crate) fn parse(value: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(value);
        let cumulative = Tsn(reader.u32()?);
        let mut skipped = Vec::with_capacity(reader.left() / Self::ENTRY_LEN);
        while !reader.is_empty() {
            let (stream, flags) = (StreamId(reader.u16()?), reader.u16()?);
            let message = MessageId(reader.u32()?);
            skipped.push(SkippedMessage { stream, unordered: flags & UNORDERED != 0, message });
        }
        Ok(Self { cumulative, skipped })
    }

    /// Appends the chunk.
    pub fn write(&self, out: &mut BytesMut) {
        let mut writer = TlvWriter::chunk(out, Self::KIND, 0);
        writer.u32(self.cumulative.0);
        for skipped in &self.skipped {
            writer.u16(skipped.stream.0);
            writer.u16(if skipped.unordered { UNORDERED } else { 0 });
            writer.u32(skipped.message.0);
        }
        writer.finish_chunk();
    }
}

const UNORDERED: u16 = 1;
