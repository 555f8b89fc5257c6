//! The configuration of a peer while it lives (webrtc-pc §4.4.1.6, §4.4.2): what it is, what of it can change, and
//! certificates for it (§4.9.1).

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use peerless_transport::crypto::{Certificate, LIFETIME};

use crate::config::Config;
use crate::error::Error;
use crate::event::Event;
use crate::peer::Peer;
use crate::setup;

/// How the key of a certificate is made (webrtc-pc §4.9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// ECDSA on P-256 (`{ name: "ECDSA", namedCurve: "P-256" }`).
    EcdsaP256,
    /// RSASSA-PKCS1-v1_5 with SHA-256: refused, for every remote takes the other (RFC 8827 §6.5).
    Rsa,
}

/// `generateCertificate` (webrtc-pc §4.9.1): valid from `now` for `lifetime`, a year at most; 30 days where none is given.
///
/// # Errors
/// `NotSupported` for RSA; `Argument` where the cryptographic library makes no key.
pub fn generate_certificate(
    now: SystemTime,
    algorithm: KeyAlgorithm,
    lifetime: Option<Duration>,
) -> Result<Arc<Certificate>, Error> {
    if algorithm == KeyAlgorithm::Rsa {
        return Err(Error::NotSupported("RSA keys"));
    }
    let made = Certificate::generate_for(now, lifetime.unwrap_or(LIFETIME));
    made.map(Arc::new).map_err(|_| Error::Argument("no certificate could be made"))
}

impl Peer {
    /// `getConfiguration` (webrtc-pc §4.4.2): as it was given, or set last.
    pub fn configuration(&self) -> &Config {
        &self.config
    }

    /// `setConfiguration` (webrtc-pc §4.4.2). Of what a peer has, the policy of candidates can change, for the next
    /// gathering; and the size of the candidate pool, until the first `set_local_description`: gathering begins or ends at
    /// once. Give the rest as [`Peer::configuration`] has it.
    /// ICE servers are the caller's: `Event::Gather` asks for them.
    ///
    /// # Errors
    /// `Closed`; `NotSupported` as `Peer::new`; `Fixed` where anything else differs, or the pool after
    /// `set_local_description`. Nothing changes on error.
    pub fn set_configuration(&mut self, now: Instant, config: Config) -> Result<(), Error> {
        self.check_open()?;
        if let Some(what) = fixed_difference(&self.config, &config) {
            return Err(Error::Fixed(what));
        }
        setup::check_policies(&config)?;
        let is_pool_other = config.ice_candidate_pool_size != self.config.ice_candidate_pool_size;
        if is_pool_other && self.negotiation.has_local() {
            return Err(Error::Fixed("the candidate pool, once a local description was set,"));
        }
        if config.ice_transport_policy != self.config.ice_transport_policy {
            Arc::make_mut(&mut self.config).ice_transport_policy = config.ice_transport_policy;
            self.engine.links.set_transport_policy(config.ice_transport_policy);
        }
        if is_pool_other {
            self.config = Arc::new(config);
            self.fill_pool(now);
        }
        Ok(())
    }

    /// Gathers for as many transports as the pool shall have, and no more (RFC 9429 §3.5.4).
    pub(crate) fn fill_pool(&mut self, now: Instant) {
        let links = &mut self.engine.links;
        let (asking, surplus) = links.set_pool(now, self.config.ice_candidate_pool_size.into());
        for mut link in surplus {
            link.close(now);
            self.engine.tell(Event::TransportClosed(link.id));
        }
        asking.into_iter().for_each(|id| self.engine.tell(Event::Gather(id)));
    }
}

/// The first thing that differs and never changes.
fn fixed_difference(before: &Config, after: &Config) -> Option<&'static str> {
    let is_same = |one: &Arc<Certificate>, other: &Arc<Certificate>| one.der() == other.der();
    let certificates = before.certificates.len() == after.certificates.len()
        && before.certificates.iter().zip(&after.certificates).all(|(one, other)| is_same(one, other));
    let rows = [
        (before.bundle_policy == after.bundle_policy, "the bundle policy"),
        (before.rtcp_mux_policy == after.rtcp_mux_policy, "the policy of RTCP multiplexing"),
        (before.gathering == after.gathering, "the policy of gathering"),
        (certificates, "the certificates"),
        (before.seed == after.seed && before.epoch == after.epoch, "chance and time"),
        (before.dtls == after.dtls, "the versions of DTLS"),
        (before.codecs == after.codecs, "the codecs"),
        (before.mtu == after.mtu && before.max_packet_size == after.max_packet_size, "the size of packets"),
        (before.pacing == after.pacing && before.max_segments == after.max_segments, "the way packets leave"),
        (before.jitter_buffer == after.jitter_buffer, "the bounds of jitter buffers"),
        (before.max_message_size == after.max_message_size, "the longest message"),
        (before.send_buffer == after.send_buffer, "the send buffer"),
        (before.receive_buffer == after.receive_buffer, "the receive buffer"),
        (
            before.ice_lite == after.ice_lite && before.ice_ufrag_length == after.ice_ufrag_length,
            "the kind of ICE agent",
        ),
        (before.diagnostics == after.diagnostics && before.simulation == after.simulation, "diagnostics"),
    ];
    rows.into_iter().find(|(is_same, _)| !is_same).map(|(_, what)| what)
}
