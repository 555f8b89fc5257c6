//! From a frame to protected datagrams without an allocation per packet, and several packets in one send.

mod scene;

use std::time::Duration;

use bytes::BytesMut;
use peerless_rtp::frame::Frame;
use scene::{ALICE, Scene, Setting};

/// Sends `frames` pictures and takes their packets, in the rhythm of a camera. Gives packets and allocations.
fn send(scene: &mut Scene, first: u32, frames: u32, out: &mut BytesMut) -> (usize, u64) {
    let id = scene.ends[ALICE].sources[1].id;
    let pictures: Vec<Frame> =
        (0..frames).map(|number| scene::media::picture(first + number, false, scene.now)).collect();
    // The first clone of `Bytes` made from a `Vec` gives them their count of owners: once a frame, by its maker.
    let _owned_twice: Vec<_> = pictures.iter().map(|picture| picture.payload.clone()).collect();
    let peer = &mut scene.ends[ALICE].peer;
    let (mut now, mut packets, mut allocations) = (scene.now, 0, 0);
    for picture in pictures {
        let end = now + Duration::from_millis(40);
        let info = allocation_counter::measure(|| peer.send_frame(now, id, &picture).unwrap());
        allocations += info.count_total;
        while now < end {
            out.clear();
            let mut transmit = None;
            let info = allocation_counter::measure(|| transmit = peer.poll_transmit(now, out));
            // Reports and checks go now and then; they may allocate, packets of media may not.
            let is_media = out.len() > 2 && matches!(out[0], 128..=191) && !matches!(out[1], 192..=223);
            allocations += if is_media || transmit.is_none() { info.count_total } else { 0 };
            match transmit {
                Some(sent) => packets += sent.size.div_ceil(sent.segment_size.unwrap_or(sent.size)),
                None => {
                    now = peer.poll_timeout().map_or(end, |next| next.clamp(now, end));
                    peer.handle_timeout(now);
                }
            }
        }
        while peer.poll_event().is_some() {}
    }
    scene.now = now;
    (packets, allocations)
}

#[test]
fn a_packet_costs_no_allocation() {
    let mut scene = Scene::call();
    scene.run_for(Duration::from_secs(2));
    let mut out = BytesMut::with_capacity(1 << 16);
    send(&mut scene, 10_000, 50, &mut out);
    let (packets, allocations) = send(&mut scene, 20_000, 100, &mut out);
    assert!(packets >= 300, "{packets}");
    assert_eq!(allocations, 0, "for {packets} packets");
}

#[test]
fn packets_of_a_frame_leave_together_where_the_system_allows() {
    let mut scene = Scene::call();
    scene.run_for(Duration::from_secs(2));
    assert!(scene.ends[ALICE].largest_batch > 1, "largest batch: {}", scene.ends[ALICE].largest_batch);
    assert!(scene.has_frames(40, 80), "and all of them arrive");
}

#[test]
fn sixty_packets_of_a_frame_leave_in_a_few_sends() {
    let adjust = |_, config: &mut peerless_peer::config::Config| {
        (config.pacing, config.max_segments) = (false, 64);
    };
    let mut scene = Scene::call_with(Setting { adjust, ..Setting::default() });
    scene.run_for(Duration::from_secs(2));
    let id = scene.ends[ALICE].sources[1].id;
    let now = scene.now;
    let peer = &mut scene.ends[ALICE].peer;
    let mut out = BytesMut::new();
    while peer.poll_transmit(now, &mut out).is_some() {}
    let mut payload = vec![0x55; 60 * 1150];
    payload[0] = 0x10;
    let frame = Frame { payload: payload.into(), ..scene::media::picture(10_000, true, now) };
    peer.send_frame(now, id, &frame).unwrap();
    let mut sends = Vec::new();
    while let Some(sent) = peer.poll_transmit(now, &mut out) {
        sends.push(sent.size.div_ceil(sent.segment_size.unwrap_or(sent.size)));
    }
    let packets: usize = sends.iter().sum();
    assert!((58..=64).contains(&packets), "{sends:?}");
    // The first packet may carry when the frame was captured, and 64 kB is the most that one send takes.
    assert!(sends.len() <= 3, "{sends:?}");
}
