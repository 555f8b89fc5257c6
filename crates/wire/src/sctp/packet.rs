//! A packet: the common header and its chunks (RFC 9260 §3).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |     source port number        |     destination port number   |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                      verification tag                         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                  checksum: CRC32c, or zero                    |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! :                            chunks                             :
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use bytes::{Buf, Bytes, BytesMut};

use crate::cursor::Reader;
use crate::sctp::checksum::{self, Checksum, crc32c_of};
use crate::sctp::chunk::Chunk;
use crate::sctp::error::Error;
use crate::sctp::number::Tag;

/// The common header without its checksum (RFC 9260 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The port it comes from; 5000 in WebRTC.
    pub source_port: u16,
    /// The port it goes to.
    pub destination_port: u16,
    /// Which association it is for.
    pub tag: Tag,
}

/// A packet whose checksum has been found right; its chunks have not been looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Ports and tag.
    pub header: Header,
    /// Whether the checksum was zero where that is allowed. INIT and COOKIE ECHO must have the true one
    /// (RFC 9653 §5.2).
    pub has_zero_checksum: bool,
    /// The chunks, read while they are iterated.
    pub chunks: Chunks,
}

/// The chunks of a packet in order. After an error there are no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunks {
    rest: Bytes,
}

/// Appends a packet to a buffer, chunk by chunk.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut BytesMut,
    start: usize,
}

impl Header {
    /// Its length with the checksum, in bytes.
    pub const LEN: usize = 12;
}

impl Packet {
    /// Reads the header of `packet` and checks its checksum; where `checksum` is [`Checksum::Zero`], zero is right too.
    ///
    /// Errs where it is too short, the checksum is wrong, or there is no chunk.
    pub fn parse(mut packet: Bytes, checksum: Checksum) -> Result<Self, Error> {
        let mut reader = Reader::new(&packet);
        let (source_port, destination_port) = (reader.u16()?, reader.u16()?);
        let tag = Tag(reader.u32()?);
        let stated: [u8; checksum::LEN] = reader.array()?;
        if reader.is_empty() {
            return Err(Error::Empty);
        }
        let has_zero_checksum = checksum == Checksum::Zero && stated == [0; checksum::LEN];
        if !has_zero_checksum && stated != crc32c_of(&packet) {
            return Err(Error::Checksum);
        }
        packet.advance(Header::LEN);
        let header = Header { source_port, destination_port, tag };
        Ok(Self { header, has_zero_checksum, chunks: Chunks { rest: packet } })
    }
}

impl Chunks {
    /// The bytes that have not been read yet.
    pub fn rest(&self) -> &Bytes {
        &self.rest
    }
}

impl Iterator for Chunks {
    type Item = Result<Chunk, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let chunk = Chunk::take(&mut self.rest);
        if chunk.is_err() {
            self.rest.clear();
        }
        Some(chunk)
    }
}

impl<'a> Writer<'a> {
    /// Appends the common header.
    pub fn new(out: &'a mut BytesMut, header: Header) -> Self {
        let start = out.len();
        let ports = u32::from(header.source_port) << 16 | u32::from(header.destination_port);
        for word in [ports, header.tag.0, 0] {
            out.extend_from_slice(&word.to_be_bytes());
        }
        Self { out, start }
    }

    /// Appends a chunk.
    pub fn chunk(&mut self, chunk: &Chunk) {
        chunk.write(self.out);
    }

    /// The buffer, for chunks that write themselves (`Data::write`, `Sack::write_parts`).
    pub fn out(&mut self) -> &mut BytesMut {
        self.out
    }

    /// How long the packet is so far.
    pub fn len(&self) -> usize {
        self.out.len() - self.start
    }

    /// Whether it has no chunk yet.
    pub fn is_empty(&self) -> bool {
        self.len() <= Header::LEN
    }

    /// Fills in the checksum, and gives the length of the packet.
    pub fn finish(self, checksum: Checksum) -> usize {
        let packet = self.out.get_mut(self.start..).unwrap_or_default();
        if checksum == Checksum::Crc32c {
            let crc = crc32c_of(packet);
            if let Some(field) = packet.get_mut(checksum::OFFSET..Header::LEN) {
                field.copy_from_slice(&crc);
            }
        }
        packet.len()
    }
}

#[cfg(test)]
mod tests;
