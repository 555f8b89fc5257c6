//! How long a packet takes from its frame to the datagram: packetise, protect and `poll_transmit`, with the number of
//! allocations printed.

#[path = "../tests/scene/mod.rs"]
mod scene;

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use peerless_rtp::frame::Frame;
use scene::{ALICE, BOB, Scene};

/// One picture of 24 000 bytes: about twenty packets of 1200 bytes.
const PICTURE: usize = 24_000;

struct Bench {
    scene: Scene,
    id: peerless_peer::id::TransceiverId,
    out: BytesMut,
    number: u32,
}

impl Bench {
    fn new() -> Self {
        let mut scene = Scene::call();
        let id = scene.ends[ALICE].sources[1].id;
        scene.ends.iter_mut().for_each(|end| end.sources.clear());
        scene.ends[BOB].arrivals.takes_all = true;
        scene.run_for(Duration::from_secs(1));
        Self { scene, id, out: BytesMut::with_capacity(1 << 16), number: 1_000_000 }
    }

    fn frame(&mut self) -> Frame {
        self.number += 1;
        let mut payload = vec![0x55; PICTURE];
        payload[0] = 0x11;
        Frame { payload: payload.into(), ..scene::media::picture(self.number, false, self.scene.now) }
    }

    /// Sends one frame, and gives the time this took, the packets it made and the allocations it cost.
    fn send(&mut self) -> (Duration, usize, u64) {
        let frame = self.frame();
        // The first clone of `Bytes` made from a `Vec` gives them their count of owners: once a frame, by its maker.
        let _owned_twice = frame.payload.clone();
        let (mut spent, mut packets, mut allocations) = (Duration::ZERO, 0, 0);
        let peer = &mut self.scene.ends[ALICE].peer;
        let mut now = self.scene.now;
        let end = now + Duration::from_millis(40);
        let out = &mut self.out;
        let mut sent = Vec::with_capacity(64);
        let started = clock();
        let info = allocation_counter::measure(|| peer.send_frame(now, self.id, &frame).unwrap());
        spent += started.elapsed();
        allocations += info.count_total;
        loop {
            out.clear();
            let mut transmit = None;
            let started = clock();
            let info = allocation_counter::measure(|| transmit = black_box(peer.poll_transmit(now, out)));
            spent += started.elapsed();
            // Reports and checks go now and then, and are not what is measured.
            let is_media = out.len() > 2 && out[0] >= 128 && !matches!(out[1], 192..=223);
            allocations += if is_media || transmit.is_none() { info.count_total } else { 0 };
            let Some(transmit) = transmit else {
                match peer.poll_timeout() {
                    Some(next) if next <= end => now = now.max(next),
                    _ => break,
                }
                peer.handle_timeout(now);
                continue;
            };
            let size = transmit.segment_size.unwrap_or(transmit.size);
            sent.extend(
                out.chunks(size)
                    .map(|piece| (now, transmit.source, transmit.destination, BytesMut::from(piece))),
            );
        }
        packets += sent.len();
        for (at, source, destination, contents) in sent {
            self.scene.network.send(at, source, destination, contents);
        }
        self.scene.run_for(Duration::from_millis(40));
        (spent, packets, allocations)
    }
}

fn send(criterion: &mut Criterion) {
    let mut bench = Bench::new();
    for _ in 0..50 {
        bench.send();
    }
    let (packets, allocations) = (0..200)
        .map(|_| bench.send())
        .fold((0, 0), |(packets, allocations), sent| (packets + sent.1, allocations + sent.2));
    println!("packetise + protect + poll_transmit: {packets} packets, {allocations} allocations");
    let mut group = criterion.benchmark_group("send");
    group.throughput(Throughput::Elements(1));
    group.bench_function("packetise + protect + poll_transmit, per packet", |bencher| {
        bencher.iter_custom(|packets| {
            let (mut spent, mut count) = (Duration::ZERO, 0);
            while count < packets {
                let (time, sent, _) = bench.send();
                spent += time;
                count += sent as u64;
            }
            spent.mul_f64(packets as f64 / count as f64)
        });
    });
    group.finish();
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn clock() -> Instant {
    Instant::now()
}

criterion_group!(benches, send);
criterion_main!(benches);
