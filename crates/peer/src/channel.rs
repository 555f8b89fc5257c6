//! Data channels as plain data (webrtc-pc §6.2, RFC 8831, RFC 8832): how one shall be, how it looks, what it carries.

use std::time::Duration;

use bytes::Bytes;

use crate::error::Error;
use crate::state::{DataChannelState, SctpState};

/// The longest label and the longest protocol, bytes of UTF-8 (webrtc-pc §6.1, RFC 8832 §5.1).
pub const NAME_LIMIT: usize = 65_535;
/// The highest stream id of a channel: 65535 is reserved (RFC 8832 §6, webrtc-pc §6.1).
pub const STREAM_ID_MAX: u16 = 65_534;

/// How a data channel shall be (RTCDataChannelInit, webrtc-pc §6.2.1).
///
/// Change the fields you care about and leave the rest to [`Default`]: ordered and reliable, announced to the remote.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataChannelInit {
    /// Whether messages arrive in the order in which they were sent. Default: yes.
    pub ordered: bool,
    /// For how long a message is sent again when it is lost; whole milliseconds up to 65535 are kept, anything else is
    /// refused. Default: no limit. Excludes `max_retransmits`.
    pub max_packet_life_time: Option<Duration>,
    /// How many times a message is sent again when it is lost. Default: no limit. Excludes `max_packet_life_time`.
    pub max_retransmits: Option<u16>,
    /// The subprotocol, at most 65535 bytes; empty for none.
    pub protocol: String,
    /// Whether both sides make the channel by themselves, with the same `id`. Default: no, the remote is told of it.
    pub negotiated: bool,
    /// The stream of a negotiated channel, 0 to 65534; needed for those, refused for others.
    pub id: Option<u16>,
    /// How it competes with the other channels of the connection (RFC 8831 §6.4). Default: low, as the W3C has it.
    pub priority: Priority,
}

impl Default for DataChannelInit {
    fn default() -> Self {
        Self {
            ordered: true,
            max_packet_life_time: None,
            max_retransmits: None,
            protocol: String::new(),
            negotiated: false,
            id: None,
            priority: Priority::default(),
        }
    }
}

/// How a channel competes with others for the way out: it gets a share in proportion (RFC 8831 §6.4, webrtc-priority
/// §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Priority(pub u16);

impl Priority {
    /// RTCPriorityType "very-low": below normal.
    pub const VERY_LOW: Self = Self(128);
    /// RTCPriorityType "low": normal.
    pub const LOW: Self = Self(256);
    /// RTCPriorityType "medium": high.
    pub const MEDIUM: Self = Self(512);
    /// RTCPriorityType "high": extra high.
    pub const HIGH: Self = Self(1024);
}

impl Default for Priority {
    fn default() -> Self {
        Self::LOW
    }
}

/// What a channel carries.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Message {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

impl Message {
    /// How many bytes it has; text as UTF-8.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether it has none. An empty message is a message all the same (RFC 8831 §6.6).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text, where it is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// The bytes: those of text as UTF-8. Copies nothing.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => Bytes::from(text.into_bytes()),
            Self::Binary(bytes) => bytes,
        }
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

impl From<&'static [u8]> for Message {
    fn from(bytes: &'static [u8]) -> Self {
        Self::Binary(Bytes::from_static(bytes))
    }
}

/// A look at a channel (RTCDataChannel, webrtc-pc §6.2).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelView {
    /// Its name, not necessarily unique.
    pub label: String,
    /// Its subprotocol, empty for none.
    pub protocol: String,
    /// Its stream; `None` until the DTLS role says whether it is even or odd (RFC 8832 §6).
    pub id: Option<u16>,
    /// Whether messages arrive in order.
    pub ordered: bool,
    /// For how long a lost message is sent again.
    pub max_packet_life_time: Option<Duration>,
    /// How many times a lost message is sent again.
    pub max_retransmits: Option<u16>,
    /// Whether both sides made it by themselves.
    pub negotiated: bool,
    /// How it competes with others.
    pub priority: Priority,
    /// Where it stands.
    pub ready_state: DataChannelState,
    /// Bytes of messages given to it that have not left for the network yet (`bufferedAmount`). What could not be sent
    /// before the channel closed stays counted.
    pub buffered_amount: usize,
    /// At or below this many bytes `BufferedAmountLow` is told when the amount falls (`bufferedAmountLowThreshold`).
    pub buffered_amount_low_threshold: usize,
}

/// A look at what carries the channels (RTCSctpTransport, webrtc-pc §6.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SctpView {
    /// Where it stands.
    pub state: SctpState,
    /// The longest message that can be sent, bytes: what the remote takes, at most `Config::send_buffer`.
    pub max_message_size: usize,
    /// How many channels there can be, once connected.
    pub max_channels: Option<u32>,
}

/// Why a message was not taken. The channel goes on as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The channel is connecting, closing or closed.
    #[error("the channel is {state}")]
    NotOpen {
        /// Where it stands.
        state: DataChannelState,
    },
    /// The message is longer than the remote takes (`a=max-message-size`), or than the send buffer.
    #[error("a message of {len} bytes, {limit} is the limit")]
    TooLarge {
        /// Its length, bytes.
        len: usize,
        /// What is taken at most, bytes.
        limit: usize,
    },
    /// The send buffer of the connection is full: try again when it has room.
    #[error("{buffered} of {limit} bytes are waiting to be delivered")]
    Full {
        /// What is waiting, of all channels, bytes.
        buffered: usize,
        /// `Config::send_buffer`, bytes.
        limit: usize,
    },
}

impl MessageError {
    /// The name of the DOMException that a browser would throw (webrtc-pc §6.2, `send`).
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotOpen { .. } => "InvalidStateError",
            Self::TooLarge { .. } => "TypeError",
            Self::Full { .. } => "OperationError",
        }
    }
}

/// Why a channel ended otherwise than by being closed: what its `error` event says (webrtc-pc §6.2, RTCErrorDetailType).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// "sctp-failure": the association ended, and why.
    #[error("the association ended: {0}")]
    Sctp(String),
    /// "sctp-failure": the descriptions agreed on having no data channels.
    #[error("data channels were refused")]
    Refused,
    /// "data-channel-failure": there is no stream left for it, or the association has none of its id.
    #[error("there is no stream for the channel")]
    NoStream,
    /// "data-channel-failure": the remote sent text that is not UTF-8 (RFC 8831 §6.6).
    #[error("the remote sent text that is not UTF-8")]
    Text,
    /// "data-channel-failure": the remote sent a message that is none of a data channel's (RFC 8831 §8).
    #[error("the remote sent a message of no known kind")]
    Protocol,
}

/// What `createDataChannel` refuses whatever else there is (webrtc-pc §6.1).
pub(crate) fn check_init(label: &str, init: &DataChannelInit) -> Result<(), Error> {
    if label.len() > NAME_LIMIT || init.protocol.len() > NAME_LIMIT {
        return Err(Error::Argument("label and protocol have 65535 bytes at most"));
    }
    if init.max_packet_life_time.is_some() && init.max_retransmits.is_some() {
        return Err(Error::Argument("max_packet_life_time and max_retransmits exclude each other"));
    }
    let is_whole = |life: Duration| {
        life.subsec_nanos().is_multiple_of(1_000_000) && life.as_millis() <= u128::from(u16::MAX)
    };
    if init.max_packet_life_time.is_some_and(|life| !is_whole(life)) {
        return Err(Error::Argument("max_packet_life_time is 0 to 65535 whole milliseconds"));
    }
    match init.id {
        None if init.negotiated => Err(Error::Argument("a negotiated channel needs an id")),
        Some(_) if !init.negotiated => Err(Error::Argument("only a negotiated channel has an id given")),
        Some(id) if id > STREAM_ID_MAX => Err(Error::Argument("the id is 65534 at most")),
        _ => Ok(()),
    }
}
