//! How channels begin: ids, roles, both sides at once, and what is negotiated for them.

use peerless_peer::channel::{ChannelError, DataChannelInit, Message, MessageError, NAME_LIMIT};
use peerless_peer::error::Error;
use peerless_peer::event::Event;
use peerless_peer::state::{ConnectionState, DataChannelState, MediaKind, SctpState};

use crate::scene::{ALICE, BOB, Scene};
use crate::talk::{LONG, connected, init};

#[test]
fn the_first_channel_needs_a_negotiation_and_further_ones_do_not() {
    let needed = |scene: &Scene| scene.ends[ALICE].count(|event| *event == Event::NegotiationNeeded);
    let mut scene = Scene::new();
    scene.create(ALICE, "first", DataChannelInit::default());
    scene.create(ALICE, "second", DataChannelInit::default());
    scene.drain();
    assert_eq!(needed(&scene), 1);
    scene.negotiate(ALICE);
    scene.opened(BOB, "second");
    scene.create(ALICE, "third", DataChannelInit::default());
    scene.opened(BOB, "third");
    assert_eq!(needed(&scene), 1);
    assert_eq!(scene.peer(ALICE).connection_state(), ConnectionState::Connected);
}

#[test]
fn channels_come_to_a_connection_with_media_and_media_to_one_with_channels() {
    let mut scene = Scene::call();
    scene.ends[ALICE].events.clear();
    let ours = scene.create(ALICE, "later", DataChannelInit::default());
    scene.drain();
    assert_eq!(scene.ends[ALICE].count(|event| *event == Event::NegotiationNeeded), 1);
    scene.negotiate(ALICE);
    let theirs = scene.opened(BOB, "later");
    scene.send(ALICE, ours, Message::from("hi")).unwrap();
    assert_eq!(scene.receive(BOB, theirs, 1), [Message::from("hi")]);

    let (mut scene, ours, theirs) = connected();
    scene.add_source(BOB, MediaKind::Audio);
    scene.negotiate(BOB);
    assert!(scene.run_until(LONG, |scene| scene.ends[ALICE].arrivals.sounds > 10));
    scene.send(ALICE, ours, Message::from("still here")).unwrap();
    assert_eq!(scene.receive(BOB, theirs, 1), [Message::from("still here")]);
}

#[test]
fn the_side_that_is_dtls_client_takes_even_ids_and_the_other_odd_ones() {
    // Alice offers actpass, Bob answers active: he is the client.
    let mut scene = Scene::new();
    let alices: Vec<_> = (0..3).map(|n| scene.create(ALICE, &format!("a{n}"), init(|_| {}))).collect();
    let bobs: Vec<_> = (0..3).map(|n| scene.create(BOB, &format!("b{n}"), init(|_| {}))).collect();
    assert_eq!(scene.peer(ALICE).channel(alices[0]).unwrap().id, None, "not before the roles are known");
    scene.negotiate(ALICE);
    scene.opened(BOB, "a2");
    scene.opened(ALICE, "b2");
    let ids = |scene: &Scene, side: usize, channels: &[_]| -> Vec<_> {
        channels.iter().map(|&id| scene.ends[side].peer.channel(id).unwrap().id).collect()
    };
    assert_eq!(ids(&scene, ALICE, &alices), [Some(1), Some(3), Some(5)]);
    assert_eq!(ids(&scene, BOB, &bobs), [Some(0), Some(2), Some(4)]);
    let at_bob = scene.find(BOB, "a1").unwrap();
    assert_eq!(scene.peer(BOB).channel(at_bob).unwrap().id, Some(3));
}

#[test]
fn events_come_in_the_order_of_the_standard() {
    let (scene, ours, theirs) = connected();
    let place =
        |side: usize, wanted: &Event| scene.ends[side].events.iter().position(|event| event == wanted);
    let connected = Event::SctpState(SctpState::Connected);
    assert!(place(ALICE, &connected) < place(ALICE, &Event::ChannelState(ours, DataChannelState::Open)));
    assert!(place(BOB, &connected) < place(BOB, &Event::DataChannel(theirs)));
    let open = Event::ChannelState(theirs, DataChannelState::Open);
    assert!(place(BOB, &Event::DataChannel(theirs)) < place(BOB, &open));
    assert_eq!(scene.ends[ALICE].count(|event| matches!(event, Event::DataChannel(_))), 0);
}

#[test]
fn negotiated_channels_open_by_themselves() {
    let mut scene = Scene::new();
    let both = || init(|init| (init.negotiated, init.id, init.ordered) = (true, Some(40), false));
    let (ours, theirs) = (scene.create(ALICE, "mine", both()), scene.create(BOB, "yours", both()));
    scene.negotiate(ALICE);
    scene.reach(ALICE, ours, DataChannelState::Open);
    scene.reach(BOB, theirs, DataChannelState::Open);
    scene.send(ALICE, ours, Message::from("there")).unwrap();
    scene.send(BOB, theirs, Message::from("back")).unwrap();
    assert_eq!(scene.receive(BOB, theirs, 1), [Message::from("there")]);
    assert_eq!(scene.receive(ALICE, ours, 1), [Message::from("back")]);
    assert_eq!(scene.ends[BOB].count(|event| matches!(event, Event::DataChannel(_))), 0);
    // The id is taken, for channels of either kind.
    let now = scene.now;
    let again = scene.peer(ALICE).create_data_channel(now, "again", both()).unwrap_err();
    assert!(matches!(again, Error::ChannelIdUnavailable(40)));
    assert_eq!(again.name(), "OperationError");
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let mut scene = Scene::new();
    let now = scene.now;
    let mut refused =
        |label: &str, init: DataChannelInit| match scene.peer(ALICE).create_data_channel(now, label, init) {
            Err(error @ Error::Argument(_)) => assert_eq!(error.name(), "TypeError"),
            other => panic!("{other:?}"),
        };
    let long = "x".repeat(NAME_LIMIT + 1);
    refused(&long, init(|_| {}));
    refused("", init(|init| init.protocol = long.clone()));
    refused("", init(|init| init.negotiated = true));
    refused("", init(|init| init.id = Some(1)));
    refused("", init(|init| (init.negotiated, init.id) = (true, Some(65_535))));
    let life = std::time::Duration::from_millis(1);
    refused("", init(|init| (init.max_packet_life_time, init.max_retransmits) = (Some(life), Some(1))));
    refused("", init(|init| init.max_packet_life_time = Some(life / 2)));
    refused("", init(|init| init.max_packet_life_time = Some(life * 65_536)));
    // At the limits they are taken.
    scene.create(ALICE, &long[1..], init(|init| init.protocol = long[1..].to_owned()));
    scene.create(ALICE, "", init(|init| (init.negotiated, init.id) = (true, Some(65_534))));
}

#[test]
fn the_longest_names_arrive() {
    let (mut scene, ..) = connected();
    let label = "å".repeat(NAME_LIMIT / 2);
    scene.create(BOB, &label, init(|init| init.protocol = label.clone()));
    let theirs = scene.opened(ALICE, &label);
    assert_eq!(scene.peer(ALICE).channel(theirs).unwrap().protocol, label);
}

#[test]
fn a_channel_takes_no_message_before_it_is_open() {
    let mut scene = Scene::new();
    let ours = scene.create(ALICE, "early", DataChannelInit::default());
    let refused = MessageError::NotOpen { state: DataChannelState::Connecting };
    assert_eq!(scene.send(ALICE, ours, Message::from("x")), Err(refused));
    assert_eq!(refused.name(), "InvalidStateError");
}

#[test]
fn a_remote_without_data_channels_ends_those_that_were_made() {
    let mut scene = Scene::new();
    scene.add_source(ALICE, MediaKind::Audio);
    let ours = scene.create(ALICE, "nobody there", DataChannelInit::default());
    let now = scene.now;
    scene.peer(ALICE).set_local_description(now, None).unwrap();
    let mut offer = scene.peer(ALICE).local_description().unwrap();
    offer.sdp = offer.sdp.replace("UDP/DTLS/SCTP", "UDP/SCTP");
    scene.peer(BOB).set_remote_description(now, offer).unwrap();
    scene.peer(BOB).set_local_description(now, None).unwrap();
    let mut answer = scene.peer(BOB).local_description().unwrap();
    answer.sdp = answer.sdp.replace("UDP/SCTP", "UDP/DTLS/SCTP");
    scene.peer(ALICE).set_remote_description(now, answer).unwrap();
    scene.drain();
    assert_eq!(scene.state(ALICE, ours), DataChannelState::Closed);
    assert_eq!(scene.errors(ALICE, ours), [ChannelError::Refused]);
    assert!(scene.peer(ALICE).sctp().is_none());
}
