//! The header extensions we know, by URI, and the values they carry: MID (RFC 9143 §15), RID and repaired RID
//! (RFC 8852), audio level (RFC 6464), those of contributing sources (RFC 6465), video orientation (3GPP TS 26.114 §7.4.5), and WebRTC's absolute send time,
//! transport-wide sequence number, playout delay and absolute capture time.

use std::fmt;
use std::num::NonZeroU8;
use std::time::Duration;

use crate::rtp::id::{Mid, Rid};

/// A header extension we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ExtensionKind {
    /// The media section a packet belongs to (RFC 9143 §15).
    Mid,
    /// The encoding, one of a simulcast, a packet belongs to (RFC 8852 §4.1).
    Rid,
    /// The encoding that a retransmission repairs (RFC 8852 §4.1).
    RepairedRid,
    /// When the packet left, in 6.18 fixed-point seconds.
    AbsSendTime,
    /// A sequence number over all streams of the transport (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    TransportSequence,
    /// How loud the sound is, and whether it is speech (RFC 6464).
    AudioLevel,
    /// How the picture is to be turned (3GPP TS 26.114 §7.4.5).
    VideoOrientation,
    /// The shortest and longest delay the receiver should play at.
    PlayoutDelay,
    /// When the media was captured, by the sender's NTP clock.
    AbsCaptureTime,
    /// How loud each source is that a mixer joined (RFC 6465).
    CsrcAudioLevel,
}

impl ExtensionKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Mid,
        Self::Rid,
        Self::RepairedRid,
        Self::AbsSendTime,
        Self::TransportSequence,
        Self::AudioLevel,
        Self::VideoOrientation,
        Self::PlayoutDelay,
        Self::AbsCaptureTime,
        Self::CsrcAudioLevel,
    ];

    /// Its name in `a=extmap`.
    pub fn uri(self) -> &'static str {
        match self {
            Self::Mid => "urn:ietf:params:rtp-hdrext:sdes:mid",
            Self::Rid => "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
            Self::RepairedRid => "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
            Self::AbsSendTime => "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
            Self::TransportSequence => {
                "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
            }
            Self::AudioLevel => "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
            Self::VideoOrientation => "urn:3gpp:video-orientation",
            Self::PlayoutDelay => "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
            Self::AbsCaptureTime => "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
            Self::CsrcAudioLevel => "urn:ietf:params:rtp-hdrext:csrc-audio-level",
        }
    }

    /// The extension named `uri`, if we know it.
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.uri() == uri)
    }
}

/// A MID or RID inside a packet: 1 to 16 bytes of UTF-8, kept in place so that reading a packet does not allocate.
///
/// 16 bytes is what the one-byte form of RFC 8285 can carry; longer ones are not sent, and not recognised when
/// received (their streams are then told apart by SSRC and payload type).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ShortText {
    len: NonZeroU8,
    bytes: [u8; ShortText::MAX],
}

impl ShortText {
    /// The longest, in bytes.
    pub const MAX: usize = 16;

    /// `None` where `text` is empty or longer than [`MAX`](Self::MAX) bytes.
    pub fn new(text: &str) -> Option<Self> {
        let len = NonZeroU8::new(u8::try_from(text.len()).ok()?)?;
        let mut bytes = [0; Self::MAX];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { len, bytes })
    }

    /// From the bytes of a header extension; `None` where they are no such text.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > Self::MAX { None } else { Self::new(std::str::from_utf8(bytes).ok()?) }
    }

    /// The bytes on the wire.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len.get())).unwrap_or_default()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl PartialEq<Mid> for ShortText {
    fn eq(&self, other: &Mid) -> bool {
        self.as_bytes() == other.as_str().as_bytes()
    }
}

impl PartialEq<Rid> for ShortText {
    fn eq(&self, other: &Rid) -> bool {
        self.as_bytes() == other.as_str().as_bytes()
    }
}

impl fmt::Display for ShortText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for ShortText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.as_str())
    }
}

/// How loud a packet's sound is (RFC 6464 §3).
///
/// ```text
///  0 1 2 3 4 5 6 7
/// +-+-+-+-+-+-+-+-+
/// |V|    level    |
/// +-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioLevel {
    /// Whether the sender thinks it is speech.
    pub voice: bool,
    /// In -dBov: 0 is the loudest, 127 is silence. Only the low 7 bits travel.
    pub level: u8,
}

impl AudioLevel {
    pub(crate) fn from_byte(byte: u8) -> Self {
        Self { voice: byte & 0x80 != 0, level: byte & 0x7f }
    }

    pub(crate) fn to_byte(self) -> u8 {
        u8::from(self.voice) << 7 | self.level & 0x7f
    }
}

/// How loud each contributing source of a packet is, in the order of its CSRC list (RFC 6465 §3): 1 to 15 of them.
///
/// ```text
///  0                   1
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |0|   level 1   |0|   level 2   |  ...
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CsrcLevels {
    len: NonZeroU8,
    levels: [u8; CsrcLevels::MAX],
}

impl CsrcLevels {
    /// As many as a packet has contributing sources.
    pub const MAX: usize = 15;

    /// In -dBov, 0 the loudest, 127 silence; only the low 7 bits travel. `None` for none and for more than
    /// [`MAX`](Self::MAX).
    pub fn new(levels: &[u8]) -> Option<Self> {
        let len = NonZeroU8::new(u8::try_from(levels.len()).ok()?)?;
        let mut copy = [0; Self::MAX];
        for (to, from) in copy.get_mut(..levels.len())?.iter_mut().zip(levels) {
            *to = from & 0x7f;
        }
        Some(Self { len, levels: copy })
    }

    /// One for each source.
    pub fn as_slice(&self) -> &[u8] {
        self.levels.get(..usize::from(self.len.get())).unwrap_or_default()
    }
}

/// How a picture is to be shown (3GPP TS 26.114 §7.4.5, "coordination of video orientation").
///
/// ```text
///  0 1 2 3 4 5 6 7
/// +-+-+-+-+-+-+-+-+
/// |0 0 0 0|C|F|R R|
/// +-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VideoOrientation {
    /// Taken by the camera at the back of the device.
    pub back_camera: bool,
    /// Mirrored left to right: to be mirrored back before it is turned.
    pub flipped: bool,
    /// Quarter turns clockwise that the receiver makes to show it upright: 0 to 3, only the low 2 bits travel.
    pub quarter_turns: u8,
}

impl VideoOrientation {
    pub(crate) fn from_byte(byte: u8) -> Self {
        Self { back_camera: byte & 8 != 0, flipped: byte & 4 != 0, quarter_turns: byte & 3 }
    }

    pub(crate) fn to_byte(self) -> u8 {
        u8::from(self.back_camera) << 3 | u8::from(self.flipped) << 2 | self.quarter_turns & 3
    }
}

/// The bounds of the delay from capture to show that the sender wishes for
/// (<http://www.webrtc.org/experiments/rtp-hdrext/playout-delay>).
///
/// ```text
///  0                   1                   2
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |      min (10 ms)      |      max (10 ms)      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlayoutDelay {
    /// The shortest, in steps of 10 ms: 0 to 4095, only the low 12 bits travel.
    pub min_10ms: u16,
    /// The longest, in the same steps.
    pub max_10ms: u16,
}

impl PlayoutDelay {
    /// Delays rounded down to 10 ms, and cut to the longest that travels, 40.95 s.
    pub fn new(min: Duration, max: Duration) -> Self {
        let steps = |delay: Duration| (delay.as_millis() / 10).min(0xfff) as u16;
        Self { min_10ms: steps(min), max_10ms: steps(max) }
    }

    /// The shortest.
    pub fn min(self) -> Duration {
        Duration::from_millis(u64::from(self.min_10ms) * 10)
    }

    /// The longest.
    pub fn max(self) -> Duration {
        Duration::from_millis(u64::from(self.max_10ms) * 10)
    }

    pub(crate) fn from_bytes(bytes: [u8; 3]) -> Self {
        let [a, b, c] = bytes.map(u16::from);
        Self { min_10ms: a << 4 | b >> 4, max_10ms: (b & 15) << 8 | c }
    }

    pub(crate) fn to_bytes(self) -> [u8; 3] {
        let (min, max) = (self.min_10ms & 0xfff, self.max_10ms & 0xfff);
        [(min >> 4) as u8, ((min & 15) << 4 | max >> 8) as u8, max as u8]
    }
}

/// When the first sample or line of a packet's frame was captured
/// (<http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time>): 8 bytes, or 16 with the offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbsCaptureTime {
    /// 32.32 fixed-point seconds since 1900 by the capturing machine's clock.
    pub timestamp: u64,
    /// The sender's estimate of how far its own clock is from that of the capturing machine, in 32.32 fixed-point
    /// seconds: capturing machine's NTP time = sender's + offset.
    pub clock_offset: Option<i64>,
}
