//! Protecting and opening 1200-byte RTP packets, per profile, against the bare cipher of aws-lc-rs in the same run.
//!
//! Prints the ratio of the best times of both; the goal is 1.25.

use std::hint::black_box;
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::hmac;
use bytes::BytesMut;
use criterion::{Criterion, Throughput};
use peerless_transport::srtp::{MasterKey, Profile, ReceiveContext, SendContext};

/// Bytes of a packet before it is protected: the header and what is encrypted.
const PACKET: usize = 1200;
const HEADER: usize = 12;
/// How many packets are prepared at once, outside of what is timed.
const BATCH: usize = 256;

/// The bare cipher of a profile, keyed once as ours is.
enum Bare {
    Galois(LessSafeKey),
    CounterMode(Box<(EncryptingKey, hmac::Key)>),
}

impl Bare {
    fn new(profile: Profile) -> Self {
        let galois = |algorithm| {
            let key = UnboundKey::new(algorithm, &[7; 32][..profile.key_length()]).expect("right length");
            Self::Galois(LessSafeKey::new(key))
        };
        match profile {
            Profile::AeadAes256Gcm => galois(&AES_256_GCM),
            Profile::AeadAes128Gcm => galois(&AES_128_GCM),
            Profile::Aes128CmHmacSha1_80 => {
                let key = UnboundCipherKey::new(&AES_128, &[7; 16]).expect("right length");
                let mac = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &[7; 20]);
                Self::CounterMode(Box::new((EncryptingKey::ctr(key).expect("counter mode"), mac)))
            }
        }
    }

    /// Encrypts and tags one packet. The caller has room for the tag; nothing else is done.
    fn seal(&self, number: u64, packet: &mut [u8; PACKET]) {
        let (header, payload) = packet.split_at_mut(HEADER);
        match self {
            Self::Galois(key) => {
                let nonce = Nonce::assume_unique_for_key(nonce(number));
                let tag = key.seal_in_place_separate_tag(nonce, Aad::from(&*header), payload);
                let _ = black_box(tag.expect("seals"));
            }
            Self::CounterMode(keys) => {
                let (key, mac) = &**keys;
                let context = EncryptionContext::Iv128(u128::from(number).to_be_bytes().into());
                black_box(key.less_safe_encrypt(payload, context).expect("encrypts"));
                sign(mac, packet);
            }
        }
    }

    /// Checks and decrypts one packet that [`Bare::seal_for_open`] made.
    fn open(&self, number: u64, packet: &mut Sealed) {
        let (header, payload) = packet.bytes.split_at_mut(HEADER);
        match self {
            Self::Galois(key) => {
                let nonce = Nonce::assume_unique_for_key(nonce(number));
                let opened = key.open_in_place_separate_tag(nonce, Aad::from(&*header), &packet.tag, payload);
                black_box(opened.expect("opens"));
            }
            Self::CounterMode(keys) => {
                let (key, mac) = &**keys;
                sign(mac, &packet.bytes);
                let context = EncryptionContext::Iv128(u128::from(number).to_be_bytes().into());
                black_box(key.less_safe_encrypt(&mut packet.bytes[HEADER..], context).expect("decrypts"));
            }
        }
    }

    fn seal_for_open(&self, number: u64) -> Sealed {
        let mut sealed = Sealed { bytes: [0x5a; PACKET], tag: [0; 16] };
        if let Self::Galois(key) = self {
            let (header, payload) = sealed.bytes.split_at_mut(HEADER);
            let nonce = Nonce::assume_unique_for_key(nonce(number));
            let tag = key.seal_in_place_separate_tag(nonce, Aad::from(&*header), payload).expect("seals");
            sealed.tag.copy_from_slice(tag.as_ref());
        }
        sealed
    }
}

struct Sealed {
    bytes: [u8; PACKET],
    tag: [u8; 16],
}

fn sign(mac: &hmac::Key, bytes: &[u8]) {
    let mut tag = [0; 20];
    hmac::sign_to_buffer(mac, bytes, &mut tag).expect("signs");
    black_box(tag);
}

fn nonce(number: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    nonce
}

fn master(profile: Profile) -> MasterKey {
    let (key, salt) = ([7; 32], [9; 14]);
    MasterKey::new(profile, &key[..profile.key_length()], &salt[..profile.salt_length()])
        .expect("right length")
}

fn number_packet(packet: &mut [u8], number: u64) {
    packet[0] = 0x80;
    packet[2..4].copy_from_slice(&(number as u16).to_be_bytes());
    packet[8..12].copy_from_slice(&[0, 0, 0, 1]);
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn timed(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

/// Measures a batch at a time: `prepare` is not timed, `run` is. Returns the best nanoseconds per packet.
fn measure<T>(
    criterion: &mut Criterion,
    name: &str,
    mut prepare: impl FnMut(u64) -> T,
    mut run: impl FnMut(u64, &mut T),
) -> f64 {
    let (mut number, mut best) = (0, f64::INFINITY);
    let mut group = criterion.benchmark_group("srtp");
    group.throughput(Throughput::Elements(1));
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|iterations| {
            let batches = iterations.div_ceil(BATCH as u64);
            let mut total = Duration::ZERO;
            for _ in 0..batches {
                let mut batch: Vec<(u64, T)> =
                    (0..BATCH as u64).map(|place| (number + place, prepare(number + place))).collect();
                number += BATCH as u64;
                let took =
                    timed(|| batch.iter_mut().for_each(|(number, packet)| run(*number, black_box(packet))));
                best = best.min(took.as_nanos() as f64 / BATCH as f64);
                total += took;
            }
            total.mul_f64(iterations as f64 / (batches * BATCH as u64) as f64)
        });
    });
    group.finish();
    best
}

fn plain(number: u64) -> BytesMut {
    let mut packet = BytesMut::with_capacity(PACKET + 32);
    packet.resize(PACKET, 0x5a);
    number_packet(&mut packet, number);
    packet
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(20)
        .configure_from_args();
    let mut table = String::from("| profile | | bare cipher | Peerless | ratio |\n|---|---|---|---|---|\n");
    for profile in Profile::ALL {
        let bare = Bare::new(profile);
        let prepare = |number| {
            let mut packet = [0x5a; PACKET];
            number_packet(&mut packet, number);
            packet
        };
        let bare_seal =
            measure(&mut criterion, &format!("{profile}/protect, bare cipher"), prepare, |n, packet| {
                bare.seal(n, packet);
            });
        let mut sender = SendContext::new(&master(profile)).expect("keys");
        let protect = measure(&mut criterion, &format!("{profile}/protect"), plain, |_, packet| {
            sender.protect_rtp(packet, 0).expect("protects");
        });
        let bare_open = measure(
            &mut criterion,
            &format!("{profile}/unprotect, bare cipher"),
            |number| bare.seal_for_open(number),
            |number, packet| bare.open(number, packet),
        );
        let mut sender = SendContext::new(&master(profile)).expect("keys");
        let mut receiver = ReceiveContext::new(&master(profile)).expect("keys");
        let prepare = |number| {
            let mut packet = plain(number);
            sender.protect_rtp(&mut packet, 0).expect("protects");
            packet
        };
        let unprotect = measure(&mut criterion, &format!("{profile}/unprotect"), prepare, |_, packet| {
            receiver.unprotect_rtp(packet).expect("opens");
        });
        for (verb, bare, ours) in [("protect", bare_seal, protect), ("unprotect", bare_open, unprotect)] {
            table += &format!("| {profile} | {verb} | {bare:.0} ns | {ours:.0} ns | {:.2} |\n", ours / bare);
        }
    }
    println!("\n1200-byte packets, best of all batches\n\n{table}");
}
