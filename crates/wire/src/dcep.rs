//! The data channel establishment protocol (RFC 8832): the two messages that open a channel, sent on its own stream
//! with the payload protocol identifier 50.

use bytes::BytesMut;

use crate::cursor::{Reader, Truncated};

/// A message of the protocol (RFC 8832 §5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A channel is opened. Type 3.
    Open(Open),
    /// It was seen. Type 2.
    Ack,
}

/// DATA_CHANNEL_OPEN (RFC 8832 §5.1).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | message type 3 |  channel type |            priority           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                    reliability parameter                      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |         label length          |       protocol length         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// :                             label                             :
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// :                            protocol                           :
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Ordered or not, and what is given up.
    pub channel_type: ChannelType,
    /// The weight of the channel (RFC 8831 §6.4): 128 below normal, 256 normal, 512 high, 1024 extra high.
    pub priority: u16,
    /// How many retransmissions, or how many milliseconds; ignored where the channel is reliable.
    pub reliability: u32,
    /// The name of the channel; at most 65,535 bytes.
    pub label: String,
    /// The name of the protocol spoken on it; at most 65,535 bytes.
    pub protocol: String,
}

/// Whether a channel keeps the order, and what of it may be given up (RFC 8832 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelType {
    /// In order, nothing is given up. 0x00.
    Reliable,
    /// In any order, nothing is given up. 0x80.
    ReliableUnordered,
    /// In order, given up after so many retransmissions. 0x01.
    PartialReliableRexmit,
    /// In any order, given up after so many retransmissions. 0x81.
    PartialReliableRexmitUnordered,
    /// In order, given up after so many milliseconds. 0x02.
    PartialReliableTimed,
    /// In any order, given up after so many milliseconds. 0x82.
    PartialReliableTimedUnordered,
}

/// Why bytes are no message of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A field lies beyond the end: a length is overstated.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// The message type is none that is known.
    #[error("message type {0:#04x}")]
    MessageType(u8),
    /// The channel type is none that is known.
    #[error("channel type {0:#04x}")]
    ChannelType(u8),
    /// Label or protocol is not UTF-8 (RFC 8832 §5.1).
    #[error("{0} is not UTF-8")]
    Utf8(&'static str),
}

impl Message {
    /// Reads a message. What may stand behind it is ignored.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes);
        match reader.u8()? {
            OPEN => Ok(Self::Open(Open::parse(&mut reader)?)),
            ACK => Ok(Self::Ack),
            kind => Err(Error::MessageType(kind)),
        }
    }

    /// Appends the message.
    pub fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Open(open) => open.write(out),
            Self::Ack => out.extend_from_slice(&[ACK]),
        }
    }
}

impl Open {
    fn parse(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let channel_type = reader.u8()?;
        let channel_type = ChannelType::from_code(channel_type).ok_or(Error::ChannelType(channel_type))?;
        let (priority, reliability) = (reader.u16()?, reader.u32()?);
        let (label_len, protocol_len) = (reader.u16()?, reader.u16()?);
        let (label, protocol) = (reader.take(label_len.into())?, reader.take(protocol_len.into())?);
        let label = str::from_utf8(label).map_err(|_| Error::Utf8("label"))?.to_owned();
        let protocol = str::from_utf8(protocol).map_err(|_| Error::Utf8("protocol"))?.to_owned();
        Ok(Self { channel_type, priority, reliability, label, protocol })
    }

    /// Appends the message. Label and protocol must fit their length fields: what is longer is cut at the last whole
    /// character that fits.
    pub fn write(&self, out: &mut BytesMut) {
        let (label, protocol) = (fitting(&self.label), fitting(&self.protocol));
        out.extend_from_slice(&[OPEN, self.channel_type.code()]);
        out.extend_from_slice(&self.priority.to_be_bytes());
        out.extend_from_slice(&self.reliability.to_be_bytes());
        out.extend_from_slice(&(label.len() as u16).to_be_bytes());
        out.extend_from_slice(&(protocol.len() as u16).to_be_bytes());
        out.extend_from_slice(label.as_bytes());
        out.extend_from_slice(protocol.as_bytes());
    }
}

impl ChannelType {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Reliable,
        Self::ReliableUnordered,
        Self::PartialReliableRexmit,
        Self::PartialReliableRexmitUnordered,
        Self::PartialReliableTimed,
        Self::PartialReliableTimedUnordered,
    ];

    /// The number on the wire.
    pub fn code(self) -> u8 {
        match self {
            Self::Reliable => 0x00,
            Self::ReliableUnordered => 0x80,
            Self::PartialReliableRexmit => 0x01,
            Self::PartialReliableRexmitUnordered => 0x81,
            Self::PartialReliableTimed => 0x02,
            Self::PartialReliableTimedUnordered => 0x82,
        }
    }

    /// From the number on the wire.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Whether messages are delivered as they come.
    pub fn is_unordered(self) -> bool {
        self.code() & 0x80 != 0
    }
}

fn fitting(text: &str) -> &str {
    text.get(..text.floor_char_boundary(usize::from(u16::MAX))).unwrap_or_default()
}

const ACK: u8 = 2;
const OPEN: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> Open {
        let (label, protocol) = ("chat".to_owned(), "été".to_owned());
        let channel_type = ChannelType::PartialReliableTimedUnordered;
        Open { channel_type, priority: 256, reliability: 500, label, protocol }
    }

    fn written(message: &Message) -> BytesMut {
        let mut out = BytesMut::new();
        message.write(&mut out);
        out
    }

    #[test]
    fn an_open_message_has_the_form_of_the_rfc() {
        let bytes = written(&Message::Open(open()));
        let head = [3, 0x82, 1, 0, 0, 0, 1, 0xf4, 0, 4, 0, 5];
        assert_eq!(bytes, [&head[..], b"chat", "été".as_bytes()].concat());
        assert_eq!(Message::parse(&bytes), Ok(Message::Open(open())));
        assert_eq!(Message::parse(&written(&Message::Ack)), Ok(Message::Ack));
    }

    #[test]
    fn lengths_beyond_the_end_are_errors() {
        let mut bytes = written(&Message::Open(open()));
        bytes[9] = 9;
        assert!(matches!(Message::parse(&bytes), Err(Error::Truncated(_))));
        for len in 0..12 {
            assert!(Message::parse(&bytes[..len]).is_err());
        }
    }

    #[test]
    fn text_that_is_not_utf8_and_unknown_types_are_errors() {
        let mut bytes = written(&Message::Open(open()));
        bytes[12] = 0xff;
        assert_eq!(Message::parse(&bytes), Err(Error::Utf8("label")));
        bytes[1] = 0x03;
        assert_eq!(Message::parse(&bytes), Err(Error::ChannelType(3)));
        bytes[0] = 0;
        assert_eq!(Message::parse(&bytes), Err(Error::MessageType(0)));
    }

    #[test]
    fn a_label_too_long_is_cut_between_characters() {
        let long = Open { label: "é".repeat(40_000), ..open() };
        let Ok(Message::Open(read)) = Message::parse(&written(&Message::Open(long))) else {
            panic!("an open")
        };
        assert_eq!(read.label, "é".repeat(32_767));
    }
}
