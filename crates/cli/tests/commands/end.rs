//! The end: Ctrl-C and SIGTERM close every connection cleanly.

use std::time::{Duration, Instant};

use peerless::{Configuration, ConnectionState, DtlsState, Event, Events, PeerConnection};
use peerless_signal::{Ended, Role, exchange, websocket};

use crate::program::{LIMIT, Running};

#[test]
fn interrupt_and_terminate_end_it_with_nothing_wrong() {
    let ways = [("demo", "INT"), ("demo", "TERM"), ("demo", "HUP"), ("echo", "INT"), ("receive", "TERM")];
    for (command, signal) in ways {
        let mut demo = Running::start(command, &[]);
        demo.signal(signal);
        demo.line_with("closing");
        assert_eq!(demo.ended().code(), Some(0), "{signal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_sees_the_end_at_once() {
    let mut demo = Running::start("demo", &[]);
    let connection = PeerConnection::new(Configuration::default()).unwrap();
    let mut events = connection.events();
    let socket = websocket::connect(&format!("ws://{}/ws", demo.address)).await.unwrap();
    let running = tokio::spawn(exchange::run(socket, connection.clone(), Role::Answer));
    until(&mut events, "connected", |event| {
        matches!(event, Event::ConnectionState(ConnectionState::Connected))
    })
    .await;

    demo.line_with("#1 connection connected");
    let started = Instant::now();
    demo.signal("INT");
    // By DTLS, whatever becomes of the socket.
    until(&mut events, "closed", |event| matches!(event, Event::DtlsState(DtlsState::Closed))).await;
    let ended = tokio::time::timeout(LIMIT, running).await.expect("ended in time").unwrap();
    // Not by the consent that runs out (RFC 7675 §5.1: 30 s).
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    assert!(matches!(ended, Ended::ChannelClosed | Ended::ConnectionClosed), "{ended:?}");
    assert_eq!(demo.ended().code(), Some(0));
}

async fn until(events: &mut Events, what: &str, is_it: impl Fn(&Event) -> bool) {
    let coming = async {
        while let Some(event) = events.next().await {
            if is_it(&event) {
                return;
            }
        }
        panic!("the events end before {what}");
    };
    tokio::time::timeout(LIMIT, coming).await.unwrap_or_else(|_| panic!("{what} in time"));
}
