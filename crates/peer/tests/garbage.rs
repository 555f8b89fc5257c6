//! What the network may throw at a connected peer: it is counted, dropped, and nothing else happens.

mod scene;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use peerless_peer::description::IceCandidateInit;
use peerless_peer::event::Event;
use peerless_peer::state::ConnectionState;
use peerless_transport::datagram::{Datagram, Protocol};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use scene::{ALICE, BOB, Scene};

/// Gives Alice a datagram that seems to come from `source`, and says by how many her count of drops grew.
fn throw(scene: &mut Scene, source: SocketAddr, contents: &[u8]) -> u64 {
    let before = scene.ends[ALICE].peer.stats().transport.datagrams_dropped;
    let destination = scene.ends[ALICE].address;
    let contents = BytesMut::from(contents);
    let datagram = Datagram { source, destination, protocol: Protocol::Udp, ecn: None, contents };
    let now = scene.now;
    scene.ends[ALICE].peer.handle_datagram(now, datagram);
    scene.ends[ALICE].peer.stats().transport.datagrams_dropped - before
}

/// Asserts that the call goes on as if nothing had happened.
fn assert_unharmed(scene: &mut Scene, events: usize) {
    let told = |event: &Event| {
        !matches!(event, Event::Diagnostic(_) | Event::KeyFrameRequested(..) | Event::SenderChanged(_))
    };
    let new: Vec<_> = scene.ends[ALICE].events[events..].iter().filter(|event| told(event)).collect();
    assert!(new.is_empty(), "{new:?}");
    let counts = scene.ends.each_ref().map(|end| (end.arrivals.pictures, end.arrivals.sounds));
    let goes_on = |scene: &Scene| {
        let mut pairs = scene.ends.iter().zip(counts);
        pairs.all(|(end, (pictures, sounds))| {
            end.arrivals.pictures > pictures + 10 && end.arrivals.sounds > sounds + 20
        })
    };
    assert!(scene.run_until(Duration::from_secs(3), goes_on), "{}", scene.states());
}

fn call() -> (Scene, SocketAddr, usize) {
    let mut scene = Scene::call();
    scene.run_for(Duration::from_secs(2));
    let (remote, events) = (scene.ends[BOB].address, scene.ends[ALICE].events.len());
    (scene, remote, events)
}

#[test]
fn random_bytes_change_nothing() {
    let (mut scene, remote, events) = call();
    let strangers: [SocketAddr; 2] = ["10.0.0.2:9".parse().unwrap(), "[2001:db8::7]:5001".parse().unwrap()];
    let mut chance = ChaCha8Rng::seed_from_u64(7);
    let mut bytes = vec![0; 1500];
    for round in 0..3_000 {
        chance.fill_bytes(&mut bytes);
        let length = chance.next_u32() as usize % 1500;
        // All first bytes that RFC 7983 §7 knows come up, and those it does not.
        bytes[0] = (round % 256) as u8;
        let source = [remote, strangers[0], strangers[1]][round % 3];
        throw(&mut scene, source, &bytes[..length]);
    }
    assert!(scene.ends[ALICE].peer.stats().transport.datagrams_dropped > 2_000);
    assert_unharmed(&mut scene, events);
}

#[test]
fn truncated_and_altered_packets_of_the_remote_are_counted() {
    let (mut scene, remote, events) = call();
    for packet in captured(&mut scene) {
        for length in 0..packet.len().min(64) {
            let dropped = throw(&mut scene, remote, &packet[..length]);
            assert_eq!(dropped, 1, "{length} bytes of a packet that begins with {}", packet[0]);
        }
        for at in [0, 1, 2, 8, packet.len() / 2, packet.len() - 1] {
            let mut altered = packet.clone();
            altered[at] ^= 0x40;
            let dropped = throw(&mut scene, remote, &altered);
            assert!(dropped >= 1, "byte {at} of a packet that begins with {}", packet[0]);
        }
    }
    assert_unharmed(&mut scene, events);
}

#[test]
fn malformed_datagrams_of_each_protocol_are_counted_one_by_one() {
    const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
    let stun =
        |length: u8, cookie: [u8; 4], rest: &[u8]| [&[0, 1, 0, length][..], &cookie, &[7; 12], rest].concat();
    let dtls = |length: u16, rest: &[u8]| {
        [&[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9][..], &length.to_be_bytes(), rest].concat()
    };
    let media = |first: u8, second: u8, length: usize| [&[first, second][..], &vec![0; length - 2]].concat();
    let malformed = [
        ("no byte", vec![]),
        ("STUN without its header", stun(0, COOKIE, &[])[..19].to_vec()),
        ("STUN longer than its datagram", stun(8, COOKIE, &[])),
        ("STUN shorter than its datagram", stun(0, COOKIE, &[0; 4])),
        ("STUN of an odd length", stun(3, COOKIE, &[0; 3])),
        ("STUN without its cookie", stun(0, [0; 4], &[])),
        ("STUN with an attribute beyond its end", stun(4, COOKIE, &[0, 6, 0xff, 0xff])),
        ("STUN with half an attribute", stun(4, COOKIE, &[0, 6, 0, 4])),
        ("DTLS without its header", dtls(0, &[])[..12].to_vec()),
        ("DTLS longer than its datagram", dtls(100, &[1; 99])),
        ("DTLS 1.3 without its length", vec![0x2f, 0, 1]),
        ("DTLS of no known kind", vec![63; 40]),
        ("SRTP without its header", media(0x80, 96, 11)),
        ("SRTP with sources beyond its end", media(0x8f, 96, 40)),
        (
            "SRTP with an extension beyond its end",
            [media(0x90, 96, 12), vec![0xbe, 0xde, 0xff, 0xff]].concat(),
        ),
        ("SRTP without its tag", media(0x80, 96, 14)),
        ("SRTCP without its header", media(0x80, 200, 3)),
        ("SRTCP without its tag", media(0x80, 200, 12)),
        ("ZRTP", vec![16; 40]),
        ("channel data of TURN", vec![0x40, 0, 0, 4, 1, 2, 3, 4]),
        ("nothing known", vec![0xff; 40]),
        ("as large as can be", vec![0xff; 65_507]),
    ];
    let (mut scene, remote, events) = call();
    for (what, datagram) in &malformed {
        for source in [remote, "192.0.2.9:5001".parse().unwrap()] {
            assert_eq!(throw(&mut scene, source, datagram), 1, "{what} from {source}");
        }
    }
    assert_unharmed(&mut scene, events);
}

#[test]
fn replayed_packets_are_dropped() {
    let (mut scene, remote, events) = call();
    let is_media = |packet: &Vec<u8>| matches!(packet[0], 128..=191);
    let packets: Vec<_> = captured(&mut scene).into_iter().filter(is_media).collect();
    assert!(packets.len() > 10);
    let destination = scene.ends[ALICE].address;
    for packet in &packets {
        let contents = BytesMut::from(&packet[..]);
        let datagram = Datagram { source: remote, destination, protocol: Protocol::Udp, ecn: None, contents };
        let now = scene.now;
        scene.ends[ALICE].peer.handle_datagram(now, datagram);
        assert_eq!(throw(&mut scene, remote, packet), 1, "the second time");
    }
    assert_unharmed(&mut scene, events);
}

#[test]
fn packets_of_the_remote_from_elsewhere_are_dropped() {
    let (mut scene, _, events) = call();
    let elsewhere: SocketAddr = "192.0.2.9:5001".parse().unwrap();
    // A check of the remote may come from anywhere (RFC 8445 §7.3.1.3); all else only from where checks came.
    for packet in captured(&mut scene).into_iter().filter(|packet| packet[0] > 3) {
        assert_eq!(throw(&mut scene, elsewhere, &packet), 1, "begins with {}", packet[0]);
    }
    assert_unharmed(&mut scene, events);
}

#[test]
fn forged_ends_of_dtls_do_not_end_the_call() {
    let (mut scene, remote, events) = call();
    let close_notify = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0];
    let fatal = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40];
    assert!(throw(&mut scene, remote, &close_notify) >= 1);
    assert!(throw(&mut scene, remote, &fatal) >= 1);
    assert_unharmed(&mut scene, events);
    assert_eq!(scene.ends[ALICE].peer.connection_state(), ConnectionState::Connected);
}

#[test]
fn a_flood_of_candidates_and_names_is_bounded() {
    let mut scene = Scene::call();
    let now = scene.now;
    let template = scene.ends[BOB].candidates()[0].clone();
    for number in 0..2_000_u32 {
        let [_, _, high, low] = number.to_be_bytes();
        for address in
            [format!("10.1.{high}.{low}"), format!("name{number}.local"), format!("name{number}.example")]
        {
            let candidate = format!("candidate:{number} 1 udp 1 {address} 9999 typ host");
            let init = IceCandidateInit { candidate, ..template.clone() };
            scene.peer(ALICE).add_ice_candidate(now, &init).unwrap();
        }
    }
    scene.drain();
    let asked: Vec<_> = scene.ends[ALICE]
        .events
        .iter()
        .filter_map(|event| if let Event::ResolveName(name) = event { Some(name.clone()) } else { None })
        .collect();
    assert!(!asked.is_empty() && asked.len() <= 65, "{} names asked for", asked.len());
    assert!(asked.iter().all(|name| name.ends_with(".local")), "the DNS is not asked for a remote's sake");
    assert!(scene.peer(ALICE).remote_description().unwrap().sdp.len() < 100_000);
    assert!(scene.run_until(Duration::from_secs(3), |scene| scene.has_frames(10, 20)), "{}", scene.states());
}

/// What Bob sends in a second, and does not arrive.
fn captured(scene: &mut Scene) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    let mut out = BytesMut::new();
    let end = scene.now + Duration::from_millis(6_000);
    let mut now = scene.now;
    let bob = &mut scene.ends[BOB];
    let id = bob.sources[1].id;
    for _ in 0..10 {
        let frame = scene::media::picture(bob.sources[1].sent, true, now);
        bob.peer.send_frame(now, id, &frame).unwrap();
        bob.sources[1].sent += 1;
    }
    while now < end {
        while let Some(transmit) = bob.peer.poll_transmit(now, &mut out) {
            let contents = out.split_to(transmit.size);
            let pieces = contents.chunks(transmit.segment_size.unwrap_or(transmit.size));
            packets.extend(pieces.map(<[u8]>::to_vec));
        }
        now = bob.peer.poll_timeout().unwrap_or(end).max(now + Duration::from_millis(1));
        bob.peer.handle_timeout(now);
    }
    scene.now = end;
    assert!(packets.iter().any(|packet| packet[0] < 4), "a STUN message is among them");
    assert!(packets.iter().any(|packet| matches!(packet[1], 200..=206)), "an RTCP packet is among them");
    packets
}
