//! Ogg pages (RFC 3533 §6): packets cut into segments of 255 bytes, many to a page, each page with a checksum.
//!
//! ```text
//! "OggS"  version 0 (1)  flags (1)  granule position (8)  serial (4)  number (4)  checksum (4)  segments (1)
//! then the length of each segment (1 each), then their bytes                                  all little-endian
//! ```
//!
//! Our own, rather than a library's: one logical stream is all we need, memory must stay bounded whatever a file
//! says, and a page must leave when we say so; the two that were looked at gather a packet of any length.

use std::io::{Read, Write};

use bytes::{Bytes, BytesMut};

use crate::file::error::{Error, Fault};
use crate::file::input::Input;
use crate::file::stored::FRAME_LIMIT;

const HEADER_LEN: usize = 27;
const MAX_SEGMENTS: usize = 255;
const CONTINUED: u8 = 1;
const FIRST: u8 = 2;
const LAST: u8 = 4;
/// The granule position of a page on which no packet ends (§6).
const NO_POSITION: u64 = u64::MAX;

/// Writes the pages of one logical stream.
#[derive(Debug)]
pub(crate) struct PageWriter<W> {
    output: W,
    serial: u32,
    number: u32,
    lacing: Vec<u8>,
    body: Vec<u8>,
    /// Of the last packet that ends on the page being filled.
    position: u64,
    /// The page begins inside a packet.
    is_continued: bool,
}

impl<W: Write> PageWriter<W> {
    pub(crate) fn new(output: W, serial: u32) -> Self {
        let (lacing, body) = (Vec::with_capacity(MAX_SEGMENTS), Vec::new());
        Self { output, serial, number: 0, lacing, body, position: NO_POSITION, is_continued: false }
    }

    /// Adds a packet that ends at a granule position. Full pages are written.
    pub(crate) fn write(&mut self, packet: &[u8], position: u64) -> Result<(), Error> {
        // A length that is a multiple of 255 is told by an empty segment behind.
        let mut rest = packet;
        loop {
            if self.lacing.len() == MAX_SEGMENTS {
                let is_inside = rest.len() != packet.len();
                self.write_page(0)?;
                self.is_continued = is_inside;
            }
            let (segment, behind) = rest.split_at(rest.len().min(255));
            self.lacing.push(segment.len() as u8);
            self.body.extend_from_slice(segment);
            rest = behind;
            if segment.len() < 255 {
                break;
            }
        }
        self.position = position;
        Ok(())
    }

    /// Writes the page being filled, if there is anything on it.
    pub(crate) fn end_page(&mut self) -> Result<(), Error> {
        if self.lacing.is_empty() { Ok(()) } else { self.write_page(0) }
    }

    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        Ok(self.output.flush()?)
    }

    /// Writes the last page, which may be empty, and gives the output back.
    pub(crate) fn finish(mut self, position: u64) -> Result<W, Error> {
        self.position = position;
        self.write_page(LAST)?;
        self.output.flush()?;
        Ok(self.output)
    }

    fn write_page(&mut self, flags: u8) -> Result<(), Error> {
        let first = if self.number == 0 { FIRST } else { 0 };
        let continued = if self.is_continued { CONTINUED } else { 0 };
        let mut header = Vec::with_capacity(HEADER_LEN + self.lacing.len());
        header.extend_from_slice(b"OggS\0");
        header.push(flags | first | continued);
        header.extend_from_slice(&self.position.to_le_bytes());
        header.extend_from_slice(&self.serial.to_le_bytes());
        header.extend_from_slice(&self.number.to_le_bytes());
        header.extend_from_slice(&[0; 4]);
        header.push(self.lacing.len() as u8);
        header.extend_from_slice(&self.lacing);
        let sum = checksum(checksum(0, &header), &self.body);
        if let Some(field) = header.get_mut(22..26) {
            field.copy_from_slice(&sum.to_le_bytes());
        }
        self.output.write_all(&header)?;
        self.output.write_all(&self.body)?;
        self.number = self.number.wrapping_add(1);
        (self.position, self.is_continued) = (NO_POSITION, false);
        self.lacing.clear();
        self.body.clear();
        Ok(())
    }
}

/// One packet as it was read.
#[derive(Debug)]
pub(crate) struct Packet {
    pub(crate) bytes: Bytes,
    /// The granule position of its page, on the last packet that ends there.
    pub(crate) position: Option<u64>,
    /// Packets, or parts of one, are missing before it.
    pub(crate) after_gap: bool,
}

/// Reads the packets of the first logical stream; pages of others are passed over.
#[derive(Debug)]
pub(crate) struct PageReader<R> {
    input: Input<R>,
    serial: Option<u32>,
    next_number: u32,
    /// Segments of the page that were not taken yet.
    lacing: std::collections::VecDeque<u8>,
    body: Bytes,
    position: u64,
    is_last: bool,
    /// The packet being put together; `None` where its beginning is missing.
    partial: Option<BytesMut>,
    after_gap: bool,
}

impl<R: Read> PageReader<R> {
    pub(crate) fn new(input: Input<R>) -> Self {
        Self {
            input,
            serial: None,
            next_number: 0,
            lacing: std::collections::VecDeque::new(),
            body: Bytes::new(),
            position: NO_POSITION,
            is_last: false,
            partial: Some(BytesMut::new()),
            after_gap: false,
        }
    }

    pub(crate) fn input(&self) -> &Input<R> {
        &self.input
    }

    /// The next packet; `None` at the end of the stream. Errs where the file ends inside a page or a packet, or a page
    /// is broken; it must not be asked again then.
    pub(crate) fn next_packet(&mut self) -> Result<Option<Packet>, Error> {
        loop {
            while let Some(len) = self.lacing.pop_front() {
                let segment = self.body.split_to(usize::from(len).min(self.body.len()));
                let Some(partial) = &mut self.partial else {
                    // The end of a packet whose beginning is missing.
                    if len < 255 {
                        self.partial = Some(BytesMut::new());
                    }
                    continue;
                };
                if partial.len() + segment.len() > FRAME_LIMIT {
                    return Err(self.input.malformed(Fault::Oversized));
                }
                partial.extend_from_slice(&segment);
                if len == 255 {
                    continue;
                }
                let ends_here = !self.lacing.iter().any(|len| *len < 255);
                let position = (ends_here && self.position != NO_POSITION).then_some(self.position);
                let after_gap = std::mem::take(&mut self.after_gap);
                return Ok(Some(Packet { bytes: partial.split().freeze(), position, after_gap }));
            }
            let is_inside = self.partial.as_ref().is_some_and(|partial| !partial.is_empty());
            if self.is_last || !self.next_page()? {
                return if is_inside { Err(self.input.truncated()) } else { Ok(None) };
            }
        }
    }

    /// Goes to the stream's next page; `false` where there is none.
    fn next_page(&mut self) -> Result<bool, Error> {
        loop {
            let Some(header) = self.input.header::<HEADER_LEN>()? else { return Ok(false) };
            let page = Page::parse(&header).ok_or(self.input.malformed(Fault::Structure))?;
            let lacing = self.input.take(page.segments)?;
            let body = self.input.take(lacing.iter().map(|len| usize::from(*len)).sum())?;
            if page.checksum != checksum(checksum(checksum(0, &page.plain), &lacing), &body) {
                return Err(self.input.malformed(Fault::Checksum));
            }
            if *self.serial.get_or_insert(page.serial) != page.serial {
                continue;
            }
            let is_gap = page.number != self.next_number;
            let was_inside = self.partial.as_ref().is_none_or(|partial| !partial.is_empty());
            let goes_on = page.flags & CONTINUED != 0;
            if is_gap || was_inside != goes_on {
                self.after_gap = self.next_number > 0;
                self.partial = (!goes_on).then(BytesMut::new);
            }
            self.next_number = page.number.wrapping_add(1);
            self.lacing.clear();
            self.lacing.extend(lacing.iter());
            self.body = body;
            self.position = page.position;
            self.is_last = page.flags & LAST != 0;
            return Ok(true);
        }
    }
}

/// The header of a page.
struct Page {
    flags: u8,
    position: u64,
    serial: u32,
    number: u32,
    checksum: u32,
    segments: usize,
    /// Itself, with zeros for the checksum.
    plain: [u8; HEADER_LEN],
}

impl Page {
    fn parse(header: &[u8; HEADER_LEN]) -> Option<Self> {
        let (kind, rest) = header.split_first_chunk::<5>()?;
        let ([flags], rest) = rest.split_first_chunk::<1>()?;
        let (position, rest) = rest.split_first_chunk::<8>()?;
        let (serial, rest) = rest.split_first_chunk::<4>()?;
        let (number, rest) = rest.split_first_chunk::<4>()?;
        let (sum, rest) = rest.split_first_chunk::<4>()?;
        let mut plain = *header;
        plain.get_mut(22..26)?.fill(0);
        (kind == b"OggS\0").then_some(Self {
            flags: *flags,
            position: u64::from_le_bytes(*position),
            serial: u32::from_le_bytes(*serial),
            number: u32::from_le_bytes(*number),
            checksum: u32::from_le_bytes(*sum),
            segments: usize::from(*rest.first()?),
            plain,
        })
    }
}

/// RFC 3533 §6, field 7: the polynomial 0x04c11db7, no reflection, zero at the start and the end.
fn checksum(start: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(start, |sum, byte| {
        let index = (sum >> 24) as u8 ^ byte;
        sum << 8 ^ TABLE.get(usize::from(index)).copied().unwrap_or(0)
    })
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = (index as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            value = if value >> 31 == 1 { value << 1 ^ 0x04c1_1db7 } else { value << 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(bytes: &[u8]) -> (Vec<Packet>, Option<Error>) {
        let mut reader = PageReader::new(Input::new(bytes));
        let mut packets = Vec::new();
        loop {
            match reader.next_packet() {
                Ok(Some(packet)) => packets.push(packet),
                Ok(None) => return (packets, None),
                Err(error) => return (packets, Some(error)),
            }
        }
    }

    #[test]
    fn packets_of_every_length_are_read_back() {
        let mut writer = PageWriter::new(Vec::new(), 7);
        let lens = [0, 1, 254, 255, 256, 510, 65_025, 65_026, 200_000, 3];
        for (number, len) in lens.into_iter().enumerate() {
            writer.write(&vec![number as u8; len], number as u64).unwrap();
            if number % 3 == 0 {
                writer.end_page().unwrap();
            }
        }
        let bytes = writer.finish(9).unwrap();
        let (read, error) = packets(&bytes);
        assert!(error.is_none());
        assert_eq!(read.iter().map(|packet| packet.bytes.len()).collect::<Vec<_>>(), lens);
        assert!(read.iter().enumerate().all(|(n, packet)| packet.bytes.iter().all(|b| usize::from(*b) == n)));
        assert!(!read.iter().any(|packet| packet.after_gap));
        assert_eq!(read[3].position, Some(3));
    }

    #[test]
    fn the_checksum_has_its_check_value() {
        // That of POSIX's cksum, but for the inversion at its end.
        assert_eq!(checksum(0, b"123456789"), !0x765e_7680);
        assert_eq!(checksum(checksum(0, b"1234"), b"56789"), checksum(0, b"123456789"));
    }

    #[test]
    fn a_missing_page_is_noticed_and_its_packet_left_out() {
        let mut writer = PageWriter::new(Vec::new(), 7);
        let mut ends = vec![0];
        for (number, len) in [(0u8, 10), (1, 70_000), (2, 10)] {
            writer.write(&vec![number; len], 0).unwrap();
            writer.end_page().unwrap();
            ends.push(writer.output.len());
        }
        let bytes = writer.finish(0).unwrap();
        // Without the page that the long packet begins on.
        let page = HEADER_LEN + 255 + 65_025;
        let cut = [&bytes[..ends[1]], &bytes[ends[1] + page..]].concat();
        let (read, error) = packets(&cut);
        assert!(error.is_none(), "{error:?}");
        let seen: Vec<_> = read.iter().map(|packet| (packet.bytes[0], packet.after_gap)).collect();
        assert_eq!(seen, [(0, false), (2, true)]);
    }

    #[test]
    fn a_changed_bit_and_a_cut_are_told() {
        let mut writer = PageWriter::new(Vec::new(), 7);
        writer.write(&[1, 2, 3], 0).unwrap();
        writer.end_page().unwrap();
        writer.write(&[4; 300], 0).unwrap();
        let bytes = writer.finish(5).unwrap();
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 0x10;
            let (read, error) = packets(&other);
            assert!(error.is_some() && read.len() < 2, "{at}");
            let (read, error) = packets(&bytes[..at]);
            let is_whole = at == 0 || at == HEADER_LEN + 1 + 3;
            assert_eq!(error.is_none(), is_whole, "{at}");
            assert_eq!(read.len(), usize::from(at >= HEADER_LEN + 1 + 3), "{at}");
        }
    }
}
