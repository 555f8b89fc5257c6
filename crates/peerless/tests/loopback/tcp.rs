//! Calls over TCP (RFC 6544): only the candidates of TCP are signalled.

use peerless::{
    ConnectionState, DataChannelInit, DtlsState, Event, Events, LocalTrack, MediaKind, Message,
    PeerConnection,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::stage::{
    PATIENCE, configuration, connection, negotiate, remote_track, until, until_state, vp8_frame,
};

fn passive(port: u16) -> PeerConnection {
    let mut configuration = configuration();
    configuration.ice_tcp.passive = Some(port);
    PeerConnection::new(configuration).unwrap()
}

/// The next passive candidate: its port.
async fn port_of(events: &mut Events) -> u16 {
    let port = |event| match event {
        Event::IceCandidate(candidate) if candidate.candidate.contains("tcptype passive") => {
            candidate.candidate.split(' ').nth(5)?.parse().ok()
        }
        _ => None,
    };
    until("a passive candidate", events, port).await
}

/// Passes the candidates of TCP on.
fn trickle_tcp(from: &PeerConnection, to: &PeerConnection) {
    let mut events = from.events();
    let to = to.clone();
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            if let Event::IceCandidate(candidate) = event
                && (candidate.candidate.is_empty() || candidate.candidate.contains("tcptype"))
                && to.add_ice_candidate(&candidate).is_err()
            {
                break;
            }
        }
    });
}

#[tokio::test]
async fn frames_and_messages_go_by_tcp_and_so_does_the_goodbye() {
    let (a, b) = (connection(), passive(0));
    let (mut events_a, mut events_b) = (a.events(), b.events());
    trickle_tcp(&a, &b);
    trickle_tcp(&b, &a);
    let camera = LocalTrack::new(MediaKind::Video, "camera", "stream");
    a.add_track(&camera).unwrap();
    let there = a.create_data_channel("there", DataChannelInit::default()).unwrap();
    negotiate(&a, &b);
    let screen = remote_track(&mut events_b).await;
    until_state(&mut events_a, ConnectionState::Connected).await;
    let stats = a.get_stats().to_json();
    assert!(stats.contains(r#""tcpType":"active""#) && stats.contains(r#""protocol":"tcp""#), "{stats}");
    timeout(PATIENCE, camera.wait_codec()).await.unwrap().unwrap();
    for number in 0..30 {
        let frame = vp8_frame(number, number == 0);
        camera.write(&frame).unwrap();
        let received = timeout(PATIENCE, screen.recv()).await.unwrap().unwrap();
        assert_eq!(received.payload, frame.payload);
    }
    let channel = |event| if let Event::DataChannel(channel) = event { Some(channel) } else { None };
    let here = until("a channel", &mut events_b, channel).await;
    let message = vec![7_u8; 200_000];
    for _ in 0..20 {
        timeout(PATIENCE, there.send(message.clone())).await.unwrap().unwrap();
        let received = timeout(PATIENCE, here.recv()).await.unwrap().unwrap();
        assert_eq!(received, Message::from(message.clone()));
    }
    a.close();
    timeout(PATIENCE, a.closed()).await.unwrap();
    let ended = |event| matches!(event, Event::DtlsState(DtlsState::Closed)).then_some(());
    until("the goodbye", &mut events_b, ended).await;
    b.close();
    timeout(PATIENCE, b.closed()).await.unwrap();
}

#[tokio::test]
async fn strangers_at_the_port_are_shown_out_and_the_call_goes_on() {
    let (a, b) = (connection(), passive(0));
    let mut events_a = a.events();
    trickle_tcp(&a, &b);
    trickle_tcp(&b, &a);
    a.create_data_channel("channel", DataChannelInit::default()).unwrap();
    let mut events_b = b.events();
    negotiate(&a, &b);
    let port = port_of(&mut events_b).await;
    until_state(&mut events_a, ConnectionState::Connected).await;
    for noise in [&[0_u8, 200][..], b"GET / HTTP/1.1\r\n\r\n", &[22, 3, 1, 2, 0, 1]] {
        let mut stranger = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        // It is closed after so many bytes, which may be noticed while they are written.
        let _ = stranger.write_all(&noise.repeat(8 * 1024 / noise.len())).await;
        let mut answer = Vec::new();
        let _ =
            timeout(PATIENCE, stranger.read_to_end(&mut answer)).await.expect("the stranger is shown out");
        assert!(answer.is_empty());
    }
    assert_eq!(a.connection_state(), ConnectionState::Connected);
    assert_eq!(b.connection_state(), ConnectionState::Connected);
}

#[tokio::test]
async fn a_port_in_use_gives_no_candidate_and_what_tcp_gathers_cannot_change() {
    let first = passive(0);
    first.create_data_channel("channel", DataChannelInit::default()).unwrap();
    let mut events = first.events();
    first.set_local_description(None).unwrap();
    let port = port_of(&mut events).await;
    let second = passive(port);
    second.create_data_channel("channel", DataChannelInit::default()).unwrap();
    let mut events = second.events();
    second.set_local_description(None).unwrap();
    let mut told = Vec::new();
    until("the end of candidates", &mut events, |event| match event {
        Event::IceCandidate(candidate) if candidate.candidate.is_empty() => Some(()),
        Event::IceCandidate(candidate) => {
            told.push(candidate.candidate);
            None
        }
        _ => None,
    })
    .await;
    assert!(told.iter().any(|one| one.contains("tcptype active")), "{told:?}");
    assert!(!told.iter().any(|one| one.contains("tcptype passive")), "{told:?}");

    let mut configuration = second.configuration();
    configuration.ice_tcp.active = Some(false);
    assert_eq!(second.set_configuration(configuration).unwrap_err().name(), "InvalidModificationError");
    let mut configuration = second.configuration();
    configuration.tls_roots = vec![vec![1, 2, 3]];
    assert_eq!(PeerConnection::new(configuration).unwrap_err().name(), "SyntaxError");
}
