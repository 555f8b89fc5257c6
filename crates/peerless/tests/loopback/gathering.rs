//! Gathering: what STUN servers add to the candidates, and what those that fail do not spoil (RFC 8445 §5.1.1.2).

use std::net::SocketAddr;

use bytes::BytesMut;
use peerless::addresses::{AddressOptions, AddressReason, IpHandling, PublicAddress, PublicKind};
use peerless::{
    Configuration, ConnectionState, Event, IceCandidateError, IceGatheringState, IceServer, LocalTrack,
    MediaKind, PeerConnection,
};
use peerless_wire::stun::{Attribute, Class, ErrorCode, Message, Method, TransactionId, Writer};
use tokio::net::UdpSocket;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use crate::stage::{PATIENCE, both_families, configuration, connection, negotiate, trickle, until_state};

/// What a server says to whoever asks.
#[derive(Debug, Clone, Copy)]
enum Reply {
    /// Where it really sees the asker.
    AsSeen,
    /// That it sees the asker here.
    Seen(&'static str),
    /// No, with this code.
    No(u16),
}

/// A STUN server on the loopback interface; ends when dropped.
struct Server {
    address: SocketAddr,
    task: AbortHandle,
}

impl Server {
    async fn start(bind: &str, reply: Reply) -> Self {
        let socket = UdpSocket::bind(bind).await.unwrap();
        let address = socket.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut datagram = [0; 1500];
            while let Ok((length, asker)) = socket.recv_from(&mut datagram).await {
                let message = Message::parse(&datagram[..length]).expect("a STUN message");
                if message.class() == Class::Request {
                    let answer = answer(reply, asker, message.transaction());
                    socket.send_to(&answer, asker).await.unwrap();
                }
            }
        });
        Self { address, task: task.abort_handle() }
    }

    fn ice_server(&self) -> IceServer {
        IceServer::new(format!("stun:{}", self.address))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn answer(reply: Reply, asker: SocketAddr, transaction: TransactionId) -> BytesMut {
    let mut out = BytesMut::new();
    let class = if matches!(reply, Reply::No(_)) { Class::Error } else { Class::Success };
    let mut writer = Writer::new(&mut out, class, Method::BINDING, transaction);
    match reply {
        Reply::AsSeen => writer.attribute(Attribute::XorMappedAddress(asker)),
        Reply::Seen(at) => writer.attribute(Attribute::XorMappedAddress(at.parse().unwrap())),
        Reply::No(code) => writer.attribute(Attribute::ErrorCode(ErrorCode::new(code).unwrap(), "no")),
    }
    writer.fingerprint();
    out
}

/// What a whole gathering told.
#[derive(Debug, Default)]
struct Gathered {
    candidates: Vec<String>,
    errors: Vec<IceCandidateError>,
}

impl Gathered {
    /// The addresses and ports of the server-reflexive candidates, sorted.
    fn reflexive(&self) -> Vec<String> {
        let reflexive = self.candidates.iter().filter(|candidate| candidate.contains(" typ srflx "));
        let mut places: Vec<_> = reflexive
            .map(|candidate| candidate.split(' ').skip(4).take(2).collect::<Vec<_>>().join(" "))
            .collect();
        places.sort();
        places
    }

    fn hosts(&self) -> usize {
        self.candidates.iter().filter(|candidate| candidate.contains(" typ host ")).count()
    }
}

/// Offers, and waits until all is gathered: the candidates of UDP.
async fn gather(configuration: Configuration) -> (PeerConnection, Gathered) {
    let connection = PeerConnection::new(configuration).unwrap();
    let mut events = connection.events();
    connection.add_track(&LocalTrack::new(MediaKind::Audio, "microphone", "stream")).unwrap();
    connection.set_local_description(None).unwrap();
    let mut gathered = Gathered::default();
    let (mut ended, mut complete) = (false, false);
    while !(ended && complete) {
        match timeout(PATIENCE, events.next()).await.expect("gathering ends").unwrap() {
            Event::IceCandidate(candidate) if candidate.candidate.is_empty() => ended = true,
            Event::IceCandidate(candidate) => {
                assert!(!ended, "{candidate:?} after the last");
                // Servers are asked over UDP.
                gathered.candidates.extend(Some(candidate.candidate).filter(|one| !one.contains("tcptype")));
            }
            Event::IceCandidateError(error) => gathered.errors.push(error),
            Event::IceGatheringState(state) => complete = state == IceGatheringState::Complete,
            _ => {}
        }
    }
    assert_eq!(connection.ice_gathering_state(), IceGatheringState::Complete);
    (connection, gathered)
}

#[tokio::test]
async fn two_stun_servers_of_each_family_show_reflexive_candidates() {
    let mut servers = Vec::new();
    for (bind, seen) in [
        ("127.0.0.1:0", "198.51.100.1:4001"),
        ("127.0.0.1:0", "198.51.100.2:4002"),
        ("[::1]:0", "[2001:db8::1]:6001"),
        ("[::1]:0", "[2001:db8::2]:6002"),
    ] {
        servers.push(Server::start(bind, Reply::Seen(seen)).await);
    }
    let mut asking = both_families();
    asking.ice_servers = servers.iter().map(Server::ice_server).collect();
    let (a, gathered) = gather(asking).await;
    let expected = ["198.51.100.1 4001", "198.51.100.2 4002", "2001:db8::1 6001", "2001:db8::2 6002"];
    assert_eq!(gathered.reflexive(), expected);
    assert_eq!((gathered.hosts(), gathered.errors.len()), (2, 0), "{gathered:?}");
    for candidate in gathered.candidates.iter().filter(|candidate| candidate.contains("srflx")) {
        let base = if candidate.contains("2001:db8") { "raddr ::1 " } else { "raddr 127.0.0.1 " };
        assert!(candidate.contains(base), "{candidate}");
    }
    let described = a.local_description().unwrap().sdp;
    assert!(gathered.candidates.iter().all(|candidate| described.contains(&format!("a={candidate}\r\n"))));
    assert!(described.contains("a=end-of-candidates\r\n"));
}

#[tokio::test]
async fn neither_a_silent_server_nor_a_mapping_that_leads_nowhere_holds_the_connection_back() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let server = Server::start("127.0.0.1:0", Reply::Seen("198.51.100.1:4001")).await;
    let mut asking = configuration();
    asking.ice_servers =
        vec![IceServer::new(format!("stun:{}", silent.local_addr().unwrap())), server.ice_server()];
    let (a, b) = (PeerConnection::new(asking).unwrap(), connection());
    let mut events = a.events();
    trickle(&a, &b);
    trickle(&b, &a);
    a.add_track(&LocalTrack::new(MediaKind::Audio, "microphone", "stream")).unwrap();
    negotiate(&a, &b);
    until_state(&mut events, ConnectionState::Connected).await;
    assert_eq!(a.ice_gathering_state(), IceGatheringState::Gathering, "the silent server is still awaited");
}

#[tokio::test]
async fn a_server_that_sees_us_as_we_are_adds_no_candidate() {
    let server = Server::start("127.0.0.1:0", Reply::AsSeen).await;
    let mut asking = configuration();
    asking.ice_servers = vec![server.ice_server()];
    let (_connection, gathered) = gather(asking).await;
    assert_eq!((gathered.candidates.len(), gathered.hosts()), (1, 1), "{gathered:?}");
    assert!(gathered.errors.is_empty(), "{gathered:?}");
}

#[tokio::test]
async fn a_server_found_by_name_is_asked() {
    let server = Server::start("127.0.0.1:0", Reply::Seen("198.51.100.7:4007")).await;
    let mut asking = configuration();
    asking.ice_servers = vec![IceServer::new(format!("stun:localhost:{}", server.address.port()))];
    let (_, gathered) = gather(asking).await;
    assert_eq!(gathered.reflexive(), ["198.51.100.7 4007"]);
    assert!(gathered.errors.is_empty(), "no IPv6 socket is there to ask the other address from");
}

#[tokio::test]
async fn servers_that_fail_are_told_and_gathering_still_completes() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let silent_address = silent.local_addr().unwrap();
    let refusing = Server::start("127.0.0.1:0", Reply::No(420)).await;
    let good = Server::start("127.0.0.1:0", Reply::Seen("198.51.100.1:4001")).await;
    // A label of 64 letters is no name (RFC 1035 §2.3.4): it fails on any machine, and asks no network.
    let nowhere = format!("{}.invalid:3478", "x".repeat(64));
    let mut asking = configuration();
    asking.ice_servers = vec![
        IceServer::new(format!("stun:{nowhere}")),
        IceServer::new(format!("stun:{silent_address}")),
        refusing.ice_server(),
        good.ice_server(),
    ];
    let (_connection, mut gathered) = gather(asking).await;
    assert_eq!(
        (gathered.reflexive().as_slice(), gathered.hosts()),
        (&["198.51.100.1 4001".to_owned()][..], 1)
    );
    assert_eq!(gathered.errors.len(), 3, "{:?}", gathered.errors);
    assert!(gathered.errors.iter().all(|error| !error.error_text.is_empty()));
    let unknown = gathered.errors.remove(0);
    assert_eq!((unknown.address, unknown.port, unknown.error_code), (None, None, 701));
    assert_eq!(unknown.url, format!("stun:{nowhere}"));
    gathered.errors.sort_by_key(|error| error.error_code);
    let [refused, unanswered] = &gathered.errors[..] else { panic!("{:?}", gathered.errors) };
    assert_eq!((refused.error_code, &*refused.error_text, unanswered.error_code), (420, "no", 701));
    assert_eq!(refused.url, format!("stun:{}", refusing.address));
    assert_eq!(unanswered.url, format!("stun:{silent_address}"));
    assert!(refused.address.is_some_and(|address| address.is_loopback()));
    assert!(
        refused.port.is_some() && (refused.address, refused.port) == (unanswered.address, unanswered.port)
    );
}

/// Addresses of loopback, shown as `change` says.
async fn gathered_with(change: impl FnOnce(&mut AddressOptions)) -> (PeerConnection, Gathered) {
    let mut configuration = configuration();
    configuration.ice_tcp.active = Some(false);
    change(&mut configuration.addresses);
    gather(configuration).await
}

#[tokio::test]
async fn ports_are_taken_from_the_range_and_where_all_are_taken_it_is_told() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let (_connection, gathered) = gathered_with(|options| options.ports = Some(port..=port)).await;
    assert_eq!(gathered.hosts(), 0);
    let [error] = gathered.errors.as_slice() else { panic!("{gathered:?}") };
    assert_eq!((error.error_code, error.port), (701, None));
    assert!(error.error_text.contains("no free port"), "{error:?}");
    drop(taken);
    let (_connection, gathered) = gathered_with(|options| options.ports = Some(port..=port)).await;
    assert!(gathered.candidates[0].contains(&format!(" 127.0.0.1 {port} typ host")), "{gathered:?}");
}

#[tokio::test]
async fn known_translations_stand_for_host_candidates_or_beside_them() {
    let public = |shown| PublicAddress {
        local: Some("127.0.0.1".parse().unwrap()),
        public: "192.0.2.7".parse().unwrap(),
        shown,
    };
    let (_connection, gathered) =
        gathered_with(|options| options.public = vec![public(PublicKind::Host)]).await;
    assert_eq!(gathered.candidates.len(), 1);
    assert!(gathered.candidates[0].contains(" 192.0.2.7 ") && gathered.hosts() == 1, "{gathered:?}");
    let (_connection, gathered) =
        gathered_with(|options| options.public = vec![public(PublicKind::ServerReflexive)]).await;
    assert_eq!((gathered.hosts(), gathered.reflexive().len()), (1, 1), "{gathered:?}");
    assert!(gathered.reflexive()[0].starts_with("192.0.2.7 "));
}

#[tokio::test]
async fn what_cannot_be_done_with_addresses_is_refused() {
    let mut configuration = configuration();
    configuration.addresses.ip_handling = IpHandling::ProxyOnly;
    let error = PeerConnection::new(configuration).unwrap_err();
    assert!(matches!(error, peerless::Error::Addresses(AddressReason::ProxyOnly)), "{error}");
    assert_eq!(error.name(), "NotSupportedError");
}
