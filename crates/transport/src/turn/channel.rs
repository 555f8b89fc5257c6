//! Channels (RFC 8656 §12): a header of four bytes instead of an indication, bound to one peer for ten minutes.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use peerless_wire::stun::ChannelNumber;

/// How often a binding is renewed. It lasts ten minutes, and with it comes a permission of five (RFC 8656 §9, §12).
const RENEWAL: Duration = Duration::from_secs(240);
/// How long a binding lasts.
const LIFETIME: Duration = Duration::from_secs(600);
/// How long no channel is tried to a peer that was refused one.
const PAUSE: Duration = Duration::from_secs(60);
/// How many are remembered: one for each pair that was ever in use.
const LIMIT: usize = 64;

/// The channels of one allocation. A number is never bound to another peer.
#[derive(Debug)]
pub(crate) struct Channels {
    known: Vec<Channel>,
    next: Option<ChannelNumber>,
    /// Where packets go now.
    wanted: Option<SocketAddr>,
}

#[derive(Debug)]
struct Channel {
    peer: SocketAddr,
    number: ChannelNumber,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Asked,
    /// Since then; asked for anew where `renews`.
    Bound {
        since: Instant,
        renews: bool,
    },
    /// Not before then again.
    Refused {
        until: Instant,
    },
}

impl Default for Channels {
    fn default() -> Self {
        Self { known: Vec::new(), next: Some(ChannelNumber::FIRST), wanted: None }
    }
}

impl Channels {
    /// Packets go to this peer from now on.
    pub(crate) fn want(&mut self, peer: Option<SocketAddr>) {
        self.wanted = peer;
    }

    /// The binding to ask for now, if any.
    pub(crate) fn ask(&mut self, now: Instant) -> Option<(SocketAddr, ChannelNumber)> {
        self.expire(now);
        let peer = self.wanted?;
        if let Some(known) = self.known.iter_mut().find(|known| known.peer == peer) {
            if known.due().is_none_or(|at| at > now) {
                return None;
            }
            known.state = match known.state {
                State::Bound { since, .. } if since + LIFETIME > now => State::Bound { since, renews: true },
                _ => State::Asked,
            };
            return Some((peer, known.number));
        }
        if self.known.len() >= LIMIT {
            return None;
        }
        let number = self.next?;
        self.next = number.next();
        self.known.push(Channel { peer, number, state: State::Asked });
        Some((peer, number))
    }

    /// When there will be one to ask for.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        let peer = self.wanted?;
        self.known.iter().find(|known| known.peer == peer)?.due()
    }

    /// The server has bound it.
    pub(crate) fn bind(&mut self, now: Instant, peer: SocketAddr) {
        self.set(peer, State::Bound { since: now, renews: false });
    }

    /// The server would not, or has not answered.
    pub(crate) fn refuse(&mut self, now: Instant, peer: SocketAddr) {
        self.set(peer, State::Refused { until: now + PAUSE });
    }

    /// The channel to send by, where one is bound.
    pub(crate) fn of(&self, peer: SocketAddr) -> Option<ChannelNumber> {
        let is_bound = |known: &&Channel| known.peer == peer && matches!(known.state, State::Bound { .. });
        self.known.iter().find(is_bound).map(|known| known.number)
    }

    /// Whose data comes by this number. The server may use it before we know that it is bound.
    pub(crate) fn peer(&self, number: ChannelNumber) -> Option<SocketAddr> {
        self.known.iter().find(|known| known.number == number).map(|known| known.peer)
    }

    /// Channels to other peers than the wanted one are not renewed, and end by themselves.
    fn expire(&mut self, now: Instant) {
        for known in &mut self.known {
            if matches!(known.state, State::Bound { since, .. } if since + LIFETIME <= now) {
                known.state = State::Refused { until: now };
            }
        }
    }

    fn set(&mut self, peer: SocketAddr, state: State) {
        self.known.iter_mut().filter(|known| known.peer == peer).for_each(|known| known.state = state);
    }
}

impl Channel {
    fn due(&self) -> Option<Instant> {
        match self.state {
            State::Bound { since, renews: false } => Some(since + RENEWAL),
            State::Refused { until } => Some(until),
            _ => None,
        }
    }
}
