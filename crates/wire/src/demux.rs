//! Which protocol a datagram belongs to, by its first byte (RFC 7983 §7, RFC 9443 §3).

/// The protocols that share one 5-tuple.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 0 to 3: STUN (RFC 8489).
    Stun,
    /// 16 to 19: ZRTP, which we do not speak.
    Zrtp,
    /// 20 to 63: DTLS (RFC 6347, RFC 9147).
    Dtls,
    /// 64 to 79: TURN channel data (RFC 8656 §12.4).
    ChannelData,
    /// 128 to 191 with a second byte outside 192 to 223: RTP or SRTP.
    Rtp,
    /// 128 to 191 with a second byte of 192 to 223: RTCP or SRTCP (RFC 5761 §4).
    Rtcp,
}

/// Tells the protocol of `datagram`, or `None` where no protocol of ours starts so.
pub fn kind(datagram: &[u8]) -> Option<Kind> {
    match *datagram {
        [0..=3, ..] => Some(Kind::Stun),
        [16..=19, ..] => Some(Kind::Zrtp),
        [20..=63, ..] => Some(Kind::Dtls),
        [64..=79, ..] => Some(Kind::ChannelData),
        [128..=191, 192..=223, ..] => Some(Kind::Rtcp),
        [128..=191, _, ..] => Some(Kind::Rtp),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_protocols_apart_by_their_first_bytes() {
        assert_eq!(kind(&[0, 1]), Some(Kind::Stun));
        assert_eq!(kind(&[22, 254]), Some(Kind::Dtls));
        assert_eq!(kind(&[64, 0]), Some(Kind::ChannelData));
        assert_eq!(kind(&[0x80, 0x60]), Some(Kind::Rtp));
        assert_eq!(kind(&[0x80, 0xe0]), Some(Kind::Rtp));
        assert_eq!(kind(&[0x81, 200]), Some(Kind::Rtcp));
        assert_eq!(kind(&[0x80, 206]), Some(Kind::Rtcp));
    }

    #[test]
    fn drops_what_no_protocol_starts_with() {
        assert_eq!(kind(&[]), None);
        assert_eq!(kind(&[128]), None);
        assert_eq!(kind(&[4, 0]), None);
        assert_eq!(kind(&[200, 0]), None);
    }
}
