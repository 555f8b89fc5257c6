//! The certificates that a server of DTLS 1.2 shows beside its own (RFC 5246 §7.4.2, RFC 6347 §4.2.3), which the DTLS library
//! does not hand out: read off the handshake, where they pass in plain text.
//!
//! Nobody vouches for what is read here. It need not be: a chain of certificates holds by its own signatures, from the
//! server's certificate, whose key the library has seen at work, to a root that is known beforehand.

use peerless_wire::cursor::{Reader, Truncated};

const HANDSHAKE: u8 = 22;
const CERTIFICATE: u8 = 11;

/// How long the message may be, bytes: dozens of certificates.
const LONGEST: usize = 64 * 1024;

/// A Certificate message as it comes together.
#[derive(Debug, Default)]
pub struct Chain {
    message: Vec<u8>,
    /// Which of its bytes have come.
    has_come: Vec<bool>,
    /// The server's own certificate, as the library has it.
    pub(crate) own: Option<Vec<u8>>,
}

impl Chain {
    /// Takes what a record of the server has of the message.
    pub fn read(&mut self, record: &[u8]) {
        let _ = self.read_record(record);
    }

    /// The library has seen the key of this certificate at work: it, and all others that were shown.
    pub fn seen(&mut self, own: &[u8]) -> Vec<Vec<u8>> {
        self.own = Some(own.to_vec());
        let others = self.certificates().into_iter().skip(1);
        std::iter::once(own.to_vec()).chain(others).collect()
    }

    /// The certificates in DER, the server's own first; none where the message is not whole, or none.
    fn certificates(&self) -> Vec<Vec<u8>> {
        if !self.has_come.iter().all(|has_come| *has_come) {
            return Vec::new();
        }
        let mut reader = Reader::new(&self.message);
        let mut certificates = Vec::new();
        if reader.u24().is_ok_and(|length| length as usize == reader.left()) {
            while let Some(certificate) = next_certificate(&mut reader) {
                certificates.push(certificate.to_vec());
            }
        }
        certificates
    }

    fn read_record(&mut self, record: &[u8]) -> Result<(), Truncated> {
        let mut reader = Reader::new(record);
        let kind = reader.u8()?;
        reader.take(2)?;
        let epoch = reader.u16()?;
        reader.take(6)?;
        let length = reader.u16()?;
        let mut reader = Reader::new(reader.take(length.into())?);
        while (kind, epoch) == (HANDSHAKE, 0) && reader.left() > 0 {
            let message = reader.u8()?;
            let length = reader.u24()? as usize;
            reader.take(2)?;
            let (offset, size) = (reader.u24()? as usize, reader.u24()? as usize);
            let fragment = reader.take(size)?;
            if message == CERTIFICATE && length <= LONGEST {
                self.place(length, offset, fragment);
            }
        }
        Ok(())
    }

    /// The first fragment that comes says how long the message is; those that say otherwise are not of it.
    fn place(&mut self, length: usize, offset: usize, fragment: &[u8]) {
        if self.message.is_empty() {
            self.message.resize(length, 0);
            self.has_come.resize(length, false);
        }
        let range = offset..offset.saturating_add(fragment.len());
        let is_of_it = self.message.len() == length;
        let (place, has_come) = (self.message.get_mut(range.clone()), self.has_come.get_mut(range));
        if let (true, Some(place), Some(has_come)) = (is_of_it, place, has_come) {
            place.copy_from_slice(fragment);
            has_come.fill(true);
        }
    }
}

fn next_certificate<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = reader.u24().ok()?;
    reader.take(length as usize).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn u24(number: usize) -> [u8; 3] {
        [0, (number >> 8) as u8, number as u8]
    }

    fn message(certificates: &[Vec<u8>]) -> Vec<u8> {
        let list: Vec<u8> = certificates.iter().flat_map(|one| [&u24(one.len())[..], one].concat()).collect();
        [&u24(list.len())[..], &list].concat()
    }

    /// A record with the fragments of these ranges of a message.
    fn record(epoch: u8, message: &[u8], ranges: &[(usize, usize)]) -> Vec<u8> {
        let mut fragments = Vec::new();
        for (begin, end) in ranges {
            let part = &message[*begin..*end];
            fragments.extend([&[CERTIFICATE], &u24(message.len())[..], &[0, 1]].concat());
            fragments.extend([&u24(*begin)[..], &u24(part.len()), part].concat());
        }
        let length = (fragments.len() as u16).to_be_bytes();
        [&[HANDSHAKE, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 0][..], &length, &fragments].concat()
    }

    #[test]
    fn comes_together_from_fragments_in_any_order() {
        let certificates = vec![vec![1; 400], vec![2; 300], vec![3; 5]];
        let message = message(&certificates);
        let mut chain = Chain::default();
        assert!(chain.certificates().is_empty());
        for ranges in [vec![(600, message.len())], vec![(0, 300), (200, 450)]] {
            chain.read(&record(0, &message, &ranges));
            assert!(chain.certificates().is_empty());
        }
        // Neither what says that the message is longer, nor what is encrypted, is of it.
        chain.read(&record(0, &[9; 800], &[(450, 600)]));
        chain.read(&record(1, &message, &[(450, 600)]));
        assert!(chain.certificates().is_empty());
        chain.read(&record(0, &message, &[(450, 600)]));
        assert_eq!(chain.certificates(), certificates);
    }

    #[test]
    fn one_that_is_cut_short_within_is_taken_up_to_there() {
        let mut message = message(&[vec![1; 10], vec![2; 10]]);
        message[18] = 99;
        let mut chain = Chain::default();
        chain.read(&record(0, &message, &[(0, message.len())]));
        assert_eq!(chain.certificates(), [vec![1; 10]]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(records in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..9)) {
            let mut chain = Chain::default();
            for record in records {
                let plain = [&[HANDSHAKE, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 50, CERTIFICATE, 0][..], &record].concat();
                chain.read(&record);
                chain.read(&plain);
                prop_assert!(chain.message.len() <= LONGEST);
                let _ = chain.certificates();
            }
        }
    }
}
