//! How much is held and how much more the peer may send: the receive window (RFC 9260 §6.2.1), which tunes itself.
//!
//! It starts small and grows to four times what the user read in one round trip, up to a limit: a sender that doubles
//! what it sends is not held back, and a user who does not read holds no more than a small window.

/// What one chunk or message costs beside its bytes: the entries that keep it, and the allocation behind it. So tiny
/// fragments fill the window by what they really take.
pub(crate) const OVERHEAD: usize = 128;
/// Where the window starts, unless messages can be larger than half of it.
const START: usize = 256 << 10;
/// Less room than this is told as none, so that the peer does not send crumbs (RFC 9260 §6.2.1, RFC 1122 §4.2.3.3).
const LEAST_TOLD: usize = 1024;

/// What is charged for `len` bytes that are held in one piece.
pub(crate) fn charge(len: usize) -> usize {
    len + OVERHEAD
}

/// The receive window of an association.
#[derive(Debug)]
pub(crate) struct Window {
    limit: usize,
    size: usize,
    held: usize,
    /// Bytes that the user read since the last round trip ended.
    read: usize,
}

impl Window {
    /// One that grows up to `limit` bytes, for messages of up to `largest` bytes.
    pub(crate) fn new(limit: usize, largest: usize) -> Self {
        let size = START.max(largest.saturating_mul(2)).min(limit);
        Self { limit, size, held: 0, read: 0 }
    }

    pub(crate) fn hold(&mut self, bytes: usize) {
        self.held += bytes;
    }

    pub(crate) fn release(&mut self, bytes: usize) {
        debug_assert!(bytes <= self.held, "more released than held");
        self.held = self.held.saturating_sub(bytes);
    }

    /// A message of so many bytes was read by the user.
    pub(crate) fn read(&mut self, bytes: usize) {
        self.release(charge(bytes));
        self.read += bytes;
    }

    /// A round trip is over: grows where the user keeps up.
    pub(crate) fn handle_round(&mut self) {
        let wished = std::mem::take(&mut self.read).saturating_mul(4);
        self.size = self.size.max(wished.min(self.limit));
    }

    /// The user has read all there is, and yet little room is left: pieces of many messages fill it. Grows, for only
    /// more pieces can let them go.
    pub(crate) fn handle_pieces(&mut self) {
        if self.size.saturating_sub(self.held) < self.size / 4 {
            self.size = self.size.saturating_mul(2).min(self.limit);
        }
    }

    /// What is held, with what it costs beside its bytes.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// How large it has become.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// The room that the peer is told of (`a_rwnd`).
    pub(crate) fn advertised(&self) -> u32 {
        let room = self.size.saturating_sub(self.held);
        if room < LEAST_TOLD { 0 } else { u32::try_from(room).unwrap_or(u32::MAX) }
    }

    /// Whether `bytes` more stay below the limit and `beyond`. What was told before counts less than what there is: a
    /// peer that was promised more is not refused before the limit.
    pub(crate) fn has_room(&self, bytes: usize, beyond: usize) -> bool {
        self.held.saturating_add(bytes) <= self.limit.saturating_add(beyond)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_with_what_is_read_in_a_round_trip_up_to_its_limit() {
        let mut window = Window::new(16 << 20, 1000);
        assert_eq!(window.size(), START);
        window.handle_round();
        assert_eq!(window.size(), START, "nobody reads");
        for expected in [2 * START, 2 * START, 16 << 20] {
            let bytes = if expected == 16 << 20 { 5 << 20 } else { START / 2 };
            window.hold(charge(bytes));
            window.read(bytes);
            window.handle_round();
            assert_eq!((window.size(), window.held()), (expected, 0));
        }
    }

    #[test]
    fn grows_with_pieces_that_nobody_can_read_yet() {
        let mut window = Window::new(3 * START, 1000);
        window.hold(START / 2);
        window.handle_pieces();
        assert_eq!(window.size(), START, "there is room");
        window.hold(START / 2);
        window.handle_pieces();
        assert_eq!(window.size(), 2 * START);
        window.hold(START);
        window.handle_pieces();
        assert_eq!(window.size(), 3 * START, "up to its limit");
    }

    #[test]
    fn tells_what_is_left_and_no_crumbs() {
        let mut window = Window::new(4096, 100);
        assert_eq!(window.advertised(), 4096);
        window.hold(3000);
        assert_eq!(window.advertised(), 1096);
        window.hold(100);
        assert_eq!(window.advertised(), 0);
        window.hold(10_000);
        assert_eq!(window.advertised(), 0);
    }
}
