//! Whatever bytes arrive, nothing panics, grows without bound, or is disturbed.

mod stage;

use bytes::{Bytes, BytesMut};
use peerless_netsim::{Link, Loss};
use peerless_rtp::session::PacketKind;
use peerless_wire::rtcp::{Nack, NackPair, Packet};
use peerless_wire::rtp::{Csrcs, Extensions, Header, SequenceNumber, Ssrc};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use stage::*;

fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

/// Both kinds of packets a session sent, to be damaged.
fn samples(stage: &Stage) -> Vec<Sent> {
    let all = stage.a.sent.iter().chain(&stage.b.sent);
    all.map(|(_, sent)| sent.clone()).collect()
}

#[test]
fn damaged_packets_do_no_harm() {
    let mut stage = Stage::new(1, Link { delay: 10 * MS, loss: Loss::Random(0.05), ..Link::default() });
    stage.run_until(2 * SECOND);
    let samples = samples(&stage);
    let mut rng = rng(1);
    for round in 0..20_000_u32 {
        let sample = &samples[rng.next_u32() as usize % samples.len()];
        let mut bytes = BytesMut::from(&sample.bytes[..]);
        for _ in 0..=rng.next_u32() % 8 {
            let at = rng.next_u32() as usize % bytes.len();
            bytes[at] = rng.next_u32() as u8;
        }
        bytes.truncate(1 + rng.next_u32() as usize % bytes.len());
        let bytes = bytes.freeze();
        let end = if round % 2 == 0 { &mut stage.a } else { &mut stage.b };
        match round % 5 {
            0..=1 => end.session.handle_rtp(stage.now, bytes),
            _ => end.session.handle_rtcp(stage.now, bytes),
        }
        if round % 100 == 0 {
            stage.now += MS;
            stage.settle();
        }
    }
    assert!(stage.a.session.stats().malformed > 0 && stage.b.session.stats().malformed > 0);
    let frames = stage.b.frames.len();
    let until = stage.now - stage.start + 5 * SECOND;
    stage.pictures = ((stage.now - stage.start).as_millis() / 40) as u32 + 1;
    stage.sounds = ((stage.now - stage.start).as_millis() / 20) as u32 + 1;
    stage.run_until(until);
    let came = stage.b.frames.len() - frames;
    // Damaged timestamps have made the play-out clock wait for up to a second.
    assert!(came > 260, "media goes on: {came}");
}

#[test]
fn random_bytes_are_counted_and_dropped() {
    let mut stage = Stage::new(2, Link::default());
    let mut rng = rng(2);
    for _ in 0..20_000 {
        let mut bytes = vec![0; rng.next_u32() as usize % 200];
        rng.fill_bytes(&mut bytes);
        if let Some(first) = bytes.first_mut() {
            *first = 0x80 | *first & 0x3f;
        }
        if let Some(second) = bytes.get_mut(1).filter(|_| rng.next_u32().is_multiple_of(2)) {
            *second = 200 + *second % 8;
        }
        let bytes = Bytes::from(bytes);
        stage.b.session.handle_rtp(stage.now, bytes.clone());
        stage.b.session.handle_rtcp(stage.now, bytes);
    }
    stage.settle();
    let stats = stage.b.session.stats();
    assert!(stats.malformed > 1000 && stats.unroutable > 1000, "{stats:?}");
    assert!(stats.inbound.len() <= 64, "{} sources", stats.inbound.len());
}

#[test]
fn a_storm_of_nacks_is_answered_within_bounds() {
    let mut stage = Stage::new(3, Link { delay: 20 * MS, ..Link::default() });
    stage.run_until(2 * SECOND);
    let before = stage.a.session.stats().outbound[0].clone();
    // All of 65536 numbers, every millisecond for a second.
    let pairs =
        (0..=u16::MAX / 17).map(|index| NackPair { first: SequenceNumber(index * 17), following: u16::MAX });
    let nack = Packet::Nack(Nack { sender: Ssrc(9), media: VIDEO, pairs: pairs.collect() });
    let mut bytes = BytesMut::new();
    nack.write(&mut bytes);
    let bytes = bytes.freeze();
    for step in 0..1000_u32 {
        stage.run_until(2 * SECOND + step * MS);
        stage.a.session.handle_rtcp(stage.now, bytes.clone());
    }
    stage.run_until(3 * SECOND);
    let after = stage.a.session.stats().outbound[0].clone();
    let again = after.retransmitted_bytes - before.retransmitted_bytes;
    // As much as the target of 3 Mbit/s in a second, and half a second's worth at once.
    assert!(again > 0 && again <= 3_000_000 / 8 * 3 / 2, "{again} bytes");
    // The pictures are delayed by it, but they come.
    assert!(after.frames >= before.frames + 20, "{} frames", after.frames - before.frames);
    assert_eq!(after.nacks, 1000);
}

#[test]
fn sources_without_number_are_not_all_remembered() {
    let mut stage = Stage::new(4, Link::default());
    for ssrc in 0..10_000 {
        let mut bytes = BytesMut::new();
        let header = Header {
            marker: false,
            payload_type: payload_type(111),
            sequence: SequenceNumber(1),
            timestamp: 0,
            ssrc: Ssrc(ssrc),
            csrcs: Csrcs::new(),
            extensions: Extensions::default(),
        };
        header.write(&extensions(), &mut bytes);
        bytes.extend_from_slice(&[0xf8, 1, 2, 3, 4, 5]);
        stage.b.session.handle_rtp(stage.now, bytes.freeze());
    }
    let stats = stage.b.session.stats();
    assert_eq!((stats.inbound.len(), stats.unroutable), (64, 10_000 - 64));
}

#[test]
fn wild_sequence_numbers_do_not_make_it_wait_or_ask_without_end() {
    let mut stage = Stage::new(5, Link::default());
    let mut rng = rng(5);
    stage.run_until(SECOND);
    for step in 0..5000_u32 {
        let sample = stage.a.sent.iter().find(|(_, sent)| {
            sent.kind == PacketKind::Rtp && Header::parse(&sent.bytes).unwrap().0.ssrc == VIDEO
        });
        let mut bytes = BytesMut::from(&sample.unwrap().1.bytes[..]);
        bytes[2..8].copy_from_slice(&rng.next_u64().to_be_bytes()[..6]);
        stage.b.session.handle_rtp(stage.now, bytes.freeze());
        if step % 10 == 0 {
            stage.now += MS;
            stage.b.session.handle_timeout(stage.now);
            let mut out = BytesMut::new();
            while stage.b.session.poll_packet(stage.now, &mut out).is_some() {
                out.clear();
            }
        }
    }
    let stats = stage.b.session.stats();
    let video = stats.inbound.iter().find(|stream| stream.ssrc == VIDEO).unwrap();
    assert!(video.nacks < 500 && video.plis < 10, "{video:?}");
}
