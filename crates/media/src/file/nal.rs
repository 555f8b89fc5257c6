//! NAL units of H.264 in the two forms that files have: behind start codes (ITU-T H.264 Annex B), and behind their
//! lengths with a record of the parameter sets (ISO/IEC 14496-15 §5.3.3).

use bytes::{BufMut, Bytes, BytesMut};

use crate::file::sps::Sequence;

/// The place of the first `00 00 01` in `bytes` at or after `from`.
pub(crate) fn find_start_code(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from + 2;
    loop {
        match *bytes.get(at)? {
            0 => at += 1,
            1 if bytes.get(at - 2..at) == Some(&[0, 0]) => return Some(at - 2),
            _ => at += 3,
        }
    }
}

/// The NAL units of a byte stream. Empty ones are passed over; zeros behind a unit are none of it.
pub(crate) fn units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut next = find_start_code(stream, 0).map(|at| at + 3);
    std::iter::from_fn(move || {
        loop {
            let start = next?;
            let end = find_start_code(stream, start);
            next = end.map(|at| at + 3);
            let unit = stream.get(start..end.unwrap_or(stream.len()))?;
            let len = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            if len > 0 {
                return unit.get(..len);
            }
        }
    })
}

/// An access unit with the length of each NAL unit in front of it, in 4 bytes.
pub(crate) fn to_lengths(stream: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(stream.len() + 16);
    for unit in units(stream) {
        out.put_u32(unit.len() as u32);
        out.put_slice(unit);
    }
    out.freeze()
}

/// The record of parameter sets that stands in front of such a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Configuration {
    /// Bytes of each length, 1 to 4.
    length_size: usize,
    /// Sequence and picture parameter sets, behind start codes.
    parameter_sets: Bytes,
    pub(crate) sequence: Sequence,
}

impl Configuration {
    /// The record for a key frame's access unit; `None` where that has no parameter sets.
    pub(crate) fn write(stream: &[u8]) -> Option<(Vec<u8>, Sequence)> {
        let of_kind =
            |kind: u8| units(stream).filter(move |unit| unit.first().is_some_and(|h| h & 0x1f == kind));
        let sequence = of_kind(SPS).find_map(Sequence::parse)?;
        let [_, profile, constraints, level] = sequence.profile_level_id.to_be_bytes();
        let mut record = vec![1, profile, constraints, level, 0xff];
        let mut put = |kind: u8, most: usize, mark: u8| -> Option<()> {
            let sets: Vec<_> = of_kind(kind).take(most).collect();
            record.push(mark | sets.len() as u8);
            for set in &sets {
                record.extend_from_slice(&u16::try_from(set.len()).ok()?.to_be_bytes());
                record.extend_from_slice(set);
            }
            (!sets.is_empty()).then_some(())
        };
        put(SPS, 31, 0xe0)?;
        put(PPS, 255, 0)?;
        if sequence.is_high() {
            let [chroma, luma_depth, chroma_depth] = sequence.samples.map(|value| value as u8);
            record.extend_from_slice(&[0xfc | chroma & 3, 0xf8 | luma_depth & 7, 0xf8 | chroma_depth & 7, 0]);
        }
        Some((record, sequence))
    }

    /// Reads a record; `None` where it is none.
    pub(crate) fn parse(record: &[u8]) -> Option<Self> {
        let ([1, _, _, _, lengths, sequences], mut rest) = record.split_first_chunk::<6>()? else {
            return None;
        };
        let mut sets = BytesMut::new();
        let mut sequence = None;
        let mut count = sequences & 0x1f;
        for is_sequence in [true, false] {
            if !is_sequence {
                let (pictures, behind) = rest.split_first()?;
                (count, rest) = (*pictures, behind);
            }
            for _ in 0..count {
                let (len, behind) = rest.split_first_chunk::<2>()?;
                let (set, behind) = behind.split_at_checked(u16::from_be_bytes(*len).into())?;
                sets.put_slice(&START_CODE);
                sets.put_slice(set);
                if is_sequence {
                    sequence = sequence.or_else(|| Sequence::parse(set));
                }
                rest = behind;
            }
        }
        let length_size = usize::from(lengths & 3) + 1;
        Some(Self { length_size, parameter_sets: sets.freeze(), sequence: sequence? })
    }

    /// An access unit as a byte stream. A key frame without parameter sets of its own gets those of the record. `None`
    /// where a length is overstated.
    pub(crate) fn to_stream(&self, sample: &[u8], key: bool) -> Option<Bytes> {
        let mut out = BytesMut::with_capacity(sample.len() + 64);
        let mut rest = sample;
        let mut has_sets = false;
        while !rest.is_empty() {
            let (length, behind) = rest.split_at_checked(self.length_size)?;
            let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            let (unit, behind) = behind.split_at_checked(length)?;
            has_sets |= unit.first().is_some_and(|header| header & 0x1f == SPS);
            out.put_slice(&START_CODE);
            out.put_slice(unit);
            rest = behind;
        }
        if !key || has_sets {
            return Some(out.freeze());
        }
        Some([&self.parameter_sets[..], &out[..]].concat().into())
    }
}

const START_CODE: [u8; 4] = [0, 0, 0, 1];
const SPS: u8 = 7;
const PPS: u8 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    const SPS_UNIT: &[u8] = &[0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe8, 0x40];
    const PPS_UNIT: &[u8] = &[0x68, 0xce, 0x3c, 0x80];

    fn stream(units: &[&[u8]]) -> Vec<u8> {
        units.iter().flat_map(|unit| [&START_CODE[..], unit].concat()).collect()
    }

    #[test]
    fn both_forms_turn_into_each_other() {
        let key = stream(&[SPS_UNIT, PPS_UNIT, &[0x65, 0x88, 1]]);
        let (record, sequence) = Configuration::write(&key).unwrap();
        let configuration = Configuration::parse(&record).unwrap();
        assert_eq!(configuration.sequence, sequence);
        let lengths = to_lengths(&key);
        assert_eq!(configuration.to_stream(&lengths, true).unwrap(), key);
        let bare = to_lengths(&stream(&[&[0x65, 0x88, 1]]));
        assert_eq!(configuration.to_stream(&bare, true).unwrap(), key, "with the record's parameter sets");
        assert_eq!(configuration.to_stream(&bare, false).unwrap(), stream(&[&[0x65, 0x88, 1]]));
    }

    #[test]
    fn overstated_lengths_and_short_records_are_refused() {
        let key = stream(&[SPS_UNIT, PPS_UNIT]);
        let (record, _) = Configuration::write(&key).unwrap();
        for len in 0..record.len() {
            assert_eq!(Configuration::parse(&record[..len]), None, "{len}");
        }
        let configuration = Configuration::parse(&record).unwrap();
        let sample = to_lengths(&key);
        for len in 1..sample.len() {
            let whole = len == 4 + SPS_UNIT.len();
            assert_eq!(configuration.to_stream(&sample[..len], false).is_some(), whole, "{len}");
        }
        assert!(Configuration::write(&stream(&[PPS_UNIT, &[0x65]])).is_none());
    }
}
