//! Goodput over a simulated link, as a share of what the link carries: ours beside other SCTP engines and QUIC.
//!
//! Virtual time, one direction, one reliable and ordered stream. The link has a rate, a delay, a drop-tail queue of
//! one bandwidth-delay product and random loss, the same both ways; it carries IP packets of 1500 bytes. SCTP packets
//! pay for the DTLS 1.3, UDP and IPv4 around them, QUIC packets for UDP and IPv4: the share of payload in them is the
//! most that can be reached. Ours looks for the largest packet, as QUIC's does. What is measured begins after a
//! warm-up, so that it is the state that lasts.
//!
//! `cargo bench -p peerless-bench --bench link [-- ENGINE…]`

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use peerless_bench::engines::{Engine, Kind, Setting, pair};
use peerless_bench::table::Table;

/// Bytes of an IP packet that the link carries at most.
const MTU: usize = 1500;
/// IPv4 and UDP.
const HEADERS: usize = 28;
/// A DTLS 1.3 record: header, content type and tag.
const RECORD: usize = 22;
const MESSAGE: usize = 16 * 1024;
/// What may wait at each end: more than the longest link holds twice.
const SETTING: Setting = Setting { buffer: 32 << 20, largest: 1400 };
const WARM_UP: Duration = Duration::from_secs(5);

const RATES: [(&str, u64, Duration); 2] = [
    ("100 Mbit/s", 100_000_000, Duration::from_secs(20)),
    ("1 Gbit/s", 1_000_000_000, Duration::from_secs(8)),
];
const ROUND_TRIPS: [u64; 3] = [20, 50, 100];
/// Losses, one in a million.
const LOSSES: [(&str, u32); 3] = [("0", 0), ("0.1 %", 1_000), ("1 %", 10_000)];

/// One direction of the link.
struct Link {
    /// Bytes per second.
    rate: f64,
    delay: Duration,
    /// How long a packet may wait in the queue.
    queue: Duration,
    loss: u32,
    around: usize,
    chance: u64,
    free_at: Instant,
    flying: VecDeque<(Instant, Bytes)>,
}

impl Link {
    fn send(&mut self, now: Instant, packet: Bytes) {
        let size = packet.len() + self.around;
        let wait = self.free_at.saturating_duration_since(now);
        if size > MTU || wait > self.queue {
            return;
        }
        self.free_at = now + wait + Duration::from_secs_f64(size as f64 / self.rate);
        // xorshift64
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        if self.chance % 1_000_000 >= u64::from(self.loss) {
            self.flying.push_back((self.free_at + self.delay, packet));
        }
    }

    fn receive(&mut self, now: Instant) -> Option<Bytes> {
        self.flying.front().filter(|(at, _)| *at <= now)?;
        self.flying.pop_front().map(|(_, packet)| packet)
    }
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let kinds: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|kind| wanted.is_empty() || wanted.iter().any(|wanted| wanted == kind.name()))
        .collect();
    let head: Vec<&str> =
        ["link", "round trip", "loss"].into_iter().chain(kinds.iter().map(|kind| kind.name())).collect();
    let table = Table::begin(&head);
    for (name, rate, time) in RATES {
        for round_trip in ROUND_TRIPS {
            for (loss_name, loss) in LOSSES {
                let round_trip = Duration::from_millis(round_trip);
                let shares = kinds
                    .iter()
                    .map(|kind| format!("{:.1} %", 100.0 * goodput(*kind, rate, round_trip, loss, time)));
                let mut cells =
                    vec![name.to_string(), format!("{} ms", round_trip.as_millis()), loss_name.into()];
                cells.extend(shares);
                let cells: Vec<&dyn std::fmt::Display> = cells.iter().map(|cell| cell as _).collect();
                table.row(&cells);
            }
        }
    }
}

/// The share of the link that arrives as payload.
fn goodput(kind: Kind, rate: u64, round_trip: Duration, loss: u32, time: Duration) -> f64 {
    let beginning = Instant::now();
    let mut now = beginning;
    let link = |chance| Link {
        rate: rate as f64 / 8.0,
        delay: round_trip / 2,
        queue: round_trip,
        loss,
        around: if kind == Kind::Quinn { HEADERS } else { HEADERS + RECORD },
        chance,
        free_at: now,
        flying: VecDeque::new(),
    };
    let (mut there, mut back) = (link(0x9e37_79b9), link(0x7f4a_7c15));
    let [mut sender, mut receiver] = pair(kind, now, SETTING);
    let message = Bytes::from(vec![0x5a; MESSAGE]);
    sender.connect(now);
    let (mut bytes, mut is_warm) = (0, false);
    while now - beginning < WARM_UP + time {
        while sender.send(now, &message) {}
        step(now, &mut *sender, &mut there);
        step(now, &mut *receiver, &mut back);
        let arrivals = [&there, &back].map(|link| link.flying.front().map(|(at, _)| *at));
        let timeouts = [sender.poll_timeout(), receiver.poll_timeout()];
        let Some(next) = arrivals.into_iter().chain(timeouts).flatten().min() else { break };
        // An engine that leaves a timer due does not stop the clock.
        now = if next > now { next } else { now + Duration::from_micros(100) };
        while let Some(packet) = there.receive(now) {
            receiver.handle_packet(now, packet);
        }
        while let Some(packet) = back.receive(now) {
            sender.handle_packet(now, packet);
        }
        while let Some(length) = receiver.receive(now) {
            bytes += length;
        }
        if !is_warm && now - beginning > WARM_UP {
            (bytes, is_warm) = (0, true);
        }
    }
    bytes as f64 * 8.0 / (rate as f64 * time.as_secs_f64())
}

/// Lets an end do what is due and send what it has.
fn step(now: Instant, end: &mut dyn Engine, link: &mut Link) {
    if end.poll_timeout().is_some_and(|at| at <= now) {
        end.handle_timeout(now);
    }
    while let Some(packet) = end.poll_packet(now) {
        link.send(now, packet);
    }
}
