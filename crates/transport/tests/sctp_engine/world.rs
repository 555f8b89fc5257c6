//! Two associations, and a link with delay, rate, queue and loss between them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use peerless_transport::sctp::{Association, Config, Event, Message, SendOptions};
use peerless_wire::sctp::{Ppid, StreamId};

pub const MS: Duration = Duration::from_millis(1);

/// A link, the same in both directions.
#[derive(Clone, Copy)]
pub struct Link {
    /// One way.
    pub delay: Duration,
    /// Bytes per second; 0 is without limit.
    pub rate: u64,
    /// Bytes that may wait.
    pub queue: usize,
    /// How many of a million packets are lost.
    pub loss: u32,
    /// What is larger is lost.
    pub largest: usize,
}

impl Default for Link {
    fn default() -> Self {
        Self { delay: 10 * MS, rate: 0, queue: usize::MAX, loss: 0, largest: usize::MAX }
    }
}

/// When it arrives, which it is, where, and what.
type Flying = (Instant, u64, usize, Vec<u8>);

/// Pairs of ends (0 and 1, 2 and 3), and one link that all pairs share.
pub struct World {
    pub now: Instant,
    pub ends: Vec<Association>,
    pub events: Vec<Vec<Event>>,
    pub messages: Vec<VecDeque<Message>>,
    /// Whether messages are read as they come.
    pub reads: bool,
    pub link: Link,
    /// Packets that left, of each end.
    pub sent: Vec<usize>,
    /// The last packet that each end sent.
    pub last: Vec<Vec<u8>>,
    busy_until: [Instant; 2],
    flying: BinaryHeap<Reverse<Flying>>,
    number: u64,
    chance: u64,
}

pub fn config(seed: u8) -> Config {
    Config::new([seed; 32])
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "a test's time has to begin somewhere")]
    pub fn new<const ENDS: usize>(link: Link, configs: [Config; ENDS]) -> Self {
        let now = Instant::now();
        Self {
            now,
            ends: configs.into_iter().map(|config| Association::new(now, config)).collect(),
            events: vec![Vec::new(); ENDS],
            messages: vec![VecDeque::new(); ENDS],
            reads: true,
            link,
            sent: vec![0; ENDS],
            last: vec![Vec::new(); ENDS],
            busy_until: [now; 2],
            flying: BinaryHeap::new(),
            number: 0,
            chance: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// One that has been opened by all ends.
    pub fn open<const ENDS: usize>(link: Link, configs: [Config; ENDS]) -> Self {
        let mut world = Self::new(Link { loss: 0, ..link }, configs);
        for end in 0..ENDS {
            world.ends[end].connect(world.now);
        }
        world.run(3 * link.delay + 100 * MS);
        for end in 0..ENDS {
            assert!(
                matches!(world.events[end].first(), Some(Event::Connected { .. })),
                "{:?}",
                world.events[end]
            );
            world.events[end].clear();
        }
        world.link = link;
        world
    }

    pub fn send(&mut self, end: usize, stream: u16, bytes: impl Into<Bytes>, options: SendOptions) {
        let sent = self.ends[end].send(self.now, StreamId(stream), Ppid::BINARY, bytes.into(), options);
        sent.expect("taken");
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        let until = self.now + time;
        self.run_until(until, |_| false);
        self.now = until;
    }

    /// Lets time pass until `done`, or `until`. Whether it was done.
    pub fn run_until(&mut self, until: Instant, mut done: impl FnMut(&mut Self) -> bool) -> bool {
        let mut out = BytesMut::new();
        let mut still = 0;
        loop {
            for end in 0..self.ends.len() {
                self.flush(end, &mut out);
            }
            if done(self) {
                return true;
            }
            // It may have sent.
            for end in 0..self.ends.len() {
                self.flush(end, &mut out);
            }
            let arrival = self.flying.peek().map(|Reverse((at, ..))| *at);
            let timers = self.ends.iter().filter_map(Association::poll_timeout);
            let Some(next) = timers.chain(arrival).min().filter(|next| *next <= until) else { return false };
            still = if next <= self.now { still + 1 } else { 0 };
            assert!(still < 100_000, "time stands still");
            self.now = self.now.max(next);
            // What arrives within a tenth of a millisecond comes in one batch, as from a socket.
            while let Some(Reverse((at, ..))) = self.flying.peek()
                && *at <= self.now
            {
                let Some(Reverse((_, _, end, packet))) = self.flying.pop() else { break };
                self.ends[end].handle_packet(self.now, packet.into());
            }
            for end in 0..self.ends.len() {
                self.ends[end].handle_timeout(self.now);
            }
        }
    }

    fn flush(&mut self, end: usize, out: &mut BytesMut) {
        if self.reads {
            while let Some(message) = self.ends[end].poll_message(self.now) {
                self.messages[end].push_back(message);
            }
        }
        while let Some(length) = self.ends[end].poll_transmit(self.now, out) {
            assert_eq!(length, out.len());
            self.sent[end] += 1;
            self.last[end] = out.to_vec();
            self.carry(end, out);
            out.clear();
        }
        while let Some(event) = self.ends[end].poll_event() {
            self.events[end].push(event);
        }
    }

    fn carry(&mut self, from: usize, packet: &[u8]) {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        if (self.chance >> 20) % 1_000_000 < u64::from(self.link.loss) || packet.len() > self.link.largest {
            return;
        }
        let mut leaves = self.now;
        if self.link.rate > 0 {
            let starts = self.busy_until[from % 2].max(self.now);
            let waiting = (starts - self.now).as_nanos() as u64 * self.link.rate / 1_000_000_000;
            if waiting as usize > self.link.queue {
                return;
            }
            leaves = starts + Duration::from_nanos(packet.len() as u64 * 1_000_000_000 / self.link.rate);
            self.busy_until[from % 2] = leaves;
        }
        self.number += 1;
        self.flying.push(Reverse((leaves + self.link.delay, self.number, from ^ 1, packet.to_vec())));
    }
}
