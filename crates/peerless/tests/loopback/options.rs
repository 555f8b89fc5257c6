//! What a configuration says is what happens: each option, as it shows from outside.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use peerless::{
    Certificate, CodecCapability, Configuration, ConnectionState, Diagnostic, DtlsVersions, Event, Events,
    Format, HashAlgorithm, IceCandidateInit, LocalTrack, MediaKind, PeerConnection, Secured,
};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::stage::{
    PATIENCE, configuration, connection, large_vp8_frame, negotiate, remote_track, trickle, until,
    until_state, vp8_frame,
};

/// Two that know each other, `a` with a camera and offering.
fn call(a: Configuration, b: Configuration) -> (PeerConnection, PeerConnection, LocalTrack) {
    let (a, b) = (PeerConnection::new(a).unwrap(), PeerConnection::new(b).unwrap());
    trickle(&a, &b);
    trickle(&b, &a);
    let camera = LocalTrack::new(MediaKind::Video, "camera", "stream");
    a.add_track(&camera).unwrap();
    (a, b, camera)
}

fn with_dtls(versions: DtlsVersions) -> Configuration {
    let mut configuration = configuration();
    configuration.dtls = versions;
    configuration
}

async fn secured(events: &mut Events) -> Secured {
    until("DTLS", events, |event| if let Event::Secured(secured) = event { Some(secured) } else { None })
        .await
}

#[tokio::test]
async fn only_the_version_of_dtls_that_is_asked_for_is_used() {
    for (first, second, version) in [
        (DtlsVersions::Only12, DtlsVersions::Any, "DTLS 1.2"),
        (DtlsVersions::Any, DtlsVersions::Only12, "DTLS 1.2"),
        (DtlsVersions::Only13, DtlsVersions::Any, "DTLS 1.3"),
        (DtlsVersions::Any, DtlsVersions::Only13, "DTLS 1.3"),
        (DtlsVersions::Any, DtlsVersions::Any, "DTLS 1.3"),
    ] {
        let (a, b, _camera) = call(with_dtls(first), with_dtls(second));
        let (mut events_a, mut events_b) = (a.events(), b.events());
        negotiate(&a, &b);
        let seen = (secured(&mut events_a).await, secured(&mut events_b).await);
        assert_eq!((seen.0.version, seen.1.version), (version, version), "{first:?} and {second:?}");
        assert_eq!(seen.0, seen.1);
        assert!(seen.0.srtp_profile.is_some());
    }
}

#[tokio::test]
async fn diagnostics_tell_stun_and_rtcp_in_words_to_those_who_want_them() {
    let mut curious = configuration();
    curious.diagnostics = true;
    let (a, b, camera) = call(curious, configuration());
    let (mut events_a, mut quiet) = (a.events(), b.events());
    let mut events_b = b.events();
    negotiate(&a, &b);
    let screen = remote_track(&mut events_b).await;
    timeout(PATIENCE, camera.wait_codec()).await.unwrap().unwrap();
    let sending = tokio::spawn(async move {
        for number in 0.. {
            if camera.write(&vp8_frame(number, number == 0)).is_err() || screen.recv().await.is_none() {
                return;
            }
            tokio::task::yield_now().await;
        }
    });
    // Sent and received, of each protocol.
    let mut seen = [None::<String>, None, None, None];
    let all = |event| {
        match event {
            Event::Diagnostic(Diagnostic::Stun { sent, remote, summary }) => {
                assert!(remote.ip().is_loopback());
                seen[usize::from(sent)].get_or_insert(summary);
            }
            Event::Diagnostic(Diagnostic::Rtcp { sent, summary }) => {
                seen[2 + usize::from(sent)].get_or_insert(summary);
            }
            _ => {}
        }
        seen.iter().all(Option::is_some).then_some(())
    };
    until("STUN and RTCP both ways", &mut events_a, all).await;
    sending.abort();
    let [stun_in, stun_out, rtcp_in, rtcp_out] = seen.map(Option::unwrap);
    assert!(stun_in.contains("inding") && stun_out.contains("inding"), "{stun_in} / {stun_out}");
    assert!(rtcp_out.contains("SR"), "{rtcp_out}");
    assert!(rtcp_in.contains("RR") || rtcp_in.contains("NACK") || rtcp_in.contains("TWCC"), "{rtcp_in}");
    b.close();
    while let Some(event) = timeout(PATIENCE, quiet.next()).await.unwrap() {
        assert!(!matches!(event, Event::Diagnostic(_)), "{event:?}");
    }
}

/// Stands between two connections and takes the size of every datagram that passes.
struct Tap {
    address: SocketAddr,
    sizes: Arc<Mutex<Vec<usize>>>,
}

impl Tap {
    /// Passes between `behind` and whoever writes first.
    async fn start(behind: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let sizes = Arc::new(Mutex::new(Vec::new()));
        let seen = sizes.clone();
        tokio::spawn(async move {
            let mut front = None;
            let mut datagram = [0; 65_536];
            while let Ok((length, source)) = socket.recv_from(&mut datagram).await {
                seen.lock().unwrap().push(length);
                let onward = if source == behind { front } else { Some(behind) };
                if source != behind {
                    front = Some(source);
                }
                if let Some(onward) = onward {
                    socket.send_to(&datagram[..length], onward).await.unwrap();
                }
            }
        });
        Self { address, sizes }
    }
}

/// Where a host candidate is.
fn place(candidate: &IceCandidateInit) -> SocketAddr {
    let words: Vec<_> = candidate.candidate.split(' ').collect();
    SocketAddr::new(words[4].parse().unwrap(), words[5].parse().unwrap())
}

#[tokio::test]
async fn no_datagram_is_larger_than_the_mtu() {
    for mtu in [600, 1200] {
        let mut small = configuration();
        small.mtu = mtu;
        let (a, b) = (PeerConnection::new(small.clone()).unwrap(), PeerConnection::new(small).unwrap());
        let camera = LocalTrack::new(MediaKind::Video, "camera", "stream");
        a.add_track(&camera).unwrap();
        let mut events = b.events();
        negotiate(&a, &b);
        let first = |event| match event {
            Event::IceCandidate(candidate) if !candidate.candidate.is_empty() => Some(candidate),
            _ => None,
        };
        let mut events_b = b.events();
        let candidate = until("a candidate", &mut events, first).await;
        let tap = Tap::start(place(&candidate)).await;
        // `a` knows only the way through the tap, and `b` none but where checks come from.
        let port = |at: SocketAddr| format!(" {} typ", at.port());
        let text = candidate.candidate.replace(&port(place(&candidate)), &port(tap.address));
        a.add_ice_candidate(&IceCandidateInit { candidate: text, ..candidate }).unwrap();
        timeout(PATIENCE, camera.wait_codec()).await.unwrap().unwrap();
        until_state(&mut events_b, ConnectionState::Connected).await;
        let screen = b.transceivers()[0].remote_track().expect("it was announced");
        for number in 0..5 {
            camera.write(&large_vp8_frame(number, true, 20_000)).unwrap();
            assert!(timeout(PATIENCE, screen.recv()).await.unwrap().is_some());
        }
        let sizes = tap.sizes.lock().unwrap();
        let largest = sizes.iter().max().copied().unwrap_or(0);
        assert!(largest <= mtu && largest > mtu - 64, "{largest} of {mtu}");
    }
}

#[tokio::test]
async fn without_pacing_a_large_frame_leaves_at_once() {
    let mut spread = Duration::ZERO;
    for pacing in [true, false] {
        let mut paced = configuration();
        paced.pacing = pacing;
        let (a, b, camera) = call(paced, configuration());
        let mut events = b.events();
        negotiate(&a, &b);
        let screen = remote_track(&mut events).await;
        timeout(PATIENCE, camera.wait_codec()).await.unwrap().unwrap();
        let mut times = Vec::new();
        for number in 0..5 {
            let frame = large_vp8_frame(number, true, 60_000);
            let begun = Instant::now();
            camera.write(&frame).unwrap();
            let received = timeout(PATIENCE, screen.recv()).await.unwrap().unwrap();
            assert!(received.payload == frame.payload);
            times.push(begun.elapsed());
        }
        if pacing {
            // The first, before the pacer has seen how much is really sent: it cannot be faster.
            assert!(times[0] > Duration::from_millis(80), "{times:?}");
            spread = times[0];
        } else {
            // However busy the machine, the best of five is sooner than one that was held back.
            assert!(times.iter().min() < Some(&spread), "{times:?}");
        }
    }
}

#[tokio::test]
async fn frames_are_held_as_the_configuration_and_their_reader_want() {
    let mut held = configuration();
    held.jitter_buffer = Duration::from_millis(200)..=Duration::from_secs(1);
    let (a, b, camera) = call(configuration(), held);
    let mut events = b.events();
    negotiate(&a, &b);
    let screen = remote_track(&mut events).await;
    timeout(PATIENCE, camera.wait_codec()).await.unwrap().unwrap();
    let refused = screen.set_jitter_buffer_target(Some(Duration::from_secs(5))).unwrap_err();
    assert_eq!((refused.name(), screen.jitter_buffer_target()), ("RangeError", None));
    let (mut number, mut spans) = (0, Vec::new());
    for target in [None, Some(Duration::from_millis(700)), Some(Duration::ZERO)] {
        screen.set_jitter_buffer_target(target).unwrap();
        assert_eq!(screen.jitter_buffer_target(), target);
        // The wish reaches the connection by its driver; the first frame may be on its way before it.
        for _ in 0..2 {
            number += 30;
            camera.write(&vp8_frame(number, true)).unwrap();
            let frame = timeout(PATIENCE, screen.recv()).await.unwrap().unwrap();
            spans.push(frame.playout.unwrap().saturating_duration_since(frame.arrived.unwrap()));
        }
    }
    // From the first of its packets it is the whole time, from the last of them, by which it is told, somewhat less.
    assert!(spans[..2].iter().max() > Some(&Duration::from_millis(100)), "{spans:?}");
    assert!(spans[2..4].iter().max() > Some(&Duration::from_millis(500)), "{spans:?}");
    assert_eq!(spans[5], Duration::ZERO, "{spans:?}");
    let stats = b.stats().transceivers[0].inbound.clone().unwrap();
    assert_eq!((stats.jitter_buffer.emitted, stats.frames_received, stats.frames_assembled), (6, 6, 6));
}

#[tokio::test]
async fn the_certificate_given_is_the_one_shown() {
    let certificate = Arc::new(Certificate::generate(SystemTime::now()).unwrap());
    let mut known = configuration();
    known.certificates = vec![certificate.clone()];
    let (a, b, _camera) = call(known.clone(), configuration());
    let mut events = b.events();
    negotiate(&a, &b);
    let line = format!("a=fingerprint:{}\r\n", certificate.fingerprint(HashAlgorithm::Sha256));
    assert!(a.local_description().unwrap().sdp.contains(&line), "{line}");
    assert!(!b.local_description().unwrap().sdp.contains(&line));
    // The other side checks what it is shown against that line.
    until_state(&mut events, ConnectionState::Connected).await;
    let again = PeerConnection::new(known).unwrap();
    again.add_track(&LocalTrack::new(MediaKind::Audio, "microphone", "stream")).unwrap();
    assert!(again.create_offer().unwrap().sdp.contains(&line), "a certificate may serve many connections");
}

#[tokio::test]
async fn only_the_codecs_given_are_offered_and_taken() {
    let only = |wanted: fn(&CodecCapability) -> bool| {
        let mut configuration = configuration();
        configuration.codecs.retain(wanted);
        configuration
    };
    let few = only(|codec| {
        codec.format == Format::Pcmu || matches!(codec.format, Format::H264 { packetization_mode: 1, .. })
    });
    let (a, b, camera) = call(few, configuration());
    let microphone = LocalTrack::new(MediaKind::Audio, "microphone", "stream");
    a.add_track(&microphone).unwrap();
    negotiate(&a, &b);
    let offer = a.local_description().unwrap().sdp;
    assert!(offer.contains(" H264/90000") && offer.contains(" PCMU/8000"), "{offer}");
    for absent in ["VP8", "opus", "PCMA", "G722", "L16", "packetization-mode=0"] {
        assert!(!offer.contains(absent), "{absent}: {offer}");
    }
    let pictures = timeout(PATIENCE, camera.wait_codec()).await.unwrap().unwrap();
    let sounds = timeout(PATIENCE, microphone.wait_codec()).await.unwrap().unwrap();
    assert!(matches!(pictures.format, Format::H264 { packetization_mode: 1, .. }));
    assert_eq!(sounds.format, Format::Pcmu);

    // As the answerer it takes no other: the section is rejected, the rest goes on.
    let (a, b) = (connection(), PeerConnection::new(only(|codec| !codec.format.is_video())).unwrap());
    a.add_track(&LocalTrack::new(MediaKind::Audio, "microphone", "stream")).unwrap();
    a.add_track(&LocalTrack::new(MediaKind::Video, "camera", "stream")).unwrap();
    negotiate(&a, &b);
    let answer = b.local_description().unwrap().sdp;
    assert!(answer.contains("m=video 0 ") && !answer.contains("m=audio 0 "), "{answer}");
}
