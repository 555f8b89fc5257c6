//! STUN messages (RFC 8489) with the attributes of ICE (RFC 8445 §16.1) and TURN (RFC 8656 §18), and TURN's channel data.
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
mod channel_data;

pub use attribute::{Attribute, Family, Kind};
pub use channel_data::{ChannelData, ChannelDataError, ChannelNumber};
pub use code::ErrorCode;
pub use error::Error;
pub use integrity::{Integrity, IntegritySha256};
pub use message::Message;
pub use writer::{Class, Method, TransactionId, Writer};
