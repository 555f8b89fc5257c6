//! Two connections in one process: everything that a user does, with real sockets.

use std::time::Duration;

use peerless::{
    ConnectionState, Direction, DtlsState, Event, Format, LocalTrack, MediaKind, PeerConnection,
    SignalingState,
};
use tokio::time::timeout;

use crate::stage::{
    PATIENCE, configuration, connection, negotiate, remote_track, trickle, until, until_state, vp8_frame,
};

#[tokio::test]
async fn frames_written_on_one_side_are_read_on_the_other() {
    let (a, b) = (connection(), connection());
    let (mut events_a, mut events_b) = (a.events(), b.events());
    trickle(&a, &b);
    trickle(&b, &a);
    let camera = LocalTrack::new(MediaKind::Video, "camera", "stream");
    a.add_track(&camera).unwrap();
    negotiate(&a, &b);
    let screen = remote_track(&mut events_b).await;
    assert_eq!((screen.kind(), &screen.stream_ids()[..]), (MediaKind::Video, &["stream".to_owned()][..]));
    until_state(&mut events_a, ConnectionState::Connected).await;
    let codec = timeout(PATIENCE, camera.wait_codec()).await.unwrap().unwrap();
    assert_eq!(codec.format, Format::Vp8);
    assert_eq!(screen.codec().map(|codec| codec.format), Some(Format::Vp8), "settled before the first frame");
    assert!(camera.take_key_frame_request(), "a new sender begins with a key frame");
    for number in 0..30 {
        let frame = vp8_frame(number, number == 0);
        camera.write(&frame).unwrap();
        let received = timeout(PATIENCE, screen.recv()).await.unwrap().unwrap();
        assert_eq!(received.payload, frame.payload);
        assert_eq!(received.key, number == 0);
    }
    assert_eq!(a.stats().transceivers[0].outbound.as_ref().unwrap().frames, 30);
    assert_eq!(b.stats().transceivers[0].inbound.as_ref().unwrap().frames, 30);
}

#[tokio::test]
async fn closing_one_side_is_seen_by_the_other_and_ends_everything() {
    let (a, b) = (connection(), connection());
    let (mut events_a, mut events_b) = (a.events(), b.events());
    trickle(&a, &b);
    trickle(&b, &a);
    let microphone = LocalTrack::new(MediaKind::Audio, "microphone", "stream");
    a.add_track(&microphone).unwrap();
    negotiate(&a, &b);
    let track = remote_track(&mut events_b).await;
    until_state(&mut events_a, ConnectionState::Connected).await;
    until_state(&mut events_b, ConnectionState::Connected).await;
    a.close();
    timeout(PATIENCE, a.closed()).await.unwrap();
    assert_eq!(a.connection_state(), ConnectionState::Closed);
    assert_eq!(a.signaling_state(), SignalingState::Closed);
    assert!(microphone.is_abandoned() && !microphone.is_ended() && microphone.codec().is_none());
    assert_eq!(a.create_offer().unwrap_err().name(), "InvalidStateError");
    // The remote's close_notify ends DTLS: the other side must not wait for consent to expire.
    let ended = |event| matches!(event, Event::DtlsState(DtlsState::Closed)).then_some(());
    timeout(Duration::from_secs(10), until("the goodbye", &mut events_b, ended)).await.unwrap();
    b.close();
    timeout(PATIENCE, b.closed()).await.unwrap();
    assert!(timeout(PATIENCE, track.recv()).await.unwrap().is_none());
}

#[tokio::test]
async fn dropping_handles_in_any_order_leaves_no_task_behind() {
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = alive();
    for order in 0..6 {
        let (a, b) = (connection(), connection());
        let mut events = b.events();
        let camera = LocalTrack::new(MediaKind::Video, "camera", "stream");
        let transceiver = a.add_track(&camera).unwrap();
        negotiate(&a, &b);
        let track = remote_track(&mut events).await;
        let mut held: Vec<Box<dyn std::any::Any>> = vec![
            Box::new(a),
            Box::new(b),
            Box::new(events),
            Box::new(camera),
            Box::new(transceiver),
            Box::new(track),
        ];
        held.rotate_left(order);
        drop(held);
    }
    let gone = async {
        while alive() > before {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("drivers end when their connection is dropped");
}

#[tokio::test]
async fn an_unknown_interface_or_server_is_refused_when_the_connection_is_made() {
    let mut unknown = configuration();
    unknown.interfaces = Some(vec!["192.0.2.77".parse().unwrap()]);
    assert!(PeerConnection::new(unknown).is_err());
    let mut turn = configuration();
    turn.ice_servers = vec![peerless::IceServer::new("turn:turn.example.org")];
    assert_eq!(PeerConnection::new(turn).unwrap_err().name(), "InvalidAccessError");
}

#[tokio::test]
async fn receive_only_transceivers_ask_the_other_side_for_media() {
    let (a, b) = (connection(), connection());
    let mut events_a = a.events();
    trickle(&a, &b);
    trickle(&b, &a);
    a.add_transceiver(MediaKind::Video, Direction::RecvOnly).unwrap();
    let camera = LocalTrack::new(MediaKind::Video, "camera", "stream");
    b.add_track(&camera).unwrap();
    negotiate(&a, &b);
    assert_eq!(a.transceivers()[0].current_direction(), Some(Direction::RecvOnly));
    assert_eq!(b.transceivers()[0].current_direction(), Some(Direction::SendOnly));
    let track = remote_track(&mut events_a).await;
    timeout(PATIENCE, camera.wait_codec()).await.unwrap().unwrap();
    camera.write(&vp8_frame(0, true)).unwrap();
    assert!(timeout(PATIENCE, track.recv()).await.unwrap().is_some());
}

#[tokio::test]
async fn what_a_handle_shows_in_a_log_holds_no_secret() {
    let (a, b) = (connection(), connection());
    let camera = LocalTrack::new(MediaKind::Video, "camera", "stream");
    let transceiver = a.add_track(&camera).unwrap();
    negotiate(&a, &b);
    let shown = format!("{a:?} {camera:?} {transceiver:?} {:?} {:?}", a.events(), configuration());
    let sdp = a.local_description().unwrap().sdp + &a.remote_description().unwrap().sdp;
    let passwords: Vec<_> = sdp.lines().filter_map(|line| line.strip_prefix("a=ice-pwd:")).collect();
    assert!(passwords.len() >= 2);
    assert!(passwords.iter().all(|password| !shown.contains(password)), "{shown}");
    assert!(!shown.contains("seed"), "{shown}");
}
