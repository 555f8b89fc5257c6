//! Nothing is left of a connection: ten thousand of them are opened and closed, with all that can be held of one dropped in
//! every order, and the heap, the tasks and the open files are as before.
//!
//! All runs on one thread, for the heap is counted by thread.

use std::any::Any;
use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use allocation_counter::measure;
use bytes::Bytes;
use peerless::{
    Certificate, Configuration, ConnectionState, DataChannelInit, Direction, Frame, IceGatheringState,
    LocalTrack, MediaKind, Message, PeerConnection,
};
use tokio::runtime::Handle;
use tokio::time::timeout;

/// How many connections there are in all.
const ALL: usize = 10_000;
/// So many of them, in pairs, are connected over real sockets.
const CONNECTED: usize = 200;
/// What is held of a connection that stands alone: dropped in each of the 5040 orders.
const ALONE: usize = 7;
/// What is held of one of a negotiated pair: dropped in each of the 720 orders.
const NEGOTIATED: usize = 6;
/// So many are let go before it is waited for their end.
const BATCH: usize = 40;
/// Generous: a slow machine is not a fault.
const PATIENCE: Duration = Duration::from_secs(60);

/// Something that is held of a connection.
type Held = Box<dyn Any>;

/// The certificate of all, because making one takes long.
struct Maker {
    certificate: Arc<Certificate>,
    made: usize,
}

impl Maker {
    fn connection(&mut self) -> PeerConnection {
        self.made += 1;
        let mut configuration = Configuration::default();
        configuration.interfaces = Some(vec![Ipv4Addr::LOCALHOST.into()]);
        configuration.certificates = vec![self.certificate.clone()];
        PeerConnection::new(configuration).unwrap()
    }

    /// One that is never connected, and all that can be held of it. Each other one has made an offer, and so has sockets.
    fn alone(&mut self) -> Vec<Held> {
        let connection = self.connection();
        let events = connection.events();
        let track = LocalTrack::new(MediaKind::Audio, "microphone", "stream");
        let sending = connection.add_track(&track).unwrap();
        let receiving = connection.add_transceiver(MediaKind::Video, Direction::RecvOnly).unwrap();
        let channel = connection.create_data_channel("channel", DataChannelInit::default()).unwrap();
        if self.made.is_multiple_of(2) {
            connection.set_local_description(None).unwrap();
        }
        let (sender, receiver) = (sending.sender(), receiving.receiver());
        let held: [Held; ALONE] = [
            Box::new((connection.clone(), connection)),
            Box::new(events),
            Box::new(track),
            Box::new((sending, receiving)),
            Box::new((sender.dtmf(), sender)),
            Box::new(receiver),
            Box::new(channel),
        ];
        held.into()
    }

    /// One of a pair that has negotiated and not connected, with what the remote sends, and the other of the pair.
    fn negotiated(&mut self) -> (Vec<Held>, PeerConnection) {
        let (connection, other) = (self.connection(), self.connection());
        let events = connection.events();
        let track = LocalTrack::new(MediaKind::Audio, "microphone", "stream");
        let transceiver = connection.add_track(&track).unwrap();
        let channel = connection.create_data_channel("channel", DataChannelInit::default()).unwrap();
        other.add_track(&LocalTrack::new(MediaKind::Audio, "theirs", "stream")).unwrap();
        connection.set_local_description(None).unwrap();
        other.set_remote_description(connection.local_description().unwrap()).unwrap();
        other.set_local_description(None).unwrap();
        connection.set_remote_description(other.local_description().unwrap()).unwrap();
        let remote = transceiver.remote_track().expect("the other sends");
        let held: [Held; NEGOTIATED] = [
            Box::new(connection),
            Box::new(events),
            Box::new(track),
            Box::new(transceiver),
            Box::new(channel),
            Box::new((remote.fork(), remote)),
        ];
        (held.into(), other)
    }

    /// A pair that is connected, and has exchanged sound and a message.
    async fn connected(&mut self) -> Vec<Held> {
        let ends = [self.connection(), self.connection()];
        let tracks = ["a", "b"].map(|name| LocalTrack::new(MediaKind::Audio, name, "stream"));
        let transceivers = [0, 1].map(|side: usize| ends[side].add_track(&tracks[side]).unwrap());
        let mut init = DataChannelInit::default();
        (init.negotiated, init.id) = (true, Some(0));
        let channels =
            [0, 1].map(|side: usize| ends[side].create_data_channel("channel", init.clone()).unwrap());
        let events = [0, 1].map(|side: usize| ends[side].events());
        for (offering, answering) in [(0, 1), (1, 0)] {
            ends[offering].set_local_description(None).unwrap();
            let gathered = || ends[offering].ice_gathering_state() == IceGatheringState::Complete;
            until("candidates", gathered).await;
            let description = ends[offering].local_description().unwrap();
            ends[answering].set_remote_description(description).unwrap();
        }
        let connected = || ends.iter().all(|end| end.connection_state() == ConnectionState::Connected);
        until("a connection", connected).await;
        channels[0].opened().await;
        channels[0].send("word").await.unwrap();
        assert!(matches!(channels[1].recv().await, Some(Message::Text(_))));
        let codec = tracks[0].wait_codec().await.unwrap();
        let remote = transceivers[1].remote_track().unwrap();
        let sound = async {
            for number in 0.. {
                let payload = Bytes::from_static(&[0xf8; 80]);
                tracks[0].write(&Frame::new(codec.format, number * 960, true, payload)).unwrap();
                if timeout(Duration::from_millis(20), remote.recv()).await.is_ok() {
                    break;
                }
            }
        };
        timeout(PATIENCE, sound).await.expect("sound arrives");
        let mut held: Vec<Held> = vec![Box::new(remote)];
        held.extend(ends.into_iter().map(|one| Box::new(one) as Held));
        held.extend(tracks.into_iter().map(|one| Box::new(one) as Held));
        held.extend(transceivers.into_iter().map(|one| Box::new(one) as Held));
        held.extend(channels.into_iter().map(|one| Box::new(one) as Held));
        held.extend(events.into_iter().map(|one| Box::new(one) as Held));
        held
    }
}

/// Lets the tasks run until `done`.
async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let waiting = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Waits until no task of a connection is left.
async fn until_ended() {
    until("the end of all tasks", || Handle::current().metrics().num_alive_tasks() == 0).await;
}

/// Drops in the order that `order` names, a number below the factorial of their count.
fn drop_in_order(mut held: Vec<Held>, mut order: usize) {
    while !held.is_empty() {
        let place = order % held.len();
        order /= held.len();
        drop(held.remove(place));
    }
}

/// How many files are open.
fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

fn factorial(count: usize) -> usize {
    (1..=count).product()
}

/// Opens and closes connections: each kind at least once, and all orders of dropping where `is_whole`.
async fn open_and_close(maker: &mut Maker, is_whole: bool) {
    let orders = |count| if is_whole { factorial(count) } else { 2 * BATCH };
    for order in 0..orders(ALONE) {
        drop_in_order(maker.alone(), order);
        if order % BATCH == 0 {
            until_ended().await;
        }
    }
    for order in 0..orders(NEGOTIATED) {
        let (held, other) = maker.negotiated();
        drop_in_order(held, order);
        drop(other);
        if order % BATCH == 0 {
            until_ended().await;
        }
    }
    for pair in 0..if is_whole { CONNECTED / 2 } else { 3 } {
        // Any of the 39 916 800 orders, far apart.
        drop_in_order(maker.connected().await, pair * 399_989);
        until_ended().await;
    }
    let rest = if is_whole { ALL.saturating_sub(maker.made) } else { 2 * BATCH };
    for number in 0..rest {
        // Closed, and not only dropped.
        let connection = maker.connection();
        connection.close();
        drop(connection);
        if number % BATCH == 0 {
            until_ended().await;
        }
    }
    until_ended().await;
}

#[test]
fn ten_thousand_connections_leave_nothing_behind() {
    let certificate = Arc::new(Certificate::generate(SystemTime::now()).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // What is made once and kept: tables of the runtime, of cryptography, of names.
    runtime.block_on(open_and_close(&mut Maker { certificate: certificate.clone(), made: 0 }, false));
    let files = open_files();
    let mut maker = Maker { certificate: certificate.clone(), made: 0 };
    let left = measure(|| runtime.block_on(open_and_close(&mut maker, true)));
    println!("{} connections, {} allocations in all, {left:?}", maker.made, left.count_total);
    assert!(maker.made >= ALL, "{}", maker.made);
    assert!(left.count_total > ALL as u64, "the heap is counted");
    assert_eq!((left.count_current, left.bytes_current), (0, 0), "allocations and bytes that are left");
    assert_eq!(open_files(), files);
    assert_eq!(Arc::strong_count(&certificate), 2, "ours and the maker's");
}
