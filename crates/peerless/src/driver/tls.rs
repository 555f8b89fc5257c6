//! TLS to TURN servers (RFC 8656 §2.1, RFC 7065 §3.1), and who vouches for them: by rustls, with the roots that the system trusts and those of the
//! configuration. There is no way to take any certificate.

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::error::Error;

/// With the system's roots alone, read once: there are some hundred of them.
static OF_SYSTEM: OnceLock<TlsConnector> = OnceLock::new();

/// Speaks TLS with the server that its URL calls `host`, a name or an address.
pub(crate) async fn connect(
    stream: TcpStream,
    host: String,
    roots: Arc<Vec<CertificateDer<'static>>>,
) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(host).map_err(io::Error::other)?;
    // The roots are files.
    let connector = tokio::task::spawn_blocking(move || connector(&roots)).await.map_err(io::Error::other)?;
    connector.map_err(io::Error::other)?.connect(name, stream).await
}

fn connector(roots: &[CertificateDer<'static>]) -> Result<TlsConnector, rustls::Error> {
    if let Some(known) = OF_SYSTEM.get().filter(|_| roots.is_empty()) {
        return Ok(known.clone());
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier(roots)?))
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    if roots.is_empty() {
        return Ok(OF_SYSTEM.get_or_init(|| connector).clone());
    }
    Ok(connector)
}

/// Who judges a server's certificate: the system, with these roots beside its own. Reads files.
pub(crate) fn verifier(roots: &[CertificateDer<'static>]) -> Result<Verifier, rustls::Error> {
    Verifier::new_with_extra_roots(roots.iter().cloned(), provider())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// The root certificates of the configuration.
///
/// # Errors
/// `TlsRoot` for one that is none.
pub(crate) fn roots(configured: &[Vec<u8>]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let root = |(place, der): (usize, &Vec<u8>)| {
        let der = CertificateDer::from(der.clone());
        match rustls::RootCertStore::empty().add(der.clone()) {
            Ok(()) => Ok(der),
            Err(_) => Err(Error::TlsRoot(place)),
        }
    };
    configured.iter().enumerate().map(root).collect()
}
