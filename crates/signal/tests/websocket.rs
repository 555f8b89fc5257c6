//! Both ends of a WebSocket as channels: texts, limits, and how each end learns that the other is gone.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::routing::any;
use peerless_signal::Channel;
use peerless_signal::channel::{ChannelError, Incoming, MESSAGE_LIMIT};
use peerless_signal::websocket::{self, ClientSocket, ConnectError};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

const LIMIT: Duration = Duration::from_secs(10);

/// A server that tells back what comes, and says goodbye when asked to.
async fn server() -> SocketAddr {
    let echo = any(|upgrade: WebSocketUpgrade| async {
        websocket::accept(upgrade, |mut socket| async move {
            while let Ok(Some(incoming)) = socket.recv().await {
                let text = match incoming {
                    Incoming::Text(text) if text == "leave" => return socket.close().await,
                    Incoming::Text(text) => text,
                    Incoming::Binary(length) => format!("{length} bytes"),
                };
                socket.send(text).await.unwrap();
            }
        })
    });
    let router = Router::new().route("/ws", echo);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn client() -> ClientSocket {
    websocket::connect(&format!("ws://{}/ws", server().await)).await.unwrap()
}

async fn next(socket: &mut ClientSocket) -> Result<Option<Incoming>, ChannelError> {
    tokio::time::timeout(LIMIT, socket.recv()).await.expect("in time")
}

#[tokio::test]
async fn carries_texts_up_to_its_limit() {
    let mut socket = client().await;
    for text in ["", "grüße \u{1f600}", &"x".repeat(MESSAGE_LIMIT)] {
        socket.send(text.to_owned()).await.unwrap();
        let Ok(Some(Incoming::Text(told))) = next(&mut socket).await else { panic!("a text") };
        assert!(told == text);
    }
}

#[tokio::test]
async fn ends_at_a_text_above_its_limit() {
    let mut socket = client().await;
    let _ = socket.send("x".repeat(MESSAGE_LIMIT + 1)).await;
    assert!(!matches!(next(&mut socket).await, Ok(Some(_))));
}

#[tokio::test]
async fn a_server_that_leaves_is_seen_as_the_end() {
    let mut socket = client().await;
    socket.send("leave".to_owned()).await.unwrap();
    assert!(matches!(next(&mut socket).await, Ok(None)));
    assert!(matches!(next(&mut socket).await, Ok(None) | Err(_)), "and stays so");
}

#[tokio::test]
async fn a_client_that_leaves_is_seen_as_the_end() {
    let (sender, ended) = tokio::sync::oneshot::channel();
    let sender = std::sync::Arc::new(std::sync::Mutex::new(Some(sender)));
    let watch = any(move |upgrade: WebSocketUpgrade| {
        let sender = sender.lock().unwrap().take().unwrap();
        async move {
            websocket::accept(upgrade, |mut socket| async move {
                let _ = sender.send(matches!(socket.recv().await, Ok(None)));
            })
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/ws", watch)).await });
    let mut socket = websocket::connect(&format!("ws://{address}/ws")).await.unwrap();
    socket.close().await;
    assert!(tokio::time::timeout(LIMIT, ended).await.expect("in time").unwrap());
}

#[tokio::test]
async fn where_there_is_no_socket_the_reason_is_told() {
    let address = server().await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for wrong in [
        format!("ws://{address}/elsewhere"),
        format!("ws://{free}/ws"),
        format!("wss://{address}/ws"),
        format!("http://{address}/ws"),
        "no address".to_owned(),
    ] {
        let refused = websocket::connect(&wrong).await.err();
        let Some(ConnectError::Refused(reason)) = refused else { panic!("{wrong}") };
        assert!(!reason.to_string().is_empty());
    }
}

#[tokio::test]
async fn bytes_that_are_no_websocket_end_only_their_own_client() {
    let (sender, mut ends) = tokio::sync::mpsc::unbounded_channel();
    let watch = any(move |upgrade: WebSocketUpgrade| {
        let sender = sender.clone();
        async move {
            websocket::accept(upgrade, |mut socket| async move {
                let _ = sender.send(socket.recv().await);
            })
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/ws", watch)).await });
    let mut calm = websocket::connect(&format!("ws://{address}/ws")).await.unwrap();
    // RFC 6455 §5.2: no UTF-8, an opcode that is not given out, a text without its mask, a text that goes on from none.
    for garbage in [
        &[0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28][..],
        &[0x83, 0x80, 0, 0, 0, 0],
        &[0x81, 0x02, b'{', b'}'],
        &[0x80, 0x80, 0, 0, 0, 0],
    ] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        let end = tokio::time::timeout(LIMIT, ends.recv()).await.expect("in time").unwrap();
        assert!(matches!(end, Err(ChannelError::Failed(_))), "{garbage:?}: {end:?}");
    }
    calm.send("still here".to_owned()).await.unwrap();
    let end = tokio::time::timeout(LIMIT, ends.recv()).await.expect("in time").unwrap();
    assert!(matches!(end, Ok(Some(Incoming::Text(text))) if text == "still here"));
}
