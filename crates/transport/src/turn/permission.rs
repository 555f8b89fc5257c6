//! Permissions (RFC 8656 §9): from which addresses a relay lets datagrams through, for five minutes each time. What is to
//! be sent before the server has said yes waits for it.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;

/// How long a permission lasts (RFC 8656 §9).
const LIFETIME: Duration = Duration::from_secs(300);
/// How long before its end it is asked for anew.
const MARGIN: Duration = Duration::from_secs(60);
/// For how many addresses there may be one; then the one that was used longest ago gives way.
const LIMIT: usize = 100;
/// How many datagrams wait for one; the oldest give way, as checks are repeated.
const HELD: usize = 4;

/// The permissions of one allocation.
#[derive(Debug, Default)]
pub(crate) struct Permissions(Vec<Permission>);

#[derive(Debug)]
struct Permission {
    ip: IpAddr,
    state: State,
    /// When something was last sent there.
    used: Instant,
    held: VecDeque<(SocketAddr, Bytes)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It was asked for.
    Asked,
    /// It holds since then. Asked for anew where `renews`.
    Granted { since: Instant, renews: bool },
    /// The server has said no.
    Refused,
}

/// Whether a datagram may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Now.
    Send,
    /// When the server has said yes; it was asked.
    Wait,
    /// As `Wait`, and the server is to be asked.
    Ask,
    /// Never.
    Refused,
}

impl Permissions {
    /// Whether a datagram may leave for `peer` now; keeps it where it has to wait.
    pub(crate) fn check(&mut self, now: Instant, peer: SocketAddr, contents: &Bytes) -> Verdict {
        let ip = peer.ip();
        let Some(known) = self.0.iter_mut().find(|known| known.ip == ip) else {
            self.make_room();
            let held = VecDeque::from([(peer, contents.clone())]);
            self.0.push(Permission { ip, state: State::Asked, used: now, held });
            return Verdict::Ask;
        };
        known.used = now;
        match known.state {
            State::Granted { since, .. } if since + LIFETIME > now => return Verdict::Send,
            State::Refused => return Verdict::Refused,
            _ => {}
        }
        if known.held.len() >= HELD {
            known.held.pop_front();
        }
        known.held.push_back((peer, contents.clone()));
        match known.state {
            State::Asked | State::Granted { renews: true, .. } => Verdict::Wait,
            _ => {
                known.state = State::Asked;
                Verdict::Ask
            }
        }
    }

    /// The server has said yes: what has waited for it.
    pub(crate) fn grant(&mut self, now: Instant, ip: IpAddr) -> VecDeque<(SocketAddr, Bytes)> {
        let Some(known) = self.0.iter_mut().find(|known| known.ip == ip) else { return VecDeque::new() };
        known.state = State::Granted { since: now, renews: false };
        std::mem::take(&mut known.held)
    }

    /// The server has said no.
    pub(crate) fn refuse(&mut self, ip: IpAddr) {
        for known in self.0.iter_mut().filter(|known| known.ip == ip) {
            known.state = State::Refused;
            known.held.clear();
        }
    }

    /// The server has not answered: whoever sends next asks again.
    pub(crate) fn forget(&mut self, ip: IpAddr) {
        self.0.retain(|known| known.ip != ip);
    }

    /// All is to be asked anew.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The next one to ask for anew: of those that are in use.
    pub(crate) fn renew(&mut self, now: Instant) -> Option<IpAddr> {
        let due = self.0.iter_mut().find(|known| known.due().is_some_and(|at| at <= now))?;
        if let State::Granted { since, .. } = due.state {
            due.state = State::Granted { since, renews: true };
        }
        Some(due.ip)
    }

    /// When that is.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.0.iter().filter_map(Permission::due).min()
    }

    /// One who is sent to over a channel, which keeps its permission (RFC 8656 §12): as if it had been used.
    pub(crate) fn note_channel(&mut self, now: Instant, ip: IpAddr) {
        match self.0.iter_mut().find(|known| known.ip == ip) {
            Some(known) => {
                known.used = now;
                known.state = State::Granted { since: now, renews: false };
            }
            None => {
                self.make_room();
                let state = State::Granted { since: now, renews: false };
                self.0.push(Permission { ip, state, used: now, held: VecDeque::new() });
            }
        }
    }

    fn make_room(&mut self) {
        if self.0.len() >= LIMIT
            && let Some(oldest) = self.0.iter().enumerate().min_by_key(|(_, known)| known.used)
        {
            self.0.remove(oldest.0);
        }
    }
}

impl Permission {
    /// When it is to be asked for anew: where something was sent since it was granted.
    fn due(&self) -> Option<Instant> {
        match self.state {
            State::Granted { since, renews: false } => {
                (self.used > since).then_some(since + LIFETIME - MARGIN)
            }
            _ => None,
        }
    }
}
