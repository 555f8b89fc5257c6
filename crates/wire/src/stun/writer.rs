//! Writes STUN messages (RFC 8489 §5).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |0 0|     STUN Message Type     |         Message Length        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                     Magic Cookie  0x2112A442                  |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                     Transaction ID (96 bits)                  |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use bytes::{BufMut, BytesMut};

use crate::stun::address::Mask;
use crate::stun::attribute::{Attribute, padding};
use crate::stun::integrity::{self, FINGERPRINT, HEADER, INTEGRITY, INTEGRITY_SHA256};

/// What tells STUN from other protocols (RFC 8489 §5).
pub(super) const COOKIE: u32 = 0x2112_a442;

/// What a message is for (RFC 8489 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Wants a response.
    Request,
    /// Wants none.
    Indication,
    /// The request was fulfilled.
    Success,
    /// The request was refused.
    Error,
}

/// What is asked for: 12 bits (RFC 8489 §18.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Method(u16);

/// Joins a response to its request: 96 random bits (RFC 8489 §5).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TransactionId(pub [u8; 12]);

/// Appends one message to a buffer, attribute by attribute; the length in the header is right after each.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut BytesMut,
    start: usize,
    mask: Mask,
}

impl Method {
    /// Binding, the only method of STUN itself and of ICE.
    pub const BINDING: Self = Self(1);
    /// Allocate: lends an address (RFC 8656 §7).
    pub const ALLOCATE: Self = Self(3);
    /// Refresh: keeps or ends that (RFC 8656 §8).
    pub const REFRESH: Self = Self(4);
    /// Send: an indication with data for a peer (RFC 8656 §11).
    pub const SEND: Self = Self(6);
    /// Data: an indication with data of a peer (RFC 8656 §11).
    pub const DATA: Self = Self(7);
    /// CreatePermission: lets a peer's data through (RFC 8656 §10).
    pub const CREATE_PERMISSION: Self = Self(8);
    /// ChannelBind: a short header for one peer (RFC 8656 §12).
    pub const CHANNEL_BIND: Self = Self(9);

    /// `None` where `value` does not fit 12 bits.
    pub fn new(value: u16) -> Option<Self> {
        (value < 0x1000).then_some(Self(value))
    }

    /// The number.
    pub fn value(self) -> u16 {
        self.0
    }
}

impl<'a> Writer<'a> {
    /// Appends a header without attributes.
    pub fn new(out: &'a mut BytesMut, class: Class, method: Method, transaction: TransactionId) -> Self {
        let start = out.len();
        out.put_u16(message_type(class, method));
        out.put_u16(0);
        out.put_u32(COOKIE);
        out.put_slice(&transaction.0);
        Self { out, start, mask: mask(transaction) }
    }

    /// Appends an attribute, padded with zeros. MESSAGE-INTEGRITY and FINGERPRINT of a new message are made by
    /// [`Writer::integrity`] and [`Writer::fingerprint`]. One that would make the message longer than its 16-bit
    /// length can say is left out; no message of ours comes near that.
    pub fn attribute(&mut self, attribute: Attribute<'_>) {
        let before = self.out.len();
        self.out.put_u16(attribute.kind().0);
        self.out.put_u16(0);
        attribute.write_value(&self.mask, self.out);
        let length = self.out.len() - before - 4;
        self.out.put_bytes(0, padding(length));
        match u16::try_from(length) {
            Ok(length) if self.body() <= usize::from(u16::MAX - 3) => {
                self.out[before + 2..before + 4].copy_from_slice(&length.to_be_bytes());
                self.set_length(self.body());
            }
            _ => self.out.truncate(before),
        }
    }

    /// Appends MESSAGE-INTEGRITY: `mac` is given all the bytes it covers and returns their HMAC-SHA1.
    pub fn integrity(&mut self, mac: impl FnOnce(&[u8]) -> [u8; 20]) {
        self.set_length(self.body() + INTEGRITY);
        let mac = mac(&self.out[self.start..]);
        self.attribute(Attribute::MessageIntegrity(&mac));
    }

    /// Appends MESSAGE-INTEGRITY-SHA256 in full length: `mac` is given all the bytes it covers and returns their
    /// HMAC-SHA256.
    pub fn integrity_sha256(&mut self, mac: impl FnOnce(&[u8]) -> [u8; 32]) {
        self.set_length(self.body() + INTEGRITY_SHA256);
        let mac = mac(&self.out[self.start..]);
        self.attribute(Attribute::MessageIntegritySha256(&mac));
    }

    /// Appends FINGERPRINT, which ends the message.
    pub fn fingerprint(mut self) {
        self.set_length(self.body() + FINGERPRINT);
        let crc = integrity::fingerprint([&self.out[self.start..], &[]]);
        self.attribute(Attribute::Fingerprint(crc));
    }

    fn body(&self) -> usize {
        self.out.len() - self.start - HEADER
    }

    fn set_length(&mut self, length: usize) {
        let length = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        self.out[self.start + 2..self.start + 4].copy_from_slice(&length);
    }
}

/// What addresses are combined with.
pub(super) fn mask(transaction: TransactionId) -> Mask {
    let mut mask = [0; 16];
    let (cookie, rest) = mask.split_at_mut(4);
    cookie.copy_from_slice(&COOKIE.to_be_bytes());
    rest.copy_from_slice(&transaction.0);
    mask
}

/// Class and method interleaved: `00 M11-M7 C1 M6-M4 C0 M3-M0`.
fn message_type(class: Class, method: Method) -> u16 {
    let class = match class {
        Class::Request => 0,
        Class::Indication => 0x0010,
        Class::Success => 0x0100,
        Class::Error => 0x0110,
    };
    let method = method.0;
    class | (method & 0x000f) | (method & 0x0070) << 1 | (method & 0x0f80) << 2
}

/// The way back; the two top bits must be zero.
pub(super) fn split_type(value: u16) -> (Class, Method) {
    let class = match value & 0x0110 {
        0 => Class::Request,
        0x0010 => Class::Indication,
        0x0100 => Class::Success,
        _ => Class::Error,
    };
    (class, Method((value & 0x000f) | (value & 0x00e0) >> 1 | (value & 0x3e00) >> 2))
}

impl fmt::Debug for TransactionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}
