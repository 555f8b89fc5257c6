//! RTP packets (RFC 3550 §5.1, §5.3.1): the header read from bytes and written to them, and whole packets whose
//! payload is a slice of the datagram.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P|X|  CC   |M|     PT      |       sequence number         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                           timestamp                           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |           synchronization source (SSRC) identifier            |
//! +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
//! |            contributing source (CSRC) identifiers, 0 to 15    |
//! |                             ....                              |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |      defined by profile       |           length              |  if X
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                        header extension                       |
//! |                             ....                              |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use bytes::{Buf, Bytes, BytesMut};

use crate::cursor::{Reader, Truncated};
use crate::rtp::extension::{ExtensionMap, Extensions};
use crate::rtp::id::{PayloadType, Ssrc};
use crate::rtp::number::SequenceNumber;

/// Why bytes are no RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It ends before its header does.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// The version field is not 2.
    #[error("version {0}, not 2")]
    Version(u8),
    /// The padding count is zero or larger than what follows the header.
    #[error("padding of {count} bytes in a payload of {left}")]
    Padding {
        /// The last byte of the packet.
        count: u8,
        /// The bytes after the header.
        left: usize,
    },
}

/// What stands in front of an RTP packet's payload (RFC 3550 §5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The payload format says what it marks: the last packet of a picture, the first after silence.
    pub marker: bool,
    /// What the payload is.
    pub payload_type: PayloadType,
    /// The place in the stream.
    pub sequence: SequenceNumber,
    /// When the payload's first sample was taken, in ticks of the codec's clock; wraps.
    pub timestamp: u32,
    /// The stream.
    pub ssrc: Ssrc,
    /// Whose media a mixer put into it.
    pub csrcs: Csrcs,
    /// The header extensions. [`Header::parse`] leaves them empty, as ids mean nothing without the map of the
    /// session; [`Packet::parse`] reads them.
    pub extensions: Extensions,
}

/// The contributing sources of a packet: up to 15, kept in place (RFC 3550 §5.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Csrcs {
    len: u8,
    list: [Ssrc; Csrcs::MAX],
}

/// An RTP packet whose payload is a slice of the datagram it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// What stands in front.
    pub header: Header,
    /// The payload, without padding.
    pub payload: Bytes,
    /// How many bytes of padding followed the payload, the count byte among them.
    pub padding: u8,
}

impl Header {
    /// Reads the header at the front of `packet` and tells its length in bytes, header extension included.
    ///
    /// Errs where the packet is shorter than its header or not version 2. Padding is not looked at: in SRTP it is
    /// still encrypted.
    pub fn parse(packet: &[u8]) -> Result<(Self, usize), Error> {
        let layout = Layout::of(packet)?;
        // Two ways out, so that the header is built where it goes: moving one of its size costs more than reading it.
        if layout.csrcs.is_empty() {
            return Ok((layout.header(Csrcs::new()), layout.payload_start));
        }
        Ok((layout.header(Csrcs::from_wire(layout.csrcs)), layout.payload_start))
    }

    /// Appends the header with those of its extensions that `map` knows. Does not allocate where `out` has room.
    pub fn write(&self, map: &ExtensionMap, out: &mut BytesMut) {
        let start = out.len();
        let [sequence_high, sequence_low] = self.sequence.0.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [s0, s1, s2, s3] = self.ssrc.0.to_be_bytes();
        let first = VERSION << 6 | self.csrcs.len;
        let second = u8::from(self.marker) << 7 | self.payload_type.value();
        out.extend_from_slice(&[first, second, sequence_high, sequence_low, t0, t1, t2, t3, s0, s1, s2, s3]);
        for csrc in self.csrcs.as_slice() {
            out.extend_from_slice(&csrc.0.to_be_bytes());
        }
        if self.extensions.write(map, out)
            && let Some(first) = out.get_mut(start)
        {
            *first |= EXTENSION_BIT;
        }
    }
}

impl Csrcs {
    /// The most a packet can name.
    pub const MAX: usize = 15;

    /// None.
    pub fn new() -> Self {
        Self { len: 0, list: [Ssrc(0); Self::MAX] }
    }

    /// Appends one; false, and nothing done, where there are 15.
    pub fn push(&mut self, csrc: Ssrc) -> bool {
        let Some(slot) = self.list.get_mut(usize::from(self.len)) else { return false };
        *slot = csrc;
        self.len += 1;
        true
    }

    /// At most 15 of 4 bytes each. Out of line, as few packets have any.
    #[cold]
    fn from_wire(bytes: &[u8]) -> Self {
        let mut csrcs = Self::new();
        for csrc in bytes.as_chunks().0 {
            csrcs.push(Ssrc(u32::from_be_bytes(*csrc)));
        }
        csrcs
    }

    /// All of them, in order.
    pub fn as_slice(&self) -> &[Ssrc] {
        self.list.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl Default for Csrcs {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Csrcs {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_slice().fmt(formatter)
    }
}

impl Packet {
    /// Reads a plain (decrypted and authenticated) packet, its header extensions by `map`. The payload is a slice of
    /// `packet`: nothing is copied, and nothing allocated unless `packet` was made of a `Vec` and never shared.
    ///
    /// Errs as [`Header::parse`] does, and where the padding is larger than the payload. Extensions cannot make it
    /// err, see [`Extensions::parse`].
    pub fn parse(mut packet: Bytes, map: &ExtensionMap) -> Result<Self, Error> {
        let layout = Layout::of(&packet)?;
        let left = packet.len() - layout.payload_start;
        let padding = if layout.has_padding() { packet.last().copied().unwrap_or(0) } else { 0 };
        if usize::from(padding) > left || layout.has_padding() && padding == 0 {
            return Err(Error::Padding { count: padding, left });
        }
        let csrcs = if layout.csrcs.is_empty() { Csrcs::new() } else { Csrcs::from_wire(layout.csrcs) };
        let extensions = Extensions::parse(map, layout.extension_profile, layout.extension_block);
        let header = Header { extensions, ..layout.header(csrcs) };
        let start = layout.payload_start;
        packet.truncate(packet.len() - usize::from(padding));
        packet.advance(start);
        Ok(Self { header, payload: packet, padding })
    }

    /// Appends the whole packet: the header with the extensions in `header.extensions`, the payload, the padding.
    pub fn write(&self, map: &ExtensionMap, out: &mut BytesMut) {
        let start = out.len();
        self.header.write(map, out);
        out.extend_from_slice(&self.payload);
        if self.padding == 0 {
            return;
        }
        out.resize(out.len() + usize::from(self.padding) - 1, 0);
        out.extend_from_slice(&[self.padding]);
        if let Some(first) = out.get_mut(start) {
            *first |= PADDING_BIT;
        }
    }
}

/// Where the parts of a packet stand, and its fixed fields: what must be known before anything is built.
struct Layout<'a> {
    fixed: &'a [u8; 12],
    csrcs: &'a [u8],
    extension_profile: u16,
    extension_block: &'a [u8],
    payload_start: usize,
}

impl<'a> Layout<'a> {
    #[inline]
    fn of(packet: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(packet);
        let fixed: &[u8; 12] = reader.chunk()?;
        let [first, ..] = *fixed;
        if first >> 6 != VERSION {
            return Err(Error::Version(first >> 6));
        }
        let csrcs = reader.take(usize::from(first & 15) * 4)?;
        let (mut extension_profile, mut extension_block) = (0, [].as_slice());
        if first & EXTENSION_BIT != 0 {
            extension_profile = reader.u16()?;
            let words = reader.u16()?;
            extension_block = reader.take(usize::from(words) * 4)?;
        }
        let payload_start = packet.len() - reader.left();
        Ok(Self { fixed, csrcs, extension_profile, extension_block, payload_start })
    }

    #[inline]
    fn has_padding(&self) -> bool {
        self.fixed[0] & PADDING_BIT != 0
    }

    #[inline(always)]
    fn header(&self, csrcs: Csrcs) -> Header {
        let [_, second, q0, q1, t0, t1, t2, t3, s0, s1, s2, s3] = *self.fixed;
        Header {
            marker: second & 0x80 != 0,
            payload_type: PayloadType::from_low_bits(second),
            sequence: SequenceNumber(u16::from_be_bytes([q0, q1])),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: Ssrc(u32::from_be_bytes([s0, s1, s2, s3])),
            csrcs,
            extensions: Extensions::default(),
        }
    }
}

const VERSION: u8 = 2;
const PADDING_BIT: u8 = 0x20;
const EXTENSION_BIT: u8 = 0x10;

#[cfg(test)]
mod tests;
