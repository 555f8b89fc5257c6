//! TURN's short form of data for one peer (RFC 8656 §12.4).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |         Channel Number        |            Length             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                       Application Data ...
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use crate::cursor::{Reader, Truncated};

/// The number of a channel: 0x4000 to 0x4fff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelNumber(u16);

impl ChannelNumber {
    /// The lowest.
    pub const FIRST: Self = Self(0x4000);
    /// The highest (RFC 8656 §12).
    pub const LAST: Self = Self(0x4fff);

    /// `None` where it is no number of a channel.
    pub fn new(value: u16) -> Option<Self> {
        (Self::FIRST.0..=Self::LAST.0).contains(&value).then_some(Self(value))
    }

    /// The number.
    pub fn value(self) -> u16 {
        self.0
    }

    /// The one after it, while there is one.
    pub fn next(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }
}

/// One message, a view of a datagram or of a frame of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelData<'a> {
    /// Which channel.
    pub channel: ChannelNumber,
    /// What it carries.
    pub data: &'a [u8],
}

/// Why bytes are no channel data; they are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChannelDataError {
    /// It ends too soon.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// The number is none of a channel.
    #[error("{0:#06x} is no channel")]
    Number(u16),
}

impl<'a> ChannelData<'a> {
    /// The size of the header, in bytes.
    pub const HEADER: usize = 4;

    /// Reads one; what follows the stated length is padding, which may come over UDP too.
    ///
    /// # Errors
    /// Where RFC 8656 §12.6 says to drop it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ChannelDataError> {
        let mut reader = Reader::new(bytes);
        let number = reader.u16()?;
        let channel = ChannelNumber::new(number).ok_or(ChannelDataError::Number(number))?;
        let length = usize::from(reader.u16()?);
        Ok(Self { channel, data: reader.take(length)? })
    }

    /// The header before `length` bytes of data.
    pub fn header(channel: ChannelNumber, length: u16) -> [u8; 4] {
        let ([a, b], [c, d]) = (channel.0.to_be_bytes(), length.to_be_bytes());
        [a, b, c, d]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_what_is_no_channel_data() {
        assert_eq!(ChannelData::parse(&[0x3f, 0xff, 0, 0]), Err(ChannelDataError::Number(0x3fff)));
        assert_eq!(ChannelData::parse(&[0x50, 0, 0, 0]), Err(ChannelDataError::Number(0x5000)));
        for short in [&[][..], &[0x40], &[0x40, 0, 0], &[0x40, 0, 0, 1]] {
            assert!(matches!(ChannelData::parse(short), Err(ChannelDataError::Truncated(_))));
        }
        assert_eq!(ChannelNumber::LAST.next(), None);
    }

    proptest! {
        #[test]
        fn channel_data_reads_as_it_was_written(
            number in 0x4000_u16..0x5000,
            data in prop::collection::vec(any::<u8>(), 0..1500),
            padding in 0_usize..4,
        ) {
            let channel = ChannelNumber::new(number).unwrap();
            let mut bytes = ChannelData::header(channel, data.len() as u16).to_vec();
            bytes.extend_from_slice(&data);
            bytes.extend_from_slice(&[0; 4][..padding]);
            prop_assert_eq!(ChannelData::parse(&bytes), Ok(ChannelData { channel, data: &data }));
        }

        #[test]
        fn any_bytes_are_read_safely_as_channel_data(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(read) = ChannelData::parse(&bytes) {
                prop_assert!(read.data.len() + ChannelData::HEADER <= bytes.len());
            }
        }
    }
}
