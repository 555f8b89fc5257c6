//! How an endpoint shall be: plain data with defaults, and what a connection of one may want.

use std::net::SocketAddr;
use std::sync::Arc;

use peerless_peer::config::Config;
use peerless_transport::crypto::Certificate;

use crate::addresses::{AddressOptions, IpHandling, PublicAddress, PublicKind};
use crate::error::{EndpointError, Error};

/// The most workers an endpoint can have.
const WORKERS: usize = 64;

/// How long the username fragments of connections are that share a port: 72 bits, which no two draw alike.
const UFRAG_LENGTH: usize = 12;

/// How an [`Endpoint`](crate::Endpoint) shall be. Where many connections are idle most of the time, their
/// [`max_packet_size`](crate::Configuration::max_packet_size) is best 1400: each keeps buffers of the largest packet it had.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EndpointConfig {
    /// How many tasks drive the connections, each with sockets of its own on the endpoint's addresses: 1 to 64, more than
    /// one on Linux only. As many as the machine has cores is the most that helps. Default: 1.
    pub workers: usize,
    /// Whether the connections are ICE-lite (RFC 8445 §2.5), for servers whose addresses everyone reaches: host candidates
    /// only, always controlled, no checks of their own. Such a connection needs no STUN servers, half the messages while
    /// idle, and a remote that is not lite. Default: no.
    pub ice_lite: bool,
    /// Whether connections of TCP are taken too (RFC 6544), at the same addresses and ports: each connection has passive
    /// candidates then, for remotes whose network lets no UDP through. Default: no.
    pub tcp: bool,
    /// Which of the machine's addresses an address without an IP stands for (interfaces, networks, families, loopback), those
    /// that come later with them, and by
    /// which public addresses the endpoint is seen, where a translator is set up for it (NAT 1:1, as in clouds and
    /// containers). Ports are given with the addresses; names and the modes of RFC 8828 are refused. Default: all, as they are.
    pub addresses: AddressOptions,
    /// The certificate of those connections whose configuration has none. Default: one made with the endpoint, so that they
    /// all show the same; another follows it when it is about to expire, after 29 days.
    pub certificate: Option<Arc<Certificate>>,
}

impl Default for EndpointConfig {
    fn default() -> Self {
        Self {
            workers: 1,
            ice_lite: false,
            tcp: false,
            addresses: AddressOptions::default(),
            certificate: None,
        }
    }
}

impl EndpointConfig {
    /// # Errors
    /// `Addresses`; `Endpoint`: `Workers`, `AddressOptions`, `Choice`, `LitePublic`.
    pub(super) fn check(&self, wanted: &[SocketAddr]) -> Result<(), Error> {
        let most = if cfg!(target_os = "linux") { WORKERS } else { 1 };
        let options = &self.addresses;
        options.check()?;
        let is_reflexive = |one: &PublicAddress| one.shown == PublicKind::ServerReflexive;
        let refused = if !(1..=most).contains(&self.workers) {
            EndpointError::Workers(self.workers)
        } else if options.ports.is_some()
            || options.hides_host_addresses
            || options.ip_handling != IpHandling::All
        {
            EndpointError::AddressOptions
        } else if options.chooses() && !wanted.iter().any(|address| address.ip().is_unspecified()) {
            EndpointError::Choice
        } else if self.ice_lite && options.public.iter().any(is_reflexive) {
            EndpointError::LitePublic
        } else {
            return Ok(());
        };
        Err(refused.into())
    }

    /// # Errors
    /// `Public` for a public address of none of these.
    pub(super) fn check_public(&self, bound: &[SocketAddr]) -> Result<(), EndpointError> {
        for public in &self.addresses.public {
            let is_its = |local: &SocketAddr| self.addresses.public_of(local.ip()).any(|one| one == public);
            if !bound.iter().any(is_its) {
                return Err(EndpointError::Public(public.public));
            }
        }
        Ok(())
    }

    /// What of it is the peer's.
    pub(super) fn write_into(&self, config: &mut Config) {
        config.ice_lite = self.ice_lite;
        config.ice_ufrag_length = UFRAG_LENGTH;
    }
}
