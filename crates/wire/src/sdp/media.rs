//! Media sections (RFC 8866 §5.14): one `m=` line with what follows it.

use std::fmt;

use crate::rtp::{Mid, PayloadType};
use crate::sdp::attribute::{Attribute, Direction};
use crate::sdp::candidate::Candidate;
use crate::sdp::fingerprint::{Fingerprint, Setup};
use crate::sdp::line::{Line, decimal, word};

/// One media section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// What flows here.
    pub kind: Kind,
    /// 0 where the section is rejected or bundle-only, 9 before there is an address.
    pub port: u16,
    /// How many ports follow one another (`/2`), not used in WebRTC.
    pub port_count: Option<u16>,
    /// What carries it: `UDP/TLS/RTP/SAVPF`.
    pub protocol: Box<str>,
    /// The formats between spaces, best first: payload types for RTP.
    pub formats: Box<str>,
    /// The lines `i=`, `c=`, `b=`, `k=`, in order.
    pub lines: Vec<Line>,
    /// The attributes, in order.
    pub attributes: Vec<Attribute>,
}

/// The first word of `m=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
    /// Data, in WebRTC data channels.
    Application,
    /// Another.
    Other(Box<str>),
}

impl Media {
    /// A section without lines and attributes.
    pub fn new(kind: Kind, port: u16, protocol: &str, formats: &str) -> Self {
        Self {
            kind,
            port,
            port_count: None,
            protocol: protocol.into(),
            formats: formats.into(),
            lines: Vec::new(),
            attributes: Vec::new(),
        }
    }

    /// Reads what stands behind `m=`.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let mut parts = value.splitn(4, ' ');
        let kind = Kind::parse(word(parts.next()?)?);
        let port = parts.next()?;
        let (port, port_count) = match port.split_once('/') {
            Some((port, count)) => (port, Some(decimal(count)?)),
            None => (port, None),
        };
        let protocol = word(parts.next()?)?;
        // RFC 8866 asks for a format; a rejected section of some stacks has none left.
        let formats = parts.next().unwrap_or_default();
        let media = Self::new(kind, decimal(port)?, protocol, formats);
        Some(Self { port_count, ..media })
    }

    /// The payload types of `m=`, best first; words that are none are left out.
    pub fn payload_types(&self) -> impl Iterator<Item = PayloadType> + '_ {
        self.formats.split_ascii_whitespace().filter_map(|word| decimal(word).and_then(PayloadType::new))
    }

    /// Whether the section is refused or switched off: port 0 and not bundle-only (RFC 9143 §6).
    pub fn is_rejected(&self) -> bool {
        self.port == 0 && !self.has(&Attribute::BundleOnly)
    }

    /// Whether this very attribute is there.
    pub fn has(&self, attribute: &Attribute) -> bool {
        self.attributes.contains(attribute)
    }

    /// The section's name.
    pub fn mid(&self) -> Option<&Mid> {
        self.find(|attribute| if let Attribute::Mid(mid) = attribute { Some(mid) } else { None })
    }

    /// Which way media flows; `None` where it is not said here (the session may, else it is `sendrecv`).
    pub fn direction(&self) -> Option<Direction> {
        self.find(|attribute| if let Attribute::Direction(way) = attribute { Some(*way) } else { None })
    }

    /// The first attribute that `pick` takes.
    pub fn find<'a, T>(&'a self, pick: impl FnMut(&'a Attribute) -> Option<T>) -> Option<T> {
        self.attributes.iter().find_map(pick)
    }

    /// The candidates we understand, in order.
    pub fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.attributes.iter().filter_map(|attribute| match attribute {
            Attribute::Candidate(candidate) => Some(&**candidate),
            _ => None,
        })
    }

    /// Whether all candidates are there.
    pub fn has_all_candidates(&self) -> bool {
        self.has(&Attribute::EndOfCandidates)
    }
}

impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={} {}", self.kind.as_str(), self.port)?;
        if let Some(count) = self.port_count {
            write!(f, "/{count}")?;
        }
        write!(f, " {}", self.protocol)?;
        if !self.formats.is_empty() {
            write!(f, " {}", self.formats)?;
        }
        f.write_str("\r\n")?;
        self.lines.iter().try_for_each(|line| line.fmt(f))?;
        write_attributes(f, &self.attributes)
    }
}

impl Kind {
    /// The word for it in SDP.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Application => "application",
            Self::Other(word) => word,
        }
    }

    fn parse(word: &str) -> Self {
        match word {
            "audio" => Self::Audio,
            "video" => Self::Video,
            "application" => Self::Application,
            other => Self::Other(other.into()),
        }
    }
}

/// What may stand at the session for all sections or at one section: the section's own counts (RFC 8839 §5.4,
/// RFC 8122 §5, RFC 4145 §4).
pub(super) fn ice_ufrag(attributes: &[Attribute]) -> Option<&str> {
    attributes.iter().find_map(|one| if let Attribute::IceUfrag(text) = one { Some(&**text) } else { None })
}

pub(super) fn ice_pwd(attributes: &[Attribute]) -> Option<&str> {
    attributes.iter().find_map(|one| if let Attribute::IcePwd(text) = one { Some(&**text) } else { None })
}

pub(super) fn setup(attributes: &[Attribute]) -> Option<Setup> {
    attributes.iter().find_map(|one| if let Attribute::Setup(setup) = one { Some(*setup) } else { None })
}

pub(super) fn fingerprints(attributes: &[Attribute]) -> impl Iterator<Item = &Fingerprint> {
    attributes
        .iter()
        .filter_map(|one| if let Attribute::Fingerprint(print) = one { Some(print) } else { None })
}

pub(super) fn write_attributes(f: &mut fmt::Formatter<'_>, attributes: &[Attribute]) -> fmt::Result {
    attributes.iter().try_for_each(|attribute| write!(f, "a={attribute}\r\n"))
}
