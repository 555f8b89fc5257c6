//! One datagram is lost while a channel opens and closes: whichever it is, both sides see the end
//! (RFC 9260 §5.1, RFC 6525 §5, RFC 8831 §6.7).

use std::time::Duration;

use peerless_peer::channel::DataChannelInit;
use peerless_peer::id::ChannelId;
use peerless_peer::state::DataChannelState;

use crate::scene::{ALICE, BOB, Scene, Setting, Side};
use crate::talk::{LONG, init};

use DataChannelState::{Closed, Open};

/// Both sides have the channel from the start, and close it as soon as either has it open: the one that has may be the
/// only one. Gives how many datagrams each side has sent by then.
fn close_at_once(lost: Option<(Side, usize)>, closers: &[Side]) -> [usize; 2] {
    let mut scene = Scene::with(Setting::default());
    if let Some((side, number)) = lost {
        scene.ends[side].loses = Some(number);
    }
    let both = || init(|init| (init.negotiated, init.id) = (true, Some(7)));
    let ids: [ChannelId; 2] = [ALICE, BOB].map(|side| scene.create(side, "agreed", both()));
    scene.negotiate(ALICE);
    let is_open = |scene: &Scene| [ALICE, BOB].iter().any(|&side| scene.state(side, ids[side]) == Open);
    assert!(scene.run_until(LONG, is_open), "{lost:?}: {}", scene.states());
    for &side in closers {
        scene.close_channel(side, ids[side]);
    }
    let is_over = |scene: &Scene| [ALICE, BOB].iter().all(|&side| scene.state(side, ids[side]) == Closed);
    let is_closed = scene.run_until(LONG, is_over);
    let states = [ALICE, BOB].map(|side| scene.state(side, ids[side]));
    assert!(is_closed, "{states:?} where {lost:?} was lost and {closers:?} closed");
    // The id is free again, and carries what is opened on it.
    scene.run_for(Duration::from_secs(2));
    let again: [ChannelId; 2] = [ALICE, BOB].map(|side| scene.create(side, "again", both()));
    let is_open = |scene: &Scene| [ALICE, BOB].iter().all(|&side| scene.state(side, again[side]) == Open);
    assert!(scene.run_until(LONG, is_open), "{lost:?}, closed by {closers:?}");
    scene.run_for(Duration::from_secs(5));
    assert!(is_open(&scene), "what is left of the old one closes the new one: {lost:?}, {closers:?}");
    [ALICE, BOB].map(|side| scene.ends[side].datagrams_sent)
}

#[test]
fn whichever_datagram_is_lost_a_channel_that_closes_at_once_ends_on_both_sides() {
    let all: [&[Side]; 4] = [&[ALICE], &[BOB], &[ALICE, BOB], &[BOB, ALICE]];
    for closers in all {
        let counts = close_at_once(None, closers);
        for side in [ALICE, BOB] {
            for number in 0..counts[side].min(40) {
                close_at_once(Some((side, number)), closers);
            }
        }
    }
}

#[test]
fn a_channel_that_only_one_side_has_ends_when_it_closes_it() {
    let mut scene = Scene::with(Setting::default());
    let agreed = init(|init| (init.negotiated, init.id) = (true, Some(7)));
    let id = scene.create(ALICE, "agreed", agreed);
    scene.create(BOB, "other", DataChannelInit::default());
    scene.negotiate(ALICE);
    scene.reach(ALICE, id, Open);
    scene.close_channel(ALICE, id);
    scene.reach(ALICE, id, Closed);
}
