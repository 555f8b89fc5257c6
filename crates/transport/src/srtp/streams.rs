//! What a context remembers of each stream: a bounded table by SSRC.

use peerless_wire::rtp::Ssrc;

use crate::srtp::error::Error;

/// How many streams one context keeps account of, 150 bytes each. Only streams with an authentic packet get an
/// entry, and none is dropped while the context lives: what was forgotten could be replayed.
pub(crate) const LIMIT: usize = 1024;

/// Entries in order of SSRC. A call of video has a handful; the last one found is tried first.
#[derive(Debug)]
pub(crate) struct Streams<T> {
    entries: Vec<(u32, T)>,
    last: usize,
}

impl<T> Streams<T> {
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), last: 0 }
    }

    /// The entry of `ssrc`.
    pub(crate) fn find(&mut self, ssrc: Ssrc) -> Option<&mut T> {
        if self.entries.get(self.last).is_none_or(|entry| entry.0 != ssrc.0) {
            self.last = self.entries.binary_search_by_key(&ssrc.0, |entry| entry.0).ok()?;
        }
        self.entries.get_mut(self.last).map(|entry| &mut entry.1)
    }

    /// Adds an entry for `ssrc`, which must have none. Errs where the table is full.
    pub(crate) fn insert(&mut self, ssrc: Ssrc, value: T) -> Result<(), Error> {
        if self.entries.len() >= LIMIT {
            return Err(Error::TooManyStreams { limit: LIMIT });
        }
        if let Err(place) = self.entries.binary_search_by_key(&ssrc.0, |entry| entry.0) {
            self.entries.insert(place, (ssrc.0, value));
            self.last = place;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_inserted_in_any_order() {
        let mut streams = Streams::new();
        let ssrcs: Vec<u32> = (0..LIMIT as u32).map(|number| number.wrapping_mul(2_654_435_761)).collect();
        ssrcs.iter().for_each(|ssrc| streams.insert(Ssrc(*ssrc), *ssrc).unwrap());
        assert!(streams.insert(Ssrc(1), 1).is_err());
        ssrcs.iter().rev().for_each(|ssrc| assert_eq!(streams.find(Ssrc(*ssrc)), Some(&mut ssrc.clone())));
        assert_eq!(streams.find(Ssrc(1)), None);
    }
}
