//! What one packet costs on its way out, per packet: a frame of about 100 packets cut and every packet written, with
//! header, extensions and history.

#[path = "../tests/stage/mod.rs"]
mod stage;

use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use peerless_rtp::config::Config;
use peerless_rtp::session::{PacketKind, Session};
use stage::*;

fn unpaced(start: std::time::Instant) -> Session {
    let mut config = Config::new("bench", [1; 32], (start, std::time::SystemTime::UNIX_EPOCH));
    config.pacing = false;
    let mut session = Session::new(config);
    session.set_sender(start, &mid("v"), Some(send_video(vp8())));
    session
}

fn send(criterion: &mut Criterion) {
    let start = start();
    let (mut session, section) = (unpaced(start), mid("v"));
    let frame = picture(0, true, 115_000, start);
    let mut out = BytesMut::with_capacity(1 << 20);
    let mut number = 0_u32;
    let mut once = |session: &mut Session| {
        number += 1;
        let now = start + number * MS;
        let mut frame = frame.clone();
        frame.timestamp = number.wrapping_mul(90);
        session.send_frame(now, &section, &frame).unwrap();
        let mut packets = 0;
        out.clear();
        while let Some(kind) = session.poll_packet(now, &mut out) {
            packets += u64::from(kind == PacketKind::Rtp);
        }
        packets
    };
    let packets = once(&mut session);
    let mut group = criterion.benchmark_group("rtp send");
    group.throughput(Throughput::Elements(packets));
    group.bench_function("packetise and poll_packet", |bencher| bencher.iter(|| once(&mut session)));
    group.finish();
}

fn receive_frames(criterion: &mut Criterion) {
    let start = start();
    let mut sender = unpaced(start);
    let mut packets = Vec::new();
    for number in 0..200_u32 {
        let now = start + number * MS;
        sender.send_frame(now, &mid("v"), &picture(number, number == 0, 11_500, now)).unwrap();
        let mut out = BytesMut::new();
        while let Some(kind) = sender.poll_packet(now, &mut out) {
            let bytes = out.split().freeze();
            if kind == PacketKind::Rtp {
                packets.push((now, bytes));
            }
        }
    }
    let mut group = criterion.benchmark_group("rtp receive");
    group.throughput(Throughput::Elements(packets.len() as u64));
    group.bench_function("handle_rtp and poll_frame", |bencher| {
        bencher.iter(|| {
            let mut receiver = session(9, start, SECOND);
            receiver.set_receiver(start, &mid("v"), Some(receive(vp8())));
            let mut frames = 0;
            for (now, bytes) in &packets {
                receiver.handle_rtp(*now, bytes.clone());
                while receiver.poll_frame().is_some() {
                    frames += 1;
                }
            }
            assert_eq!(frames, 200);
        });
    });
    group.finish();
}

criterion_group!(benches, send, receive_frames);
criterion_main!(benches);
