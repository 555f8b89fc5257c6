//! A firewall before some hosts: it translates nothing, but not everything passes (RFC 6092 §3, and those of offices that
//! let nothing but streams to a web server out).

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use crate::carrier::Carrier;

/// Which datagrams pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Datagrams {
    /// All.
    All,
    /// All that leave, and of those that come the answers: from an address and port that was sent to.
    Answers,
    /// None.
    None,
}

/// Which streams pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Streams {
    /// All.
    All,
    /// Those begun inside.
    Outgoing,
    /// Those begun inside towards this port.
    OutgoingTo(u16),
    /// None.
    None,
}

/// A firewall and the hosts behind it. Hosts behind the same one are not kept apart.
#[derive(Debug)]
pub struct Firewall {
    inside: HashSet<IpAddr>,
    datagrams: Datagrams,
    streams: Streams,
    /// Who has sent whereto.
    sent: HashSet<(Carrier, SocketAddr, SocketAddr)>,
}

impl Firewall {
    /// A firewall before the hosts `inside`.
    pub fn new(inside: impl IntoIterator<Item = IpAddr>, datagrams: Datagrams, streams: Streams) -> Self {
        Self { inside: inside.into_iter().collect(), datagrams, streams, sent: HashSet::new() }
    }

    /// Whether what `from` sends may leave. It is outside that counts: `to` is not behind this one.
    pub(crate) fn lets_out(&mut self, carrier: Carrier, from: SocketAddr, to: SocketAddr) -> bool {
        if !self.is_between(from.ip(), to.ip()) {
            return true;
        }
        let is_answer = self.sent.contains(&(carrier, from, to));
        let passes = is_answer
            || match (carrier, self.datagrams, self.streams) {
                (Carrier::Datagram, datagrams, _) => datagrams != Datagrams::None,
                (Carrier::Stream, _, Streams::All | Streams::Outgoing) => true,
                (Carrier::Stream, _, Streams::OutgoingTo(port)) => to.port() == port,
                (Carrier::Stream, _, Streams::None) => false,
            };
        if passes {
            self.sent.insert((carrier, from, to));
        }
        passes
    }

    /// Whether what `from`, a host outside, sends reaches `to`. `origin` is where it began, behind this one or not.
    pub(crate) fn lets_in(
        &mut self,
        carrier: Carrier,
        origin: IpAddr,
        from: SocketAddr,
        to: SocketAddr,
    ) -> bool {
        if !self.is_between(to.ip(), origin) || self.sent.contains(&(carrier, to, from)) {
            return true;
        }
        let passes = match carrier {
            Carrier::Datagram => self.datagrams == Datagrams::All,
            Carrier::Stream => self.streams == Streams::All,
        };
        if passes && carrier == Carrier::Stream {
            // What goes back on it belongs to it.
            self.sent.insert((carrier, to, from));
        }
        passes
    }

    fn is_between(&self, inside: IpAddr, outside: IpAddr) -> bool {
        self.inside.contains(&inside) && !self.inside.contains(&outside)
    }
}
