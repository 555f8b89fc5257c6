//! Tracks and who sends them: several senders and connections at once, removed and added again, ended.

use std::time::Duration;

use peerless::{
    ConnectionState, Direction, Event, Events, Frame, LocalTrack, MediaKind, PeerConnection, RemoteTrack,
    WriteError,
};
use tokio::time::timeout;

use crate::stage::{
    PATIENCE, connection, negotiate, remote_track, trickle, until, until_state, until_true, vp8_frame,
};

fn camera() -> LocalTrack {
    LocalTrack::new(MediaKind::Video, "camera", "stream")
}

/// Two that trickle to each other, and the events of the second.
fn pair() -> (PeerConnection, PeerConnection, Events) {
    let (a, b) = (connection(), connection());
    trickle(&a, &b);
    trickle(&b, &a);
    let events = b.events();
    (a, b, events)
}

/// Writes frames until one has come through `track`.
async fn see(track: &LocalTrack, theirs: &RemoteTrack, number: &mut u32) -> Frame {
    let waiting = async {
        loop {
            *number += 1;
            let _ = track.write(&vp8_frame(*number, true));
            if let Ok(frame) = timeout(Duration::from_millis(20), theirs.recv()).await {
                return frame.expect("the track goes on");
            }
        }
    };
    timeout(PATIENCE, waiting).await.expect("a frame in time")
}

#[tokio::test]
async fn one_track_is_sent_by_several_connections_at_once() {
    let (a, b, mut events_b) = pair();
    let (c, d, mut events_d) = pair();
    let camera = camera();
    a.add_track(&camera).unwrap();
    c.add_track(&camera).unwrap();
    assert_eq!(
        a.add_track(&camera).unwrap_err().name(),
        "InvalidAccessError",
        "one sender of a connection has it"
    );
    negotiate(&a, &b);
    let first = remote_track(&mut events_b).await;
    timeout(PATIENCE, camera.wait_codec()).await.unwrap().unwrap();
    let mut number = 0;
    see(&camera, &first, &mut number).await;
    let _ = camera.take_key_frame_request();
    // A second one comes while the first is served: it needs a key frame to begin with, and so the source is told.
    negotiate(&c, &d);
    let second = remote_track(&mut events_d).await;
    until_true("a wish for a key frame", || camera.take_key_frame_request()).await;
    see(&camera, &second, &mut number).await;
    see(&camera, &first, &mut number).await;
    assert_eq!(camera.codecs().len(), 1, "both take the same frames");
    // The end of one is not the end of the other, nor of the track.
    a.close();
    b.close();
    assert!(!camera.is_ended());
    see(&camera, &second, &mut number).await;
    c.close();
    assert_eq!(camera.write(&vp8_frame(0, true)), Err(WriteError::NotAttached));
    let (e, f, mut events_f) = pair();
    e.add_track(&camera).unwrap();
    negotiate(&e, &f);
    let third = remote_track(&mut events_f).await;
    see(&camera, &third, &mut number).await;
}

#[tokio::test]
async fn a_removed_track_can_be_added_again_and_a_stopped_one_sends_no_more() {
    let (a, b, mut events) = pair();
    let camera = camera();
    let transceiver = a.add_track(&camera).unwrap();
    assert_eq!(transceiver.sender().track(), Some(camera.clone()));
    negotiate(&a, &b);
    let theirs = remote_track(&mut events).await;
    until_state(&mut events, ConnectionState::Connected).await;
    let mut number = 0;
    see(&camera, &theirs, &mut number).await;
    a.remove_track(&transceiver).unwrap();
    assert_eq!((transceiver.sender().track(), camera.codec()), (None, None));
    assert_eq!(camera.write(&vp8_frame(0, true)), Err(WriteError::NotAttached));
    negotiate(&a, &b);
    assert!(!camera.is_ended());
    let again = a.add_track(&camera).unwrap();
    assert_ne!(again, transceiver, "a sender that has sent is not taken by addTrack (webrtc-pc §5.1)");
    negotiate(&a, &b);
    let theirs = remote_track(&mut events).await;
    see(&camera, &theirs, &mut number).await;
    camera.stop();
    assert!(camera.is_ended() && camera.codec().is_none());
    assert_eq!(camera.write(&vp8_frame(0, true)), Err(WriteError::Ended));
    assert_eq!(again.sender().track(), Some(camera), "the sender keeps it");
}

#[tokio::test]
async fn senders_receivers_and_transceivers_are_the_handles_of_the_standard() {
    let (a, b, mut events) = pair();
    let camera = camera();
    let sending = a.add_track(&camera).unwrap();
    let receiving = a.add_transceiver(MediaKind::Audio, Direction::RecvOnly).unwrap();
    assert_eq!(a.transceivers(), [sending.clone(), receiving.clone()]);
    assert_eq!(a.senders(), [sending.sender(), receiving.sender()]);
    assert_eq!(a.receivers(), [sending.receiver(), receiving.receiver()]);
    assert_eq!((sending.sender().kind(), sending.mid()), (Some(MediaKind::Video), None));
    negotiate(&a, &b);
    let theirs = remote_track(&mut events).await;
    let there = b.transceiver(theirs.transceiver()).unwrap();
    assert_eq!(there.mid(), sending.mid());
    assert_eq!(there.receiver().track().unwrap().id(), theirs.id());
    until_true("it can send", || sending.sender().can_send()).await;
    assert_eq!(sending.sender().codec(), camera.codec());
    assert!(
        there.receiver().codecs().iter().any(|codec| Some(codec.format) == camera.codec().map(|c| c.format))
    );
    sending.stop().unwrap();
    assert!(sending.is_stopped() && sending.sender().track().is_none());
    assert_eq!(a.senders(), [receiving.sender()]);
    assert_eq!(a.receivers(), [receiving.receiver()]);
}

#[tokio::test]
async fn a_track_is_replaced_without_negotiation_and_goes_on_for_the_other_side() {
    let (a, b, mut events) = pair();
    let (camera, screen) = (camera(), LocalTrack::new(MediaKind::Video, "screen", "stream"));
    let transceiver = a.add_transceiver_in_streams(MediaKind::Video, Direction::SendOnly, &["one"]).unwrap();
    let sender = transceiver.sender();
    negotiate(&a, &b);
    let theirs = remote_track(&mut events).await;
    assert_eq!(&theirs.stream_ids()[..], ["one".to_owned()]);
    assert!(theirs.is_muted() && sender.track().is_none());
    let mut number = 0;
    for track in [&camera, &screen, &camera] {
        sender.replace_track(Some(track)).unwrap();
        assert_eq!(sender.track().as_ref(), Some(track));
        timeout(PATIENCE, track.wait_codec()).await.unwrap().unwrap();
        see(track, &theirs, &mut number).await;
        assert!(!a.is_negotiation_needed() && !theirs.is_muted());
    }
    assert_eq!(screen.write(&vp8_frame(0, true)), Err(WriteError::NotAttached));
    sender.replace_track(None).unwrap();
    assert_eq!(camera.write(&vp8_frame(0, true)), Err(WriteError::NotAttached));
    let sound = LocalTrack::new(MediaKind::Audio, "sound", "stream");
    assert_eq!(sender.replace_track(Some(&sound)).unwrap_err().name(), "TypeError");
    transceiver.stop().unwrap();
    assert_eq!(sender.replace_track(Some(&camera)).unwrap_err().name(), "InvalidStateError");
}

#[tokio::test]
async fn a_remote_track_is_muted_moved_and_ended_as_the_other_side_says() {
    let (a, b, mut events) = pair();
    let camera = camera();
    let transceiver = a.add_track(&camera).unwrap();
    negotiate(&a, &b);
    let theirs = remote_track(&mut events).await;
    let (mut number, is_theirs) = (0, |track: &RemoteTrack| track.transceiver() == theirs.transceiver());
    timeout(PATIENCE, camera.wait_codec()).await.unwrap().unwrap();
    see(&camera, &theirs, &mut number).await;
    until("unmute", &mut events, |event| match event {
        Event::TrackUnmuted(track) => is_theirs(&track).then_some(()),
        _ => None,
    })
    .await;
    transceiver.sender().set_streams(&["other", "third"]).unwrap();
    assert!(a.is_negotiation_needed());
    negotiate(&a, &b);
    until("streams", &mut events, |event| match event {
        Event::StreamsChanged(track) => is_theirs(&track).then_some(()),
        _ => None,
    })
    .await;
    assert_eq!(&theirs.stream_ids()[..], ["other".to_owned(), "third".to_owned()]);
    transceiver.set_direction(Direction::Inactive).unwrap();
    negotiate(&a, &b);
    until("mute", &mut events, |event| match event {
        Event::TrackMuted(track) => is_theirs(&track).then_some(()),
        _ => None,
    })
    .await;
    assert!(theirs.is_muted() && !theirs.is_ended());
    transceiver.set_direction(Direction::SendOnly).unwrap();
    negotiate(&a, &b);
    assert!(is_theirs(&remote_track(&mut events).await));
    timeout(PATIENCE, camera.wait_codec()).await.unwrap().unwrap();
    see(&camera, &theirs, &mut number).await;
    transceiver.stop().unwrap();
    negotiate(&a, &b);
    until("ended", &mut events, |event| match event {
        Event::TrackEnded(track) => is_theirs(&track).then_some(()),
        _ => None,
    })
    .await;
    assert!(theirs.is_ended());
}
