//! Several transports, each with sockets of its own, and the configuration while a connection lives.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use peerless::{
    BundlePolicy, Configuration, ConnectionState, DataChannelInit, DataChannelState, Event, IceServer,
    KeyAlgorithm, LocalTrack, MediaKind, Message, PeerConnection, SessionDescription,
};
use tokio::time::timeout;

use crate::stage::{
    PATIENCE, configuration, negotiate, remote_track, trickle, until, until_state, until_true, vp8_frame,
};

fn max_compat() -> Configuration {
    let mut configuration = configuration();
    configuration.bundle_policy = BundlePolicy::MaxCompat;
    configuration
}

/// The description as one writes it who knows nothing of BUNDLE.
fn without_groups(description: Option<SessionDescription>) -> SessionDescription {
    let SessionDescription { kind, sdp } = description.unwrap();
    let sdp = sdp.split_inclusive('\n').filter(|line| !line.starts_with("a=group:BUNDLE")).collect();
    SessionDescription { kind, sdp }
}

/// The ports of the candidates of UDP in a connection's description.
fn ports(connection: &PeerConnection) -> Vec<u16> {
    let sdp = connection.local_description().unwrap().sdp;
    let candidates = sdp.lines().filter(|line| line.starts_with("a=candidate:") && line.contains(" udp "));
    candidates.map(|line| line.split(' ').nth(5).unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn each_transport_has_sockets_of_its_own_where_the_other_side_does_not_bundle() {
    let (a, b) = (PeerConnection::new(max_compat()).unwrap(), PeerConnection::new(max_compat()).unwrap());
    trickle(&a, &b);
    trickle(&b, &a);
    let camera = LocalTrack::new(MediaKind::Video, "camera", "stream");
    a.add_track(&LocalTrack::new(MediaKind::Audio, "microphone", "stream")).unwrap();
    a.add_track(&camera).unwrap();
    let channel = a.create_data_channel("talk", DataChannelInit::default()).unwrap();
    let (mut events, mut theirs) = (a.events(), b.events());
    a.set_local_description(None).unwrap();
    b.set_remote_description(without_groups(a.local_description())).unwrap();
    b.set_local_description(None).unwrap();
    a.set_remote_description(without_groups(b.local_description())).unwrap();
    let screen = loop {
        let track = remote_track(&mut theirs).await;
        if track.kind() == MediaKind::Video {
            break track;
        }
    };
    until_state(&mut events, ConnectionState::Connected).await;
    for connection in [&a, &b] {
        until_true("all candidates", || ports(connection).len() == 3).await;
        let mut ports = ports(connection);
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 3, "sound, pictures and data by themselves");
    }
    until_true("an open channel", || channel.ready_state() == DataChannelState::Open).await;
    timeout(PATIENCE, channel.send(Message::from("hello"))).await.unwrap().unwrap();
    let take = |event| if let Event::DataChannel(channel) = event { Some(channel) } else { None };
    let theirs = until("the channel", &mut theirs, take).await;
    assert_eq!(timeout(PATIENCE, theirs.recv()).await.unwrap(), Some(Message::from("hello")));
    until_true("a camera that may send", || camera.codec().is_some()).await;
    camera.write(&vp8_frame(0, true)).unwrap();
    let frame = timeout(PATIENCE, screen.recv()).await.unwrap().unwrap();
    assert_eq!(frame.payload, vp8_frame(0, true).payload);
}

#[tokio::test]
async fn surplus_sockets_close_once_the_other_side_has_bundled() {
    let (a, b) = (PeerConnection::new(max_compat()).unwrap(), PeerConnection::new(configuration()).unwrap());
    trickle(&b, &a);
    a.add_track(&LocalTrack::new(MediaKind::Audio, "microphone", "stream")).unwrap();
    a.add_track(&LocalTrack::new(MediaKind::Video, "camera", "stream")).unwrap();
    let mut events = a.events();
    a.set_local_description(None).unwrap();
    until_true("all candidates", || ports(&a).len() == 2).await;
    let offered = ports(&a);
    let is_free = |port: u16| UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    assert!(!is_free(offered[0]) && !is_free(offered[1]));
    b.set_remote_description(a.local_description().unwrap()).unwrap();
    b.set_local_description(None).unwrap();
    a.set_remote_description(b.local_description().unwrap()).unwrap();
    until_true("the second socket closed", || is_free(offered[1])).await;
    until_state(&mut events, ConnectionState::Connected).await;
    assert!(!is_free(offered[0]));
}

#[tokio::test]
async fn a_configuration_is_looked_at_and_set() {
    let hour = Some(Duration::from_secs(3600));
    let certificate = PeerConnection::generate_certificate(KeyAlgorithm::EcdsaP256, hour).unwrap();
    let mut given = configuration();
    given.certificates = vec![certificate];
    given.ice_candidate_pool_size = 1;
    let connection = PeerConnection::new(given.clone()).unwrap();
    assert_eq!(format!("{:?}", connection.configuration()), format!("{given:?}"));
    let mut wanted = connection.configuration();
    wanted.ice_servers = vec![IceServer::new("stun:127.0.0.1:9")];
    wanted.ice_candidate_pool_size = 2;
    connection.set_configuration(wanted.clone()).unwrap();
    assert_eq!(connection.configuration().ice_servers, wanted.ice_servers);
    let refused = |change: fn(&mut Configuration)| {
        let mut configuration = connection.configuration();
        change(&mut configuration);
        connection.set_configuration(configuration).unwrap_err().name()
    };
    assert_eq!(refused(|one| one.bundle_policy = BundlePolicy::Balanced), "InvalidModificationError");
    assert_eq!(refused(|one| one.interfaces = None), "InvalidModificationError");
    assert_eq!(refused(|one| one.certificates.clear()), "InvalidModificationError");
    assert_eq!(refused(|one| one.ice_servers = vec![IceServer::new("http://x")]), "SyntaxError");
    assert_eq!(format!("{:?}", connection.configuration()), format!("{wanted:?}"));
    let other = PeerConnection::new(configuration()).unwrap();
    connection.add_track(&LocalTrack::new(MediaKind::Audio, "microphone", "stream")).unwrap();
    trickle(&connection, &other);
    trickle(&other, &connection);
    let mut events = connection.events();
    negotiate(&connection, &other);
    assert_eq!(refused(|one| one.ice_candidate_pool_size = 0), "InvalidModificationError");
    until_state(&mut events, ConnectionState::Connected).await;
    connection.close();
    let closed = connection.set_configuration(wanted).unwrap_err();
    assert_eq!(closed.name(), "InvalidStateError");
}
