//! The candidate attribute (RFC 8839 §5.1): one address at which a peer may be reached.

use std::fmt;
use std::net::IpAddr;

use crate::sdp::error::{Error, Reason};

/// An ICE candidate as it travels in SDP and in trickled messages.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// Groups candidates of the same type, base and server (RFC 8445 §5.1.1.3): 1 to 32 ice-chars.
    pub foundation: String,
    /// 1 for RTP (and all else with rtcp-mux), 2 for RTCP.
    pub component: u16,
    /// What carries the packets.
    pub transport: TransportProtocol,
    /// Larger is better (RFC 8445 §5.1.2).
    pub priority: u32,
    /// Where: an IP address, or a name (mDNS) that must be resolved first.
    pub address: Address,
    /// The port; 9 for an active TCP candidate.
    pub port: u16,
    /// How the candidate came to be.
    pub kind: CandidateKind,
    /// The related address (`raddr`, `rport`), not for host candidates.
    pub related: Option<(Address, u16)>,
    /// Who opens the connection, TCP only (RFC 6544 §4.5).
    pub tcp_type: Option<TcpType>,
    /// The username fragment of the generation it belongs to (`ufrag`).
    pub ufrag: Option<String>,
    /// Other name-value pairs, in order: `generation 0`, `network-cost 999`.
    pub extensions: Vec<(String, String)>,
}

/// Where a candidate is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// A name, in WebRTC an mDNS name such as `8a0e….local`.
    Name(String),
}

/// How a candidate came to be (RFC 8445 §5.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CandidateKind {
    /// An address of the machine itself.
    Host,
    /// What a STUN server saw.
    ServerReflexive,
    /// What the peer saw in a check.
    PeerReflexive,
    /// An address on a TURN server.
    Relay,
}

/// What carries the packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransportProtocol {
    /// Datagrams.
    Udp,
    /// Framed in a stream (RFC 4571, RFC 6544).
    Tcp,
}

/// Who opens a TCP connection (RFC 6544 §4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TcpType {
    /// Opens outwards; its port is 9.
    Active,
    /// Listens.
    Passive,
    /// Simultaneous open.
    SimultaneousOpen,
}

impl Candidate {
    /// Reads `candidate:…`, with or without `a=` in front and line end behind.
    ///
    /// # Errors
    /// Names the field that is missing or does not parse; a transport or type we do not know is such a field
    /// (RFC 8839 §5.1: what one does not understand one ignores).
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim_end_matches(['\r', '\n']);
        let text = text.strip_prefix("a=").unwrap_or(text);
        let value = text.strip_prefix("candidate:").ok_or_else(|| bad("candidate"))?;
        Self::parse_value(value)
    }

    /// Reads what stands behind `candidate:`.
    pub(super) fn parse_value(value: &str) -> Result<Self, Error> {
        let mut words = value.split_ascii_whitespace();
        let mut word = |name| words.next().ok_or_else(|| bad(name));
        let foundation = word("foundation")?;
        if foundation.len() > 32 || !is_ice_chars(foundation) {
            return Err(bad("foundation"));
        }
        let component: u16 = number(word("component")?, "component")?;
        if !(1..=256).contains(&component) {
            return Err(bad("component"));
        }
        let transport = TransportProtocol::from_word(word("transport")?).ok_or_else(|| bad("transport"))?;
        let priority = number(word("priority")?, "priority")?;
        let address = Address::parse(word("address")?).ok_or_else(|| bad("address"))?;
        let port = number(word("port")?, "port")?;
        if word("typ")? != "typ" {
            return Err(bad("typ"));
        }
        let kind = CandidateKind::from_word(word("type")?).ok_or_else(|| bad("type"))?;
        let mut candidate = Self {
            foundation: foundation.to_owned(),
            component,
            transport,
            priority,
            address,
            port,
            kind,
            related: None,
            tcp_type: None,
            ufrag: None,
            extensions: Vec::new(),
        };
        let mut related = None;
        while let Some(name) = words.next() {
            let value = words.next().ok_or_else(|| bad("extension"))?;
            match name {
                "raddr" if related.is_none() && candidate.related.is_none() => {
                    related = Some(Address::parse(value).ok_or_else(|| bad("raddr"))?);
                }
                "rport" if candidate.related.is_none() => {
                    let address = related.take().ok_or_else(|| bad("rport"))?;
                    candidate.related = Some((address, number(value, "rport")?));
                }
                "tcptype" => {
                    candidate.tcp_type = Some(TcpType::from_word(value).ok_or_else(|| bad("tcptype"))?);
                }
                "ufrag" => candidate.ufrag = Some(value.to_owned()),
                _ => candidate.extensions.push((name.to_owned(), value.to_owned())),
            }
        }
        if related.is_some() {
            return Err(bad("rport"));
        }
        Ok(candidate)
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "candidate:{} {} {} {} {} {} typ {}",
            self.foundation,
            self.component,
            self.transport,
            self.priority,
            self.address,
            self.port,
            self.kind
        )?;
        if let Some((address, port)) = &self.related {
            write!(f, " raddr {address} rport {port}")?;
        }
        if let Some(tcp_type) = self.tcp_type {
            write!(f, " tcptype {tcp_type}")?;
        }
        // Where Chromium puts the fragment: behind `generation`.
        let (front, back) = match self.extensions.split_first() {
            Some((first, rest)) if first.0 == "generation" => (Some(first), rest),
            _ => (None, self.extensions.as_slice()),
        };
        if let Some((name, value)) = front {
            write!(f, " {name} {value}")?;
        }
        if let Some(ufrag) = &self.ufrag {
            write!(f, " ufrag {ufrag}")?;
        }
        for (name, value) in back {
            write!(f, " {name} {value}")?;
        }
        Ok(())
    }
}

impl Address {
    /// The IP address, where it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(ip) => Some(*ip),
            Self::Name(_) => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if let Ok(ip) = text.parse() {
            return Some(Self::Ip(ip));
        }
        // RFC 1035 §2.3.4: a name has at most 255 octets.
        let is_name = text.len() <= 255
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
        is_name.then(|| Self::Name(text.to_owned()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl CandidateKind {
    /// The word for it in SDP: `host`, `srflx`, `prflx`, `relay`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::ServerReflexive => "srflx",
            Self::PeerReflexive => "prflx",
            Self::Relay => "relay",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "host" => Some(Self::Host),
            "srflx" => Some(Self::ServerReflexive),
            "prflx" => Some(Self::PeerReflexive),
            "relay" => Some(Self::Relay),
            _ => None,
        }
    }
}

impl fmt::Display for CandidateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TransportProtocol {
    /// The word for it in SDP, as Chromium spells it; reading takes any case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        if word.eq_ignore_ascii_case("udp") {
            Some(Self::Udp)
        } else if word.eq_ignore_ascii_case("tcp") {
            Some(Self::Tcp)
        } else {
            None
        }
    }
}

impl fmt::Display for TransportProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TcpType {
    /// The word for it in SDP: `active`, `passive`, `so`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::SimultaneousOpen => "so",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "active" => Some(Self::Active),
            "passive" => Some(Self::Passive),
            "so" => Some(Self::SimultaneousOpen),
            _ => None,
        }
    }
}

impl fmt::Display for TcpType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn bad(field: &'static str) -> Error {
    Error { line: 0, reason: Reason::Field(field) }
}

fn number<T: std::str::FromStr>(text: &str, field: &'static str) -> Result<T, Error> {
    text.parse().map_err(|_| bad(field))
}

/// RFC 8839 §5.1: ALPHA / DIGIT / "+" / "/".
fn is_ice_chars(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_chromium_and_firefox_trickle_and_writes_it_again() {
        let lines = [
            "candidate:1932307906 1 udp 2113937151 10.88.0.1 33304 typ host generation 0 network-cost 999",
            "candidate:1 1 udp 2113937151 8a0e2f4c-1.local 50000 typ host generation 0 ufrag cP6G network-cost 999",
            "candidate:1 1 tcp 2105524479 10.88.0.1 9 typ host tcptype active",
            "candidate:2 1 udp 1686052607 203.0.113.9 61000 typ srflx raddr 10.0.0.2 rport 50000 generation 0",
            "candidate:6b59/+ 1 udp 2130706431 2001:db8::1 54900 typ relay raddr :: rport 9",
        ];
        for line in lines {
            assert_eq!(Candidate::parse(line).unwrap().to_string(), line);
            assert_eq!(Candidate::parse(&format!("a={line}\r\n")).unwrap().to_string(), line);
        }
    }

    #[test]
    fn a_second_related_address_stays_among_the_extensions() {
        let line = "candidate:1 1 udp 1 203.0.113.9 1 typ srflx raddr 10.0.0.2 rport 0 raddr 10.0.0.3";
        let candidate = Candidate::parse(&format!("{line} x y")).unwrap();
        assert_eq!(candidate.extensions[0], ("raddr".to_owned(), "10.0.0.3".to_owned()));
        assert_eq!(Candidate::parse(&candidate.to_string()), Ok(candidate));
    }

    #[test]
    fn takes_a_transport_in_capitals() {
        let firefox = Candidate::parse("candidate:0 2 UDP 2122252542 10.88.0.1 35195 typ host").unwrap();
        assert_eq!(firefox.transport, TransportProtocol::Udp);
        assert_eq!(firefox.component, 2);
    }

    #[test]
    fn names_the_field_that_is_wrong() {
        let cases = [
            ("", "candidate"),
            ("candidate:", "foundation"),
            ("candidate:ä 1 udp 1 1.1.1.1 1 typ host", "foundation"),
            ("candidate:1 0 udp 1 1.1.1.1 1 typ host", "component"),
            ("candidate:1 1 sctp 1 1.1.1.1 1 typ host", "transport"),
            ("candidate:1 1 udp 4294967296 1.1.1.1 1 typ host", "priority"),
            ("candidate:1 1 udp 1 a/b 1 typ host", "address"),
            ("candidate:1 1 udp 1 1.1.1.1 65536 typ host", "port"),
            ("candidate:1 1 udp 1 1.1.1.1 1 type host", "typ"),
            ("candidate:1 1 udp 1 1.1.1.1 1 typ mirror", "type"),
            ("candidate:1 1 udp 1 1.1.1.1 1 typ srflx rport 9", "rport"),
            ("candidate:1 1 udp 1 1.1.1.1 1 typ host generation", "extension"),
        ];
        for (text, field) in cases {
            assert_eq!(Candidate::parse(text).unwrap_err().reason, Reason::Field(field), "{text}");
        }
    }
}
