//! Whose a datagram is: connections that overtake signalling, restart, and take over an address.

use std::sync::Arc;

use peerless::{Configuration, IceGatheringState};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use crate::stage::{Pair, client, endpoint, trickle, until};

#[tokio::test]
async fn candidates_may_come_one_by_one() {
    let endpoint = endpoint(1, false);
    let ends = [client(), endpoint.connection(Configuration::default()).unwrap()];
    trickle(&ends[0], &ends[1]);
    trickle(&ends[1], &ends[0]);
    let [a, b] = ends;
    Pair::new(a, b).await.talk("trickled").await;
}

#[tokio::test]
async fn a_restart_gives_a_connection_another_name_and_keeps_it_reachable() {
    for ice_lite in [false, true] {
        let endpoint = endpoint(1, ice_lite);
        let pair = Pair::new(client(), endpoint.connection(Configuration::default()).unwrap()).await;
        let names = |end: &peerless::PeerConnection| {
            let sdp = end.local_description().unwrap().sdp;
            sdp.lines().find(|line| line.starts_with("a=ice-ufrag")).unwrap().to_owned()
        };
        let before = names(&pair.ends[1]);
        for round in 0..3 {
            let (from, to) = if round % 2 == 0 { (0, 1) } else { (1, 0) };
            pair.ends[from].restart_ice();
            for (from, to) in [(from, to), (to, from)] {
                pair.ends[from].set_local_description(None).unwrap();
                let gathered = || pair.ends[from].ice_gathering_state() == IceGatheringState::Complete;
                until("candidates", gathered).await;
                pair.ends[to].set_remote_description(pair.ends[from].local_description().unwrap()).unwrap();
            }
            pair.talk(&format!("round {round}")).await;
        }
        assert_ne!(names(&pair.ends[1]), before);
        // The old names linger for as long as the pairs do that bear them, and no longer than the connection.
        assert!(endpoint.stats().usernames <= 4, "{:?}", endpoint.stats());
        drop(pair);
        until("the end", || endpoint.stats().usernames == 0).await;
    }
}

/// What carries datagrams between a client and an endpoint, so that clients one after the other come from one address.
struct Relay {
    inward: std::net::SocketAddr,
    task: JoinHandle<()>,
}

impl Relay {
    async fn new(outward: Arc<UdpSocket>, server: std::net::SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let inward = socket.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let (mut client, mut ours, mut theirs) = (None, [0; 2000], [0; 2000]);
            loop {
                tokio::select! {
                    Ok((length, from)) = socket.recv_from(&mut ours) => {
                        client = Some(from);
                        outward.send_to(&ours[..length], server).await.unwrap();
                    }
                    Ok((length, _)) = outward.recv_from(&mut theirs) => {
                        let Some(client) = client else { continue };
                        socket.send_to(&theirs[..length], client).await.unwrap();
                    }
                }
            }
        });
        Self { inward, task }
    }
}

#[tokio::test]
async fn an_address_that_changes_hands_goes_with_whoever_was_heard_last() {
    let endpoint = endpoint(1, true);
    let address = endpoint.local_addresses()[0];
    let outward = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let mut pairs = Vec::new();
    for round in 1..=2 {
        let relay = Relay::new(outward.clone(), address).await;
        // The server learns the client's address from its checks alone, and the client knows the relay only.
        let pair = Pair::by_way_of(
            [client(), endpoint.connection(Configuration::default()).unwrap()],
            |sdp| {
                sdp.lines()
                    .filter(|line| !line.starts_with("a=candidate"))
                    .map(|line| format!("{line}\r\n"))
                    .collect()
            },
            |sdp| sdp.replace(&format!(" {} typ", address.port()), &format!(" {} typ", relay.inward.port())),
        );
        let pair = pair.await;
        pair.talk("through the relay").await;
        let stats = endpoint.stats();
        assert_eq!((stats.connections, stats.paths), (round, 1), "{stats:?}");
        // It is still there, and silent, while the next takes its address over.
        relay.task.abort();
        pairs.push(pair);
    }
    // The first does not take away what is the other's now.
    drop(pairs.remove(0));
    until("the end of the first", || endpoint.stats().connections == 1).await;
    assert_eq!(endpoint.stats().paths, 1);
}
