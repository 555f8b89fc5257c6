//! The numbers of an association as types: those that wrap around (TSN, SSN, MID, request numbers; serial number
//! arithmetic as in RFC 1982, RFC 9260 §1.6), and the ids (stream, payload protocol, verification tag).

use std::fmt;

/// The number of a DATA chunk in its association: 32 bits, one more for each chunk, wraps (RFC 9260 §1.6).
///
/// It has no `Ord`: on a circle there is none. Compare two with [`is_newer_than`](Self::is_newer_than), or extend
/// them with [`near`](Self::near) to numbers that do not wrap.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Tsn(pub u32);

/// A stream of an association, one direction: 0 to 65534 in WebRTC (RFC 8831 §6.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct StreamId(pub u16);

/// The number of an ordered message in its stream, in DATA chunks: 16 bits, wraps (RFC 9260 §3.3.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Ssn(pub u16);

/// The number of a message in its stream, in I-DATA chunks: 32 bits, wraps; ordered and unordered messages count apart
/// (RFC 8260 §2.1, where it is called MID).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct MessageId(pub u32);

/// The number of a request to re-configure streams: 32 bits, wraps (RFC 6525 §4.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RequestNumber(pub u32);

/// What a message is, as its sender says: the payload protocol identifier (RFC 9260 §3.3.1, RFC 8831 §8).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Ppid(pub u32);

/// A verification tag: which association a packet is for (RFC 9260 §8.5). 0 goes with INIT only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Tag(pub u32);

impl Tsn {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        self.plus(1)
    }

    /// The number `count` chunks later.
    #[must_use]
    pub fn plus(self, count: u32) -> Self {
        Self(self.0.wrapping_add(count))
    }

    /// The number `count` chunks earlier.
    #[must_use]
    pub fn minus(self, count: u32) -> Self {
        Self(self.0.wrapping_sub(count))
    }

    /// How far it is from `earlier` to this: 1 if it is the next, negative if this is the older one.
    pub fn since(self, earlier: Self) -> i32 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// Whether it is ahead of `other` by less than half the circle.
    pub fn is_newer_than(self, other: Self) -> bool {
        self.since(other) > 0
    }

    /// Extends it to 64 bits that do not wrap: the number nearest to `reference` with these low 32 bits. `reference`
    /// should start at [`FIRST_TURN`](Self::FIRST_TURN) plus the initial TSN, so that older numbers are above zero too.
    pub fn near(self, reference: u64) -> u64 {
        reference.saturating_add_signed(i64::from(self.since(Self(reference as u32))))
    }

    /// Where extended numbers start: one turn above zero.
    pub const FIRST_TURN: u64 = 1 << 32;
}

impl Ssn {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// How far it is from `earlier` to this: 1 if it is the next, negative if this is the older one.
    pub fn since(self, earlier: Self) -> i16 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }
}

impl MessageId {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// How far it is from `earlier` to this: 1 if it is the next, negative if this is the older one.
    pub fn since(self, earlier: Self) -> i32 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }
}

impl RequestNumber {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// The number before this one.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0.wrapping_sub(1))
    }
}

impl Ppid {
    /// A message of the data channel establishment protocol (RFC 8832 §8.1).
    pub const DCEP: Self = Self(50);
    /// Text, UTF-8 (RFC 8831 §8).
    pub const STRING: Self = Self(51);
    /// A part of a binary message; deprecated, not sent.
    pub const BINARY_PARTIAL: Self = Self(52);
    /// Bytes (RFC 8831 §8).
    pub const BINARY: Self = Self(53);
    /// A part of a text; deprecated, not sent.
    pub const STRING_PARTIAL: Self = Self(54);
    /// The empty text, sent as one byte (RFC 8831 §6.6).
    pub const STRING_EMPTY: Self = Self(56);
    /// No bytes, sent as one byte (RFC 8831 §6.6).
    pub const BINARY_EMPTY: Self = Self(57);
}

impl From<u64> for Tsn {
    /// The low 32 bits of an extended number.
    fn from(extended: u64) -> Self {
        Self(extended as u32)
    }
}

macro_rules! shown {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )*};
}

shown!(Tsn, StreamId, Ssn, MessageId, RequestNumber, Ppid, Tag);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_numbers_across_the_wrap() {
        assert!(Tsn(0).is_newer_than(Tsn(u32::MAX)));
        assert!(!Tsn(7).is_newer_than(Tsn(7)));
        assert_eq!(Tsn(2).since(Tsn(u32::MAX)), 3);
        assert_eq!(Tsn(0).minus(1), Tsn(u32::MAX));
        assert_eq!(Ssn(1).since(Ssn(65535)), 2);
        assert_eq!(MessageId(u32::MAX).next(), MessageId(0));
    }

    #[test]
    fn extends_to_the_number_nearest_to_what_is_known() {
        let first = Tsn::FIRST_TURN + u64::from(u32::MAX - 1);
        assert_eq!(Tsn(u32::MAX).near(first), first + 1);
        assert_eq!(Tsn(3).near(first), first + 5);
        assert_eq!(Tsn(u32::MAX - 9).near(first), first - 8);
        assert_eq!(Tsn::from(first + 5), Tsn(3));
    }
}
