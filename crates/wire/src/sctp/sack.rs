//! SACK: what arrived and how much room is left (RFC 9260 §3.3.4).

use bytes::{Buf, Bytes, BytesMut};

use crate::cursor::Reader;
use crate::sctp::error::Error;
use crate::sctp::number::Tsn;

/// A SACK chunk. Type 3. The lists stay as they are in the packet and are read while they are iterated.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |    type 3     |  flags, 0     |            length             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                      cumulative TSN ack                       |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |           advertised receiver window credit (a_rwnd)          |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | number of gap ack blocks = N  |  number of duplicate TSNs = M |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |     gap ack block #1 start    |     gap ack block #1 end      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// :                             ...                               :
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                       duplicate TSN #1                        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// :                             ...                               :
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sack {
    /// All up to this one have arrived.
    pub cumulative: Tsn,
    /// How many bytes of room its sender has left.
    pub a_rwnd: u32,
    /// 4 bytes a block.
    blocks: Bytes,
    /// 4 bytes a number.
    duplicates: Bytes,
}

/// A run of chunks that arrived beyond the cumulative one: both ends included, as distances from it.
///
/// A run that was read may be empty, at the cumulative one or out of order; whoever reads it decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GapBlock {
    /// The first, at least 2 as the one at 1 is missing.
    pub start: u16,
    /// The last.
    pub end: u16,
}

impl Sack {
    /// The chunk type.
    pub const KIND: u8 = 3;
    /// What stands before the lists, in bytes.
    pub const HEADER_LEN: usize = 16;
    /// What each gap block and each duplicate takes, in bytes.
    pub const ENTRY_LEN: usize = 4;

    /// A SACK with its lists, which are copied. To write one without a copy there is
    /// [`write_parts`](Self::write_parts).
    pub fn new(cumulative: Tsn, a_rwnd: u32, blocks: &[GapBlock], duplicates: &[Tsn]) -> Self {
        let blocks = blocks.iter().flat_map(|block| block.bytes()).collect();
        let duplicates = duplicates.iter().flat_map(|tsn| tsn.0.to_be_bytes()).collect();
        Self { cumulative, a_rwnd, blocks, duplicates }
    }

    pub(crate) fn parse(mut value: Bytes) -> Result<Self, Error> {
        let mut reader = Reader::new(&value);
        let (cumulative, a_rwnd) = (Tsn(reader.u32()?), reader.u32()?);
        let (blocks, duplicates) = (usize::from(reader.u16()?), usize::from(reader.u16()?));
        reader.take(blocks * Self::ENTRY_LEN)?;
        reader.take(duplicates * Self::ENTRY_LEN)?;
        value.advance(Self::HEADER_LEN - 4);
        let blocks = value.split_to(blocks * Self::ENTRY_LEN);
        value.truncate(duplicates * Self::ENTRY_LEN);
        Ok(Self { cumulative, a_rwnd, blocks, duplicates: value })
    }

    /// The gap blocks as they came.
    pub fn gap_blocks(&self) -> impl ExactSizeIterator<Item = GapBlock> + '_ {
        self.blocks.as_chunks::<{ Self::ENTRY_LEN }>().0.iter().map(|[a, b, c, d]| GapBlock {
            start: u16::from_be_bytes([*a, *b]),
            end: u16::from_be_bytes([*c, *d]),
        })
    }

    /// The chunks that arrived more than once, once for each time too much.
    pub fn duplicates(&self) -> impl ExactSizeIterator<Item = Tsn> + '_ {
        self.duplicates
            .as_chunks::<{ Self::ENTRY_LEN }>()
            .0
            .iter()
            .map(|bytes| Tsn(u32::from_be_bytes(*bytes)))
    }

    /// Appends the chunk.
    pub fn write(&self, out: &mut BytesMut) {
        Self::write_parts(out, self.cumulative, self.a_rwnd, self.gap_blocks(), self.duplicates());
    }

    /// Appends a chunk made of these parts. Of either list no more than 8,000 are written, as the length has 16 bits.
    pub fn write_parts(
        out: &mut BytesMut,
        cumulative: Tsn,
        a_rwnd: u32,
        blocks: impl ExactSizeIterator<Item = GapBlock>,
        duplicates: impl ExactSizeIterator<Item = Tsn>,
    ) {
        let counts = [blocks.len().min(MOST_ENTRIES), duplicates.len().min(MOST_ENTRIES)];
        let [block_count, duplicate_count] = counts;
        let len = Self::HEADER_LEN + (block_count + duplicate_count) * Self::ENTRY_LEN;
        out.reserve(len);
        let words = [
            u32::from(Self::KIND) << 24 | len as u32,
            cumulative.0,
            a_rwnd,
            (block_count as u32) << 16 | duplicate_count as u32,
        ];
        words.iter().for_each(|word| out.extend_from_slice(&word.to_be_bytes()));
        blocks.take(block_count).for_each(|block| out.extend_from_slice(&block.bytes()));
        duplicates.take(duplicate_count).for_each(|tsn| out.extend_from_slice(&tsn.0.to_be_bytes()));
    }
}

impl GapBlock {
    fn bytes(self) -> [u8; 4] {
        let [[a, b], [c, d]] = [self.start.to_be_bytes(), self.end.to_be_bytes()];
        [a, b, c, d]
    }
}

const MOST_ENTRIES: usize = 8000;
