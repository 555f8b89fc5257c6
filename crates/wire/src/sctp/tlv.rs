//! The frame that chunks, parameters and error causes share: type, length, value, padding (RFC 9260 §3.2, §3.2.1).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  type, or chunk type and flags |           length             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! :                             value                             :
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! The length counts these four bytes and the value, not the zeros that fill the last word. A list of parameters inside
//! a chunk ends with the last value: its padding belongs to the chunk.

use bytes::{Buf, Bytes, BytesMut};

use crate::cursor::{Reader, Truncated};
use crate::sctp::error::Error;

/// What is to be done with a chunk or parameter whose type is not known: its two highest bits say it
/// (RFC 9260 §3.2, §3.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unrecognized {
    /// The highest bit is clear: what follows is not looked at either.
    pub stops: bool,
    /// The second bit is set: the other side is told.
    pub is_reported: bool,
}

impl Unrecognized {
    /// The rule for an unknown chunk type.
    pub fn chunk(kind: u8) -> Self {
        Self { stops: kind & 0x80 == 0, is_reported: kind & 0x40 != 0 }
    }

    /// The rule for an unknown parameter type.
    pub fn parameter(kind: u16) -> Self {
        let [high, _] = kind.to_be_bytes();
        Self::chunk(high)
    }
}

/// `len` with the padding that follows it: the next multiple of four.
pub fn padded(len: usize) -> usize {
    len.next_multiple_of(4)
}

/// The length of type and length.
pub(crate) const HEADER_LEN: usize = 4;

/// Takes the next type, length and value off the front of `rest`, and the padding as far as it is there.
pub(crate) fn take(rest: &mut Bytes) -> Result<([u8; 2], Bytes), Error> {
    let mut reader = Reader::new(rest);
    let (kind, len) = (reader.array()?, reader.u16()?);
    let stated = usize::from(len);
    if stated < HEADER_LEN {
        return Err(Error::Length(len));
    }
    if stated > rest.len() {
        return Err(Truncated { needed: stated, left: rest.len() }.into());
    }
    let mut value = rest.split_to(stated);
    rest.advance((padded(stated) - stated).min(rest.len()));
    value.advance(HEADER_LEN);
    Ok((kind, value))
}

/// Writes one chunk, parameter or cause: type and length now, the true length when it is finished.
pub(crate) struct TlvWriter<'a> {
    out: &'a mut BytesMut,
    start: usize,
}

impl<'a> TlvWriter<'a> {
    /// Appends a chunk's header.
    pub(crate) fn chunk(out: &'a mut BytesMut, kind: u8, flags: u8) -> Self {
        let start = out.len();
        out.extend_from_slice(&[kind, flags, 0, 0]);
        Self { out, start }
    }

    /// Fills the last word of what is written so far, then appends the header of a parameter or cause inside it.
    pub(crate) fn inner(&mut self, kind: u16) -> TlvWriter<'_> {
        self.fill_word();
        let [high, low] = kind.to_be_bytes();
        TlvWriter::chunk(self.out, high, low)
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn zeros(&mut self, count: usize) {
        self.out.resize(self.out.len() + count, 0);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    /// Fills in the length. The last word stays as it is: its padding is written by whoever goes on.
    pub(crate) fn finish(mut self) {
        self.patch_length();
    }

    /// Fills in the length, then the last word with zeros, which the length does not count.
    pub(crate) fn finish_chunk(mut self) {
        self.patch_length();
        self.fill_word();
    }

    fn patch_length(&mut self) {
        let len = self.out.len() - self.start;
        debug_assert!(len <= usize::from(u16::MAX), "the length field has 16 bits");
        if let Some(field) = self.out.get_mut(self.start + 2..self.start + 4) {
            field.copy_from_slice(&(len as u16).to_be_bytes());
        }
    }

    fn fill_word(&mut self) {
        let len = self.out.len() - self.start;
        self.out.resize(self.start + padded(len), 0);
    }
}
