//! What these tests need: an endpoint, clients with ports of their own, a way to wait.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use peerless::{
    Configuration, ConnectionState, DataChannel, DataChannelInit, Endpoint, EndpointConfig, Event,
    IceGatheringState, Message, PeerConnection, SdpType,
};
use tokio::time::timeout;

/// Generous: a slow machine is not a fault.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

pub fn endpoint(workers: usize, ice_lite: bool) -> Endpoint {
    let mut config = EndpointConfig::default();
    (config.workers, config.ice_lite) = (workers, ice_lite);
    Endpoint::bind([ANY_PORT], config).unwrap()
}

/// The endpoint's only address.
pub fn address(endpoint: &Endpoint) -> SocketAddr {
    endpoint.local_addresses()[0]
}

/// A connection with sockets of its own.
pub fn client() -> PeerConnection {
    let mut configuration = Configuration::default();
    configuration.interfaces = Some(vec![Ipv4Addr::LOCALHOST.into()]);
    PeerConnection::new(configuration).unwrap()
}

/// Waits until `done`, letting the connections work meanwhile.
pub async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let waiting = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Two that are connected, and a channel between them.
pub struct Pair {
    pub ends: [PeerConnection; 2],
    pub channels: [DataChannel; 2],
}

impl Pair {
    /// Connects them: the first offers.
    pub async fn new(offering: PeerConnection, answering: PeerConnection) -> Self {
        Self::by_way_of([offering, answering], |sdp| sdp, |sdp| sdp).await
    }

    /// The same, with what is made of the offer and of the answer on their way.
    pub async fn by_way_of(
        ends: [PeerConnection; 2],
        offer: impl FnOnce(String) -> String,
        answer: impl FnOnce(String) -> String,
    ) -> Self {
        let mut init = DataChannelInit::default();
        (init.negotiated, init.id) = (true, Some(0));
        let channels = [0, 1].map(|end: usize| ends[end].create_data_channel("", init.clone()).unwrap());
        let (mut offer, mut answer) = (Some(offer), Some(answer));
        for (from, to) in [(0, 1), (1, 0)] {
            ends[from].set_local_description(None).unwrap();
            until("candidates", || ends[from].ice_gathering_state() == IceGatheringState::Complete).await;
            let mut description = ends[from].local_description().unwrap();
            description.sdp = match description.kind {
                SdpType::Offer => offer.take().unwrap()(description.sdp),
                _ => answer.take().unwrap()(description.sdp),
            };
            ends[to].set_remote_description(description).unwrap();
        }
        for channel in &channels {
            timeout(PATIENCE, channel.opened()).await.expect("never opened");
        }
        Self { ends, channels }
    }

    /// A word goes from each end to the other.
    pub async fn talk(&self, word: &str) {
        for (from, to) in [(0, 1), (1, 0)] {
            self.channels[from].send(word).await.unwrap();
            let heard = timeout(PATIENCE, self.channels[to].recv()).await.expect("never heard");
            assert!(matches!(heard, Some(Message::Text(heard)) if heard == word));
        }
    }

    pub fn is_connected(&self) -> bool {
        self.ends.iter().all(|end| end.connection_state() == ConnectionState::Connected)
    }
}

/// Passes every candidate of `from` on to `to`, until `from` closes.
pub fn trickle(from: &PeerConnection, to: &PeerConnection) {
    let (mut events, to) = (from.events(), to.clone());
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            if let Event::IceCandidate(candidate) = event
                && to.add_ice_candidate(&candidate).is_err()
            {
                break;
            }
        }
    });
}
