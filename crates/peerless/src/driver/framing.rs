//! Datagrams ⇄ the bytes of a stream: between peers with a length before each (RFC 4571 §2), to a TURN server by the lengths
//! that STUN messages and ChannelData bear themselves (RFC 8656 §2.1, §12.5).

use bytes::{Buf, BufMut, BytesMut};

/// How the datagrams of a stream are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// A length of two bytes before each.
    Length,
    /// STUN messages and ChannelData, the latter padded to four bytes.
    Turn,
}

/// Where the next datagram is in what has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Frame {
    /// Bytes before it.
    before: usize,
    /// Bytes of it.
    len: usize,
    /// Bytes behind it.
    padding: usize,
}

/// What has arrived is no frame: nothing behind it can be told apart either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither a STUN message nor ChannelData")]
pub(crate) struct Unframed;

/// In each STUN message at this place (RFC 8489 §5).
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

impl Framing {
    /// Appends a datagram, framed. One that is too long for that is not sent, as no network would.
    pub(crate) fn write(self, datagram: &[u8], out: &mut BytesMut) {
        match (self, u16::try_from(datagram.len())) {
            (Self::Length, Ok(len)) => {
                out.put_u16(len);
                out.extend_from_slice(datagram);
            }
            (Self::Length, Err(_)) => {}
            (Self::Turn, _) => {
                out.extend_from_slice(datagram);
                out.put_bytes(0, padding(datagram.len()));
            }
        }
    }

    /// How many bytes a datagram takes at most, framed.
    pub(crate) fn cost(datagram: usize) -> usize {
        datagram + 3
    }

    /// Takes the next whole datagram out of what has arrived; `None` where it is not whole yet. Empty ones are passed
    /// over (RFC 4571 §2: the null packet).
    pub(crate) fn next(self, arrived: &mut BytesMut) -> Result<Option<BytesMut>, Unframed> {
        loop {
            let Some(frame) = self.find(arrived)? else { return Ok(None) };
            if arrived.len() < frame.before + frame.len + frame.padding {
                return Ok(None);
            }
            arrived.advance(frame.before);
            let datagram = arrived.split_to(frame.len);
            arrived.advance(frame.padding);
            if !datagram.is_empty() {
                return Ok(Some(datagram));
            }
        }
    }

    /// The next whole datagram, which stays where it is; `None` where it is not whole yet, or nothing can be told apart.
    pub(crate) fn first(self, mut arrived: &[u8]) -> Option<&[u8]> {
        loop {
            let frame = self.find(arrived).ok()??;
            let whole = arrived.get(frame.before..frame.before + frame.len + frame.padding)?;
            let datagram = whole.get(..frame.len)?;
            if !datagram.is_empty() {
                return Some(datagram);
            }
            arrived = arrived.get(frame.before + frame.padding..)?;
        }
    }

    fn find(self, arrived: &[u8]) -> Result<Option<Frame>, Unframed> {
        match self {
            Self::Length => {
                let Some(len) = arrived.first_chunk() else { return Ok(None) };
                let len = usize::from(u16::from_be_bytes(*len));
                Ok(Some(Frame { before: 2, len, padding: 0 }))
            }
            Self::Turn => {
                let Some(&[first, _, high, low]) = arrived.first_chunk() else { return Ok(None) };
                let length = usize::from(u16::from_be_bytes([high, low]));
                match first >> 6 {
                    0 if arrived.get(4..8).is_some_and(|cookie| cookie != MAGIC_COOKIE) => Err(Unframed),
                    0 if length % 4 == 0 => Ok(Some(Frame { before: 0, len: 20 + length, padding: 0 })),
                    1 => Ok(Some(Frame { before: 0, len: 4 + length, padding: padding(length) })),
                    _ => Err(Unframed),
                }
            }
        }
    }
}

/// How many bytes are missing to a multiple of four.
fn padding(len: usize) -> usize {
    len.wrapping_neg() % 4
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out when `bytes` arrive in pieces of `step`.
    fn frames(framing: Framing, bytes: &[u8], step: usize) -> Result<Vec<Vec<u8>>, Unframed> {
        let (mut arrived, mut frames) = (BytesMut::new(), Vec::new());
        for piece in bytes.chunks(step) {
            arrived.extend_from_slice(piece);
            while let Some(first) = framing.first(&arrived).map(<[u8]>::to_vec) {
                assert_eq!(framing.next(&mut arrived)?.as_deref(), Some(&first[..]));
                frames.push(first);
            }
            assert_eq!(framing.next(&mut arrived)?, None);
        }
        Ok(frames)
    }

    #[test]
    fn what_is_framed_comes_out_again_however_it_arrives() {
        let stun = [&[0, 1, 0, 4][..], &MAGIC_COOKIE, &[7; 16]].concat();
        let channel = [&[0x40, 1, 0, 5][..], &[8; 5]].concat();
        let longest = [&[0x40, 1, 0xff, 0xfb][..], &vec![9; 65_531]].concat();
        for framing in [Framing::Length, Framing::Turn] {
            let datagrams = [stun.clone(), channel.clone(), longest.clone(), stun.clone()];
            let mut bytes = BytesMut::new();
            for datagram in &datagrams {
                let before = bytes.len();
                framing.write(datagram, &mut bytes);
                assert!(bytes.len() - before <= Framing::cost(datagram.len()));
            }
            for step in [1, 2, 3, 7, 1400, usize::MAX] {
                assert_eq!(frames(framing, &bytes, step).unwrap(), datagrams, "{framing:?} by {step}");
            }
        }
    }

    #[test]
    fn a_length_of_nothing_is_passed_over_and_one_that_never_comes_is_waited_for() {
        let bytes = [0, 0, 0, 0, 0, 1, 5, 0, 0, 0xff, 0xff, 1, 2, 3];
        assert_eq!(frames(Framing::Length, &bytes, 1).unwrap(), [[5]]);
    }

    #[test]
    fn what_is_neither_stun_nor_channel_data_ends_the_stream() {
        assert_eq!(
            frames(Framing::Turn, b"\x15\x03\x01\0\x02\x02\x2e\0", 1),
            Err(Unframed),
            "an alert of TLS"
        );
        assert_eq!(frames(Framing::Turn, &[0, 1, 0, 3, 0, 0, 0], 7), Err(Unframed), "no multiple of four");
        assert_eq!(frames(Framing::Turn, &[0x80; 4], 4), Err(Unframed));
    }

    #[test]
    fn what_is_too_long_to_be_framed_is_not_sent() {
        let mut out = BytesMut::new();
        Framing::Length.write(&vec![0; 1 << 16], &mut out);
        assert!(out.is_empty());
    }
}
