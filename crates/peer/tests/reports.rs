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
