//! Stream numbers → places in a list, without hashing and without 65536 places for two streams.

use peerless_wire::sctp::StreamId;

const PAGE: usize = 32;

/// Finds the place of a stream. A page of 128 bytes per 32 numbers, where one of them is used.
#[derive(Debug, Default)]
pub struct StreamIndex {
    pages: Vec<Option<Box<[u32; PAGE]>>>,
}

impl StreamIndex {
    /// Where the stream's things are, if it has any.
    pub fn find(&self, stream: StreamId) -> Option<usize> {
        let number = usize::from(stream.0);
        let place = *self.pages.get(number / PAGE)?.as_deref()?.get(number % PAGE)?;
        place.checked_sub(1).map(|place| place as usize)
    }

    /// Remembers where they are.
    pub fn insert(&mut self, stream: StreamId, place: usize) {
        let number = usize::from(stream.0);
        if self.pages.len() <= number / PAGE {
            self.pages.resize_with(number / PAGE + 1, || None);
        }
        if let Some(page) = self.pages.get_mut(number / PAGE) {
            page.get_or_insert_with(|| Box::new([0; PAGE]))[number % PAGE] = place as u32 + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_put_in() {
        let mut index = StreamIndex::default();
        for (place, number) in [0, 65_535, 31, 32, 255, 256].into_iter().enumerate() {
            assert_eq!(index.find(StreamId(number)), None);
            index.insert(StreamId(number), place);
            assert_eq!(index.find(StreamId(number)), Some(place));
        }
        assert_eq!(index.find(StreamId(1)), None);
    }
}
