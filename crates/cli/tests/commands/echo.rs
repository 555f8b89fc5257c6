//! The echo, called by the library itself: refusals, limits, media and messages back.

use std::io::{Read, Write};
use std::net::TcpStream;

use peerless::{
    Configuration, ConnectionState, DataChannelInit, Direction, Event, MediaKind, Message, PeerConnection,
};
use peerless_signal::http::{self, PostError};

use crate::program::{LIMIT, Running};

/// The whole answer to a request.
fn answer(echo: &Running, head: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(echo.address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let length = body.len();
    write!(stream, "{head} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n")
        .unwrap();
    // The echo may have answered, and hung up, before all is sent.
    let _ = stream.write_all(body);
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn what_is_no_offer_is_refused_with_a_reason_and_the_echo_goes_on() {
    let mut echo = Running::start("echo", &[]);
    for (body, code, reason) in [
        (&b""[..], 400, "not the JSON of a message"),
        (b"v=0", 400, "not the JSON of a message"),
        (b"{}", 400, "neither a candidate nor a description"),
        (br#"{"type":"answer","sdp":"v=0\r\n"}"#, 400, "an offer was expected"),
        (br#"{"type":"offer","sdp":"v=0\r\n"}"#, 400, "the offer cannot be taken"),
        (&[0xFF; 20], 400, "no UTF-8"),
        (&[b' '; 300_000], 413, "above 262144 bytes"),
    ] {
        let text = answer(&echo, "POST /offer", body);
        assert!(text.starts_with(&format!("HTTP/1.1 {code} ")), "{text}");
        assert!(text.contains(reason) && text.contains(r#"{"error":""#), "{reason}: {text}");
    }
    for method in ["GET", "PUT", "DELETE"] {
        let text = answer(&echo, &format!("{method} /offer"), b"");
        assert!(text.starts_with("HTTP/1.1 405 ") && text.to_lowercase().contains("allow: post"), "{text}");
    }
    assert!(echo.is_running());
}

/// An offer with a channel, all its candidates in it.
async fn caller() -> (PeerConnection, peerless::DataChannel) {
    let connection = PeerConnection::new(Configuration::default()).unwrap();
    let channel = connection.create_data_channel("echo", DataChannelInit::default()).unwrap();
    (connection, channel)
}

async fn call(echo: &Running, connection: &PeerConnection) -> Result<(), PostError> {
    connection.set_local_description(None).unwrap();
    let offer = http::gathered(connection, LIMIT).await.unwrap();
    let answer = http::post(&format!("http://{}/offer", echo.address), &offer, LIMIT).await?;
    assert!(
        answer.sdp.contains("a=candidate:") && answer.sdp.contains("a=end-of-candidates"),
        "{}",
        answer.sdp
    );
    connection.set_remote_description(answer).unwrap();
    Ok(())
}

async fn in_time<T>(what: &str, coming: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, coming).await.unwrap_or_else(|_| panic!("never: {what}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_back_on_their_channel_to_each_of_several_clients() {
    let mut echo = Running::start("echo", &[]);
    let mut callers = Vec::new();
    for _ in 0..5 {
        let (connection, channel) = caller().await;
        call(&echo, &connection).await.unwrap();
        callers.push((connection, channel));
    }
    for (number, (_, channel)) in callers.iter().enumerate() {
        assert!(in_time("the channel open", channel.opened()).await);
        for message in
            [Message::Text(format!("from {number}")), Message::Binary(vec![number as u8; 100_000].into())]
        {
            channel.send(message.clone()).await.unwrap();
            assert_eq!(in_time("the echo", channel.recv()).await, Some(message));
        }
    }
    for (connection, _) in callers {
        connection.close();
        echo.line_with("client gone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn above_its_limit_clients_are_turned_away_until_one_leaves() {
    let mut echo = Running::start("echo", &["--limit", "1"]);
    let (first, channel) = caller().await;
    call(&echo, &first).await.unwrap();
    assert!(in_time("the channel open", channel.opened()).await);
    let (second, _) = caller().await;
    match call(&echo, &second).await {
        Err(PostError::Refused { status, said }) => {
            assert_eq!(status.as_u16(), 503);
            assert!(said.contains("too many"), "{said}");
        }
        other => panic!("{other:?}"),
    }
    first.close();
    echo.line_with("client gone");
    let (third, channel) = caller().await;
    call(&echo, &third).await.unwrap();
    assert!(in_time("the channel open", channel.opened()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn sections_that_only_receive_are_answered_and_leave_nothing_to_send_back() {
    let echo = Running::start("echo", &[]);
    let connection = PeerConnection::new(Configuration::default()).unwrap();
    connection.add_transceiver(MediaKind::Video, Direction::RecvOnly).unwrap();
    connection.add_transceiver(MediaKind::Audio, Direction::SendOnly).unwrap();
    let mut events = connection.events();
    call(&echo, &connection).await.unwrap();
    let connected = async {
        while connection.connection_state() != ConnectionState::Connected {
            let event = events.next().await.expect("it stays open");
            assert!(!matches!(event, Event::Track(_)), "nothing comes back of what was not sent");
        }
    };
    in_time("connected", connected).await;
    let directions: Vec<_> =
        connection.transceivers().iter().map(|transceiver| transceiver.current_direction()).collect();
    assert_eq!(directions, [Some(Direction::Inactive), Some(Direction::SendOnly)]);
}

#[test]
fn a_body_that_never_comes_holds_nothing_up() {
    let mut echo = Running::start("echo", &[]);
    let mut slow = TcpStream::connect(echo.address).unwrap();
    write!(slow, "POST /offer HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{").unwrap();
    assert!(answer(&echo, "GET /", b"").starts_with("HTTP/1.1 200"));
    slow.set_read_timeout(Some(LIMIT)).unwrap();
    let mut begin = [0; 12];
    slow.read_exact(&mut begin).unwrap();
    assert_eq!(&begin, b"HTTP/1.1 408");
    assert!(echo.is_running());
}

/// The ports of UDP candidates, and those of TCP, that the answer names.
fn ports(connection: &PeerConnection, protocol: &str) -> Vec<u16> {
    let sdp = connection.remote_description().unwrap().sdp;
    let lines = sdp.lines().filter_map(|line| line.strip_prefix("a=candidate:"));
    let words = lines.map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>());
    let of = words.filter(|words| words[2].eq_ignore_ascii_case(protocol));
    of.map(|words| words[5].parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_media_port_all_clients_use_that() {
    let words = ["--media-port", "0", "--media-tcp", "--interface", "127.0.0.1"];
    let mut echo = Running::start("echo", &words);
    let line = echo.line_with("media of all clients: 127.0.0.1:");
    let port: u16 = line.rsplit(':').next().unwrap().trim().parse().unwrap();
    let mut callers = Vec::new();
    for number in 0..5 {
        let (connection, channel) = caller().await;
        call(&echo, &connection).await.unwrap();
        assert_eq!((ports(&connection, "udp"), ports(&connection, "tcp")), (vec![port], vec![port]));
        assert!(in_time("the channel open", channel.opened()).await);
        channel.send(format!("from {number}")).await.unwrap();
        assert_eq!(in_time("the echo", channel.recv()).await, Some(Message::Text(format!("from {number}"))));
        callers.push((connection, channel));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_address_is_what_clients_are_told() {
    let words = ["--media-port", "0", "--interface", "127.0.0.1", "--public-address", "192.0.2.7"];
    let echo = Running::start("echo", &words);
    let (connection, _) = caller().await;
    call(&echo, &connection).await.unwrap();
    let answer = connection.remote_description().unwrap().sdp;
    assert!(answer.contains(" 192.0.2.7 ") && !answer.contains(" 127.0.0.1 "), "{answer}");
}
