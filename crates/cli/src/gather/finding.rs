//! What gathering found: one line each, for people or of JSON.

use std::net::IpAddr;
use std::time::Duration;

use peerless::stats::{IceCandidateStats, Statistics, StatsReport};
use peerless::{Candidate, IceCandidateError};
use serde::Serialize;

/// One line.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Finding {
    /// An address at which we may be reached.
    Candidate(CandidateLine),
    /// A server that gave none.
    Failure(FailureLine),
    /// All was told.
    Complete(EndLine),
    /// There was no more time.
    TimedOut(EndLine),
}

/// A candidate.
#[derive(Debug, Serialize)]
pub struct CandidateLine {
    /// Since the begin, milliseconds.
    pub at_ms: f64,
    /// `host`, `srflx`, `relay`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `udp` or `tcp`.
    pub protocol: String,
    /// `active`, `passive`, `so`, of TCP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp_type: Option<String>,
    /// An IP address, or a name of multicast DNS.
    pub address: String,
    pub port: u16,
    pub priority: u32,
    pub foundation: String,
    /// The address behind it, not of host candidates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub related: Option<Related>,
    /// The server that showed or gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// What carries packets to that server: `udp`, `tcp`, `tls`, of a relay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relay_protocol: Option<String>,
}

/// The address behind a candidate: of a socket, or of that socket as the TURN server sees it.
#[derive(Debug, Serialize)]
pub struct Related {
    pub address: String,
    pub port: u16,
}

/// A server that gave no candidate.
#[derive(Debug, Serialize)]
pub struct FailureLine {
    /// Since the begin, milliseconds.
    pub at_ms: f64,
    pub server: String,
    /// STUN's, 300 to 699; 701 where the server could not be reached.
    pub code: u16,
    pub reason: String,
    /// From where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// The end.
#[derive(Debug, Serialize)]
pub struct EndLine {
    /// Since the begin, milliseconds.
    pub at_ms: f64,
    pub candidates: usize,
    pub failures: usize,
}

impl CandidateLine {
    /// A candidate, with what stats know of its server.
    pub fn new(at: Duration, candidate: &Candidate, stats: &StatsReport) -> Self {
        let known = stats.iter().find_map(|object| match &object.statistics {
            Statistics::LocalCandidate(known) if is_same(candidate, known) => Some(known),
            _ => None,
        });
        let related = candidate.related.as_ref();
        Self {
            at_ms: milliseconds(at),
            kind: candidate.kind.to_string(),
            protocol: candidate.transport.to_string().to_ascii_lowercase(),
            tcp_type: candidate.tcp_type.map(|tcp_type| tcp_type.to_string()),
            address: candidate.address.to_string(),
            port: candidate.port,
            priority: candidate.priority,
            foundation: candidate.foundation.clone(),
            related: related.map(|(address, port)| Related { address: address.to_string(), port: *port }),
            server: known.and_then(|known| known.url.clone()),
            relay_protocol: known.and_then(|known| known.relay_protocol.clone()),
        }
    }
}

impl FailureLine {
    /// What a connection told.
    pub fn new(at: Duration, error: IceCandidateError) -> Self {
        let from = error.address.map(|address| match error.port {
            Some(port) => joined(address, port),
            None => address.to_string(),
        });
        let IceCandidateError { url: server, error_code: code, error_text: reason, .. } = error;
        Self { at_ms: milliseconds(at), server, code, reason, from }
    }
}

impl EndLine {
    pub fn new(at: Duration, candidates: usize, failures: usize) -> Self {
        Self { at_ms: milliseconds(at), candidates, failures }
    }
}

impl Finding {
    /// For people.
    pub fn line(&self) -> String {
        match self {
            Self::Candidate(found) => found.line(),
            Self::Failure(failed) => failed.line(),
            Self::Complete(end) => format!("{:>6.0} ms  complete: {}", end.at_ms, end.counts()),
            Self::TimedOut(end) => format!("{:>6.0} ms  not complete: {}", end.at_ms, end.counts()),
        }
    }
}

impl CandidateLine {
    fn line(&self) -> String {
        let Self { at_ms, kind, protocol, address, port, priority, .. } = self;
        let address = match address.contains(':') {
            true => format!("[{address}]:{port}"),
            false => format!("{address}:{port}"),
        };
        let tcp_type = self.tcp_type.as_ref().map_or_else(String::new, |tcp_type| format!(" {tcp_type}"));
        let related = self.related.as_ref().map_or_else(String::new, |related| {
            format!(", behind it {} port {}", related.address, related.port)
        });
        let protocol_of =
            self.relay_protocol.as_ref().map_or_else(String::new, |word| format!(" over {word}"));
        let server =
            self.server.as_ref().map_or_else(String::new, |server| format!(", by {server}{protocol_of}"));
        format!(
            "{at_ms:>6.0} ms  {kind:<5}  {protocol}{tcp_type}  {address}{related}{server}, priority {priority}"
        )
    }
}

impl FailureLine {
    fn line(&self) -> String {
        let from = self.from.as_ref().map_or_else(String::new, |from| format!(", asked from {from}"));
        format!("{:>6.0} ms  failed  {}: {} ({}){from}", self.at_ms, self.server, self.reason, self.code)
    }
}

impl EndLine {
    fn counts(&self) -> String {
        let word = |count: usize, one: &str, many: &str| match count {
            1 => format!("1 {one}"),
            _ => format!("{count} {many}"),
        };
        let candidates = word(self.candidates, "candidate", "candidates");
        format!("{candidates}, {}", word(self.failures, "failure", "failures"))
    }
}

fn is_same(candidate: &Candidate, known: &IceCandidateStats) -> bool {
    known.port == Some(u32::from(candidate.port))
        && known.priority == Some(candidate.priority)
        && known.foundation.as_ref().is_none_or(|foundation| *foundation == candidate.foundation)
}

fn joined(address: IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(address, port).to_string()
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_is_a_line_for_people_and_one_of_json() {
        let text = "candidate:2 1 udp 1694498815 198.51.100.7 40001 typ srflx raddr 192.0.2.1 rport 5000";
        let candidate = Candidate::parse(text).unwrap();
        let found = CandidateLine::new(Duration::from_micros(12_345), &candidate, &StatsReport::default());
        let finding = Finding::Candidate(found);
        let line =
            "    12 ms  srflx  udp  198.51.100.7:40001, behind it 192.0.2.1 port 5000, priority 1694498815";
        assert_eq!(finding.line(), line);
        let json: serde_json::Value = serde_json::to_value(&finding).unwrap();
        assert_eq!((&json["event"], &json["type"]), (&"candidate".into(), &"srflx".into()));
        assert_eq!((&json["at_ms"], &json["related"]["port"]), (&12.345.into(), &5000.into()));
        assert!(json.get("server").is_none());
    }

    #[test]
    fn a_failure_says_who_and_why() {
        let error = IceCandidateError {
            address: Some([192, 0, 2, 1].into()),
            port: Some(5000),
            url: "turn:turn.example".to_owned(),
            error_code: 401,
            error_text: "Unauthorized".to_owned(),
        };
        let finding = Finding::Failure(FailureLine::new(Duration::from_millis(7), error));
        let line = "     7 ms  failed  turn:turn.example: Unauthorized (401), asked from 192.0.2.1:5000";
        assert_eq!(finding.line(), line);
        let end = Finding::Complete(EndLine::new(Duration::from_millis(8), 1, 2));
        assert_eq!(end.line(), "     8 ms  complete: 1 candidate, 2 failures");
    }
}
