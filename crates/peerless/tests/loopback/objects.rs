//! The objects of transports (webrtc-pc §5.5, §5.6, §6.1.1): what they say before, in and after a connection.

use peerless::{
    ConnectionState, DataChannelInit, DtlsState, Event, GatheringState, IceComponent, IceRole, IceState,
    LocalTrack, MediaKind, SctpState, TransportId,
};

use crate::stage::{connection, negotiate, trickle, until, until_state, until_true};

#[tokio::test]
async fn transports_tell_their_states_pairs_and_certificates() {
    let (a, b) = (connection(), connection());
    let (mut a_events, mut b_events, mut changes) = (a.events(), b.events(), a.events());
    let track = LocalTrack::new(MediaKind::Audio, "microphone", "stream");
    let transceiver = a.add_track(&track).unwrap();
    let _channel = a.create_data_channel("channel", DataChannelInit::default()).unwrap();
    assert_eq!(transceiver.sender().transport(), None, "before a description");
    assert!(a.sctp_transport().is_none());
    trickle(&a, &b);
    trickle(&b, &a);
    negotiate(&a, &b);

    let dtls = transceiver.sender().transport().unwrap();
    assert_eq!(Some(&dtls), transceiver.receiver().transport().as_ref(), "one for both");
    assert_eq!(a.transports(), std::slice::from_ref(&dtls), "one for all");
    let sctp = a.sctp_transport().unwrap();
    assert_eq!(sctp.transport().unwrap(), dtls);
    let ice = dtls.ice_transport();
    assert_eq!((ice.id(), ice.role(), ice.component()), (dtls.id(), IceRole::Controlling, IceComponent::Rtp));
    assert_eq!(b.transports()[0].ice_transport().role(), IceRole::Controlled);
    assert!(dtls.remote_certificates().is_empty(), "nobody has proved who it is");

    until_state(&mut a_events, ConnectionState::Connected).await;
    until_state(&mut b_events, ConnectionState::Connected).await;
    let connected = |event| matches!(event, Event::SctpState(SctpState::Connected)).then_some(());
    until("SCTP", &mut a_events, connected).await;
    let theirs = b.transports()[0].clone();
    assert_eq!((dtls.state(), theirs.state()), (DtlsState::Connected, DtlsState::Connected));
    assert_ne!(dtls.role(), theirs.role());
    let certificate = dtls.remote_certificates();
    assert!(certificate.len() == 1 && certificate != theirs.remote_certificates());
    assert!(matches!(ice.state(), IceState::Connected | IceState::Completed), "{:?}", ice.state());
    assert_eq!(ice.gathering_state(), GatheringState::Complete);
    let chosen =
        || [&dtls, &theirs].iter().all(|one| one.ice_transport().selected_candidate_pair().is_some());
    until_true("a pair chosen on both sides", chosen).await;
    let (pair, other) =
        (ice.selected_candidate_pair().unwrap(), theirs.ice_transport().selected_candidate_pair().unwrap());
    assert_eq!((pair.local, pair.remote), (other.remote, other.local));
    assert!(!ice.local_candidates().is_empty() && !ice.remote_candidates().is_empty());
    assert_eq!(ice.local_parameters(), theirs.ice_transport().remote_parameters());
    assert_eq!(ice.remote_parameters(), theirs.ice_transport().local_parameters());
    assert_eq!(sctp.state(), SctpState::Connected);
    assert!(sctp.max_message_size() > 0 && sctp.max_channels().is_some_and(|count| count > 0));

    // The states of ICE came as events of this transport.
    let mut told: Vec<(TransportId, IceState)> = Vec::new();
    until("connected ICE", &mut changes, |event| {
        if let Event::IceTransportState { transport, state } = event {
            told.push((transport, state));
        }
        told.iter().any(|(_, state)| *state == IceState::Connected).then_some(())
    })
    .await;
    assert!(told.iter().all(|(transport, _)| *transport == dtls.id()), "{told:?}");

    a.close();
    a.closed().await;
    assert_eq!(
        (dtls.state(), ice.state(), sctp.state()),
        (DtlsState::Closed, IceState::Closed, SctpState::Closed)
    );
}
