//! The header that all RTCP packets share (RFC 3550 §6.1, §6.4), and why bytes are none.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P|  count  |  packet type  |     length in words - 1       |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use bytes::BytesMut;

use crate::cursor::{Reader, Truncated};

/// Why bytes are no RTCP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A field lies beyond the end of its packet, or the packet beyond the end of the datagram.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// The version field is not 2.
    #[error("version {0}, not 2")]
    Version(u8),
    /// The padding count is zero or larger than the packet.
    #[error("padding of {count} bytes in a body of {left}")]
    Padding {
        /// The last byte of the packet.
        count: u8,
        /// The bytes after the header.
        left: usize,
    },
    /// The first of several packets is padded, where only the last may be (RFC 3550 §A.2).
    #[error("the first packet of a compound is padded")]
    EarlyPadding,
    /// A full compound packet does not start with a report (RFC 3550 §6.1).
    #[error("a compound packet starts with packet type {0}, not with a report")]
    NoReport(u8),
    /// A field has a value its packet does not allow.
    #[error("bad {0}")]
    Field(&'static str),
}

/// The first 4 bytes of every RTCP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Whether the body ends with padding.
    pub has_padding: bool,
    /// How many blocks follow, or the format of a feedback message: 0 to 31.
    pub count: u8,
    /// Which packet it is: 200 sender report, 201 receiver report, and so on.
    pub packet_type: u8,
    /// The bytes after these 4, padding included.
    pub body_len: usize,
}

impl Header {
    /// Its own length in bytes.
    pub const LEN: usize = 4;

    /// Takes the header and the body, from which padding is removed, off the front of `reader`.
    ///
    /// Errs where the version is not 2, the length goes beyond the end, or the padding beyond the body. That the
    /// padding be a multiple of 4 (RFC 3550 §6.4.1) is not asked for: transport-wide feedback pads its last word so.
    pub(crate) fn take_packet<'a>(reader: &mut Reader<'a>) -> Result<(Self, &'a [u8]), Error> {
        let header = Self::take(reader)?;
        let body = reader.take(header.body_len)?;
        if !header.has_padding {
            return Ok((header, body));
        }
        let count = body.last().copied().unwrap_or(0);
        match body.len().checked_sub(usize::from(count)) {
            Some(len) if count > 0 => Ok((header, body.get(..len).unwrap_or_default())),
            _ => Err(Error::Padding { count, left: body.len() }),
        }
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let [first, packet_type, high, low] = reader.array()?;
        if first >> 6 != VERSION {
            return Err(Error::Version(first >> 6));
        }
        Ok(Self {
            has_padding: first & 0x20 != 0,
            count: first & 31,
            packet_type,
            body_len: usize::from(u16::from_be_bytes([high, low])) * 4,
        })
    }
}

/// A packet being written: appends the header now, its length when it is finished.
pub(crate) struct Writer<'a> {
    out: &'a mut BytesMut,
    start: usize,
}

impl<'a> Writer<'a> {
    /// Appends a header; `count` is cut to 5 bits.
    pub(crate) fn new(out: &'a mut BytesMut, packet_type: u8, count: u8) -> Self {
        let start = out.len();
        out.extend_from_slice(&[VERSION << 6 | count & 31, packet_type, 0, 0]);
        Self { out, start }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn u24(&mut self, value: u32) {
        let [_, a, b, c] = value.to_be_bytes();
        self.bytes(&[a, b, c]);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }

    /// Zeros up to the next 32-bit word of the packet.
    pub(crate) fn fill_word(&mut self) {
        let len = self.out.len() - self.start;
        self.out.resize(self.start + len.next_multiple_of(4), 0);
    }

    /// How long the packet is so far, header included.
    pub(crate) fn len(&self) -> usize {
        self.out.len() - self.start
    }

    /// Zeros up to the next word, counted as RTCP padding with the P bit (RFC 3550 §6.4.1).
    pub(crate) fn pad_word(&mut self) {
        let missing = (4 - self.len() % 4) % 4;
        if missing == 0 {
            return;
        }
        self.out.resize(self.out.len() + missing - 1, 0);
        self.u8(missing as u8);
        if let Some(first) = self.out.get_mut(self.start) {
            *first |= 0x20;
        }
    }

    /// Overwrites a 16-bit field of the packet, `at` bytes after its start.
    pub(crate) fn patch_u16(&mut self, at: usize, value: u16) {
        if let Some(field) = self.out.get_mut(self.start + at..self.start + at + 2) {
            field.copy_from_slice(&value.to_be_bytes());
        }
    }

    /// Fills the last word with zeros and the length field with what was written.
    pub(crate) fn finish(mut self) {
        self.fill_word();
        let words = self.len() / 4 - 1;
        self.patch_u16(2, words.min(usize::from(u16::MAX)) as u16);
    }
}

const VERSION: u8 = 2;
