//! Streams over the loopback interface, also with others at the far end than they should be.

use std::future::poll_fn;
use std::net::Ipv4Addr;

use rcgen::{CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

const IP: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const HERE: TransportId = TransportId(0);

fn listening() -> (Streams, SocketAddr) {
    let mut streams = Streams::default();
    let wanted = IceTcp { active: Some(false), passive: Some(0), simultaneous: false };
    let places = streams.gather(&[IP], &wanted, HERE);
    assert_eq!((places.len(), places[0].1, places[1].1), (2, None, Some(TcpType::Passive)));
    (streams, places[1].0)
}

fn opening() -> (Streams, SocketAddr) {
    let mut streams = Streams::default();
    let [(base, Some(TcpType::Active))] = streams.gather(&[IP], &IceTcp::default(), HERE)[..] else {
        panic!()
    };
    (streams, base)
}

fn transmit(source: SocketAddr, destination: SocketAddr, size: usize, segment: Option<usize>) -> Transmit {
    Transmit { source, destination, protocol: Protocol::Tcp, ecn: None, size, segment_size: segment }
}

/// Drives both until it is so.
async fn until(
    all: &mut [&mut Streams],
    arrived: &mut Vec<Datagram>,
    is_so: impl Fn(&[&mut Streams], usize) -> bool,
) {
    let waits = poll_fn(|context| {
        for streams in all.iter_mut() {
            let more = streams.poll_receive(context, Instant::now(), 100_000, arrived);
            if streams.poll_flush(context).is_ready() && more {
                context.waker().wake_by_ref();
            }
        }
        if is_so(all, arrived.len()) { Poll::Ready(()) } else { Poll::Pending }
    });
    tokio::time::timeout(Duration::from_secs(30), waits).await.expect("never");
}

#[tokio::test]
async fn datagrams_go_both_ways_each_as_a_whole() {
    let ((mut near, base), (mut far, listener)) = (opening(), listening());
    let mut arrived = Vec::new();
    near.send(&transmit(base, listener, 5, None), b"first");
    until(&mut [&mut near, &mut far], &mut arrived, |_, count| count == 1).await;
    // As the peer would have it after a check.
    far.streams[0].stranger_until = None;
    arrived.clear();
    let bytes: Vec<u8> = (0..10).flat_map(|n| vec![n; if n == 9 { 300 } else { 1000 }]).collect();
    near.send(&transmit(base, listener, bytes.len(), Some(1000)), &bytes);
    until(&mut [&mut near, &mut far], &mut arrived, |_, count| count == 10).await;
    for (n, datagram) in arrived.iter().enumerate() {
        assert_eq!(datagram.contents, vec![n as u8; if n == 9 { 300 } else { 1000 }]);
        assert_eq!((datagram.destination, datagram.protocol), (listener, Protocol::Tcp));
    }
    let id = StreamId { protocol: Protocol::Tcp, local: base, remote: listener };
    assert_eq!(near.opened, [id]);
    let remote = arrived[0].source;
    far.send(&transmit(listener, remote, 5, None), b"hello");
    arrived.clear();
    until(&mut [&mut near, &mut far], &mut arrived, |_, count| count == 1).await;
    assert_eq!((arrived[0].source, arrived[0].destination), (listener, base));
    assert_eq!(&arrived[0].contents[..], b"hello");

    far.close(Instant::now(), None);
    until(&mut [&mut near, &mut far], &mut arrived, |all, _| !all[0].closed.is_empty()).await;
    assert_eq!(near.closed[0].0, id);
    assert!(near.is_empty() && far.is_empty());
}

/// One connection comes of it, whoever of the two is quicker, and what waited on either side goes by it.
#[tokio::test]
async fn both_sides_open_at_once_from_the_ports_they_have_told() {
    for order in 0..3 {
        let wanted = IceTcp { active: Some(false), passive: None, simultaneous: true };
        let (mut near, mut far) = (Streams::default(), Streams::default());
        let mut told = [&mut near, &mut far].map(|streams| streams.gather(&[IP], &wanted, HERE)[1]);
        assert_eq!(told.map(|(_, tcp_type)| tcp_type), [Some(TcpType::SimultaneousOpen); 2]);
        if order == 1 {
            (near, far) = (far, near);
            told.reverse();
        }
        let [(here, _), (there, _)] = told;
        let mut arrived = Vec::new();
        near.send(&transmit(here, there, 4, None), b"here");
        if order == 2 {
            until(&mut [&mut near], &mut arrived, |all, _| !all[0].opened.is_empty()).await;
        }
        far.send(&transmit(there, here, 5, None), b"there");
        until(&mut [&mut near, &mut far], &mut arrived, |_, count| count == 2).await;
        arrived.sort_by_key(|datagram| datagram.contents.len());
        assert_eq!((arrived[0].source, arrived[0].destination), (here, there));
        assert_eq!((arrived[1].source, arrived[1].destination), (there, here));
        assert_eq!((near.streams.len(), far.streams.len()), (1, 1));
        assert!(near.closed.is_empty() && far.closed.is_empty(), "{:?} {:?}", near.closed, far.closed);
    }
}

#[tokio::test]
async fn a_connection_that_is_refused_is_told_and_so_is_one_that_nobody_opened() {
    let (mut near, base) = opening();
    let nobody = std::net::TcpListener::bind((IP, 0)).unwrap().local_addr().unwrap();
    near.send(&transmit(base, nobody, 5, None), b"hello");
    until(&mut [&mut near], &mut Vec::new(), |all, _| !all[0].closed.is_empty()).await;
    assert_eq!(near.closed[0].0.remote, nobody);
    let (mut far, listener) = listening();
    far.send(&transmit(listener, nobody, 5, None), b"hello");
    assert_eq!(far.closed.len(), 1);
    assert_eq!(far.discarded[0].size, 5);
}

#[tokio::test]
async fn what_does_not_fit_is_lost_each_datagram_as_a_whole() {
    let (mut near, base) = opening();
    // It is never polled, so that nothing leaves.
    let size = 1 << 16;
    for _ in 0..4 {
        near.send(&transmit(base, "127.0.0.1:9".parse().unwrap(), size, Some(1000)), &vec![1; size]);
    }
    let lost: usize = near.discarded.iter().map(|lost| lost.size).sum();
    let kept = 4 * size - lost;
    assert!(lost > size && kept > 120 * 1024 && kept < 128 * 1024, "{kept} kept");
}

#[tokio::test]
async fn strangers_have_little_time_and_space() {
    let (mut far, listener) = listening();
    // One sends no whole frame, and slowly; another more than a stranger may.
    let mut slow = TcpStream::connect(listener).await.unwrap();
    let mut arrived = Vec::new();
    slow.write_all(&[0xff, 0xff, 1]).await.unwrap();
    until(&mut [&mut far], &mut arrived, |all, _| all[0].streams.len() == 1).await;
    slow.write_all(&[2]).await.unwrap();
    let mut loud = TcpStream::connect(listener).await.unwrap();
    let _ = loud.write_all(&[0, 1, 7].repeat(4000)).await;
    until(&mut [&mut far], &mut arrived, |all, count| count > 0 && all[0].streams.len() == 1).await;
    assert!(arrived.len() < 4000 && arrived.iter().all(|datagram| datagram.contents[..] == [7]));
    assert!(far.closed.is_empty(), "of strangers nothing is told");
    assert!(far.deadline() <= Some(Instant::now() + STRANGER_PATIENCE));
    let later = Instant::now() + STRANGER_PATIENCE;
    poll_fn(|context| {
        far.poll_receive(context, later, 100_000, &mut arrived);
        Poll::Ready(())
    })
    .await;
    assert!(far.is_empty());
    assert_eq!(slow.read(&mut [0; 8]).await.ok().unwrap_or_default(), 0, "it is closed");
}

#[tokio::test]
async fn strangers_beyond_the_bound_wait_and_then_take_the_place_of_the_oldest() {
    let (mut far, listener) = listening();
    let mut callers = Vec::new();
    for _ in 0..STRANGERS + 4 {
        callers.push(TcpStream::connect(listener).await.unwrap());
    }
    let mut arrived = Vec::new();
    until(&mut [&mut far], &mut arrived, |all, _| all[0].streams.len() == STRANGERS).await;
    let places = |far: &Streams| far.streams.iter().map(|stream| stream.id.remote).collect::<Vec<_>>();
    let before = places(&far);
    let later = far.deadline().unwrap();
    poll_fn(|context| {
        far.poll_receive(context, later, 100_000, &mut arrived);
        Poll::Ready(())
    })
    .await;
    let after = places(&far);
    assert_eq!(after.len(), STRANGERS);
    assert!(!after.contains(&before[0]) && after.contains(&before[STRANGERS - 1]));
}

/// A server of TLS that echoes, its certificate for `turn.example`, and its root.
async fn server() -> (SocketAddr, CertificateDer<'static>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "a root of ours");
    let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf =
        CertificateParams::new(vec!["turn.example".to_owned()]).unwrap().signed_by(&key, &root).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((IP, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut bytes = [0; 64];
            while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                stream.write_all(&bytes[..count]).await.unwrap();
            }
        }
    });
    (address, root.der().clone())
}

#[tokio::test]
async fn a_server_of_tls_must_be_vouched_for_and_bear_its_name() {
    let (address, root) = server().await;
    let cases = [
        ("turn.example", vec![root.clone()], true),
        ("other.example", vec![root], false),
        ("turn.example", Vec::new(), false),
    ];
    for (host, roots, is_good) in cases {
        let mut near = Streams::new(roots);
        let (base, _) = near.gather(&[IP], &IceTcp::default(), HERE)[0];
        near.add_server(StreamServer { address, protocol: Protocol::Tls, host: host.to_owned() });
        // ChannelData of five bytes, which a stream pads.
        let datagram = [0x40, 0, 0, 5, 1, 2, 3, 4, 5];
        let sent = Transmit { protocol: Protocol::Tls, ..transmit(base, address, datagram.len(), None) };
        near.send(&sent, &datagram);
        let mut arrived = Vec::new();
        until(&mut [&mut near], &mut arrived, |all, count| count > 0 || !all[0].closed.is_empty()).await;
        assert_eq!(arrived.len(), usize::from(is_good), "{host}: {:?}", near.closed);
        if is_good {
            assert_eq!(arrived[0].contents[..], datagram);
            assert_eq!(arrived[0].protocol, Protocol::Tls);
        }
    }
}

/// The first is nowhere; what stands in its place bears the first's name, or the one that was told.
#[tokio::test]
async fn a_server_in_the_place_of_another_must_bear_its_name_or_the_one_that_was_told() {
    let (address, root) = server().await;
    let cases = [
        ("turn.example", None, true),
        ("turn.example", Some("other.example"), false),
        ("other.example", Some("turn.example"), true),
    ];
    for (host, domain, is_good) in cases {
        let mut near = Streams::new(vec![root.clone()]);
        let (base, _) = near.gather(&[IP], &IceTcp::default(), HERE)[0];
        let first = "127.0.0.1:1".parse().unwrap();
        near.add_server(StreamServer { address: first, protocol: Protocol::Tls, host: host.to_owned() });
        let instead_of = StreamId { protocol: Protocol::Tls, local: base, remote: first };
        let domain = domain.map(str::to_owned);
        near.follow(Instant::now(), Alternate { instead_of, address, domain });
        let datagram = [0x40, 0, 0, 4, 1, 2, 3, 4];
        let sent = Transmit { protocol: Protocol::Tls, ..transmit(base, address, datagram.len(), None) };
        near.send(&sent, &datagram);
        let mut arrived = Vec::new();
        until(&mut [&mut near], &mut arrived, |all, count| count > 0 || !all[0].closed.is_empty()).await;
        assert_eq!(arrived.len(), usize::from(is_good), "{host}: {:?}", near.closed);
    }
}
