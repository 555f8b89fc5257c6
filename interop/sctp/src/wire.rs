//! Two engines on a simulated network, in virtual time.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use peerless_netsim::{Link, Network};

use crate::engine::{Engine, Received};

/// The network, an engine at each end, and what arrived there.
pub struct Wire<A, B> {
    /// Virtual time.
    pub now: Instant,
    /// One end.
    pub first: A,
    /// The other.
    pub second: B,
    /// What the first received.
    pub to_first: Vec<Received>,
    /// What the second received.
    pub to_second: Vec<Received>,
    network: Network<Bytes>,
    link: Link,
    addresses: [SocketAddr; 2],
    still: u32,
}

impl<A: Engine, B: Engine> Wire<A, B> {
    /// A network with chance from `seed`, and these ends.
    pub fn new(seed: u64, now: Instant, link: Link, first: A, second: B) -> Self {
        Self {
            now,
            first,
            second,
            to_first: Vec::new(),
            to_second: Vec::new(),
            network: Network::new(seed, link),
            link,
            addresses: [1, 2].map(|host| SocketAddr::from(([10, 0, 0, host], 5000))),
            still: 0,
        }
    }

    /// Lets time pass until `is_done`, or for `most`; whether it is done.
    pub fn run(&mut self, most: Duration, mut is_done: impl FnMut(&mut Self) -> bool) -> bool {
        let until = self.now + most;
        loop {
            let [here, there] = self.addresses;
            exchange(&mut self.first, self.now, &mut self.network, (here, there), &mut self.to_first);
            exchange(&mut self.second, self.now, &mut self.network, (there, here), &mut self.to_second);
            if is_done(self) {
                return true;
            }
            let timers = [self.first.poll_timeout(), self.second.poll_timeout(), self.network.next_arrival()];
            let next = timers.into_iter().flatten().min().map_or(until, |next| next.min(until));
            self.still = if next <= self.now { self.still + 1 } else { 0 };
            assert!(self.still < 10_000, "time stands still");
            self.now = self.now.max(next);
            if self.now >= until {
                return false;
            }
            self.wake();
        }
    }

    /// From now on nothing is lost.
    pub fn mend(&mut self) {
        self.network.set_default_link(Link { loss: peerless_netsim::Loss::None, ..self.link });
    }

    fn wake(&mut self) {
        while let Some((_, to, packet)) = self.network.receive(self.now) {
            if to == self.addresses[0] {
                self.first.handle_packet(self.now, packet);
            } else {
                self.second.handle_packet(self.now, packet);
            }
        }
        if self.first.poll_timeout().is_some_and(|at| at <= self.now) {
            self.first.handle_timeout(self.now);
        }
        if self.second.poll_timeout().is_some_and(|at| at <= self.now) {
            self.second.handle_timeout(self.now);
        }
    }
}

fn exchange(
    engine: &mut impl Engine,
    now: Instant,
    network: &mut Network<Bytes>,
    (from, to): (SocketAddr, SocketAddr),
    received: &mut Vec<Received>,
) {
    while let Some(message) = engine.poll_message(now) {
        received.push(message);
    }
    while let Some(packet) = engine.poll_packet(now) {
        network.send(now, from, to, packet);
    }
}
