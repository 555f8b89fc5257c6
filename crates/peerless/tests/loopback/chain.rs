//! Calls from several tasks at once, and what is told of them: the operations chain of webrtc-pc §4.4.1.2, whose promises
//! are calls under one lock here.

use futures_util::FutureExt;
use peerless::{
    DataChannelInit, Direction, Event, LocalTrack, MediaKind, SdpType, SessionDescription, SignalingState,
};

use crate::stage::{connection, negotiate, trickle};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_of_several_tasks_never_interleave_half_done() {
    let connection = connection();
    connection.add_transceiver(MediaKind::Audio, Direction::SendRecv).unwrap();
    let mut events = connection.events();
    let mut tasks = Vec::new();
    for task in 0..8 {
        let connection = connection.clone();
        tasks.push(tokio::spawn(async move {
            let (mut set, mut rolled_back) = (0, 0);
            for round in 0..50 {
                match (task + round) % 4 {
                    0 => drop(connection.add_transceiver(MediaKind::Video, Direction::RecvOnly)),
                    1 => {
                        // Another task may have made an offer in between, which this one is not any more.
                        let offer = connection.create_offer().unwrap();
                        match connection.set_local_description(offer.clone()) {
                            Ok(()) => set += 1,
                            Err(error) => assert_eq!(error.name(), "InvalidModificationError"),
                        }
                    }
                    2 => {
                        connection.set_local_description(None).unwrap();
                        set += 1;
                    }
                    _ => {
                        let rollback = SessionDescription { kind: SdpType::Rollback, sdp: String::new() };
                        match connection.set_local_description(rollback) {
                            Ok(()) => rolled_back += 1,
                            Err(error) => assert_eq!(error.name(), "InvalidStateError"),
                        }
                    }
                }
                tokio::task::yield_now().await;
            }
            (set, rolled_back)
        }));
    }
    let (mut set, mut rolled_back) = (0, 0);
    for task in tasks {
        let counts = task.await.unwrap();
        (set, rolled_back) = (set + counts.0, rolled_back + counts.1);
    }
    assert!(set > 50 && rolled_back > 10, "{set} {rolled_back}");
    // Each change of state was told, and each led from the one before.
    let (mut state, mut changes) = (SignalingState::Stable, 0);
    while let Some(Some(event)) = events.next().now_or_never() {
        if let Event::SignalingState(next) = event {
            assert_ne!(next, state);
            (state, changes) = (next, changes + 1);
        }
    }
    assert_eq!(state, connection.signaling_state());
    assert_eq!(changes / 2, rolled_back, "an offer, and its rollback, each time");
    assert_eq!(connection.pending_local_description().is_some(), state == SignalingState::HaveLocalOffer);
    assert!(connection.current_local_description().is_none());
}

#[tokio::test]
async fn many_calls_in_a_row_need_one_negotiation_and_only_in_the_stable_state() {
    let (a, b) = (connection(), connection());
    trickle(&a, &b);
    trickle(&b, &a);
    let mut events = a.events();
    let mut needed = || {
        std::iter::from_fn(|| events.next().now_or_never().flatten())
            .filter(|event| matches!(event, Event::NegotiationNeeded))
            .count()
    };
    for number in 0..5 {
        a.add_track(&LocalTrack::new(MediaKind::Audio, format!("{number}"), "stream")).unwrap();
        a.create_data_channel("channel", DataChannelInit::default()).unwrap();
    }
    assert!(a.is_negotiation_needed());
    assert_eq!(needed(), 1);
    a.set_local_description(None).unwrap();
    // Not while an offer is open: what is added now is told when that is answered.
    a.add_transceiver(MediaKind::Video, Direction::SendRecv).unwrap();
    a.add_transceiver(MediaKind::Video, Direction::SendRecv).unwrap();
    assert_eq!((needed(), a.is_negotiation_needed()), (0, false));
    assert!(a.pending_local_description().is_some() && a.current_local_description().is_none());
    b.set_remote_description(a.local_description().unwrap()).unwrap();
    b.set_local_description(None).unwrap();
    a.set_remote_description(b.local_description().unwrap()).unwrap();
    assert_eq!((needed(), a.can_trickle_ice_candidates()), (1, Some(true)));
    // Settled before anybody read of it: not told.
    a.set_local_description(None).unwrap();
    negotiate(&a, &b);
    assert_eq!((needed(), a.is_negotiation_needed()), (0, false));
    let transceiver = &a.transceivers()[0];
    transceiver.set_direction(Direction::Inactive).unwrap();
    negotiate(&a, &b);
    assert_eq!(needed(), 0);
}
