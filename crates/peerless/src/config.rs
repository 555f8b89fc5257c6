//! How a connection shall be: plain data with defaults that fit most users.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use peerless_peer::config::{
    BundlePolicy, CodecCapability, Config, DtlsVersions, GatheringPolicy, IceTransportPolicy, RtcpMuxPolicy,
};
use peerless_transport::crypto::Certificate;

use crate::addresses::AddressOptions;
use crate::error::{EndpointError, Error};
use crate::ice_server::{IceServer, Servers};
use crate::ice_tcp::IceTcp;

/// RTCConfiguration (webrtc-pc §4.2.1) and what a native peer wants to say besides.
///
/// Change the fields you care about and leave the rest to [`Default`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Configuration {
    /// STUN servers to ask for our address as seen from outside, TURN servers to lend us one. Default: none.
    pub ice_servers: Vec<IceServer>,
    /// How media sections share transports where the other side does not bundle. Default: max-bundle, one transport for all;
    /// with the others each transport has sockets of its own until the answer has come.
    pub bundle_policy: BundlePolicy,
    /// The certificates to show, made by [`generate_certificate`](crate::PeerConnection::generate_certificate) or brought
    /// along: of several the first, as all are of one kind. An expired one is refused. Default: a fresh one, ECDSA P-256.
    pub certificates: Vec<Arc<Certificate>>,
    /// For how many transports to gather before there is a description, so that the first one has candidates at once.
    /// Default: none.
    pub ice_candidate_pool_size: u8,
    /// Which candidates are used. Default: all. With `Relay` only addresses that TURN servers lend are told to the remote
    /// and tried, and nothing tells of ours.
    pub ice_transport_policy: IceTransportPolicy,
    /// Whether local addresses are taken up as they come while the connection lives, and the connection moves to the best
    /// of them without an ICE restart. Default: once, as browsers do; others are then taken up with an ICE restart.
    pub gathering: GatheringPolicy,
    /// Whether RTCP may go without multiplexing. Default: it may not; `Negotiate` is refused.
    pub rtcp_mux_policy: RtcpMuxPolicy,
    /// The codecs offered and accepted, best first. Default: all we have.
    pub codecs: Vec<CodecCapability>,
    /// Which versions of DTLS may be used. Default: 1.3 and 1.2.
    pub dtls: DtlsVersions,
    /// The local addresses to use. Default: those of all interfaces that are up; loopback only where there is no other.
    pub interfaces: Option<Vec<IpAddr>>,
    /// Which of them are used and how they are shown: interfaces, ports, translators, names instead of addresses. Where
    /// `interfaces` names addresses, a choice of interfaces here is refused. Default: all, as they are.
    pub addresses: AddressOptions,
    /// Which candidates of TCP are gathered. Default: active ones.
    pub ice_tcp: IceTcp,
    /// Certificates, each in DER, that may vouch for TURN servers over TLS beside the roots of the system. Default: none.
    pub tls_roots: Vec<Vec<u8>>,
    /// The largest UDP payload sent, bytes: 548 to 65 507; by way of a relay 4 bytes more, and up to 52 before it has bound a
    /// channel. Default: 1200. Data channels look for what the path carries
    /// beyond that (RFC 8899).
    pub mtu: usize,
    /// The largest packet that data channels take, and look for where the path carries it (RFC 8899), bytes: 1200, which
    /// turns the search off, to 16384. Default: 16384. Browsers, and whoever else does not say what it takes, get 1400
    /// at most; between two of ours large packets make local networks and loopback up to three times as cheap.
    pub max_packet_size: usize,
    /// Whether packets are spread over time so that a large frame does not burst into the network. Default: yes.
    pub pacing: bool,
    /// How long received frames are held so that those after them come in time: at least, however even the path, and at
    /// most, however uneven; not empty, ten seconds at most.
    /// [`RemoteTrack::set_jitter_buffer_target`](crate::RemoteTrack::set_jitter_buffer_target) and lip sync may add to
    /// it. Default: 10 ms to 1 s.
    pub jitter_buffer: RangeInclusive<Duration>,
    /// The longest message taken on a data channel, bytes: 1 to half of `receive_buffer`. The remote is told.
    /// Default: 262144.
    pub max_message_size: usize,
    /// How much may wait to be delivered on all data channels together, bytes, at least 1; at that
    /// [`DataChannel::send`](crate::DataChannel::send) waits. A message must fit into it. Default: 16 MiB.
    pub send_buffer: usize,
    /// How much may wait to be read from all data channels together, bytes, 4096 to 1 GiB; at that the remote waits,
    /// with up to as much again on its way.
    /// Default: 16 MiB.
    pub receive_buffer: usize,
    /// Whether [`Event::Diagnostic`](crate::Event::Diagnostic) is given for each STUN and RTCP message. Default: no.
    pub diagnostics: bool,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            ice_servers: Vec::new(),
            bundle_policy: BundlePolicy::MaxBundle,
            certificates: Vec::new(),
            ice_candidate_pool_size: 0,
            ice_transport_policy: IceTransportPolicy::All,
            gathering: GatheringPolicy::Once,
            rtcp_mux_policy: RtcpMuxPolicy::Require,
            codecs: CodecCapability::all(),
            dtls: DtlsVersions::Any,
            interfaces: None,
            addresses: AddressOptions::default(),
            ice_tcp: IceTcp::default(),
            tls_roots: Vec::new(),
            mtu: 1200,
            max_packet_size: 16_384,
            pacing: true,
            jitter_buffer: Duration::from_millis(10)..=Duration::from_secs(1),
            max_message_size: 262_144,
            send_buffer: 16 * 1024 * 1024,
            receive_buffer: 16 * 1024 * 1024,
            diagnostics: false,
        }
    }
}

impl Configuration {
    /// What of it is the peer's.
    pub(crate) fn write_into(&self, config: &mut Config) {
        config.bundle_policy = self.bundle_policy;
        config.certificates.clone_from(&self.certificates);
        config.ice_candidate_pool_size = self.ice_candidate_pool_size;
        config.ice_transport_policy = self.ice_transport_policy;
        config.gathering = self.gathering;
        config.rtcp_mux_policy = self.rtcp_mux_policy;
        config.codecs.clone_from(&self.codecs);
        config.dtls = self.dtls;
        config.mtu = self.mtu;
        config.max_packet_size = self.max_packet_size;
        config.pacing = self.pacing;
        config.jitter_buffer = self.jitter_buffer.clone();
        config.max_message_size = self.max_message_size;
        config.send_buffer = self.send_buffer;
        config.receive_buffer = self.receive_buffer;
        config.diagnostics = self.diagnostics;
    }

    /// Whether a connection can be so that shares a port with others.
    ///
    /// # Errors
    /// `IceServer` for a URL we cannot use; `Endpoint` with what cannot be on a shared port.
    pub(crate) fn check_shared(&self, ice_lite: bool) -> Result<(), Error> {
        let servers = self.servers()?;
        let refused = if self.bundle_policy != BundlePolicy::MaxBundle {
            EndpointError::BundlePolicy
        } else if self.ice_candidate_pool_size > 1 {
            EndpointError::CandidatePool
        } else if self.interfaces.is_some() || self.addresses != AddressOptions::default() {
            EndpointError::Interfaces
        } else if self.gathering != GatheringPolicy::Once {
            EndpointError::Gathering
        } else if self.ice_tcp.passive.is_some() || self.ice_tcp.simultaneous {
            EndpointError::PassiveTcp
        } else if ice_lite && self.ice_tcp.active == Some(true) {
            EndpointError::LiteActiveTcp
        } else if !self.tls_roots.is_empty() {
            EndpointError::TlsRoots
        } else if ice_lite && !servers.is_empty() {
            EndpointError::LiteServers
        } else if !servers.turn.is_empty() || self.ice_transport_policy == IceTransportPolicy::Relay {
            EndpointError::Turn
        } else {
            return Ok(());
        };
        Err(refused.into())
    }

    /// The servers to ask.
    ///
    /// # Errors
    /// `IceServer` for one we cannot use.
    pub(crate) fn servers(&self) -> Result<Servers, Error> {
        let mut servers = Servers::default();
        self.ice_servers.iter().try_for_each(|server| server.add_to(&mut servers))?;
        Ok(servers)
    }
}
