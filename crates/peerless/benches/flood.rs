//! How many packets per second one sender can put onto loopback, beside a bare flood by the same system calls in the
//! same run: the ratio is what packetising, encryption, queues and the driver cost. Both send datagrams of the same
//! size, on one thread, to a socket that takes offloaded runs whole (UDP GRO) and that nobody reads. A third flood
//! seals each datagram first with the bare cipher of the connection: no sender of SRTP can be faster.
//!
//! `cargo bench -p peerless --bench flood`

use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use bytes::Bytes;
use peerless::{Configuration, Event, Format, Frame, LocalTrack, MediaKind, PeerConnection};
use quinn_udp::{Transmit, UdpSocketState};
use tokio::runtime::{Builder, Runtime};

/// How long each of the two floods lasts, and how often they take turns.
const TURN: Duration = Duration::from_secs(1);
const TURNS: u32 = 5;
/// One frame: 60 packets.
const FRAME: usize = 60 * 1150;
/// The kernel buffers of a connection's sockets, for the bare ones as well.
const KERNEL_BUFFER: usize = 1 << 20;
/// What one send may carry, bytes.
const RUN: usize = 65_000;

/// A socket as a connection makes it: UDP GRO is on.
fn socket() -> (UdpSocket, UdpSocketState) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let state = UdpSocketState::new((&socket).into()).unwrap();
    state.set_send_buffer_size((&socket).into(), KERNEL_BUFFER).unwrap();
    state.set_recv_buffer_size((&socket).into(), KERNEL_BUFFER).unwrap();
    (socket, state)
}

/// The bytes of a datagram that are not encrypted, and those of its tag.
const HEADER: usize = 24;
const TAG: usize = 16;

/// Bare: one buffer, as many segments of `size` bytes a call as fit, again and again, each sealed where there is a
/// key. Packets per second.
fn bare(destination: &UdpSocket, size: usize, key: Option<&LessSafeKey>) -> f64 {
    let (socket, state) = socket();
    let segments = state.max_gso_segments().min(RUN / size);
    let destination = destination.local_addr().unwrap();
    let mut contents = vec![7; size * segments];
    let begun = Instant::now();
    let mut packets = 0;
    while begun.elapsed() < TURN {
        for (number, datagram) in contents.chunks_exact_mut(size).enumerate() {
            let Some(key) = key else { break };
            let mut nonce = [0; 12];
            nonce[..8].copy_from_slice(&((packets + number) as u64).to_be_bytes());
            let (header, body) = datagram.split_at_mut(HEADER);
            let (body, place) = body.split_at_mut(size - HEADER - TAG);
            let nonce = Nonce::assume_unique_for_key(nonce);
            let tag = key.seal_in_place_separate_tag(nonce, Aad::from(header), body).unwrap();
            place.copy_from_slice(tag.as_ref());
        }
        let segment_size = (segments > 1).then_some(size);
        let transmit = Transmit { destination, ecn: None, contents: &contents, segment_size, src_ip: None };
        if state.try_send((&socket).into(), &transmit).is_ok() {
            packets += segments;
        }
    }
    packets as f64 / begun.elapsed().as_secs_f64()
}

/// Ours: frames written as fast as the connection takes them. Packets per second that left.
async fn ours(connection: &PeerConnection, track: &LocalTrack, timestamp: &mut u32) -> f64 {
    let payload = Bytes::from(vec![0x10; FRAME]);
    let before = connection.stats().transport.datagrams_sent;
    let begun = Instant::now();
    while begun.elapsed() < TURN {
        *timestamp = timestamp.wrapping_add(3000);
        let frame = Frame::new(Format::Vp8, *timestamp, true, payload.clone());
        // A full queue is no fault here: the driver must have its turn.
        let _ = track.write(&frame);
        tokio::task::yield_now().await;
    }
    (connection.stats().transport.datagrams_sent - before) as f64 / begun.elapsed().as_secs_f64()
}

/// The sender of two connected peers, and the runtime of the other.
async fn connect() -> (PeerConnection, LocalTrack, Runtime) {
    let mut configuration = Configuration::default();
    configuration.interfaces = Some(vec![Ipv4Addr::LOCALHOST.into()]);
    configuration.pacing = false;
    let other = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let a = PeerConnection::new(configuration.clone()).unwrap();
    let b = {
        let _inside = other.enter();
        PeerConnection::new(configuration).unwrap()
    };
    let track = LocalTrack::new(MediaKind::Video, "track", "stream");
    a.add_track(&track).unwrap();
    let (from_a, from_b) = (trickle(&a, &b), trickle(&b, &a));
    a.set_local_description(None).unwrap();
    b.set_remote_description(a.local_description().unwrap()).unwrap();
    b.set_local_description(None).unwrap();
    a.set_remote_description(b.local_description().unwrap()).unwrap();
    tokio::select! {
        _ = track.wait_codec() => {}
        () = from_a => {}
        () = from_b => {}
    }
    // Never dropped, so that it says no goodbye.
    std::mem::forget(b);
    (a, track, other)
}

/// Subscribes at once, so that no candidate is missed.
fn trickle(from: &PeerConnection, to: &PeerConnection) -> impl Future<Output = ()> + use<> {
    let (mut events, to) = (from.events(), to.clone());
    async move {
        while let Some(event) = events.next().await {
            if let Event::IceCandidate(candidate) = event {
                to.add_ice_candidate(&candidate).unwrap();
            }
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (sink, _state) = socket();
    // The receiver is stopped: what is measured is one sender, and its packets fall on a deaf port as the bare ones do.
    let (a, track, other) = connect().await;
    other.spawn(async { std::thread::sleep(TURN * TURNS * 4) });
    let mut timestamp = 0;
    ours(&a, &track, &mut timestamp).await;
    let sent = a.stats().transport;
    let size = (sent.bytes_sent / sent.datagrams_sent) as usize;
    let profile = sent.secured.and_then(|secured| secured.srtp_profile).unwrap_or_default();
    println!("datagrams of {size} bytes, {profile}, one sending thread");
    let cipher = if profile.contains("256_GCM") { &AES_256_GCM } else { &AES_128_GCM };
    println!(
        "{:>12} {:>12} {:>12} {:>10} {:>12}",
        "bare pkt/s", "sealed", "ours", "ours:bare", "ours:sealed"
    );
    let key = LessSafeKey::new(UnboundKey::new(cipher, &[7; 32][..cipher.key_len()]).unwrap());
    let mut ratios = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let (bare, sealed) = (bare(&sink, size, None), bare(&sink, size, Some(&key)));
        let ours = ours(&a, &track, &mut timestamp).await;
        ratios.0.push(ours / bare);
        ratios.1.push(ours / sealed);
        println!("{bare:>12.0} {sealed:>12.0} {ours:>12.0} {:>10.3} {:>12.3}", ours / bare, ours / sealed);
    }
    println!("medians {:.3} and {:.3}", median(ratios.0), median(ratios.1));
    // Its one thread still sleeps.
    other.shutdown_background();
}
