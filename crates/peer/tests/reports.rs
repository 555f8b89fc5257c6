//! The stats of a call tell what happened on the simulated network.

mod scene;

use std::time::Duration;

use peerless_netsim::Loss;
use peerless_peer::state::MediaKind;
use peerless_transport::state::{DtlsState, IceState};
use scene::{ALICE, BOB, Scene, Setting, delay};

#[test]
fn counts_of_both_sides_agree_where_nothing_is_lost() {
    let mut scene = Scene::call();
    scene.run_for(Duration::from_secs(10));
    scene.ends.iter_mut().for_each(|end| end.sources.clear());
    scene.run_for(Duration::from_secs(1));
    let (sent, got) = (scene.ends[ALICE].peer.stats(), scene.ends[BOB].peer.stats());
    for (ours, theirs) in sent.transceivers.iter().zip(&got.transceivers) {
        let (out, inbound) = (ours.outbound.as_ref().unwrap(), theirs.inbound.as_ref().unwrap());
        assert_eq!((out.packets, out.bytes, out.frames), (inbound.packets, inbound.bytes, inbound.frames));
        assert_eq!((inbound.lost, out.nacks, out.retransmitted_packets), (0, 0, 0));
        assert_eq!((out.ssrc, ours.mid.clone()), (inbound.ssrc, theirs.mid.clone()));
        assert_eq!(out.codec.as_ref().unwrap().format, inbound.codec.as_ref().unwrap().format);
    }
    let transport = &got.transport;
    assert_eq!((transport.ice, transport.dtls), (IceState::Completed, DtlsState::Connected));
    assert_eq!(transport.selected_pair.unwrap().remote, scene.ends[ALICE].address);
    assert_eq!(transport.datagrams_dropped, 0);
    assert_eq!(sent.transport.datagrams_sent, scene.ends[ALICE].datagrams_sent as u64);
    assert_eq!(sent.transport.bytes_sent, transport.bytes_received);
}

#[test]
fn the_round_trip_and_the_loss_are_the_links() {
    let link = peerless_netsim::Link { loss: Loss::Random(0.05), ..delay(50) };
    let mut scene = Scene::call_with(Setting { link, ..Setting::default() });
    scene.run_for(Duration::from_secs(20));
    let stats = scene.ends[ALICE].peer.stats();
    let video = stats.transceivers.iter().find(|one| one.kind == MediaKind::Video).unwrap();
    let out = video.outbound.as_ref().unwrap();
    let report = out.remote.as_ref().unwrap();
    let round_trip = report.round_trip.unwrap().as_millis();
    assert!((100..130).contains(&round_trip), "{round_trip} ms");
    assert!(out.nacks > 10 && out.retransmitted_packets > 20, "{out:?}");
    let audio = stats.transceivers.iter().find(|one| one.kind == MediaKind::Audio).unwrap();
    let inbound = audio.inbound.as_ref().unwrap();
    let share = inbound.lost as f64 / (inbound.packets as f64 + inbound.lost as f64);
    assert!((0.02..0.08).contains(&share), "{share} of the sound was lost");
    let ice = stats.transport.ice_round_trip.unwrap().as_millis();
    assert!((95..200).contains(&ice), "{ice} ms");
}

#[test]
fn what_is_played_of_one_stream_was_sampled_at_one_moment() {
    let link = peerless_netsim::Link { jitter: Duration::from_millis(30), ..delay(50) };
    let mut scene = Scene::call_with(Setting { link, ..Setting::default() });
    scene.run_for(Duration::from_secs(20));
    for end in &scene.ends {
        let stats = end.peer.stats();
        let playing = stats.transceivers.iter().map(|one| {
            let inbound = one.inbound.as_ref().unwrap();
            assert!(inbound.jitter_buffer.emitted > 0 && inbound.discarded == 0, "{inbound:?}");
            inbound.estimated_playout(scene.now).unwrap()
        });
        let playing: Vec<_> = playing.collect();
        let apart_ms = (playing[0].wrapping_sub(playing[1]).cast_signed() >> 22).abs() as f64 / 1.024;
        assert!(apart_ms < 40.0, "{apart_ms} ms apart");
    }
}

#[test]
fn a_jitter_buffer_target_holds_frames_from_then_on_and_through_negotiations() {
    let mut scene = Scene::with(Setting::default());
    scene.add_all_sources();
    scene.negotiate(ALICE);
    let of_kind = |scene: &Scene, kind| {
        let all = scene.ends[BOB].peer.transceivers();
        all.into_iter().find(|one| one.kind == kind).unwrap().id
    };
    let (audio, video) = (of_kind(&scene, MediaKind::Audio), of_kind(&scene, MediaKind::Video));
    let (now, target) = (scene.now, Some(Duration::from_millis(400)));
    let refused = scene.peer(BOB).set_jitter_buffer_target(now, audio, Some(Duration::from_millis(4001)));
    assert_eq!(refused.unwrap_err().name(), "RangeError");
    scene.peer(BOB).set_jitter_buffer_target(now, video, target).unwrap();
    scene.peer(BOB).set_jitter_buffer_target(now, audio, target).unwrap();
    scene.connect();
    let held = |scene: &Scene, id| {
        let stats = scene.ends[BOB].peer.stats();
        let one = stats.transceivers.into_iter().find(|one| one.id == id).unwrap();
        let buffer = one.inbound.unwrap().jitter_buffer;
        (buffer.delay, buffer.emitted)
    };
    let mean_ms = |from: (Duration, u64), to: (Duration, u64)| {
        (to.0 - from.0).as_secs_f64() * 1000.0 / (to.1 - from.1) as f64
    };
    scene.run_for(Duration::from_secs(3));
    let before = [held(&scene, video), held(&scene, audio)];
    scene.negotiate(BOB);
    scene.run_for(Duration::from_secs(3));
    let after = [held(&scene, video), held(&scene, audio)];
    for (from, to) in before.into_iter().zip(after) {
        assert!((380.0..440.0).contains(&mean_ms(from, to)), "{} ms", mean_ms(from, to));
    }
    assert_eq!(scene.ends[BOB].peer.receiver(video).unwrap().jitter_buffer_target, target);
    let now = scene.now;
    scene.peer(BOB).set_jitter_buffer_target(now, video, Some(Duration::ZERO)).unwrap();
    scene.peer(BOB).set_jitter_buffer_target(now, audio, Some(Duration::ZERO)).unwrap();
    scene.run_for(Duration::from_secs(1));
    let before = [held(&scene, video), held(&scene, audio)];
    scene.run_for(Duration::from_secs(3));
    let after = [held(&scene, video), held(&scene, audio)];
    assert!(before.into_iter().zip(after).all(|(from, to)| mean_ms(from, to) < 6.0));
}
