//! The configuration of a connection while it lives (webrtc-pc §4.4.2), and certificates for it (§4.9.1).

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use peerless_peer::configuration::{self, KeyAlgorithm};
use peerless_peer::error::Error as PeerError;
use peerless_transport::crypto::Certificate;

use crate::config::Configuration;
use crate::connection::PeerConnection;
use crate::error::Error;

impl PeerConnection {
    /// `getConfiguration`: as it was given, or set last.
    pub fn configuration(&self) -> Configuration {
        self.shared().look().configuration()
    }

    /// `setConfiguration`. The ICE servers and the policy of candidates can change at any time: gathering goes by the new
    /// ones from its next beginning on, as after an ICE restart. The size of the candidate pool can change until the first `set_local_description`. Give the
    /// rest as [`configuration`](Self::configuration) has it.
    ///
    /// # Errors
    /// `IceServer` for a URL we cannot use; `Endpoint` for what a connection of an endpoint cannot have; `Peer`: `Closed`, `NotSupported`, and `Fixed` (`InvalidModificationError`) where
    /// anything else differs. Nothing changes on error.
    pub fn set_configuration(&self, configuration: Configuration) -> Result<(), Error> {
        configuration.servers()?;
        let mut state = self.shared().lock();
        if state.shares_port {
            configuration.check_shared(state.peer.configuration().ice_lite)?;
        }
        if state.configuration.interfaces != configuration.interfaces
            || state.configuration.addresses != configuration.addresses
        {
            return Err(PeerError::Fixed("the interfaces").into());
        }
        if state.configuration.ice_tcp != configuration.ice_tcp {
            return Err(PeerError::Fixed("the candidates of TCP").into());
        }
        if state.configuration.tls_roots != configuration.tls_roots {
            return Err(PeerError::Fixed("the roots of TLS").into());
        }
        let mut config = state.peer.configuration().clone();
        configuration.write_into(&mut config);
        state.peer.set_configuration(Instant::now(), config)?;
        state.keep(configuration);
        Ok(())
    }

    /// `generateCertificate`: valid from now for `lifetime`, a year at most; 30 days where none is given.
    ///
    /// # Errors
    /// `Peer`: `NotSupported` for RSA.
    pub fn generate_certificate(
        algorithm: KeyAlgorithm,
        lifetime: Option<Duration>,
    ) -> Result<Arc<Certificate>, Error> {
        Ok(configuration::generate_certificate(SystemTime::now(), algorithm, lifetime)?)
    }
}
