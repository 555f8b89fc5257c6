//! Attribute lines (RFC 8866 §5.13, §6): typed where WebRTC acts on them, verbatim where it does not.
//!
//! What does not parse is refused where a connection hangs on it (`mid`, `group`, ICE credentials, `setup`, `rtpmap`,
//! `sctp-port`); elsewhere such a line is kept verbatim as [`Attribute::Other`], as if we did not know it. A
//! `fingerprint` in `Other` is thus one that is malformed, a `candidate` one of a kind we do not know.

use std::fmt;

use crate::rtp::{Mid, Ssrc};
use crate::sdp::candidate::Candidate;
use crate::sdp::codec::{Fmtp, RtcpFeedback, Rtpmap};
use crate::sdp::error::Reason;
use crate::sdp::fingerprint::{Fingerprint, Setup};
use crate::sdp::line::{cut, decimal, word};
use crate::sdp::simulcast::{RidLine, Simulcast};

/// One `a=` line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attribute {
    /// `mid`: the name of the media section (RFC 5888 §4).
    Mid(Mid),
    /// `group`: sections that belong together (RFC 5888 §5).
    Group(Group),
    /// `bundle-only`: not rejected though its port is 0 (RFC 9143 §6).
    BundleOnly,
    /// `msid`: stream and track of what is sent here (RFC 8830 §2).
    Msid(Msid),
    /// `ice-ufrag` (RFC 8839 §5.4).
    IceUfrag(Box<str>),
    /// `ice-pwd` (RFC 8839 §5.4).
    IcePwd(Box<str>),
    /// `ice-options`: tags between spaces (RFC 8839 §5.6).
    IceOptions(Box<str>),
    /// `ice-lite` (RFC 8839 §5.3).
    IceLite,
    /// `candidate` (RFC 8839 §5.1).
    Candidate(Box<Candidate>),
    /// `end-of-candidates` (RFC 8840).
    EndOfCandidates,
    /// `fingerprint` (RFC 8122 §5).
    Fingerprint(Fingerprint),
    /// `setup` (RFC 4145 §4).
    Setup(Setup),
    /// `tls-id` (RFC 8842 §4).
    TlsId(Box<str>),
    /// `rtcp`: where RTCP goes without multiplexing (RFC 3605).
    Rtcp(RtcpAddress),
    /// `rtcp-mux` (RFC 5761 §5.1.1).
    RtcpMux,
    /// `rtcp-mux-only` (RFC 8858 §3).
    RtcpMuxOnly,
    /// `rtcp-rsize` (RFC 5506 §5).
    RtcpReducedSize,
    /// `sendrecv`, `sendonly`, `recvonly` or `inactive` (RFC 8866 §6.7).
    Direction(Direction),
    /// `extmap` (RFC 8285 §8).
    Extmap(Extmap),
    /// `extmap-allow-mixed` (RFC 8285 §6).
    ExtmapAllowMixed,
    /// `rtpmap` (RFC 8866 §6.6).
    Rtpmap(Rtpmap),
    /// `fmtp` (RFC 8866 §6.15).
    Fmtp(Fmtp),
    /// `rtcp-fb` (RFC 4585 §4.2).
    RtcpFeedback(RtcpFeedback),
    /// `ptime`, milliseconds of sound in a packet (RFC 8866 §6.4).
    Ptime(u32),
    /// `maxptime`, milliseconds (RFC 8866 §6.5).
    MaxPtime(u32),
    /// `ssrc` (RFC 5576 §4.1).
    Ssrc(SsrcAttribute),
    /// `ssrc-group` (RFC 5576 §4.2).
    SsrcGroup(SsrcGroup),
    /// `rid` (RFC 8851 §4).
    Rid(RidLine),
    /// `simulcast` (RFC 8853 §5.1).
    Simulcast(Simulcast),
    /// `sctp-port` (RFC 8841 §5).
    SctpPort(u16),
    /// `max-message-size`, bytes; 0 is any size (RFC 8841 §6).
    MaxMessageSize(u64),
    /// Any other, verbatim.
    Other {
        /// What stands before the colon.
        name: Box<str>,
        /// What stands behind it, `None` where there is no colon.
        value: Option<Box<str>>,
    },
}

/// `a=group:BUNDLE 0 1 2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What the group means: `BUNDLE` (RFC 9143 §5).
    pub semantics: Box<str>,
    /// Its sections, the tagged one first.
    pub mids: Vec<Mid>,
}

/// `a=msid:stream track`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Msid {
    /// The stream's id, `-` for none.
    pub stream: Box<str>,
    /// The track's id.
    pub track: Option<Box<str>>,
}

/// `a=rtcp:9 IN IP4 0.0.0.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtcpAddress {
    /// The port.
    pub port: u16,
    /// The address with its types, verbatim.
    pub address: Option<Box<str>>,
}

/// Which way media flows, seen from the sender of the description.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both ways.
    SendRecv,
    /// It only sends.
    SendOnly,
    /// It only receives.
    RecvOnly,
    /// Neither.
    Inactive,
}

/// `a=extmap:3/recvonly urn:ietf:params:rtp-hdrext:sdes:mid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extmap {
    /// The id in packets: 1 to 14, with two-byte headers to 255; 4096 to 4351 are offered without a place yet.
    pub id: u16,
    /// Which way it is used, where it is not as the section's media flows.
    pub direction: Option<Direction>,
    /// What it means.
    pub uri: Box<str>,
    /// What may follow, verbatim.
    pub attributes: Option<Box<str>>,
}

/// `a=ssrc:3719858819 cname:yhLoDO+MD5LIN3hi`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsrcAttribute {
    /// The source it is about.
    pub ssrc: Ssrc,
    /// The attribute of the source.
    pub name: Box<str>,
    /// Its value, verbatim.
    pub value: Option<Box<str>>,
}

/// `a=ssrc-group:FID 3719858819 1460961408`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsrcGroup {
    /// What the group means: `FID` is a source and its retransmissions (RFC 5576 §4.2, RFC 4588 §8.8).
    pub semantics: Box<str>,
    /// The sources.
    pub ssrcs: Vec<Ssrc>,
}

impl Attribute {
    /// An attribute that has no type of its own here.
    pub fn other(name: &str, value: Option<&str>) -> Self {
        Self::Other { name: name.into(), value: value.map(Into::into) }
    }

    /// Reads what stands behind `a=`.
    pub(super) fn parse(line: &str) -> Result<Self, Reason> {
        let (name, value) = match line.split_once(':') {
            Some((name, value)) => (name, Some(value)),
            None => (line, None),
        };
        let known = match value {
            Some(value) => Self::parse_valued(name, value)?,
            None => Self::parse_flag(name),
        };
        match known {
            Some(attribute) => Ok(attribute),
            None if word(name).is_none() => Err(Reason::Field("attribute")),
            None => Ok(Self::other(name, value)),
        }
    }

    fn parse_flag(name: &str) -> Option<Self> {
        Some(match name {
            "bundle-only" => Self::BundleOnly,
            "ice-lite" => Self::IceLite,
            "end-of-candidates" => Self::EndOfCandidates,
            "rtcp-mux" => Self::RtcpMux,
            "rtcp-mux-only" => Self::RtcpMuxOnly,
            "rtcp-rsize" => Self::RtcpReducedSize,
            "extmap-allow-mixed" => Self::ExtmapAllowMixed,
            _ => Self::Direction(Direction::from_word(name)?),
        })
    }

    /// `Ok(None)` where the attribute is unknown or may be skipped when malformed.
    fn parse_valued(name: &str, value: &str) -> Result<Option<Self>, Reason> {
        let required = |field, parsed: Option<Self>| parsed.map(Some).ok_or(Reason::Field(field));
        let is_between = |min, max| (min..=max).contains(&value.len()) && word(value).is_some();
        match name {
            "mid" => required("mid", word(value).map(|mid| Self::Mid(Mid::new(mid)))),
            "group" => required("group", Group::parse(value).map(Self::Group)),
            "ice-ufrag" => required("ice-ufrag", is_between(4, 256).then(|| Self::IceUfrag(value.into()))),
            "ice-pwd" => required("ice-pwd", is_between(22, 256).then(|| Self::IcePwd(value.into()))),
            "setup" => required("setup", Setup::from_word(value).map(Self::Setup)),
            "rtpmap" => required("rtpmap", Rtpmap::parse(value).map(Self::Rtpmap)),
            "sctp-port" => required("sctp-port", decimal(value).map(Self::SctpPort)),
            _ => Ok(Self::parse_lenient(name, value)),
        }
    }

    fn parse_lenient(name: &str, value: &str) -> Option<Self> {
        Some(match name {
            "rtcp-fb" => Self::RtcpFeedback(RtcpFeedback::parse(value)?),
            "fmtp" => Self::Fmtp(Fmtp::parse(value)?),
            "extmap" => Self::Extmap(Extmap::parse(value)?),
            "candidate" => Self::Candidate(Box::new(Candidate::parse_value(value).ok()?)),
            "ssrc" => Self::Ssrc(SsrcAttribute::parse(value)?),
            "ssrc-group" => Self::SsrcGroup(SsrcGroup::parse(value)?),
            "msid" => Self::Msid(Msid::parse(value)?),
            "ice-options" => Self::IceOptions(value.into()),
            "fingerprint" => Self::Fingerprint(Fingerprint::parse(value)?),
            "tls-id" => Self::TlsId(value.into()),
            "rtcp" => Self::Rtcp(RtcpAddress::parse(value)?),
            "ptime" => Self::Ptime(decimal(value)?),
            "maxptime" => Self::MaxPtime(decimal(value)?),
            "rid" => Self::Rid(RidLine::parse(value)?),
            "simulcast" => Self::Simulcast(Simulcast::parse(value)?),
            "max-message-size" => Self::MaxMessageSize(decimal(value)?),
            _ => return None,
        })
    }
}

impl fmt::Display for Attribute {
    /// Without `a=` and line end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mid(mid) => write!(f, "mid:{mid}"),
            Self::Group(group) => write!(f, "group:{group}"),
            Self::BundleOnly => f.write_str("bundle-only"),
            Self::Msid(msid) => write!(f, "msid:{msid}"),
            Self::IceUfrag(ufrag) => write!(f, "ice-ufrag:{ufrag}"),
            Self::IcePwd(password) => write!(f, "ice-pwd:{password}"),
            Self::IceOptions(options) => write!(f, "ice-options:{options}"),
            Self::IceLite => f.write_str("ice-lite"),
            Self::Candidate(candidate) => candidate.fmt(f),
            Self::EndOfCandidates => f.write_str("end-of-candidates"),
            Self::Fingerprint(fingerprint) => write!(f, "fingerprint:{fingerprint}"),
            Self::Setup(setup) => write!(f, "setup:{}", setup.as_str()),
            Self::TlsId(id) => write!(f, "tls-id:{id}"),
            Self::Rtcp(address) => write!(f, "rtcp:{address}"),
            Self::RtcpMux => f.write_str("rtcp-mux"),
            Self::RtcpMuxOnly => f.write_str("rtcp-mux-only"),
            Self::RtcpReducedSize => f.write_str("rtcp-rsize"),
            Self::Direction(direction) => f.write_str(direction.as_str()),
            Self::Extmap(extmap) => write!(f, "extmap:{extmap}"),
            Self::ExtmapAllowMixed => f.write_str("extmap-allow-mixed"),
            Self::Rtpmap(rtpmap) => write!(f, "rtpmap:{rtpmap}"),
            Self::Fmtp(fmtp) => write!(f, "fmtp:{fmtp}"),
            Self::RtcpFeedback(feedback) => write!(f, "rtcp-fb:{feedback}"),
            Self::Ptime(milliseconds) => write!(f, "ptime:{milliseconds}"),
            Self::MaxPtime(milliseconds) => write!(f, "maxptime:{milliseconds}"),
            Self::Ssrc(attribute) => write!(f, "ssrc:{attribute}"),
            Self::SsrcGroup(group) => write!(f, "ssrc-group:{group}"),
            Self::Rid(line) => write!(f, "rid:{line}"),
            Self::Simulcast(simulcast) => write!(f, "simulcast:{simulcast}"),
            Self::SctpPort(port) => write!(f, "sctp-port:{port}"),
            Self::MaxMessageSize(size) => write!(f, "max-message-size:{size}"),
            Self::Other { name, value: Some(value) } => write!(f, "{name}:{value}"),
            Self::Other { name, value: None } => f.write_str(name),
        }
    }
}

impl Group {
    fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        Some(Self { semantics: words.next()?.into(), mids: words.map(Mid::new).collect() })
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.semantics)?;
        self.mids.iter().try_for_each(|mid| write!(f, " {mid}"))
    }
}

impl Msid {
    fn parse(value: &str) -> Option<Self> {
        let (stream, track) = cut(value);
        Some(Self { stream: word(stream)?.into(), track: track.and_then(word).map(Into::into) })
    }
}

impl fmt::Display for Msid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_pair(f, &self.stream, self.track.as_deref(), ' ')
    }
}

impl RtcpAddress {
    fn parse(value: &str) -> Option<Self> {
        let (port, address) = cut(value);
        Some(Self { port: decimal(port)?, address: address.map(Into::into) })
    }
}

impl fmt::Display for RtcpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_pair(f, &self.port, self.address.as_deref(), ' ')
    }
}

impl Direction {
    /// The word for it in SDP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// From whether the sender of the description sends and receives.
    pub fn new(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether the sender of the description sends.
    pub fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the sender of the description receives.
    pub fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same seen from the other side.
    pub fn reversed(self) -> Self {
        Self::new(self.receives(), self.sends())
    }

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "sendrecv" => Some(Self::SendRecv),
            "sendonly" => Some(Self::SendOnly),
            "recvonly" => Some(Self::RecvOnly),
            "inactive" => Some(Self::Inactive),
            _ => None,
        }
    }
}

impl Extmap {
    fn parse(value: &str) -> Option<Self> {
        let (id, rest) = value.split_once(' ')?;
        let (id, direction) = match id.split_once('/') {
            Some((id, direction)) => (id, Some(Direction::from_word(direction)?)),
            None => (id, None),
        };
        let (uri, attributes) = cut(rest);
        let id = decimal(id).filter(|id| matches!(id, 1..=255 | 4096..=4351))?;
        Some(Self { id, direction, uri: word(uri)?.into(), attributes: attributes.map(Into::into) })
    }
}

impl fmt::Display for Extmap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_pair(f, &self.id, self.direction.map(Direction::as_str), '/')?;
        f.write_str(" ")?;
        write_pair(f, &self.uri, self.attributes.as_deref(), ' ')
    }
}

impl SsrcAttribute {
    fn parse(value: &str) -> Option<Self> {
        let (ssrc, rest) = value.split_once(' ')?;
        let (name, value) = match rest.split_once(':') {
            Some((name, value)) => (name, Some(value.into())),
            None => (rest, None),
        };
        Some(Self { ssrc: decimal(ssrc).map(Ssrc)?, name: word(name)?.into(), value })
    }
}

impl fmt::Display for SsrcAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.ssrc)?;
        write_pair(f, &self.name, self.value.as_deref(), ':')
    }
}

impl SsrcGroup {
    fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let semantics = words.next()?.into();
        Some(Self { semantics, ssrcs: words.map(|ssrc| decimal(ssrc).map(Ssrc)).collect::<Option<_>>()? })
    }
}

impl fmt::Display for SsrcGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.semantics)?;
        self.ssrcs.iter().try_for_each(|ssrc| write!(f, " {ssrc}"))
    }
}

fn write_pair(
    f: &mut fmt::Formatter<'_>,
    first: &dyn fmt::Display,
    second: Option<&str>,
    between: char,
) -> fmt::Result {
    match second {
        Some(second) => write!(f, "{first}{between}{second}"),
        None => first.fmt(f),
    }
}
