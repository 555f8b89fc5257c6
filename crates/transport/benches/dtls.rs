//! Sealing and opening DTLS records of application data, per version and size, against the bare cipher in the same
//! run: what the record layer adds to what encryption costs anyway.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use bytes::BytesMut;
use peerless_transport::crypto::{Certificate, HashAlgorithm};
use peerless_transport::dtls::endpoint::{Config, Endpoint};
use peerless_transport::dtls::{Role, Version, Versions};
use peerless_transport::state::DtlsState;

/// Bytes of plaintext in a record: a packet before path MTU discovery, on Ethernet, on jumbo frames, on loopback.
const SIZES: [usize; 4] = [1160, 1400, 8900, 16384];
/// How many records are sealed, and then opened, in one go.
const BATCH: usize = 32;
const ROUNDS: usize = 1500;

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}

/// Two ends that are connected.
fn connected(versions: Versions) -> [Endpoint; 2] {
    let certificates =
        [0, 1].map(|_| Arc::new(Certificate::generate(SystemTime::UNIX_EPOCH).expect("certificate")));
    let prints = [1, 0].map(|other: usize| vec![certificates[other].fingerprint(HashAlgorithm::Sha256)]);
    let now = now();
    let mut ends = [Role::Client, Role::Server].map(|role| {
        let end = usize::from(role == Role::Server);
        let mut config = Config::new(certificates[end].clone());
        config.versions = versions;
        Endpoint::new(now, &config, role, prints[end].clone())
    });
    while ends.iter().any(|end| end.state() != DtlsState::Connected) {
        for from in [0, 1] {
            let mut out = BytesMut::new();
            while let Some(size) = ends[from].poll_transmit(&mut out) {
                let datagram = out.split_to(size);
                ends[1 - from].handle_datagram(now, datagram);
            }
        }
    }
    ends
}

/// The best nanoseconds per record for sealing and for opening.
fn ours(versions: Versions, size: usize) -> [f64; 2] {
    let [mut client, mut server] = connected(versions);
    let plain = vec![0x5a; size];
    let mut best = [f64::INFINITY; 2];
    let mut out = BytesMut::with_capacity(BATCH * (size + 64));
    for _ in 0..ROUNDS {
        let start = now();
        for _ in 0..BATCH {
            let begin = out.len();
            out.extend_from_slice(&plain);
            assert!(client.seal(start, &mut out, begin));
        }
        note(&mut best[0], start);
        let sealed = out.len() / BATCH;
        let start = now();
        for _ in 0..BATCH {
            server.handle_datagram(start, out.split_to(sealed));
            assert_eq!(black_box(server.poll_application()).map(|plain| plain.len()), Some(size));
        }
        note(&mut best[1], start);
        out.reserve(BATCH * (size + 64));
    }
    best
}

fn bare(version: Version, size: usize) -> [f64; 2] {
    // What two of us agree on.
    let (algorithm, length) = match version {
        Version::Dtls12 => (&AES_256_GCM, 32),
        Version::Dtls13 => (&AES_128_GCM, 16),
    };
    let key = LessSafeKey::new(UnboundKey::new(algorithm, &[7; 32][..length]).expect("right length"));
    let nonce = || Nonce::assume_unique_for_key([9; 12]);
    let mut best = [f64::INFINITY; 2];
    let mut records = vec![vec![0x5a; size]; BATCH];
    for _ in 0..ROUNDS {
        let start = now();
        let tags: Vec<_> = records
            .iter_mut()
            .map(|record| key.seal_in_place_separate_tag(nonce(), Aad::from([1; 13]), record).expect("seals"))
            .collect();
        note(&mut best[0], start);
        let start = now();
        for (record, tag) in records.iter_mut().zip(&tags) {
            let opened = key.open_in_place_separate_tag(nonce(), Aad::from([1; 13]), tag.as_ref(), record);
            black_box(opened.expect("opens"));
        }
        note(&mut best[1], start);
    }
    best
}

fn note(best: &mut f64, start: Instant) {
    let took: Duration = now() - start;
    *best = best.min(took.as_nanos() as f64 / BATCH as f64);
}

fn main() {
    println!("| version | plaintext | | bare cipher | record | ratio |\n|---|---|---|---|---|---|");
    for (versions, version) in [(Versions::Only12, Version::Dtls12), (Versions::Only13, Version::Dtls13)] {
        for size in SIZES {
            let (bare, ours) = (bare(version, size), ours(versions, size));
            for (verb, bare, ours) in [("seal", bare[0], ours[0]), ("open", bare[1], ours[1])] {
                println!(
                    "| {version} | {size} B | {verb} | {bare:.0} ns | {ours:.0} ns | {:.1} |",
                    ours / bare
                );
            }
        }
    }
}
