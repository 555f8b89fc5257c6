//! Networks that come and go while an endpoint stands for all addresses of the machine: it serves those that come, and what
//! went by one that is gone for a moment goes on.

use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use peerless::{
    Configuration, DataChannel, DataChannelInit, Endpoint, EndpointConfig, Event, IceConnectionState,
    IceGatheringState, Message, PeerConnection, SessionDescription,
};
use peerless_interop::network::must_be_own;
use peerless_interop::process::in_time;

/// The address of the interface that is there from the beginning.
const FIRST: &str = "10.88.0.1";
/// Those of the one that comes later.
const SECOND: [&str; 2] = ["10.87.0.1", "fd00:87::1"];

/// The second network, while it is there.
struct Network;

impl Network {
    fn begin() -> Self {
        let script = "ip link add dev second type veth peer name secondfar
            ip addr add 10.87.0.1/24 dev second
            ip addr add fd00:87::1/64 dev second nodad
            ip link set dev second up
            ip link set dev secondfar up";
        assert!(shell(script), "{script}");
        Self
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        shell("ip link del dev second");
    }
}

fn shell(script: &str) -> bool {
    must_be_own();
    Command::new("sh").args(["-ec", script]).status().unwrap().success()
}

/// Its own end, the endpoint's, and a channel between them.
struct Pair {
    ends: [PeerConnection; 2],
    channels: [DataChannel; 2],
}

impl Pair {
    /// A client at `address` that knows of the endpoint what it has there of this protocol, and is itself unknown to it: so
    /// that nothing goes another way.
    async fn connect(endpoint: &Endpoint, address: &str, protocol: &str) -> Self {
        let mut configuration = Configuration::default();
        configuration.interfaces = Some(vec![address.parse().unwrap()]);
        let client = PeerConnection::new(configuration).unwrap();
        let ends = [client, endpoint.connection(Configuration::default()).unwrap()];
        let mut init = DataChannelInit::default();
        (init.negotiated, init.id) = (true, Some(0));
        let channels = [0, 1].map(|end: usize| ends[end].create_data_channel("", init.clone()).unwrap());
        let offer = description(&ends[0], |_, _| false).await;
        ends[1].set_remote_description(offer).unwrap();
        let answer = description(&ends[1], |its, at| its == protocol && at == address).await;
        assert!(answer.sdp.contains("a=candidate:"), "none of {protocol} at {address}");
        ends[0].set_remote_description(answer).unwrap();
        for channel in &channels {
            assert!(in_time("an open channel", channel.opened()).await);
        }
        Self { ends, channels }
    }

    async fn talk(&self, word: &str) {
        for (from, to) in [(0, 1), (1, 0)] {
            self.channels[from].send(word).await.unwrap();
            let heard = in_time(word, self.channels[to].recv()).await;
            assert!(matches!(&heard, Some(Message::Text(heard)) if heard == word), "{heard:?}");
        }
    }
}

/// What a connection says, with those of its candidates that are chosen by protocol and address.
async fn description(
    connection: &PeerConnection,
    is_chosen: impl Fn(&str, &str) -> bool,
) -> SessionDescription {
    let mut events = connection.events();
    connection.set_local_description(None).unwrap();
    let gathering = async {
        while connection.ice_gathering_state() != IceGatheringState::Complete {
            events.next().await;
        }
    };
    in_time("all candidates", gathering).await;
    let mut description = connection.local_description().unwrap();
    let is_kept = |line: &&str| {
        let words: Vec<&str> = line.split(' ').collect();
        !line.starts_with("a=candidate:") || is_chosen(&words[2].to_lowercase(), words[4])
    };
    description.sdp = description.sdp.lines().filter(is_kept).map(|line| format!("{line}\r\n")).collect();
    description
}

/// Waits until the endpoint has the second network's addresses, or has them no more.
async fn until_second_is(endpoint: &Endpoint, port: u16, is_there: bool) {
    let second = SECOND.map(|text| SocketAddr::new(text.parse::<IpAddr>().unwrap(), port));
    let looking = async {
        while second.iter().any(|one| endpoint.local_addresses().contains(one) != is_there) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    in_time("other addresses of the endpoint", looking).await;
}

async fn it_serves_what_comes(ice_lite: bool, workers: usize) {
    let mut config = EndpointConfig::default();
    (config.ice_lite, config.workers, config.tcp) = (ice_lite, workers, true);
    let any = ["0.0.0.0", "::"].map(|ip| SocketAddr::new(ip.parse::<IpAddr>().unwrap(), 0));
    let endpoint = Endpoint::bind(any, config).unwrap();
    let before = endpoint.local_addresses();
    let port = before[0].port();
    let first = Pair::connect(&endpoint, FIRST, "udp").await;
    let network = Network::begin();
    until_second_is(&endpoint, port, true).await;
    first.talk("a network came").await;
    let mut later = Vec::new();
    for address in SECOND {
        for protocol in ["udp", "tcp"] {
            let pair = Pair::connect(&endpoint, address, protocol).await;
            pair.talk("over the second network").await;
            later.push(pair);
        }
    }
    // Messages may flow before a pair is selected, and a pair that is not is left in silence.
    let selecting = async {
        let is_selected = |end: &PeerConnection| end.ice_connection_state() == IceConnectionState::Completed;
        while !(is_selected(&later[0].ends[0]) && (ice_lite || is_selected(&later[0].ends[1]))) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    in_time("a pair that is selected", selecting).await;
    let mut events = later[0].ends[1].events();
    drop(network);
    until_second_is(&endpoint, port, false).await;
    assert_eq!(endpoint.local_addresses(), before);
    first.talk("a network went").await;
    if !ice_lite {
        let going = async {
            while !matches!(
                events.next().await,
                Some(Event::IceConnectionState(IceConnectionState::Disconnected))
            ) {}
        };
        in_time("it is told that the network is gone", going).await;
    }
    let network = Network::begin();
    until_second_is(&endpoint, port, true).await;
    later[0].talk("it came back").await;
    Pair::connect(&endpoint, SECOND[0], "tcp").await.talk("by TCP again").await;
    drop(network);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_serves_networks_that_come_later() {
    it_serves_what_comes(false, 1).await;
    it_serves_what_comes(true, 2).await;
}
