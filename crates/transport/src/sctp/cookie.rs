//! The state cookie (RFC 9260 §5.1.3): the whole state of an association that is not there yet, kept by the peer, so
//! that an INIT costs us nothing. Authentic by an HMAC under a key that only we know.

use bytes::{BufMut, Bytes, BytesMut};
use peerless_wire::cursor::{Reader, Truncated};
use peerless_wire::sctp::{Tag, Tsn};

use crate::crypto::mac::{hmac_sha256, is_hmac_sha256};
use crate::sctp::agreed::Agreed;

/// What a cookie holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookie {
    /// When it was made, in milliseconds since the association was.
    pub made: u64,
    /// The tag that we gave in our INIT ACK.
    pub local_tag: Tag,
    /// Our first TSN.
    pub local_tsn: Tsn,
    /// Our tag and the peer's at the time of the INIT, when there was an association (§5.2.2); zeros otherwise.
    pub tie: (Tag, Tag),
    /// What the INIT settled.
    pub agreed: Agreed,
}

const MAC: usize = 32;

impl Cookie {
    /// As bytes for the INIT ACK.
    pub fn seal(&self, key: &[u8; 32]) -> Bytes {
        let agreed = &self.agreed;
        let mut out = BytesMut::with_capacity(96);
        out.put_u64(self.made);
        for word in [self.local_tag.0, self.local_tsn.0, self.tie.0.0, self.tie.1.0] {
            out.put_u32(word);
        }
        for word in [agreed.tag.0, agreed.initial_tsn.0, agreed.window] {
            out.put_u32(word);
        }
        out.put_u16(agreed.outbound);
        out.put_u16(agreed.inbound);
        let features = [agreed.interleaving, agreed.partial, agreed.reconfig, agreed.zero_checksum];
        features.iter().for_each(|has| out.put_u8(u8::from(*has)));
        let mac = hmac_sha256(key, &out);
        out.extend_from_slice(&mac);
        out.freeze()
    }

    /// Reads a cookie back; `None` if it is none of ours.
    pub fn open(bytes: &[u8], key: &[u8; 32]) -> Option<Self> {
        let (fields, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC)?)?;
        is_hmac_sha256(key, fields, mac).then_some(())?;
        Self::read(fields).ok()
    }

    fn read(fields: &[u8]) -> Result<Self, Truncated> {
        let mut reader = Reader::new(fields);
        Ok(Self {
            made: reader.u64()?,
            local_tag: Tag(reader.u32()?),
            local_tsn: Tsn(reader.u32()?),
            tie: (Tag(reader.u32()?), Tag(reader.u32()?)),
            agreed: Agreed {
                tag: Tag(reader.u32()?),
                initial_tsn: Tsn(reader.u32()?),
                window: reader.u32()?,
                outbound: reader.u16()?,
                inbound: reader.u16()?,
                interleaving: reader.u8()? != 0,
                partial: reader.u8()? != 0,
                reconfig: reader.u8()? != 0,
                zero_checksum: reader.u8()? != 0,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_went_and_no_bit_may_be_changed() {
        let cookie = Cookie {
            made: 77,
            local_tag: Tag(1),
            local_tsn: Tsn(2),
            tie: (Tag(3), Tag(4)),
            agreed: Agreed {
                tag: Tag(5),
                initial_tsn: Tsn(6),
                window: 7,
                outbound: 8,
                inbound: 9,
                interleaving: true,
                partial: false,
                reconfig: true,
                zero_checksum: false,
            },
        };
        let bytes = cookie.seal(&[9; 32]);
        assert_eq!(Cookie::open(&bytes, &[9; 32]), Some(cookie));
        assert_eq!(Cookie::open(&bytes, &[8; 32]), None);
        assert_eq!(Cookie::open(&bytes[1..], &[9; 32]), None);
        assert_eq!(Cookie::open(&[], &[9; 32]), None);
        for place in 0..bytes.len() {
            let mut changed = bytes.to_vec();
            changed[place] ^= 1;
            assert_eq!(Cookie::open(&changed, &[9; 32]), None);
        }
    }
}
