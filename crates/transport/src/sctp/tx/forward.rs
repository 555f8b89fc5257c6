//! FORWARD TSN and I-FORWARD TSN: tells the peer which messages were given up (RFC 3758 §3.5, RFC 8260 §2.3.1).

use bytes::BytesMut;
use peerless_wire::sctp::{
    ForwardTsn, InterleavedForwardTsn, MessageId, SkippedMessage, SkippedStream, Ssn, StreamId, Tsn,
};

use crate::sctp::tx::fragment::{Form, Fragment};

/// How many streams are named in one chunk at most; the rest follows in the next.
const MAX_STREAMS: usize = 64;

/// Appends the chunk for chunks given up that follow the acknowledged ones, as far as `left` bytes can name them. The
/// number up to which it goes; `None` when there is nothing to tell or no room.
pub fn write<'a>(
    form: Form,
    abandoned: impl Iterator<Item = (u64, &'a Fragment)>,
    left: usize,
    out: &mut BytesMut,
) -> Option<u64> {
    let (header, entry) = if form.is_interleaved {
        (InterleavedForwardTsn::HEADER_LEN, InterleavedForwardTsn::ENTRY_LEN)
    } else {
        (ForwardTsn::HEADER_LEN, ForwardTsn::ENTRY_LEN)
    };
    let limit = (left.checked_sub(header)? / entry).min(MAX_STREAMS);
    let mut skipped: Vec<(StreamId, bool, u32)> = Vec::new();
    let mut last = None;
    for (number, fragment) in abandoned {
        let unordered = fragment.flags.unordered;
        // DATA has no numbers for unordered messages, so there are none to name.
        if form.is_interleaved || !unordered {
            let named =
                skipped.iter().position(|(stream, kind, _)| (*stream, *kind) == (fragment.stream, unordered));
            match named {
                Some(place) => skipped[place].2 = fragment.sequence,
                None if skipped.len() >= limit => break,
                None => skipped.push((fragment.stream, unordered, fragment.sequence)),
            }
        }
        last = Some(number);
    }
    let cumulative = Tsn::from(last?);
    if form.is_interleaved {
        let skipped = skipped.into_iter().map(|(stream, unordered, sequence)| SkippedMessage {
            stream,
            unordered,
            message: MessageId(sequence),
        });
        InterleavedForwardTsn { cumulative, skipped: skipped.collect() }.write(out);
    } else {
        let skipped = skipped
            .into_iter()
            .map(|(stream, _, sequence)| SkippedStream { stream, ssn: Ssn(sequence as u16) });
        ForwardTsn { cumulative, skipped: skipped.collect() }.write(out);
    }
    last
}
