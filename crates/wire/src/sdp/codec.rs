//! What payload types mean: `a=rtpmap`, `a=fmtp` (RFC 8866 §6.6, §6.15), `a=rtcp-fb` (RFC 4585 §4.2).

use std::fmt;

use crate::rtp::PayloadType;
use crate::sdp::line::{cut, decimal, word};

/// `a=rtpmap:96 VP8/90000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rtpmap {
    /// Its number in packets.
    pub payload_type: PayloadType,
    /// The encoding name, to be compared without regard to case.
    pub encoding: Box<str>,
    /// RTP ticks per second.
    pub clock_rate: u32,
    /// What may follow: the channels of sound.
    pub parameters: Option<Box<str>>,
}

/// `a=fmtp:96 max-fs=12288;max-fr=60`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fmtp {
    /// The payload type it is about.
    pub payload_type: PayloadType,
    /// The parameters, verbatim: see `parameter`.
    pub parameters: Box<str>,
}

/// `a=rtcp-fb:96 nack pli`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtcpFeedback {
    /// The payload type it is about; `None` is `*`, all of the media section.
    pub payload_type: Option<PayloadType>,
    /// The message it allows.
    pub kind: FeedbackKind,
}

/// A feedback message that a media section may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedbackKind {
    /// `nack`: lost packets are asked for again (RFC 4585 §6.2.1).
    Nack,
    /// `nack pli`: a key frame is asked for after loss (RFC 4585 §6.3.1).
    NackPli,
    /// `ccm fir`: a key frame is asked for (RFC 5104 §7.1).
    CcmFir,
    /// `transport-cc`: transport-wide arrival times.
    TransportCc,
    /// `goog-remb`: the receiver's estimate of the bitrate.
    GoogRemb,
    /// Any other, verbatim.
    Other(Box<str>),
}

impl Rtpmap {
    /// The channels of sound: 1 where none are given.
    pub fn channels(&self) -> u8 {
        self.parameters.as_deref().and_then(decimal).unwrap_or(1)
    }

    pub(super) fn parse(value: &str) -> Option<Self> {
        let (payload_type, encoding) = value.split_once(' ')?;
        let mut parts = encoding.trim_matches(' ').splitn(3, '/');
        Some(Self {
            payload_type: payload_type_of(payload_type)?,
            encoding: word(parts.next()?)?.into(),
            clock_rate: decimal(parts.next()?)?,
            parameters: parts.next().map(Into::into),
        })
    }
}

impl fmt::Display for Rtpmap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.payload_type, self.encoding, self.clock_rate)?;
        match &self.parameters {
            Some(parameters) => write!(f, "/{parameters}"),
            None => Ok(()),
        }
    }
}

impl Fmtp {
    pub(super) fn parse(value: &str) -> Option<Self> {
        let (payload_type, parameters) = cut(value);
        Some(Self {
            payload_type: payload_type_of(payload_type)?,
            parameters: parameters.unwrap_or_default().into(),
        })
    }
}

impl fmt::Display for Fmtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.payload_type, self.parameters)
    }
}

/// The value of the parameter `name` in `a=fmtp` parameters such as `minptime=10;useinbandfec=1`. Names are compared
/// without regard to case, white space around them does not count.
pub fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    parameters.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

impl RtcpFeedback {
    pub(super) fn parse(value: &str) -> Option<Self> {
        let (payload_type, kind) = value.split_once(' ')?;
        let payload_type = match payload_type {
            "*" => None,
            number => Some(payload_type_of(number)?),
        };
        Some(Self { payload_type, kind: FeedbackKind::parse(kind) })
    }
}

impl fmt::Display for RtcpFeedback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.payload_type {
            Some(payload_type) => write!(f, "{payload_type} {}", self.kind.as_str()),
            None => write!(f, "* {}", self.kind.as_str()),
        }
    }
}

impl FeedbackKind {
    /// As it stands behind the payload type.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Nack => "nack",
            Self::NackPli => "nack pli",
            Self::CcmFir => "ccm fir",
            Self::TransportCc => "transport-cc",
            Self::GoogRemb => "goog-remb",
            Self::Other(text) => text,
        }
    }

    fn parse(text: &str) -> Self {
        match text {
            "nack" => Self::Nack,
            "nack pli" => Self::NackPli,
            "ccm fir" => Self::CcmFir,
            "transport-cc" => Self::TransportCc,
            "goog-remb" => Self::GoogRemb,
            other => Self::Other(other.into()),
        }
    }
}

fn payload_type_of(text: &str) -> Option<PayloadType> {
    decimal(text).and_then(PayloadType::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_parameters_whatever_their_case_and_spacing() {
        let text = "level-asymmetry-allowed=1; Packetization-Mode=1 ;profile-level-id=42e01f";
        assert_eq!(parameter(text, "packetization-mode"), Some("1"));
        assert_eq!(parameter(text, "profile-level-id"), Some("42e01f"));
        assert_eq!(parameter(text, "level"), None);
        assert_eq!(parameter("0-15", "0-15"), None);
    }

    #[test]
    fn one_channel_where_the_rtpmap_names_none() {
        assert_eq!(Rtpmap::parse("9 G722/8000").unwrap().channels(), 1);
        assert_eq!(Rtpmap::parse("9 G722/8000/1").unwrap().channels(), 1);
        assert_eq!(Rtpmap::parse("111 opus/48000/2").unwrap().channels(), 2);
    }

    #[test]
    fn refuses_what_is_no_rtpmap() {
        for text in ["", "96", "96 VP8", "128 VP8/90000", "96 /90000", "96 VP8/x", "+6 VP8/90000"] {
            assert_eq!(Rtpmap::parse(text), None, "{text}");
        }
    }
}
