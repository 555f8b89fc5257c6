//! What an endpoint cannot do is refused where it is asked for.

use peerless::{
    BundlePolicy, Configuration, Endpoint, EndpointConfig, EndpointError, Error, GatheringPolicy, IceServer,
    IceTransportPolicy,
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
