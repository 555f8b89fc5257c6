//! Extended reports (RFC 3611): the receiver's reference time (§4.4) and the answer to it (DLRR, §4.5), by which one
//! that sends no media learns its round-trip time. Other blocks are kept as they came.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P|reserved |   PT=XR=207   |             length            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                              SSRC                             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |     BT        | type-specific |         block length          |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! :             type-specific block contents                      :
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use bytes::BytesMut;

use crate::cursor::Reader;
use crate::rtcp::header::{Error, Writer};
use crate::rtp::Ssrc;

/// An extended report. Packet type 207.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtendedReport {
    /// Who reports.
    pub ssrc: Ssrc,
    /// What.
    pub blocks: Vec<XrBlock>,
}

/// One block of an extended report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum XrBlock {
    /// Block type 4: when the report was sent, 32.32 fixed-point seconds since 1900 (RFC 3611 §4.4).
    ReceiverReferenceTime(u64),
    /// Block type 5: answers to reference times (RFC 3611 §4.5); only the first 21845 are written.
    Dlrr(Vec<DlrrBlock>),
    /// Another block, or one of those above whose length is wrong.
    Other {
        /// BT.
        kind: u8,
        /// The byte after it.
        specific: u8,
        /// A whole number of words.
        contents: Vec<u8>,
    },
}

/// The answer to one receiver's reference time (RFC 3611 §4.5).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                 SSRC_1 (SSRC of first receiver)               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                         last RR (LRR)                         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                   delay since last RR (DLRR)                  |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DlrrBlock {
    /// The receiver.
    pub ssrc: Ssrc,
    /// The middle 32 bits of its last reference time; 0 if there was none.
    pub last_report: u32,
    /// The time since that arrived, in 1/65536 s.
    pub delay_since_last_report: u32,
}

impl ExtendedReport {
    /// The packet type.
    pub const PACKET_TYPE: u8 = 207;

    pub(crate) fn parse(body: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(body);
        let ssrc = Ssrc(reader.u32()?);
        let mut blocks = Vec::new();
        while !reader.is_empty() {
            blocks.push(XrBlock::parse(&mut reader)?);
        }
        Ok(Self { ssrc, blocks })
    }

    /// Appends the packet.
    pub fn write(&self, out: &mut BytesMut) {
        let mut writer = Writer::new(out, Self::PACKET_TYPE, 0);
        writer.u32(self.ssrc.0);
        self.blocks.iter().for_each(|block| block.write(&mut writer));
        writer.finish();
    }
}

impl XrBlock {
    fn parse(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let (kind, specific) = (reader.u8()?, reader.u8()?);
        let len = usize::from(reader.u16()?) * 4;
        let contents = reader.take(len)?;
        let known = match kind {
            RECEIVER_REFERENCE_TIME => <[u8; 8]>::try_from(contents)
                .ok()
                .map(|time| Self::ReceiverReferenceTime(u64::from_be_bytes(time))),
            DLRR => DlrrBlock::parse_all(contents).map(Self::Dlrr),
            _ => None,
        };
        Ok(known.unwrap_or_else(|| Self::Other { kind, specific, contents: contents.to_vec() }))
    }

    fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Self::ReceiverReferenceTime(time) => {
                writer.bytes(&[RECEIVER_REFERENCE_TIME, 0, 0, 2]);
                writer.u64(*time);
            }
            Self::Dlrr(answers) => {
                writer.bytes(&[DLRR, 0]);
                let answers = answers.get(..MAX_ANSWERS).unwrap_or(answers);
                writer.u16(answers.len() as u16 * 3);
                for answer in answers {
                    writer.u32(answer.ssrc.0);
                    writer.u32(answer.last_report);
                    writer.u32(answer.delay_since_last_report);
                }
            }
            Self::Other { kind, specific, contents } => {
                writer.bytes(&[*kind, *specific]);
                writer.u16(contents.len().div_ceil(4) as u16);
                writer.bytes(contents);
                writer.fill_word();
            }
        }
    }
}

impl DlrrBlock {
    /// `None` where `contents` are no whole number of answers.
    fn parse_all(contents: &[u8]) -> Option<Vec<Self>> {
        let mut reader = Reader::new(contents);
        let mut answers = Vec::with_capacity(contents.len() / 12);
        while !reader.is_empty() {
            answers.push(Self {
                ssrc: Ssrc(reader.u32().ok()?),
                last_report: reader.u32().ok()?,
                delay_since_last_report: reader.u32().ok()?,
            });
        }
        Some(answers)
    }
}

const RECEIVER_REFERENCE_TIME: u8 = 4;
const DLRR: u8 = 5;
/// What the block length, 16 bits of words, can tell.
const MAX_ANSWERS: usize = 21_845;
