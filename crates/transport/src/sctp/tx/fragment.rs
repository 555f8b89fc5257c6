//! What is cut from messages and put into packets: one DATA or I-DATA chunk's worth, with all that decides its fate.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use peerless_wire::sctp::{Data, DataFlags, InterleavedData, MessageId, Ppid, Ssn, StreamId, Tsn, padded};

/// No limit of transmissions.
pub const UNLIMITED: u32 = u32::MAX;

/// A piece of a message.
#[derive(Debug, Clone)]
pub struct Fragment {
    /// A slice of the user's bytes.
    pub payload: Bytes,
    /// Which message it is part of, among all of the association.
    pub message: u64,
    /// When the message is given up (RFC 3758 §4.1).
    pub expires: Option<Instant>,
    /// How often it may be sent; [`UNLIMITED`] mostly.
    pub tries: u32,
    /// What the message is.
    pub ppid: Ppid,
    /// The number of the message in its stream: SSN or MID.
    pub sequence: u32,
    /// Its place in the message, for I-DATA.
    pub place: u32,
    /// The stream.
    pub stream: StreamId,
    /// First, last, unordered, immediate.
    pub flags: DataFlags,
}

/// The two forms of data chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// I-DATA, not DATA.
    pub is_interleaved: bool,
}

impl Form {
    /// What stands before the payload in a chunk, in bytes.
    pub fn header(self) -> usize {
        if self.is_interleaved { InterleavedData::HEADER_LEN } else { Data::HEADER_LEN }
    }

    /// How long the chunk with a payload of this length is, padding included.
    pub fn size(self, payload: usize) -> usize {
        self.header() + padded(payload)
    }

    /// How much payload a chunk may have that fits into so many bytes.
    pub fn room(self, bytes: usize) -> usize {
        (bytes & !3).saturating_sub(self.header())
    }

    /// Appends the fragment as a chunk with this number.
    pub fn write(self, tsn: Tsn, fragment: &Fragment, out: &mut BytesMut) {
        let Fragment { stream, ppid, flags, .. } = *fragment;
        let payload = fragment.payload.clone();
        if self.is_interleaved {
            let (message, fragment) = (MessageId(fragment.sequence), fragment.place);
            InterleavedData { tsn, stream, message, ppid, fragment, flags, payload }.write(out);
        } else {
            Data { tsn, stream, ssn: Ssn(fragment.sequence as u16), ppid, flags, payload }.write(out);
        }
    }
}
