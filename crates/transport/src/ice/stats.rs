//! What went by a candidate pair, and candidates and pairs as they are shown (RTCIceCandidateStats and
//! RTCIceCandidatePairStats, webrtc-stats §8.18, §8.19). Plain data.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use peerless_wire::sdp::{CandidateKind, TcpType};

use crate::datagram::Protocol;
use crate::ice::candidate::{Candidates, Local, Remote};

/// All candidates and pairs of an agent at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Ours, those of a restart that is being prepared too, and peer-reflexive ones.
    pub locals: Vec<CandidateStats>,
    /// The peer's.
    pub remotes: Vec<CandidateStats>,
    /// The pairs, best first, then those of before a restart that still matter.
    pub pairs: Vec<PairStats>,
    /// Which of them is in use, by its number.
    pub selected: Option<u32>,
    /// How often another pair was selected, or none any more.
    pub selected_changes: u32,
}

/// A candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CandidateStats {
    /// Tells it from all others of the agent, also from those of before a restart.
    pub key: u64,
    /// What it is.
    pub kind: CandidateKind,
    /// Its address.
    pub address: SocketAddr,
    /// What the peer is shown in place of its IP address.
    pub shown: Option<String>,
    /// Who opens the connection, with TCP; `None` is UDP.
    pub tcp_type: Option<TcpType>,
    /// RFC 8445 §5.1.2.
    pub priority: u32,
    /// RFC 8445 §5.1.1.3; `None` for a remote one that was not signalled.
    pub foundation: Option<String>,
    /// The address behind it, where it was told: an address or a name, and a port.
    pub related: Option<(String, u16)>,
    /// The username fragment of its generation, once known.
    pub ufrag: Option<String>,
    /// The server that showed it, as its user calls it.
    pub url: Option<String>,
    /// Of a relayed one of ours: what carries packets between us and its server.
    pub relay_protocol: Option<Protocol>,
    /// That server.
    pub(crate) server: Option<SocketAddr>,
}

/// A pair.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PairStats {
    /// Its number, never used again by the agent.
    pub number: u32,
    /// The key of the local candidate: as the peer sees it, once that is known.
    pub local: u64,
    /// The key of the remote candidate.
    pub remote: u64,
    /// Where its check stands.
    pub state: PairStateStats,
    /// Whether it was nominated.
    pub is_nominated: bool,
    /// What went by it.
    pub counts: PairCounts,
}

/// Where the check of a pair stands (RFC 8445 §6.1.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PairStateStats {
    /// It waits for a pair of the same foundation.
    Frozen,
    /// It is to be checked.
    Waiting,
    /// A check is under way.
    InProgress,
    /// A check was answered.
    Succeeded,
    /// No check was answered, or none is wanted any more.
    Failed,
}

/// What went by a pair since it was formed. Checks are counted apart from what they are for: DTLS, SRTP and SRTCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PairCounts {
    /// Checks sent, each once, however often it was repeated.
    pub requests_sent: u64,
    /// Checks of consent sent (RFC 7675 §5.1).
    pub consent_requests_sent: u64,
    /// Authentic checks received, those of consent and repeated ones included.
    pub requests_received: u64,
    /// Answers given to them.
    pub responses_sent: u64,
    /// Authentic answers received, to checks of either kind.
    pub responses_received: u64,
    /// The round trips of those that measured one, added up.
    pub total_round_trip: Duration,
    /// The last of these.
    pub round_trip: Option<Duration>,
    /// Datagrams sent, but for checks and their answers.
    pub packets_sent: u64,
    /// Bytes in them.
    pub bytes_sent: u64,
    /// When the last of them left.
    pub last_sent: Option<Instant>,
    /// Authentic datagrams received, but for checks and their answers.
    pub packets_received: u64,
    /// Bytes in them.
    pub bytes_received: u64,
    /// When the last of them came.
    pub last_received: Option<Instant>,
    /// Datagrams that the system would not send.
    pub packets_discarded: u64,
    /// Bytes in them.
    pub bytes_discarded: u64,
}

impl PairCounts {
    pub(crate) fn answered(&mut self, round_trip: Option<Duration>) {
        self.responses_received += 1;
        if let Some(round_trip) = round_trip {
            self.round_trip = Some(round_trip);
            self.total_round_trip += round_trip;
        }
    }

    pub(crate) fn asked(&mut self) {
        self.requests_received += 1;
        self.responses_sent += 1;
    }

    pub(crate) fn sent(&mut self, now: Option<Instant>, packets: u64, bytes: u64) {
        self.packets_sent += packets;
        self.bytes_sent += bytes;
        self.last_sent = now.or(self.last_sent);
    }

    pub(crate) fn received(&mut self, now: Instant, bytes: usize) {
        self.packets_received += 1;
        self.bytes_received += bytes as u64;
        self.last_received = Some(now);
    }

    pub(crate) fn discarded(&mut self, packets: u64, bytes: u64) {
        self.packets_discarded += packets;
        self.bytes_discarded += bytes;
    }
}

/// One of ours. The URL of its server is for the agent to tell.
pub(crate) fn local(local: &Local, ufrag: &str, is_hidden: bool) -> CandidateStats {
    CandidateStats {
        key: key(&[&ufrag, &format_args!("{:?}", local.base.carrier), &local.base.address, &local.address]),
        kind: local.kind,
        address: SocketAddr::new(local.address.ip(), local.port()),
        shown: None,
        tcp_type: local.tcp_type,
        priority: local.priority,
        foundation: Some((local.foundation + 1).to_string()),
        related: local
            .related(is_hidden)
            .filter(|_| local.kind != CandidateKind::PeerReflexive)
            .map(|related| (related.ip().to_string(), related.port())),
        ufrag: Some(ufrag.to_owned()),
        url: None,
        relay_protocol: None,
        server: local.server,
    }
}

/// One of the peer's.
pub(crate) fn remote(candidates: &Candidates, remote: &Remote, ufrag: Option<&str>) -> CandidateStats {
    CandidateStats {
        key: key(&[&ufrag.unwrap_or_default(), &format_args!("{:?}", remote.tcp_type), &remote.address]),
        kind: remote.kind,
        address: remote.address,
        shown: None,
        tcp_type: remote.tcp_type,
        priority: remote.priority,
        foundation: candidates.spelling(remote.foundation).map(str::to_owned),
        related: remote.related.clone(),
        ufrag: ufrag.map(str::to_owned),
        url: None,
        relay_protocol: None,
        server: None,
    }
}

/// FNV-1a with 64 bits, over what makes a candidate the one it is: a generation has a hundred at most.
fn key(parts: &[&dyn std::fmt::Display]) -> u64 {
    let text: String = parts.iter().map(|part| format!("{part}/")).collect();
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
