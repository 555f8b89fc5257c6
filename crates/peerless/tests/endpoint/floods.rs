//! What strangers send is counted and changes nothing.

use std::net::UdpSocket;

use peerless::Configuration;

use crate::stage::{Pair, address, client, endpoint, until};

/// How many of each kind are sent.
const EACH: u64 = 2000;

/// A STUN binding request (RFC 8489 §5) with a USERNAME that names nobody.
pub fn request(number: u64) -> Vec<u8> {
    request_to(&format!("nobody{number:06}"), number)
}

/// The same, to one who has this user name.
pub fn request_to(name: &str, number: u64) -> Vec<u8> {
    let name = format!("{name}:them");
    let padded = name.len().next_multiple_of(4);
    let mut message = vec![0, 1, 0, (4 + padded) as u8, 0x21, 0x12, 0xa4, 0x42];
    message.extend([0; 4]);
    message.extend(number.to_be_bytes());
    message.extend([0, 6, 0, name.len() as u8]);
    message.extend(name.as_bytes());
    message.resize(24 + padded, 0);
    message
}

#[tokio::test]
async fn floods_of_strangers_are_counted_and_leave_no_state() {
    let endpoint = endpoint(1, false);
    let pair = Pair::new(client(), endpoint.connection(Configuration::default()).unwrap()).await;
    let before = endpoint.stats();
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    stranger.set_nonblocking(true).unwrap();
    let mut response = request(0);
    (response[0], response[1]) = (1, 1);
    // A ClientHello of DTLS by its first bytes (RFC 6347 §4.1), RTP, a broken STUN message, and nothing that we know.
    let hello = [&[22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 1][..], &[0; 100]].concat();
    let rest = [response, hello, vec![128; 40], vec![0, 1, 0, 9], vec![255; 9]];
    for number in 0..EACH {
        stranger.send_to(&request(number), address(&endpoint)).unwrap();
        for datagram in &rest {
            stranger.send_to(datagram, address(&endpoint)).unwrap();
        }
        if number.is_multiple_of(100) {
            pair.talk(&format!("{number}")).await;
        }
    }
    let counted = || {
        let now = endpoint.stats();
        [
            now.unknown_requests - before.unknown_requests,
            now.unknown_responses - before.unknown_responses,
            now.unknown_dtls - before.unknown_dtls,
            now.malformed - before.malformed,
            now.unknown_others - before.unknown_others,
        ]
    };
    until("all counted", || counted() == [EACH, EACH, EACH, EACH, 2 * EACH]).await;
    let after = endpoint.stats();
    let held = |stats: &peerless::EndpointStats| (stats.connections, stats.usernames, stats.paths);
    assert_eq!(held(&after), held(&before));
    assert_eq!(stranger.recv(&mut [0; 9]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "no answer");
    pair.talk("afterwards").await;
}
