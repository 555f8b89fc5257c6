//! What an idle connection of an endpoint holds on the heap, with DTLS and a data channel that is open.
//!
//! All runs on one thread, for the heap is counted by thread. What the crypto library allocates in C, some 2 KB for each
//! connection, is not counted, nor what the allocator adds; `benches/endpoint.rs` counts what becomes resident.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use allocation_counter::measure;
use peerless::{
    Configuration, DataChannel, DataChannelInit, Endpoint, EndpointConfig, IceGatheringState, Message,
    PeerConnection,
};
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

/// So many pairs are connected before it is counted: pools and tables that all share are large enough then.
const BEFORE: usize = 20;
/// So many are counted.
const COUNTED: usize = 40;
/// The most that one may hold, bytes: a twentieth above what it was when this was written.
const LIMIT: i64 = 34_000;
/// Generous: a slow machine is not a fault.
const PATIENCE: Duration = Duration::from_secs(60);

type End = (PeerConnection, DataChannel);

fn end(endpoint: &Endpoint) -> End {
    let mut configuration = Configuration::default();
    configuration.max_packet_size = 1400;
    let connection = endpoint.connection(configuration).unwrap();
    let mut init = DataChannelInit::default();
    (init.negotiated, init.id) = (true, Some(0));
    let channel = connection.create_data_channel("", init).unwrap();
    (connection, channel)
}

/// Connects a connection of the one with a connection of the other, and has a message go forth and back.
async fn connect(endpoints: &[Endpoint; 2]) -> [End; 2] {
    let ends = endpoints.each_ref().map(end);
    for (offering, answering) in [(0, 1), (1, 0)] {
        let [from, to] = [&ends[offering].0, &ends[answering].0];
        from.set_local_description(None).unwrap();
        while from.ice_gathering_state() != IceGatheringState::Complete {
            tokio::task::yield_now().await;
        }
        to.set_remote_description(from.local_description().unwrap()).unwrap();
    }
    for (from, to) in [(0, 1), (1, 0)] {
        ends[from].1.opened().await;
        ends[from].1.send("word").await.unwrap();
        let answer = timeout(PATIENCE, ends[to].1.recv()).await.expect("it arrives");
        assert!(matches!(answer, Some(Message::Text(_))));
    }
    ends
}

async fn connect_all(endpoints: &[Endpoint; 2], count: usize, held: &mut Vec<[End; 2]>) {
    for _ in 0..count {
        held.push(timeout(PATIENCE, connect(endpoints)).await.expect("it connects"));
    }
}

/// What the future does to the heap, bytes.
fn growth(runtime: &Runtime, future: impl Future<Output = ()>) -> i64 {
    measure(|| runtime.block_on(future)).bytes_current
}

#[test]
fn an_idle_connection_holds_little() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let endpoints = runtime.block_on(async {
        [false, true].map(|ice_lite| {
            let mut config = EndpointConfig::default();
            config.ice_lite = ice_lite;
            Endpoint::bind([SocketAddr::from((Ipv4Addr::LOCALHOST, 0))], config).unwrap()
        })
    });
    let mut held = Vec::with_capacity(BEFORE + COUNTED);
    runtime.block_on(connect_all(&endpoints, BEFORE, &mut held));
    let mut grown = growth(&runtime, connect_all(&endpoints, COUNTED, &mut held));
    // What was sent last is held until it is acknowledged.
    let begun = Instant::now();
    let each = loop {
        grown += growth(&runtime, async { sleep(Duration::from_millis(200)).await });
        let each = grown / (2 * COUNTED) as i64;
        if each <= LIMIT || begun.elapsed() > PATIENCE {
            break each;
        }
    };
    assert!(each <= LIMIT, "{each} bytes each");
    assert!(each > LIMIT / 2, "{each} bytes each: a lower limit is in place");
}
