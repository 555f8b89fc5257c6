//! As much of a packet's header as protection needs: where it ends and whose it is (RFC 3711 §3.1, §3.4).

use peerless_wire::rtp::Ssrc;

/// Bytes of an RTP header without contributing sources and extension (RFC 3550 §5.1).
const RTP_FIXED: usize = 12;
/// Bytes of an RTCP packet that are never encrypted: its first header and SSRC (RFC 3711 §3.4).
pub(crate) const RTCP_CLEAR: usize = 8;
const VERSION_2: u8 = 2;

/// What protection reads of an RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RtpHeader {
    pub(crate) ssrc: Ssrc,
    pub(crate) sequence: u16,
    /// Bytes up to the payload: fixed header, contributing sources and extension.
    pub(crate) length: usize,
}

/// Reads the header of an RTP packet; `None` where there is none or it does not fit.
pub(crate) fn rtp_header(packet: &[u8]) -> Option<RtpHeader> {
    let (&[first, _, s0, s1, _, _, _, _, ssrc @ ..], rest) = packet.split_first_chunk::<RTP_FIXED>()?;
    if first >> 6 != VERSION_2 {
        return None;
    }
    let mut length = RTP_FIXED + usize::from(first & 0x0f) * 4;
    if first & 0x10 != 0 {
        let &[_, _, w0, w1] = rest.get(length - RTP_FIXED..)?.first_chunk::<4>()?;
        length += 4 + usize::from(u16::from_be_bytes([w0, w1])) * 4;
    }
    let header =
        RtpHeader { ssrc: Ssrc(u32::from_be_bytes(ssrc)), sequence: u16::from_be_bytes([s0, s1]), length };
    (length <= packet.len()).then_some(header)
}

/// Reads whose the first packet of a compound RTCP packet is; `None` where there is no header.
pub(crate) fn rtcp_ssrc(packet: &[u8]) -> Option<Ssrc> {
    let &[first, _, _, _, ssrc @ ..] = packet.first_chunk::<RTCP_CLEAR>()?;
    (first >> 6 == VERSION_2).then_some(Ssrc(u32::from_be_bytes(ssrc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_payload_behind_sources_and_extension() {
        let mut packet = vec![0x92, 96, 0x12, 0x34, 0, 0, 0, 0, 0, 0, 0, 7];
        packet.extend([0; 8]);
        packet.extend([0xbe, 0xde, 0, 1, 1, 2, 3, 4]);
        let header = RtpHeader { ssrc: Ssrc(7), sequence: 0x1234, length: 28 };
        assert_eq!(rtp_header(&packet), Some(header));
        (0..packet.len()).for_each(|length| assert_eq!(rtp_header(&packet[..length]), None));
    }

    #[test]
    fn refuses_other_versions() {
        assert_eq!(rtp_header(&[0x40; 12]), None);
        assert_eq!(rtcp_ssrc(&[0x40; 8]), None);
        assert_eq!(rtcp_ssrc(&[0x80, 200, 0, 1, 0, 0, 0, 9]), Some(Ssrc(9)));
        assert_eq!(rtcp_ssrc(&[0x80, 200, 0, 1, 0, 0, 0]), None);
    }
}
