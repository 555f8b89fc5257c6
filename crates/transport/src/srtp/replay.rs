//! Which indices were seen: a sliding window over the highest (RFC 3711 §3.3.2).

/// How many indices back the window reaches: at 10,000 packets per second of one stream, a tenth of a second.
/// RFC 3711 §3.3.2 asks for 64 at least.
pub(crate) const WINDOW: u64 = 1024;
const WORDS: usize = (WINDOW / 64) as usize;

/// The indices seen of one stream. A ring of bits: the bit of an index is its remainder by [`WINDOW`], and those
/// between the old and a new highest index are cleared when the window slides.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    /// One more than the highest index seen; 0 where none was.
    next: u64,
    seen: [u64; WORDS],
}

impl Window {
    /// Nothing seen but `index`.
    pub(crate) fn with(index: u64) -> Self {
        let mut window = Self { next: 0, seen: [0; WORDS] };
        window.insert(index);
        window
    }

    /// The highest index seen.
    pub(crate) fn highest(&self) -> Option<u64> {
        self.next.checked_sub(1)
    }

    /// Whether `index` was not seen and is not too old to tell.
    pub(crate) fn is_new(&self, index: u64) -> bool {
        index >= self.next || (index + WINDOW >= self.next && self.seen[word(index)] & bit(index) == 0)
    }

    /// Notes `index`, which must be new. Only for what was authenticated.
    pub(crate) fn insert(&mut self, index: u64) {
        debug_assert!(self.is_new(index));
        if index >= self.next {
            if index - self.next >= WINDOW {
                self.seen = [0; WORDS];
            } else {
                (self.next..index).for_each(|skipped| self.seen[word(skipped)] &= !bit(skipped));
            }
            self.next = index + 1;
        }
        self.seen[word(index)] |= bit(index);
    }
}

fn word(index: u64) -> usize {
    (index % WINDOW / 64) as usize
}

fn bit(index: u64) -> u64 {
    1 << (index % 64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn takes_each_index_once_and_none_too_old() {
        let window = Window::with(5000);
        assert!(window.is_new(5001));
        assert!(!window.is_new(5000));
        assert!(window.is_new(5000 - WINDOW + 1));
        assert!(!window.is_new(5000 - WINDOW));
    }

    #[test]
    fn forgets_what_the_ring_overwrites() {
        let mut window = Window::with(0);
        (1..WINDOW).for_each(|index| window.insert(index));
        window.insert(WINDOW + 3);
        assert!(window.is_new(WINDOW));
        assert!(window.is_new(WINDOW + 2));
        assert!(!window.is_new(WINDOW + 3));
        assert!(!window.is_new(5));
    }

    proptest! {
        #[test]
        fn agrees_with_a_set_of_all_seen(first in 0u64..6000, steps in proptest::collection::vec(0u64..6000, 1..400)) {
            let (mut window, mut seen) = (Window::with(first), std::collections::BTreeSet::from([first]));
            for index in steps {
                let highest = seen.last().copied();
                let is_old = highest.is_some_and(|highest: u64| index + WINDOW <= highest);
                let expected = !is_old && !seen.contains(&index);
                prop_assert_eq!(window.is_new(index), expected);
                if expected {
                    window.insert(index);
                    seen.insert(index);
                }
                prop_assert_eq!(window.highest(), seen.last().copied());
            }
        }
    }
}
