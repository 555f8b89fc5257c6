//! Messages of every kind and size arrive as they were sent.

use std::time::Duration;

use peerless_netsim::{Link, Loss};
use peerless_peer::channel::{DataChannelInit, Message, MessageError, Priority};
use peerless_peer::event::Event;
use peerless_peer::state::{DataChannelState, MediaKind};

use crate::scene::{ALICE, BOB, Scene, Setting, delay};
use crate::talk::{LONG, binary, connected, connected_with, init};

#[test]
fn text_and_bytes_go_both_ways() {
    let (mut scene, ours, theirs) = connected();
    scene.reach(ALICE, ours, DataChannelState::Open);
    scene.send(ALICE, ours, Message::from("¿qué?")).unwrap();
    scene.send(ALICE, ours, Message::from(vec![0, 255])).unwrap();
    scene.send(BOB, theirs, Message::from("ok")).unwrap();
    assert_eq!(scene.receive(BOB, theirs, 2), [Message::from("¿qué?"), Message::from(vec![0, 255])]);
    assert_eq!(scene.receive(ALICE, ours, 1), [Message::from("ok")]);
}

#[test]
fn empty_messages_are_messages() {
    let (mut scene, ours, theirs) = connected();
    scene.reach(ALICE, ours, DataChannelState::Open);
    for message in [Message::from(""), Message::from(vec![]), Message::from("x")] {
        scene.send(ALICE, ours, message).unwrap();
    }
    assert_eq!(scene.receive(BOB, theirs, 3), [Message::from(""), Message::from(vec![]), Message::from("x")]);
}

#[test]
fn messages_of_all_sizes_arrive_whole_in_order() {
    let (mut scene, ours, theirs) = connected();
    scene.reach(ALICE, ours, DataChannelState::Open);
    let sizes = [0, 1, 2, 3, 4, 5, 1000, 1160, 1200, 1201, 4096, 16_384, 65_535, 65_536, 262_143, 262_144];
    for size in sizes {
        scene.send(ALICE, ours, binary(size)).unwrap();
    }
    let messages = scene.receive(BOB, theirs, sizes.len());
    for (message, size) in messages.iter().zip(sizes) {
        assert!(*message == binary(size), "{size} bytes");
    }
}

#[test]
fn every_kind_of_channel_is_the_same_on_both_sides_whoever_opens_it() {
    for opener in [ALICE, BOB] {
        let (mut scene, ..) = connected();
        for ordered in [true, false] {
            for (life, retransmits) in
                [(None, None), (Some(Duration::from_millis(300)), None), (None, Some(2))]
            {
                let label = format!("{ordered} {life:?} {retransmits:?}");
                let wanted = init(|init| {
                    (init.ordered, init.max_packet_life_time) = (ordered, life);
                    init.max_retransmits = retransmits;
                    init.protocol = "chat".into();
                    init.priority = Priority::HIGH;
                });
                let ours = scene.create(opener, &label, wanted);
                let theirs = scene.opened(1 - opener, &label);
                let (mine, yours) =
                    (scene.peer(opener).channel(ours), scene.peer(1 - opener).channel(theirs));
                assert_eq!(mine, yours);
                scene.send(opener, ours, Message::from("there")).unwrap();
                scene.send(1 - opener, theirs, Message::from("back")).unwrap();
                assert_eq!(scene.receive(1 - opener, theirs, 1), [Message::from("there")]);
                assert_eq!(scene.receive(opener, ours, 1), [Message::from("back")]);
            }
        }
    }
}

#[test]
fn what_is_sent_before_the_remote_has_answered_comes_after_the_opening() {
    // A channel without order could be overtaken by its first messages: until the remote answers it keeps order.
    let link = Link { jitter: Duration::from_millis(30), ..delay(20) };
    for seed in 0..20 {
        let setting = Setting { seed, link, ..Setting::default() };
        let (mut scene, ..) = connected_with(setting, DataChannelInit::default());
        let ours = scene.create(ALICE, "quick", init(|init| init.ordered = false));
        assert_eq!(scene.state(ALICE, ours), DataChannelState::Open, "data may follow the opening at once");
        for number in 0..20u8 {
            scene.send(ALICE, ours, binary(900 + usize::from(number))).unwrap();
        }
        let theirs = scene.opened(BOB, "quick");
        let mut lengths: Vec<_> = scene.receive(BOB, theirs, 20).iter().map(Message::len).collect();
        lengths.sort_unstable();
        assert_eq!(lengths, (900..920).collect::<Vec<_>>());
    }
}

#[test]
fn the_amount_buffered_is_what_has_not_left_yet() {
    let (mut scene, ours, theirs) = connected();
    scene.reach(ALICE, ours, DataChannelState::Open);
    let fresh = scene.create(ALICE, "fresh", DataChannelInit::default());
    assert_eq!(scene.peer(ALICE).buffered_amount(fresh), 0, "its opening is nothing the user sent");
    scene.send(ALICE, fresh, binary(1000)).unwrap();
    scene.send(ALICE, ours, Message::from("é")).unwrap();
    assert_eq!(scene.peer(ALICE).buffered_amount(fresh), 1000);
    assert_eq!(scene.peer(ALICE).buffered_amount(ours), 2, "text counts as UTF-8");
    scene.run_for(Duration::from_secs(1));
    assert_eq!(scene.peer(ALICE).buffered_amount(fresh), 0);
    assert_eq!(scene.peer(ALICE).buffered_amount(ours), 0);
    let low = |event: &Event| matches!(event, Event::BufferedAmountLow(_));
    assert_eq!(scene.ends[ALICE].count(low), 2, "each fell to its threshold of 0 once");
    assert_eq!(scene.read(BOB, theirs), [Message::from("é")]);
}

#[test]
fn falling_to_the_threshold_is_told_once_each_time() {
    let (mut scene, ours, theirs) = connected();
    scene.reach(ALICE, ours, DataChannelState::Open);
    scene.peer(ALICE).set_buffered_amount_low_threshold(ours, 50_000);
    let low = |event: &Event| matches!(event, Event::BufferedAmountLow(id) if *id == ours);
    for round in 1..=3 {
        for _ in 0..4 {
            scene.send(ALICE, ours, binary(100_000)).unwrap();
        }
        assert!(scene.run_until(LONG, |scene| scene.ends[ALICE].count(low) == round));
        assert!(scene.peer(ALICE).buffered_amount(ours) <= 50_000);
        scene.receive(BOB, theirs, 4);
        assert_eq!(scene.ends[ALICE].count(low), round);
    }
}

#[test]
fn a_message_longer_than_the_remote_takes_is_refused() {
    let setting = Setting {
        adjust: |side, config| config.max_message_size = if side == BOB { 1000 } else { 2000 },
        ..Setting::default()
    };
    let (mut scene, ours, theirs) = connected_with(setting, DataChannelInit::default());
    scene.reach(ALICE, ours, DataChannelState::Open);
    assert_eq!(scene.peer(ALICE).sctp().unwrap().max_message_size, 1000);
    let refused = MessageError::TooLarge { len: 1001, limit: 1000 };
    assert_eq!(scene.send(ALICE, ours, binary(1001)), Err(refused));
    assert_eq!(refused.name(), "TypeError");
    scene.send(ALICE, ours, binary(1000)).unwrap();
    scene.send(BOB, theirs, binary(2000)).unwrap();
    assert_eq!(scene.receive(BOB, theirs, 1), [binary(1000)]);
    assert_eq!(scene.receive(ALICE, ours, 1), [binary(2000)]);
}

#[test]
fn nothing_reliable_is_lost_in_bad_weather() {
    let link = Link { loss: Loss::Random(0.05), jitter: Duration::from_millis(10), ..delay(30) };
    for (seed, ordered) in [(1, true), (2, false), (3, true), (4, false)] {
        let setting = Setting { seed, link, ..Setting::default() };
        let (mut scene, ours, theirs) = connected_with(setting, init(|init| init.ordered = ordered));
        scene.reach(ALICE, ours, DataChannelState::Open);
        for number in 0..200 {
            scene.send(ALICE, ours, binary(number * 37)).unwrap();
            scene.send(BOB, theirs, Message::from(number.to_string())).unwrap();
        }
        let (mut there, mut back) = (scene.receive(BOB, theirs, 200), scene.receive(ALICE, ours, 200));
        if !ordered {
            there.sort_by_key(Message::len);
            back.sort_by_key(|message| message.as_text().and_then(|text| text.parse::<u32>().ok()));
        }
        for number in 0..200 {
            assert!(there[number] == binary(number * 37), "seed {seed}");
            assert_eq!(back[number].as_text(), Some(number.to_string().as_str()), "seed {seed}");
        }
    }
}

#[test]
fn media_and_channels_share_the_transport() {
    let mut scene = Scene::new();
    scene.add_all_sources();
    let ours = scene.create(ALICE, "beside", DataChannelInit::default());
    let theirs = scene.create(BOB, "glare", DataChannelInit::default());
    scene.negotiate(ALICE);
    let (at_bob, at_alice) = (scene.opened(BOB, "beside"), scene.opened(ALICE, "glare"));
    for _ in 0..10 {
        scene.send(ALICE, ours, binary(50_000)).unwrap();
        scene.send(BOB, theirs, binary(50_000)).unwrap();
    }
    assert_eq!(scene.receive(BOB, at_bob, 10).len(), 10);
    assert_eq!(scene.receive(ALICE, at_alice, 10).len(), 10);
    assert!(scene.run_until(LONG, |scene| scene.has_frames(20, 20)));
    let stats = scene.peer(ALICE).stats();
    assert!(stats.transceivers.iter().any(|one| one.kind == MediaKind::Video));
    assert_eq!((stats.data.opened, stats.data.closed), (2, 0));
    let counts = stats.data.channels[0].counts;
    assert_eq!((counts.messages_sent, counts.bytes_sent), (10, 500_000));
    let counts = stats.data.channels[1].counts;
    assert_eq!((counts.messages_received, counts.bytes_received), (10, 500_000));
    assert!(stats.data.association.unwrap().round_trip_time.unwrap() >= Duration::from_millis(40));
}

#[test]
fn a_reader_is_told_once_of_many_messages() {
    let (mut scene, ours, theirs) = connected();
    scene.reach(ALICE, ours, DataChannelState::Open);
    let arrived = |event: &Event| *event == Event::MessageArrived(theirs);
    for round in 1..=3 {
        for number in 0..50 {
            scene.send(ALICE, ours, Message::from(number.to_string())).unwrap();
        }
        scene.run_for(Duration::from_secs(1));
        assert_eq!(scene.ends[BOB].count(arrived), round);
        assert_eq!(scene.read(BOB, theirs).len(), 50);
    }
}

#[test]
fn channels_share_the_way_by_their_priorities() {
    let (mut scene, ..) = connected();
    let [low, high] = [Priority::VERY_LOW, Priority::HIGH].map(|priority| {
        let label = format!("{priority:?}");
        let ours = scene.create(ALICE, &label, init(|init| init.priority = priority));
        (ours, scene.opened(BOB, &label))
    });
    for _ in 0..100 {
        scene.send(ALICE, low.0, binary(16_384)).unwrap();
        scene.send(ALICE, high.0, binary(16_384)).unwrap();
    }
    let received = |scene: &Scene, id| {
        let channels = scene.ends[BOB].peer.stats().data.channels;
        channels.iter().find(|one| one.id == id).map_or(0, |one| one.counts.messages_received)
    };
    assert!(scene.run_until(LONG, |scene| received(scene, high.1) >= 80));
    // Eight to one; packets on their way blur it a little.
    let others = received(&scene, low.1);
    assert!((5..=20).contains(&others), "{others} of low priority beside 80 of high");
    assert_eq!(scene.receive(BOB, low.1, 100).len(), 100);
}
