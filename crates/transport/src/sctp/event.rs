//! What an association tells: ids and states, never payload. And where it stands, with its counters.

use std::time::Duration;

use peerless_wire::sctp::StreamId;

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The handshake is done; messages flow.
    Connected {
        /// How many streams we may send on, numbered from 0.
        outbound_streams: u16,
        /// How many streams the peer may send on.
        inbound_streams: u16,
        /// Whether messages are interleaved (RFC 8260).
        interleaving: bool,
        /// Whether we send packets without checksum (RFC 9653).
        zero_checksum: bool,
    },
    /// The peer has started anew (RFC 9260 §5.2.4.1): what was on its way is lost, all streams begin again.
    Restarted,
    /// The association has ended. The last event.
    Closed(Closed),
    /// The peer has reset these streams of its: they begin again, what it had sent on them before has been delivered.
    StreamsReset(Vec<StreamId>),
    /// Our reset of these streams is done; they begin again and can be used.
    ResetDone(Vec<StreamId>),
    /// The peer has refused to reset these streams of ours.
    ResetDenied(Vec<StreamId>),
    /// The bytes that wait on a stream have fallen to its threshold.
    BufferedAmountLow(StreamId),
    /// The send buffer has room again after `send` has refused.
    Writable,
}

/// Why an association has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Closed {
    /// Both sides have shut down; all that was sent has been delivered.
    Shutdown,
    /// We have aborted.
    Aborted,
    /// The peer has aborted.
    PeerAborted {
        /// The cause code of RFC 9260 §3.3.10, if one came along; 12 is user-initiated.
        cause: Option<u16>,
        /// What came with it, as text, at most 128 characters.
        reason: String,
    },
    /// The peer did not answer the handshake.
    HandshakeTimeout,
    /// The peer answers no more.
    Timeout,
    /// The peer has broken the protocol.
    Violation(&'static str),
    /// A message is larger than we take.
    TooLarge,
}

/// Where an association stands (RFC 9260 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// Not begun, or ended.
    #[default]
    Closed,
    /// INIT is out.
    CookieWait,
    /// COOKIE-ECHO is out.
    CookieEchoed,
    /// Messages flow.
    Established,
    /// We shut down once all is acknowledged.
    ShutdownPending,
    /// SHUTDOWN is out.
    ShutdownSent,
    /// The peer shuts down; we still send what is left.
    ShutdownReceived,
    /// SHUTDOWN-ACK is out.
    ShutdownAckSent,
}

/// Counters and estimates of an association.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Packets written.
    pub packets_sent: u64,
    /// Packets taken.
    pub packets_received: u64,
    /// Packets that were no SCTP, had a wrong checksum or a wrong tag.
    pub packets_refused: u64,
    /// Bytes of packets written.
    pub bytes_sent: u64,
    /// Bytes of packets taken.
    pub bytes_received: u64,
    /// Whole messages taken from the user.
    pub messages_sent: u64,
    /// Whole messages that the user has read.
    pub messages_received: u64,
    /// Messages given up (RFC 3758).
    pub messages_abandoned: u64,
    /// DATA chunks sent again.
    pub retransmissions: u64,
    /// How often all was quiet until the retransmission timer ran out (T3).
    pub timeouts: u64,
    /// Retransmissions that turned out to have been needless, by duplicates the peer reported.
    pub spurious_retransmissions: u64,
    /// The smoothed round-trip time, once measured.
    pub round_trip_time: Option<Duration>,
    /// The congestion window, in bytes.
    pub congestion_window: usize,
    /// Bytes sent and neither acknowledged nor taken for lost.
    pub bytes_in_flight: usize,
    /// The window that the peer gives, in bytes.
    pub peer_window: usize,
    /// The window that we give, in bytes.
    pub receive_window: usize,
    /// The size of packets in use, in bytes of SCTP.
    pub packet_size: usize,
    /// Bytes that wait to be sent or acknowledged.
    pub send_buffered: usize,
    /// Bytes that wait to be read, or for the rest of their message.
    pub receive_buffered: usize,
}
