//! ICE servers as a user writes them: `stun:` URLs (RFC 7064), `turn:` and `turns:` URLs (RFC 7065) with their credentials
//! (webrtc-pc §4.2.2).

use std::fmt;
use std::net::Ipv6Addr;

use peerless_transport::datagram::Protocol;

use crate::error::{Error, IceServerReason};

/// RTCIceServer (webrtc-pc §4.2.2).
#[derive(Clone, PartialEq, Eq, Default)]
pub struct IceServer {
    /// Its URLs, at least one: `stun:host[:port]`, `turn:host[:port]`, `turn:host[:port]?transport=tcp`,
    /// `turns:host[:port]` (TLS over TCP), `turns:host[:port]?transport=udp` (DTLS, and a server whose certificate is of an
    /// elliptic curve: RSA is not spoken there). Hosts are names, IPv4 addresses, or IPv6 addresses in brackets.
    pub urls: Vec<String>,
    /// The user name, where a URL is of TURN.
    pub username: Option<String>,
    /// The password, where a URL is of TURN. It may be one that expires: with
    /// [`set_configuration`](crate::PeerConnection::set_configuration) another is used from the next gathering on.
    pub credential: Option<String>,
}

/// The servers of a configuration, their URLs taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Servers {
    pub(crate) stun: Vec<Place>,
    pub(crate) turn: Vec<Relay>,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// As the configuration names it.
    pub(crate) url: String,
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// A TURN server, and who we are there.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Relay {
    pub(crate) place: Place,
    /// What carries packets to it.
    pub(crate) protocol: Protocol,
    pub(crate) username: String,
    pub(crate) credential: String,
}

/// The port of STUN and TURN over UDP and TCP (RFC 8489 §8, RFC 8656 §4).
const PORT: u16 = 3478;
/// The port of TURN over TLS (RFC 8656 §4).
const TLS_PORT: u16 = 5349;

/// The longest user name that STUN carries (RFC 8489 §14.3), bytes.
const LONGEST_USERNAME: usize = 508;

impl Servers {
    pub(crate) fn is_empty(&self) -> bool {
        self.stun.is_empty() && self.turn.is_empty()
    }
}

impl IceServer {
    /// The STUN server at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self { urls: vec![url.into()], username: None, credential: None }
    }

    /// The TURN server at `url`, with what proves who we are there.
    pub fn turn(url: impl Into<String>, username: impl Into<String>, credential: impl Into<String>) -> Self {
        Self { urls: vec![url.into()], username: Some(username.into()), credential: Some(credential.into()) }
    }

    /// Takes its URLs apart.
    pub(crate) fn add_to(&self, servers: &mut Servers) -> Result<(), Error> {
        if self.urls.is_empty() {
            return Err(Error::IceServer { url: String::new(), reason: IceServerReason::NoUrl });
        }
        self.urls.iter().try_for_each(|url| {
            self.add(url, servers).map_err(|reason| Error::IceServer { url: url.clone(), reason })
        })
    }

    fn add(&self, url: &str, servers: &mut Servers) -> Result<(), IceServerReason> {
        let (scheme, rest) = url.split_once(':').ok_or(IceServerReason::Scheme)?;
        match scheme.to_ascii_lowercase().as_str() {
            "stun" => servers.stun.push(Place::parse(url, rest, PORT)?),
            "turn" => servers.turn.push(self.relay(url, rest, Protocol::Udp)?),
            "turns" => servers.turn.push(self.relay(url, rest, Protocol::Tls)?),
            "stuns" => return Err(IceServerReason::NotSupported),
            _ => return Err(IceServerReason::Scheme),
        }
        Ok(())
    }

    /// Reads `host[:port][?transport=udp|tcp]` (RFC 7065 §3.1); without a transport it is UDP, for `turns` TCP.
    fn relay(&self, url: &str, rest: &str, without: Protocol) -> Result<Relay, IceServerReason> {
        let (place, query) = match rest.split_once('?') {
            Some((place, query)) => (place, Some(query)),
            None => (rest, None),
        };
        let is_secure = without == Protocol::Tls;
        let place = Place::parse(url, place, if is_secure { TLS_PORT } else { PORT })?;
        let protocol = match (query, is_secure) {
            (None, _) => without,
            (Some("transport=udp"), false) => Protocol::Udp,
            (Some("transport=tcp"), false) => Protocol::Tcp,
            (Some("transport=tcp"), true) => Protocol::Tls,
            (Some("transport=udp"), true) => Protocol::Dtls,
            (Some(_), _) => return Err(IceServerReason::Transport),
        };
        match (&self.username, &self.credential) {
            (Some(username), Some(_)) if username.len() > LONGEST_USERNAME => Err(IceServerReason::Username),
            (Some(username), Some(credential)) => {
                let (username, credential) = (username.clone(), credential.clone());
                Ok(Relay { place, protocol, username, credential })
            }
            _ => Err(IceServerReason::NoCredential),
        }
    }
}

impl Place {
    /// Reads `host[:port]` (RFC 7064 §3.1, RFC 7065 §3.1).
    fn parse(url: &str, rest: &str, default_port: u16) -> Result<Self, IceServerReason> {
        let (host, port) = match rest.strip_prefix('[') {
            Some(inner) => {
                let (host, tail) = inner.split_once(']').ok_or(IceServerReason::Host)?;
                host.parse::<Ipv6Addr>().map_err(|_| IceServerReason::Host)?;
                (host, tail)
            }
            None => match rest.find(':') {
                Some(colon) => rest.split_at(colon),
                None => (rest, ""),
            },
        };
        let port = match port.strip_prefix(':') {
            Some(digits) => digits.parse().map_err(|_| IceServerReason::Host)?,
            None if port.is_empty() => default_port,
            None => return Err(IceServerReason::Host),
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || port == 0 || !host.chars().all(fits) {
            return Err(IceServerReason::Host);
        }
        Ok(Self { url: url.to_owned(), host: host.to_owned(), port })
    }
}

/// Without the credentials.
impl fmt::Debug for IceServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("IceServer").field("urls", &self.urls).finish_non_exhaustive()
    }
}

/// Without the credentials.
impl fmt::Debug for Relay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Relay").field("place", &self.place).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(server: &IceServer) -> Result<Servers, IceServerReason> {
        let mut servers = Servers::default();
        match server.add_to(&mut servers) {
            Ok(()) => Ok(servers),
            Err(Error::IceServer { reason, .. }) => Err(reason),
            Err(other) => panic!("{other}"),
        }
    }

    fn place(url: &str, host: &str, port: u16) -> Place {
        Place { url: url.into(), host: host.into(), port }
    }

    #[test]
    fn reads_stun_urls() {
        let check = |url: &str, host: &str, port| {
            let servers = read(&IceServer::new(url)).unwrap();
            assert_eq!((servers.stun, servers.turn), (vec![place(url, host, port)], vec![]));
        };
        check("stun:stun.example.org", "stun.example.org", 3478);
        check("STUN:192.0.2.1:19302", "192.0.2.1", 19302);
        check("stun:[2001:db8::1]:99", "2001:db8::1", 99);
        check("stun:[2001:db8::1]", "2001:db8::1", 3478);
    }

    #[test]
    fn reads_turn_urls_with_their_credentials() {
        let check = |url: &str, host: &str, port, protocol| {
            let servers = read(&IceServer::turn(url, "user", "pass")).unwrap();
            let place = place(url, host, port);
            let expected = Relay { place, protocol, username: "user".into(), credential: "pass".into() };
            assert_eq!((servers.stun, servers.turn), (vec![], vec![expected]));
        };
        check("turn:turn.example.org", "turn.example.org", 3478, Protocol::Udp);
        check("TURN:192.0.2.1:99?transport=udp", "192.0.2.1", 99, Protocol::Udp);
        check("turn:[2001:db8::1]:99", "2001:db8::1", 99, Protocol::Udp);
        check("turn:a.example?transport=tcp", "a.example", 3478, Protocol::Tcp);
        check("turns:a.example", "a.example", 5349, Protocol::Tls);
        check("turns:a.example:443?transport=tcp", "a.example", 443, Protocol::Tls);
        check("turns:a.example?transport=udp", "a.example", 5349, Protocol::Dtls);
    }

    #[test]
    fn one_server_may_have_urls_of_both_kinds() {
        let mut server = IceServer::turn("turn:a.example", "user", "pass");
        server.urls.push("stun:a.example".to_owned());
        let servers = read(&server).unwrap();
        assert_eq!((servers.stun.len(), servers.turn.len()), (1, 1));
    }

    #[test]
    fn refuses_urls_it_cannot_use() {
        let reason = |url: &str| read(&IceServer::turn(url, "user", "pass")).unwrap_err();
        assert_eq!(reason("http://a.example"), IceServerReason::Scheme);
        assert_eq!(reason("a.example"), IceServerReason::Scheme);
        assert_eq!(reason("stuns:a.example"), IceServerReason::NotSupported);
        assert_eq!(reason("turn:a.example?transport=sctp"), IceServerReason::Transport);
        for rest in ["", "a:b", "a:0", "a:70000", "[::1", "a b", "[zz]:1"] {
            assert_eq!(reason(&format!("stun:{rest}")), IceServerReason::Host, "{rest}");
            assert_eq!(reason(&format!("turn:{rest}")), IceServerReason::Host, "{rest}");
        }
        assert_eq!(read(&IceServer::default()), Err(IceServerReason::NoUrl));
    }

    #[test]
    fn turn_without_credentials_is_refused() {
        let mut server = IceServer::new("turn:a.example");
        assert_eq!(read(&server), Err(IceServerReason::NoCredential));
        server.username = Some("user".to_owned());
        assert_eq!(read(&server), Err(IceServerReason::NoCredential));
        server.credential = Some(String::new());
        assert!(read(&server).is_ok());
        server.username = Some("u".repeat(509));
        assert_eq!(read(&server), Err(IceServerReason::Username));
        assert!(!format!("{:?}", IceServer::turn("turn:a", "someone", "secret")).contains("secret"));
    }
}
