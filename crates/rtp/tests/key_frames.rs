//! Key frames: asked for when pictures cannot be decoded, passed on to the encoder once (RFC 4585 §6.3.1, RFC 5104
//! §4.3.1), and the bitrate the remote asks for (draft-alvestrand-rmcat-remb).

mod stage;

use bytes::BytesMut;
use peerless_netsim::Link;
use peerless_rtp::session::Event;
use peerless_wire::rtcp::{FirRequest, FullIntraRequest, Packet, PictureLoss, Remb};
use peerless_wire::rtp::Ssrc;
use stage::*;

fn written(packet: &Packet) -> bytes::Bytes {
    let mut out = BytesMut::new();
    packet.write(&mut out);
    out.freeze()
}

/// What B asks for, by kind: picture losses and intra requests, with the numbers of the latter.
fn asked(stage: &Stage) -> (usize, Vec<u8>) {
    let control = stage.b.control();
    let losses = control.iter().filter(|(_, packet)| matches!(packet, Packet::PictureLoss(_))).count();
    let commands = control.iter().filter_map(|(_, packet)| match packet {
        Packet::FullIntraRequest(request) => Some(request.requests[0].sequence),
        _ => None,
    });
    (losses, commands.collect())
}

fn requests(stage: &mut Stage) -> usize {
    let events = std::iter::from_fn(|| stage.a.session.poll_event());
    events.filter(|event| *event == Event::KeyFrameRequested(mid("v"), None)).count()
}

#[test]
fn one_that_joins_midway_asks_and_gets_a_key_frame() {
    let mut stage = Stage::new(1, Link { delay: 20 * MS, ..Link::default() });
    stage.b.session.set_receiver(stage.start, &mid("v"), None);
    stage.run_until(SECOND);
    assert!(stage.b.numbers("v").is_empty());
    assert!(stage.b.session.stats().unroutable > 0);
    stage.b.session.set_receiver(stage.now, &mid("v"), Some(receive(vp8())));
    stage.run_until(2 * SECOND);
    let first = stage.b.numbers("v")[0];
    assert!((25..32).contains(&first), "{first}");
    assert_eq!(asked(&stage).0, 1);
    assert_eq!(stage.a.session.stats().outbound[0].plis, 1);
}

#[test]
fn asks_again_until_it_comes_but_not_for_every_frame() {
    let mut stage = Stage::new(2, Link { delay: 20 * MS, ..Link::default() });
    stage.gives_keys = false;
    stage.b.session.set_receiver(stage.start, &mid("v"), None);
    stage.run_until(SECOND);
    stage.b.session.set_receiver(stage.now, &mid("v"), Some(receive(vp8())));
    stage.run_until(6 * SECOND);
    let (losses, _) = asked(&stage);
    assert!((15..=27).contains(&losses), "{losses} in 5 s");
    // The encoder is asked once a second.
    let events = stage.a.events.iter().filter(|event| matches!(event, Event::KeyFrameRequested(..))).count();
    assert!((4..=6).contains(&events), "{events}");
}

#[test]
fn commands_are_numbered_where_only_they_were_agreed_on() {
    let mut stage = Stage::new(3, Link { delay: 20 * MS, ..Link::default() });
    stage.gives_keys = false;
    let mut codec = vp8();
    codec.feedback.pli = false;
    stage.b.session.set_receiver(stage.start, &mid("v"), None);
    stage.run_until(SECOND);
    stage.b.session.set_receiver(stage.now, &mid("v"), Some(receive(codec)));
    stage.run_until(3 * SECOND);
    let (losses, commands) = asked(&stage);
    assert_eq!(losses, 0);
    assert!(commands.len() > 3);
    assert_eq!(commands, (1..=commands.len() as u8).collect::<Vec<_>>());
    assert_eq!(stage.a.session.stats().outbound[0].firs, commands.len() as u64);
}

#[test]
fn the_application_can_ask() {
    let mut stage = Stage::new(4, Link { delay: 20 * MS, ..Link::default() });
    stage.run_until(SECOND);
    stage.b.session.request_key_frame(stage.now, &mid("v"), None);
    stage.run_until(2 * SECOND);
    assert_eq!(stage.a.session.stats().outbound[0].key_frames, 2);
}

#[test]
fn a_repeated_command_is_obeyed_once_and_a_new_one_again() {
    let mut stage = Stage::new(5, Link { delay: 20 * MS, ..Link::default() });
    stage.run_until(SECOND);
    let command = |sequence| {
        let requests = vec![FirRequest { ssrc: VIDEO, sequence }];
        written(&Packet::FullIntraRequest(FullIntraRequest { sender: Ssrc(9), media: Ssrc(0), requests }))
    };
    stage.a.session.handle_rtcp(stage.now, command(7));
    stage.a.session.handle_rtcp(stage.now, command(7));
    assert_eq!(requests(&mut stage), 1);
    stage.run_until(3 * SECOND);
    stage.a.session.handle_rtcp(stage.now, command(7));
    assert_eq!(requests(&mut stage), 0);
    stage.a.session.handle_rtcp(stage.now, command(8));
    assert_eq!(requests(&mut stage), 1);
    assert_eq!(stage.a.session.stats().outbound[0].firs, 2);
}

#[test]
fn a_storm_of_picture_losses_asks_the_encoder_once() {
    let mut stage = Stage::new(6, Link { delay: 20 * MS, ..Link::default() });
    stage.run_until(SECOND);
    let loss = written(&Packet::PictureLoss(PictureLoss { sender: Ssrc(9), media: VIDEO }));
    (0..1000).for_each(|_| stage.a.session.handle_rtcp(stage.now, loss.clone()));
    assert_eq!(requests(&mut stage), 1);
    // Nor does one for a source of sound, or an unknown one, ask anything.
    for media in [AUDIO, Ssrc(77)] {
        let loss = written(&Packet::PictureLoss(PictureLoss { sender: Ssrc(9), media }));
        stage.a.session.handle_rtcp(stage.now + 2 * SECOND, loss);
    }
    assert_eq!(requests(&mut stage), 0);
}

#[test]
fn the_bitrate_the_remote_asks_for_becomes_the_target() {
    let mut stage = Stage::new(7, Link::default());
    assert_eq!(stage.a.session.target_bitrate(&mid("v"), None), None);
    let remb = |bitrate, ssrc| written(&Packet::Remb(Remb { sender: Ssrc(9), bitrate, ssrcs: vec![ssrc] }));
    stage.a.session.handle_rtcp(stage.now, remb(1_000_000, Ssrc(77)));
    assert_eq!((stage.a.session.poll_event(), stage.a.session.target_bitrate(&mid("v"), None)), (None, None));
    stage.a.session.handle_rtcp(stage.now, remb(1_000_000, VIDEO));
    assert_eq!(stage.a.session.target_bitrate(&mid("v"), None), Some(1_000_000));
    assert_eq!(stage.a.session.poll_event(), Some(Event::TargetBitrate(1_000_000)));
    stage.a.session.handle_rtcp(stage.now, remb(0, VIDEO));
    assert_eq!(stage.a.session.target_bitrate(&mid("v"), None), Some(30_000));
    assert_eq!(stage.a.session.target_bitrate(&mid("x"), None), None);
}
