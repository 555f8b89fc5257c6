//! Whole session descriptions (RFC 8866 §5).

use std::fmt;

use crate::rtp::Mid;
use crate::sdp::attribute::{Attribute, Direction, Group};
use crate::sdp::error::{Error, Reason};
use crate::sdp::fingerprint::{Fingerprint, Setup};
use crate::sdp::line::{Line, Lines, decimal, word};
use crate::sdp::media::{self, Media, write_attributes};

/// The largest text we take, bytes.
pub const LIMIT: usize = 1 << 20;

/// A session description: what is said of the session, then its media sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// `o=`.
    pub origin: Origin,
    /// `s=`, in WebRTC `-`.
    pub name: Box<str>,
    /// The lines between `s=` and the attributes, in order: `c=`, `b=`, `t=` and the like.
    pub lines: Vec<Line>,
    /// The attributes of the session, in order.
    pub attributes: Vec<Attribute>,
    /// The media sections, in order.
    pub media: Vec<Media>,
}

/// `o=- 6461245805311737389 2 IN IP4 127.0.0.1` (RFC 8866 §5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The user, in WebRTC `-`.
    pub username: Box<str>,
    /// The session.
    pub session_id: u64,
    /// One more with each change.
    pub session_version: u64,
    /// Network type, address type and address, verbatim.
    pub address: Box<str>,
}

impl Description {
    /// An empty description as WebRTC writes them: `s=-`, `t=0 0`.
    pub fn new(session_id: u64, session_version: u64) -> Self {
        Self {
            origin: Origin {
                username: "-".into(),
                session_id,
                session_version,
                address: "IN IP4 0.0.0.0".into(),
            },
            name: "-".into(),
            lines: vec![Line::new('t', "0 0")],
            attributes: Vec::new(),
            media: Vec::new(),
        }
    }

    /// Reads a description of at most [`LIMIT`] bytes.
    ///
    /// Lenient: lines may end in LF alone, blank lines are skipped, `t=` may be missing, and lines other than `v=`,
    /// `o=`, `s=` may stand in any order within their section (they are written in front of its attributes).
    ///
    /// # Errors
    /// Names the line and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > LIMIT {
            return Err(Error { line: 0, reason: Reason::TooLarge { len: text.len(), limit: LIMIT } });
        }
        let mut lines = Lines::new(text);
        if expect(&mut lines, 'v')? != "0" {
            return Err(lines.error(Reason::Field("version")));
        }
        let origin = expect(&mut lines, 'o')?;
        let origin = Origin::parse(origin).ok_or_else(|| lines.error(Reason::Field("origin")))?;
        let name = expect(&mut lines, 's')?.into();
        let mut description =
            Self { origin, name, lines: Vec::new(), attributes: Vec::new(), media: Vec::new() };
        while let Some((letter, value)) = lines.next()? {
            description.take(letter, value).map_err(|reason| lines.error(reason))?;
        }
        Ok(description)
    }

    fn take(&mut self, letter: char, value: &str) -> Result<(), Reason> {
        let is_session = self.media.is_empty();
        let (kept, attributes) = match self.media.last_mut() {
            Some(media) => (&mut media.lines, &mut media.attributes),
            None => (&mut self.lines, &mut self.attributes),
        };
        match letter {
            'a' => attributes.push(Attribute::parse(value)?),
            'm' => self.media.push(Media::parse(value).ok_or(Reason::Field("media"))?),
            'i' | 'c' | 'b' | 'k' => kept.push(Line::new(letter, value)),
            'u' | 'e' | 'p' | 't' | 'r' | 'z' if is_session => kept.push(Line::new(letter, value)),
            other => return Err(Reason::OutOfOrder(other)),
        }
        Ok(())
    }

    /// The BUNDLE groups, as they stand.
    pub fn bundle_groups(&self) -> impl Iterator<Item = &Group> {
        self.attributes.iter().filter_map(|attribute| match attribute {
            Attribute::Group(group) if &*group.semantics == "BUNDLE" => Some(group),
            _ => None,
        })
    }

    /// Whether this very attribute stands at the session.
    pub fn has(&self, attribute: &Attribute) -> bool {
        self.attributes.contains(attribute)
    }

    /// The section with this name.
    pub fn section(&self, mid: &Mid) -> Option<(usize, &Media)> {
        self.media.iter().enumerate().find(|(_, media)| media.mid() == Some(mid))
    }

    /// The ICE username fragment of a section, its own or the session's.
    pub fn ice_ufrag<'a>(&'a self, section: &'a Media) -> Option<&'a str> {
        media::ice_ufrag(&section.attributes).or_else(|| media::ice_ufrag(&self.attributes))
    }

    /// The ICE password of a section, its own or the session's.
    pub fn ice_pwd<'a>(&'a self, section: &'a Media) -> Option<&'a str> {
        media::ice_pwd(&section.attributes).or_else(|| media::ice_pwd(&self.attributes))
    }

    /// Who opens DTLS, by the section or the session.
    pub fn setup(&self, section: &Media) -> Option<Setup> {
        media::setup(&section.attributes).or_else(|| media::setup(&self.attributes))
    }

    /// The well-formed fingerprints of a section; the session's where it has none of its own.
    pub fn fingerprints<'a>(&'a self, section: &'a Media) -> impl Iterator<Item = &'a Fingerprint> {
        let has_own = media::fingerprints(&section.attributes).next().is_some();
        media::fingerprints(if has_own { &section.attributes } else { &self.attributes })
    }

    /// Which way a section's media flows: its own word, the session's, else both ways (RFC 8866 §6.7).
    pub fn direction(&self, section: &Media) -> Direction {
        let session = || {
            self.attributes.iter().find_map(|one| match one {
                Attribute::Direction(direction) => Some(*direction),
                _ => None,
            })
        };
        section.direction().or_else(session).unwrap_or(Direction::SendRecv)
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v=0\r\no={}\r\ns={}\r\n", self.origin, self.name)?;
        self.lines.iter().try_for_each(|line| line.fmt(f))?;
        write_attributes(f, &self.attributes)?;
        self.media.iter().try_for_each(|media| media.fmt(f))
    }
}

impl Origin {
    fn parse(value: &str) -> Option<Self> {
        let mut parts = value.splitn(4, ' ');
        Some(Self {
            username: word(parts.next()?)?.into(),
            session_id: decimal(parts.next()?)?,
            session_version: decimal(parts.next()?)?,
            address: parts.next()?.into(),
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.username, self.session_id, self.session_version, self.address)
    }
}

fn expect<'a>(lines: &mut Lines<'a>, letter: char) -> Result<&'a str, Error> {
    match lines.next()? {
        Some((found, value)) if found == letter => Ok(value),
        Some((found, _)) => Err(lines.error(Reason::OutOfOrder(found))),
        None => Err(lines.error(Reason::Missing(letter))),
    }
}

#[cfg(test)]
mod tests;
