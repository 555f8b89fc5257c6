//! From a configuration to what the machines of a peer are made with; here it is checked.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use peerless_transport::crypto::Certificate;
use peerless_transport::dtls::Versions;
use peerless_transport::{sctp, transport};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::config::{Config, DtlsVersions, GatheringPolicy, IceTransportPolicy, RtcpMuxPolicy};
use crate::error::Error;
use crate::id::TransportId;

/// The room SRTP and SRTCP need behind a packet: tag, and for RTCP the index (RFC 7714 §17, RFC 3711 §3.4).
const PROTECTION: usize = 20;
/// The end of `Config::jitter_buffer` at most.
const LONGEST_JITTER_BUFFER: Duration = Duration::from_secs(10);

/// The least `Config::mtu`: what every IPv4 host must take (RFC 791 §3.2), less its headers.
const MTU_MIN: usize = 548;
/// What `Config::receive_buffer` may be.
const RECEIVE_BUFFERS: RangeInclusive<usize> = 4096..=1 << 30;

/// Whether a peer can be made so.
///
/// # Errors
/// `NotSupported`, `Argument` with what is wrong.
pub(crate) fn check(config: &Config) -> Result<(), Error> {
    if !(sctp::BASE_PACKET_SIZE..=sctp::MAX_PACKET_SIZE).contains(&config.max_packet_size) {
        return Err(Error::Argument("the largest packet must be 1200 to 16384"));
    }
    if !(MTU_MIN..=65_507).contains(&config.mtu) {
        return Err(Error::Argument("the mtu must be 548 to 65507"));
    }
    if config.send_buffer == 0 || !RECEIVE_BUFFERS.contains(&config.receive_buffer) {
        return Err(Error::Argument("send_buffer must not be 0, receive_buffer 4096 bytes to 1 GiB"));
    }
    if !(4..=256).contains(&config.ice_ufrag_length) {
        return Err(Error::Argument("username fragments of ICE have 4 to 256 characters"));
    }
    check_policies(config)?;
    if config.certificates.iter().any(|certificate| certificate.expires() <= config.epoch.1) {
        return Err(Error::CertificateExpired);
    }
    if config.max_message_size == 0 || config.max_message_size > config.receive_buffer / 2 {
        return Err(Error::Argument("max_message_size must be 1 to half of receive_buffer"));
    }
    if config.jitter_buffer.is_empty() || *config.jitter_buffer.end() > LONGEST_JITTER_BUFFER {
        return Err(Error::Argument("jitter_buffer must hold a time, ten seconds at most"));
    }
    Ok(())
}

/// # Errors
/// `NotSupported` for what the standard has and we have not.
pub(crate) fn check_policies(config: &Config) -> Result<(), Error> {
    if config.rtcp_mux_policy == RtcpMuxPolicy::Negotiate {
        return Err(Error::NotSupported("RTCP without multiplexing"));
    }
    Ok(())
}

/// For the RTP session of one transport: all of a peer have one CNAME (RFC 8834 §4.9).
pub(crate) fn session_config(config: &Config, cname: &str, id: TransportId) -> peerless_rtp::config::Config {
    let seed = forked(&config.seed, stream_of(SESSION_STREAM, id));
    let mut session = peerless_rtp::config::Config::new(cname, seed, config.epoch);
    session.mtu = config.mtu - PROTECTION;
    session.pacing = config.pacing;
    session.jitter_buffer_min = *config.jitter_buffer.start();
    session.jitter_buffer_max = *config.jitter_buffer.end();
    session.diagnostics = config.diagnostics;
    session
}

pub(crate) fn transport_config(
    config: &Config,
    certificate: Arc<Certificate>,
    id: TransportId,
) -> transport::Config {
    let seed = forked(&config.seed, stream_of(TRANSPORT_STREAM, id));
    let mut made = transport::Config::new(seed, certificate);
    if config.simulation {
        made = made.simulated(seed);
    }
    made.diagnostics = config.diagnostics;
    made.ice.diagnostics = config.diagnostics;
    made.ice.is_continual = config.gathering == GatheringPolicy::Continually;
    made.ice.lite = config.ice_lite;
    made.ice.ufrag_length = config.ice_ufrag_length;
    made.ice.is_relay_only = config.ice_transport_policy == IceTransportPolicy::Relay;
    made.dtls.mtu = config.mtu;
    made.dtls.versions = match config.dtls {
        DtlsVersions::Any => Versions::Any,
        DtlsVersions::Only12 => Versions::Only12,
        DtlsVersions::Only13 => Versions::Only13,
    };
    made
}

pub(crate) fn sctp_config(config: &Config) -> sctp::Config {
    let mut made = sctp::Config::new(forked(&config.seed, SCTP_STREAM));
    made.max_message_size = config.max_message_size;
    made.receive_window = config.receive_buffer;
    made.send_buffer = config.send_buffer;
    made.max_packet_size = config.max_packet_size;
    made
}

pub(crate) const PEER_STREAM: u64 = 0;
pub(crate) const SESSION_STREAM: u64 = 1;
pub(crate) const TRANSPORT_STREAM: u64 = 2;
pub(crate) const TRANSCEIVERS_STREAM: u64 = 3;
pub(crate) const SCTP_STREAM: u64 = 4;

/// The stream of one transport's machine.
fn stream_of(machine: u64, id: TransportId) -> u64 {
    machine | u64::from(id.0) << 32
}

/// A source of chance of its own for each machine, so that a draw here does not change the draws there.
pub(crate) fn fork(seed: &[u8; 32], stream: u64) -> ChaCha20Rng {
    let mut chance = ChaCha20Rng::from_seed(*seed);
    chance.set_stream(stream);
    chance
}

pub(crate) fn forked(seed: &[u8; 32], stream: u64) -> [u8; 32] {
    let mut forked = [0; 32];
    fork(seed, stream).fill_bytes(&mut forked);
    forked
}
