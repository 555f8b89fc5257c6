//! What all payload formats give and tell: the payload of one packet as a short prefix and a slice of the frame, and
//! what a received payload says of its frame.

use bytes::{Bytes, BytesMut};

use crate::payload::error::Error;

/// The largest frame that is assembled, in bytes: a picture of 8K at lowest compression stays below.
pub const MAX_FRAME_LEN: usize = 8 << 20;

/// The payload of one packet: `prefix`, then `body`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// The format's own header.
    pub prefix: Prefix,
    /// A slice of the frame; nothing was copied. (H.264 parameter sets sent together are the exception.)
    pub body: Bytes,
    /// The packet's marker bit: the last of a picture, the first sound after silence.
    pub marker: bool,
}

/// Up to 24 bytes, kept in place.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Prefix {
    len: u8,
    bytes: [u8; Prefix::MAX],
}

/// What a received payload says of its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Inspection {
    /// Whether a frame starts with this packet. For H.264 it says that a frame may start here: parameter sets in
    /// packets of their own in front of a picture all say so, and only the timestamp tells frames apart.
    pub starts_frame: bool,
    /// Whether the frame can be decoded without any before it, as far as this packet tells. VP8 tells it in the first
    /// packet only; in H.264 parameter sets and any part of an IDR picture do.
    pub key: bool,
    /// The number of the picture, 7 or 15 bits, wrapping (VP8).
    pub picture_id: Option<u16>,
    /// The temporal layer, 0 the base (VP8).
    pub temporal_layer: Option<u8>,
    /// How long it plays, in ticks of its RTP clock (sound, where its bytes tell).
    pub duration: Option<u32>,
}

impl Fragment {
    /// The payload's size in bytes.
    pub fn len(&self) -> usize {
        self.prefix.as_slice().len() + self.body.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the payload.
    pub fn write(&self, out: &mut BytesMut) {
        out.extend_from_slice(self.prefix.as_slice());
        out.extend_from_slice(&self.body);
    }
}

impl Prefix {
    /// The most it holds, in bytes.
    pub const MAX: usize = 24;

    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one byte; false, and nothing done, where it is full.
    pub fn push(&mut self, byte: u8) -> bool {
        let Some(slot) = self.bytes.get_mut(usize::from(self.len)) else { return false };
        *slot = byte;
        self.len += 1;
        true
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl<const N: usize> From<[u8; N]> for Prefix {
    /// Up to 24 bytes; the compiler refuses more.
    fn from(bytes: [u8; N]) -> Self {
        const { assert!(N <= Prefix::MAX) };
        let mut prefix = Self::new();
        for byte in bytes {
            prefix.push(byte);
        }
        prefix
    }
}

impl std::fmt::Debug for Prefix {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:02x?}", self.as_slice())
    }
}

/// Cuts `body` into as few parts of at most `limit` bytes as possible, all of about the same size: that paces and
/// protects better than full packets with a small one at the end. Gives each part and whether it is the last.
pub(crate) fn cut_evenly(body: &Bytes, limit: usize) -> impl Iterator<Item = (Bytes, bool)> + '_ {
    let count = body.len().div_ceil(limit.max(1));
    let mut start = 0;
    (0..count).map(move |part| {
        let end = start + (body.len() - start).div_ceil(count - part);
        let slice = body.slice(start..end);
        start = end;
        (slice, part + 1 == count)
    })
}

/// Appends `part` to the frame being assembled, if it stays within [`MAX_FRAME_LEN`].
pub(crate) fn append(frame: &mut BytesMut, part: &[u8]) -> Result<(), Error> {
    let len = frame.len() + part.len();
    if len > MAX_FRAME_LEN {
        return Err(Error::TooLarge { len, limit: MAX_FRAME_LEN });
    }
    frame.extend_from_slice(part);
    Ok(())
}
