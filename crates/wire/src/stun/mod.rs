//! STUN messages (RFC 8489) with ICE's attributes (RFC 8445 §16.1).
//!
//! [`Message`] is a checked view of a datagram, [`Writer`] appends a message to a buffer. Here the CRC of FINGERPRINT
//! is computed and the bytes that MESSAGE-INTEGRITY covers are found; the HMAC itself is the caller's.

mod error;
mod address;
mod code;
mod attribute;
mod integrity;
mod writer;
mod message;

pub use attribute::{Attribute, Kind};
pub use code::ErrorCode;
pub use error::Error;
pub use integrity::Integrity;
pub use message::Message;
pub use writer::{Class, Method, TransactionId, Writer};
