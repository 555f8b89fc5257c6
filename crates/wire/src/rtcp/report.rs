//! Sender and receiver reports (RFC 3550 §6.4.1, §6.4.2): who sent how much, and how it arrived.

use bytes::BytesMut;

use crate::cursor::Reader;
use crate::rtcp::header::{Error, Header, Writer};
use crate::rtp::Ssrc;

/// What a sender sent, and how others' packets reached it (RFC 3550 §6.4.1). Packet type 200.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P|    RC   |   PT=SR=200   |             length            |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                         SSRC of sender                        |
/// +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
/// |             NTP timestamp (32.32 seconds since 1900)          |
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                         RTP timestamp                         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                     sender's packet count                     |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                      sender's octet count                     |
/// +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
/// |                      RC report blocks ....                    |
/// +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
/// |                  profile-specific extensions                  |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderReport {
    /// Whose packets it counts.
    pub ssrc: Ssrc,
    /// When the report was sent: 32.32 fixed-point seconds since 1900.
    pub ntp: u64,
    /// The same instant by the stream's RTP clock.
    pub rtp_timestamp: u32,
    /// Packets sent since the start; wraps.
    pub packets: u32,
    /// Payload bytes sent since the start, without headers and padding; wraps.
    pub octets: u32,
    /// How others' packets arrived; only the first 31 are written.
    pub blocks: Vec<ReportBlock>,
    /// Profile-specific extension, a whole number of words.
    pub extension: Vec<u8>,
}

/// How others' packets arrived at one that sends none (RFC 3550 §6.4.2). Packet type 201.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P|    RC   |   PT=RR=201   |             length            |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                     SSRC of packet sender                     |
/// +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
/// |                      RC report blocks ....                    |
/// +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
/// |                  profile-specific extensions                  |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiverReport {
    /// Who reports.
    pub ssrc: Ssrc,
    /// How others' packets arrived; only the first 31 are written.
    pub blocks: Vec<ReportBlock>,
    /// Profile-specific extension, a whole number of words.
    pub extension: Vec<u8>,
}

/// How the packets of one source arrived (RFC 3550 §6.4.1).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                         SSRC of source                        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | fraction lost |       cumulative number of packets lost       |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |           extended highest sequence number received           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                      interarrival jitter                      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                         last SR (LSR)                         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                   delay since last SR (DLSR)                  |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportBlock {
    /// Whose packets.
    pub ssrc: Ssrc,
    /// The part lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the start; 24 bits with a sign, as duplicates make it negative. Written clamped.
    pub lost: i32,
    /// The highest sequence number received, with the count of its turns in the upper 16 bits.
    pub highest_sequence: u32,
    /// The mean deviation of the spacing of arrivals, in ticks of the stream's RTP clock.
    pub jitter: u32,
    /// The middle 32 bits of the NTP timestamp of the last sender report; 0 if there was none.
    pub last_report: u32,
    /// The time since that report arrived, in 1/65536 s; 0 if there was none.
    pub delay_since_last_report: u32,
}

impl SenderReport {
    /// The packet type.
    pub const PACKET_TYPE: u8 = 200;

    pub(crate) fn parse(header: Header, body: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(body);
        Ok(Self {
            ssrc: Ssrc(reader.u32()?),
            ntp: reader.u64()?,
            rtp_timestamp: reader.u32()?,
            packets: reader.u32()?,
            octets: reader.u32()?,
            blocks: parse_blocks(header.count, &mut reader)?,
            extension: reader.remaining().to_vec(),
        })
    }

    /// Appends the packet.
    pub fn write(&self, out: &mut BytesMut) {
        let blocks = written(&self.blocks);
        let mut writer = Writer::new(out, Self::PACKET_TYPE, blocks.len() as u8);
        writer.u32(self.ssrc.0);
        writer.u64(self.ntp);
        writer.u32(self.rtp_timestamp);
        writer.u32(self.packets);
        writer.u32(self.octets);
        blocks.iter().for_each(|block| block.write(&mut writer));
        writer.bytes(&self.extension);
        writer.finish();
    }
}

impl ReceiverReport {
    /// The packet type.
    pub const PACKET_TYPE: u8 = 201;

    pub(crate) fn parse(header: Header, body: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(body);
        Ok(Self {
            ssrc: Ssrc(reader.u32()?),
            blocks: parse_blocks(header.count, &mut reader)?,
            extension: reader.remaining().to_vec(),
        })
    }

    /// Appends the packet.
    pub fn write(&self, out: &mut BytesMut) {
        let blocks = written(&self.blocks);
        let mut writer = Writer::new(out, Self::PACKET_TYPE, blocks.len() as u8);
        writer.u32(self.ssrc.0);
        blocks.iter().for_each(|block| block.write(&mut writer));
        writer.bytes(&self.extension);
        writer.finish();
    }
}

impl ReportBlock {
    /// The most blocks a report holds: its count field has 5 bits.
    pub const MAX: usize = 31;

    fn parse(reader: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(Self {
            ssrc: Ssrc(reader.u32()?),
            fraction_lost: reader.u8()?,
            lost: sign_extend_24(reader.u24()?),
            highest_sequence: reader.u32()?,
            jitter: reader.u32()?,
            last_report: reader.u32()?,
            delay_since_last_report: reader.u32()?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.ssrc.0);
        writer.u8(self.fraction_lost);
        writer.u24(self.lost.clamp(-0x80_0000, 0x7f_ffff).cast_unsigned());
        writer.u32(self.highest_sequence);
        writer.u32(self.jitter);
        writer.u32(self.last_report);
        writer.u32(self.delay_since_last_report);
    }
}

fn parse_blocks(count: u8, reader: &mut Reader<'_>) -> Result<Vec<ReportBlock>, Error> {
    (0..count).map(|_| ReportBlock::parse(reader)).collect()
}

fn written(blocks: &[ReportBlock]) -> &[ReportBlock] {
    blocks.get(..ReportBlock::MAX).unwrap_or(blocks)
}

/// The value of a 24-bit two's complement number in the low bits of `value`.
pub(crate) fn sign_extend_24(value: u32) -> i32 {
    (value << 8).cast_signed() >> 8
}
