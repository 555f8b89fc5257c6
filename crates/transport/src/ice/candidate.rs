//! Candidates, local and remote, their priorities and foundations (RFC 8445 §5.1, RFC 6544 §4).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use peerless_wire::sdp::{self, Address, CandidateKind, TcpType, TransportProtocol};

use crate::datagram::{Base, Carrier, Protocol};
use crate::ice::tcp;
use crate::turn::relays::Relay;

/// How many signalled remote candidates are kept.
pub(super) const REMOTE_LIMIT: usize = 100;

/// How many candidates that only checks have shown are kept: remote ones beside those above, local ones among those below.
pub(super) const SEEN_LIMIT: usize = 50;

/// How many local candidates are kept, all kinds together.
pub(super) const LOCAL_LIMIT: usize = 100;

/// Why a remote candidate was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CandidateError {
    /// Its address is a name, which must be resolved first.
    #[error("a name, not an address")]
    Unresolved,
    /// No datagram can be sent there: an unspecified or multicast address, or port 0.
    #[error("no address to send to")]
    Unusable,
    /// Its username fragment is not that of the remote credentials.
    #[error("belongs to another generation")]
    WrongUfrag,
    /// There are as many as we keep, and each of them may still be of use.
    #[error("more than {limit} remote candidates")]
    TooMany {
        /// How many we keep.
        limit: usize,
    },
}

/// Whether the socket of a candidate can be sent from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SocketState {
    Open,
    /// Its address is missing for the moment.
    Down,
    Closed,
}

/// One of our own candidates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Local {
    pub(crate) kind: CandidateKind,
    /// Where others see it.
    pub(crate) address: SocketAddr,
    /// The address of the socket it is sent from (RFC 8445 §5.1.1).
    pub(crate) base: Base,
    /// Who opens the connection, with TCP.
    pub(crate) tcp_type: Option<TcpType>,
    pub(crate) priority: u32,
    pub(crate) foundation: u32,
    pub(super) preference: u16,
    /// Which server showed it.
    pub(crate) server: Option<SocketAddr>,
    /// Of a relayed one: where its server sees our socket.
    related: Option<SocketAddr>,
    pub(crate) socket: SocketState,
    /// Its pairs were formed.
    pub(super) is_paired: bool,
}

/// One of the peer's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(crate) kind: CandidateKind,
    pub(crate) address: SocketAddr,
    /// Who opens the connection; `None` is UDP.
    pub(crate) tcp_type: Option<TcpType>,
    pub(crate) priority: u32,
    pub(crate) foundation: u32,
    /// The address behind it, as it was signalled.
    pub(crate) related: Option<(String, u16)>,
    /// Its pairs were formed.
    pub(super) is_paired: bool,
}

/// All candidates of one agent. Their places in the lists change only where room is made (see `room`).
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    pub(super) locals: Vec<Local>,
    pub(super) remotes: Vec<Remote>,
    /// Relayed ones only are told and paired (RFC 9429 §3.5.3).
    pub(crate) is_relay_only: bool,
    /// What local foundations stand for.
    pub(super) foundations: Vec<Foundation>,
    /// The spellings of remote foundations; `None` for a peer-reflexive one, which is like no other.
    pub(super) remote_foundations: Vec<Option<String>>,
}

/// What makes a foundation (RFC 8445 §5.1.1.3): kind, what carries the packets, address of the base, address of the server.
pub(super) type Foundation = (CandidateKind, Carrier, IpAddr, Option<IpAddr>);

impl Candidates {
    pub(crate) fn new(is_relay_only: bool) -> Self {
        Self { is_relay_only, ..Self::default() }
    }

    /// Adds the address of a socket; `None` where it is known or there are too many.
    pub(crate) fn add_host(&mut self, base: Base) -> Option<usize> {
        self.add_socket(base, None)
    }

    /// Adds an address from where, or at which, connections of TCP begin; `None` where it is known or there are too many.
    pub(crate) fn add_tcp_host(&mut self, address: SocketAddr, tcp_type: TcpType) -> Option<usize> {
        self.add_socket(Base::tcp(address), Some(tcp_type))
    }

    fn add_socket(&mut self, base: Base, tcp_type: Option<TcpType>) -> Option<usize> {
        if self.own_at(base).is_some() {
            return None;
        }
        let is_alike = |local: &Local| {
            local.kind == CandidateKind::Host
                && local.tcp_type == tcp_type
                && local.base.is_ipv4() == base.is_ipv4()
        };
        let preference = self.free_preference(is_alike, |earlier| local_preference(base.ip(), earlier));
        self.add_local(CandidateKind::Host, base.address, base, (preference, tcp_type), None)
    }

    /// Adds what `server` saw; `None` where that is known, as without a NAT (RFC 8445 §5.1.3).
    pub(crate) fn add_server_reflexive(
        &mut self,
        base: Base,
        address: SocketAddr,
        server: SocketAddr,
    ) -> Option<usize> {
        let preference = self.local(self.host_at(base)?)?.preference;
        let known = self.locals.iter().position(|local| local.address == address && local.base == base);
        let kind = CandidateKind::ServerReflexive;
        match known {
            None => self.add_local(kind, address, base, (preference, None), Some(server)),
            // A check was quicker to show it; now it can be signalled.
            Some(at) if self.locals[at].kind == CandidateKind::PeerReflexive => {
                let foundation = self.foundation((kind, base.carrier, base.ip(), Some(server.ip())));
                let priority = priority(kind, preference, None);
                self.locals[at] = Local {
                    kind,
                    address,
                    base,
                    tcp_type: None,
                    priority,
                    foundation,
                    preference,
                    server: Some(server),
                    related: None,
                    socket: SocketState::Open,
                    is_paired: false,
                };
                Some(at)
            }
            Some(_) => None,
        }
    }

    /// A server sees a base at its own address: which host candidate that is, the first time.
    pub(crate) fn note_seen(&mut self, base: Base, server: SocketAddr) -> Option<usize> {
        let host = self.host_at(base)?;
        let local = self.locals.get_mut(host).filter(|local| local.server.is_none())?;
        local.server = Some(server);
        Some(host)
    }

    /// Adds an address that a server lends; `None` where it is known. All of them come after all others; UDP to the server
    /// is better than DTLS, that better than TCP, and that better than TLS.
    pub(crate) fn add_relay(&mut self, relay: &Relay) -> Option<usize> {
        if self.own_at(relay.base).is_some() {
            return None;
        }
        let first: u16 = match relay.protocol {
            Protocol::Udp => 0xbfff,
            Protocol::Dtls => 0x9fff,
            Protocol::Tcp => 0x7fff,
            Protocol::Tls => 0x3fff,
        };
        let is_alike = |local: &Local| local.kind == CandidateKind::Relay;
        let of = |earlier: u16| first - 2 * earlier - u16::from(relay.base.is_ipv4());
        let preference = self.free_preference(is_alike, of);
        let address = relay.base.address;
        let added = self.add_local(
            CandidateKind::Relay,
            address,
            relay.base,
            (preference, None),
            Some(relay.server),
        )?;
        self.locals[added].related = relay.mapped;
        Some(added)
    }

    /// Adds what a translator is known to show; `None` where that is known.
    pub(crate) fn add_translated(&mut self, base: Base, address: SocketAddr) -> Option<usize> {
        let host = self.local(self.host_at(base)?)?;
        let (preference, tcp_type) = (host.preference, host.tcp_type);
        let is_it = |local: &Local| local.address == address && local.base == base;
        if self.locals.iter().any(is_it) {
            return None;
        }
        self.add_local(CandidateKind::ServerReflexive, address, base, (preference, tcp_type), None)
    }

    /// The local candidate that a check from `base` shows to be `address`: a new one is peer-reflexive
    /// (RFC 8445 §7.2.5.3.1). Where there is no room the host candidate stands for it.
    pub(crate) fn mapped(&mut self, host: usize, address: SocketAddr) -> usize {
        let Some(local) = self.local(host) else { return host };
        let (base, tcp_type, preference) = (local.base, local.tcp_type, local.preference);
        // The port of a connection is chosen when it is opened: only another address tells of a NAT.
        if tcp_type == Some(TcpType::Active) && address.ip() == base.ip() {
            return host;
        }
        let known = self.locals.iter().position(|local| local.address == address && local.base == base);
        known
            .or_else(|| {
                if self.has_full_seen_locals() {
                    return None;
                }
                self.add_local(CandidateKind::PeerReflexive, address, base, (preference, tcp_type), None)
            })
            .unwrap_or(host)
    }

    fn add_local(
        &mut self,
        kind: CandidateKind,
        address: SocketAddr,
        base: Base,
        (preference, tcp_type): (u16, Option<TcpType>),
        server: Option<SocketAddr>,
    ) -> Option<usize> {
        if self.locals.len() >= LOCAL_LIMIT {
            return None;
        }
        let foundation = self.foundation((kind, base.carrier, base.ip(), server.map(|server| server.ip())));
        let priority = priority(kind, preference, tcp_type);
        // There are few, and each is large.
        self.locals.reserve_exact(1);
        self.locals.push(Local {
            kind,
            address,
            base,
            tcp_type,
            priority,
            foundation,
            preference,
            server,
            related: None,
            socket: SocketState::Open,
            is_paired: false,
        });
        Some(self.locals.len() - 1)
    }

    /// Adds a signalled candidate, or tells a peer-reflexive one at its address what it really is. `None` where it
    /// is none of ours: another component, TCP that does not say who opens it, or known already.
    pub(crate) fn add_remote(&mut self, candidate: &sdp::Candidate) -> Result<Option<usize>, CandidateError> {
        let tcp_type = candidate.tcp_type.filter(|_| candidate.transport == TransportProtocol::Tcp);
        let is_untyped = candidate.transport == TransportProtocol::Tcp && tcp_type.is_none();
        if candidate.component != 1 || is_untyped {
            return Ok(None);
        }
        let Address::Ip(ip) = candidate.address else { return Err(CandidateError::Unresolved) };
        let address = SocketAddr::new(ip.to_canonical(), candidate.port);
        if !is_usable(address) {
            return Err(CandidateError::Unusable);
        }
        let known = self.remote_at(address, tcp_type);
        if known.is_some_and(|at| self.remotes[at].kind != CandidateKind::PeerReflexive) {
            return Ok(None);
        }
        if self.has_full_remotes(false) {
            return Err(CandidateError::TooMany { limit: REMOTE_LIMIT });
        }
        let foundation = self.remote_foundation(Some(&candidate.foundation));
        let related = candidate.related.as_ref().map(|(address, port)| (address.to_string(), *port));
        let (kind, priority) = (candidate.kind, candidate.priority);
        let is_paired = false;
        let remote = Remote { kind, address, tcp_type, priority, foundation, related, is_paired };
        Ok(Some(self.put_remote(known, remote)))
    }

    /// The remote candidate at `address`, from where a check came to the host candidate `host`: a new one is
    /// peer-reflexive with the priority that the check bore (RFC 8445 §7.3.1.3). `None` where there are too many.
    pub(crate) fn remote_seen(&mut self, address: SocketAddr, host: usize, priority: u32) -> Option<usize> {
        let tcp_type = tcp::other_end(self.local(host)?.tcp_type);
        if let Some(known) = self.remote_at(address, tcp_type) {
            return Some(known);
        }
        if self.has_full_remotes(true) || !is_usable(address) {
            return None;
        }
        let foundation = self.remote_foundation(None);
        let kind = CandidateKind::PeerReflexive;
        // RFC 8445 §7.3.1.3: it is paired with the candidate that the check came to, and with others that come later.
        let (related, is_paired) = (None, true);
        let remote = Remote { kind, address, tcp_type, priority, foundation, related, is_paired };
        Some(self.put_remote(None, remote))
    }

    /// The candidates that a new generation begins with: the sockets that can be sent from.
    pub(crate) fn fresh(&self, is_relay_only: bool) -> Self {
        let mut fresh = Self::new(is_relay_only);
        let is_open = |local: &&Local| local.kind == CandidateKind::Host && local.socket == SocketState::Open;
        for host in self.locals.iter().filter(is_open) {
            fresh.add_socket(host.base, host.tcp_type);
        }
        fresh
    }

    /// Forgets the peer's candidates and what its checks have shown of ours.
    pub(crate) fn forget_remotes(&mut self) {
        self.remotes.clear();
        self.remote_foundations.clear();
        self.locals.retain(|local| local.kind != CandidateKind::PeerReflexive);
    }

    /// Takes the peer's candidates of another generation in which it had the same credentials.
    pub(crate) fn take_remotes(&mut self, before: &mut Self) {
        self.remotes = std::mem::take(&mut before.remotes);
        self.remote_foundations = std::mem::take(&mut before.remote_foundations);
    }

    /// What became of the socket at `base`. Candidates keep their places; those of a closed one are of no use any more.
    pub(crate) fn set_socket(&mut self, base: Base, socket: SocketState) {
        let is_meant = |local: &&mut Local| local.base == base && local.socket != SocketState::Closed;
        self.locals.iter_mut().filter(is_meant).for_each(|local| local.socket = socket);
    }

    fn put_remote(&mut self, known: Option<usize>, remote: Remote) -> usize {
        match known {
            Some(at) => {
                self.remotes[at] = remote;
                at
            }
            None => {
                self.remotes.reserve_exact(1);
                self.remotes.push(remote);
                self.remotes.len() - 1
            }
        }
    }

    /// How a remote foundation was signalled; `None` for that of a peer-reflexive candidate.
    pub(crate) fn spelling(&self, foundation: u32) -> Option<&str> {
        self.remote_foundations.get(foundation as usize)?.as_deref()
    }

    pub(crate) fn local(&self, at: usize) -> Option<&Local> {
        self.locals.get(at)
    }

    pub(crate) fn remote(&self, at: usize) -> Option<&Remote> {
        self.remotes.get(at)
    }

    pub(crate) fn locals(&self) -> &[Local] {
        &self.locals
    }

    pub(crate) fn remotes(&self) -> &[Remote] {
        &self.remotes
    }

    /// The priority that a peer-reflexive candidate of the socket bound to `base` would have, for PRIORITY in checks
    /// (RFC 8445 §7.1.1).
    pub(crate) fn check_priority(&self, base: Base) -> u32 {
        let host = self.host_at(base).and_then(|at| self.local(at));
        let (preference, tcp_type) = host.map_or((0, None), |host| (host.preference, host.tcp_type));
        priority(CandidateKind::PeerReflexive, preference, tcp_type)
    }

    /// The candidate of `base` itself, a socket or a relay, where it may be used.
    pub(crate) fn host_at(&self, base: Base) -> Option<usize> {
        self.own_at(base).filter(|at| self.is_allowed(*at))
    }

    /// Whether a local candidate may be told and paired.
    pub(crate) fn is_allowed(&self, at: usize) -> bool {
        self.local(at).is_some_and(|local| !self.is_relay_only || local.base.carrier == Carrier::Relay)
    }

    /// Those that may be told.
    pub(crate) fn told(&self) -> impl Iterator<Item = &Local> {
        self.locals.iter().enumerate().filter(|(at, _)| self.is_allowed(*at)).map(|(_, local)| local)
    }

    fn own_at(&self, base: Base) -> Option<usize> {
        let is_own = |local: &Local| matches!(local.kind, CandidateKind::Host | CandidateKind::Relay);
        let is_here = |local: &Local| local.base == base && local.socket != SocketState::Closed;
        self.locals.iter().position(|local| is_own(local) && is_here(local))
    }

    fn remote_at(&self, address: SocketAddr, tcp_type: Option<TcpType>) -> Option<usize> {
        self.remotes.iter().position(|remote| remote.address == address && remote.tcp_type == tcp_type)
    }
}

impl Local {
    /// The port that others are told.
    pub(crate) fn port(&self) -> u16 {
        match self.tcp_type {
            Some(TcpType::Active) => tcp::ACTIVE_PORT,
            _ => self.address.port(),
        }
    }

    /// The address behind it (RFC 8839 §5.1): of a relayed one where the server sees us, unless that is not to be told.
    pub(crate) fn related(&self, is_hidden: bool) -> Option<SocketAddr> {
        match self.kind {
            CandidateKind::Host => None,
            CandidateKind::Relay if is_hidden => None,
            CandidateKind::Relay => self.related,
            CandidateKind::ServerReflexive | CandidateKind::PeerReflexive => Some(self.base.address),
        }
    }

    /// As it is signalled; peer-reflexive ones never are, nor are those without a socket.
    pub(crate) fn signalled(&self, ufrag: &str, is_hidden: bool) -> Option<sdp::Candidate> {
        if self.kind == CandidateKind::PeerReflexive || self.socket == SocketState::Closed {
            return None;
        }
        // One that is not told is written as unspecified, with port 0 (RFC 8839 §5.1).
        let unspecified = || match self.address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let related = (self.kind != CandidateKind::Host).then(|| {
            let related = self.related(is_hidden).unwrap_or_else(|| SocketAddr::new(unspecified(), 0));
            (Address::Ip(related.ip()), related.port())
        });
        Some(sdp::Candidate {
            foundation: (self.foundation + 1).to_string(),
            component: 1,
            transport: match self.tcp_type {
                Some(_) => TransportProtocol::Tcp,
                None => TransportProtocol::Udp,
            },
            priority: self.priority,
            address: Address::Ip(self.address.ip()),
            port: self.port(),
            kind: self.kind,
            related,
            tcp_type: self.tcp_type,
            ufrag: Some(ufrag.to_owned()),
            extensions: Vec::new(),
        })
    }
}

/// Whether checks can be sent from one of our candidates to one of the peer's (RFC 8445 §6.1.2.2): of one family, and
/// link-local IPv6 only among themselves; with TCP, where one opens the connection that the other takes.
pub(crate) fn is_compatible(ours: &Local, theirs: &Remote) -> bool {
    if !tcp::can_connect(ours.tcp_type, theirs.tcp_type) {
        return false;
    }
    match (ours.base.ip(), theirs.address.ip()) {
        (IpAddr::V4(_), IpAddr::V4(_)) => true,
        (IpAddr::V6(base), IpAddr::V6(remote)) => {
            base.is_unicast_link_local() == remote.is_unicast_link_local()
        }
        _ => false,
    }
}

/// An address without the scope and flow that only this machine knows, so that it compares with signalled ones.
pub(crate) fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), address.port())
}

/// How an address compares with our others of its kind (RFC 8421 §4): each its own number, IPv6 and IPv4 taking turns
/// in the order in which they were added, those that reach only this machine or this link last.
fn local_preference(ip: IpAddr, earlier: u16) -> u16 {
    let is_near = ip.is_loopback() || matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    let first = if is_near { u16::MAX / 2 } else { u16::MAX };
    first - 2 * earlier - u16::from(ip.is_ipv4())
}

fn is_usable(address: SocketAddr) -> bool {
    let ip = address.ip();
    let is_broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !is_broadcast
}

/// RFC 8445 §5.1.2.1 with the recommended type preferences, those of TCP lower; the component is 1.
fn priority(kind: CandidateKind, preference: u16, tcp_type: Option<TcpType>) -> u32 {
    let (kind, preference) = match (tcp_type, kind) {
        (Some(tcp_type), _) => {
            (tcp::type_preference(kind), tcp::local_preference(kind, tcp_type, preference))
        }
        (None, CandidateKind::Host) => (126, preference),
        (None, CandidateKind::PeerReflexive) => (110, preference),
        (None, CandidateKind::ServerReflexive) => (100, preference),
        (None, CandidateKind::Relay) => (0, preference),
    };
    kind << 24 | u32::from(preference) << 8 | (256 - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn host_before_peer_reflexive_before_server_reflexive() {
        let mut candidates = Candidates::default();
        let host = candidates.add_host(Base::udp(at("10.0.0.1:1"))).unwrap();
        let seen = candidates.add_server_reflexive(
            Base::udp(at("10.0.0.1:1")),
            at("192.0.2.1:9"),
            at("192.0.2.9:3478"),
        );
        let of = |at: usize| candidates.local(at).unwrap().priority;
        assert_eq!(of(host), 126 << 24 | 65534 << 8 | 255);
        let peer_reflexive = candidates.check_priority(Base::udp(at("10.0.0.1:1")));
        assert!(of(host) > peer_reflexive && peer_reflexive > of(seen.unwrap()));
    }

    #[test]
    fn ipv6_and_ipv4_take_turns_and_near_addresses_come_last() {
        let mut candidates = Candidates::default();
        let texts =
            ["127.0.0.1:1", "10.0.0.1:1", "10.0.0.2:1", "[fe80::1]:1", "[2001:db8::1]:1", "[2001:db8::2]:1"];
        let mut order: Vec<_> =
            texts.map(|text| (candidates.add_host(Base::udp(at(text))).unwrap(), text)).into();
        order.sort_by_key(|(host, _)| std::cmp::Reverse(candidates.local(*host).unwrap().priority));
        let order: Vec<_> = order.into_iter().map(|(_, text)| text).collect();
        let expected = [texts[4], texts[1], texts[5], texts[2], texts[3], texts[0]];
        assert_eq!(order, expected);
    }

    #[test]
    fn a_server_that_sees_nothing_new_gives_no_candidate() {
        let mut candidates = Candidates::default();
        candidates.add_host(Base::udp(at("10.0.0.1:1"))).unwrap();
        let (base, server) = (Base::udp(at("10.0.0.1:1")), at("192.0.2.9:3478"));
        assert_eq!(candidates.add_server_reflexive(base, base.address, server), None);
        assert!(candidates.add_server_reflexive(base, at("192.0.2.1:9"), server).is_some());
        assert_eq!(candidates.add_server_reflexive(base, at("192.0.2.1:9"), at("192.0.2.8:3478")), None);
    }

    #[test]
    fn a_signalled_candidate_tells_a_peer_reflexive_one_its_kind() {
        let mut candidates = Candidates::default();
        let host = candidates.add_host(Base::udp(at("10.0.0.1:1"))).unwrap();
        let seen = candidates.remote_seen(at("10.0.0.2:2"), host, 7).unwrap();
        let mut signalled = Local {
            kind: CandidateKind::Host,
            address: at("10.0.0.2:2"),
            base: Base::udp(at("10.0.0.2:2")),
            tcp_type: None,
            priority: 9,
            foundation: 0,
            preference: 0,
            server: None,
            related: None,
            socket: SocketState::Open,
            is_paired: false,
        }
        .signalled("abcd", false)
        .unwrap();
        assert_eq!(candidates.add_remote(&signalled), Ok(Some(seen)));
        assert_eq!(candidates.remote(seen).unwrap().kind, CandidateKind::Host);
        assert_eq!(candidates.add_remote(&signalled), Ok(None));
        signalled.component = 2;
        assert_eq!(candidates.add_remote(&signalled), Ok(None));
        signalled.component = 1;
        signalled.port = 0;
        assert_eq!(candidates.add_remote(&signalled), Err(CandidateError::Unusable));
        signalled.address = Address::Name("x.local".to_owned());
        assert_eq!(candidates.add_remote(&signalled), Err(CandidateError::Unresolved));
    }
}
