//! Streams: what TCP makes of a link. Nothing is lost, but what was lost once comes late, and all after it too.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::chance::Chance;
use crate::link::{Link, LinkState};

/// How long a sender waits before it sends again what was not acknowledged. RFC 6298 §2.4 wants a second, systems take less.
const RETRANSMISSION: Duration = Duration::from_millis(200);
/// How often something is sent before the stream has broken down.
const TRANSMISSIONS: u32 = 12;

/// All streams, each direction by itself: each has the whole rate of its link.
#[derive(Debug, Default)]
pub(crate) struct Streams(HashMap<(SocketAddr, SocketAddr), Direction>);

#[derive(Debug)]
struct Direction {
    /// From when it carries something.
    stands: Instant,
    /// When the last of it arrives.
    last: Instant,
    state: LinkState,
}

impl Streams {
    pub(crate) fn has(&self, from: SocketAddr, to: SocketAddr) -> bool {
        self.0.contains_key(&(from, to))
    }

    /// A stream that `from` begins, and whose other end sees `seen_from`: it stands a round trip later, if ever.
    pub(crate) fn open(
        &mut self,
        now: Instant,
        (from, seen_from, to): (SocketAddr, SocketAddr, SocketAddr),
        (there, back): (&Link, &Link),
        chance: &mut Chance,
    ) {
        let arrived = reliable(now, 0, there, &mut LinkState::default(), chance);
        let answered = arrived.and_then(|at| reliable(at, 0, back, &mut LinkState::default(), chance));
        let (Some(arrived), Some(answered)) = (arrived, answered) else { return };
        let direction = |stands| Direction { stands, last: stands, state: LinkState::default() };
        self.0.insert((from, to), direction(answered));
        self.0.insert((to, seen_from), direction(arrived));
    }

    /// When a frame of `size` bytes arrives that is sent now; `None` where the stream breaks down over it.
    pub(crate) fn arrival(
        &mut self,
        now: Instant,
        (from, to): (SocketAddr, SocketAddr),
        size: usize,
        link: &Link,
        chance: &mut Chance,
    ) -> Option<Instant> {
        let direction = self.0.get_mut(&(from, to))?;
        match reliable(now.max(direction.stands), size, link, &mut direction.state, chance) {
            Some(arrival) => {
                direction.last = direction.last.max(arrival);
                Some(direction.last)
            }
            None => {
                self.0.remove(&(from, to));
                None
            }
        }
    }
}

/// When something arrives that is sent until it does; `None` where it never does.
fn reliable(
    now: Instant,
    size: usize,
    link: &Link,
    state: &mut LinkState,
    chance: &mut Chance,
) -> Option<Instant> {
    let mut sent = now;
    for number in 0..TRANSMISSIONS {
        if let Some(arrival) = state.arrival(sent, size, link, chance) {
            return Some(arrival);
        }
        sent += RETRANSMISSION * 2_u32.pow(number);
    }
    None
}
