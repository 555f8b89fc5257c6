//! Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1): when each
//! packet of a transport arrived. Packet type 205, format 15.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  SSRC of packet sender, SSRC of media source (8 bytes)        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |      base sequence number     |      packet status count      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |             reference time (64 ms)            | fb pkt. count |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |          packet chunk         |         packet chunk          |
//! .                                                               .
//! |         packet chunk          |  recv delta   |  recv delta   |
//! .                                                               .
//! |           recv delta          |  recv delta   | zero padding  |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::time::Duration;

use bytes::BytesMut;

use crate::cursor::Reader;
use crate::rtcp::feedback::TRANSPORT_FEEDBACK;
use crate::rtcp::header::{Error, Writer};
use crate::rtcp::report::sign_extend_24;
use crate::rtp::{SequenceNumber, Ssrc};

/// When packets of a transport arrived, by their transport-wide sequence numbers.
///
/// It is kept as packed as it came, so that a few bytes claiming tens of thousands of lost packets cost nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportFeedback {
    /// Who received them.
    pub sender: Ssrc,
    /// Any stream of the transport.
    pub media: Ssrc,
    /// The first packet it tells of.
    pub base: SequenceNumber,
    /// How many packets it tells of, from `base` on, lost ones among them.
    pub status_count: u16,
    /// The instant the deltas start from, in steps of 64 ms by the receiver's clock: 24 bits with a sign.
    pub reference_time: i32,
    /// One more for each feedback packet; wraps.
    pub feedback_count: u8,
    chunks: Vec<StatusChunk>,
    /// One for each packet received, in steps of 250 µs.
    deltas: Vec<i16>,
}

/// Up to 8191 statuses in 16 bits.
///
/// ```text
///  0                   1
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |0| S |       run length        |   one status, many times
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |1|0|       14 x 1 bit          |   lost or received with a small delta
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |1|1|        7 x 2 bits         |   any status
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusChunk(pub u16);

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Lost,
    /// Its delta is 0 to 255, in one byte.
    Small,
    /// Its delta is any, in two bytes.
    Large,
}

/// Some packets of the same status.
#[derive(Debug, Clone, Copy)]
struct Run {
    status: Status,
    len: u16,
}

impl TransportFeedback {
    /// The format of the feedback message.
    pub const FORMAT: u8 = 15;

    /// Tells of `arrivals`: extended sequence numbers, ascending, each with the time since any fixed instant, the
    /// same for all feedback of the session. `base` is the first number to tell of, one after the last of the
    /// feedback before; it is moved where an arrival is older, or where so much is missing that it is of no use.
    ///
    /// Returns the packet, at most `limit` bytes long but with one chunk at least, and how many of `arrivals` it
    /// tells of; for the rest make another one. `None` where there are no arrivals.
    pub fn from_arrivals(
        sender: Ssrc,
        media: Ssrc,
        feedback_count: u8,
        base: u64,
        arrivals: &[(u64, Duration)],
        limit: usize,
    ) -> Option<(Self, usize)> {
        FeedbackBuilder::default().build(sender, media, feedback_count, base, arrivals, limit)
    }

    /// Adds chunks until `limit` or the end; returns how many arrivals they tell of.
    fn pack(&mut self, statuses: &Statuses, limit: usize) -> usize {
        let mut size = HEAD_LEN;
        let mut rest = statuses.list.as_slice();
        let mut deltas = statuses.deltas.as_slice();
        while !rest.is_empty() {
            let (chunk, len) = StatusChunk::pack(rest);
            let (head, tail) = rest.split_at(len.min(rest.len()));
            size += 2 + head.iter().map(|status| status.delta_len()).sum::<usize>();
            if size > limit && !self.chunks.is_empty() {
                break;
            }
            let received = head.iter().filter(|status| **status != Status::Lost).count();
            let (told, untold) = deltas.split_at(received.min(deltas.len()));
            self.chunks.push(chunk);
            self.deltas.extend_from_slice(told);
            self.status_count += head.len() as u16;
            (rest, deltas) = (tail, untold);
        }
        statuses.arrivals_before(self.deltas.len())
    }

    /// The packets that arrived: their numbers, and their times in microseconds on the receiver's clock, whose zero
    /// is the reference time's. Those between them, up to [`status_count`](Self::status_count), did not arrive.
    pub fn arrivals(&self) -> impl Iterator<Item = (SequenceNumber, i64)> + '_ {
        let mut time = i64::from(self.reference_time) * i64::from(TICKS_PER_REFERENCE as u32);
        self.received().zip(&self.deltas).map(move |((offset, _), delta)| {
            time += i64::from(*delta);
            (self.base.plus(offset), time * TICK_US)
        })
    }

    /// The packets that arrived, by their distance from `base`.
    fn received(&self) -> impl Iterator<Item = (u16, Status)> + '_ {
        let mut position = 0_u32;
        let runs = self.chunks.iter().flat_map(|chunk| chunk.runs());
        runs.flat_map(move |run| {
            let start = position;
            position += u32::from(run.len);
            let end = if run.status == Status::Lost { start } else { position.min(self.status_count.into()) };
            (start..end).map(move |offset| (offset as u16, run.status))
        })
    }

    /// Reads what follows the two SSRCs.
    pub(crate) fn parse(sender: Ssrc, media: Ssrc, reader: &mut Reader<'_>) -> Result<Self, Error> {
        let base = SequenceNumber(reader.u16()?);
        let status_count = reader.u16()?;
        let reference_time = sign_extend_24(reader.u24()?);
        let feedback_count = reader.u8()?;
        let chunks = parse_chunks(status_count, reader)?;
        let deltas = Vec::new();
        let mut feedback =
            Self { sender, media, base, status_count, reference_time, feedback_count, chunks, deltas };
        feedback.deltas = feedback.parse_deltas(reader)?;
        Ok(feedback)
    }

    fn parse_deltas(&self, reader: &mut Reader<'_>) -> Result<Vec<i16>, Error> {
        let mut deltas = Vec::with_capacity(reader.left());
        for (_, status) in self.received() {
            deltas.push(match status {
                Status::Small => i16::from(reader.u8()?),
                _ => reader.u16()?.cast_signed(),
            });
        }
        Ok(deltas)
    }

    /// Appends the packet. Its last word is filled with RTCP padding, as libwebrtc does.
    pub fn write(&self, out: &mut BytesMut) {
        let mut writer = Writer::new(out, TRANSPORT_FEEDBACK, Self::FORMAT);
        writer.u32(self.sender.0);
        writer.u32(self.media.0);
        writer.u16(self.base.0);
        writer.u16(self.status_count);
        writer.u24(self.reference_time.cast_unsigned());
        writer.u8(self.feedback_count);
        for chunk in &self.chunks {
            writer.u16(chunk.0);
        }
        for ((_, status), delta) in self.received().zip(&self.deltas) {
            match status {
                Status::Small => writer.u8(*delta as u8),
                _ => writer.u16(delta.cast_unsigned()),
            }
        }
        writer.pad_word();
        writer.finish();
    }
}

/// Makes one feedback packet after the other without allocating for each: what it made comes back by
/// [`recycle`](Self::recycle).
#[derive(Debug, Default)]
pub struct FeedbackBuilder {
    statuses: Statuses,
    chunks: Vec<StatusChunk>,
    deltas: Vec<i16>,
}

impl FeedbackBuilder {
    /// Makes what [`TransportFeedback::from_arrivals`] makes.
    pub fn build(
        &mut self,
        sender: Ssrc,
        media: Ssrc,
        feedback_count: u8,
        base: u64,
        arrivals: &[(u64, Duration)],
        limit: usize,
    ) -> Option<(TransportFeedback, usize)> {
        let &(first, first_time) = arrivals.first()?;
        let base =
            if first.checked_sub(base).is_some_and(|gap| gap < MAX_LEADING_GAP) { base } else { first };
        let reference = ticks(first_time) / TICKS_PER_REFERENCE;
        self.statuses.fill(base, reference * TICKS_PER_REFERENCE, arrivals);
        let (mut chunks, mut deltas) = (std::mem::take(&mut self.chunks), std::mem::take(&mut self.deltas));
        chunks.clear();
        deltas.clear();
        let mut feedback = TransportFeedback {
            sender,
            media,
            base: SequenceNumber::from(base),
            status_count: 0,
            reference_time: sign_extend_24((reference & 0xff_ffff) as u32),
            feedback_count,
            chunks,
            deltas,
        };
        let told = feedback.pack(&self.statuses, limit);
        Some((feedback, told))
    }

    /// Takes a packet that is done with, for the room it has.
    pub fn recycle(&mut self, feedback: TransportFeedback) {
        (self.chunks, self.deltas) = (feedback.chunks, feedback.deltas);
    }
}

/// Takes chunks until they tell of `count` packets. Errs on a chunk of no length and on the reserved status.
fn parse_chunks(count: u16, reader: &mut Reader<'_>) -> Result<Vec<StatusChunk>, Error> {
    let mut chunks = Vec::new();
    let mut told = 0_u32;
    while told < u32::from(count) {
        let chunk = StatusChunk(reader.u16()?);
        if chunk.is_reserved(u32::from(count) - told) {
            return Err(Error::Field("packet status"));
        }
        told += chunk.runs().map(|run| u32::from(run.len)).sum::<u32>();
        chunks.push(chunk);
    }
    Ok(chunks)
}

impl StatusChunk {
    /// The chunk that tells of most of `statuses`, and of how many (the last may hold fewer than it could).
    fn pack(statuses: &[Status]) -> (Self, usize) {
        let first = statuses.first().copied().unwrap_or(Status::Lost);
        let run = statuses.iter().take(MAX_RUN).take_while(|status| **status == first).count();
        let narrow = statuses.iter().take(ONE_BIT_LEN).take_while(|status| **status != Status::Large).count();
        let vector = if narrow == ONE_BIT_LEN.min(statuses.len()) { ONE_BIT_LEN } else { TWO_BIT_LEN };
        if run >= vector.min(statuses.len()) {
            return (Self(first.symbol() << 13 | run as u16), run);
        }
        let (head, width, shift) = if vector == ONE_BIT_LEN { (0b10, 1, 13) } else { (0b11, 2, 12) };
        let len = vector.min(statuses.len());
        let symbols = statuses.iter().take(len).enumerate();
        let bits = symbols.fold(0, |bits, (place, status)| bits | status.symbol() << (shift - place * width));
        (Self(head << 14 | bits), len)
    }

    /// Its statuses, equal neighbours of a run as one.
    fn runs(self) -> impl Iterator<Item = Run> {
        let (count, width, len) = match self.0 >> 14 {
            0b10 => (ONE_BIT_LEN, 1, 1),
            0b11 => (TWO_BIT_LEN, 2, 1),
            _ => (1, 0, self.0 & MAX_RUN as u16),
        };
        (0..count).map(move |place| {
            let symbol = match width {
                0 => self.0 >> 13 & 3,
                1 => self.0 >> (13 - place) & 1,
                _ => self.0 >> (12 - place * 2) & 3,
            };
            Run { status: Status::of(symbol), len }
        })
    }

    /// Whether it is empty, or has the reserved status 3 among its first `count`.
    fn is_reserved(self, count: u32) -> bool {
        match self.0 >> 14 {
            0b10 => false,
            0b11 => (0..TWO_BIT_LEN.min(count as usize)).any(|place| self.0 >> (12 - place * 2) & 3 == 3),
            _ => self.0 >> 13 & 3 == 3 || self.0 & MAX_RUN as u16 == 0,
        }
    }
}

impl Status {
    fn symbol(self) -> u16 {
        match self {
            Self::Lost => 0,
            Self::Small => 1,
            Self::Large => 2,
        }
    }

    fn of(symbol: u16) -> Self {
        match symbol {
            0 => Self::Lost,
            1 => Self::Small,
            _ => Self::Large,
        }
    }

    fn delta_len(self) -> usize {
        match self {
            Self::Lost => 0,
            Self::Small => 1,
            Self::Large => 2,
        }
    }
}

/// What is to be packed.
#[derive(Debug, Default)]
struct Statuses {
    list: Vec<Status>,
    deltas: Vec<i16>,
    /// For each delta, how many of the arrivals stand up to and with it.
    consumed: Vec<usize>,
}

impl Statuses {
    /// Goes through `arrivals` up to one that a delta or the status count cannot reach. Numbers that do not ascend
    /// are passed over.
    fn fill(&mut self, base: u64, start: u64, arrivals: &[(u64, Duration)]) {
        self.list.clear();
        self.deltas.clear();
        self.consumed.clear();
        let (mut next, mut now) = (base, start);
        for (index, &(number, time)) in arrivals.iter().enumerate() {
            if number < next {
                continue;
            }
            let reaches = number - base < MAX_STATUSES;
            let Some(delta) =
                i16::try_from(ticks(time).cast_signed() - now.cast_signed()).ok().filter(|_| reaches)
            else {
                break;
            };
            self.list.resize((number - base) as usize, Status::Lost);
            self.list.push(if (0..=255).contains(&delta) { Status::Small } else { Status::Large });
            self.deltas.push(delta);
            self.consumed.push(index + 1);
            (next, now) = (number + 1, ticks(time));
        }
    }

    /// How many arrivals were gone through to have `deltas` deltas.
    fn arrivals_before(&self, deltas: usize) -> usize {
        deltas.checked_sub(1).and_then(|last| self.consumed.get(last)).copied().unwrap_or(0)
    }
}

/// Whole steps of 250 µs; times beyond some ten million years are cut.
fn ticks(time: Duration) -> u64 {
    (time.as_micros() / TICK_US as u128).min(u128::from(u64::MAX >> 4)) as u64
}

const TICK_US: i64 = 250;
const TICKS_PER_REFERENCE: u64 = 256;
/// Header, SSRCs and the fields before the chunks.
const HEAD_LEN: usize = 20;
const MAX_RUN: usize = 0x1fff;
const ONE_BIT_LEN: usize = 14;
const TWO_BIT_LEN: usize = 7;
const MAX_STATUSES: u64 = 65_535;
/// More missing packets than this in front of the first arrival are not told of.
const MAX_LEADING_GAP: u64 = 32_768;

#[cfg(test)]
mod tests;
