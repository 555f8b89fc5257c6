//! Several encodings of one source: `a=rid` (RFC 8851) and `a=simulcast` (RFC 8853).

use std::fmt;

use crate::rtp::Rid;
use crate::sdp::line::{cut, word};

/// Which way a stream flows, seen from the sender of the description.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamDirection {
    /// The sender of the description sends it.
    Send,
    /// The sender of the description receives it.
    Recv,
}

/// `a=rid:hi send pt=96;max-width=1280`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RidLine {
    /// The name of the stream.
    pub rid: Rid,
    /// Which way it flows.
    pub direction: StreamDirection,
    /// Payload types and limits, verbatim (RFC 8851 §5).
    pub restrictions: Option<Box<str>>,
}

/// `a=simulcast:send hi;~mid;lo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulcast {
    /// The lists in the order they stand in: at most one for each direction.
    pub lists: Vec<(StreamDirection, Vec<Vec<SimulcastStream>>)>,
}

/// One alternative of one simulcast stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulcastStream {
    /// The name of the stream.
    pub rid: Rid,
    /// `~`: it begins paused.
    pub is_paused: bool,
}

impl StreamDirection {
    /// `send` or `recv`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Recv => "recv",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "send" => Some(Self::Send),
            "recv" => Some(Self::Recv),
            _ => None,
        }
    }
}

impl RidLine {
    pub(super) fn parse(value: &str) -> Option<Self> {
        let (rid, rest) = value.split_once(' ')?;
        let (direction, restrictions) = cut(rest);
        Some(Self {
            rid: Rid::new(word(rid)?),
            direction: StreamDirection::from_word(direction)?,
            restrictions: restrictions.map(Into::into),
        })
    }
}

impl fmt::Display for RidLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rid, self.direction.as_str())?;
        match &self.restrictions {
            Some(restrictions) => write!(f, " {restrictions}"),
            None => Ok(()),
        }
    }
}

impl Simulcast {
    pub(super) fn parse(value: &str) -> Option<Self> {
        let mut words = value.split(' ');
        let mut lists: Vec<(StreamDirection, Vec<Vec<SimulcastStream>>)> = Vec::new();
        while let Some(direction) = words.next() {
            let direction = StreamDirection::from_word(direction)?;
            if lists.iter().any(|(known, _)| *known == direction) {
                return None;
            }
            let streams = words.next()?.split(';');
            let streams = streams.map(|stream| stream.split(',').map(SimulcastStream::parse).collect());
            lists.push((direction, streams.collect::<Option<_>>()?));
        }
        Some(Self { lists })
    }
}

impl fmt::Display for Simulcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (direction, streams)) in self.lists.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{}", direction.as_str())?;
            for (index, alternatives) in streams.iter().enumerate() {
                f.write_str(if index == 0 { " " } else { ";" })?;
                for (index, stream) in alternatives.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    let paused = if stream.is_paused { "~" } else { "" };
                    write!(f, "{comma}{paused}{}", stream.rid)?;
                }
            }
        }
        Ok(())
    }
}

impl SimulcastStream {
    fn parse(text: &str) -> Option<Self> {
        let name = text.strip_prefix('~');
        Some(Self { rid: Rid::new(word(name.unwrap_or(text))?), is_paused: name.is_some() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_it_read() {
        for text in ["send hi;~mid;lo", "recv 1,2;3 send a", "send a"] {
            assert_eq!(Simulcast::parse(text).unwrap().to_string(), text);
        }
        for text in ["hi send", "lo recv pt=96,97;max-width=1280"] {
            assert_eq!(RidLine::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_other_grammar() {
        for text in ["", "send", "send a send b", "rid=a", "send ;a", "send a recv"] {
            assert_eq!(Simulcast::parse(text), None, "{text}");
        }
        assert_eq!(RidLine::parse("hi both"), None);
    }
}
