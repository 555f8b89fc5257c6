//! Data channels over real sockets: what a user of the face sees.

use std::collections::HashSet;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use peerless::{
    DataChannel, DataChannelInit, DataChannelState, Event, Events, Message, MessageError, PeerConnection,
    SctpState,
};
use tokio::time::timeout;

use crate::stage::{PATIENCE, configuration, connection, negotiate, trickle, until, until_true};

/// Two connections with a channel of the first one's, both ends of it, and the events of the second.
struct Pair {
    a: PeerConnection,
    b: PeerConnection,
    events: Events,
    ours: DataChannel,
    theirs: DataChannel,
}

async fn pair() -> Pair {
    pair_of(connection(), connection()).await
}

async fn pair_of(a: PeerConnection, b: PeerConnection) -> Pair {
    let mut events = b.events();
    trickle(&a, &b);
    trickle(&b, &a);
    let ours = a.create_data_channel("first", DataChannelInit::default()).unwrap();
    negotiate(&a, &b);
    let theirs = channel(&mut events).await;
    assert!(wait(ours.opened()).await);
    Pair { a, b, events, ours, theirs }
}

async fn channel(events: &mut Events) -> DataChannel {
    let take = |event| if let Event::DataChannel(channel) = event { Some(channel) } else { None };
    until("a channel", events, take).await
}

async fn wait<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("it never came")
}

/// Asks once, without waiting.
async fn is_pending<F: Future>(future: &mut Pin<&mut F>) -> bool {
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
}

fn bytes(len: usize) -> Bytes {
    (0..len).map(|at| (at ^ (at >> 8)) as u8).collect()
}

#[tokio::test]
async fn messages_go_both_ways_and_closing_is_seen_by_both() {
    let Pair { ours, theirs, .. } = pair().await;
    assert_eq!((theirs.label(), theirs.protocol(), theirs.ordered()), ("first", "", true));
    assert_eq!((ours.id(), theirs.id()), (Some(1), Some(1)));
    ours.send("hello").await.unwrap();
    theirs.send(vec![1, 2, 3]).await.unwrap();
    ours.try_send("").unwrap();
    assert_eq!(wait(theirs.recv()).await, Some(Message::from("hello")));
    assert_eq!(wait(theirs.recv()).await, Some(Message::from("")));
    assert_eq!(wait(ours.recv()).await, Some(Message::from(vec![1, 2, 3])));
    ours.send("last").await.unwrap();
    ours.close();
    assert_eq!(ours.ready_state(), DataChannelState::Closing);
    wait(theirs.closed()).await;
    wait(ours.closed()).await;
    assert_eq!(wait(theirs.recv()).await, Some(Message::from("last")), "what arrived is there still");
    assert_eq!(wait(theirs.recv()).await, None);
    assert_eq!(wait(ours.recv()).await, None);
    assert_eq!((ours.error(), theirs.error()), (None, None));
    let refused = MessageError::NotOpen { state: DataChannelState::Closed };
    assert_eq!(ours.send("too late").await, Err(refused));
}

#[tokio::test]
async fn ten_thousand_messages_arrive_in_order_through_a_small_buffer() {
    let mut small = configuration();
    small.send_buffer = 64 * 1024;
    let a = PeerConnection::new(small).unwrap();
    let Pair { ours, theirs, a, b, .. } = pair_of(a, connection()).await;
    let sending = tokio::spawn(async move {
        for number in 0..10_000u32 {
            ours.send(number.to_be_bytes().repeat(1 + number as usize % 50)).await.unwrap();
        }
        ours
    });
    for number in 0..10_000u32 {
        let message = wait(theirs.recv()).await.unwrap().into_bytes();
        assert_eq!(message, number.to_be_bytes().repeat(1 + number as usize % 50));
    }
    let ours = wait(sending).await.unwrap();
    assert_eq!(ours.buffered_amount(), 0);
    assert_eq!(a.stats().data.channels[0].counts.messages_sent, 10_000);
    assert_eq!(b.stats().data.channels[0].counts.messages_received, 10_000);
}

#[tokio::test]
async fn a_full_buffer_refuses_at_once_or_waits_and_a_dropped_wait_sends_nothing() {
    let mut small = configuration();
    small.send_buffer = 100_000;
    let Pair { ours, theirs, .. } = pair_of(PeerConnection::new(small).unwrap(), connection()).await;
    // Nothing leaves before the driver runs, and it runs when we wait.
    ours.try_send(bytes(60_000)).unwrap();
    assert!(matches!(ours.try_send(bytes(60_000)), Err(MessageError::Full { limit: 100_000, .. })));
    assert!(ours.buffered_amount() > 0);
    {
        let waiting = ours.send("dropped before it could be sent".repeat(2000));
        tokio::pin!(waiting);
        assert!(is_pending(&mut waiting).await);
    }
    wait(ours.send(bytes(90_000))).await.unwrap();
    assert_eq!(wait(theirs.recv()).await, Some(Message::from(bytes(60_000))));
    assert_eq!(wait(theirs.recv()).await, Some(Message::from(bytes(90_000))));
    let refused = MessageError::TooLarge { len: 100_001, limit: 100_000 };
    assert_eq!(ours.send(bytes(100_001)).await, Err(refused));
}

#[tokio::test]
async fn the_buffered_amount_falls_to_the_threshold() {
    let Pair { ours, theirs, .. } = pair().await;
    ours.set_buffered_amount_low_threshold(100_000);
    for _ in 0..20 {
        ours.try_send(bytes(50_000)).unwrap();
    }
    assert_eq!(ours.buffered_amount(), 1_000_000, "nothing leaves before we wait");
    wait(ours.buffered_amount_low()).await;
    assert!(ours.buffered_amount() <= 100_000);
    for _ in 0..20 {
        assert_eq!(wait(theirs.recv()).await, Some(Message::from(bytes(50_000))));
    }
}

#[tokio::test]
async fn closing_the_connection_ends_channels_and_loses_nothing_that_was_delivered() {
    let Pair { a, b, ours, theirs, .. } = pair().await;
    for number in 0..100u32 {
        ours.send(number.to_string()).await.unwrap();
    }
    until_true("all delivered", || {
        b.stats().data.channels[0].counts.messages_received == 100 && ours.buffered_amount() == 0
    })
    .await;
    a.close();
    assert_eq!(ours.ready_state(), DataChannelState::Closed);
    wait(theirs.closed()).await;
    assert_eq!(theirs.error(), None, "a wish is no error");
    assert_eq!(b.sctp().unwrap().state, SctpState::Closed);
    drop(b);
    for number in 0..100u32 {
        assert_eq!(wait(theirs.recv()).await, Some(Message::from(number.to_string())));
    }
    assert_eq!(wait(theirs.recv()).await, None);
}

#[tokio::test]
async fn a_waiting_reader_and_a_waiting_sender_hear_of_the_end() {
    let mut small = configuration();
    small.send_buffer = 50_000;
    let Pair { a, b: _b, ours, theirs, .. } =
        pair_of(PeerConnection::new(small).unwrap(), connection()).await;
    ours.try_send(bytes(40_000)).unwrap();
    let (sender, reader) = (ours.clone(), ours.clone());
    let sending = async move { sender.send(bytes(40_000)).await };
    tokio::pin!(sending);
    assert!(is_pending(&mut sending).await);
    let reading = async move { reader.recv().await };
    tokio::pin!(reading);
    assert!(is_pending(&mut reading).await);
    a.close();
    assert!(matches!(wait(sending).await, Err(MessageError::NotOpen { .. })));
    assert_eq!(wait(reading).await, None);
    wait(theirs.closed()).await;
}

#[tokio::test]
async fn many_channels_of_every_kind_work_side_by_side() {
    let Pair { a, mut events, b, .. } = pair().await;
    let mut ours = Vec::new();
    for number in 0..20u16 {
        let mut init = DataChannelInit::default();
        init.ordered = number % 2 == 0;
        init.max_retransmits = (number % 3 == 1).then_some(number);
        init.max_packet_life_time = (number % 3 == 2).then(|| Duration::from_millis(number.into()));
        init.protocol = format!("protocol {number}");
        ours.push(a.create_data_channel(&format!("channel {number}"), init).unwrap());
    }
    let mut labels = HashSet::new();
    for _ in 0..20 {
        let theirs = channel(&mut events).await;
        labels.insert(theirs.label().to_owned());
        tokio::spawn(async move {
            while let Some(message) = theirs.recv().await {
                theirs.send(message).await.unwrap();
            }
        });
    }
    assert_eq!(labels.len(), 20);
    for channel in &ours {
        channel.send(channel.label()).await.unwrap();
    }
    for channel in &ours {
        assert_eq!(wait(channel.recv()).await, Some(Message::from(channel.label())), "{}", channel.label());
    }
    assert_eq!(b.stats().data.opened, 21);
}

#[tokio::test]
async fn negotiated_channels_need_no_announcement() {
    let (a, b) = (connection(), connection());
    trickle(&a, &b);
    trickle(&b, &a);
    let mut init = DataChannelInit::default();
    (init.negotiated, init.id) = (true, Some(9));
    let ours = a.create_data_channel("ours", init.clone()).unwrap();
    let theirs = b.create_data_channel("theirs", init).unwrap();
    assert_eq!(ours.id(), Some(9));
    negotiate(&a, &b);
    assert!(wait(ours.opened()).await && wait(theirs.opened()).await);
    ours.send("there").await.unwrap();
    theirs.send("back").await.unwrap();
    assert_eq!(wait(theirs.recv()).await, Some(Message::from("there")));
    assert_eq!(wait(ours.recv()).await, Some(Message::from("back")));
}

#[tokio::test]
async fn a_channel_whose_handles_are_gone_drops_what_arrives_and_holds_nobody_back() {
    let mut small = configuration();
    small.receive_buffer = 600_000;
    let Pair { a, b, ours, theirs, mut events } =
        pair_of(connection(), PeerConnection::new(small).unwrap()).await;
    drop(theirs);
    for _ in 0..100 {
        wait(ours.send(bytes(100_000))).await.unwrap();
    }
    let other = a.create_data_channel("other", DataChannelInit::default()).unwrap();
    let theirs = channel(&mut events).await;
    other.send("through").await.unwrap();
    assert_eq!(wait(theirs.recv()).await, Some(Message::from("through")));
    // It stays open until someone closes it.
    assert_eq!(ours.ready_state(), DataChannelState::Open);
    ours.close();
    wait(ours.closed()).await;
    until_true("it is forgotten", || b.stats().data.channels.len() == 1).await;
}

#[tokio::test]
async fn a_closed_and_dropped_connection_frees_everything() {
    let Pair { a, b, ours, theirs, events } = pair().await;
    let payload = bytes(1000);
    ours.send(payload.clone()).await.unwrap();
    wait(theirs.recv()).await.unwrap();
    a.close();
    b.close();
    wait(a.closed()).await;
    wait(b.closed()).await;
    // The connection holds the payload until it is acknowledged or gone.
    drop((a, b, ours, theirs, events));
    until_true("the payload is ours alone", || payload.is_unique()).await;
}

#[tokio::test]
async fn the_example_sends_a_file() {
    let file = bytes(3_000_000);
    let (into, mut out) = tokio::io::duplex(64 * 1024);
    let reading = tokio::spawn(async move {
        let mut read = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut out, &mut read).await.map(|_| read)
    });
    let sent = wait(crate::send_file::transfer("pattern", &file[..], into)).await.unwrap();
    assert_eq!(sent, 3_000_000);
    assert_eq!(wait(reading).await.unwrap().unwrap(), file);
}
