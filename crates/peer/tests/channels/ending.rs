//! How channels end: closed by either side, by both, with the connection; and what is left to read then.

use std::time::Duration;

use peerless_netsim::{Link, Loss};
use peerless_peer::channel::{ChannelError, DataChannelInit, Message, MessageError};
use peerless_peer::error::Error;
use peerless_peer::state::{ConnectionState, DataChannelState, SctpState};

use crate::scene::{ALICE, BOB, Scene, Setting, delay};
use crate::talk::{LONG, binary, connected, connected_with, init};

use DataChannelState::{Closed, Closing, Open};

#[test]
fn what_was_sent_before_closing_arrives_and_both_sides_see_the_end() {
    let (mut scene, ours, theirs) = connected();
    scene.reach(ALICE, ours, Open);
    for _ in 0..20 {
        scene.send(ALICE, ours, binary(100_000)).unwrap();
    }
    scene.close_channel(ALICE, ours);
    assert_eq!(scene.state(ALICE, ours), Closing);
    let refused = MessageError::NotOpen { state: Closing };
    assert_eq!(scene.send(ALICE, ours, Message::from("late")), Err(refused));
    let messages = scene.receive(BOB, theirs, 20);
    assert!(messages.iter().all(|message| *message == binary(100_000)));
    scene.reach(ALICE, ours, Closed);
    scene.reach(BOB, theirs, Closed);
    assert_eq!(scene.told(ALICE, ours), [Open, Closing, Closed]);
    assert_eq!(scene.told(BOB, theirs), [Open, Closing, Closed]);
    assert!(scene.errors(ALICE, ours).is_empty() && scene.errors(BOB, theirs).is_empty());
}

#[test]
fn the_remote_side_still_delivers_what_it_had_taken() {
    let (mut scene, ours, theirs) = connected();
    scene.reach(ALICE, ours, Open);
    for _ in 0..20 {
        scene.send(BOB, theirs, binary(100_000)).unwrap();
    }
    scene.close_channel(ALICE, ours);
    assert_eq!(scene.receive(ALICE, ours, 20).len(), 20);
    scene.reach(BOB, theirs, Closed);
    scene.reach(ALICE, ours, Closed);
}

#[test]
fn what_arrived_is_read_after_the_end() {
    let (mut scene, ours, theirs) = connected();
    scene.reach(ALICE, ours, Open);
    scene.send(ALICE, ours, Message::from("one")).unwrap();
    scene.send(ALICE, ours, Message::from("two")).unwrap();
    scene.close_channel(ALICE, ours);
    scene.reach(BOB, theirs, Closed);
    assert!(scene.peer(BOB).channel(theirs).is_some());
    assert_eq!(scene.read(BOB, theirs), [Message::from("one"), Message::from("two")]);
    assert!(scene.peer(BOB).channel(theirs).is_none(), "read to its end it is forgotten");
}

#[test]
fn both_sides_may_close_at_once() {
    let (mut scene, ours, theirs) = connected();
    scene.reach(ALICE, ours, Open);
    scene.close_channel(ALICE, ours);
    scene.close_channel(BOB, theirs);
    scene.close_channel(BOB, theirs);
    scene.reach(ALICE, ours, Closed);
    scene.reach(BOB, theirs, Closed);
    assert_eq!(scene.told(ALICE, ours), [Open, Closing, Closed]);
    assert_eq!(scene.told(BOB, theirs), [Open, Closing, Closed]);
}

#[test]
fn two_hundred_times_closed_and_opened_again_an_id_is_used_again() {
    let link = Link { loss: Loss::Random(0.02), ..delay(5) };
    for opener in [ALICE, BOB] {
        let setting = Setting { link, ..Setting::default() };
        let (mut scene, ..) = connected_with(setting, DataChannelInit::default());
        let mut highest = 0;
        for round in 0..200 {
            let label = format!("round {round}");
            let ours = scene.create(opener, &label, DataChannelInit::default());
            let theirs = scene.opened(1 - opener, &label);
            scene.send(opener, ours, Message::from(label.as_str())).unwrap();
            assert_eq!(scene.receive(1 - opener, theirs, 1), [Message::from(label.as_str())]);
            highest = highest.max(scene.peer(opener).channel(ours).unwrap().id.unwrap());
            let closer = if round % 2 == 0 { opener } else { 1 - opener };
            scene.close_channel(closer, if closer == opener { ours } else { theirs });
            scene.reach(opener, ours, Closed);
            scene.reach(1 - opener, theirs, Closed);
        }
        assert!(highest <= 3, "ids are used again: {highest}");
        let stats = scene.peer(opener).stats().data;
        assert_eq!((stats.opened, stats.closed, stats.channels.len()), (201, 200, 1));
    }
}

#[test]
fn a_negotiated_id_is_free_again_after_the_end() {
    let (mut scene, ..) = connected();
    let both = || init(|init| (init.negotiated, init.id) = (true, Some(7)));
    for round in 0..3 {
        let (ours, theirs) = (scene.create(ALICE, "n", both()), scene.create(BOB, "n", both()));
        scene.send(BOB, theirs, Message::from(round.to_string())).unwrap();
        assert_eq!(scene.receive(ALICE, ours, 1), [Message::from(round.to_string())]);
        scene.close_channel(ALICE, ours);
        let now = scene.now;
        let early = scene.peer(ALICE).create_data_channel(now, "n", both());
        assert!(matches!(early, Err(Error::ChannelIdUnavailable(7))), "not before both sides are done");
        scene.reach(ALICE, ours, Closed);
        scene.reach(BOB, theirs, Closed);
    }
}

#[test]
fn a_channel_closed_before_it_could_open_is_closed_at_once() {
    let mut scene = Scene::new();
    let ours = scene.create(ALICE, "never", DataChannelInit::default());
    scene.close_channel(ALICE, ours);
    scene.drain();
    assert_eq!(scene.told(ALICE, ours), [Closed]);
    scene.create(ALICE, "other", DataChannelInit::default());
    scene.negotiate(ALICE);
    scene.opened(BOB, "other");
    assert!(scene.find(BOB, "never").is_none());
}

#[test]
fn closing_the_connection_ends_its_channels_and_what_arrived_stays() {
    let (mut scene, ours, theirs) = connected();
    scene.reach(ALICE, ours, Open);
    for number in 0..5 {
        scene.send(ALICE, ours, binary(number * 1000)).unwrap();
    }
    // All of it is acknowledged.
    scene.run_for(Duration::from_secs(1));
    let now = scene.now;
    scene.peer(ALICE).close(now);
    assert_eq!(scene.state(ALICE, ours), Closed);
    scene.reach(BOB, theirs, Closed);
    assert_eq!(scene.errors(BOB, theirs), [], "a user's wish is no error");
    assert_eq!(scene.peer(BOB).sctp().unwrap().state, SctpState::Closed);
    let sizes: Vec<_> = scene.read(BOB, theirs).iter().map(Message::len).collect();
    assert_eq!(sizes, [0, 1000, 2000, 3000, 4000]);
}

#[test]
fn closing_ones_own_side_leaves_what_arrived_to_be_read() {
    let (mut scene, ours, theirs) = connected();
    scene.reach(ALICE, ours, Open);
    for _ in 0..50 {
        scene.send(ALICE, ours, binary(10_000)).unwrap();
    }
    scene.run_for(Duration::from_secs(2));
    let now = scene.now;
    scene.peer(BOB).close(now);
    assert_eq!(scene.read(BOB, theirs).len(), 50);
    assert!(scene.peer(BOB).channel(theirs).is_none());
}

#[test]
fn channels_live_through_a_lost_path() {
    let (mut scene, ours, theirs) = connected();
    scene.reach(ALICE, ours, Open);
    scene.network.set_default_link(Link::cut());
    scene.send(ALICE, ours, Message::from("anyone?")).unwrap();
    scene.run_for(Duration::from_secs(15));
    scene.network.set_default_link(delay(20));
    assert_eq!(scene.receive(BOB, theirs, 1), [Message::from("anyone?")]);
    // Also where ICE gives up: the channels wait for another path, as long as the connection is open.
    scene.network.set_default_link(Link::cut());
    scene.send(ALICE, ours, Message::from("anyone?")).unwrap();
    assert!(scene.run_until(LONG * 2, |scene| {
        scene.ends[ALICE].peer.connection_state() == ConnectionState::Failed
    }));
    scene.run_for(LONG * 5);
    assert_eq!(scene.state(ALICE, ours), Open);
}

#[test]
fn an_association_that_fails_ends_its_channels_with_an_error() {
    let mut scene = Scene::with(Setting {
        adjust: |side, config| config.max_message_size = if side == BOB { 1000 } else { 262_144 },
        ..Setting::default()
    });
    let ours = scene.create(ALICE, "first", DataChannelInit::default());
    let now = scene.now;
    scene.peer(ALICE).set_local_description(now, None).unwrap();
    let offer = scene.peer(ALICE).local_description().unwrap();
    scene.peer(BOB).set_remote_description(now, offer).unwrap();
    scene.peer(BOB).set_local_description(now, None).unwrap();
    let mut answer = scene.peer(BOB).local_description().unwrap();
    // Bob promises more than he takes.
    answer.sdp = answer.sdp.replace("max-message-size:1000", "max-message-size:0");
    scene.peer(ALICE).set_remote_description(now, answer).unwrap();
    let theirs = scene.opened(BOB, "first");
    scene.send(ALICE, ours, binary(500)).unwrap();
    scene.send(ALICE, ours, binary(5000)).unwrap();
    scene.reach(ALICE, ours, Closed);
    assert!(matches!(&scene.errors(ALICE, ours)[..], [ChannelError::Sctp(_)]));
    assert!(matches!(&scene.errors(BOB, theirs)[..], [ChannelError::Sctp(_)]));
    assert_eq!(scene.told(BOB, theirs), [Open, Closed]);
    assert_eq!(scene.read(BOB, theirs), [binary(500)], "what came before is there");
    // New ones on this connection end the same way; the connection itself goes on.
    let late = scene.create(ALICE, "late", DataChannelInit::default());
    scene.drain();
    assert_eq!((scene.state(ALICE, late), scene.errors(ALICE, late).len()), (Closed, 1));
    assert_eq!(scene.peer(ALICE).connection_state(), ConnectionState::Connected);
}
