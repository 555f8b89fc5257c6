//! How long two connections in one process take from `new` to connected, over real loopback sockets: certificates,
//! offer and answer, ICE, DTLS with certificates checked, SRTP keys. The goal is 15 ms.
//!
//! `cargo bench -p peerless --bench connect`

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use peerless::{Configuration, ConnectionState, DtlsVersions, Event, LocalTrack, MediaKind, PeerConnection};

async fn connect(dtls: DtlsVersions) -> Duration {
    let mut configuration = Configuration::default();
    configuration.interfaces = Some(vec![Ipv4Addr::LOCALHOST.into()]);
    configuration.dtls = dtls;
    let begun = Instant::now();
    let a = PeerConnection::new(configuration.clone()).unwrap();
    let b = PeerConnection::new(configuration).unwrap();
    let both = futures_util::future::join(connected(&a, &b), connected(&b, &a));
    a.add_track(&LocalTrack::new(MediaKind::Audio, "track", "stream")).unwrap();
    a.set_local_description(None).unwrap();
    b.set_remote_description(a.local_description().unwrap()).unwrap();
    b.set_local_description(None).unwrap();
    a.set_remote_description(b.local_description().unwrap()).unwrap();
    both.await;
    begun.elapsed()
}

/// Passes candidates on until `from` is connected.
fn connected(from: &PeerConnection, to: &PeerConnection) -> impl Future<Output = ()> + use<> {
    let (mut events, to) = (from.events(), to.clone());
    async move {
        while let Some(event) = events.next().await {
            match event {
                Event::IceCandidate(candidate) => to.add_ice_candidate(&candidate).unwrap(),
                Event::ConnectionState(ConnectionState::Connected) => return,
                _ => {}
            }
        }
        panic!("closed before it was connected");
    }
}

fn time_to_connected(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for (name, dtls) in [("DTLS 1.3", DtlsVersions::Only13), ("DTLS 1.2", DtlsVersions::Only12)] {
        criterion.bench_function(&format!("time to connected, {name}"), |bencher| {
            bencher.iter_custom(|rounds| {
                runtime.block_on(async {
                    let mut sum = Duration::ZERO;
                    for _ in 0..rounds {
                        sum += connect(dtls).await;
                    }
                    sum
                })
            });
        });
    }
}

criterion_group!(benches, time_to_connected);
criterion_main!(benches);
