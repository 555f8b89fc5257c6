//! Sequence numbers that wrap around (RFC 3550 §5.1, §A.1): their order on the circle, and their extension to
//! numbers that do not wrap.

use std::fmt;

/// The number of a packet in its stream: 16 bits, one more for each packet, 0 after 65535 (RFC 3550 §5.1).
///
/// It has no `Ord`: on a circle there is none. Compare two with [`is_newer_than`](Self::is_newer_than), or extend
/// them with an [`Unwrapper`] first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SequenceNumber(pub u16);

/// Extends 16-bit sequence numbers to 64 bits that do not wrap (RFC 3550 §A.1, RFC 3711 §3.3.1).
///
/// Each number is taken as the one nearest to the highest seen so far, so packets may be late or early by up to
/// 32767. The first number is placed one turn above zero, so that packets older than it still get a number.
#[derive(Debug, Clone, Default)]
pub struct Unwrapper {
    highest: Option<u64>,
}

impl SequenceNumber {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// The number `count` packets later.
    #[must_use]
    pub fn plus(self, count: u16) -> Self {
        Self(self.0.wrapping_add(count))
    }

    /// How far it is from `earlier` to this: 1 if it is the next, negative if this is the older one. At exactly
    /// half the circle it is -32768 both ways.
    pub fn since(self, earlier: Self) -> i16 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// Whether it is ahead of `other` by less than half the circle.
    pub fn is_newer_than(self, other: Self) -> bool {
        self.since(other) > 0
    }
}

impl Unwrapper {
    /// One that has seen no number.
    pub fn new() -> Self {
        Self::default()
    }

    /// The extended number of `number`; its low 16 bits are the number itself.
    pub fn unwrap(&mut self, number: u16) -> u64 {
        let Some(highest) = self.highest else {
            let first = FIRST_TURN + u64::from(number);
            self.highest = Some(first);
            return first;
        };
        let step = SequenceNumber(number).since(SequenceNumber(highest as u16));
        let extended = highest.saturating_add_signed(i64::from(step));
        self.highest = Some(highest.max(extended));
        extended
    }

    /// The highest number so far.
    pub fn highest(&self) -> Option<u64> {
        self.highest
    }
}

impl From<u64> for SequenceNumber {
    /// The low 16 bits of an extended number.
    fn from(extended: u64) -> Self {
        Self(extended as u16)
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Debug for SequenceNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{}", self.0)
    }
}

const FIRST_TURN: u64 = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_numbers_across_the_wrap() {
        assert!(SequenceNumber(0).is_newer_than(SequenceNumber(65535)));
        assert!(!SequenceNumber(65535).is_newer_than(SequenceNumber(0)));
        assert!(!SequenceNumber(7).is_newer_than(SequenceNumber(7)));
        assert_eq!(SequenceNumber(2).since(SequenceNumber(65534)), 4);
        assert_eq!(SequenceNumber(65534).since(SequenceNumber(2)), -4);
        assert_eq!(SequenceNumber(65535).next(), SequenceNumber(0));
    }

    #[test]
    fn extends_numbers_over_many_turns() {
        let mut unwrapper = Unwrapper::new();
        let start = unwrapper.unwrap(65000);
        for step in 1..200_000_u64 {
            assert_eq!(unwrapper.unwrap((65000 + step) as u16), start + step);
        }
    }

    #[test]
    fn late_packets_get_the_number_of_their_own_turn() {
        let mut unwrapper = Unwrapper::new();
        let newest = unwrapper.unwrap(3);
        assert_eq!(unwrapper.unwrap(65534), newest - 5);
        assert_eq!(unwrapper.unwrap(4), newest + 1);
        assert_eq!(unwrapper.highest(), Some(newest + 1));
    }

    #[test]
    fn never_goes_below_zero() {
        let mut unwrapper = Unwrapper::new();
        unwrapper.unwrap(0);
        for _ in 0..10 {
            unwrapper.unwrap(32768);
        }
        assert_eq!(unwrapper.highest(), Some(FIRST_TURN));
    }
}
