//! A look at the records of a datagram before the DTLS library sees them (RFC 6347 §4.1, RFC 9147 §4).
//!
//! The library calls every error fatal, and so it may be fed only what cannot end a handshake by itself: a plaintext
//! alert, for one, which anybody could have sent. What is encrypted it authenticates before it believes.
//!
//! ```text
//! 1.2 and plaintext:  | type | version (2) | epoch (2) | sequence (6) | length (2) | fragment |
//! 1.3 ciphertext:     | 0 0 1 C S L E E | connection id? | sequence (1, 2) | length? (2) | encrypted |
//! plaintext handshake fragment: | type | length (3) | sequence (2) | offset (3) | length (3) | body |
//! ```

use peerless_wire::cursor::{Reader, Truncated};

use crate::dtls::version::CipherSuite;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const HELLO_VERIFY_REQUEST: u8 = 3;

/// One record of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// What it is, as far as can be seen.
    pub(crate) kind: Kind,
    /// All its bytes, with the header.
    pub(crate) bytes: &'a [u8],
}

/// What a record is, as far as can be seen from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A plaintext fragment of a ClientHello.
    ClientHello,
    /// A whole plaintext ServerHello or HelloVerifyRequest, by which a client learns the version.
    ServerFirst,
    /// A plaintext alert: nobody vouches for it.
    PlainAlert(u8),
    /// Anything else.
    Other,
}

/// The first record of a datagram, or of what is left of one; `None` where it is cut short.
pub(crate) fn first(datagram: &[u8]) -> Option<Record<'_>> {
    let mut reader = Reader::new(datagram);
    let kind = take_record(&mut reader).ok()?;
    let (bytes, _) = datagram.split_at_checked(datagram.len() - reader.left())?;
    Some(Record { kind, bytes })
}

/// Splits a datagram into its records, up to the first that is cut short.
fn records(datagram: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let record = first(rest)?;
        (_, rest) = rest.split_at_checked(record.bytes.len())?;
        Some(record)
    })
}

/// The cipher suite that a ServerHello among the records of `datagram` picks.
pub(crate) fn cipher_suite(datagram: &[u8]) -> Option<CipherSuite> {
    records(datagram).filter(|record| record.kind == Kind::ServerFirst).find_map(|record| {
        let mut reader = Reader::new(record.bytes);
        reader.take(13).ok()?;
        if reader.u8().ok()? != SERVER_HELLO {
            return None;
        }
        reader.take(11 + 2 + 32).ok()?;
        let session_id = reader.u8().ok()?;
        reader.take(session_id.into()).ok()?;
        reader.u16().ok().map(CipherSuite)
    })
}

fn take_record(reader: &mut Reader<'_>) -> Result<Kind, Truncated> {
    let first = reader.u8()?;
    if first >> 5 == 0b001 {
        return take_ciphertext(reader, first).map(|()| Kind::Other);
    }
    reader.take(2)?;
    let epoch = reader.u16()?;
    reader.take(6)?;
    let length = reader.u16()?;
    let fragment = reader.take(length.into())?;
    Ok(match (first, epoch) {
        (ALERT, 0) => Kind::PlainAlert(fragment.get(1).copied().unwrap_or_default()),
        (HANDSHAKE, 0) => handshake_kind(fragment).unwrap_or(Kind::Other),
        _ => Kind::Other,
    })
}

/// Takes a record with the unified header (RFC 9147 §4), its first byte read. We never agree to connection ids.
fn take_ciphertext(reader: &mut Reader<'_>, first: u8) -> Result<(), Truncated> {
    reader.take(if first & 0b1000 != 0 { 2 } else { 1 })?;
    let length = if first & 0b100 != 0 { reader.u16()?.into() } else { reader.left() };
    reader.take(length).map(|_| ())
}

fn handshake_kind(fragment: &[u8]) -> Result<Kind, Truncated> {
    let mut reader = Reader::new(fragment);
    let message = reader.u8()?;
    let length = reader.u24()?;
    reader.take(2)?;
    let (offset, fragment_length) = (reader.u24()?, reader.u24()?);
    reader.take(fragment_length as usize)?;
    let is_whole = offset == 0 && fragment_length == length;
    Ok(match message {
        CLIENT_HELLO => Kind::ClientHello,
        SERVER_HELLO | HELLO_VERIFY_REQUEST if is_whole => Kind::ServerFirst,
        _ => Kind::Other,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(kind: u8, fragment: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend((fragment.len() as u16).to_be_bytes());
        bytes.extend(fragment);
        bytes
    }

    fn server_hello() -> Vec<u8> {
        let mut body = vec![0xfe, 0xfd];
        body.extend([7; 32]);
        body.extend([2, 1, 1, 0x13, 0x01, 0, 0, 0]);
        let mut fragment = vec![SERVER_HELLO, 0, 0, body.len() as u8, 0, 0, 0, 0, 0, 0, 0, body.len() as u8];
        fragment.extend(body);
        plain(HANDSHAKE, &fragment)
    }

    #[test]
    fn tells_alerts_hellos_and_ciphertext_apart() {
        let mut datagram = plain(ALERT, &[2, 40]);
        datagram.extend(server_hello());
        datagram.extend([0b0010_1110, 0, 1, 0, 2, 9, 9]);
        datagram.extend([0b0010_0010, 5, 9, 9, 9]);
        let kinds: Vec<Kind> = records(&datagram).map(|record| record.kind).collect();
        assert_eq!(kinds, [Kind::PlainAlert(40), Kind::ServerFirst, Kind::Other, Kind::Other]);
        assert_eq!(cipher_suite(&datagram), Some(CipherSuite(0x1301)));
    }

    #[test]
    fn stops_at_what_is_cut_short() {
        let whole = server_hello();
        for length in 0..whole.len() {
            assert_eq!(records(&whole[..length]).count(), 0);
        }
    }

    proptest! {
        #[test]
        fn covers_a_prefix_of_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let covered: usize = records(&bytes).map(|record| record.bytes.len()).sum();
            prop_assert!(covered <= bytes.len());
            let _ = cipher_suite(&bytes);
        }
    }
}
