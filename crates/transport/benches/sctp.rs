//! The SCTP engine alone: two ends in memory on one core, messages of 1 KiB and 16 KiB, in packets of 1200 bytes and of
//! 16 KiB, beside copying the same bytes once in the same run.
//!
//! `cargo bench -p peerless-transport --bench sctp`. Prints the best of some runs, in GB of messages per second of
//! processor time.

use std::hint::black_box;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use peerless_transport::sctp::{Association, Config, SendOptions};
use peerless_wire::sctp::{Ppid, StreamId};

/// How much one run carries.
const TOTAL: usize = 256 << 20;
/// How many packets are handed over at once, as one GSO send and one GRO receive do.
const BATCH: usize = 64;
/// How often each case is run.
const RUNS: usize = 5;
/// What a batch takes on its way, on the engines' clocks.
const HOP: Duration = Duration::from_micros(20);

struct Pair {
    now: Instant,
    ends: [Association; 2],
    out: BytesMut,
}

impl Pair {
    #[expect(clippy::disallowed_methods, reason = "the engines' time has to begin somewhere")]
    fn new(packet: usize, checksum: bool) -> Self {
        let now = Instant::now();
        let ends = [1, 2].map(|seed| {
            let mut config = Config::new([seed; 32]);
            config.max_packet_size = packet;
            // Without, plain DATA goes too: what older peers speak.
            (config.zero_checksum, config.interleaving) = (!checksum, !checksum);
            let mut end = Association::new(now, config);
            end.connect(now);
            end
        });
        let mut pair = Self { now, ends, out: BytesMut::new() };
        while pair.hop(0) + pair.hop(1) > 0 {}
        pair
    }

    /// Carries up to a batch of packets from one end to the other; how many.
    fn hop(&mut self, from: usize) -> usize {
        self.out.reserve(BATCH * 1500);
        let mut count = 0;
        while count < BATCH
            && let Some(_length) = self.ends[from].poll_transmit(self.now, &mut self.out)
        {
            let packet = self.out.split().freeze();
            self.ends[1 - from].handle_packet(self.now, packet);
            count += 1;
        }
        self.now += HOP;
        count
    }

    /// Sends `TOTAL` bytes in messages like `message`; how many bytes were read.
    fn carry(&mut self, message: &Bytes) -> usize {
        let (mut sent, mut read) = (0, 0);
        while read < TOTAL {
            while sent < TOTAL && self.ends[0].total_buffered() < 4 << 20 {
                let options = SendOptions::default();
                let taken = self.ends[0].send(self.now, StreamId(0), Ppid::BINARY, message.clone(), options);
                taken.expect("there is room");
                sent += message.len();
            }
            let moved = self.hop(0);
            while let Some(message) = self.ends[1].poll_message(self.now) {
                read += message.payload.len();
                black_box(message.payload);
            }
            if moved + self.hop(1) == 0 {
                let next = self.ends.iter().filter_map(Association::poll_timeout).min();
                self.now = next.expect("something is on its way").max(self.now);
                self.ends.iter_mut().for_each(|end| end.handle_timeout(self.now));
            }
        }
        read
    }
}

/// The best of some runs, in bytes per second of processor time.
fn best(mut run: impl FnMut() -> usize) -> f64 {
    let rates = (0..RUNS).map(|_| {
        let began = used();
        let bytes = run();
        bytes as f64 / (used() - began)
    });
    rates.fold(0.0, f64::max)
}

/// The processor time that this thread has used, in seconds: others on the machine do not count. Where the system does
/// not tell it, the time on the wall.
#[expect(clippy::disallowed_methods, reason = "this is what is measured")]
fn used() -> f64 {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.as_deref().and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    match nanos {
        Some(nanos) => nanos as f64 / 1e9,
        None => BEGAN.get_or_init(Instant::now).elapsed().as_secs_f64(),
    }
}

fn main() {
    // The same message again and again, as below: what is copied comes from the cache, and goes round a small buffer.
    let source = vec![7; 16 << 10];
    let mut target = vec![0; 1 << 20];
    let copied = best(|| {
        for _ in 0..TOTAL / target.len() {
            for part in target.chunks_exact_mut(source.len()) {
                part.copy_from_slice(black_box(&source));
            }
            black_box(&mut target);
        }
        TOTAL
    });
    println!("memcpy                        {:6.2} GB/s", copied / 1e9);
    for (packet, checksum) in [(1200, false), (1200, true), (16_384, false)] {
        for size in [1 << 10, 16 << 10] {
            let message = Bytes::from(vec![7; size]);
            let mut pair = Pair::new(packet, checksum);
            let rate = best(|| pair.carry(&message));
            let stats = pair.ends[0].stats();
            println!(
                "messages {size:6}, packets {packet:6}{} {:6.2} GB/s   {:5.1} memcpys   cwnd {} retransmissions {}",
                if checksum { ", DATA with CRC32c" } else { "                  " },
                rate / 1e9,
                copied / rate,
                stats.congestion_window,
                stats.retransmissions
            );
        }
    }
}
