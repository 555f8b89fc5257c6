//! Source descriptions (RFC 3550 §6.5): the CNAME that ties streams of one machine together, and other words.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P|    SC   |  PT=SDES=202  |             length            |
//! +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
//! |                          SSRC/CSRC_1                          |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   kind        |    length     | text ...                      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! | ... more items, a zero byte, zeros up to the next word        |
//! +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
//! ```

use std::borrow::Cow;

use bytes::BytesMut;

use crate::cursor::Reader;
use crate::rtcp::header::{Error, Header, Writer};
use crate::rtp::Ssrc;

/// Words about sources. Packet type 202.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceDescription {
    /// One for each source; only the first 31 are written.
    pub chunks: Vec<SdesChunk>,
}

/// Words about one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdesChunk {
    /// The source.
    pub ssrc: Ssrc,
    /// What is said of it.
    pub items: Vec<SdesItem>,
}

/// One word about a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdesItem {
    /// What the word is.
    pub kind: SdesKind,
    /// The word: UTF-8 as it should be, any bytes as it may be. Only the first 255 bytes are written.
    pub value: Vec<u8>,
}

/// What an item is (RFC 3550 §6.5, RFC 8852 §4.1, RFC 9143 §15.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SdesKind {
    /// 1: the name of the machine's end of the session, the same for all its streams (RFC 7022).
    Cname,
    /// 12: the encoding (RFC 8852).
    Rid,
    /// 13: the encoding that is repaired (RFC 8852).
    RepairedRid,
    /// 15: the media section (RFC 9143).
    Mid,
    /// Any other, by number; 0 is not written.
    Other(u8),
}

impl SourceDescription {
    /// The packet type.
    pub const PACKET_TYPE: u8 = 202;

    /// One that says the CNAME of some sources.
    pub fn of_cname(ssrcs: impl IntoIterator<Item = Ssrc>, cname: &str) -> Self {
        let item = SdesItem { kind: SdesKind::Cname, value: cname.as_bytes().to_vec() };
        let chunk = |ssrc| SdesChunk { ssrc, items: vec![item.clone()] };
        Self { chunks: ssrcs.into_iter().map(chunk).collect() }
    }

    /// The CNAME said of `ssrc`.
    pub fn cname(&self, ssrc: Ssrc) -> Option<Cow<'_, str>> {
        let items = self.chunks.iter().filter(|chunk| chunk.ssrc == ssrc).flat_map(|chunk| &chunk.items);
        items.into_iter().find(|item| item.kind == SdesKind::Cname).map(SdesItem::text)
    }

    pub(crate) fn parse(header: Header, body: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(body);
        let chunks = (0..header.count).map(|_| SdesChunk::parse(&mut reader)).collect::<Result<_, _>>()?;
        Ok(Self { chunks })
    }

    /// Appends the packet.
    pub fn write(&self, out: &mut BytesMut) {
        let chunks = self.chunks.get(..MAX_CHUNKS).unwrap_or(&self.chunks);
        let mut writer = Writer::new(out, Self::PACKET_TYPE, chunks.len() as u8);
        chunks.iter().for_each(|chunk| chunk.write(&mut writer));
        writer.finish();
    }
}

impl SdesChunk {
    fn parse(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let start = reader.left();
        let ssrc = Ssrc(reader.u32()?);
        let mut items = Vec::new();
        loop {
            let kind = reader.u8()?;
            if kind == 0 {
                break;
            }
            let len = usize::from(reader.u8()?);
            items.push(SdesItem { kind: SdesKind::from(kind), value: reader.take(len)?.to_vec() });
        }
        // A chunk ends at a word; the end of the packet is one too, in a packet whose padding was cut off.
        let taken = start - reader.left();
        reader.take((taken.next_multiple_of(4) - taken).min(reader.left()))?;
        Ok(Self { ssrc, items })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.ssrc.0);
        for item in self.items.iter().filter(|item| item.kind.number() != 0) {
            let value = item.value.get(..255).unwrap_or(&item.value);
            writer.bytes(&[item.kind.number(), value.len() as u8]);
            writer.bytes(value);
        }
        writer.u8(0);
        writer.fill_word();
    }
}

impl SdesItem {
    /// The word as text; bytes that are no UTF-8 are replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.value)
    }
}

impl SdesKind {
    /// The number on the wire.
    pub fn number(self) -> u8 {
        match self {
            Self::Cname => 1,
            Self::Rid => 12,
            Self::RepairedRid => 13,
            Self::Mid => 15,
            Self::Other(number) => number,
        }
    }
}

impl From<u8> for SdesKind {
    fn from(number: u8) -> Self {
        match number {
            1 => Self::Cname,
            12 => Self::Rid,
            13 => Self::RepairedRid,
            15 => Self::Mid,
            other => Self::Other(other),
        }
    }
}

const MAX_CHUNKS: usize = 31;
