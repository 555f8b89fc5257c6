//! H.264 in RTP (RFC 6184): single NAL units (§5.6), several in one packet (STAP-A, §5.7.1) and one in several
//! packets (FU-A, §5.8); packetization modes 0 and 1. Frames are access units in Annex B.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |F|NRI| 24      |         NALU 1 Size           | NALU 1 ...      STAP-A
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |F|NRI| 28      |S|E|R|  Type   | part of the NAL unit ...        FU-A
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use bytes::{Bytes, BytesMut};
use peerless_wire::cursor::Reader;

use crate::payload::annex_b::{NalUnits, START_CODE};
use crate::payload::error::Error;
use crate::payload::fragment::{Fragment, Inspection, Prefix, append, cut_evenly};

/// Cuts access units.
#[derive(Debug, Clone)]
pub struct Packetizer {
    /// Packetization-mode 0: neither STAP-A nor FU-A.
    single_units_only: bool,
    /// The last STAP-A: parameter sets seldom change, and are then sent again without being copied again.
    aggregate: Bytes,
    scratch: BytesMut,
}

/// Puts access units together.
#[derive(Debug, Default)]
pub struct Depacketizer {
    buffer: BytesMut,
}

impl Packetizer {
    /// For packetization-mode 0 or 1 (RFC 6184 §6.2, §6.3); others are taken as 1.
    pub fn new(packetization_mode: u8) -> Self {
        Self { single_units_only: packetization_mode == 0, aggregate: Bytes::new(), scratch: BytesMut::new() }
    }

    /// Cuts `frame`, an access unit in Annex B, into packets of at most `limit` bytes. In mode 0 each NAL unit is a
    /// packet, and one larger than `limit` an error that comes before any packet.
    pub fn packetize(
        &mut self,
        frame: &Bytes,
        limit: usize,
        sink: &mut dyn FnMut(Fragment),
    ) -> Result<(), Error> {
        if limit <= FU_HEADER_LEN {
            return Err(Error::LimitTooSmall { limit });
        }
        let mut units = NalUnits::new(frame)?;
        if self.single_units_only
            && let Some(large) = units.clone().find(|unit| unit.len() > limit)
        {
            return Err(Error::TooLarge { len: large.len(), limit });
        }
        let mut next = units.next();
        if next.is_none() {
            return Err(Error::Empty);
        }
        while let Some(unit) = next.take() {
            let count = if self.single_units_only { 1 } else { self.aggregate(&unit, units.clone(), limit) };
            next = units.by_ref().nth(count - 1);
            let marker = next.is_none();
            if count > 1 {
                let body = self.aggregate.clone();
                sink(Fragment { prefix: Prefix::new(), body, marker });
            } else if unit.len() <= limit {
                sink(Fragment { prefix: Prefix::new(), body: unit, marker });
            } else {
                fragment(&unit, limit, marker, sink);
            }
        }
        Ok(())
    }

    /// Counts how many units from `first` on, the next ones being `others`, go into one STAP-A of at most `limit`
    /// bytes, and makes it if there are two or more. Only what is not picture data is put together: parameter sets,
    /// SEI, delimiters.
    fn aggregate(&mut self, first: &Bytes, others: NalUnits<'_>, limit: usize) -> usize {
        if !has_no_picture(first) || STAP_HEADER_LEN + 2 + first.len() > limit {
            return 1;
        }
        self.scratch.clear();
        self.scratch.extend_from_slice(&[STAP_A]);
        let mut count = 0;
        for unit in std::iter::once(first.clone()).chain(others) {
            let fits = self.scratch.len() + 2 + unit.len() <= limit;
            let Some(size) = u16::try_from(unit.len()).ok().filter(|_| fits && has_no_picture(&unit)) else {
                break;
            };
            self.scratch.extend_from_slice(&size.to_be_bytes());
            self.scratch.extend_from_slice(&unit);
            count += 1;
            let header = unit.first().copied().unwrap_or(0);
            if let Some(own) = self.scratch.first_mut() {
                *own = stap_header(*own, header);
            }
        }
        if count > 1 && self.aggregate != self.scratch {
            self.aggregate = self.scratch.split().freeze();
        }
        count.max(1)
    }
}

/// RFC 6184 §5.7: F is set if it is set in any unit, NRI is the largest of all.
fn stap_header(own: u8, unit: u8) -> u8 {
    (own | unit) & FORBIDDEN | (own & IMPORTANCE).max(unit & IMPORTANCE) | STAP_A
}

/// Cuts one unit into FU-A packets.
fn fragment(unit: &Bytes, limit: usize, marker: bool, sink: &mut dyn FnMut(Fragment)) {
    let header = unit.first().copied().unwrap_or(0);
    let rest = unit.slice(1..);
    let mut start = FU_START;
    for (body, is_last) in cut_evenly(&rest, limit - FU_HEADER_LEN) {
        let end = if is_last { FU_END } else { 0 };
        let prefix = Prefix::from([header & !TYPE | FU_A, start | end | header & TYPE]);
        sink(Fragment { prefix, body, marker: marker && is_last });
        start = 0;
    }
}

impl Depacketizer {
    /// What `payload` says of its frame.
    pub fn inspect(payload: &[u8]) -> Result<Inspection, Error> {
        let mut reader = Reader::new(payload);
        let first = reader.u8()?;
        let mut inspection = Inspection::default();
        match first & TYPE {
            1..=23 => inspection.add(first & TYPE, reader.peek(), true),
            STAP_A => {
                while !reader.is_empty() {
                    let unit = take_unit(&mut reader)?;
                    let mut unit = Reader::new(unit);
                    inspection.add(unit.u8()? & TYPE, unit.peek(), true);
                }
            }
            FU_A => {
                let header = reader.u8()?;
                inspection.add(header & TYPE, reader.peek(), header & FU_START != 0);
            }
            other => return Err(Error::Unsupported(other)),
        }
        Ok(inspection)
    }

    /// Joins the NAL units in `packets`, each behind a start code of 4 bytes. Errs where a fragment is missing.
    pub fn assemble(&mut self, packets: &mut dyn Iterator<Item = &Bytes>) -> Result<Bytes, Error> {
        self.buffer.clear();
        let mut in_fragments = false;
        for packet in packets {
            in_fragments = self.append_packet(packet, in_fragments)?;
        }
        if in_fragments {
            return Err(Error::MissingFragment);
        }
        if self.buffer.is_empty() { Err(Error::Empty) } else { Ok(self.buffer.split().freeze()) }
    }

    /// Whether the packet leaves a unit unfinished is told, and whether the one before it did is asked.
    fn append_packet(&mut self, packet: &[u8], in_fragments: bool) -> Result<bool, Error> {
        let mut reader = Reader::new(packet);
        let first = reader.u8()?;
        let kind = first & TYPE;
        if in_fragments && kind != FU_A {
            return Err(Error::MissingFragment);
        }
        match kind {
            1..=23 => self.append_unit(packet)?,
            STAP_A => {
                while !reader.is_empty() {
                    self.append_unit(take_unit(&mut reader)?)?;
                }
            }
            FU_A => {
                let header = reader.u8()?;
                let starts = header & FU_START != 0;
                if starts == in_fragments {
                    return Err(Error::MissingFragment);
                }
                if starts {
                    self.append_unit(&[first & !TYPE | header & TYPE])?;
                }
                append(&mut self.buffer, reader.remaining())?;
                return Ok(header & FU_END == 0);
            }
            other => return Err(Error::Unsupported(other)),
        }
        Ok(false)
    }

    fn append_unit(&mut self, unit: &[u8]) -> Result<(), Error> {
        append(&mut self.buffer, &START_CODE)?;
        append(&mut self.buffer, unit)
    }
}

/// The next unit of a STAP-A. Errs where it is cut off or has no bytes.
fn take_unit<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Error> {
    let len = usize::from(reader.u16()?);
    if len == 0 { Err(Error::Empty) } else { Ok(reader.take(len)?) }
}

impl Inspection {
    /// Adds what a NAL unit of type `kind` says, `rest` being what follows its header where `is_start`.
    fn add(&mut self, kind: u8, rest: &[u8], is_start: bool) {
        // A slice of a picture starts with first_mb_in_slice, an Exp-Golomb number: 0 is the single bit 1.
        let starts_picture = matches!(kind, SLICE | IDR) && rest.first().is_some_and(|byte| byte & 0x80 != 0);
        self.starts_frame |= is_start && (starts_picture || matches!(kind, SEI..=DELIMITER));
        self.key |= matches!(kind, IDR | PARAMETERS);
    }
}

/// Whether a unit is a parameter set, SEI or delimiter.
fn has_no_picture(unit: &[u8]) -> bool {
    unit.first().is_some_and(|header| matches!(header & TYPE, SEI..=DELIMITER))
}

const FORBIDDEN: u8 = 0x80;
const IMPORTANCE: u8 = 0x60;
const TYPE: u8 = 0x1f;
/// A slice of a picture that is no IDR picture (ITU-T H.264 Table 7-1).
const SLICE: u8 = 1;
/// A slice of a picture after which all can be decoded.
const IDR: u8 = 5;
const SEI: u8 = 6;
/// A sequence parameter set.
const PARAMETERS: u8 = 7;
/// An access unit delimiter; between it and SEI are the parameter sets.
const DELIMITER: u8 = 9;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;
const FU_START: u8 = 0x80;
const FU_END: u8 = 0x40;
const STAP_HEADER_LEN: usize = 1;
const FU_HEADER_LEN: usize = 2;

#[cfg(test)]
mod tests;
