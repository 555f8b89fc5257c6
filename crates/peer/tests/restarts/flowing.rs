//! What flows while ICE restarts: every frame and every message arrives, in time; and nothing is left behind.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use peerless_peer::channel::{DataChannelInit, Message};
use peerless_peer::event::Event;
use peerless_peer::id::{ChannelId, TransceiverId};
use peerless_peer::state::{DataChannelState, MediaKind, SignalingState};

use crate::scene::{ALICE, BOB, Scene, Side};
use crate::words::{restart, selections};

/// A channel with a message each way every 20 ms.
struct Chat {
    channels: [ChannelId; 2],
    next: Instant,
    sent: [u32; 2],
    got: [u32; 2],
}

impl Chat {
    fn new(scene: &mut Scene) -> Self {
        let now = scene.now;
        let ours = scene.peer(ALICE).create_data_channel(now, "chat", DataChannelInit::default()).unwrap();
        scene.negotiate(ALICE);
        let opened = |scene: &Scene| {
            scene.ends[BOB].events.iter().find_map(|event| match event {
                Event::DataChannel(id) => Some(*id),
                _ => None,
            })
        };
        let is_open = |scene: &Scene| {
            let view = scene.ends[ALICE].peer.channel(ours);
            view.is_some_and(|view| view.ready_state == DataChannelState::Open) && opened(scene).is_some()
        };
        assert!(scene.run_until(Duration::from_secs(5), is_open));
        let channels = [ours, opened(scene).unwrap()];
        Self { channels, next: scene.now, sent: [0; 2], got: [0; 2] }
    }

    fn carry_on(&mut self, scene: &mut Scene) {
        let now = scene.now;
        for side in [ALICE, BOB] {
            let (peer, channel) = (&mut scene.ends[side].peer, self.channels[side]);
            if self.next <= now {
                let text = self.sent[side].to_string();
                peer.send_message(now, channel, Message::from(text.as_str())).unwrap();
                self.sent[side] += 1;
            }
            while let Some(message) = peer.poll_message(now, channel) {
                assert_eq!(message, Message::from(self.got[side].to_string().as_str()));
                self.got[side] += 1;
            }
        }
        if self.next <= now {
            self.next = now + Duration::from_millis(20);
        }
    }
}

/// When the last frame of each came, and the longest time between two.
#[derive(Default)]
struct Gaps {
    last: HashMap<(Side, TransceiverId), (usize, Instant)>,
    longest: HashMap<(Side, TransceiverId), Duration>,
}

impl Gaps {
    fn look(&mut self, scene: &Scene) {
        for side in [ALICE, BOB] {
            for (id, (count, _)) in &scene.ends[side].arrivals.by_transceiver {
                let key = (side, *id);
                let last = self.last.entry(key).or_insert((*count, scene.now));
                if last.0 != *count {
                    let longest = self.longest.entry(key).or_default();
                    *longest = (*longest).max(scene.now - last.1);
                    *last = (*count, scene.now);
                }
            }
        }
    }

    /// No frame came later than one interval after it should have.
    fn check(&self, scene: &Scene) {
        assert_eq!(self.longest.len(), 4);
        for ((side, id), longest) in &self.longest {
            let kind = scene.ends[*side].peer.transceiver(*id).unwrap().kind;
            let interval = Duration::from_millis(if kind == MediaKind::Audio { 20 } else { 40 });
            assert!(*longest <= 2 * interval, "{kind} at {side}: {longest:?}");
        }
    }
}

/// Whether all frames that were sent have arrived.
fn has_all_frames(scene: &Scene) -> bool {
    [ALICE, BOB].into_iter().all(|side| {
        let arrivals = &scene.ends[1 - side].arrivals.by_transceiver;
        scene.ends[side].sources.iter().all(|source| {
            let mid = scene.ends[side].peer.transceiver(source.id).and_then(|one| one.mid.clone());
            let there = arrivals.iter().find(|(id, _)| {
                scene.ends[1 - side].peer.transceiver(**id).and_then(|one| one.mid.clone()) == mid
            });
            there.is_some_and(|(_, (count, last))| *count as u32 == source.sent && *last + 1 == source.sent)
        })
    })
}

fn is_stable(scene: &Scene) -> bool {
    scene.ends.iter().all(|end| end.peer.signaling_state() == SignalingState::Stable)
}

#[test]
fn fifty_restarts_from_either_side_lose_no_frame_and_make_no_gap() {
    let mut scene = Scene::call();
    let mut chat = Chat::new(&mut scene);
    let mut gaps = Gaps::default();
    for round in 0..50 {
        let before = scene.ends.each_ref().map(selections);
        restart(&mut scene, round % 2);
        // Sometimes at once, sometimes after a while.
        let pause = Duration::from_millis(37 * (round as u64 % 11));
        let until = scene.now + pause;
        let is_done = |scene: &Scene| {
            is_stable(scene) && scene.ends.iter().zip(before).all(|(end, before)| selections(end) > before)
        };
        let limit = scene.now + Duration::from_secs(5);
        while !is_done(&scene) || scene.now < until {
            scene.run_for(Duration::from_millis(5));
            chat.carry_on(&mut scene);
            gaps.look(&scene);
            assert!(scene.now < limit, "round {round}: {}", scene.states());
        }
    }
    assert!(scene.is_connected());
    scene.ends.iter_mut().for_each(|end| end.sources.iter_mut().for_each(|source| source.is_muted = true));
    for _ in 0..400 {
        scene.run_for(Duration::from_millis(5));
        chat.next = scene.now + Duration::from_secs(1);
        chat.carry_on(&mut scene);
    }
    gaps.check(&scene);
    assert!(has_all_frames(&scene));
    assert!(chat.sent[0] > 50);
    assert_eq!(chat.got, [chat.sent[1], chat.sent[0]]);
    for end in &scene.ends {
        assert!(end.sources.iter().all(|source| source.refused.is_empty()));
    }
}

#[test]
fn a_thousand_restarts_leave_nothing_behind() {
    let mut scene = Scene::call();
    let mut round = 0;
    let mut many = |scene: &mut Scene, count: usize| {
        for _ in 0..count {
            round += 1;
            restart(scene, round % 2);
            let is_done =
                |scene: &Scene| is_stable(scene) && scene.ends.iter().all(|end| selections(end) > 0);
            assert!(scene.run_until(Duration::from_secs(5), is_done), "{round}: {}", scene.states());
            scene.ends.iter_mut().for_each(|end| end.events.clear());
        }
        // What lingers of the last ones goes.
        scene.run_for(Duration::from_secs(40));
        scene.ends.iter_mut().for_each(|end| end.events.clear());
    };
    many(&mut scene, 100);
    let info = allocation_counter::measure(|| many(&mut scene, 900));
    let growth = [info.count_current, info.bytes_current];
    assert!(info.count_current < 50 && info.bytes_current < 65_536, "live allocations and bytes: {growth:?}");
    assert!(scene.is_connected());
}
