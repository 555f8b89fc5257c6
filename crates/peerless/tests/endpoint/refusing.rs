//! What an endpoint cannot do is refused where it is asked for.

use std::time::Duration;

use peerless::addresses::{AddressReason, Families, IpHandling, Loopback, PublicAddress, PublicKind};
use peerless::{
    BundlePolicy, Configuration, DtlsVersions, Endpoint, EndpointConfig, EndpointError, Error,
    GatheringPolicy, IceServer, IceTransportPolicy, KeyAlgorithm, PeerConnection, RtcpMuxPolicy,
};

use crate::stage::{ANY_PORT, endpoint};

fn reason<T>(outcome: Result<T, Error>) -> EndpointError {
    match outcome {
        Err(Error::Endpoint(reason)) => reason,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken"),
    }
}

fn with(change: impl FnOnce(&mut Configuration)) -> Configuration {
    let mut configuration = Configuration::default();
    change(&mut configuration);
    configuration
}

#[tokio::test]
async fn senseless_endpoints_are_refused() {
    let bind = |addresses: &[_], workers| {
        let mut config = EndpointConfig::default();
        config.workers = workers;
        reason(Endpoint::bind(addresses.iter().copied(), config))
    };
    let address = "127.0.0.1:9".parse().unwrap();
    assert_eq!(bind(&[], 1), EndpointError::NoAddress);
    assert_eq!(bind(&[address, address], 1), EndpointError::Twice(address));
    assert_eq!(bind(&[ANY_PORT], 0), EndpointError::Workers(0));
    assert_eq!(bind(&[ANY_PORT], 65), EndpointError::Workers(65));
}

fn public(local: Option<&str>, public: &str, shown: PublicKind) -> PublicAddress {
    PublicAddress { local: local.map(|text| text.parse().unwrap()), public: public.parse().unwrap(), shown }
}

#[tokio::test]
async fn options_of_addresses_that_would_have_no_effect_are_refused() {
    type Change = fn(&mut EndpointConfig);
    let bind = |change: Change| {
        let mut config = EndpointConfig::default();
        change(&mut config);
        Endpoint::bind([ANY_PORT], config)
    };
    let refused: [(Change, EndpointError); 9] = [
        (|one| one.addresses.ports = Some(9000..=9001), EndpointError::AddressOptions),
        (|one| one.addresses.hides_host_addresses = true, EndpointError::AddressOptions),
        (|one| one.addresses.ip_handling = IpHandling::DefaultRoute, EndpointError::AddressOptions),
        (|one| one.addresses.only_interfaces = vec!["lo".to_owned()], EndpointError::Choice),
        (|one| one.addresses.except_interfaces = vec!["lo".to_owned()], EndpointError::Choice),
        (|one| one.addresses.families = Families::Ipv4, EndpointError::Choice),
        (|one| one.addresses.loopback = Loopback::Always, EndpointError::Choice),
        (
            |one| one.addresses.public = vec![public(Some("127.0.0.2"), "192.0.2.1", PublicKind::Host)],
            EndpointError::Public([192, 0, 2, 1].into()),
        ),
        (
            |one| {
                one.ice_lite = true;
                one.addresses.public = vec![public(None, "192.0.2.1", PublicKind::ServerReflexive)];
            },
            EndpointError::LitePublic,
        ),
    ];
    for (change, expected) in refused {
        assert_eq!(reason(bind(change)), expected);
    }
    let twice = bind(|one| {
        let one_and_other = ["192.0.2.1", "192.0.2.2"];
        one.addresses.public = one_and_other.map(|ip| public(None, ip, PublicKind::Host)).to_vec();
    });
    assert_eq!(twice.unwrap_err().name(), "InvalidAccessError");
    let nobody = bind(|one| one.addresses.public = vec![public(None, "2001:db8::1", PublicKind::Host)]);
    assert_eq!(reason(nobody), EndpointError::Public("2001:db8::1".parse().unwrap()));
}

#[tokio::test]
async fn single_connections_refuse_a_choice_among_addresses_that_are_named() {
    let configuration = with(|one| {
        one.interfaces = Some(vec!["127.0.0.1".parse().unwrap()]);
        one.addresses.families = Families::Ipv6;
    });
    let refused = PeerConnection::new(configuration);
    assert!(matches!(refused, Err(Error::Addresses(AddressReason::Choice))));
}

/// Whatever cannot change is refused by `set_configuration`, on an endpoint and off it.
#[tokio::test]
async fn every_option_that_cannot_change_says_so() {
    let endpoint = endpoint(1, false);
    let certificate = PeerConnection::generate_certificate(KeyAlgorithm::EcdsaP256, None).unwrap();
    let changes: Vec<Configuration> = vec![
        with(|one| one.bundle_policy = BundlePolicy::Balanced),
        with(|one| one.certificates = vec![certificate]),
        with(|one| one.gathering = GatheringPolicy::Continually),
        with(|one| one.rtcp_mux_policy = RtcpMuxPolicy::Negotiate),
        with(|one| one.codecs.truncate(1)),
        with(|one| one.dtls = DtlsVersions::Only12),
        with(|one| one.interfaces = Some(vec!["127.0.0.1".parse().unwrap()])),
        with(|one| one.addresses.hides_host_addresses = true),
        with(|one| one.ice_tcp.active = Some(true)),
        with(|one| one.ice_tcp.passive = Some(0)),
        with(|one| one.ice_tcp.simultaneous = true),
        with(|one| one.tls_roots = vec![vec![0]]),
        with(|one| one.mtu = 1300),
        with(|one| one.max_packet_size = 1400),
        with(|one| one.pacing = false),
        with(|one| one.jitter_buffer = Duration::ZERO..=Duration::from_secs(2)),
        with(|one| one.max_message_size = 9),
        with(|one| one.send_buffer = 9),
        with(|one| one.receive_buffer = 1 << 20),
        with(|one| one.diagnostics = true),
    ];
    let ours = endpoint.connection(Configuration::default()).unwrap();
    for connection in [PeerConnection::new(Configuration::default()).unwrap(), ours] {
        for (number, change) in changes.iter().enumerate() {
            assert!(connection.set_configuration(change.clone()).is_err(), "row {number}");
        }
        let same = connection.configuration();
        connection.set_configuration(same).unwrap();
    }
}

#[tokio::test]
async fn connections_of_an_endpoint_cannot_have_what_it_cannot_give() {
    let (full, lite) = (endpoint(1, false), endpoint(1, true));
    let rows = [
        (with(|one| one.bundle_policy = BundlePolicy::MaxCompat), EndpointError::BundlePolicy),
        (with(|one| one.ice_candidate_pool_size = 2), EndpointError::CandidatePool),
        (with(|one| one.interfaces = Some(Vec::new())), EndpointError::Interfaces),
        (with(|one| one.gathering = GatheringPolicy::Continually), EndpointError::Gathering),
        (with(|one| one.ice_transport_policy = IceTransportPolicy::Relay), EndpointError::Turn),
        (
            with(|one| one.ice_servers = vec![IceServer::turn("turn:127.0.0.1", "name", "word")]),
            EndpointError::Turn,
        ),
        (with(|one| one.ice_tcp.passive = Some(0)), EndpointError::PassiveTcp),
        (with(|one| one.ice_tcp.simultaneous = true), EndpointError::PassiveTcp),
        (with(|one| one.tls_roots = vec![vec![0]]), EndpointError::TlsRoots),
    ];
    for (configuration, expected) in rows {
        assert_eq!(reason(full.connection(configuration.clone())), expected);
        assert_eq!(
            reason(full.connection(Configuration::default()).unwrap().set_configuration(configuration)),
            expected
        );
    }
    let servers = with(|one| one.ice_servers = vec![IceServer::new("stun:127.0.0.1")]);
    full.connection(servers.clone()).unwrap();
    assert_eq!(reason(lite.connection(servers)), EndpointError::LiteServers);
    let active = with(|one| one.ice_tcp.active = Some(true));
    full.connection(active.clone()).unwrap();
    assert_eq!(reason(lite.connection(active)), EndpointError::LiteActiveTcp);
}

#[tokio::test]
async fn two_lite_sides_refuse_each_other() {
    let lite = endpoint(1, true);
    let [a, b] = [0, 1].map(|_| lite.connection(Configuration::default()).unwrap());
    a.create_data_channel("", peerless::DataChannelInit::default()).unwrap();
    a.set_local_description(None).unwrap();
    let error = b.set_remote_description(a.local_description().unwrap()).unwrap_err();
    assert!(error.to_string().contains("both sides are ICE-lite"), "{error}");
}
