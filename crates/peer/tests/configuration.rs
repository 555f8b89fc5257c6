//! What a configuration may be, what of it may change, the pool of candidates, and certificates (webrtc-pc §4.2, §4.4, §4.9).

mod scene;

use std::time::Duration;

use peerless_peer::Peer;
use peerless_peer::config::{BundlePolicy, Config, DtlsVersions, IceTransportPolicy, RtcpMuxPolicy};
use peerless_peer::configuration::{KeyAlgorithm, generate_certificate};
use peerless_peer::error::Error;
use peerless_peer::event::Event;
use peerless_peer::id::TransportId;
use peerless_peer::state::{IceGatheringState, MediaKind};
use peerless_transport::crypto::HashAlgorithm;
use scene::{ALICE, BOB, Scene, Setting};

fn refused(change: impl FnOnce(&mut Config)) -> Error {
    let mut config = scene::config(1, ALICE);
    change(&mut config);
    Peer::new(config).unwrap_err()
}

#[test]
fn what_is_not_there_is_refused_by_its_name() {
    let error = refused(|config| config.rtcp_mux_policy = RtcpMuxPolicy::Negotiate);
    assert!(matches!(error, Error::NotSupported(_)));
    assert_eq!(error.name(), "NotSupportedError");
    let error = generate_certificate(scene::wall(), KeyAlgorithm::Rsa, None).unwrap_err();
    assert_eq!(error.name(), "NotSupportedError");
}

#[test]
fn an_expired_certificate_is_refused_and_a_valid_one_shown() {
    let hour = Duration::from_secs(3600);
    let short = generate_certificate(scene::wall(), KeyAlgorithm::EcdsaP256, Some(hour)).unwrap();
    assert_eq!(short.expires(), scene::wall() + hour);
    let mut config = scene::config(1, ALICE);
    config.certificates = vec![short.clone()];
    config.epoch.1 = scene::wall() + hour - Duration::from_secs(1);
    let peer = Peer::new(config.clone()).unwrap();
    assert_eq!(peer.certificate().fingerprints(), [short.fingerprint(HashAlgorithm::Sha256)]);
    config.epoch.1 = scene::wall() + hour;
    let error = Peer::new(config.clone()).unwrap_err();
    assert!(matches!(error, Error::CertificateExpired));
    assert_eq!(error.name(), "InvalidAccessError");
    let fresh = generate_certificate(config.epoch.1, KeyAlgorithm::EcdsaP256, None).unwrap();
    config.certificates = vec![fresh.clone(), short];
    assert!(matches!(Peer::new(config.clone()).unwrap_err(), Error::CertificateExpired), "any of several");
    let other = generate_certificate(config.epoch.1, KeyAlgorithm::EcdsaP256, None).unwrap();
    config.certificates = vec![fresh.clone(), other];
    let mut peer = Peer::new(config).unwrap();
    peer.add_track(
        MediaKind::Audio,
        peerless_peer::transceiver::TrackInit { id: "sound".to_owned(), ..Default::default() },
    )
    .unwrap();
    let line = format!("a=fingerprint:{}\r\n", fresh.fingerprint(HashAlgorithm::Sha256));
    assert!(peer.create_offer().unwrap().sdp.contains(&line), "the first is shown");
}

#[test]
fn a_certificate_lasts_a_year_at_most() {
    let decade = Duration::from_secs(3650 * 86_400);
    let made = generate_certificate(scene::wall(), KeyAlgorithm::EcdsaP256, Some(decade)).unwrap();
    assert_eq!(made.expires(), scene::wall() + Duration::from_secs(365 * 86_400));
    let made = generate_certificate(scene::wall(), KeyAlgorithm::EcdsaP256, None).unwrap();
    assert_eq!(made.expires(), scene::wall() + Duration::from_secs(30 * 86_400));
}

/// What somebody wants otherwise.
type Change = Box<dyn Fn(&mut Config)>;

#[test]
fn only_what_may_change_changes() {
    let mut peer = Peer::new(scene::config(1, ALICE)).unwrap();
    let before = peer.configuration().clone();
    let other = generate_certificate(scene::wall(), KeyAlgorithm::EcdsaP256, None).unwrap();
    let changes: [(&str, Change); 5] = [
        ("bundlePolicy", Box::new(|config| config.bundle_policy = BundlePolicy::Balanced)),
        ("rtcpMuxPolicy", Box::new(|config| config.rtcp_mux_policy = RtcpMuxPolicy::Negotiate)),
        ("certificates", Box::new(move |config| config.certificates = vec![other.clone()])),
        ("certificates taken away", Box::new(|config| config.certificates.clear())),
        ("ours", Box::new(|config| config.dtls = DtlsVersions::Only12)),
    ];
    for (what, change) in changes {
        let mut config = before.clone();
        change(&mut config);
        let error = peer.set_configuration(scene::moment(), config).unwrap_err();
        assert_eq!(error.name(), "InvalidModificationError", "{what}");
    }
    let mut config = before.clone();
    config.ice_transport_policy = IceTransportPolicy::Relay;
    assert_eq!(
        format!("{:?}", peer.configuration()),
        format!("{before:?}"),
        "a refused change changes nothing"
    );
    peer.set_configuration(scene::moment(), config).unwrap();
    assert_eq!(peer.configuration().ice_transport_policy, IceTransportPolicy::Relay);
    peer.set_configuration(scene::moment(), before.clone()).unwrap();
    peer.close(scene::moment());
    assert!(matches!(peer.set_configuration(scene::moment(), before), Err(Error::Closed)));
}

#[test]
fn the_pool_gathers_before_there_is_a_description_and_serves_the_first() {
    let mut scene = Scene::with(Setting {
        adjust: |side, config| {
            if side == ALICE {
                config.bundle_policy = BundlePolicy::MaxCompat;
                config.ice_candidate_pool_size = 3;
            }
        },
        ..Setting::default()
    });
    scene.trickles = false;
    scene.drain();
    let gathered = |scene: &Scene| scene.ends[ALICE].count(|event| matches!(event, Event::Gather(_)));
    assert_eq!(gathered(&scene), 3);
    assert!(scene.ends[ALICE].candidates().is_empty(), "nobody is told yet");
    assert_eq!(scene.ends[ALICE].peer.ice_gathering_state(), IceGatheringState::New);
    scene.add_source(ALICE, MediaKind::Audio);
    scene.add_source(ALICE, MediaKind::Video);
    let now = scene.now;
    scene.peer(ALICE).set_local_description(now, None).unwrap();
    let text = scene.peer(ALICE).local_description().unwrap().sdp;
    assert_eq!(text.matches("a=candidate:").count(), 2, "at once\n{text}");
    assert_eq!(text.matches("a=end-of-candidates").count(), 2);
    scene.drain();
    assert_eq!(gathered(&scene), 3, "no more sockets than there were");
    assert_eq!(scene.ends[ALICE].candidates().len(), 2);
    assert_eq!(scene.ends[ALICE].peer.ice_gathering_state(), IceGatheringState::Complete);
    scene.negotiate(ALICE);
    scene.connect();
    let closed = scene.ends[ALICE].count(|event| matches!(event, Event::TransportClosed(_)));
    assert_eq!(closed, 2, "one was surplus, one was never needed");
    assert_eq!(scene.ends[ALICE].peer.transports().len(), 1);
    assert_eq!(scene.ends[BOB].peer.transports().len(), 1);
}

#[test]
fn the_pool_changes_until_the_first_local_description() {
    let mut scene = Scene::new();
    let now = scene.now;
    let resize = |scene: &mut Scene, size: u8| {
        let mut config = scene.peer(ALICE).configuration().clone();
        config.ice_candidate_pool_size = size;
        let outcome = scene.peer(ALICE).set_configuration(now, config);
        scene.drain();
        outcome
    };
    resize(&mut scene, 2).unwrap();
    let end = &scene.ends[ALICE];
    assert_eq!(end.count(|event| matches!(event, Event::Gather(_))), 2);
    resize(&mut scene, 1).unwrap();
    let end = &scene.ends[ALICE];
    assert_eq!(end.count(|event| *event == Event::TransportClosed(TransportId(1))), 1);
    resize(&mut scene, 0).unwrap();
    assert_eq!(scene.ends[ALICE].count(|event| matches!(event, Event::TransportClosed(_))), 2);
    scene.add_source(ALICE, MediaKind::Audio);
    scene.negotiate(ALICE);
    let error = resize(&mut scene, 1).unwrap_err();
    assert_eq!(error.name(), "InvalidModificationError");
    resize(&mut scene, 0).unwrap();
    scene.connect();
}
