//! The WebSocket beside the page: who speaks first, garbage, and connections that come up.

use std::time::Duration;

use peerless::{Configuration, ConnectionState, Direction, Event, MediaKind, PeerConnection};
use peerless_signal::channel::Incoming;
use peerless_signal::{Channel, Message, Role, exchange, websocket};

use crate::program::{LIMIT, Running};

async fn connect(demo: &Running, query: &str) -> websocket::ClientSocket {
    websocket::connect(&format!("ws://{}/ws{query}", demo.address)).await.expect("a socket")
}

async fn message(socket: &mut websocket::ClientSocket) -> Message {
    let incoming = tokio::time::timeout(LIMIT, socket.recv()).await.expect("a message in time").unwrap();
    let Some(Incoming::Text(text)) = incoming else { panic!("no text: {incoming:?}") };
    Message::parse(&text).unwrap()
}

async fn connected(connection: &PeerConnection) {
    let mut events = connection.events();
    let waiting = async {
        while connection.connection_state() != ConnectionState::Connected {
            events.next().await.expect("the connection stays open");
        }
    };
    tokio::time::timeout(LIMIT, waiting).await.expect("connected in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_offers_as_soon_as_the_socket_is_open() {
    let demo = Running::start("demo", &[]);
    let mut socket = connect(&demo, "").await;
    let Message::Description(offer) = message(&mut socket).await else { panic!("an offer comes first") };
    assert_eq!(offer.kind.as_str(), "offer");
    assert!(offer.sdp.contains("m=video") && offer.sdp.contains("VP8/90000"), "{}", offer.sdp);
    assert!(offer.sdp.contains("m=audio") && offer.sdp.contains("opus/48000/2"), "{}", offer.sdp);
    let mut ended = false;
    while !ended {
        let Message::Candidate(candidate) = message(&mut socket).await else { panic!("candidates follow") };
        ended = candidate.candidate.is_empty();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_asked_for_is_offered() {
    let demo = Running::start("demo", &["--video", "none", "--audio", "pcmu"]);
    let mut socket = connect(&demo, "").await;
    let Message::Description(offer) = message(&mut socket).await else { panic!("an offer comes first") };
    assert!(!offer.sdp.contains("m=video") && !offer.sdp.contains("opus"), "{}", offer.sdp);
    assert!(offer.sdp.contains("PCMU/8000"), "{}", offer.sdp);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_waits_for_the_offer_of_a_client_that_wants_to_make_it() {
    let demo = Running::start("demo", &[]);
    let mut socket = connect(&demo, "?role=offer").await;
    let connection = PeerConnection::new(Configuration::default()).unwrap();
    let kinds = [MediaKind::Video, MediaKind::Audio];
    for kind in kinds {
        connection.add_transceiver(kind, Direction::RecvOnly).unwrap();
    }
    let offer = connection.create_offer().unwrap();
    connection.set_local_description(offer.clone()).unwrap();
    socket.send(Message::Description(offer).write()).await.unwrap();
    // Had the server offered, its offer would come first.
    let Message::Description(answer) = message(&mut socket).await else { panic!("an answer comes first") };
    assert_eq!(answer.kind.as_str(), "answer");
    connection.set_remote_description(answer).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_said_and_the_client_still_connects() {
    let mut demo = Running::start("demo", &[]);
    let mut socket = connect(&demo, "").await;
    let offer = message(&mut socket).await;
    let huge = format!(r#"{{"type":"answer","sdp":"{}"}}"#, "garbage ".repeat(1 << 17));
    for garbage in ["garbage", "{}", "[1,2]", r#"{"type":"answer","sdp":"no sdp"}"#, &huge] {
        socket.send(garbage.to_owned()).await.unwrap();
    }
    for _ in 0..5 {
        demo.line_with("#1 signalling:");
    }
    let connection = PeerConnection::new(Configuration::default()).unwrap();
    let Message::Description(offer) = offer else { panic!("an offer comes first") };
    connection.set_remote_description(offer).unwrap();
    connection.set_local_description(None).unwrap();
    let answer = connection.local_description().unwrap();
    socket.send(Message::Description(answer).write()).await.unwrap();
    let candidates = tokio::spawn(exchange_candidates(socket, connection.clone()));
    connected(&connection).await;
    candidates.abort();
    assert!(demo.is_running());
}

/// Carries candidates both ways, for a test that has done the descriptions by hand.
async fn exchange_candidates(mut socket: websocket::ClientSocket, connection: PeerConnection) {
    let mut events = connection.events();
    loop {
        tokio::select! {
            Some(event) = events.next() => if let Event::IceCandidate(candidate) = event {
                socket.send(Message::Candidate(candidate).write()).await.unwrap();
            },
            Ok(Some(Incoming::Text(text))) = socket.recv() => {
                if let Ok(Message::Candidate(candidate)) = Message::parse(&text) {
                    let _ = connection.add_ice_candidate(&candidate);
                }
            },
            else => return,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_above_the_limit_ends_only_its_own_client() {
    let mut demo = Running::start("demo", &[]);
    let (mut loud, mut calm) = (connect(&demo, "").await, connect(&demo, "").await);
    let _ = loud.send("x".repeat(5 << 20)).await;
    while let Ok(Some(_)) = tokio::time::timeout(LIMIT, loud.recv()).await.expect("an end in time") {}
    assert!(matches!(message(&mut calm).await, Message::Description(_)));
    demo.line_with("#1 client gone");
    assert!(demo.is_running());
}

/// Whole connections: media arrives, and who leaves frees what was held for them.
#[tokio::test(flavor = "multi_thread")]
async fn pictures_and_sound_arrive_in_both_roles() {
    let demo = Running::start("demo", &[]);
    for (query, role) in [("", Role::Answer), ("?role=offer", Role::Offer)] {
        let connection = PeerConnection::new(Configuration::default()).unwrap();
        if role == Role::Offer {
            for kind in [MediaKind::Video, MediaKind::Audio] {
                connection.add_transceiver(kind, Direction::RecvOnly).unwrap();
            }
        }
        let mut events = connection.events();
        let running = tokio::spawn(exchange::run(connect(&demo, query).await, connection.clone(), role));
        let mut arrived = Vec::new();
        let receiving = async {
            while arrived.len() < 2 {
                if let Event::Track(track) = events.next().await.expect("the connection stays open") {
                    for _ in 0..10 {
                        assert!(!track.recv().await.expect("frames").payload.is_empty());
                    }
                    arrived.push(track.kind().as_str());
                }
            }
        };
        tokio::time::timeout(LIMIT, receiving).await.unwrap_or_else(|_| panic!("media in time, {query}"));
        connection.close();
        running.await.unwrap();
        arrived.sort_unstable();
        assert_eq!(arrived, ["audio", "video"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_at_once_work_and_leave_nothing_behind() {
    let mut demo = Running::start("demo", &["--size", "160x120", "--fps", "10"]);
    let first = (demo.threads(), demo.open_files());
    let mut clients = Vec::new();
    for _ in 0..10 {
        let connection = PeerConnection::new(Configuration::default()).unwrap();
        let socket = connect(&demo, "").await;
        clients.push((connection.clone(), tokio::spawn(exchange::run(socket, connection, Role::Answer))));
    }
    for (connection, _) in &clients {
        connected(connection).await;
    }
    for (index, (connection, running)) in clients.into_iter().enumerate() {
        // Half of them say goodbye, the others just vanish from the socket.
        if index % 2 == 0 {
            connection.close();
            running.await.unwrap();
        } else {
            running.abort();
        }
        demo.line_with("client gone");
    }
    let clearing = async {
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        while (demo.threads(), demo.open_files()) != first {
            looks.tick().await;
        }
    };
    if tokio::time::timeout(LIMIT, clearing).await.is_err() {
        panic!("{} threads, {} files; at first {first:?}", demo.threads(), demo.open_files());
    }
}
