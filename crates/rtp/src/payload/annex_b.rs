//! The byte stream of H.264 (ITU-T H.264 Annex B): NAL units behind start codes of 3 or 4 bytes.

use bytes::Bytes;

use crate::payload::error::Error;

/// What we write in front of each NAL unit.
pub(crate) const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// The NAL units of a byte stream, each as a slice of it. Empty ones are passed over.
#[derive(Debug, Clone)]
pub(crate) struct NalUnits<'a> {
    stream: &'a Bytes,
    /// Where the next NAL unit starts, behind its start code.
    next: Option<usize>,
}

impl<'a> NalUnits<'a> {
    /// Errs where `stream` does not start with a start code (zeros may stand in front of it).
    pub(crate) fn new(stream: &'a Bytes) -> Result<Self, Error> {
        let code = find_start_code(stream, 0).ok_or(Error::NotAnnexB)?;
        if stream.iter().take(code).any(|byte| *byte != 0) {
            return Err(Error::NotAnnexB);
        }
        Ok(Self { stream, next: Some(code + CODE_LEN) })
    }
}

impl Iterator for NalUnits<'_> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        loop {
            let start = self.next?;
            let code = find_start_code(self.stream, start);
            self.next = code.map(|code| code + CODE_LEN);
            let unit = self.stream.slice(start..code.unwrap_or(self.stream.len()));
            // Trailing zeros belong to the byte stream (a start code of 4 bytes among them), never to the unit.
            let len = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            if len > 0 {
                return Some(unit.slice(..len));
            }
        }
    }
}

/// The place of the first `00 00 01` in `bytes` at or after `from`.
fn find_start_code(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from + 2;
    loop {
        match *bytes.get(at)? {
            0 => at += 1,
            1 if bytes.get(at - 2..at) == Some(&[0, 0]) => return Some(at - 2),
            _ => at += 3,
        }
    }
}

const CODE_LEN: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn units(stream: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        let stream = Bytes::copy_from_slice(stream);
        Ok(NalUnits::new(&stream)?.map(|unit| unit.to_vec()).collect())
    }

    #[test]
    fn splits_at_start_codes_of_three_and_four_bytes() {
        let stream = [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3, 0, 0, 0, 1, 0x65, 0, 0, 3, 9];
        assert_eq!(units(&stream), Ok(vec![vec![0x67, 1, 2], vec![0x68, 3], vec![0x65, 0, 0, 3, 9]]));
    }

    #[test]
    fn passes_over_empty_units_and_stray_zeros() {
        let stream = [0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0x41, 5, 0, 0, 0, 0];
        assert_eq!(units(&stream), Ok(vec![vec![0x41, 5]]));
        assert_eq!(units(&[0, 0, 1]), Ok(vec![]));
    }

    #[test]
    fn finds_a_code_behind_bytes_that_look_like_its_start() {
        assert_eq!(
            units(&[0, 0, 1, 1, 0, 1, 0, 0, 2, 0, 0, 1, 7]),
            Ok(vec![vec![1, 0, 1, 0, 0, 2], vec![7]])
        );
    }

    #[test]
    fn refuses_what_does_not_start_with_a_code() {
        assert_eq!(units(&[]), Err(Error::NotAnnexB));
        assert_eq!(units(&[0x65, 1, 2]), Err(Error::NotAnnexB));
        assert_eq!(units(&[0x65, 0, 0, 1, 2]), Err(Error::NotAnnexB));
        assert_eq!(units(&[0, 0, 2, 1, 0, 0]), Err(Error::NotAnnexB));
    }
}
