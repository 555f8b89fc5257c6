//! The SCTP engine alone: two ends in memory, one thread, no encryption, no sockets, no loss; ours beside the others.
//!
//! One reliable, ordered stream, packets of the same size for all. Packets are handed over in bursts, as sockets with
//! batches give them. `cargo bench -p peerless-bench --bench engine [-- ENGINE…]`

use std::time::{Duration, Instant};

use bytes::Bytes;
use peerless_bench::engines::{Engine, Kind, PACKET, Setting, pair};
use peerless_bench::table::Table;
use peerless_bench::usage;

const SIZES: [usize; 2] = [16 * 1024, 1024];
const WARM_UP: Duration = Duration::from_millis(500);
const SECONDS: Duration = Duration::from_secs(2);
/// What may wait on each side: enough to keep all busy, small enough to stay in the caches.
const SETTING: Setting = Setting { buffer: 1 << 20, largest: PACKET };
/// How many packets are handed over in one burst at most.
const BURST: usize = 64;
/// The virtual time between two bursts.
const ROUND: Duration = Duration::from_micros(50);

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    println!("{}; one thread, {PACKET} bytes a packet", usage::machine());
    let table = Table::begin(&["message", "engine", "MB/s", "ours against it"]);
    for size in SIZES {
        let mut ours = None;
        for kind in Kind::SCTP {
            if !wanted.is_empty() && !wanted.iter().any(|wanted| wanted == kind.name()) {
                continue;
            }
            let rate = measure(kind, size);
            let ratio = ours.map_or(String::new(), |ours: f64| format!("{:.1} ×", ours / rate));
            if kind == Kind::Peerless {
                ours = Some(rate);
            }
            table.row(&[&format!("{} KiB", size / 1024), &kind.name(), &format!("{rate:.0}"), &ratio]);
        }
    }
}

/// Megabytes per second of CPU time. Time is virtual: whoever waits for a timer costs nothing by it.
fn measure(kind: Kind, size: usize) -> f64 {
    let message = Bytes::from(vec![0x5a; size]);
    let mut now = Instant::now();
    let [mut sender, mut receiver] = pair(kind, now, SETTING);
    sender.connect(now);
    let (mut bytes, mut start, mut cpu, mut is_warm) = (0, now, usage::cpu(), false);
    for round in 0_u64.. {
        let mut is_idle = true;
        while sender.send(now, &message) {}
        is_idle &= hand_over(now, &mut *sender, &mut *receiver) == 0;
        while let Some(length) = receiver.receive(now) {
            bytes += length;
        }
        is_idle &= hand_over(now, &mut *receiver, &mut *sender) == 0;
        let next = [sender.poll_timeout(), receiver.poll_timeout()].into_iter().flatten().min();
        now += ROUND;
        if is_idle {
            now = next.map_or(now, |next| next.max(now));
        }
        for end in [&mut sender, &mut receiver] {
            if end.poll_timeout().is_some_and(|at| at <= now) {
                end.handle_timeout(now);
            }
        }
        if round % 64 == 0 && !is_warm && start.elapsed() > WARM_UP {
            (bytes, start, cpu, is_warm) = (0, Instant::now(), usage::cpu(), true);
        } else if round % 64 == 0 && is_warm && start.elapsed() > SECONDS {
            break;
        }
    }
    bytes as f64 / 1e6 / (usage::cpu() - cpu).as_secs_f64()
}

/// Hands over a burst of packets, and gives their number.
fn hand_over(now: Instant, from: &mut dyn Engine, to: &mut dyn Engine) -> usize {
    for count in 0..BURST {
        let Some(packet) = from.poll_packet(now) else { return count };
        to.handle_packet(now, packet);
    }
    BURST
}
