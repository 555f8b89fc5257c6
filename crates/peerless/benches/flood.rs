//! How many packets per second one sender can put onto loopback, beside a bare flood by the same system calls in the
//! same run: the ratio is what packetising, encryption, pacing queues and the driver cost.
//!
//! `cargo bench -p peerless --bench flood`

use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use bytes::Bytes;
use peerless::{Configuration, Event, Format, Frame, LocalTrack, MediaKind, PeerConnection};
use quinn_udp::{Transmit, UdpSocketState};
use tokio::runtime::{Builder, Runtime};

/// How long each of the two floods lasts, and how often they take turns.
const TURN: Duration = Duration::from_secs(1);
const TURNS: u32 = 5;
/// One frame: 60 packets.
const FRAME: usize = 60 * 1150;
/// What a packet of ours is on the wire, roughly, so that the bare flood sends the same.
const PACKET: usize = 1200;

/// Bare: one buffer, 60 segments a call, again and again. Packets per second.
fn bare(destination: &UdpSocket) -> f64 {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let state = UdpSocketState::new((&socket).into()).unwrap();
    let segments = state.max_gso_segments().min(54);
    let contents = vec![7; PACKET * segments];
    let transmit = Transmit {
        destination: destination.local_addr().unwrap(),
        ecn: None,
        contents: &contents,
        segment_size: (segments > 1).then_some(PACKET),
        src_ip: None,
    };
    let begun = Instant::now();
    let mut packets = 0;
    while begun.elapsed() < TURN {
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
        let frame = Frame {
            format: Format::Vp8,
            timestamp: *timestamp,
            captured: None,
            arrived: None,
            key: true,
            payload: payload.clone(),
        };
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

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let sink = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    // The receiver is stopped: what is measured is one sender, and its packets fall on a deaf port as the bare ones do.
    let (a, track, other) = connect().await;
    other.spawn(async { std::thread::sleep(TURN * TURNS * 4) });
    let mut timestamp = 0;
    println!("{:>12} {:>12} {:>7}", "bare pkt/s", "ours pkt/s", "ratio");
    let mut ratios = Vec::new();
    for _ in 0..TURNS {
        let (bare, ours) = (bare(&sink), ours(&a, &track, &mut timestamp).await);
        ratios.push(ours / bare);
        println!("{bare:>12.0} {ours:>12.0} {:>7.3}", ours / bare);
    }
    ratios.sort_by(f64::total_cmp);
    println!("median ratio {:.3}", ratios[ratios.len() / 2]);
    // Its one thread still sleeps.
    other.shutdown_background();
}
