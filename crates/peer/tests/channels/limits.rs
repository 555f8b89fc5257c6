//! Nothing that a remote or a user does makes memory grow without bound.

use std::time::Duration;

use peerless_peer::channel::{DataChannelInit, Message, MessageError};
use peerless_peer::event::Event;
use peerless_peer::state::DataChannelState;

use crate::scene::{ALICE, Adjust, BOB, Scene, Setting};
use crate::talk::{LONG, binary, connected, connected_with};

/// Small buffers, so that they fill up soon.
fn small() -> Setting {
    Setting {
        adjust: |_, config| {
            config.max_message_size = 16_384;
            config.send_buffer = 100_000;
            config.receive_buffer = 100_000;
        },
        ..Setting::default()
    }
}

#[test]
fn a_full_send_buffer_refuses_and_tells_when_there_is_room() {
    let (mut scene, ours, theirs) = connected_with(small(), DataChannelInit::default());
    scene.reach(ALICE, ours, DataChannelState::Open);
    let mut sent = 0;
    let refused = loop {
        match scene.send(ALICE, ours, binary(10_000)) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, MessageError::Full { limit: 100_000, .. }), "{refused:?}");
    assert_eq!(refused.name(), "OperationError");
    assert!((9..=10).contains(&sent), "{sent}: the opening may not be acknowledged yet");
    let free = |event: &Event| *event == Event::SendBufferFree;
    assert!(scene.run_until(LONG, |scene| scene.ends[ALICE].count(free) == 1));
    scene.send(ALICE, ours, binary(10_000)).unwrap();
    assert_eq!(scene.receive(BOB, theirs, sent + 1).len(), sent + 1);
    assert_eq!(scene.ends[ALICE].count(free), 1, "told once, to those who were refused");
}

#[test]
fn messages_that_nobody_reads_hold_the_remote_back() {
    let (mut scene, ours, theirs) = connected_with(small(), DataChannelInit::default());
    scene.reach(ALICE, ours, DataChannelState::Open);
    let mut sent = 0;
    for _ in 0..100 {
        while scene.send(ALICE, ours, binary(10_000)).is_ok() {
            sent += 1;
        }
        scene.run_for(Duration::from_millis(200));
    }
    // The buffers of both, and what is on its way between them.
    assert!((20..=50).contains(&sent), "{sent} messages of 10 kB left, though nobody reads");
    assert_eq!(scene.receive(BOB, theirs, sent).len(), sent, "none of them is lost");
}

#[test]
fn what_arrives_on_an_abandoned_channel_is_dropped_and_holds_nobody_back() {
    let (mut scene, ours, theirs) = connected_with(small(), DataChannelInit::default());
    scene.reach(ALICE, ours, DataChannelState::Open);
    scene.send(ALICE, ours, binary(10_000)).unwrap();
    scene.run_for(Duration::from_secs(1));
    let now = scene.now;
    scene.peer(BOB).abandon_channel(now, theirs);
    let mut sent = 0;
    for _ in 0..100 {
        while scene.send(ALICE, ours, binary(10_000)).is_ok() {
            sent += 1;
        }
        scene.run_for(Duration::from_millis(200));
    }
    assert!(sent > 200, "{sent}");
    assert_eq!(scene.read(BOB, theirs), []);
    scene.close_channel(ALICE, ours);
    scene.reach(ALICE, ours, DataChannelState::Closed);
    assert!(scene.run_until(LONG, |scene| scene.ends[BOB].peer.channel(theirs).is_none()));
}

#[test]
fn a_remote_that_opens_without_end_is_refused_beyond_the_limit() {
    let (mut scene, ..) = connected();
    let many: Vec<_> = (0..4200)
        .map(|number| scene.create(ALICE, &number.to_string(), DataChannelInit::default()))
        .collect();
    let is_settled = |scene: &crate::scene::Scene| {
        many.iter().skip(4095).all(|&id| scene.state(ALICE, id) == DataChannelState::Closed)
    };
    assert!(scene.run_until(LONG, is_settled));
    let opened = scene.ends[BOB].count(|event| matches!(event, Event::DataChannel(_)));
    assert_eq!(opened, 4096, "the first one is among them");
    assert_eq!(scene.state(ALICE, many[4094]), DataChannelState::Open);
    // Where one has gone there is room for another.
    scene.close_channel(ALICE, many[0]);
    scene.reach(ALICE, many[0], DataChannelState::Closed);
    scene.create(ALICE, "one more", DataChannelInit::default());
    scene.opened(BOB, "one more");
}

#[test]
fn names_beyond_the_limit_are_refused() {
    let (mut scene, ..) = connected();
    let label = "x".repeat(65_535);
    let many: Vec<_> = (0..70).map(|_| scene.create(ALICE, &label, DataChannelInit::default())).collect();
    let closed = |scene: &crate::scene::Scene| {
        many.iter().filter(|&&id| scene.state(ALICE, id) == DataChannelState::Closed).count()
    };
    let opened =
        |scene: &crate::scene::Scene| scene.ends[BOB].count(|event| matches!(event, Event::DataChannel(_)));
    assert!(scene.run_until(LONG, |scene| closed(scene) == 6), "{}", closed(&scene));
    assert_eq!(opened(&scene), 65, "4 MiB of names");
}

#[test]
fn one_channel_that_nobody_reads_leaves_the_small_talk_of_others_alone() {
    let (mut scene, ours, _) = connected();
    scene.reach(ALICE, ours, DataChannelState::Open);
    let other = scene.create(ALICE, "other", DataChannelInit::default());
    let theirs = scene.opened(BOB, "other");
    for _ in 0..10 {
        scene.send(ALICE, ours, binary(10_000)).unwrap();
    }
    scene.send(ALICE, other, Message::from("hello")).unwrap();
    assert_eq!(scene.receive(BOB, theirs, 1), [Message::from("hello")]);
}

#[test]
fn long_messages_on_many_channels_at_once_all_arrive() {
    let (mut scene, ..) = connected();
    let ours: Vec<_> =
        (0..62).map(|number| scene.create(ALICE, &number.to_string(), DataChannelInit::default())).collect();
    let theirs: Vec<_> = (0..62).map(|number| scene.opened(BOB, &number.to_string())).collect();
    // Their pieces may travel between each other: together they fill the send buffer, and the other side's room.
    for &channel in &ours {
        scene.send(ALICE, channel, binary(262_144)).unwrap();
    }
    for &channel in &theirs {
        assert!(scene.receive(BOB, channel, 1)[0] == binary(262_144));
    }
}

#[test]
fn buffers_and_sizes_that_cannot_be_kept_are_refused() {
    let refused = |change: fn(&mut peerless_peer::config::Config)| {
        let mut config = crate::scene::config(1, ALICE);
        change(&mut config);
        let error = peerless_peer::Peer::new(config).err();
        assert!(matches!(error, Some(peerless_peer::error::Error::Argument(_))));
    };
    refused(|config| config.send_buffer = 0);
    refused(|config| config.receive_buffer = 4095);
    refused(|config| config.receive_buffer = (1 << 30) + 1);
    refused(|config| config.max_message_size = 0);
    refused(|config| config.max_message_size = config.receive_buffer / 2 + 1);
}

/// The largest datagram that each side sends, where descriptions lose the lines that have a word.
fn largest_datagrams(word: Option<&'static str>, adjust: Adjust) -> [usize; 2] {
    let mut scene = Scene::with(Setting { adjust, ..Setting::default() });
    scene.loses_lines_with = word;
    let ours = scene.create(ALICE, "first", DataChannelInit::default());
    scene.negotiate(ALICE);
    let theirs = scene.opened(BOB, "first");
    scene.reach(ALICE, ours, DataChannelState::Open);
    for (from, from_id, to, to_id) in [(ALICE, ours, BOB, theirs), (BOB, theirs, ALICE, ours)] {
        for _ in 0..40 {
            scene.send(from, from_id, binary(100_000)).unwrap();
        }
        assert_eq!(scene.receive(to, to_id, 40).len(), 40);
    }
    [ALICE, BOB].map(|side| scene.ends[side].largest_datagram)
}

#[test]
fn packets_grow_as_far_as_the_remote_says_that_it_takes_them() {
    let large = largest_datagrams(None, |_, _| {});
    assert!(large.iter().all(|size| (16_384..16_500).contains(size)), "{large:?}");
    let mixed = largest_datagrams(None, |side, config| {
        if side == BOB {
            config.max_packet_size = 3000;
        }
    });
    assert!(mixed.iter().all(|size| (2900..3100).contains(size)), "{mixed:?}");
    let unsaid = largest_datagrams(Some("x-max-packet-size"), |_, _| {});
    assert!(unsaid.iter().all(|size| (1400..1500).contains(size)), "{unsaid:?}");
}
