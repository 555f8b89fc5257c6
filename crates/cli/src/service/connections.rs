//! The connections of a command that serves: each with ports of its own, or all on one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use peerless::addresses::{PublicAddress, PublicKind};
use peerless::{Configuration, Endpoint, EndpointConfig, Error, PeerConnection};

use crate::args::media_port::MediaPortArgs;
use crate::args::network::NetworkArgs;
use crate::service::configuration;

/// Where connections come from.
#[derive(Debug, Clone)]
pub struct Connections {
    configuration: Configuration,
    /// Where they share a port.
    endpoint: Option<Endpoint>,
}

impl Connections {
    /// Takes the port, where there is to be one for all.
    pub fn new(network: &NetworkArgs, media: &MediaPortArgs) -> Result<Self, Error> {
        let mut configuration = configuration::of(network);
        let endpoint = match media.media_port {
            Some(port) => {
                let ips = configuration.interfaces.take();
                Some(bind(ips, port, media)?)
            }
            None => None,
        };
        let connections = Self { configuration, endpoint };
        // What cannot be is told now and not to the first client.
        connections.open(|_| {})?.close();
        Ok(connections)
    }

    /// One more, with what `change` makes of its configuration.
    pub fn open(&self, change: impl FnOnce(&mut Configuration)) -> Result<PeerConnection, Error> {
        let mut configuration = self.configuration.clone();
        change(&mut configuration);
        match &self.endpoint {
            Some(endpoint) => endpoint.connection(configuration),
            None => PeerConnection::new(configuration),
        }
    }

    /// The line about the port they share, if they do.
    pub fn line(&self) -> Option<String> {
        let endpoint = self.endpoint.as_ref()?;
        let addresses: Vec<String> = endpoint.local_addresses().iter().map(SocketAddr::to_string).collect();
        Some(format!("media of all clients: {}", addresses.join(", ")))
    }
}

/// At these addresses, or at all of the machine's.
fn bind(ips: Option<Vec<IpAddr>>, port: u16, media: &MediaPortArgs) -> Result<Endpoint, Error> {
    let all = || vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    let addresses = ips.unwrap_or_else(all).into_iter().map(|ip| SocketAddr::new(ip, port));
    let mut config = EndpointConfig::default();
    config.tcp = media.media_tcp;
    let public = |public: &IpAddr| PublicAddress { local: None, public: *public, shown: PublicKind::Host };
    config.addresses.public = media.public_address.iter().map(public).collect();
    Endpoint::bind(addresses, config)
}
