//! Receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb-03 §2.2). Packet type 206, format 15, "REMB".
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  SSRC of packet sender, then 0 in place of the media source   |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Unique identifier 'R' 'E' 'M' 'B'                            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Num SSRC     | BR Exp    |  BR Mantissa (18 bits)            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   SSRCs of the streams the bitrate is for ...                 |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use bytes::BytesMut;

use crate::cursor::Reader;
use crate::rtcp::feedback::PAYLOAD_FEEDBACK;
use crate::rtcp::header::{Error, Writer};
use crate::rtp::Ssrc;

/// How much a receiver thinks can reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remb {
    /// Who estimates.
    pub sender: Ssrc,
    /// In bit/s, for all of `ssrcs` together. Travels with 18 significant bits, rounded down.
    pub bitrate: u64,
    /// The streams it is for; only the first 255 are written.
    pub ssrcs: Vec<Ssrc>,
}

impl Remb {
    /// The format of the feedback message: application layer feedback.
    pub const FORMAT: u8 = 15;
    /// What tells it from other application layer feedback.
    pub const NAME: [u8; 4] = *b"REMB";

    /// Reads what follows the name.
    pub(crate) fn parse(sender: Ssrc, reader: &mut Reader<'_>) -> Result<Self, Error> {
        let count = reader.u8()?;
        let packed = reader.u24()?;
        let (exponent, mantissa) = (packed >> 18, u64::from(packed & MAX_MANTISSA));
        if mantissa.leading_zeros() < exponent {
            return Err(Error::Field("REMB exponent"));
        }
        let ssrcs = (0..count).map(|_| reader.u32().map(Ssrc)).collect::<Result<_, _>>()?;
        Ok(Self { sender, bitrate: mantissa << exponent, ssrcs })
    }

    /// Appends the packet.
    pub fn write(&self, out: &mut BytesMut) {
        let ssrcs = self.ssrcs.get(..255).unwrap_or(&self.ssrcs);
        let exponent = (64 - self.bitrate.leading_zeros()).saturating_sub(MANTISSA_BITS);
        let mantissa = (self.bitrate >> exponent) as u32 & MAX_MANTISSA;
        let mut writer = Writer::new(out, PAYLOAD_FEEDBACK, Self::FORMAT);
        writer.u32(self.sender.0);
        writer.u32(0);
        writer.bytes(&Self::NAME);
        writer.u8(ssrcs.len() as u8);
        writer.u24(exponent << MANTISSA_BITS | mantissa);
        ssrcs.iter().for_each(|ssrc| writer.u32(ssrc.0));
        writer.finish();
    }
}

const MANTISSA_BITS: u32 = 18;
const MAX_MANTISSA: u32 = (1 << MANTISSA_BITS) - 1;
